// PACKED_FULLY_CONNECTED.
#include "scalar.h"

#if TS_SCALAR && TS_WITH_PACKED_FULLY_CONNECTED
// x is (M, K) in any shape, y is (M, N).
int32_t ts_check_PACKED_FULLY_CONNECTED(ts_op_t *op) {
    int32_t depth = op->params[TS_DENSE_DEPTH], outputs = ts_dim(op->t[TS_Y], 3);
    if (!ts_between(depth, 1, TS_ELEMENTS_SUM_MAX) || ts_elements(op->t[TS_X]) % depth != 0) {
        return ts_blame(op, TS_X, TS_ERR_SHAPE);
    }
    if ((int64_t)(ts_elements(op->t[TS_X]) / depth) * outputs != ts_elements(op->t[TS_Y])) {
        return ts_blame(op, TS_Y, TS_ERR_SHAPE);
    }
    return ts_need_packed(op, op->params, TS_DENSE_CHANNELS,
        ts_up(depth, 4) / 4 * TS_DENSE_CHANNELS, depth % 4 != 0 ? ts_up(depth, 4) : 0);
}

// Blocks of 8 channels. Rows of x that are no multiple of 4 are copied.
void ts_run_PACKED_FULLY_CONNECTED(const ts_op_t *op) {
    ts_block_t b;
    int32_t depth = op->params[TS_DENSE_DEPTH];
    const int8_t *x = op->data[TS_X];
    ts_block_start(&b, op, op->params, op->params[TS_DENSE_KERNEL]);
    b.y = op->data[TS_Y];
    for (int32_t m = ts_elements(op->t[TS_X]) / depth; m > 0; m--, x += depth) {
        const int8_t *row = x;
        if (depth % 4 != 0) {
            memset((uint8_t *)op->data[TS_SCRATCH] + depth / 4 * 4, 0, 4);
            row = memmove(op->data[TS_SCRATCH], x, (size_t)depth);
        }
        b.x = row;
        b.x_end = row + ts_up(depth, 4);
        ts_dense_row(&b);
        b.y += b.outputs;
    }
}
#endif
