// Ring, unpacking of FIFO bytes, and time of frames.
#include <string.h>
#include "ts.h"
#include "unit.h"

// ---- Ring ----

enum { CHANNELS = 2, RING_FRAMES = 8 };

// Frame i is (i, -i).
static void push(ts_ring_t *r, int first, int n, int lost) {
    int16_t frames[64 * CHANNELS];
    for (int i = 0; i < n; i++) {
        frames[2 * i] = (int16_t)(first + i);
        frames[2 * i + 1] = (int16_t)-(first + i);
    }
    ts_ring_push(r, frames, (uint32_t)n, (uint32_t)lost);
}

static void expect(ts_ring_t *r, uint32_t most, int first, uint32_t n, uint32_t lost) {
    int16_t out[64 * CHANNELS];
    CHECK_EQ(ts_ring_pop(r, out, most), n);
    for (uint32_t i = 0; i < n; i++) {
        CHECK_EQ(out[2 * i], first + (int)i);
        CHECK_EQ(out[2 * i + 1], -(first + (int)i));
    }
    CHECK_EQ(r->lost, lost);
}

static void ring_keeps_order_and_holes(void) {
    int16_t storage[RING_FRAMES * CHANNELS];
    ts_ring_t r;
    CHECK_EQ(ts_ring_init(&r, storage, RING_FRAMES, CHANNELS), 0);
    push(&r, 0, 5, 0);
    expect(&r, 3, 0, 3, 0);
    push(&r, 5, 3, 2);                          // a hole before 5
    expect(&r, 64, 3, 2, 0);                    // not beyond it
    expect(&r, 64, 5, 3, 2);
    expect(&r, 64, 0, 0, 2);
    push(&r, 8, 0, 7);                          // a hole, its frames come later
    expect(&r, 64, 0, 0, 2);
    push(&r, 8, 1, 1);
    expect(&r, 64, 8, 1, 10);
    CHECK_EQ(r.overwritten, 0);
}

static void a_full_ring_loses_its_oldest(void) {
    int16_t storage[RING_FRAMES * CHANNELS];
    ts_ring_t r;
    ts_ring_init(&r, storage, RING_FRAMES, CHANNELS);
    push(&r, 0, 8, 0);
    push(&r, 8, 1, 0);
    CHECK_EQ(r.overwritten, 1);
    expect(&r, 64, 1, 8, 1);
    push(&r, 9, 20, 4);
    CHECK_EQ(r.overwritten, 13);
    expect(&r, 64, 21, 8, 17);
    CHECK_EQ(ts_ring_init(&r, storage, 0, CHANNELS), TS_ERR_ARGUMENT);
    CHECK_EQ(ts_ring_init(&r, storage, 4, 0), TS_ERR_ARGUMENT);
    CHECK_EQ(ts_ring_init(&r, storage, 4, TS_CHANNELS_MAX + 1), TS_ERR_ARGUMENT);
}

// Whatever happens, frames out + lost = frames in + lost before them.
static void a_ring_keeps_account(void) {
    int16_t storage[RING_FRAMES * CHANNELS], out[RING_FRAMES * CHANNELS];
    ts_ring_t r;
    uint32_t random = 1, in = 0, got = 0, holes = 0;
    ts_ring_init(&r, storage, RING_FRAMES, CHANNELS);
    for (int i = 0; i < 20000; i++) {
        random = random * 1664525u + 1013904223u;
        uint32_t n = random >> 28, lost = random >> 16 & 7;
        if (random >> 24 & 1) {
            lost = lost > 5 ? lost : 0;
            push(&r, (int)(in % 1000), (int)n, (int)lost);
            in += n;
            holes += lost;
        } else {
            got += ts_ring_pop(&r, out, n > RING_FRAMES ? RING_FRAMES : n);
        }
        CHECK_EQ(r.held <= RING_FRAMES && r.marks <= TS_RING_MARKS, 1);
    }
    uint32_t n;
    while ((n = ts_ring_pop(&r, out, RING_FRAMES)) > 0) {
        got += n;
    }
    for (uint32_t i = 0; i < r.marks; i++) {    // holes behind the last frame
        holes -= r.mark[i].lost;
    }
    CHECK_EQ(got + r.lost, in + holes);
}

// ---- Unpacking ----

