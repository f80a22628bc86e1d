#include "op.h"
#include <string.h>

#if TS_WITH_CONCATENATION
enum { INPUTS = 8, Y = INPUTS };

// Inputs are (N, H, W, C0), (N, H, W, C1) .., y is (N, H, W, C0 + C1 + ..).
int32_t ts_check_CONCATENATION(ts_op_t *op) {
    const ts_tensor_t *y = op->t[Y];
    int64_t channels = 0;
    if (y->dtype == TS_S4) {
        return ts_blame(op, Y, TS_ERR_OP);
    }
    for (int32_t i = 0; i < INPUTS && op->t[i] != NULL; i++) {
        const ts_tensor_t *x = op->t[i];
        if (x->dtype != y->dtype || (x->place == TS_IN_FILE && x->dims[0] != 1)) {
            return ts_blame(op, i, TS_ERR_OP);
        }
        if (x->dims[0] != y->dims[0] || x->dims[1] != y->dims[1] || x->dims[2] != y->dims[2]) {
            return ts_blame(op, i, TS_ERR_SHAPE);
        }
        channels += ts_dim(x, 3);
    }
    return channels == ts_dim(y, 3) ? 0 : ts_blame(op, Y, TS_ERR_SHAPE);
}

// The inputs side by side along the last axis; y may not overlap them.
void ts_run_CONCATENATION(const ts_op_t *op) {
    int32_t columns = ts_dim(op->t[Y], 2), last = op->first + op->count;
    int32_t pixel = ts_dtype_bytes(op->t[Y]->dtype, ts_dim(op->t[Y], 3));
    for (int32_t row = op->first; row < last; row++) {
        uint8_t *y = ts_row(op, Y, row);
        for (int32_t i = 0; i < INPUTS && op->t[i] != NULL; i++) {
            size_t n = (size_t)ts_dtype_bytes(op->t[i]->dtype, ts_dim(op->t[i], 3));
            const uint8_t *x = ts_row(op, i, row);
            uint8_t *out = y;
            for (int32_t k = 0; k < columns; k++, out += pixel, x += n) {
                memmove(out, x, n);
            }
            y += n;
        }
    }
}
#endif
