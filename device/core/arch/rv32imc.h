// Kernels for RV32IMC: 31 registers, one multiplication for the upper half.
#ifndef TS_ARCH_RV32IMC_H
#define TS_ARCH_RV32IMC_H
// Included by scalar.h alone.

// Four pixels, all outputs: x .. x_end are the taps of the first, a multiple
// of 4; of the others x_step further on. `sum` is how many pixels there are.
void ts_rv32imc_gemm(const ts_block_t *b);
// One row of a fully connected layer: x .. x_end are int8, a multiple of 4.
void ts_rv32imc_dense(const ts_block_t *b);
// One position of a depthwise layer: x .. x_end are pointers to the taps of
// channel 0, a multiple of 3.
void ts_rv32imc_taps(const ts_block_t *b);
// One row of a depthwise layer with TS_ROWS.
void ts_rv32imc_row3x3(const ts_block_t *b);

// ---- for scalar_conv.c: the pixels' taps lie one pixel after another ----

enum { TS_PIXELS = 4, TS_TAP_BYTES = 4 };

typedef struct {
    uint8_t *at;                    // where the first pixel's next tap goes
    int32_t step;                   // from there to the next pixel's
} ts_gather_t;

static inline void ts_gather_start(ts_gather_t *g, const ts_block_t *b, int32_t taps) {
    g->at = (uint8_t *)(uintptr_t)b->x;
    g->step = ts_up(taps, 4);
}

// Four bytes at a time where all addresses are multiples of 4.
static inline void ts_rv32imc_copy(uint8_t *to, const int8_t *from, int32_t n) {
    const int8_t *end = from + n;
    if ((((uintptr_t)to | (uintptr_t)from | (uint32_t)n) & 3) == 0) {
        for (; from != end; from += 4, to += 4) {
            *(uint32_t *)(void *)to = *(const uint32_t *)(const void *)from;
        }
        return;
    }
    while (from != end) {
        *to++ = (uint8_t)*from++;
    }
}

static inline void ts_gather(ts_gather_t *g, const int8_t *const *from, int32_t n) {
    uint8_t *at = g->at;
    for (int32_t i = 0; i < TS_PIXELS; i++, at += g->step) {
        ts_rv32imc_copy(at, from[i], n);
    }
    g->at += n;
}

static inline void ts_gather_end(const ts_gather_t *g, ts_block_t *b) {
    b->x_end = (const uint8_t *)b->x + g->step;
    b->x_step = g->step;
}

// n pixels or the first four of them. Two cost less one by one than as four.
static inline void ts_conv_pixels(ts_block_t *b, int32_t n) {
    b->sum = n == 2 ? 1 : ts_min_s32(n, TS_PIXELS);
    b->y_step = b->outputs;
    ts_rv32imc_gemm(b);
    if (n == 2) {
        const void *first = b->x;
        b->x = b->x_end;
        b->x_end = (const uint8_t *)b->x_end + b->x_step;
        b->y += b->outputs;
        ts_rv32imc_gemm(b);
        b->x = first;
    }
}

// ---- for scalar_dense.c and scalar_depthwise.c ----

static inline void ts_dense_row(const ts_block_t *b) {
    ts_rv32imc_dense(b);
}

static inline void ts_depthwise_position(const ts_block_t *b) {
    ts_rv32imc_taps(b);
}

static inline void ts_depthwise_row(const ts_block_t *b) {
    ts_rv32imc_row3x3(b);
}

#endif
