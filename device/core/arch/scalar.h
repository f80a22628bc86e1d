// What the packed ops of Cortex-M0 (armv6m) and RV32IMC share: the layout of
// their constants, the checks, and the C around the loops. A block is some
// output channels, whose weights and scales stand together in the constant,
// in the order in which they are read:
//     w[k][channel] bytes, k padded to a multiple of 4
//     per channel:  bias << 8 | shift, multiplier (2^31 = 1)
// On armv6m weights are unsigned, weight + 128. A depthwise layer has blocks
// of one channel with signed weights, padded with zeros to a multiple of 3
// taps, then of 4 bytes. The bias has the zero point of x folded in, but for
// TS_ROWS. The host (packing/) has bounded every sum.
#ifndef TS_ARCH_SCALAR_H
#define TS_ARCH_SCALAR_H
#include "../op.h"

#define TS_SCALAR (TS_TARGET == TS_TARGET_ARMV6M || TS_TARGET == TS_TARGET_RV32IMC)
#if TS_SCALAR

enum {
    TS_CONV_CHANNELS = 4,       // channels of a block of a convolution
    TS_DENSE_CHANNELS = 8,      // of a fully connected layer
    TS_SCALE_WORDS = 2,         // bias and shift, multiplier
    // Bits of `kernel`.
    TS_WIDE = 1,                // sums reach 2^20, but not 2^23
    TS_ONCE = 2,                // one rounding, not two (fixed.h)
    TS_ROWS = 4,                // depthwise 3x3, row by row; no other bit is set
};
// Operands and parameters of the ops with weights.
enum { TS_X, TS_PACKED, TS_Y, TS_SCRATCH };
enum { TS_ACT = 6, TS_KERNEL_H = 8, TS_KERNEL_W, TS_KERNEL };
enum { TS_DENSE_KERNEL = 2, TS_DENSE_DEPTH };

static inline int32_t ts_up(int32_t n, int32_t unit) {
    return (n + unit - 1) / unit * unit;
}

// ts_row of an int8 tensor.
static inline int8_t *ts_row_s8(const ts_op_t *op, int32_t i, int32_t y) {
    const ts_tensor_t *t = op->t[i];
    int32_t slot = t->ring != 0 ? y % t->ring : y;
    return (int8_t *)op->data[i] + slot * ts_dim(t, 2) * ts_dim(t, 3);
}

// What a loop needs. The assembly knows the offsets of these fields.
typedef struct {
    const void *w;              // 0   packed blocks
    const void *x, *x_end;      // 4 8 what is multiplied with them
    int32_t sum, sum1;          // 12 16 sums to begin with
    int8_t *y;                  // 20
    int32_t y_step;             // 24  from a pixel's outputs to the next one's
    int32_t outputs;            // 28
    int32_t low, high, zero, half;  // 32 .. 44
    int32_t sign_shift;         // 48
    int32_t wide;               // 52
    int32_t taps_bytes;         // 56  weights of a depthwise channel
    int32_t x_step;             // 60  from a pixel to the next
} ts_block_t;

// Of a depthwise layer with TS_ROWS: x is three rows; of those whose bit of
// `wide` is set any other row will do. sum, y_step: bytes of a row of x and of
// y; sum1: of the columns that complete no output; taps_bytes: less the zero
// point of x.

// Fills in what the tensors say.
void ts_block_start(ts_block_t *b, const ts_op_t *op, const int32_t *act, int32_t kernel);

// Checks of a convolution whose filters have `depth` channels each: both axes,
// of which the kernel's sizes are in the parameters.
int32_t ts_need_packed_axes(ts_op_t *op, ts_axis_t *h, ts_axis_t *w, int32_t depth);
void ts_packed_axes(const ts_op_t *op, ts_axis_t *h, ts_axis_t *w);

// Types, activation bounds, a constant of blocks of `channels` channels and
// `weights` words of weights each, and `scratch` bytes, which lie apart from
// y: they hold addresses.
int32_t ts_need_packed(ts_op_t *op, const int32_t *act, int32_t channels, int32_t weights,
    int32_t scratch);

#if TS_TARGET == TS_TARGET_ARMV6M
#include "armv6m.h"
#else
#include "rv32imc.h"
#endif

#endif
#endif
