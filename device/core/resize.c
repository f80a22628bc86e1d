#include "op.h"
#include <string.h>

#if TS_WITH_RESIZE_NEAREST_NEIGHBOR
enum { X, ROWS, COLUMNS, Y };

// Operand i says for every index of axis `axis` of y which one of x it is.
static int32_t check_indices(ts_op_t *op, int32_t i, int32_t axis) {
    int32_t error = ts_need_constant(op, i, TS_S16, ts_dim(op->t[Y], axis));
    const int16_t *index = op->data[i];
    for (int32_t k = 0; error == 0 && k < ts_dim(op->t[Y], axis); k++) {
        error = ts_between(index[k], 0, ts_dim(op->t[X], axis) - 1) ? 0 : ts_blame(op, i, TS_ERR_OP);
    }
    return error;
}

int32_t ts_check_RESIZE_NEAREST_NEIGHBOR(ts_op_t *op) {
    const ts_tensor_t *x = op->t[X], *y = op->t[Y];
    if (x->dtype != y->dtype || x->dtype == TS_S4 || x->place == TS_IN_FILE) {
        return ts_blame(op, X, TS_ERR_OP);
    }
    if (x->dims[0] != y->dims[0] || x->dims[3] != y->dims[3]) {
        return ts_blame(op, Y, TS_ERR_SHAPE);
    }
    int32_t error = check_indices(op, ROWS, 1);
    return error != 0 ? error : check_indices(op, COLUMNS, 2);
}

// y[r][c] = x[rows[r]][columns[c]], all channels; y may not overlap x.
void ts_run_RESIZE_NEAREST_NEIGHBOR(const ts_op_t *op) {
    const int16_t *rows = op->data[ROWS], *columns = op->data[COLUMNS];
    int32_t n = ts_dtype_bytes(op->t[X]->dtype, ts_dim(op->t[X], 3));
    for (int32_t row = op->first; row < op->first + op->count; row++) {
        const uint8_t *x = ts_row(op, X, rows[row]);
        uint8_t *y = ts_row(op, Y, row);
        for (int32_t c = 0; c < ts_dim(op->t[Y], 2); c++, y += n) {
            memmove(y, x + columns[c] * n, (size_t)n);
        }
    }
}
#endif
