#include "op.h"

#if TS_WITH_ARG_MAX
enum { X, Y };

// x is (N, H, R, C) int8; y holds N x H x C indices, s32 or s64.
int32_t ts_check_ARG_MAX(ts_op_t *op) {
    int32_t error = ts_need_type(op, X, TS_S8);
    if (error != 0) {
        return error;
    }
    if (op->t[Y]->dtype != TS_S32 && op->t[Y]->dtype != TS_S64) {
        return ts_blame(op, Y, TS_ERR_OP);
    }
    return ts_elements(op->t[X]) / ts_dim(op->t[X], 2) == ts_elements(op->t[Y])
        ? 0 : ts_blame(op, Y, TS_ERR_SHAPE);
}

// Where along R the largest element stands, the first of equals; y may not overlap x.
void ts_run_ARG_MAX(const ts_op_t *op) {
    int32_t n = ts_dim(op->t[X], 2), step = ts_dim(op->t[X], 3);
    const int8_t *x = op->data[X];
    int32_t *y = op->data[Y];
    for (int32_t left = ts_elements(op->t[X]) / n / step; left > 0; left--, x += (n - 1) * step) {
        for (int32_t c = 0; c < step; c++, x++) {
            int32_t best = 0;
            for (int32_t i = 1; i < n; i++) {
                best = x[i * step] > x[best * step] ? i : best;
            }
            *y++ = best;
            if (op->t[Y]->dtype == TS_S64) {
                *y++ = 0;
            }
        }
    }
}
#endif
