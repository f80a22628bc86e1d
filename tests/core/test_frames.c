#include "ts.h"
#include "unit.h"

static void axes_are_mapped_and_scaled(void) {
    int16_t frames[] = {1, 2, 3, -32768, 32767, 5};
    static const uint8_t map[] = {2, 0x80 | 0, 1};
    static const int16_t wanted[] = {3, -1, 2, 5, 32767, 32767};
    CHECK_EQ(ts_frames_adapt_s16(frames, 2, 3, map, 1, 0), 0);
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
    static const uint8_t map[] = {0};
    for (size_t i = 0; i < COUNT(rows); i++) {
        int16_t v = rows[i].in;
        CHECK_EQ(ts_frames_adapt_s16(&v, 1, 1, map, rows[i].mult, rows[i].shift), 0);
        CHECK_EQ(v, rows[i].wanted);
    }
}

static void arguments_out_of_range_change_nothing(void) {
    static const struct {
        int32_t channels;
        uint8_t map0;
        int32_t mult, shift;
    } rows[] = {
        {0, 0, 1, 0}, {17, 0, 1, 0}, {-1, 0, 1, 0}, {1, 1, 1, 0}, {1, 15, 1, 0}, {1, 0, 0, 0},
        {1, 0, 32768, 0}, {1, 0, -1, 0}, {1, 0, 1, -1}, {1, 0, 1, 31},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        int16_t v = 7;
        uint8_t map[17] = {rows[i].map0};
        CHECK_EQ(ts_frames_adapt_s16(&v, 1, rows[i].channels, map, rows[i].mult, rows[i].shift),
            TS_ERR_ARGUMENT);
        CHECK_EQ(v, 7);
    }
}

void test_frames(void) {
    axes_are_mapped_and_scaled();
    scaling_rounds_away_from_zero_and_saturates();
    arguments_out_of_range_change_nothing();
}
