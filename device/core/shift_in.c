#include "op.h"

#if TS_WITH_SHIFT_IN
enum { X, Y };

int32_t ts_check_SHIFT_IN(ts_op_t *op) {
    if (op->t[X]->dtype != op->t[Y]->dtype) {
        return ts_blame(op, X, TS_ERR_OP);
    }
    return ts_bytes(op->t[X]) <= ts_bytes(op->t[Y]) ? 0 : ts_blame(op, X, TS_ERR_SHAPE);
}

// y, which is state, drops as many bytes at its beginning as x has, moves up,
// and takes x at its end. y may not overlap x.
void ts_run_SHIFT_IN(const ts_op_t *op) {
    size_t n = (size_t)ts_bytes(op->t[X]), kept = (size_t)ts_bytes(op->t[Y]) - n;
    uint8_t *y = op->data[Y];
    memmove(y, y + n, kept);
    memmove(y + kept, op->data[X], n);
}
#endif
