// When frames were sampled, by the board's clock.
//
// The newest of the frames counted so far was sampled somewhere in
// [early, late]. With every look at the sensor the interval moves on by what the
// frames since then took, and grows by what the sensor's clock may have
// wandered; the look itself narrows it: what waits was sampled before now, and
// the next frame was not there yet. Where nothing is left between the two
// ends, a frame is missing that nobody told of.
#include <string.h>
#include "ts.h"

enum {
    FRACTION = 8,               // bits below a microsecond
    SECOND = 1000000,
    RESOLUTION_US = 2,          // of a time between two readings of a clock in whole microseconds
    KNOWN_FRAMES = 256,         // from here on the measured rate is used
    KNOWN_US = SECOND / 2,
    BASELINE_FRAMES = 4096,     // one frame more or less is 0.025 %
    WANDER_SHIFT = 14,          // 61 ppm: what a sensor's clock may change within a baseline
    BACK_MAX = 1 << 25,         // frames: their time fits 64 bits
};

static const uint64_t BASELINE_US = 64 * (uint64_t)SECOND;

// ---- The board's clock ----

void ts_clock_read(ts_clock_t *clock, uint32_t ticks_us, uint32_t ticks_ms) {
    uint32_t us = (ticks_us - clock->last_us) & TS_TICKS_MASK;
    uint64_t ms = (ticks_ms - clock->last_ms) & TS_TICKS_MASK;
    if (clock->running) {
        // Whole turns of the microseconds, as the milliseconds tell.
        uint64_t by_ms = ms * 1000;
        uint64_t turn = (uint64_t)TS_TICKS_MASK + 1;
        if (by_ms > us) {
            clock->us += (by_ms - us + turn / 2) / turn * turn;
        }
        clock->us += us;
    } else {
        clock->running = 1;
        clock->us = (uint64_t)(ticks_ms & TS_TICKS_MASK) * 1000;
    }
    clock->last_us = ticks_us;
    clock->last_ms = ticks_ms;
}

// ---- Frames on that clock ----

// What n frames take, in fractions of a microsecond.
static uint64_t time_of(const ts_timebase_t *t, uint64_t n) {
    uint32_t rate = t->measured_mhz != 0 ? t->measured_mhz : t->nominal_mhz;
    return n * ((uint64_t)1000 * SECOND << FRACTION) / rate;
}

int32_t ts_timebase_init(ts_timebase_t *t, uint32_t rate_mhz) {
    if (rate_mhz < 1 || rate_mhz > TS_RATE_MAX_MHZ) {
        return TS_ERR_ARGUMENT;
    }
    memset(t, 0, sizeof(*t));
    t->nominal_mhz = rate_mhz;
    return 0;
}

static void set_anchor(ts_anchor_t *anchor, const ts_timebase_t *t) {
    anchor->frames = t->frames;
    anchor->us = (t->early / 2 + t->late / 2) >> FRACTION;
}

// The rate since an anchor between one and two baselines ago.
static void measure(ts_timebase_t *t) {
    uint64_t frames = t->frames - t->older.frames;
    uint64_t now = (t->early / 2 + t->late / 2) >> FRACTION;
    uint64_t us = now > t->older.us ? now - t->older.us : 0;
    if (frames < KNOWN_FRAMES || us < KNOWN_US) {
        return;
    }
    uint64_t rate = frames * 1000 * SECOND / us;
    t->measured_mhz = rate > TS_RATE_MAX_MHZ ? TS_RATE_MAX_MHZ : rate < 1 ? 1 : (uint32_t)rate;
    if (t->frames - t->newer.frames >= BASELINE_FRAMES && now - t->newer.us >= BASELINE_US) {
        t->older = t->newer;
        set_anchor(&t->newer, t);
    }
}

static void begin(ts_timebase_t *t, uint32_t n, uint64_t early, uint64_t late) {
    t->frames += n;
    t->early = early;
    t->late = late;
    set_anchor(&t->older, t);
    t->newer = t->older;
    t->running = 1;
}

// How far the time of the newest frame may be off after n more: by the sensor's clock, and by
// a rate that was measured between two looks, each of which leaves `reach` open.
static uint64_t wander_of(const ts_timebase_t *t, uint64_t moved, uint64_t reach, uint64_t period) {
    uint64_t baseline = t->frames - t->older.frames;
    uint64_t looks = (reach << FRACTION) / (period > 0 ? period : 1);  // in frames
    uint64_t rate = moved / (baseline > 0 ? baseline : 1) * looks >> (FRACTION - 1);
    uint64_t wander = (moved >> WANDER_SHIFT) + rate;
    return wander < moved ? wander : moved;
}

int32_t ts_timebase_mark(ts_timebase_t *t, const ts_clock_t *clock, uint32_t n,
    uint32_t back_us, uint32_t width_us, int exact) {
    uint64_t now = (clock->us > back_us ? clock->us - back_us : 0) << FRACTION;
    uint64_t period = time_of(t, 1);
    uint64_t reach = period + (((uint64_t)width_us + RESOLUTION_US) << FRACTION);
    uint64_t early = now > reach ? now - reach : 0;
    int32_t missing = 0;
    if (!t->running) {
        begin(t, n, exact ? early : now, now);
        return 0;
    }
    uint64_t moved = time_of(t, n), wander = wander_of(t, moved, reach, period);
    t->frames += n;
    t->early += moved - wander;
    t->late += moved + wander;
    if (t->late > now) {
        t->late = now;
    }
    if (!exact) {
        t->early = t->late;
    } else if (t->measured_mhz == 0) {
        // A nominal rate may be some percent off: only the look itself tells anything.
        t->early = early;
        t->late = now;
    } else if (t->early < early) {
        t->early = early;
    }
    if (t->early > t->late) {
        uint64_t gap = t->early - t->late;
        if (t->early == early) {
            missing = (int32_t)((gap + period - 1) / period);
            uint64_t took = time_of(t, (uint64_t)missing);
            t->frames += (uint64_t)missing;
            t->late = t->late + took < now ? t->late + took : now;
        } else {
            t->early = early;
            t->late = now;
        }
    }
    measure(t);
    return missing;
}

uint32_t ts_timebase_behind(const ts_timebase_t *t, const ts_clock_t *clock) {
    uint64_t now = clock->us << FRACTION, newest = t->early / 2 + t->late / 2;
    if (!t->running || now <= newest) {
        return 0;
    }
    uint64_t rate = t->measured_mhz != 0 ? t->measured_mhz : t->nominal_mhz;
    uint64_t frames = ((now - newest) >> FRACTION) * rate / ((uint64_t)1000 * SECOND);
    return frames > INT32_MAX ? INT32_MAX : (uint32_t)frames;
}

uint64_t ts_timebase_time(const ts_timebase_t *t, uint32_t back) {
    uint64_t newest = t->early / 2 + t->late / 2;
    uint64_t took = time_of(t, back < BACK_MAX ? back : BACK_MAX);
    return (newest > took ? newest - took : 0) >> FRACTION;
}
