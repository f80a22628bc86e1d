// Statistics of each channel over the window.
#include "blocks.h"

enum { MASK, PARAMS };
enum { MEAN, DEVIATION, RMS, MINIMUM, MAXIMUM, CROSSINGS, ENERGY, KINDS };  // mask bits

static uint32_t bits_set(int32_t mask) {
    uint32_t n = 0;
    for (; mask != 0; mask >>= 1) {
        n += mask & 1;
    }
    return n;
}

int32_t ts_block_check_STATS(ts_signal_t *s, const int32_t *p, uint32_t n_params,
    ts_needs_t *needs) {
    if (n_params < PARAMS || !ts_param_ok(p[MASK], 1, (1 << KINDS) - 1)) {
        return TS_ERR_FEATURES;
    }
    needs->own_params = PARAMS;
    needs->emits = s->channels * bits_set(p[MASK]);
    return 0;
}

typedef struct {
    int32_t n, sum, minimum, maximum;   // |sum| <= 2^28
    int64_t squares;                    // <= 2^43
} sums_t;

static sums_t sums_of(const int16_t *x, int32_t n) {
    sums_t s = {n, 0, x[0], x[0], 0};
    for (int32_t i = 0; i < n; i++) {
        s.sum += x[i];
        s.squares += x[i] * x[i];
        s.minimum = ts_min_s32(s.minimum, x[i]);
        s.maximum = ts_max_s32(s.maximum, x[i]);
    }
    return s;
}

// Times that x goes from below its mean to it or above, or back.
static int32_t crossings_of(const int16_t *x, const sums_t *s) {
    int32_t n = 0, was = x[0] * s->n >= s->sum;
    for (int32_t i = 1; i < s->n; i++) {
        int32_t is = x[i] * s->n >= s->sum;
        n += is != was;
        was = is;
    }
    return n;
}

// Standard deviation in 1/16 counts, from n^2 var = n * squares - sum^2.
static int32_t deviation_of(const sums_t *s) {
    uint64_t n2_var = (uint64_t)(s->n * s->squares - (int64_t)s->sum * s->sum);
    return (int32_t)ts_div_round_s64(4 * (int64_t)ts_sqrt_u64(n2_var << 4), s->n);
}

static int32_t value_of(int32_t kind, const int16_t *x, const sums_t *s) {
    switch (kind) {
    case MEAN:
        return (int32_t)ts_div_round_s64((int64_t)s->sum * 256, s->n);
    case DEVIATION:
        return deviation_of(s);
    case RMS:
        return (int32_t)ts_sqrt_u64((uint64_t)s->squares * 256 / (uint64_t)s->n);
    case MINIMUM:
        return s->minimum;
    case MAXIMUM:
        return s->maximum;
    case CROSSINGS:
        return crossings_of(x, s);
    default:
        return (int32_t)ts_div_round_s64(s->squares, s->n);
    }
}

// Values are (channels, statistics in the order of the mask's bits): mean in
// 1/256 counts, deviation and rms in 1/16 counts, minimum and maximum in
// counts, crossings, energy (mean square) in counts^2.
void ts_block_run_STATS(ts_signal_t *s, const int32_t *p, ts_sink_t *sink) {
    ts_emit_with(sink, p + PARAMS);
    for (uint32_t c = 0; c < s->channels; c++) {
        const int16_t *x = s->planes + c * s->frames;
        sums_t sums = sums_of(x, (int32_t)s->frames);
        for (int32_t kind = 0; kind < KINDS; kind++) {
            if (p[MASK] >> kind & 1) {
                ts_emit(sink, value_of(kind, x, &sums));
            }
        }
    }
}
