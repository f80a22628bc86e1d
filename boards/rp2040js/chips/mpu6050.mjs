// MPU-6050: registers by InvenSense's RM-MPU-6000A, revision 4.2.
import { Chip, toCounts } from './chip.mjs';

const SMPLRT_DIV = 0x19, CONFIG = 0x1a, GYRO_CONFIG = 0x1b, ACCEL_CONFIG = 0x1c;  // 4.2 to 4.5
const FIFO_EN = 0x23;                                                              // 4.6
const INT_PIN_CFG = 0x37, INT_ENABLE = 0x38, INT_STATUS = 0x3a;                    // 4.14 to 4.16
const ACCEL_XOUT_H = 0x3b, TEMP_OUT_H = 0x41, GYRO_XOUT_H = 0x43, GYRO_END = 0x49; // 4.17 to 4.19
const USER_CTRL = 0x6a, PWR_MGMT_1 = 0x6b;                                         // 4.27, 4.28
const FIFO_COUNTH = 0x72, FIFO_COUNTL = 0x73, FIFO_R_W = 0x74;                     // 4.30, 4.31
const WHO_AM_I = 0x75;                                                             // 4.32

const INT_LEVEL_LOW = 0x80, LATCH_INT_EN = 0x20, INT_RD_CLEAR = 0x10;   // INT_PIN_CFG
const FIFO_OFLOW = 0x10, DATA_RDY = 0x01;                               // INT_ENABLE, INT_STATUS
const USER_FIFO_EN = 0x40, USER_FIFO_RESET = 0x04;                      // USER_CTRL
const DEVICE_RESET = 0x80, SLEEP = 0x40;                                // PWR_MGMT_1
const TEMP = 0x80, XG = 0x40, YG = 0x20, ZG = 0x10, ACCEL = 0x08;       // FIFO_EN
const FIFO_BYTES = 1024;
const PULSE_NS = 50e3;              // of the interrupt pin, not latched
const TEMPERATURE = -3920;          // 25 degrees: 340 a degree, 36.53 at 0 (4.18)
const ACCEL_RANGES_G = [2, 4, 8, 16], GYRO_RANGES_DPS = [250, 500, 1000, 2000];

export class Mpu6050 extends Chip {
    idRegister = WHO_AM_I;
    #fifo = [];
    #last = 0;                      // byte read from the FIFO last
    #countLow = 0;                  // latched when the high byte is read
    #fresh = new Uint8Array(GYRO_END - ACCEL_XOUT_H);   // data not yet in the registers
    #pulse = null;                  // the end of the interrupt's pulse

    constructor(pin, time, motion) {
        super('mpu6050', 0x68, pin, time, motion);
        this.#reset();
    }

