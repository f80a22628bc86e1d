// Kernels for Cortex-M0, M0+ and M23: Thumb-1, eight low registers, products
// of 32 bits only.
#ifndef TS_ARCH_ARMV6M_H
#define TS_ARCH_ARMV6M_H
// Included by scalar.h alone.

// words[i] = (a[i] + 128) | (b[i] + 128) << 16; returns their sum, whose
// halves are exact up to n = 257.
uint32_t ts_armv6m_pair(const int8_t *a, const int8_t *b, int32_t n, uint32_t *words);
// Two pixels, all outputs: x .. x_end are words from ts_armv6m_pair.
void ts_armv6m_gemm(const ts_block_t *b);
// One row of a fully connected layer: x .. x_end are int8, a multiple of 4.
void ts_armv6m_dense(const ts_block_t *b);
// One position of a depthwise layer: x .. x_end are pointers to the taps of
// channel 0, a multiple of 3.
void ts_armv6m_taps(const ts_block_t *b);
// One row of a depthwise layer with TS_ROWS.
void ts_armv6m_row3x3(const ts_block_t *b);

// ---- for scalar_conv.c: a word holds a tap of both pixels ----

enum { TS_PIXELS = 2, TS_TAP_BYTES = 4 };

typedef struct {
    uint32_t *words;
    int32_t sum, sum1;              // of the bytes gathered, of either pixel
} ts_gather_t;

static inline void ts_gather_start(ts_gather_t *g, const ts_block_t *b, int32_t taps) {
    (void)taps;
    g->words = (uint32_t *)(uintptr_t)b->x;
    g->sum = g->sum1 = 0;
}

static inline void ts_gather(ts_gather_t *g, const int8_t *const *from, int32_t n) {
    const int8_t *a = from[0], *b = from[1];
    while (n > 0) {
        int32_t part = ts_min_s32(n, 256);
        uint32_t sums = ts_armv6m_pair(a, b, part, g->words);
        g->sum += (int32_t)(sums & 0xffff);
        g->sum1 += (int32_t)(sums >> 16);
        g->words += part;
        a += part;
        b += part;
        n -= part;
    }
}

// Weights are 128 too large: takes 128 times the pixels off the sums.
static inline void ts_gather_end(ts_gather_t *g, ts_block_t *b) {
    while (((uintptr_t)g->words - (uintptr_t)b->x) % 16 != 0) {
        *g->words++ = 0;
    }
    b->x_end = g->words;
    b->sum1 = -g->sum1 * 128;
    b->sum = ts_wrap_add(-g->sum * 128, ts_wrap_shl(b->sum1, 16));
}

// n pixels or the first two of them.
static inline void ts_conv_pixels(ts_block_t *b, int32_t n) {
    b->y_step = n > 1 ? b->outputs : 0;
    ts_armv6m_gemm(b);
}

// ---- for scalar_dense.c and scalar_depthwise.c ----

static inline void ts_dense_row(ts_block_t *b) {
    int32_t sum = 0;
    for (const int8_t *x = b->x; x != b->x_end; x++) {
        sum -= *x;
    }
    b->sum = sum * 128;     // as above
    ts_armv6m_dense(b);
}

static inline void ts_depthwise_position(const ts_block_t *b) {
    ts_armv6m_taps(b);
}

static inline void ts_depthwise_row(const ts_block_t *b) {
    ts_armv6m_row3x3(b);
}

#endif
