// LSM6DSOX: registers by ST's DS12814, FIFO by AN5272. Left out: compression, the
// embedded functions' and the sensor hub's pages, INT2, the counter of batches, the
// triggered FIFO modes (they count as continuous).
import { Chip, toCounts } from './chip.mjs';

// Sections of DS12814 have the registers' names.
const FUNC_CFG_ACCESS = 0x01;
const FIFO_CTRL1 = 0x07, FIFO_CTRL2 = 0x08, FIFO_CTRL3 = 0x09, FIFO_CTRL4 = 0x0a;
const COUNTER_BDR_REG1 = 0x0b, INT1_CTRL = 0x0d, WHO_AM_I = 0x0f;
const CTRL1_XL = 0x10, CTRL2_G = 0x11, CTRL3_C = 0x12, CTRL10_C = 0x19;
const STATUS_REG = 0x1e, OUT_TEMP_L = 0x20, OUTX_L_G = 0x22, OUTX_L_A = 0x28, OUTZ_H_A = 0x2d;
const FIFO_STATUS1 = 0x3a, FIFO_STATUS2 = 0x3b;
const TIMESTAMP0 = 0x40, TIMESTAMP2 = 0x42, TIMESTAMP3 = 0x43;
const INTERNAL_FREQ_FINE = 0x63;
const FIFO_DATA_OUT_TAG = 0x78, FIFO_DATA_OUT_Z_H = 0x7e;

const STOP_ON_WTM = 0x80;                                       // FIFO_CTRL2
const FIFO_MODE = 0x07, KEEP_FIRST = 1;                         // FIFO_CTRL4
const DATAREADY_PULSED = 0x80;                                  // COUNTER_BDR_REG1
const INT_FULL = 0x20, INT_OVR = 0x10, INT_TH = 0x08;           // INT1_CTRL
const H_LACTIVE = 0x20, IF_INC = 0x04, SW_RESET = 0x01;         // CTRL3_C
const TIMESTAMP_EN = 0x20;                                      // CTRL10_C
const GYRO_READY = 0x02, ACCEL_READY = 0x01;                    // STATUS_REG, INT1_CTRL
const WTM_IA = 0x80, OVR_IA = 0x40, FULL_IA = 0x20, OVR_LATCHED = 0x08;         // FIFO_STATUS2
const TAG_GYRO = 1, TAG_ACCEL = 2, TAG_TEMPERATURE = 3, TAG_TIMESTAMP = 4;

const FIFO_WORDS = 512;             // 3 kB of 6 bytes, tags apart
const FASTEST_HZ = 6667;            // AN5272, ODR: all rates are this one halved
const FINE_STEP = 0.0015;           // INTERNAL_FREQ_FINE
const TICK_NS = 25e3;               // of the timestamp
const PULSE_NS = 75e3;              // of data-ready, not latched
const ACCEL_RANGES_G = [2, 16, 4, 8];                           // FS_XL
const GYRO_RANGES_DPS = [250, 500, 1000, 2000];                 // FS_G; FS_125 apart
const TEMPERATURE_DIVIDERS = [0, 4096, 512, 128];               // ODR_T_BATCH: 1.6, 12.5, 52 Hz

// Samples of the fastest rate from one at this rate to the next; 0: off. Codes 1
// to 10 are 12.5 Hz to 6667 Hz, 11 is 1.6 Hz (gyroscope's batches: 6.5 Hz).
function divider(code, slowest) {
    if (code === 11) return slowest;
    return code >= 1 && code <= 10 ? 1 << (10 - code) : 0;
}

export class Lsm6dsox extends Chip {
    idRegister = WHO_AM_I;
    #fifo = [];                     // words of seven bytes
    #word = new Uint8Array(7);      // what the FIFO's output registers hold when it is empty
    #fresh = new Uint8Array(OUTZ_H_A - OUT_TEMP_L + 1);
    #step = 0;                      // samples of the fastest rate between ours
    #ticks = 0;                     // of the fastest rate
    #slot = 0;                      // TAG_CNT
    #epoch = 0;                     // when the timestamp was 0
    #lost = false;                  // FIFO_OVR_IA
    #pulse = null;

    constructor(pin, time, motion) {
        super('lsm6dsox', 0x6a, pin, time, motion);
        this.#reset();
    }

