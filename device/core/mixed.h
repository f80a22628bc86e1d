// Inside the core: what layers with int16 activations, or with int4 weights,
// share. Weights are int8 or int4; biases are int32 or, for int16, int64.
#ifndef TS_MIXED_H
#define TS_MIXED_H
#include "op.h"

// Operands of such layers.
enum { TS_MIXED_X, TS_MIXED_W, TS_MIXED_BIAS, TS_MIXED_MULT, TS_MIXED_SHIFT, TS_MIXED_Y };

// Types of x, w and y, zero points, n biases, and the bounds at `act`. w is a
// constant.
int32_t ts_need_mixed(ts_op_t *op, int32_t n, const int32_t *act);

// A row of products: x from its first element, w from element `w`; so many
// elements from one to the next.
typedef struct {
    const uint8_t *x;
    int32_t w, x_step, w_step, n;
} ts_mixed_run_t;

// Sum of (x - zero point) * w over the run; n is at most 65535.
int64_t ts_mixed_dot(const ts_op_t *op, const ts_mixed_run_t *run);

// Bias i, of either type.
static inline int64_t ts_mixed_bias(const ts_op_t *op, int32_t i) {
    const void *bias = op->data[TS_MIXED_BIAS];
    return op->t[TS_MIXED_BIAS]->dtype == TS_S64 ? ts_s64_at(bias, i)
                                                 : ((const int32_t *)bias)[i];
}

// Clamps v to the bounds at `act` with the zero point added; writes element i of row y.
void ts_mixed_store(const ts_op_t *op, void *y, int32_t i, int32_t v, const int32_t *act);

#endif
