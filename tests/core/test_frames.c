#include "ts.h"
#include "unit.h"

static void axes_are_mapped_and_scaled(void) {
    int16_t frames[] = {1, 2, 3, -32768, 32767, 5};
    static const uint8_t map[] = {2, 0, 1, 0, 0x80 | 0, 0, 1, 0, 1, 0, 1, 0};
    static const int16_t wanted[] = {3, -1, 2, 5, 32767, 32767};
    CHECK_EQ(ts_frames_adapt_s16(frames, 2, 3, map), 0);
    for (size_t i = 0; i < COUNT(frames); i++) {
        CHECK_EQ(frames[i], wanted[i]);
    }
}

static void every_channel_has_its_own_scale(void) {
    int16_t frames[] = {100, 100, 100, 100, -7, 20000, 3, -3};
    // as it is; x 4; x 3 / 4; the first negated, x 257 / 2^8
    static const uint8_t map[] = {0, 0, 1, 0, 1, 0, 4, 0, 2, 2, 3, 0, 0x80 | 0, 8, 1, 1};
    static const int16_t wanted[] = {100, 400, 75, -100, -7, 32767, 2, 7};
    CHECK_EQ(ts_frames_adapt_s16(frames, 2, 4, map), 0);
    for (size_t i = 0; i < COUNT(frames); i++) {
        CHECK_EQ(frames[i], wanted[i]);
    }
}

static void scaling_rounds_away_from_zero_and_saturates(void) {
    static const struct {
        int16_t in;
        int32_t mult, shift;
        int16_t wanted;
    } rows[] = {
        {1, 1, 1, 1}, {-1, 1, 1, -1}, {1, 1, 2, 0}, {-1, 1, 2, 0}, {3, 1, 1, 2}, {-3, 1, 1, -2},
        {20000, 2, 0, 32767}, {-20000, 2, 0, -32768}, {-32768, 32767, 15, -32767},
        {-32768, 32767, 0, -32768}, {32767, 32767, 30, 1}, {0, 32767, 0, 0},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        int16_t v = rows[i].in;
        const uint8_t map[] = {0, (uint8_t)rows[i].shift, (uint8_t)rows[i].mult,
            (uint8_t)(rows[i].mult >> 8)};
        CHECK_EQ(ts_frames_adapt_s16(&v, 1, 1, map), 0);
        CHECK_EQ(v, rows[i].wanted);
    }
}

static void arguments_out_of_range_change_nothing(void) {
    static const struct {
        int32_t channels;
        uint8_t map[TS_MAP_BYTES];
    } rows[] = {
        {0, {0, 0, 1, 0}}, {17, {0, 0, 1, 0}}, {-1, {0, 0, 1, 0}}, {1, {1, 0, 1, 0}},
        {1, {15, 0, 1, 0}}, {1, {0, 0, 0, 0}}, {1, {0, 0, 0, 0x80}}, {1, {0, 0, 0xff, 0xff}},
        {1, {0, 31, 1, 0}}, {1, {0, 255, 1, 0}}, {2, {0, 0, 1, 0}},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        int16_t v[] = {7, 7};
        uint8_t map[17 * TS_MAP_BYTES] = {0};
        for (size_t k = 0; k < TS_MAP_BYTES; k++) {
            map[k] = rows[i].map[k];
        }
        CHECK_EQ(ts_frames_adapt_s16(v, 1, rows[i].channels, map), TS_ERR_ARGUMENT);
        CHECK_EQ(v[0], 7);
        CHECK_EQ(v[1], 7);
    }
}

void test_frames(void) {
    axes_are_mapped_and_scaled();
    every_channel_has_its_own_scale();
    scaling_rounds_away_from_zero_and_saturates();
    arguments_out_of_range_change_nothing();
}
