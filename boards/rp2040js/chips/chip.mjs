// What the simulated chips share: registers behind an address pointer, sampling
// by the emulated clock, an interrupt pin, and what a test may set.

export class Chip {
    absent = false;
    samples = 0;                    // taken since power on
    overflows = 0;                  // words or bytes that the FIFO lost
    #idOverride = null;
    #odr = 1;
    #hz = 0;                        // nominal rate
    #event = null;                  // the next sample
    #origin = 0;                    // when the present rate began
    #since = 0;                     // samples since then
    #period = 0;                    // ns, 0: no sampling
    #pin = null;
    #level = false;
    #expectAddress = false;

    // name: for tests; pin: the Pico's pin that the interrupt is wired to.
    constructor(name, address, pin, time, motion) {
        Object.assign(this, { name, address, pin, time, motion });
        this.registers = new Uint8Array(128);
        this.pointer = 0;
    }

    attach(mcu) {
        this.#pin = mcu.gpio[this.pin];
        this.#pin.setInputValue(this.#level);
    }

    // ---- The bus's side ----

    start(reading) {
        this.#expectAddress = !reading;
        this.latch();
    }

    write(byte) {
        if (this.#expectAddress) {
            this.pointer = byte & 0x7f;
            this.#expectAddress = false;
            return;
        }
        this.writeRegister(this.pointer, byte);
        this.pointer = this.nextPointer(this.pointer);
    }

    read() {
        const at = this.pointer;
        this.pointer = this.nextPointer(at);
        if (at === this.idRegister && this.#idOverride !== null) return this.#idOverride;
        return this.readRegister(at);
    }

    // ---- A test's side: control.mjs ----

    // Another identity than the chip's; null: its own.
    set whoAmI(id) {
        this.#idOverride = id;
    }

    // True rate as a part of the nominal one: 1.03 samples 3 % faster.
    set odr(ratio) {
        this.#odr = ratio;
        this.odrChanged(ratio);
        this.#restart();
    }

    get odr() {
        return this.#odr;
    }

    status() {
        return {
            samples: this.samples, fifo: this.fifoLevel(), overflows: this.overflows,
            rate_hz: this.#period ? 1e9 / this.#period : 0,
        };
    }

    // ---- For chips ----

    nextPointer(pointer) {
        return (pointer + 1) & 0x7f;
    }

    latch() {}                      // a transfer begins: data registers stay as they are now

    odrChanged() {}

    // Samples hz times a second, nominally, from now; 0: not at all.
    sampleAt(hz) {
        if (hz === this.#hz && this.#event) return;
        this.#hz = hz;
        this.#restart();
    }

    #restart() {
        this.time.cancel(this.#event);
        this.#event = null;
        this.#period = this.#hz ? 1e9 / (this.#hz * this.#odr) : 0;
        this.#origin = this.time.now;
        this.#since = 0;
        if (this.#period) this.#schedule();
    }

    #schedule() {
        const when = this.#origin + ++this.#since * this.#period;
        this.#event = this.time.at(when, () => {
            this.#schedule();
            this.sample(this.motion.at(this.samples++, this.time.now));
        });
    }

    // The interrupt pin's level.
    drive(level) {
        if (level === this.#level) return;
        this.#level = level;
        this.#pin?.setInputValue(level);
    }
}

// Counts of a quantity at a full scale, saturated as a chip does.
export function toCounts(value, fullScale) {
    return Math.max(-32768, Math.min(32767, Math.round(value / fullScale * 32768)));
}
