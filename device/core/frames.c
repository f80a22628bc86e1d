#include "fixed.h"
#include "ts.h"

enum { TS_MAP_CHANNEL = 15, TS_MAP_NEGATE = 0x80, TS_MAP_SHIFT_MAX = 30 };

static int32_t map_mult(const uint8_t *record) {
    return record[2] | record[3] << 8;
}

static int32_t map_check(const uint8_t *map, int32_t channels) {
    for (const uint8_t *r = map; r != map + channels * TS_MAP_BYTES; r += TS_MAP_BYTES) {
        if ((r[0] & TS_MAP_CHANNEL) >= channels || r[1] > TS_MAP_SHIFT_MAX || map_mult(r) < 1
            || map_mult(r) > INT16_MAX) {
            return TS_ERR_ARGUMENT;
        }
    }
    return 0;
}

// frames is (n, channels) in place; map is (channels, TS_MAP_BYTES).
int32_t ts_frames_adapt_s16(int16_t *frames, size_t n, int32_t channels, const uint8_t *map) {
    int16_t old[TS_CHANNELS_MAX];
    if (channels < 1 || channels > TS_CHANNELS_MAX || map_check(map, channels) != 0) {
        return TS_ERR_ARGUMENT;
    }
    for (; n-- != 0; frames += channels) {
        for (int32_t c = 0; c < channels; c++) {
            old[c] = frames[c];
        }
        const uint8_t *r = map;
        for (int32_t c = 0; c < channels; c++, r += TS_MAP_BYTES) {
            int32_t v = ts_shr_round(old[r[0] & TS_MAP_CHANNEL] * map_mult(r), r[1]);
            frames[c] = ts_sat_s16(r[0] & TS_MAP_NEGATE ? -(int64_t)v : v);
        }
    }
    return 0;
}
