// The RP2040: boots, runs, and keeps emulated time from running ahead of the
// wall clock. One core; 125 MHz throughout.
import fs from 'node:fs';
import { Simulator, quiet } from './library.mjs';

const CYCLE_NS = 8;
const SLICE = 100_000;              // instructions between looks at sockets
const AHEAD_NS = 2e6;               // emulated time may lead the wall clock by this much
const BEHIND_NS = 20e6;             // and make up for no more than this
const IDLE_NS = 1e6;                // a core that waits for nothing we know of waits so long
const WATCHDOG = 0x40058;

export class Machine {
    mcu = null;
    instructions = 0;
    paced = true;                   // by the wall clock; else time passes as fast as it can
    #rom;
    #flash;
    #time;
    #parts;
    #reset = false;
    #paused = false;
    #timer = null;
    #wallOffset = 0;                // wall clock less emulated time

    // parts: objects with attach(mcu), called whenever an RP2040 boots.
    constructor(rom, flash, time, parts) {
        const bytes = Buffer.alloc(16384);
        fs.readFileSync(rom).copy(bytes);
        this.#rom = new Uint32Array(bytes.buffer, bytes.byteOffset, bytes.length / 4);
        this.#flash = flash;
        this.#time = time;
        this.#parts = parts;
    }

    start() {
        this.#boot();
        this.#wallOffset = wallNanos() - this.#time.now;
        this.#run();
    }

    // Nothing runs until resume(): whoever takes our output is behind.
    pause() {
        this.#paused = true;
    }

    resume() {
        this.#paused = false;
        this.wake();
    }

    // Something from outside came: a core that waits looks at once.
    wake() {
        if (this.#timer === null) return;
        clearTimeout(this.#timer);
        this.#timer = null;
        setImmediate(() => this.#run());
    }

    #boot() {
        const old = this.mcu;
        const { rp2040: mcu, clock } = new Simulator();
        mcu.logger = quiet;
        mcu.loadBootrom(this.#rom);             // erases the flash, so before it
        mcu.onBreak = (code) => {
            throw new Error(`the firmware stopped at breakpoint ${code}, address 0x${
                mcu.core.PC.toString(16)}`);
        };
        const watchdog = mcu.peripherals[WATCHDOG];
        watchdog.onWatchdogTrigger = () => { this.#reset = true; };
        if (old) {                              // what survives a reset by the watchdog
            mcu.sram.set(old.sram);
            watchdog.reason = old.peripherals[WATCHDOG].reason;
            watchdog.scratchData.set(old.peripherals[WATCHDOG].scratchData);
        }
        this.#time.follow(clock);
        this.mcu = mcu;
        this.#flash.attach(mcu);
        for (const part of this.#parts) part.attach(mcu);
    }

    #run() {
        if (this.#paused) {
            this.#timer = setTimeout(() => this.#later(), 1000);
            return;
        }
        if (this.#reset) {
            this.#reset = false;
            this.#boot();
        }
        const limit = wallNanos() - this.#wallOffset + AHEAD_NS;
        this.#slice(this.paced ? limit : Infinity);
        const lead = this.#time.now - (wallNanos() - this.#wallOffset);
        if (lead < -BEHIND_NS || !this.paced) this.#wallOffset += -BEHIND_NS - lead;
        if (lead > AHEAD_NS / 2 && this.paced && !this.#reset) {
            this.#timer = setTimeout(() => this.#later(), lead / 1e6);
        } else {
            setImmediate(() => this.#run());
        }
    }

    #later() {
        this.#timer = null;
        this.#run();
    }

    // Runs a while, at most until emulated time reaches limit.
    #slice(limit) {
        const { core, clock } = this.mcu;
        let left = SLICE;
        for (; left > 0 && !this.#reset; left--) {
            if (!core.waiting) {
                clock.tick(core.executeInstruction() * CYCLE_NS);
                continue;
            }
            const room = limit - this.#time.now;
            if (room <= 0) break;
            const alarm = clock.nextAlarm ? clock.nanosToNextAlarm : IDLE_NS;
            clock.tick(Math.min(alarm, room));
        }
        this.instructions += SLICE - left;
    }
}

function wallNanos() {
    return performance.now() * 1e6;
}
