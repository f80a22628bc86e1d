// What the checks of several ops share.
#include "op.h"

enum { X, W, BIAS, MULT, SHIFT, Y };    // of ops with weights

int32_t ts_need_type(ts_op_t *op, int32_t i, uint32_t dtype) {
    return op->t[i]->dtype == dtype ? 0 : ts_blame(op, i, TS_ERR_OP);
}

int32_t ts_need_types(ts_op_t *op, int32_t first, int32_t last, uint32_t dtype) {
    int32_t error = 0;
    for (int32_t i = first; i <= last && error == 0; i++) {
        error = ts_need_type(op, i, dtype);
    }
    return error;
}

int32_t ts_need_constant(ts_op_t *op, int32_t i, uint32_t dtype, int32_t n) {
    if (op->t[i]->dtype != dtype || op->t[i]->place != TS_IN_FILE) {
        return ts_blame(op, i, TS_ERR_OP);
    }
    return ts_elements(op->t[i]) == n ? 0 : ts_blame(op, i, TS_ERR_SHAPE);
}

int32_t ts_need_whole(ts_op_t *op, int32_t i) {
    return op->t[i]->ring == 0 && op->t[i]->dims[0] == 1 ? 0 : ts_blame(op, i, TS_ERR_OP);
}

int32_t ts_need_scratch(ts_op_t *op, int32_t i, int32_t bytes) {
    const ts_tensor_t *t = op->t[i];
    if (t == NULL) {
        return bytes == 0 ? 0 : TS_ERR_OP;
    }
    if (t->dtype != TS_U8 || t->place != TS_IN_ARENA || ts_need_whole(op, i) != 0) {
        return ts_blame(op, i, TS_ERR_OP);
    }
    return bytes >= 0 && ts_bytes(t) >= bytes ? 0 : ts_blame(op, i, TS_ERR_SHAPE);
}

int32_t ts_need_broadcast(ts_op_t *op, int32_t i, int32_t y) {
    const ts_tensor_t *t = op->t[i];
    if (t->place == TS_IN_FILE && t->dims[0] != 1) {
        return ts_blame(op, i, TS_ERR_OP);
    }
    for (int32_t k = 0; k < 4; k++) {
        if (t->dims[k] != 1 && t->dims[k] != op->t[y]->dims[k]) {
            return ts_blame(op, y, TS_ERR_SHAPE);
        }
    }
    return 0;
}

int32_t ts_need_weights(ts_op_t *op) {
    int32_t error = ts_need_types(op, X, W, TS_S8);
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
