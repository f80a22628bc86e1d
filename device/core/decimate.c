// One frame out of every `factor`: the first of them, or their mean.
#include "blocks.h"

enum { FACTOR, MEAN, PARAMS };

int32_t ts_block_check_DECIMATE(ts_signal_t *s, const int32_t *p, uint32_t n_params,
    ts_needs_t *needs) {
    if (n_params != PARAMS || !ts_param_ok(p[FACTOR], 2, 64) || !ts_param_ok(p[MEAN], 0, 1)
        || s->frames < (uint32_t)p[FACTOR]) {
        return TS_ERR_FEATURES;
    }
    s->frames /= (uint32_t)p[FACTOR];
    needs->own_params = PARAMS;
    return 0;
}

static int16_t mean_of(const int16_t *x, int32_t n) {
    int32_t sum = 0;
    for (int32_t i = 0; i < n; i++) {
        sum += x[i];
    }
    return (int16_t)ts_div_round(sum, n);
}

// Planes move together to the front; frames over at the end are dropped.
void ts_block_run_DECIMATE(ts_signal_t *s, const int32_t *p, ts_sink_t *sink) {
    (void)sink;
    uint32_t factor = (uint32_t)p[FACTOR], frames = s->frames / factor;
    int16_t *to = s->planes;
    for (uint32_t c = 0; c < s->channels; c++) {
        const int16_t *x = s->planes + c * s->frames;
        for (uint32_t i = 0; i < frames; i++, x += factor) {
            *to++ = p[MEAN] ? mean_of(x, p[FACTOR]) : *x;
        }
    }
    s->frames = frames;
}
