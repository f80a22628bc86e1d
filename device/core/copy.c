#include "op.h"

#if TS_WITH_COPY
enum { X, Y };

int32_t ts_check_COPY(ts_op_t *op) {
    return ts_bytes(op->t[X]) == ts_bytes(op->t[Y]) ? 0 : ts_blame(op, Y, TS_ERR_SHAPE);
}

// The same bytes, wherever x and y lie.
void ts_run_COPY(const ts_op_t *op) {
    memmove(op->data[Y], op->data[X], (size_t)ts_bytes(op->t[X]));
}
#endif