    #reset() {
        const fine = this.registers[INTERNAL_FREQ_FINE];
        this.registers.fill(0);
        this.registers[WHO_AM_I] = 0x6c;
        this.registers[CTRL3_C] = IF_INC;
        this.registers[INTERNAL_FREQ_FINE] = fine;
        this.#fresh.fill(0);
        this.#empty();
        this.#setRate();
        this.#update();
    }

    odrChanged(ratio) {
        this.registers[INTERNAL_FREQ_FINE] = Math.round((ratio - 1) / FINE_STEP);
    }

    fifoLevel() {
        return this.#fifo.length;
    }

    // Output words go round, so that any number is one read (AN5272, FIFO).
    nextPointer(pointer) {
        if (!(this.registers[CTRL3_C] & IF_INC)) return pointer;
        return pointer === FIFO_DATA_OUT_Z_H ? FIFO_DATA_OUT_TAG : super.nextPointer(pointer);
    }

    latch() {
        this.registers.set(this.#fresh, OUT_TEMP_L);
    }

    // As if nobody had read for so long that the FIFO ran over.
    overflow() {
        while (this.#fifo.length < this.#capacity) this.#push(TAG_ACCEL, new Uint8Array(6));
        this.#push(TAG_ACCEL, new Uint8Array(6));
        this.#update();
    }

    // ---- Registers ----

    readRegister(at) {
        const { registers } = this;
        if (at >= FIFO_DATA_OUT_TAG && at <= FIFO_DATA_OUT_Z_H) return this.#readFifo(at);
        if (at === FIFO_STATUS1) return this.#fifo.length & 0xff;
        if (at === FIFO_STATUS2) return this.#readStatus2();
        if (at >= TIMESTAMP0 && at <= TIMESTAMP3) {
            return this.#stamp() >>> 8 * (at - TIMESTAMP0) & 0xff;
        }
        const value = registers[at];
        if (at >= OUTX_L_G && at < OUTX_L_A) this.#seen(GYRO_READY);
        else if (at >= OUTX_L_A && at <= OUTZ_H_A) this.#seen(ACCEL_READY);
        return value;
    }

    #readFifo(at) {
        const word = this.#fifo[0] ?? this.#word;
        if (at === FIFO_DATA_OUT_Z_H && this.#fifo.length) {
            this.#fifo.shift();
            this.#lost = false;
            this.#update();
        }
        return word[at - FIFO_DATA_OUT_TAG];
    }

    #readStatus2() {
        const status = this.#flags() | this.#fifo.length >> 8;
        this.registers[FIFO_STATUS2] = 0;                       // what is latched
        this.#update();
        return status;
    }

    #seen(bit) {
        if (!(this.registers[STATUS_REG] & bit)) return;
        this.registers[STATUS_REG] &= ~bit;
        this.#update();
    }

    writeRegister(at, value) {
        const { registers } = this;
        const readOnly = at === WHO_AM_I || (at >= STATUS_REG && at <= FIFO_STATUS2)
            || at === INTERNAL_FREQ_FINE || at >= FIFO_DATA_OUT_TAG || at === FUNC_CFG_ACCESS;
        if (readOnly) return;
        if (at === CTRL3_C && value & SW_RESET) {
            this.#reset();
            return;
        }
        if (at === TIMESTAMP2) {                                // 0xaa resets the counter
            if (value === 0xaa) this.#epoch = this.time.now;
            return;
        }
        registers[at] = value;
        if (at === FIFO_CTRL4 && !(value & FIFO_MODE)) this.#empty();   // bypass
        if (at === CTRL1_XL || at === CTRL2_G) this.#setRate();
        this.#update();
    }

    #setRate() {
        const dividers = [this.#accelDivider, this.#gyroDivider].filter((d) => d);
        const step = dividers.length ? Math.min(...dividers) : 0;
        if (step !== this.#step) this.#ticks = 0;
        this.#step = step;
        this.sampleAt(step ? FASTEST_HZ / step : 0);
    }

    get #accelDivider() {
        return divider(this.registers[CTRL1_XL] >> 4, 4096);
    }

    get #gyroDivider() {
        return divider(this.registers[CTRL2_G] >> 4, 0);
    }

    get #watermark() {
        return this.registers[FIFO_CTRL1] | (this.registers[FIFO_CTRL2] & 1) << 8;
    }

    get #capacity() {
        const stop = this.registers[FIFO_CTRL2] & STOP_ON_WTM && this.#watermark;
        return stop ? Math.min(this.#watermark, FIFO_WORDS) : FIFO_WORDS;
    }

    #stamp() {
        if (!(this.registers[CTRL10_C] & TIMESTAMP_EN)) return 0;
        return Math.floor((this.time.now - this.#epoch) / TICK_NS) >>> 0;
    }

    // ---- Samples ----

    sample({ accel, gyro, raw }) {
        this.#ticks += this.#step;
        const due = (every) => every !== 0 && this.#ticks % every === 0;
        const data = new DataView(this.#fresh.buffer);
        const put = (at, values) => values.forEach((value, i) => {
            data.setInt16(at - OUT_TEMP_L + 2 * i, value, true);
        });
        let ready = 0;
        if (due(this.#gyroDivider)) {
            put(OUTX_L_G, raw ? [3, 4, 5].map((i) => raw[i] ?? 0)
                : gyro.map((value) => toCounts(value, this.#gyroRange)));
            ready |= GYRO_READY;
        }
        if (due(this.#accelDivider)) {
            const range = ACCEL_RANGES_G[this.registers[CTRL1_XL] >> 2 & 3];
            put(OUTX_L_A, raw ? raw.slice(0, 3) : accel.map((value) => toCounts(value, range)));
            ready |= ACCEL_READY;
        }
        this.registers[STATUS_REG] |= ready;
        this.#batch(due);
        this.#update(ready);
    }

    get #gyroRange() {
        const control = this.registers[CTRL2_G];
        return control & 2 ? 125 : GYRO_RANGES_DPS[control >> 2 & 3];
    }

    // One time slot of the FIFO: gyroscope, accelerometer, temperature, time.
    #batch(due) {
        const { registers } = this;
        if (!(registers[FIFO_CTRL4] & FIFO_MODE)) return;
        const part = (at) => this.#fresh.slice(at - OUT_TEMP_L, at - OUT_TEMP_L + 6);
        // No word more often than its sensor samples; none from one that is off.
        const batched = (rate, sensor) => rate && sensor && due(Math.max(rate, sensor));
        const words = [];
        if (batched(divider(registers[FIFO_CTRL3] >> 4, 1024), this.#gyroDivider)) {
            words.push([TAG_GYRO, part(OUTX_L_G)]);
        }
        if (batched(divider(registers[FIFO_CTRL3] & 15, 4096), this.#accelDivider)) {
            words.push([TAG_ACCEL, part(OUTX_L_A)]);
        }
        if (due(TEMPERATURE_DIVIDERS[registers[FIFO_CTRL4] >> 4 & 3])) {
            words.push([TAG_TEMPERATURE, part(OUT_TEMP_L).fill(0, 2)]);
        }
        const stamped = registers[FIFO_CTRL4] >> 6 && registers[CTRL10_C] & TIMESTAMP_EN;
        if (words.length && stamped) words.push([TAG_TIMESTAMP, this.#stampBytes()]);
        for (const [tag, bytes] of words) this.#push(tag, bytes);
        if (words.length) this.#slot = (this.#slot + 1) & 3;
    }

    #stampBytes() {
        const bytes = new Uint8Array(6);
        new DataView(bytes.buffer).setUint32(0, this.#stamp(), true);
        return bytes;
    }

    // FIFO mode keeps what came first, continuous mode what came last.
    #push(tag, bytes) {
        const full = this.#fifo.length >= this.#capacity;
        if (full) {
            this.overflows++;
            this.#lost = true;
            this.registers[FIFO_STATUS2] |= OVR_LATCHED;
            if ((this.registers[FIFO_CTRL4] & FIFO_MODE) === KEEP_FIRST) return;
            this.#fifo.shift();
        }
        let head = tag << 3 | this.#slot << 1;
        for (let bits = head; bits; bits >>= 1) head ^= bits & 1;   // TAG_PARITY: even
        this.#fifo.push(Uint8Array.of(head, ...bytes));
    }

    #empty() {
        this.#fifo.length = 0;
        this.#lost = false;
        this.registers[FIFO_STATUS2] = 0;
    }

    // ---- Status and the interrupt pin ----

    #flags() {
        let flags = this.registers[FIFO_STATUS2] & OVR_LATCHED;
        if (this.#watermark && this.#fifo.length >= this.#watermark) flags |= WTM_IA;
        if (this.#lost) flags |= OVR_IA;
        if (this.#fifo.length >= this.#capacity - 1) flags |= FULL_IA;
        return flags;
    }

    // fresh: data-ready bits that were set just now.
    #update(fresh = 0) {
        const { registers } = this;
        const control = registers[INT1_CTRL], flags = this.#flags();
        let active = (control & INT_TH && flags & WTM_IA) || (control & INT_OVR && flags & OVR_IA)
            || (control & INT_FULL && flags & FULL_IA);
        if (!(registers[COUNTER_BDR_REG1] & DATAREADY_PULSED)) {
            active ||= control & registers[STATUS_REG] & (GYRO_READY | ACCEL_READY);
        } else if (control & fresh) {
            active = true;
            this.time.cancel(this.#pulse);
            this.#pulse = this.time.after(PULSE_NS, () => this.#update());
        }
        this.drive(Boolean(active) !== ((registers[CTRL3_C] & H_LACTIVE) !== 0));
    }
}
