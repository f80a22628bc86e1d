// Elements of x in another order, or some of them: what slices, splits and
// transpositions are.
#include "op.h"
#include <string.h>

#if TS_WITH_STRIDED_COPY
enum { X, Y };
enum { START, STRIDE };     // elements of x; STRIDE for rows, columns, channels of y

// Lowest and highest element of x that axes first .. 3 of y reach from 0; 0
// where they lie beyond any tensor.
static int32_t reach(const ts_op_t *op, int32_t first, int64_t *low, int64_t *high) {
    *low = *high = 0;
    for (int32_t i = first; i < 4; i++) {
        int64_t span = (int64_t)(ts_dim(op->t[Y], i) - 1) * op->params[STRIDE + i - 1];
        if (span > INT32_MAX || span < -(int64_t)INT32_MAX) {
            return 0;
        }
        *low += span < 0 ? span : 0;
        *high += span > 0 ? span : 0;
    }
    return 1;
}

// A row of y is made of one row of x, and never of a part that begins in the
// row before: then x may be a ring.
static int32_t row_by_row(const ts_op_t *op, int32_t row) {
    int64_t low, high;
    int32_t start = op->params[START] % row;
    return op->params[STRIDE] % row == 0 && reach(op, 2, &low, &high) && start + low >= 0
        && start + high < row;
}

int32_t ts_check_STRIDED_COPY(ts_op_t *op) {
    const ts_tensor_t *x = op->t[X], *y = op->t[Y];
    int32_t row = ts_dim(x, 2) * ts_dim(x, 3), start = op->params[START];
    int64_t low, high;
    if (x->dtype != y->dtype || x->dtype == TS_S4) {
        return ts_blame(op, Y, TS_ERR_OP);
    }
    if (x->dims[0] != y->dims[0] || (x->place == TS_IN_FILE && x->dims[0] != 1)) {
        return ts_blame(op, X, TS_ERR_SHAPE);
    }
    if (!reach(op, 1, &low, &high) || start < 0 || start + low < 0
        || start + high >= (int64_t)row * ts_dim(x, 1)) {
        return TS_ERR_OP;
    }
    return x->ring == 0 || row_by_row(op, row) ? 0 : ts_blame(op, X, TS_ERR_OP);
}

// n elements of `bytes`, `step` bytes apart.
static void copy_line(uint8_t *y, const uint8_t *x, int32_t n, int32_t step, int32_t bytes) {
    if (step == bytes) {
        memmove(y, x, (size_t)n * (size_t)bytes);
        return;
    }
    for (; n > 0; n--, x += step) {
        for (int32_t i = 0; i < bytes; i++) {
            *y++ = x[i];
        }
    }
}

// y[r][c][k] = x[start + r * stride0 + c * stride1 + k * stride2], x as one
// line of elements; y may not overlap x.
void ts_run_STRIDED_COPY(const ts_op_t *op) {
    const int32_t *p = op->params, *stride = p + STRIDE;
    int32_t bytes = ts_dtype_bytes(op->t[X]->dtype, 1);
    int32_t x_row = ts_dim(op->t[X], 2) * ts_dim(op->t[X], 3);
    int32_t columns = ts_dim(op->t[Y], 2), channels = ts_dim(op->t[Y], 3);
    for (int32_t row = op->first; row < op->first + op->count; row++) {
        int32_t at = p[START] + (row > 0 ? row * stride[0] : 0);
        const uint8_t *x = (const uint8_t *)ts_row(op, X, at / x_row) + at % x_row * bytes;
        uint8_t *y = ts_row(op, Y, row);
        for (int32_t c = 0; c < columns; c++, y += channels * bytes) {
            int32_t offset = c > 0 ? c * stride[1] : 0;
            copy_line(y, x + offset * bytes, channels, channels > 1 ? stride[2] * bytes : bytes, bytes);
        }
    }
}
#endif