static void layouts(void) {
    static const uint8_t raw[] = { 0x12, 0x34, 0xFF, 0xFE, 0x99, 0x80, 0x00, 0x00, 0x01, 0x99 };
    static const uint8_t big[] = { 5, 2, 1, 0, 0, 2 }, little[] = { 5, 2, 0, 0, 2, 0 };
    static const uint8_t shifted[] = { 5, 1, 1, 4, 2 };
    int16_t out[4];
    CHECK_EQ(ts_frames_unpack_s16(raw, sizeof(raw), 2, big, sizeof(big), out), 0);
    CHECK_EQ(out[0], 0x1234);
    CHECK_EQ(out[1], -2);
    CHECK_EQ(out[2], INT16_MIN);
    CHECK_EQ(out[3], 1);
    CHECK_EQ(ts_frames_unpack_s16(raw, sizeof(raw), 1, little, sizeof(little), out), 0);
    CHECK_EQ(out[0], (int16_t)0xFEFF);
    CHECK_EQ(out[1], 0x3412);
    CHECK_EQ(ts_frames_unpack_s16(raw, sizeof(raw), 2, shifted, sizeof(shifted), out), 0);
    CHECK_EQ(out[0], -32);
    CHECK_EQ(out[1], 16);
    CHECK_EQ(ts_frames_unpack_s16(raw, sizeof(raw), 3, big, sizeof(big), out), TS_ERR_ARGUMENT);
    CHECK_EQ(ts_frames_unpack_s16(raw, sizeof(raw), 1, big, sizeof(big) - 1, out), TS_ERR_ARGUMENT);
    CHECK_EQ(ts_frames_unpack_s16(raw, sizeof(raw), 1, big, 3, out), TS_ERR_ARGUMENT);
    static const uint8_t outside[] = { 5, 1, 1, 0, 4 }, nothing[] = { 0, 1, 1, 0, 0 };
    static const uint8_t too_far[] = { 5, 1, 1, 16, 0 };
    CHECK_EQ(ts_frames_unpack_s16(raw, sizeof(raw), 1, outside, 5, out), TS_ERR_ARGUMENT);
    CHECK_EQ(ts_frames_unpack_s16(raw, sizeof(raw), 1, nothing, 5, out), TS_ERR_ARGUMENT);
    CHECK_EQ(ts_frames_unpack_s16(raw, sizeof(raw), 1, too_far, 5, out), TS_ERR_ARGUMENT);
}

static void word(uint8_t *to, int tag, int count, int value) {
    to[0] = (uint8_t)(tag << 3 | (count & 3) << 1);
    for (int i = 0; i < 3; i++) {
        to[1 + 2 * i] = (uint8_t)(value + i);
        to[2 + 2 * i] = 0;
    }
}

static void tagged_words(void) {
    ts_tags_t t;
    uint8_t raw[7 * 8];
    int16_t out[6 * 4];
    memset(&t, 0, sizeof(t));
    t.parts = 2;
    t.tags[0] = 2;                              // accelerometer first in a frame,
    t.tags[1] = 1;                              // gyroscope first in the FIFO
    word(raw, 1, 0, 10);
    word(raw + 7, 2, 0, 20);
    word(raw + 14, 3, 0, 99);                   // temperature
    word(raw + 21, 1, 1, 11);
    CHECK_EQ(ts_frames_untag_s16(&t, raw, 4, out, 4), 1);
    CHECK_EQ(out[0], 20);
    CHECK_EQ(out[3], 10);
    CHECK_EQ(out[5], 12);
    word(raw, 2, 1, 21);                        // the frame that waited
    word(raw + 7, 1, 2, 12);                    // its other part never comes
    word(raw + 14, 1, 3, 13);
    word(raw + 21, 2, 3, 23);
    CHECK_EQ(ts_frames_untag_s16(&t, raw, 4, out, 4), 2);
    CHECK_EQ(out[0], 21);
    CHECK_EQ(out[3], 11);
    CHECK_EQ(out[6], 23);
    CHECK_EQ(out[9], 13);
    CHECK_EQ(t.broken, 1);
    word(raw, 2, 0, 24);
    word(raw + 7, 2, 0, 25);                    // the same part twice
    word(raw + 14, 1, 0, 15);
    CHECK_EQ(ts_frames_untag_s16(&t, raw, 3, out, 4), 1);
    CHECK_EQ(out[0], 25);
    CHECK_EQ(t.broken, 2);
    word(raw, 1, 1, 1);
    word(raw + 7, 2, 1, 1);
    CHECK_EQ(ts_frames_untag_s16(&t, raw, 2, out, 0), TS_ERR_ARGUMENT);
    t.parts = 3;
    CHECK_EQ(ts_frames_untag_s16(&t, raw, 2, out, 4), TS_ERR_ARGUMENT);
}

// ---- Time ----

static void clock_survives_wraps(void) {
    ts_clock_t c;
    memset(&c, 0, sizeof(c));
    uint64_t true_us = 5000000, start = true_us;
    // Steps that are short, about one turn of the microseconds, and many turns.
    static const uint64_t steps[] = { 1, 999, 1u << 29, 1u << 30, 3000000000u, 100000000000u, 17 };
    for (int round = 0; round < 4; round++) {
        for (size_t i = 0; i < COUNT(steps); i++) {
            ts_clock_read(&c, (uint32_t)true_us & TS_TICKS_MASK,
                (uint32_t)(true_us / 1000) & TS_TICKS_MASK);
            CHECK_EQ(c.us, true_us);
            true_us += steps[i];
        }
    }
    CHECK_EQ(c.us > start, 1);
}

