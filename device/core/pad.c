#include "op.h"

#if TS_WITH_PAD
enum { X, Y };
enum { BEFORE = 0, AFTER = 1, VALUE = 8 };      // before0 after0 before1 ..

int32_t ts_check_PAD(ts_op_t *op) {
    const int32_t *p = op->params;
    int32_t error = ts_need_types(op, X, Y, TS_S8);
    if (error != 0) {
        return error;
    }
    for (int32_t i = 0; i < 4; i++) {
        int32_t before = p[2 * i + BEFORE], after = p[2 * i + AFTER];
        if (before < 0 || after < 0
            || (int64_t)ts_dim(op->t[X], i) + before + after != ts_dim(op->t[Y], i)) {
            return ts_blame(op, Y, TS_ERR_SHAPE);
        }
    }
    if (op->t[X]->dims[0] != op->t[Y]->dims[0]) {
        return ts_blame(op, Y, TS_ERR_SHAPE);   // images are not padded
    }
    return ts_between(p[VALUE], INT8_MIN, INT8_MAX) ? 0 : TS_ERR_OP;
}

static int8_t *fill(int8_t *y, int32_t n, int32_t value) {
    memset(y, value, (size_t)n);
    return y + n;
}

// x is (H, W, C), y is that with borders.
void ts_run_PAD(const ts_op_t *op) {
    const int32_t *p = op->params;
    int32_t value = p[VALUE], channels = ts_dim(op->t[X], 3), line = ts_dim(op->t[Y], 3);
    for (int32_t row = op->first, end = op->first + op->count; row < end; row++) {
        int32_t from = row - p[2];
        int8_t *y = ts_row(op, Y, row);
        if (!ts_between(from, 0, ts_dim(op->t[X], 1) - 1)) {
            fill(y, ts_row_bytes(op->t[Y]), value);
            continue;
        }
        const int8_t *x = ts_row(op, X, from);
        y = fill(y, p[4] * line, value);
        for (int32_t left = ts_dim(op->t[X], 2); left > 0; left--, x += channels) {
            y = fill(y, p[6], value);
            memmove(y, x, (size_t)channels);
            y = fill(y + channels, p[7], value);
        }
        fill(y, p[5] * line, value);
    }
}
#endif
