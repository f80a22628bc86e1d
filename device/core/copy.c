#include "op.h"

enum { X, Y };

int32_t ts_check_COPY(ts_op_t *op) {
    return ts_bytes(op->t[X]) == ts_bytes(op->t[Y]) ? 0 : ts_blame(op, Y, TS_ERR_SHAPE);
}

// The same bytes; y may lie before x or be x.
void ts_run_COPY(const ts_op_t *op) {
    const uint8_t *x = op->data[X];
    uint8_t *y = op->data[Y];
    for (const uint8_t *end = x + ts_bytes(op->t[X]); x != end;) {
        *y++ = *x++;
    }
}
