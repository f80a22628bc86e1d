#include "op.h"

#if TS_WITH_MEAN_S16
enum { X, Y };
enum { AXES, MULT, SHIFT };

int32_t ts_check_MEAN_S16(ts_op_t *op) {
    const int32_t *p = op->params;
    int32_t error = ts_need_types(op, X, Y, TS_S16);
    if (error != 0) {
        return error;
    }
    if (!ts_between(p[AXES], 0, 15) || !ts_scale_ok(p[MULT], p[SHIFT])) {
        return TS_ERR_OP;
    }
    // y may drop the dims of 1 that x keeps, so only counts are compared.
    int32_t kept = 1;
    for (int32_t i = 0; i < 4; i++) {
        kept *= p[AXES] >> i & 1 ? 1 : ts_dim(op->t[X], i);
    }
    return kept == ts_elements(op->t[Y]) ? 0 : ts_blame(op, Y, TS_ERR_SHAPE);
}

// The sum over the axes of the mask, from the element at x on.
static int32_t sum_from(const ts_op_t *op, const int16_t *x, int32_t mask) {
    const ts_tensor_t *t = op->t[X];
    int32_t d[4], sum = 0;
    for (int32_t i = 0; i < 4; i++) {
        d[i] = mask >> i & 1 ? ts_dim(t, i) : 1;
    }
    int32_t column = ts_dim(t, 3), row = column * ts_dim(t, 2), image = row * ts_dim(t, 1);
    for (int32_t n = 0; n < d[0]; n++) {
        for (int32_t h = 0; h < d[1]; h++) {
            for (int32_t w = 0; w < d[2]; w++) {
                const int16_t *from = x + n * image + h * row + w * column;
                for (int32_t c = 0; c < d[3]; c++) {
                    sum = ts_wrap_add(sum, from[c]);
                }
            }
        }
    }
    return sum;
}

// x is (N, H, W, C); y is x with the axes of the mask taken away, in their
// order. Sums wrap, as they do in TensorFlow Lite.
void ts_run_MEAN_S16(const ts_op_t *op) {
    const int32_t *p = op->params;
    const ts_tensor_t *t = op->t[X];
    int32_t d[4], at[4];
    for (int32_t i = 0; i < 4; i++) {
        d[i] = p[AXES] >> i & 1 ? 1 : ts_dim(t, i);
    }
    int16_t *y = op->data[Y];
    for (at[0] = 0; at[0] < d[0]; at[0]++) {
        for (at[1] = 0; at[1] < d[1]; at[1]++) {
            for (at[2] = 0; at[2] < d[2]; at[2]++) {
                for (at[3] = 0; at[3] < d[3]; at[3]++) {
                    int32_t first = at[0];
                    for (int32_t i = 1; i < 4; i++) {
                        first = first * ts_dim(t, i) + at[i];
                    }
                    int32_t sum = sum_from(op, (const int16_t *)op->data[X] + first, p[AXES]);
                    *y++ = ts_sat_s16(ts_scale_twice(sum, p[MULT], p[SHIFT]));
                }
            }
        }
    }
}
#endif
