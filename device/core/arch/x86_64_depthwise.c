// DEPTHWISE_CONV_2D on AVX2, one output for each channel: the rows that a row
// of y looks at are widened to 16 bits on the stack, sixteen channels at a
// time, padding included; taps are multiplied in pairs.
#include "x86_64.h"

#if TS_WHOLE_OPS && TS_WITH_DEPTHWISE_CONV_2D
enum { X, W, BIAS, MULT, SHIFT, Y };
enum { ACT = 6 };
enum { TAPS_MAX = 64, STRIP = 12288 };

typedef struct {
    int16_t strip[STRIP];               // (kernel rows, columns, 16 channels)
    __m256i w[TAPS_MAX];                // for each pair of taps: both sums'
    int32_t offset[TAPS_MAX];           // of each tap in the strip
    int32_t channels, taps, pairs, columns;
    ts_axis_t h, w_axis;
} dw_t;

// 0 when the layer is too large for the stack.
static int32_t start(dw_t *d, const ts_op_t *op) {
    ts_conv_axes(op, &d->h, &d->w_axis);
    const ts_axis_t *w = &d->w_axis;
    d->channels = ts_dim(op->t[X], 3);
    int64_t columns = (int64_t)(w->out - 1) * w->stride + (int64_t)(w->kernel - 1) * w->dilation + 1;
    int32_t taps = d->h.kernel * w->kernel;
    if (ts_dim(op->t[Y], 3) != d->channels || d->h.kernel > TAPS_MAX || w->kernel > TAPS_MAX
        || taps > TAPS_MAX || columns > STRIP
        || d->h.kernel * (int32_t)columns * TS_X86_CHANNELS > STRIP) {
        return 0;
    }
    d->columns = (int32_t)columns;
    d->taps = taps;
    d->pairs = (taps + 1) / 2;
    for (int32_t i = 0; i < d->pairs * 2; i++) {
        int32_t tap = ts_min_s32(i, taps - 1);      // one more has no weight
        d->offset[i] = (tap / w->kernel * d->columns + tap % w->kernel * w->dilation)
            * TS_X86_CHANNELS;
    }
    return 1;
}

// The weights of one tap for n of sixteen channels; of the tap behind the last, 0.
static TS_AVX2 __m256i weights(const dw_t *d, const int8_t *w, int32_t tap, int32_t n) {
    int8_t some[TS_X86_CHANNELS] = {0};
    if (tap >= d->taps) {
        return _mm256_setzero_si256();
    }
    w += tap * d->channels;
    if (n < TS_X86_CHANNELS) {
        w = memcpy(some, w, (size_t)n);
    }
    return _mm256_cvtepi8_epi16(_mm_loadu_si128((const __m128i *)w));
}

// Sixteen channels' weights in pairs, from w on.
static TS_AVX2 void lay_out(dw_t *d, const int8_t *w, int32_t n) {
    for (int32_t i = 0; i < d->pairs; i++) {
        __m256i a = weights(d, w, 2 * i, n), b = weights(d, w, 2 * i + 1, n);
        d->w[2 * i] = _mm256_unpacklo_epi16(a, b);
        d->w[2 * i + 1] = _mm256_unpackhi_epi16(a, b);
    }
}

// Sixteen channels from c on, of all columns that row oy looks at.
static TS_AVX2 void fill_strip(dw_t *d, const ts_op_t *op, int32_t oy, int32_t c) {
    int32_t n = ts_min_s32(d->channels - c, TS_X86_CHANNELS), zero = op->t[X]->zero_point;
    int32_t before = ts_clamp_s32(d->w_axis.pad, 0, d->columns);
    int32_t end = ts_clamp_s32(d->w_axis.in + d->w_axis.pad, before, d->columns);
    int16_t *to = d->strip;
    for (int32_t k = 0; k < d->h.kernel; k++, to += d->columns * TS_X86_CHANNELS) {
        int32_t iy = oy * d->h.stride - d->h.pad + k * d->h.dilation;
        int32_t first = before, last = iy >= 0 && iy < d->h.in ? end : before;
        memset(to, 0, (size_t)first * TS_X86_CHANNELS * sizeof *to);
        memset(to + last * TS_X86_CHANNELS, 0,
            (size_t)(d->columns - last) * TS_X86_CHANNELS * sizeof *to);
        if (first == last) {
            continue;
        }
        const int8_t *x = (const int8_t *)ts_row(op, X, iy) + c;
        for (int32_t i = first; i < last; i++, x += d->channels) {
            ts_x86_64_widen(to + i * TS_X86_CHANNELS, x, n, zero);
        }
    }
}

static inline TS_AVX2 void position(const dw_t *d, const int16_t *x, __m256i *sum) {
    __m256i sum0 = _mm256_setzero_si256(), sum1 = sum0;
    for (int32_t i = 0; i < d->pairs * 2; i += 2) {
        __m256i a = ts_x86_64_load(x + d->offset[i]);
        __m256i b = ts_x86_64_load(x + d->offset[i + 1]);
        __m256i low = _mm256_unpacklo_epi16(a, b), high = _mm256_unpackhi_epi16(a, b);
        sum0 = _mm256_add_epi32(sum0, _mm256_madd_epi16(low, d->w[i]));
        sum1 = _mm256_add_epi32(sum1, _mm256_madd_epi16(high, d->w[i + 1]));
    }
    sum[0] = sum0;
    sum[1] = sum1;
}

static TS_AVX2 void rows(dw_t *d, const ts_op_t *op) {
    const int32_t *bias = op->data[BIAS], *mult = op->data[MULT];
    const int8_t *shift = op->data[SHIFT], *w = op->data[W];
    ts_x86_64_bounds_t bounds = ts_x86_64_bounds(op->t[Y]->zero_point, op->params + ACT);
    for (int32_t oy = op->first; oy < op->first + op->count; oy++) {
        for (int32_t c = 0; c < d->channels; c += TS_X86_CHANNELS) {
            int8_t *y = (int8_t *)ts_row(op, Y, oy) + c;
            const int16_t *x = d->strip;
            int32_t n = d->channels - c;
            ts_x86_64_scales_t scales;
            ts_x86_64_scales(&scales, bias + c, mult + c, shift + c, n);
            lay_out(d, w + c, n);
            fill_strip(d, op, oy, c);
            for (int32_t ox = 0; ox < d->w_axis.out; ox++, y += d->channels) {
                __m256i sum[2];
                position(d, x, sum);
                ts_x86_64_finish(sum[0], sum[1], &scales, &bounds, y, n);
                x += d->w_axis.stride * TS_X86_CHANNELS;
            }
        }
    }
}

int32_t ts_whole_DEPTHWISE_CONV_2D(const ts_op_t *op) {
    dw_t d;
    if (!ts_x86_64_able() || !start(&d, op)) {
        return 0;
    }
    rows(&d, op);
    return 1;
}
#endif
