#include "op.h"

enum { X, TABLE, Y };

int32_t ts_check_LUT(ts_op_t *op) {
    if (op->t[X]->dtype > TS_U8) {
        return ts_blame(op, X, TS_ERR_OP);
    }
    if (op->t[Y]->dtype > TS_U8) {
        return ts_blame(op, Y, TS_ERR_OP);
    }
    int32_t error = ts_need_constant(op, TABLE, op->t[Y]->dtype, 256);
    if (error == 0 && ts_elements(op->t[X]) != ts_elements(op->t[Y])) {
        error = ts_blame(op, Y, TS_ERR_SHAPE);
    }
    return error;
}

// y[i] = table[x[i]], int8 inputs counted from -128. y may be x.
void ts_run_LUT(const ts_op_t *op) {
    uint32_t flip = op->t[X]->dtype == TS_S8 ? 0x80 : 0;
    const uint8_t *x = op->data[X], *table = op->data[TABLE];
    uint8_t *y = op->data[Y];
    for (const uint8_t *end = x + ts_elements(op->t[X]); x != end;) {
        *y++ = table[*x++ ^ flip];
    }
}
