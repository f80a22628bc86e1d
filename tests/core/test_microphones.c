// Edges of buffers under sanitizers; the numbers are tested in test_microphones.py.
#include <string.h>
#include "ts.h"
#include "unit.h"

static void frames_of_bits_are_as_many_as_promised(void) {
    static const int32_t cics[] = {8, 16, 32, 64};
    uint8_t raw[37];
    int16_t out[19];
    ts_pdm_t p;
    memset(raw, 0xC5, sizeof(raw));
    for (int32_t order = 3; order <= 5; order++) {
        for (size_t i = 0; i < COUNT(cics); i++) {
            for (int32_t factor = 2; factor <= 4; factor += 2) {
                CHECK_EQ(ts_pdm_init(&p, order, cics[i], factor, TS_PDM_LSB_FIRST, 256), 0);
                uint32_t bytes = 0, frames = 0;
                for (size_t n = 0; n <= sizeof(raw); n++) {
                    uint32_t promised = ts_pdm_frames(&p, n);
                    CHECK_EQ(ts_pdm_run_s16(&p, raw + sizeof(raw) - n, n, out), promised);
                    bytes += (uint32_t)n;
                    frames += promised;
                }
                CHECK_EQ(frames, bytes / (uint32_t)(cics[i] * factor / 8));
            }
        }
    }
}

static void words_of_bits_are_whole(void) {
    uint8_t raw[8] = {0};
    int16_t out[1];
    ts_pdm_t p;
    CHECK_EQ(ts_pdm_init(&p, 4, 16, 4, TS_PDM_WORDS, 256), 0);
    CHECK_EQ(ts_pdm_run_s16(&p, raw, 6, out), TS_ERR_ARGUMENT);
    CHECK_EQ(ts_pdm_run_s16(&p, raw, 0, out), 0);
    CHECK_EQ(ts_pdm_run_s16(&p, raw, 8, out), 1);
}

static void words_at_both_ends_of_their_range(void) {
    static const int32_t words[] = {INT32_MIN, INT32_MAX, 0, INT32_MIN, INT32_MAX, -1};
    static const int16_t halves[] = {INT16_MIN, INT16_MAX, INT16_MIN, INT16_MAX};
    int16_t out[6];
    ts_pcm_t p;
    for (int32_t shift = -16; shift <= 16; shift++) {
        for (int32_t dc = 0; dc <= 15; dc++) {
            CHECK_EQ(ts_pcm_init(&p, 4, 2, 1, shift, dc & 1, dc, UINT16_MAX), 0);
            ts_pcm_run_s16(&p, words, 3, out);
            ts_pcm_run_s16(&p, words, 3, out);
            CHECK_EQ(ts_pcm_init(&p, 2, 1, 0, shift, dc & 1, dc, 1), 0);
            ts_pcm_run_s16(&p, halves, 4, out);
            ts_pcm_run_s16(&p, halves, 0, out);
        }
    }
}

static ts_clock_t at(uint64_t us) {
    return (ts_clock_t) { .us = us, .running = 1 };
}

static void an_overrun_is_counted_in_whole_blocks(void) {
    ts_overrun_t o;
    ts_clock_t clock = at(5000);
    CHECK_EQ(ts_overrun_init(&o, &clock, 16000000, 16, 100, 0, 0), 0);
    clock = at(5000 + 3 * 1000 + 500);      // three blocks of a millisecond
    CHECK_EQ(ts_overrun_room(&o, &clock, 1000), 1000);
    CHECK_EQ(ts_overrun_read(&o, &clock, 48, 1), 0);
    CHECK_EQ(ts_overrun_back_us(&o), 500);
    clock = at(5000 + 103 * 1000 + 600);    // 100 more, of which six fit
    CHECK_EQ(ts_overrun_room(&o, &clock, 1000), 96);
    CHECK_EQ(ts_overrun_read(&o, &clock, 96, 0), 0);
    CHECK_EQ(ts_overrun_room(&o, &clock, 1000), 1000);
    CHECK_EQ(ts_overrun_read(&o, &clock, 0, 1), 94 * 16);
    clock = at(5000 + 104 * 1000 + 600);
    CHECK_EQ(ts_overrun_room(&o, &clock, 10), 10);
    CHECK_EQ(ts_overrun_read(&o, &clock, 10, 0), 94 * 16);
    CHECK_EQ(ts_overrun_read(&o, &clock, 6, 1), 94 * 16);
}

static void where_the_oldest_go_the_hole_is_in_front(void) {
    ts_overrun_t o;
    ts_clock_t clock = at(0);
    CHECK_EQ(ts_overrun_init(&o, &clock, 16000000, 256, 3 * 256, 1, 0), 0);
    clock = at(16500);
    CHECK_EQ(ts_overrun_room(&o, &clock, 200), 200);
    CHECK_EQ(ts_overrun_read(&o, &clock, 200, 0), 0);
    clock = at(16000 * 10 + 5000);          // nine blocks more, the last three are there
    CHECK_EQ(ts_overrun_room(&o, &clock, 1000), 56);
    CHECK_EQ(ts_overrun_read(&o, &clock, 56, 0), 0);
    CHECK_EQ(ts_overrun_room(&o, &clock, 1000), 1000);
    CHECK_EQ(ts_overrun_read(&o, &clock, 768, 1), 6 * 256);
}

static void impossible_streams_are_refused(void) {
    static const struct {
        uint32_t rate, block, capacity;
    } rows[] = {{0, 16, 100}, {1000000001, 16, 100}, {16000000, 0, 100}, {16000000, 65536, 70000},
        {16000000, 16, 15}, {16000000, 16, INT32_MAX}};
    ts_overrun_t o;
    ts_clock_t clock = at(0);
    for (size_t i = 0; i < COUNT(rows); i++) {
        CHECK_EQ(ts_overrun_init(&o, &clock, rows[i].rate, rows[i].block, rows[i].capacity, 0, 0),
            TS_ERR_ARGUMENT);
    }
}

void test_microphones(void) {
    frames_of_bits_are_as_many_as_promised();
    words_of_bits_are_whole();
    words_at_both_ends_of_their_range();
    an_overrun_is_counted_in_whole_blocks();
    where_the_oldest_go_the_hole_is_in_front();
    impossible_streams_are_refused();
}
