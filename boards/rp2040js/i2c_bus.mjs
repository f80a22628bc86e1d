// The I2C bus between a master (i2c_controller.mjs, i2c_pins.mjs) and the chips,
// and what may be wrong with it.

export class I2cBus {
    transfers = 0;                  // addressed to a chip that is there
    refused = 0;                    // of those, by errorEvery
    errorEvery = 0;                 // one transfer in so many is not acknowledged; 0: none
    onRelease = [];                 // called when SDA is no longer held
    #chips = new Map();             // by address
    #chip = null;                   // the one addressed
    #held = 0;                      // clocks until a chip lets go of SDA, 0: nobody holds it

    add(chip) {
        this.#chips.set(chip.address, chip);
    }

    // A chip that was cut off in the middle of a byte holds SDA low until it
    // has seen that many clocks. Infinity: for good. 0: lets go.
    hold(clocks) {
        this.#held = clocks;
        if (clocks === 0) for (const call of this.onRelease) call();
    }

    get held() {
        return this.#held > 0;
    }

    // SCL rose while the bus was held.
    clock() {
        if (this.#held > 0) this.hold(this.#held - 1);
    }

    // START and address; true where a chip acknowledges.
    start(address, reading) {
        const chip = this.#chips.get(address);
        this.#chip = null;
        if (!chip || chip.absent) return false;
        this.transfers++;
        if (this.errorEvery && this.transfers % this.errorEvery === 0) {
            this.refused++;
            return false;
        }
        this.#chip = chip;
        chip.start(reading);
        return true;
    }

    write(byte) {
        this.#chip?.write(byte);
        return this.#chip !== null;
    }

    read() {
        return this.#chip ? this.#chip.read() : 0xff;
    }

    stop() {
        this.#chip = null;
    }
}
