// CONV_2D on AVX2, all channels in one group: patches of many positions are
// widened to 16 bits on the stack. Each block of sixteen filters, laid out in
// pairs of taps, runs over all of them.
#include "x86_64.h"

#if TS_WHOLE_OPS && TS_WITH_CONV_2D
enum { X, W, BIAS, MULT, SHIFT, Y };
enum { ACT = 6 };
enum { TAPS_MAX = 1152, PATCHES = 12288, POSITIONS = 256, AT_ONCE = 4 };

typedef struct {
    int16_t patches[PATCHES];               // (positions, pitch)
    int16_t w[TAPS_MAX * TS_X86_CHANNELS];  // (taps / 2, channel lanes, 2)
    int8_t *y[POSITIONS];
    ts_x86_64_scales_t scales;
    int32_t taps, pitch, positions;
} block_t;

// Two rows of pairs of bytes, widened to 16 bits.
static inline TS_AVX2 void store(int16_t *to, __m128i row0, __m128i row1) {
    _mm256_storeu_si256((__m256i *)to, _mm256_cvtepi8_epi16(_mm_unpacklo_epi64(row0, row1)));
    _mm256_storeu_si256((__m256i *)(to + 2 * TS_X86_CHANNELS),
        _mm256_cvtepi8_epi16(_mm_unpackhi_epi64(row0, row1)));
}

// Four rows of eight pairs of bytes from x on, `pitch` apart: rows of four pairs
// each, transposed, go to t[0] .. t[3].
static inline TS_AVX2 void transpose4(const int8_t *x, int32_t pitch, __m128i *t) {
    __m128i r0 = _mm_loadu_si128((const __m128i *)x);
    __m128i r1 = _mm_loadu_si128((const __m128i *)(x + pitch));
    __m128i r2 = _mm_loadu_si128((const __m128i *)(x + 2 * pitch));
    __m128i r3 = _mm_loadu_si128((const __m128i *)(x + 3 * pitch));
    __m128i low01 = _mm_unpacklo_epi16(r0, r1), high01 = _mm_unpackhi_epi16(r0, r1);
    __m128i low23 = _mm_unpacklo_epi16(r2, r3), high23 = _mm_unpackhi_epi16(r2, r3);
    t[0] = _mm_unpacklo_epi32(low01, low23);
    t[1] = _mm_unpackhi_epi32(low01, low23);
    t[2] = _mm_unpacklo_epi32(high01, high23);
    t[3] = _mm_unpackhi_epi32(high01, high23);
}

// Sixteen taps of sixteen filters that are `pitch` apart.
static inline TS_AVX2 void lay_out_taps(int16_t *to, const int8_t *w, int32_t pitch) {
    for (int32_t half = 0; half < 2; half++, to += TS_X86_CHANNELS, w += 4 * pitch) {
        __m128i a[4], b[4];
        transpose4(w, pitch, a);
        transpose4(w + 8 * pitch, pitch, b);
        store(to, a[0], b[0]);
        store(to + 4 * TS_X86_CHANNELS, a[1], b[1]);
        store(to + 8 * TS_X86_CHANNELS, a[2], b[2]);
        store(to + 12 * TS_X86_CHANNELS, a[3], b[3]);
    }
}

// Lays out `channels` filters from w on; missing ones and taps are zero.
static TS_AVX2 void lay_out(block_t *b, const int8_t *w, int32_t channels) {
    int32_t k = 0;
    for (; k + 16 <= b->taps && channels >= TS_X86_CHANNELS; k += 16) {
        lay_out_taps(b->w + TS_X86_CHANNELS * k, w + k, b->taps);
    }
    for (; k < b->taps; k += 16) {
        int8_t some[TS_X86_CHANNELS][16] = {{0}};
        for (int32_t c = 0; c < ts_min_s32(channels, TS_X86_CHANNELS); c++) {
            memcpy(some[c], w + c * b->taps + k, (size_t)ts_min_s32(16, b->taps - k));
        }
        lay_out_taps(b->w + TS_X86_CHANNELS * k, some[0], 16);
    }
}

// Patch of one position, zero point taken off, zero in the padding.
static TS_AVX2 void put_patch(const ts_taps_t *t, const ts_axis_t *h, const ts_axis_t *w,
    int32_t channels, int32_t zero, int16_t *to) {
    if (t->rows < h->kernel || t->columns < w->kernel) {
        memset(to, 0, (size_t)(h->kernel * w->kernel * channels) * sizeof *to);
    }
    int32_t joined = w->dilation == 1, slot = t->slot;
    int32_t run = joined ? t->columns * channels : channels;
    for (int32_t r = 0; r < t->rows; r++, slot = ts_next_slot(t, slot)) {
        int16_t *row = to + ((t->top + r) * w->kernel + t->left) * channels;
        const int8_t *x = t->x + slot * t->pitch;
        for (int32_t c = 0; c < (joined ? 1 : t->columns); c++) {
            ts_x86_64_widen(row + c * channels, x + c * t->column_step, run, zero);
        }
    }
}

