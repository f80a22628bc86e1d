#include "op.h"

#if TS_WITH_LUT
enum { X, TABLE, Y };

int32_t ts_check_LUT(ts_op_t *op) {
    if (op->t[X]->dtype > TS_U8) {
        return ts_blame(op, X, TS_ERR_OP);
    }
    if (op->t[Y]->dtype > TS_U8) {
        return ts_blame(op, Y, TS_ERR_OP);
    }
    int32_t error = ts_need_constant(op, TABLE, op->t[Y]->dtype, 256);
    if (error == 0 && !ts_same_shape(op->t[X], op->t[Y])) {
        error = ts_blame(op, Y, TS_ERR_SHAPE);
    }
    return error;
}

// y[i] = table[x[i]], int8 inputs counted from -128. y may be x.
void ts_run_LUT(const ts_op_t *op) {
    uint32_t flip = op->t[X]->dtype == TS_S8 ? 0x80 : 0;
    const uint8_t *table = op->data[TABLE];
    for (int32_t row = op->first, end = op->first + op->count; row < end; row++) {
        const uint8_t *x = ts_row(op, X, row);
        uint8_t *y = ts_row(op, Y, row);
        for (const uint8_t *stop = x + ts_row_bytes(op->t[X]); x != stop;) {
            *y++ = table[*x++ ^ flip];
        }
    }
}
#endif
