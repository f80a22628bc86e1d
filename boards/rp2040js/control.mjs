// The control channel: a test tells what goes wrong, and asks what happened.
// Lines of JSON over TCP; each is answered by one, {"ok": true, "status": ...} or
// {"error": "..."}. README.md has the list.
import net from 'node:net';

const LINE_BYTES = 4096;

export class Control {
    #board;

    // board: { machine, time, flash, bus, pins, chips, motion of each chip }
    constructor(board) {
        this.#board = board;
    }

    listen(port) {
        const server = net.createServer((socket) => this.#serve(socket));
        return new Promise((resolve, reject) => {
            server.on('error', reject);
            server.listen(port, '127.0.0.1', () => resolve(server.address().port));
        });
    }

    #serve(socket) {
        let text = '';
        socket.setEncoding('utf8');
        socket.on('error', () => {});
        socket.on('data', (part) => {
            text += part;
            const lines = text.split('\n');
            text = lines.pop();
            for (const line of lines) socket.write(JSON.stringify(this.#answer(line)) + '\n');
            if (text.length > LINE_BYTES) socket.destroy();
        });
    }

    #answer(line) {
        try {
            this.apply(JSON.parse(line));
            return { ok: true, status: this.status() };
        } catch (e) {
            return { error: e.message };
        }
    }

    // One request: {part: {what: value, ...}, ...}; README.md has parts and values.
    apply(request) {
        for (const [key, value] of Object.entries(request)) {
            if (key === 'bus') this.#settle(value, this.#bus);
            else if (key === 'flash') this.#settle(value, this.#flash);
            else if (key === 'machine') this.#settle(value, this.#machine);
            else if (key in this.#board.chips) this.#settle(value, this.#chip(key));
            else throw new Error(`${key}: expected machine, bus, flash, mpu6050 or lsm6dsox`);
        }
    }

    #settle(values, setters) {
        for (const [key, value] of Object.entries(values)) {
            if (!(key in setters)) {
                throw new Error(`${key}: expected one of ${Object.keys(setters).join(', ')}`);
            }
            setters[key](value);
        }
    }

    get #bus() {
        const { bus, pins } = this.#board;
        return {
            // true: SDA is low for good; a number: until so many clocks; false: free.
            stuck: (value) => {
                bus.hold(value === true ? Infinity : whole(value || 0, 0, 1000));
                pins.show();
            },
            error_every: (value) => { bus.errorEvery = whole(value, 0, 1e9); },
        };
    }

    get #flash() {
        return { cut_in: (value) => this.#board.flash.cutPowerIn(whole(value, 0, 1e9)) };
    }

    get #machine() {
        return { paced: (value) => { this.#board.machine.paced = Boolean(value); } };
    }

    #chip(name) {
        const chip = this.#board.chips[name];
        const motion = chip.motion;
        return {
            absent: (value) => { chip.absent = Boolean(value); },
            who_am_i: (value) => { chip.whoAmI = value === null ? null : whole(value, 0, 255); },
            odr: (value) => {
                if (!(value >= 0.8 && value <= 1.2)) throw new Error('odr expected 0.8 to 1.2');
                chip.odr = value;
            },
            overflow: (value) => { if (value) chip.overflow(); },
            motion: (value) => motion.move(value),
            frames: (value) => motion.play(value, false, chip.samples),
            frames_once: (value) => motion.play(value, true, chip.samples),
        };
    }

    status() {
        const { machine, time, bus, chips } = this.#board;
        return {
            time_us: Math.floor(time.now / 1000), instructions: machine.instructions,
            bus: { transfers: bus.transfers, refused: bus.refused, stuck: bus.held },
            mpu6050: chips.mpu6050.status(), lsm6dsox: chips.lsm6dsox.status(),
        };
    }
}

function whole(value, low, high) {
    if (!Number.isInteger(value) || value < low || value > high) {
        const got = JSON.stringify(value);
        throw new Error(`expected a whole number from ${low} to ${high}, got ${got}`);
    }
    return value;
}
