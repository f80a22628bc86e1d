// Helium: what the packed ops of Cortex-M55 and M85 share.
//
// Every convolution and fully connected layer is sums of products of bytes
// that lie together: VMLADAVA.S8 adds sixteen of them to a general register.
// The constant of a layer is a sequence of groups, each for four outputs:
//   s32 bias[4]      with the zero point of x folded in
//   s32 mult[4]
//   s32 shift[4]     0 or negative: right shifts
//   s8 w[blocks][4][16]
// where unused outputs and bytes are zero. Bytes of x beyond the last weight
// are read and multiplied by zero, so x always lies in scratch memory with
// room behind it, or is a whole number of blocks long.
#ifndef TS_ARCH_MVE_H
#define TS_ARCH_MVE_H
#include "../op.h"

#if TS_TARGET == TS_TARGET_MVE
#include <arm_mve.h>

enum { TS_MVE_BLOCK = 16, TS_MVE_GROUP = 4, TS_MVE_PARAMS = 12 };    // bytes, outputs, words

// Rows of x times groups of weights: y[p][c] = scaled(bias[c] + x[p] . w[c]).
// The offsets of the fields stand in the assembly of mve_gemm.c.
typedef struct {
    int32_t zero, outputs, bytes;   // zero point of y, channels of y, 16 * blocks
    const int8_t *x;
    int32_t x_pitch;                // bytes from one row of x to the next
    int8_t *y;
    int32_t y_pitch;
    const int32_t *w;
    int32_t low, high;              // activation bounds, zero point taken off
} ts_mve_gemm_t;

// Two rows of x, rounded twice (CONV_2D).
void ts_mve_gemm2(const ts_mve_gemm_t *job);
// One row, rounded twice, or once (FULLY_CONNECTED).
void ts_mve_gemm1(const ts_mve_gemm_t *job);
void ts_mve_gemm1_once(const ts_mve_gemm_t *job);

// One row of positions of a depthwise layer, four channels at a time. x is
// (channels, x_pitch): the taps of a position lie together, and those of the
// next position x_step further.
typedef struct {
    int32_t zero, channels, x_pitch;
    const int8_t *x;
    int32_t x_step;
    int8_t *y;
    int32_t y_pitch;
    const int32_t *w;
    int32_t low, high;
    int32_t positions;
} ts_mve_depthwise_t;
void ts_mve_depthwise(const ts_mve_depthwise_t *job);

// What convolution and depthwise convolution read from params. The columns of
// a dilated kernel are widened with zero weights, so columns are not dilated.
typedef struct {
    ts_axis_t h, w;
    int32_t channels, outputs;
    int32_t pixels;                 // positions of y made at once
    const int8_t *x;
    int32_t x_pitch, x_slots;       // bytes of a row, rows there are
} ts_mve_window_t;
void ts_mve_window(const ts_op_t *op, ts_mve_window_t *g);
// 0 or an error: x, y and params are those of a possible convolution.
int32_t ts_mve_need_window(ts_op_t *op, const ts_mve_window_t *g);

// Row y of x, in its ring or in the whole tensor.
static inline const int8_t *ts_mve_row(const ts_mve_window_t *g, int32_t y) {
    return g->x + y % g->x_slots * g->x_pitch;
}

// Columns of x that `pixels` positions look at.
static inline int32_t ts_mve_columns(const ts_mve_window_t *g, int32_t pixels) {
    return (pixels - 1) * g->w.stride + g->w.kernel;
}

// Words of a packed constant for so many outputs and bytes of weights each.
static inline int64_t ts_mve_words(int32_t outputs, int64_t bytes) {
    int64_t groups = ((int64_t)outputs + TS_MVE_GROUP - 1) / TS_MVE_GROUP;
    return groups * (TS_MVE_PARAMS + (bytes + TS_MVE_BLOCK - 1) / TS_MVE_BLOCK * TS_MVE_BLOCK);
}

// n bytes, which may be 0; neither memcpy nor memset knows Helium.
static inline void ts_mve_copy(int8_t *to, const int8_t *from, int32_t n) {
    __asm__ volatile("wlstp.8 lr, %2, 2f\n"
                     "1: vldrb.8 q0, [%1], #16\n"
                     "vstrb.8 q0, [%0], #16\n"
                     "letp lr, 1b\n"
                     "2:" : "+r"(to), "+r"(from) : "r"(n) : "q0", "lr", "memory");
}

static inline void ts_mve_fill(int8_t *to, int8_t value, int32_t n) {
    __asm__ volatile("vdup.8 q0, %1\n"
                     "wlstp.8 lr, %2, 2f\n"
                     "1: vstrb.8 q0, [%0], #16\n"
                     "letp lr, 1b\n"
                     "2:" : "+r"(to) : "r"((int32_t)value), "r"(n) : "q0", "lr", "memory");
}

#endif
#endif
