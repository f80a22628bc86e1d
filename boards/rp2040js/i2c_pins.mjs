// The bus at two pins, for a master that moves them itself: SoftI2C, MicroPython's
// scan(), and the nine clocks that free a bus.
const LOW = 0;                      // rp2040js: GPIOPinState.Low; all else leaves the line high
const BITS_AND_ACK = 9;
const ADDRESS = 'address', WRITE = 'write', READ = 'read', IDLE = 'idle';

export class I2cPins {
    #bus;
    #sclPin;
    #sdaPin;
    #scl = null;
    #sda = null;
    #clock = true;                  // SCL as the master drives it
    #data = true;                   // SDA as the master drives it
    #drive = true;                  // SDA as the chip drives it
    #phase = IDLE;
    #bits = 0;                      // of the byte under way that SCL has risen for
    #byte = 0;
    #acked = false;

    constructor(bus, scl, sda) {
        this.#bus = bus;
        this.#sclPin = scl;
        this.#sdaPin = sda;
        bus.onRelease.push(() => this.#show());
    }

    attach(mcu) {
        this.#scl = mcu.gpio[this.#sclPin];
        this.#sda = mcu.gpio[this.#sdaPin];
        this.#clock = this.#data = this.#drive = true;
        this.#phase = IDLE;
        this.#scl.setInputValue(true);
        this.#show();
        this.#scl.addListener((state) => this.#onClock(state !== LOW));
        this.#sda.addListener((state) => this.#onData(state !== LOW));
    }

    // A fault began or ended: SDA may have changed.
    show() {
        if (this.#sda) this.#show();
    }

    #show() {
        this.#sda?.setInputValue(this.#data && this.#drive && !this.#bus.held);
    }

    #chipDrives(level) {
        this.#drive = level;
        this.#show();
    }

    #onData(level) {
        if (level === this.#data) return;
        this.#data = level;
        if (this.#clock && !this.#bus.held) {
            if (this.#phase !== IDLE && level) this.#bus.stop();
            this.#phase = level ? IDLE : ADDRESS;       // STOP, or START
            this.#bits = this.#byte = 0;
            this.#drive = true;
        }
        this.#show();
    }

    #onClock(level) {
        if (level === this.#clock) return;
        this.#clock = level;
        this.#scl.setInputValue(level);
        if (level && this.#bus.held) this.#bus.clock();
        else if (this.#phase === IDLE) return;
        else if (level) this.#sample();
        else this.#change();
    }

    // SCL rises: the receiver takes a bit.
    #sample() {
        this.#bits++;
        if (this.#phase === READ) {
            if (this.#bits === BITS_AND_ACK && this.#data) this.#phase = IDLE;  // no more, please
        } else if (this.#bits < BITS_AND_ACK) {
            this.#byte = this.#byte << 1 | Number(this.#data);
        }
    }

    // SCL falls: the sender changes its bit.
    #change() {
        if (this.#bits === 0) return;                   // the fall after START
        if (this.#phase === READ) this.#changeReading();
        else this.#changeWriting();
    }

    #changeWriting() {
        if (this.#bits === 8) {
            this.#acked = this.#phase === ADDRESS
                ? this.#bus.start(this.#byte >> 1, (this.#byte & 1) === 1)
                : this.#bus.write(this.#byte);
            this.#chipDrives(!this.#acked);
        } else if (this.#bits === BITS_AND_ACK) {
            const reading = this.#phase === ADDRESS && (this.#byte & 1) === 1;
            this.#phase = !this.#acked ? IDLE : reading ? READ : WRITE;
            this.#bits = this.#byte = 0;
            this.#chipDrives(true);
            if (this.#phase === READ) this.#nextByte();
        }
    }

    #changeReading() {
        if (this.#bits < 8) this.#chipDrives((this.#byte >> (7 - this.#bits) & 1) === 1);
        else if (this.#bits === 8) this.#chipDrives(true);
        else this.#nextByte();
    }

    #nextByte() {
        this.#bits = 0;
        this.#byte = this.#bus.read();
        this.#chipDrives((this.#byte & 0x80) !== 0);
    }
}