// A sensor of period_us (in 1/1000) polled every step_us; `lose_at` frames vanish in
// the middle. Returns what mark() found missing.
static int32_t sampled(uint32_t nominal_mhz, uint64_t period_ns, uint32_t step_us, uint32_t seconds,
    uint32_t lose, int64_t *worst_us, uint32_t *measured) {
    ts_clock_t c;
    ts_timebase_t t;
    uint64_t us = 1000000, told = 0, polls = (uint64_t)seconds * 1000000 / step_us;
    int32_t missing = 0;
    memset(&c, 0, sizeof(c));
    CHECK_EQ(ts_timebase_init(&t, nominal_mhz), 0);
    *worst_us = 0;
    for (uint64_t i = 0; i < polls; i++) {
        us += step_us + (i * 7919 % 101) * step_us / 1000;
        ts_clock_read(&c, (uint32_t)us & TS_TICKS_MASK, (uint32_t)(us / 1000) & TS_TICKS_MASK);
        uint64_t all = us * 1000 / period_ns;
        uint64_t n = all - told - (told == 0 ? all : 0);
        told = all;
        int32_t found = ts_timebase_mark(&t, &c, (uint32_t)n - (i == polls / 2 ? lose : 0), 0, 100, 1);
        missing += found;
        int64_t error = (int64_t)ts_timebase_time(&t, 0) - (int64_t)(all * period_ns / 1000);
        error = error < 0 ? -error : error;
        if (i > polls / 4 && i < polls / 2) {
            *worst_us = error > *worst_us ? error : *worst_us;
        }
    }
    *measured = t.measured_mhz;
    return missing;
}

static void rate_and_times(void) {
    static const struct {
        uint32_t nominal_mhz, step_us;
        int32_t ppm;
    } cases[] = {
        { 416000, 40000, 40000 }, { 416000, 40000, -40000 }, { 416000, 200000, 0 },
        { 25000, 40000, 40000 }, { 100000, 7000, -30000 }, { 6664000, 10000, 20000 },
        { 16000000, 20000, 1000 },
        // Frames against looks so that half a frame is open while the rate is still the nominal one.
        { 400000, 40000, -30000 }, { 100000, 20000, -30000 }, { 52000, 20000, -40000 },
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        uint64_t period_ns = 1000000000000u / cases[i].nominal_mhz;
        period_ns = period_ns * 1000000 / (uint64_t)(1000000 + cases[i].ppm);
        int64_t worst;
        uint32_t measured;
        CHECK_EQ(sampled(cases[i].nominal_mhz, period_ns, cases[i].step_us, 600, 0, &worst, &measured), 0);
        CHECK_EQ(worst <= (int64_t)(period_ns / 1000 + 200), 1);
        int64_t off = (int64_t)measured - (int64_t)(1000000000000u / period_ns);
        CHECK_EQ((off < 0 ? -off : off) * 2000 <= (int64_t)measured, 1);
        static const uint32_t lost[] = { 1, 3, 500 };
        for (size_t k = 0; k < COUNT(lost); k++) {
            if (lost[k] <= (uint64_t)cases[i].step_us * 1000 / period_ns) {
                int32_t found = sampled(cases[i].nominal_mhz, period_ns, cases[i].step_us, 600,
                    lost[k], &worst, &measured);
                // Looking takes 100 us here, so frames shorter than that blur.
                int32_t blur = (int32_t)(100000 / period_ns) * 2;
                CHECK_EQ(found <= (int32_t)lost[k] && found + blur >= (int32_t)lost[k], 1);
            }
        }
    }
}

static void limits_of_the_timebase(void) {
    ts_timebase_t t;
    ts_clock_t c;
    memset(&c, 0, sizeof(c));
    CHECK_EQ(ts_timebase_init(&t, 0), TS_ERR_ARGUMENT);
    CHECK_EQ(ts_timebase_init(&t, TS_RATE_MAX_MHZ + 1), TS_ERR_ARGUMENT);
    CHECK_EQ(ts_timebase_init(&t, 1000), 0);
    CHECK_EQ(ts_timebase_behind(&t, &c), 0);
    CHECK_EQ(ts_timebase_time(&t, UINT32_MAX), 0);
    CHECK_EQ(ts_timebase_mark(&t, &c, 5, UINT32_MAX, UINT32_MAX, 1), 0);
    c.us = 10000000;
    CHECK_EQ(ts_timebase_behind(&t, &c), 10);
    CHECK_EQ(ts_timebase_mark(&t, &c, 10, 0, 0, 1), 0);
    CHECK_EQ(ts_timebase_time(&t, 10), 0);
}

void test_sampling(void) {
    ring_keeps_order_and_holes();
    a_full_ring_loses_its_oldest();
    a_ring_keeps_account();
    layouts();
    tagged_words();
    clock_survives_wraps();
    rate_and_times();
    limits_of_the_timebase();
}
