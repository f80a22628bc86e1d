// What the chips feel: a motion by formula, or frames from a file.
//
// at(sample, nanos) gives { accel, gyro, raw }: either accel in g and gyro in
// degrees/s, or raw counts of up to six channels that a chip hands on as they are.
import fs from 'node:fs';

const MOTIONS = {
    // Lies on a table.
    still: () => ({ accel: [0, 0, 1], gyro: [0, 0, 0] }),
    // Turns and shakes slowly, each axis in its own way.
    sway: (_, nanos) => {
        const t = 2 * Math.PI * (nanos % 60e9) / 1e9;
        return {
            accel: [0.3 * Math.sin(t), 0.3 * Math.cos(t), 1 + 0.1 * Math.sin(2 * t)],
            gyro: [40 * Math.cos(t), 40 * Math.sin(t), 10 * Math.sin(0.5 * t)],
        };
    },
    // The sample's number, so that a lost one shows: low 15 bits, high bits, and the
    // low bits negated; then those of the number after it.
    count: (sample) => {
        const low = sample & 0x7fff, next = (sample + 1) & 0x7fff;
        return { raw: [low, sample >> 15 & 0x7fff, -low, next, sample + 1 >> 15 & 0x7fff, -next] };
    },
};
export const MOTION_NAMES = Object.keys(MOTIONS);

export class Motion {
    #name = 'sway';
    #frames = null;
    #once = false;
    #first = 0;                     // sample that gets the first frame

    // A motion by name.
    move(name) {
        if (!(name in MOTIONS)) {
            throw new Error(`motion expected one of ${MOTION_NAMES.join(', ')}, got ${name}`);
        }
        this.#name = name;
        this.#frames = null;
    }

    // Frames of a file, one a sample, from sample number first on; then the first
    // again, or the motion by name if once.
    play(file, once, first) {
        this.#frames = readFrames(file);
        this.#once = once;
        this.#first = first;
    }

    at(sample, nanos) {
        if (this.#frames) {
            const index = sample - this.#first;
            if (!this.#once || index < this.#frames.length) {
                return { raw: this.#frames[index % this.#frames.length] };
            }
        }
        return MOTIONS[this.#name](sample, nanos);
    }
}

// Rows of 3 or 6 numbers with commas between them, after a line of names or
// none; or, in a .raw3 or .raw6, int16 after int16, little-endian.
function readFrames(file) {
    const raw = /\.raw([36])$/.exec(file);
    const frames = raw ? readRaw(fs.readFileSync(file), Number(raw[1])) : readCsv(file);
    if (!frames.length) throw new Error(`${file} holds no frame`);
    return frames;
}

function readRaw(bytes, channels) {
    const frames = [];
    for (let at = 0; at + 2 * channels <= bytes.length; at += 2 * channels) {
        frames.push(Array.from({ length: channels }, (_, i) => bytes.readInt16LE(at + 2 * i)));
    }
    return frames;
}

function readCsv(file) {
    const lines = fs.readFileSync(file, 'utf8').split('\n');
    const frames = [];
    lines.forEach((line, i) => {
        if (!line.trim() || (i === 0 && /[a-z]/i.test(line))) return;
        const frame = line.split(',').map(Number);
        const good = frame.every((x) => Number.isInteger(x) && x >= -32768 && x <= 32767);
        if (!good || ![3, 6].includes(frame.length)) {
            throw new Error(`${file}, line ${i + 1}: expected 3 or 6 numbers of int16`);
        }
        frames.push(frame);
    });
    return frames;
}
