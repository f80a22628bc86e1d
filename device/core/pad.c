#include "op.h"

enum { X, Y };
enum { BEFORE = 0, AFTER = 1, VALUE = 8 };      // before0 after0 before1 ..

int32_t ts_check_PAD(ts_op_t *op) {
    const int32_t *p = op->params;
    int32_t error = ts_need_type(op, X, TS_S8);
    error = error != 0 ? error : ts_need_type(op, Y, TS_S8);
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
    return ts_between(p[VALUE], INT8_MIN, INT8_MAX) ? 0 : TS_ERR_OP;
}

static int8_t *fill(int8_t *y, int32_t n, int32_t value) {
    for (int8_t *end = y + n; y != end;) {
        *y++ = (int8_t)value;
    }
    return y;
}

// x is (D0, D1, D2, D3), y is that with borders; y may not overlap x.
void ts_run_PAD(const ts_op_t *op) {
    const int32_t *p = op->params;
    const int8_t *x = op->data[X];
    int8_t *y = op->data[Y];
    int32_t value = p[VALUE], n3 = ts_dim(op->t[X], 3), line = ts_dim(op->t[Y], 3);
    int32_t plane = line * ts_dim(op->t[Y], 2), block = plane * ts_dim(op->t[Y], 1);
    y = fill(y, p[0] * block, value);
    for (int32_t i = ts_dim(op->t[X], 0); i > 0; i--) {
        y = fill(y, p[2] * plane, value);
        for (int32_t j = ts_dim(op->t[X], 1); j > 0; j--) {
            y = fill(y, p[4] * line, value);
            for (int32_t k = ts_dim(op->t[X], 2); k > 0; k--) {
                y = fill(y, p[6], value);
                for (const int8_t *end = x + n3; x != end;) {
                    *y++ = *x++;
                }
                y = fill(y, p[7], value);
            }
            y = fill(y, p[5] * line, value);
        }
        y = fill(y, p[3] * plane, value);
    }
    fill(y, p[1] * block, value);
}
