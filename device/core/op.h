// Inside the core: one op of a program, decoded, and what every op file uses.
// ops.def gives each op two functions:
//   ts_check_<OP>  at load: shapes, types and parameters; 0 or an error, and
//                  op->fault names the operand. Everything ts_run relies on.
//   ts_run_<OP>    computes. No checks; cannot fail.
#ifndef TS_OP_H
#define TS_OP_H
#include "fixed.h"
#include "ts.h"

enum { TS_OPERANDS_MAX = 6, TS_ELEMENTS_SUM_MAX = 65535 };

typedef struct {
    const ts_tensor_t *t[TS_OPERANDS_MAX];  // inputs, then the output
    void *data[TS_OPERANDS_MAX];            // NULL for the arena while checking
    const int32_t *params;
    int32_t fault;                          // operand to blame, -1 none
} ts_op_t;

enum {
#define X(NAME, opcode, n_in, n_out, n_params) TS_OP_##NAME = opcode,
#include "ops.def"
#undef X
};

#define X(NAME, opcode, n_in, n_out, n_params) \
    int32_t ts_check_##NAME(ts_op_t *op); \
    void ts_run_##NAME(const ts_op_t *op);
#include "ops.def"
#undef X

// Elements and bytes of a tensor that the loader accepted (below 2^31).
static inline int32_t ts_elements(const ts_tensor_t *t) {
    return (int32_t)(t->dims[0] * t->dims[1] * t->dims[2] * t->dims[3]);
}

static inline int32_t ts_dtype_bytes(uint32_t dtype) {
    return dtype <= TS_U8 ? 1 : dtype == TS_S16 ? 2 : 4;
}

static inline int32_t ts_bytes(const ts_tensor_t *t) {
    return ts_elements(t) * ts_dtype_bytes(t->dtype);
}

static inline int32_t ts_dim(const ts_tensor_t *t, int32_t i) {
    return (int32_t)t->dims[i];
}

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
// Operand i is a constant of this type with n elements.
int32_t ts_need_constant(ts_op_t *op, int32_t i, uint32_t dtype, int32_t n);

// Ops with weights: operands x, w, bias, mult, shift, y.
// x, w and y are int8, and w has no zero point.
int32_t ts_need_weights(ts_op_t *op);
// One bias for each of n outputs; `scales` multipliers and shifts within
// range; activation bounds at `act`.
int32_t ts_need_sums(ts_op_t *op, int32_t n, int32_t scales, const int32_t *act);

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

// Elements between one tap and the next, `step` elements to a position. With
// no second tap inside the input nothing is stepped over, and the product
// could overflow.
static inline int32_t ts_axis_step(const ts_axis_t *a, int32_t step) {
    return a->dilation < a->in ? a->dilation * step : 0;
}

#endif
