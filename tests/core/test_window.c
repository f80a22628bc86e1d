#include "ts.h"
#include "unit.h"

enum { CHANNELS = 2, FRAMES_MAX = 64 };

// Frame i of channel c is 100 * c + i, from frame `first` on.
static void push(ts_window_t *w, uint32_t first, uint32_t n) {
    int16_t frames[FRAMES_MAX * CHANNELS];
    for (uint32_t i = 0; i < n * CHANNELS; i++) {
        frames[i] = (int16_t)(100 * (i % CHANNELS) + first + i / CHANNELS);
    }
    ts_window_push(w, frames, n);
}

static void expect_window(ts_window_t *w, uint32_t first) {
    int16_t out[FRAMES_MAX * CHANNELS];
    CHECK_EQ(ts_window_ready(w), 1);
    CHECK_EQ(ts_window_take(w, out), 0);
    for (uint32_t i = 0; i < w->length * CHANNELS; i++) {
        CHECK_EQ(out[i], (int16_t)(100 * (i % CHANNELS) + first + i / CHANNELS));
    }
}

// The first window is the first frames, however they come in, and every other
// one begins a hop later.
static void windows_are_the_frames(uint32_t capacity, uint32_t length, uint32_t hop,
    uint32_t chunk) {
    int16_t ring[FRAMES_MAX * CHANNELS];
    ts_window_t w;
    uint32_t next = 0, pushed = 0;
    CHECK_EQ(ts_window_init(&w, ring, capacity, CHANNELS, length, hop), 0);
    while (pushed < 60) {
        CHECK_EQ(ts_window_ready(&w), 0);
        push(&w, pushed, chunk);
        pushed += chunk;
        for (; pushed >= next + length; next += hop) {
            expect_window(&w, next);
        }
    }
    CHECK_EQ(w.overwritten, 0);
}

static void all_geometries(void) {
    static const struct {
        uint32_t capacity, length, hop, chunk;
    } rows[] = {
        {4, 4, 4, 1}, {4, 4, 1, 1}, {5, 4, 1, 1}, {8, 4, 3, 2}, {8, 4, 4, 4}, {9, 8, 1, 1},
        {16, 8, 7, 8}, {16, 8, 8, 7}, {1, 1, 1, 1}, {8, 1, 1, 5}, {24, 16, 5, 8}, {12, 4, 2, 5},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        windows_are_the_frames(rows[i].capacity, rows[i].length, rows[i].hop, rows[i].chunk);
    }
}

static void full_ring_counts_what_it_loses(void) {
    int16_t ring[8 * CHANNELS], out[4 * CHANNELS];
    ts_window_t w;
    ts_window_init(&w, ring, 8, CHANNELS, 4, 2);
    push(&w, 0, 3);
    CHECK_EQ(ts_window_take(&w, out), TS_ERR_ARGUMENT);
    push(&w, 3, 5);
    CHECK_EQ(w.overwritten, 0);
    push(&w, 8, 1);             // n + 1
    CHECK_EQ(w.overwritten, 1);
    expect_window(&w, 1);
    push(&w, 9, 20);            // more than the ring holds
    CHECK_EQ(w.overwritten, 1 + 18);
    expect_window(&w, 21);
    expect_window(&w, 23);
    expect_window(&w, 25);
    CHECK_EQ(ts_window_ready(&w), 0);
    push(&w, 29, 1);
    ts_window_clear(&w);
    push(&w, 50, 4);
    expect_window(&w, 50);
    CHECK_EQ(w.overwritten, 19);
}

static void bad_geometry_is_refused(void) {
    static const struct {
        uint32_t capacity, channels, length, hop;
        int32_t wanted;
    } rows[] = {
        {8, 1, 8, 8, 0}, {8, 16, 8, 1, 0}, {7, 1, 8, 8, TS_ERR_ARGUMENT},
        {8, 1, 8, 9, TS_ERR_ARGUMENT}, {8, 1, 8, 0, TS_ERR_ARGUMENT}, {8, 0, 8, 1, TS_ERR_ARGUMENT},
        {8, 17, 8, 1, TS_ERR_ARGUMENT}, {0, 1, 0, 0, TS_ERR_ARGUMENT},
        {0x80000000, 1, 8, 8, TS_ERR_ARGUMENT},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        ts_window_t w;
        CHECK_EQ(ts_window_init(&w, NULL, rows[i].capacity, rows[i].channels, rows[i].length,
            rows[i].hop), rows[i].wanted);
    }
}

void test_window(void) {
    all_geometries();
    full_ring_counts_what_it_loses();
    bad_geometry_is_refused();
}
