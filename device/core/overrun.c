// Frames lost by a stream that overruns silently: a DMA fills blocks, an
// interrupt moves them into a ring of `capacity` frames, and where the ring is
// full a block is gone and nobody says so (machine.I2S of MicroPython).
//
// How many frames have been sampled by now follows from the board's clock, and
// the stream itself keeps that number right: whenever the ring was read empty, all
// whole blocks had been read, and the next one was not whole yet. Losses are whole
// blocks, and only those are counted that are certain; so the count is exact
// where the clock is right to a fraction of a block. A block in doubt is told once a
// later look has settled it.
#include <string.h>
#include "ts.h"

enum {
    FRACTION = 256,             // of a frame
    UNITS_PER_FRAME = 3906250,  // us * mHz of 1/FRACTION of a frame: 10^9 / FRACTION
    LATE = 8,                   // an interrupt may be late by a block / LATE
    WANDER_SHIFT = 14,          // 61 ppm: what the stream's rate may be off
};

int32_t ts_overrun_init(ts_overrun_t *o, const ts_clock_t *clock, uint32_t rate_mhz,
    uint32_t block, uint32_t capacity, int32_t oldest_lost, uint32_t late_us) {
    if (rate_mhz < 1 || rate_mhz > TS_RATE_MAX_MHZ || block < 1 || block > UINT16_MAX
        || capacity < block || capacity > INT32_MAX / FRACTION) {
        return TS_ERR_ARGUMENT;
    }
    memset(o, 0, sizeof(*o));
    o->us = clock->us;
    o->rate_mhz = rate_mhz;
    o->block = block;
    o->capacity = capacity;
    o->oldest_lost = oldest_lost != 0;
    o->high = (uint64_t)late_us * rate_mhz / UNITS_PER_FRAME;
    return 0;
}

// What was sampled since the last look.
static void advance(ts_overrun_t *o, const ts_clock_t *clock) {
    uint64_t units = (clock->us - o->us) * o->rate_mhz + o->rest;
    uint64_t moved = units / UNITS_PER_FRAME;
    o->us = clock->us;
    o->rest = (uint32_t)(units % UNITS_PER_FRAME);
    o->low += moved - (moved >> WANDER_SHIFT);
    o->high += moved + (moved >> WANDER_SHIFT);
}

// Of an interrupt, in fractions of a frame.
static uint64_t lateness(const ts_overrun_t *o) {
    return (uint64_t)o->block * FRACTION / LATE;
}

// Of `sampled` frames those neither read nor known as lost, 1/FRACTION.
static uint64_t left_of(const ts_overrun_t *o, uint64_t sampled) {
    uint64_t passed = o->passed * FRACTION;
    return sampled > passed ? sampled - passed : 0;
}


// Frames until the end of the block in whose middle the reader stands.
static uint32_t rest_of_block(const ts_overrun_t *o) {
    uint32_t into = (uint32_t)(o->passed % o->block);
    return into == 0 ? 0 : o->block - into;
}

// Is certainly more waiting than the ring can hold? Then there is a hole, o->ahead frames from
// here.
static void look_for_hole(ts_overrun_t *o) {
    uint32_t part = rest_of_block(o);
    uint64_t sampled = o->low > lateness(o) ? o->low - lateness(o) : 0;
    uint64_t whole = left_of(o, sampled) / FRACTION, held = part;
    if (whole > part) {
        held += (whole - part) / o->block * o->block;
    }
    // The most that it can hold: whole blocks and what is left of the one that is being read.
    uint32_t most = o->oldest_lost ? part + o->capacity / o->block * o->block
                                   : part + (o->capacity - part) / o->block * o->block;
    if (held <= (uint64_t)most + o->hole) {
        return;
    }
    if (o->hole == 0) {
        o->ahead = o->oldest_lost ? part : most;
    }
    o->hole = (uint32_t)(held - most);
}

static void pass_hole(ts_overrun_t *o) {
    o->passed += o->hole;
    o->lost += o->hole;
    o->hole = o->ahead = 0;
}

uint32_t ts_overrun_room(ts_overrun_t *o, const ts_clock_t *clock, uint32_t want) {
    advance(o, clock);
    look_for_hole(o);
    if (o->hole != 0 && o->ahead == 0) {
        pass_hole(o);
    }
    return o->hole != 0 && o->ahead < want ? o->ahead : want;
}

// The ring was empty at the last look and a little after: whole blocks not read by then are lost.
static void settle(ts_overrun_t *o) {
    uint64_t block = (uint64_t)o->block * FRACTION, most = block + lateness(o);
    uint64_t least_left = left_of(o, o->low);
    o->hole = o->ahead = 0;
    if (least_left > most) {
        uint64_t blocks = (least_left - most + block - 1) / block;
        o->passed += blocks * o->block;
        o->lost += blocks * o->block;
    }
    most += o->passed * FRACTION;
    if (o->high > most) {
        o->high = most;
    }
}

uint32_t ts_overrun_read(ts_overrun_t *o, const ts_clock_t *clock, uint32_t n, int32_t empty) {
    o->passed += n;
    o->ahead -= o->ahead < n ? o->ahead : n;
    if (empty) {
        settle(o);
    }
    advance(o, clock);
    uint64_t least = o->passed * FRACTION;
    if (o->low < least) {
        o->low = least;
        o->high = o->high < least ? least : o->high;
    }
    return (uint32_t)(o->lost & INT32_MAX);
}

uint32_t ts_overrun_back_us(const ts_overrun_t *o) {
    uint64_t us = left_of(o, o->low / 2 + o->high / 2) * UNITS_PER_FRAME / o->rate_mhz;
    return us < INT32_MAX ? (uint32_t)us : INT32_MAX;
}
