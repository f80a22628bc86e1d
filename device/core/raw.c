// The samples themselves, frame by frame.
#include "blocks.h"

enum { CENTRED, PARAMS };

int32_t ts_block_check_RAW(ts_signal_t *s, const int32_t *p, uint32_t n_params,
    ts_needs_t *needs) {
    if (n_params < PARAMS || !ts_param_ok(p[CENTRED], 0, 1)) {
        return TS_ERR_FEATURES;
    }
    needs->own_params = PARAMS;
    needs->emits = s->channels * s->frames;
    needs->scratch_bytes = s->channels * 4;
    return 0;
}

// Values are (frames, channels) in counts; less each channel's rounded mean
// where the block is centred.
void ts_block_run_RAW(ts_signal_t *s, const int32_t *p, ts_sink_t *sink) {
    int32_t *mean = s->scratch;
    for (uint32_t c = 0; c < s->channels; c++) {
        const int16_t *x = s->planes + c * s->frames;
        int32_t sum = 0;
        for (uint32_t i = 0; i < s->frames; i++) {
            sum += x[i];
        }
        mean[c] = p[CENTRED] ? ts_div_round(sum, (int32_t)s->frames) : 0;
    }
    ts_emit_with(sink, p + PARAMS);
    for (uint32_t i = 0; i < s->frames; i++) {
        const int16_t *x = s->planes + i;
        for (uint32_t c = 0; c < s->channels; c++, x += s->frames) {
            ts_emit(sink, *x - mean[c]);
        }
    }
}
