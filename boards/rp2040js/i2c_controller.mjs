// The RP2040's I2C0 on the bus, byte by byte, at the clock that the firmware set.
const CYCLE_NS = 8;                 // of clk_sys, which counts SCL's periods
const BYTE_BITS = 9;                // with the acknowledgement
const READ = 1;                     // rp2040js: I2CMode.Read
const FUNCTION_I2C = 3;             // of a pin: RP2040 data sheet, 2.19.2
const IC_ENABLE = 0x6c, TX_EMPTY = 1 << 4;     // RP2040 data sheet, 4.3.17
const IDLE = 0;                     // rp2040js: I2CState.Idle

export class I2cController {
    #bus;
    #time;
    #pins;
    #i2c = null;
    #mcu = null;
    #event = null;                  // the end of what is on its way
    #inByte = false;                // which is a byte of data
    #waiting = false;               // for SDA to be free
    #emptied = false;               // TX_EMPTY is due when the byte is through

    constructor(bus, time, pins) {
        this.#bus = bus;
        this.#time = time;
        this.#pins = pins;
        bus.onRelease.push(() => this.#begin());
    }

    attach(mcu) {
        this.#abandon();
        this.#mcu = mcu;
        const i2c = this.#i2c = mcu.i2c[0];
        i2c.onStart = () => {
            this.#waiting = true;
            this.#begin();
        };
        i2c.onConnect = (address, mode) => this.#after(BYTE_BITS, () => {
            const acknowledged = this.#wired && this.#bus.start(address, mode === READ);
            i2c.completeConnect(acknowledged);
            if (!acknowledged) i2c.setInterrupts(TX_EMPTY);     // an abort empties the FIFO
        });
        i2c.onWriteByte = (byte) => {
            this.#inByte = true;
            this.#after(BYTE_BITS, () => i2c.completeWrite(this.#bus.write(byte)));
        };
        i2c.onReadByte = () => {
            this.#inByte = true;
            this.#after(BYTE_BITS, () => i2c.completeRead(this.#bus.read()));
        };
        i2c.onStop = () => this.#after(1, () => {
            this.#bus.stop();
            i2c.completeStop();
        });
        // The pico-sdk sets TX_EMPTY_CTRL: "empty" is when the last byte is through,
        // not, as in rp2040js, when it leaves the FIFO.
        const interrupt = i2c.setInterrupts;
        i2c.setInterrupts = (mask) => {
            if (mask === TX_EMPTY && this.#inByte) this.#emptied = true;
            else interrupt.call(i2c, mask);
        };
        // Disabling ends a transfer wherever it is; rp2040js would go on with it.
        const write = i2c.writeUint32;
        i2c.writeUint32 = (offset, value) => {
            if (offset === IC_ENABLE && !(value & 1)) this.#abandon();
            write.call(i2c, offset, value);
        };
    }

    get #wired() {
        return this.#pins.every((pin) => this.#mcu.gpio[pin].functionSelect === FUNCTION_I2C);
    }

    #after(bits, then) {
        const { sclHighPeriod, sclLowPeriod } = this.#i2c;
        const nanos = bits * (sclHighPeriod + sclLowPeriod) * CYCLE_NS;
        this.#event = this.#time.after(nanos, () => {
            this.#event = null;
            this.#inByte = false;
            if (this.#emptied) this.#i2c.setInterrupts(TX_EMPTY);
            this.#emptied = false;
            then();
        });
    }

    // A master waits with START while SDA is low.
    #begin() {
        if (!this.#waiting || this.#bus.held) return;
        this.#waiting = false;
        this.#after(1, () => this.#i2c.completeStart());
    }

    #abandon() {
        this.#waiting = this.#inByte = this.#emptied = false;
        if (!this.#i2c) return;
        this.#time.cancel(this.#event);
        this.#event = null;
        this.#bus.stop();
        this.#i2c.state = IDLE;
        this.#i2c.busy = false;
        this.#i2c.stop = false;
        this.#i2c.pendingRestart = false;
    }
}
