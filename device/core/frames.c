#include "fixed.h"
#include "ts.h"

enum { TS_MAP_CHANNEL = 15, TS_MAP_NEGATE = 0x80 };

// frames is (n, channels) in place; map is (channels).
int32_t ts_frames_adapt_s16(int16_t *frames, size_t n, int32_t channels, const uint8_t *map,
    int32_t mult, int32_t shift) {
    int16_t old[TS_CHANNELS_MAX];
    if (channels < 1 || channels > TS_CHANNELS_MAX || mult < 1 || mult > INT16_MAX
        || shift < 0 || shift > 30) {
        return TS_ERR_ARGUMENT;
    }
    for (int32_t c = 0; c < channels; c++) {
        if ((map[c] & TS_MAP_CHANNEL) >= channels) {
            return TS_ERR_ARGUMENT;
        }
    }
    for (; n-- != 0; frames += channels) {
        for (int32_t c = 0; c < channels; c++) {
            old[c] = frames[c];
        }
        for (int32_t c = 0; c < channels; c++) {
            int32_t v = ts_shr_round(old[map[c] & TS_MAP_CHANNEL] * mult, shift);
            frames[c] = ts_sat_s16(map[c] & TS_MAP_NEGATE ? -(int64_t)v : v);
        }
    }
    return 0;
}
