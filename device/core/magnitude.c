// Length of the vector of all channels, as one more channel or in their place.
#include "blocks.h"

enum { REPLACE, SHIFT, PARAMS };

int32_t ts_block_check_MAGNITUDE(ts_signal_t *s, const int32_t *p, uint32_t n_params,
    ts_needs_t *needs) {
    if (n_params != PARAMS || !ts_param_ok(p[REPLACE], 0, 1) || !ts_param_ok(p[SHIFT], 0, 8)) {
        return TS_ERR_FEATURES;
    }
    s->channels = p[REPLACE] ? 1 : s->channels + 1;
    needs->own_params = PARAMS;
    return s->channels <= TS_CHANNELS_MAX ? 0 : TS_ERR_FEATURES;
}

// floor(length / 2^shift), saturated to int16.
void ts_block_run_MAGNITUDE(ts_signal_t *s, const int32_t *p, ts_sink_t *sink) {
    (void)sink;
    int16_t *to = s->planes + (p[REPLACE] ? 0 : s->channels * s->frames);
    for (uint32_t i = 0; i < s->frames; i++) {
        uint64_t sum = 0;
        const int16_t *x = s->planes + i;
        for (uint32_t c = 0; c < s->channels; c++, x += s->frames) {
            sum += (uint32_t)(*x * *x);
        }
        to[i] = ts_sat_s16(ts_sqrt_u64(sum >> 2 * p[SHIFT]));
    }
    s->channels = p[REPLACE] ? 1 : s->channels + 1;
}