// Adds the products of two taps of one position to its sums.
static inline TS_AVX2 __attribute__((always_inline)) void add_pair(__m256i *sum, const int16_t *x,
    __m256i w0, __m256i w1) {
    int32_t pair;
    memcpy(&pair, x, sizeof pair);
    __m256i v = _mm256_set1_epi32(pair);
    sum[0] = _mm256_add_epi32(sum[0], _mm256_madd_epi16(v, w0));
    sum[1] = _mm256_add_epi32(sum[1], _mm256_madd_epi16(v, w1));
}

// n positions from `first` on, sixteen channels. n is a number where this is
// called, and the sums are written out, since they must stay in registers.
static inline TS_AVX2 __attribute__((always_inline)) void multiply(const block_t *b, int32_t first,
    const ts_x86_64_bounds_t *bounds, int32_t channel, int32_t channels, int32_t n) {
    __m256i sum[AT_ONCE][2] = {{_mm256_setzero_si256()}};
    int32_t pitch = b->pitch;
    const int16_t *x = b->patches + first * pitch, *w = b->w;
    for (const int16_t *end = x + b->taps; x < end; x += 2, w += 2 * TS_X86_CHANNELS) {
        __m256i w0 = ts_x86_64_load(w), w1 = ts_x86_64_load(w + TS_X86_CHANNELS);
        add_pair(sum[0], x, w0, w1);
        if (n > 1) {
            add_pair(sum[1], x + pitch, w0, w1);
        }
        if (n > 2) {
            add_pair(sum[2], x + 2 * pitch, w0, w1);
        }
        if (n > 3) {
            add_pair(sum[3], x + 3 * pitch, w0, w1);
        }
    }
    for (int32_t i = 0; i < n; i++) {
        ts_x86_64_finish(sum[i][0], sum[i][1], &b->scales, bounds, b->y[first + i] + channel,
            channels);
    }
}

static TS_AVX2 void multiply_block(const block_t *b, const ts_x86_64_bounds_t *bounds,
    int32_t channel, int32_t channels) {
    int32_t p = 0, left = b->positions;
    for (; left >= AT_ONCE; left -= AT_ONCE, p += AT_ONCE) {
        multiply(b, p, bounds, channel, channels, AT_ONCE);
    }
    switch (left) {
    case 3:
        multiply(b, p, bounds, channel, channels, 3);
        break;
    case 2:
        multiply(b, p, bounds, channel, channels, 2);
        break;
    case 1:
        multiply(b, p, bounds, channel, channels, 1);
        break;
    default:
        break;
    }
}

static TS_AVX2 void multiply_all(const ts_op_t *op, block_t *b) {
    const int32_t *bias = op->data[BIAS], *mult = op->data[MULT];
    const int8_t *shift = op->data[SHIFT], *w = op->data[W];
    ts_x86_64_bounds_t bounds = ts_x86_64_bounds(op->t[Y]->zero_point, op->params + ACT);
    int32_t outputs = ts_dim(op->t[Y], 3);
    for (int32_t c = 0; c < outputs; c += TS_X86_CHANNELS) {
        int32_t n = outputs - c;
        ts_x86_64_scales(&b->scales, bias + c, mult + c, shift + c, n);
        lay_out(b, w + c * b->taps, n);
        multiply_block(b, &bounds, c, n);
    }
    b->positions = 0;
}

int32_t ts_whole_CONV_2D(const ts_op_t *op) {
    ts_axis_t h, w;
    ts_walk_t walk;
    block_t b;
    ts_conv_axes(op, &h, &w);
    int32_t channels = ts_dim(op->t[X], 3), zero = op->t[X]->zero_point;
    int64_t taps = (int64_t)h.kernel * w.kernel * channels;
    if (!ts_x86_64_able() || ts_dim(op->t[W], 3) != channels || taps > TAPS_MAX) {
        return 0;
    }
    b.taps = (int32_t)taps;
    b.pitch = (b.taps + 15) & -16;
    b.positions = 0;
    int32_t most = ts_min_s32(POSITIONS, PATCHES / b.pitch);
    ts_walk_start(&walk, op, X, Y, &h, &w);
    while (ts_walk_next(&walk)) {
        int16_t *to = b.patches + b.positions * b.pitch;
        memset(to + taps, 0, (size_t)(b.pitch - b.taps) * sizeof *to);
        put_patch(&walk.taps, &h, &w, channels, zero, to);
        b.y[b.positions++] = walk.y;
        if (b.positions == most) {
            multiply_all(op, &b);
        }
    }
    multiply_all(op, &b);
    return 1;
}
#endif
