// Inside the core: one op of a program, decoded, and what every op file uses.
// ops.def gives each op two functions:
//   ts_check_<OP>  at load: shapes, types and parameters; 0 or an error, and
//                  op->fault names the operand. Everything ts_run relies on.
//   ts_run_<OP>    computes. No checks; cannot fail.
//
// A row is an index along dims[1] (H of NHWC, time of sequences). Ops with
// rows 1 in ops.def make rows first .. first + count of one image of y:
//   - the runner goes through the images (dims[0]): it moves data[] of every
//     operand in the arena whose dims[0] is that of y. Constants, and operands
//     whose dims[0] is 1, stay; a check makes sure that no other fits.
//   - tensors may be rings of fewer rows than they have: row y is where ts_row
//     says. Only operands read by ts_row may be rings; the check of an op says
//     of all others that they are whole (ts_need_whole, ts_need_scratch).
//   - y may overlap x behind what is still read: rows are finished one by one,
//     upwards, and row y is written once the rows of x it is made of, and no
//     row of x for a later one, may be lost. When the file says backward the
//     runner calls row by row, downwards.
// Ops with rows 0 read and write whole tensors, never rings.
#ifndef TS_OP_H
#define TS_OP_H
#include "config.h"
#include "fixed.h"
#include "ts.h"
#include <string.h>

enum { TS_OPERANDS_MAX = 16, TS_ELEMENTS_SUM_MAX = 65535 };

typedef struct {
    const ts_tensor_t *t[TS_OPERANDS_MAX];  // inputs, then outputs; NULL where absent
    void *data[TS_OPERANDS_MAX];            // NULL for the arena while checking
    const int32_t *params;
    int32_t first, count;                   // rows of y to make
    int32_t fault;                          // operand to blame, -1 none
} ts_op_t;

enum {
#define X(NAME, opcode, n_in, n_out, n_params, rows) TS_OP_##NAME = opcode,
#include "ops.def"
#undef X
};

#define X(NAME, opcode, n_in, n_out, n_params, rows) \
    int32_t ts_check_##NAME(ts_op_t *op); \
    void ts_run_##NAME(const ts_op_t *op);
#include "ops.def"
#undef X

#if TS_WHOLE_OPS    // 0: not for this layer
int32_t ts_whole_CONV_2D(const ts_op_t *op);
int32_t ts_whole_DEPTHWISE_CONV_2D(const ts_op_t *op);
int32_t ts_whole_FULLY_CONNECTED(const ts_op_t *op);
// The first elements of y, as many as it returns.
int32_t ts_whole_ADD(const ts_op_t *op, const int8_t *a, const int8_t *b, int8_t *y, int32_t n);
#endif

// ---- Tensors that the loader accepted: below 2^31 bytes ----

static inline int32_t ts_dim(const ts_tensor_t *t, int32_t i) {
    return (int32_t)t->dims[i];
}

static inline int32_t ts_elements(const ts_tensor_t *t) {
    return (int32_t)(t->dims[0] * t->dims[1] * t->dims[2] * t->dims[3]);
}

// Bytes of n elements; int4 lie two to a byte.
static inline int32_t ts_dtype_bytes(uint32_t dtype, int32_t n) {
    switch (dtype) {
    case TS_S8:
    case TS_U8:
        return n;
    case TS_S16:
        return n * 2;
    case TS_S64:
        return n * 8;
    case TS_S4:
        return n / 2 + n % 2;
    default:
        return n * 4;
    }
}

// Bytes of the tensor, all of its rows; a ring holds fewer.
static inline int32_t ts_bytes(const ts_tensor_t *t) {
    return ts_dtype_bytes(t->dtype, ts_elements(t));
}

static inline int32_t ts_row_bytes(const ts_tensor_t *t) {
    return ts_dtype_bytes(t->dtype, ts_dim(t, 2) * ts_dim(t, 3));
}

// Row y of operand i, in its ring or in the whole tensor; 0 <= y < dims[1].
static inline void *ts_row(const ts_op_t *op, int32_t i, int32_t y) {
    const ts_tensor_t *t = op->t[i];
    uint32_t slot = t->ring != 0 ? (uint32_t)y % t->ring : (uint32_t)y;
    return (uint8_t *)op->data[i] + slot * (uint32_t)ts_row_bytes(t);
}

// Element i of a constant of 64-bit integers, which lies at a multiple of 4.
static inline int64_t ts_s64_at(const void *data, int32_t i) {
    const uint32_t *words = (const uint32_t *)data + 2 * i;
    return (int64_t)((uint64_t)words[1] << 32 | words[0]);
}

// Element i of a row of 4-bit integers, -8 .. 7, the lower half of a byte first.
static inline int32_t ts_s4_at(const void *data, int32_t i) {
    int32_t byte = ((const uint8_t *)data)[i / 2];
    return (((i % 2 == 0 ? byte : byte >> 4) & 15) ^ 8) - 8;
}

// ---- Checks ----

static inline int32_t ts_same_shape(const ts_tensor_t *a, const ts_tensor_t *b) {
    return a->dims[0] == b->dims[0] && a->dims[1] == b->dims[1] && a->dims[2] == b->dims[2]
        && a->dims[3] == b->dims[3];
}

