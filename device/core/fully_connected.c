#include "op.h"

#if TS_WITH_FULLY_CONNECTED
enum { X, W, BIAS, MULT, SHIFT, Y };
enum { ACT };

// w is (N, K) in the last two dims.
static int32_t check_shapes(ts_op_t *op) {
    const ts_tensor_t *w = op->t[W];
    int32_t depth = ts_dim(w, 3), outputs = ts_dim(w, 2);
    if (w->dims[0] != 1 || w->dims[1] != 1 || depth > TS_ELEMENTS_SUM_MAX
        || ts_elements(op->t[X]) % depth != 0) {
        return ts_blame(op, W, TS_ERR_SHAPE);
    }
    if ((int64_t)(ts_elements(op->t[X]) / depth) * outputs != ts_elements(op->t[Y])) {
        return ts_blame(op, Y, TS_ERR_SHAPE);
    }
    return 0;
}

int32_t ts_check_FULLY_CONNECTED(ts_op_t *op) {
    int32_t outputs = ts_dim(op->t[W], 2);
    int32_t scales = ts_elements(op->t[MULT]) == 1 ? 1 : outputs;
    int32_t error = ts_need_weights(op);
    error = error != 0 ? error : check_shapes(op);
    return error != 0 ? error : ts_need_sums(op, outputs, scales, op->params + ACT);
}

// x is (M, K), w is (N, K), y is (M, N).
void ts_run_FULLY_CONNECTED(const ts_op_t *op) {
#if TS_WHOLE_OPS
    if (ts_whole_FULLY_CONNECTED(op)) {
        return;
    }
#endif
    int32_t depth = ts_dim(op->t[W], 3), outputs = ts_dim(op->t[W], 2);
    int32_t offset = -op->t[X]->zero_point, zero = op->t[Y]->zero_point;
    int32_t low = op->params[ACT], high = op->params[ACT + 1];
    int32_t step = ts_elements(op->t[MULT]) == 1 ? 0 : 1;
    const int8_t *x = op->data[X];
    int8_t *y = op->data[Y];
    for (int32_t m = ts_elements(op->t[X]) / depth; m > 0; m--, x += depth) {
        const int8_t *w = op->data[W], *shift = op->data[SHIFT];
        const int32_t *bias = op->data[BIAS], *mult = op->data[MULT];
        for (int32_t left = outputs; left > 0;) {
            int32_t acc[4] = {0, 0, 0, 0}, n = left >= 4 ? 4 : 1;
            if (n == 4) {
                ts_dot4_s8(x, w, depth, depth, offset, acc);
            } else {
                acc[0] = ts_dot_s8(x, w, depth, offset, 0);
            }
            for (int32_t i = 0; i < n; i++, mult += step, shift += step) {
                int32_t sum = ts_wrap_add(acc[i], *bias++);
                *y++ = ts_finish_s8(ts_scale_once(sum, *mult, *shift), zero, low, high);
            }
            w += n * depth;
            left -= n;
        }
    }
}
#endif
