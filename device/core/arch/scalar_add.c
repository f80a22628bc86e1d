// PACKED_ADD: y = (a a_mult + b b_mult + offset) >> shift, clamped. The host
// has found numbers for which this is equal to TFLite's ADD on all inputs.
#include "scalar.h"

#if TS_SCALAR && TS_WITH_PACKED_ADD
enum { A, B, Y };
enum { A_MULT, B_MULT, OFFSET, SHIFT, ACT };

int32_t ts_check_PACKED_ADD(ts_op_t *op) {
    const int32_t *p = op->params;
    int32_t error = ts_need_types(op, A, Y, TS_S8);
    if (error == 0 && (!ts_same_shape(op->t[A], op->t[Y]) || !ts_same_shape(op->t[B], op->t[Y]))) {
        return ts_blame(op, Y, TS_ERR_SHAPE);
    }
    return error == 0 && (!ts_between(p[SHIFT], 0, 31) || !ts_act_ok(p + ACT)) ? TS_ERR_OP : error;
}

void ts_run_PACKED_ADD(const ts_op_t *op) {
    int32_t n = ts_dim(op->t[Y], 2) * ts_dim(op->t[Y], 3);
    int32_t a_mult = op->params[A_MULT], b_mult = op->params[B_MULT];
    int32_t offset = op->params[OFFSET], shift = op->params[SHIFT];
    int32_t low = op->params[ACT], high = op->params[ACT + 1];
    for (int32_t row = op->first; row < op->first + op->count; row++) {
        const int8_t *a = ts_row_s8(op, A, row), *b = ts_row_s8(op, B, row);
        int8_t *y = ts_row_s8(op, Y, row);
        for (int32_t i = 0; i < n; i++) {
            uint32_t sum = (uint32_t)a[i] * (uint32_t)a_mult + (uint32_t)b[i] * (uint32_t)b_mult;
            y[i] = (int8_t)ts_clamp_s32((int32_t)(sum + (uint32_t)offset) >> shift, low, high);
        }
    }
}
#endif