static inline int32_t ts_between(int32_t x, int32_t low, int32_t high) {
    return low <= x && x <= high;
}

static inline int32_t ts_scale_ok(int32_t mult, int32_t shift) {
    return mult >= 0 && ts_between(shift, -31, 30);
}

// Activation bounds are int8 steps in order.
static inline int32_t ts_act_ok(const int32_t *act) {
    return ts_between(act[0], INT8_MIN, act[1]) && ts_between(act[1], act[0], INT8_MAX);
}

// Notes the operand at fault and hands the error on.
static inline int32_t ts_blame(ts_op_t *op, int32_t operand, int32_t error) {
    op->fault = operand;
    return error;
}

// Operand i has this type; else it is at fault.
int32_t ts_need_type(ts_op_t *op, int32_t i, uint32_t dtype);
// Operands first .. last do.
int32_t ts_need_types(ts_op_t *op, int32_t first, int32_t last, uint32_t dtype);
// Operand i is a constant of this type with n elements.
int32_t ts_need_constant(ts_op_t *op, int32_t i, uint32_t dtype, int32_t n);
// Operand i is no ring and has one image: a row op may read it whole.
int32_t ts_need_whole(ts_op_t *op, int32_t i);
// Operand i is whole, u8, in the arena, and has `bytes` or more. Where it is
// absent, bytes must be 0.
int32_t ts_need_scratch(ts_op_t *op, int32_t i, int32_t bytes);

// Operand i can be broadcast to y: every dim is y's or 1; a constant has one image.
int32_t ts_need_broadcast(ts_op_t *op, int32_t i, int32_t y);

// Ops with weights: operands x, w, bias, mult, shift, y.
// x, w and y are int8, and w has no zero point.
int32_t ts_need_weights(ts_op_t *op);
// One bias for each of n outputs; `scales` multipliers and shifts within
// range; activation bounds at `act`.
int32_t ts_need_sums(ts_op_t *op, int32_t n, int32_t scales, const int32_t *act);

// ---- Broadcasting ----

// Steps from one row (in rows), column and element to the next (in elements);
// 0 where the one there is repeated.
typedef struct {
    int32_t row, column, element;
} ts_steps_t;

static inline ts_steps_t ts_broadcast_steps(const ts_tensor_t *t) {
    return (ts_steps_t){t->dims[1] != 1, t->dims[2] != 1 ? ts_dim(t, 3) : 0, t->dims[3] != 1};
}

// ---- Sliding windows ----

// One axis of a sliding window: in positions, out positions, kernel, stride,
// dilation, padding before. Every output then sees at least one input, and
// all coordinates stay within +-2^30.
typedef struct {
    int32_t in, out, kernel, stride, dilation, pad;
} ts_axis_t;
int32_t ts_axis_ok(const ts_axis_t *a);

// Both axes of an op with weights, from its tensors and its first parameters:
// stride h and w, dilation h and w, padding on top and left.
void ts_conv_axes(const ts_op_t *op, ts_axis_t *h, ts_axis_t *w);
// They are possible, and y has as many images as x.
int32_t ts_need_conv_axes(ts_op_t *op);

// Taps [*first, *last) of the kernel at origin that lie inside the input.
static inline void ts_axis_taps(const ts_axis_t *a, int32_t origin, int32_t *first,
    int32_t *last) {
    int32_t k = 0, end = a->kernel;
    for (int32_t p = origin; p < 0 && k < end; p += a->dilation) {
        k++;
    }
    for (int32_t p = origin + (end - 1) * a->dilation; p >= a->in && end > k; p -= a->dilation) {
        end--;
    }
    *first = k;
    *last = end;
}

// What one position of y sees of x: the taps of the kernel that lie inside.
// Row r of them starts at x + slot * pitch; rows lie in a ring of `slots`.
typedef struct {
    const int8_t *x;            // the first tap's column, in slot 0
    int32_t top, left;          // first tap inside: row and column of the kernel
    int32_t rows, columns;      // taps inside; rows 0 where all are padding
    int32_t slot, slots, slot_step, pitch, column_step;
} ts_taps_t;

// A walk over the positions of rows first .. first + count of y, in order;
// x is (H, W, C) int8, y is (OH, OW, C2) int8.
typedef struct {
    ts_taps_t taps;
    int8_t *y;                  // the position to fill
    const ts_op_t *op;
    const ts_axis_t *h, *w;
    int32_t x_operand, y_operand, row, column;
} ts_walk_t;
void ts_walk_start(ts_walk_t *walk, const ts_op_t *op, int32_t x_operand, int32_t y_operand,
    const ts_axis_t *h, const ts_axis_t *w);
// Goes to the next position; 0 after the last.
int32_t ts_walk_next(ts_walk_t *walk);

// The row of taps after the one at slot.
static inline int32_t ts_next_slot(const ts_taps_t *t, int32_t slot) {
    slot += t->slot_step;
    return slot >= t->slots ? slot - t->slots : slot;
}

#endif
