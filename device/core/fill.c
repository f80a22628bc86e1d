#include "op.h"

#if TS_WITH_FILL
enum { Y };

int32_t ts_check_FILL(ts_op_t *op) {
    return ts_between(op->params[0], 0, UINT8_MAX) ? ts_need_whole(op, Y) : TS_ERR_OP;
}

// All bytes of y become the parameter: how a state begins that is the same
// value throughout, which a constant in the file would only repeat.
void ts_run_FILL(const ts_op_t *op) {
    memset(op->data[Y], (int)op->params[0], (size_t)ts_bytes(op->t[Y]));
}
#endif