    #reset() {
        this.registers.fill(0);
        this.registers[PWR_MGMT_1] = SLEEP;
        this.registers[WHO_AM_I] = 0x68;
        this.#fresh.fill(0);
        this.#fifo.length = 0;
        this.#idle();
        this.sampleAt(0);
    }

    fifoLevel() {
        return this.#fifo.length;
    }

    nextPointer(pointer) {
        return pointer === FIFO_R_W ? pointer : super.nextPointer(pointer);
    }

    latch() {
        this.registers.set(this.#fresh, ACCEL_XOUT_H);
    }

    // As if nobody had read for so long that the FIFO ran over.
    overflow() {
        while (this.#fifo.length < FIFO_BYTES) this.#push(0);
        this.#push(0);
        this.#interrupt(FIFO_OFLOW);
    }

    // ---- Registers ----

    readRegister(at) {
        const { registers } = this;
        if (registers[INT_PIN_CFG] & INT_RD_CLEAR && at !== INT_STATUS) this.#clearStatus();
        switch (at) {
            case INT_STATUS: return this.#clearStatus();
            case FIFO_COUNTH:
                this.#countLow = this.#fifo.length & 0xff;
                return this.#fifo.length >> 8;
            case FIFO_COUNTL: return this.#countLow;
            case FIFO_R_W:
                // An empty FIFO gives its last byte again (4.31).
                if (this.#fifo.length) this.#last = this.#fifo.shift();
                return this.#last;
            default: return registers[at];
        }
    }

    writeRegister(at, value) {
        if ((at >= INT_STATUS && at < GYRO_END) || at === WHO_AM_I) return;     // read-only
        const { registers } = this;
        if (at === PWR_MGMT_1 && value & DEVICE_RESET) {
            this.#reset();
            return;
        }
        if (at === USER_CTRL) {
            // Resets "while FIFO_EN equals 0" (4.27): before, or with this write.
            const off = !(registers[USER_CTRL] & value & USER_FIFO_EN);
            if (value & USER_FIFO_RESET && off) this.#fifo.length = 0;
            value &= ~0x07;                                     // resets clear themselves
        }
        registers[at] = value;
        if (at === SMPLRT_DIV || at === CONFIG || at === PWR_MGMT_1) this.#setRate();
        if (at === INT_PIN_CFG || at === INT_ENABLE) this.#idle();
    }

    #setRate() {
        const { registers } = this;
        const filter = registers[CONFIG] & 7;
        const base = filter === 0 || filter === 7 ? 8000 : 1000;            // 4.2
        this.sampleAt(registers[PWR_MGMT_1] & SLEEP ? 0 : base / (1 + registers[SMPLRT_DIV]));
    }

    // ---- Samples ----

    sample({ accel, gyro, raw }) {
        const accelRange = ACCEL_RANGES_G[this.registers[ACCEL_CONFIG] >> 3 & 3];
        const gyroRange = GYRO_RANGES_DPS[this.registers[GYRO_CONFIG] >> 3 & 3];
        const data = new DataView(this.#fresh.buffer);
        for (let i = 0; i < 3; i++) {
            data.setInt16(2 * i, raw ? raw[i] : toCounts(accel[i], accelRange));
            const rate = raw ? raw[3 + i] ?? 0 : toCounts(gyro[i], gyroRange);
            data.setInt16(GYRO_XOUT_H - ACCEL_XOUT_H + 2 * i, rate);
        }
        data.setInt16(TEMP_OUT_H - ACCEL_XOUT_H, TEMPERATURE);
        const lost = this.overflows;
        if (this.registers[USER_CTRL] & USER_FIFO_EN) this.#store();
        this.#interrupt(this.overflows > lost ? DATA_RDY | FIFO_OFLOW : DATA_RDY);
    }

    // In the order of the registers (4.31).
    #store() {
        const parts = [[ACCEL, ACCEL_XOUT_H, 6], [TEMP, TEMP_OUT_H, 2], [XG, GYRO_XOUT_H, 2],
            [YG, GYRO_XOUT_H + 2, 2], [ZG, GYRO_XOUT_H + 4, 2]];
        for (const [bit, at, bytes] of parts) {
            if (!(this.registers[FIFO_EN] & bit)) continue;
            for (let i = 0; i < bytes; i++) this.#push(this.#fresh[at - ACCEL_XOUT_H + i]);
        }
    }

    // A full FIFO loses its oldest byte, whatever that was part of (4.31).
    #push(byte) {
        this.#fifo.push(byte);
        if (this.#fifo.length <= FIFO_BYTES) return;
        this.#fifo.shift();
        this.overflows++;
    }

    // ---- The interrupt pin (4.14) ----

    #interrupt(events) {
        const { registers } = this;
        registers[INT_STATUS] |= events;
        if (!(events & registers[INT_ENABLE])) return;
        this.drive(!(registers[INT_PIN_CFG] & INT_LEVEL_LOW));
        this.time.cancel(this.#pulse);
        if (registers[INT_PIN_CFG] & LATCH_INT_EN) return;
        this.#pulse = this.time.after(PULSE_NS, () => this.#idle());
    }

    #clearStatus() {
        const status = this.registers[INT_STATUS];
        this.registers[INT_STATUS] = 0;
        if (this.registers[INT_PIN_CFG] & LATCH_INT_EN) this.#idle();
        return status;
    }

    #idle() {
        this.time.cancel(this.#pulse);
        this.drive((this.registers[INT_PIN_CFG] & INT_LEVEL_LOW) !== 0);
    }
}
