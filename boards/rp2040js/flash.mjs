// The Pico's 2 MB of flash: the firmware, and at the end a file system that is a
// file of the host. Each erase and program is written to the file at once, so
// the end of this process, however it comes, is a power cut and no more.
import fs from 'node:fs';

export const FLASH_BYTES = 2 << 20;
const SECTOR_BYTES = 4096;
const PAGE_BYTES = 256;
// W25Q16JV, AC characteristics, typical. The core waits with interrupts off:
// MicroPython's rp2_flash.c.
const ERASE_SECTOR_NS = 45e6;
const PROGRAM_PAGE_NS = 0.4e6;

const ROM_BASE = 0x40070;           // rom/functions.c: HOST
const ERASE = 1, PROGRAM = 2, USB_BOOT = 3;

export class Flash {
    #bytes = new Uint8Array(FLASH_BYTES).fill(0xff);
    #disk;                          // file descriptor
    #diskStart;
    #cutIn = 0;                     // flash operations until the power goes, 0: never

    constructor(firmware, disk) {
        this.#bytes.set(fs.readFileSync(firmware));
        this.#disk = fs.openSync(disk, 'r+');
        const size = fs.fstatSync(this.#disk).size;
        if (size === 0 || size % SECTOR_BYTES || size >= FLASH_BYTES) {
            throw new Error(`${disk} has ${size} bytes: no file system of a Pico's`);
        }
        this.#diskStart = FLASH_BYTES - size;
        fs.readSync(this.#disk, this.#bytes, this.#diskStart, size, 0);
    }

    // Puts the contents into an RP2040 that boots, and serves its ROM.
    attach(mcu) {
        mcu.flash.set(this.#bytes);
        const registers = new Uint32Array(3);
        mcu.peripherals[ROM_BASE] = {
            readUint32: () => 0,
            writeUint32: () => {},
            writeUint32Atomic: (offset, value) => {
                if (offset < 12) registers[offset >> 2] = value;
                else if (offset === 12) this.#operate(mcu, value, ...registers);
            },
        };
    }

    // The power goes in the middle of the n-th erase or program from now.
    cutPowerIn(operations) {
        this.#cutIn = operations;
    }

    #operate(mcu, operation, offset, data, count) {
        if (operation === ERASE) {
            this.#change(mcu, offset, new Uint8Array(count).fill(0xff));
            mcu.clock.tick(Math.ceil(count / SECTOR_BYTES) * ERASE_SECTOR_NS);
        } else if (operation === PROGRAM) {
            // Programming clears bits and sets none.
            const bytes = mcu.flash.slice(offset, offset + count);
            bytes.forEach((old, i) => { bytes[i] = old & mcu.readUint8(data + i); });
            this.#change(mcu, offset, bytes);
            mcu.clock.tick(Math.ceil(count / PAGE_BYTES) * PROGRAM_PAGE_NS);
        } else {
            const what = operation === USB_BOOT ? 'machine.bootloader() was called'
                : `the firmware at 0x${data.toString(16)} needs a function that the boot ROM lacks`;
            throw new Error(`${what}: not emulated`);
        }
    }

    #change(mcu, offset, bytes) {
        const cut = this.#cutIn && --this.#cutIn === 0;
        if (cut) bytes = bytes.subarray(0, bytes.length >> 1);
        mcu.flash.set(bytes, offset);
        this.#bytes.set(bytes, offset);
        const skip = Math.max(this.#diskStart - offset, 0);
        if (skip < bytes.length) {
            fs.writeSync(this.#disk, bytes, skip, bytes.length - skip,
                offset + skip - this.#diskStart);
        }
        if (cut) process.kill(process.pid, 'SIGKILL');
    }
}
