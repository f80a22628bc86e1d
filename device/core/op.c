// What the checks of several ops share.
#include "op.h"

enum { X, W, BIAS, MULT, SHIFT, Y };    // of ops with weights

int32_t ts_need_type(ts_op_t *op, int32_t i, uint32_t dtype) {
    return op->t[i]->dtype == dtype ? 0 : ts_blame(op, i, TS_ERR_OP);
}

int32_t ts_need_constant(ts_op_t *op, int32_t i, uint32_t dtype, int32_t n) {
    if (op->t[i]->dtype != dtype || op->t[i]->place != TS_IN_FILE) {
        return ts_blame(op, i, TS_ERR_OP);
    }
    return ts_elements(op->t[i]) == n ? 0 : ts_blame(op, i, TS_ERR_SHAPE);
}

int32_t ts_need_weights(ts_op_t *op) {
    int32_t error = ts_need_type(op, X, TS_S8);
    error = error != 0 ? error : ts_need_type(op, W, TS_S8);
    error = error != 0 ? error : ts_need_type(op, Y, TS_S8);
    return error == 0 && op->t[W]->zero_point != 0 ? ts_blame(op, W, TS_ERR_OP) : error;
}

static int32_t need_scales(ts_op_t *op, int32_t n) {
    int32_t error = ts_need_constant(op, MULT, TS_S32, n);
    error = error != 0 ? error : ts_need_constant(op, SHIFT, TS_S8, n);
    if (error != 0) {
        return error;
    }
    const int32_t *mult = op->data[MULT];
    const int8_t *shift = op->data[SHIFT];
    for (int32_t i = 0; i < n; i++) {
        if (!ts_scale_ok(mult[i], shift[i])) {
            return ts_blame(op, mult[i] < 0 ? MULT : SHIFT, TS_ERR_OP);
        }
    }
    return 0;
}

int32_t ts_need_sums(ts_op_t *op, int32_t n, int32_t scales, const int32_t *act) {
    int32_t error = ts_need_constant(op, BIAS, TS_S32, n);
    error = error != 0 ? error : need_scales(op, scales);
    return error == 0 && !ts_act_ok(act) ? TS_ERR_OP : error;
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

void ts_conv_axes(const ts_op_t *op, ts_axis_t *h, ts_axis_t *w) {
    const int32_t *p = op->params;
    *h = (ts_axis_t){ts_dim(op->t[X], 1), ts_dim(op->t[Y], 1), ts_dim(op->t[W], 1),
        p[0], p[2], p[4]};
    *w = (ts_axis_t){ts_dim(op->t[X], 2), ts_dim(op->t[Y], 2), ts_dim(op->t[W], 2),
        p[1], p[3], p[5]};
}

int32_t ts_need_conv_axes(ts_op_t *op) {
    ts_axis_t h, w;
    ts_conv_axes(op, &h, &w);
    if (ts_dim(op->t[X], 0) != ts_dim(op->t[Y], 0) || !ts_axis_ok(&h) || !ts_axis_ok(&w)) {
        return ts_blame(op, Y, TS_ERR_SHAPE);
    }
    return 0;
}
