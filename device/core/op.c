// What the checks of several ops share.
#include "op.h"

int32_t ts_need_type(ts_op_t *op, int32_t i, uint32_t dtype) {
    return op->t[i]->dtype == dtype ? 0 : ts_blame(op, i, TS_ERR_OP);
}

int32_t ts_need_constant(ts_op_t *op, int32_t i, uint32_t dtype, int32_t n) {
    if (op->t[i]->dtype != dtype || op->t[i]->place != TS_IN_FILE) {
        return ts_blame(op, i, TS_ERR_OP);
    }
    return ts_elements(op->t[i]) == n ? 0 : ts_blame(op, i, TS_ERR_SHAPE);
}

int32_t ts_need_scales(ts_op_t *op, int32_t n) {
    int32_t error = ts_need_constant(op, 3, TS_S32, n);
    if (error == 0) {
        error = ts_need_constant(op, 4, TS_S8, n);
    }
    if (error != 0) {
        return error;
    }
    const int32_t *mult = op->data[3];
    const int8_t *shift = op->data[4];
    for (int32_t i = 0; i < n; i++) {
        if (!ts_scale_ok(mult[i], shift[i])) {
            return ts_blame(op, mult[i] < 0 ? 3 : 4, TS_ERR_OP);
        }
    }
    return 0;
}

int32_t ts_axis_ok(const ts_axis_t *a) {
    const int32_t most = 1 << 15;
    if (!ts_between(a->stride, 1, most) || !ts_between(a->dilation, 1, most)
        || !ts_between(a->kernel, 1, most) || !ts_between(a->pad, 0, most)
        || a->in > (1 << 28) || a->out > (1 << 28)) {
        return 0;
    }
    int64_t last = (int64_t)(a->out - 1) * a->stride - a->pad;  // origin of the last output
    int64_t reach = (int64_t)(a->kernel - 1) * a->dilation;
    return a->pad <= reach && last < a->in && reach < (1 << 28);
}
