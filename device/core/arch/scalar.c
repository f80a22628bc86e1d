// Checks of the packed ops, and what their loops are told.
#include "scalar.h"

#if TS_SCALAR && (TS_WITH_PACKED_CONV_2D || TS_WITH_PACKED_DEPTHWISE_CONV_2D \
    || TS_WITH_PACKED_FULLY_CONNECTED)

void ts_block_start(ts_block_t *b, const ts_op_t *op, const int32_t *act, int32_t kernel) {
    int32_t wide = kernel & TS_WIDE, once = kernel & TS_ONCE;
    int32_t below = wide ? 7 : 9;       // bits of the multiplier's last piece
    b->w = op->data[TS_PACKED];
    b->outputs = ts_dim(op->t[TS_Y], 3);
    b->low = act[0];
    b->high = act[1];
    b->zero = op->t[TS_Y]->zero_point;
    b->half = once ? 0 : 1 << (below - 1);
    b->sign_shift = once ? 32 : below;  // shifted by 32, the sign is gone
    if (b->low >= b->zero) {            // RELU: of negative sums only the sign is looked at
        b->sign_shift = INT32_MIN | 32;
    }
    b->wide = wide;
}

// Bytes that a tensor of bytes takes in the arena.
static uint32_t arena_bytes(const ts_tensor_t *t) {
    return t->ring != 0 ? t->ring * t->dims[2] * t->dims[3] : (uint32_t)ts_elements(t);
}

static int32_t apart(const ts_tensor_t *a, const ts_tensor_t *b) {
    return a->offset + arena_bytes(a) <= b->offset || b->offset + arena_bytes(b) <= a->offset;
}

int32_t ts_need_packed(ts_op_t *op, const int32_t *act, int32_t channels, int32_t weights,
    int32_t scratch) {
    int32_t error = ts_need_type(op, TS_X, TS_S8);
    error = error != 0 ? error : ts_need_type(op, TS_Y, TS_S8);
    error = error != 0 ? error : ts_need_scratch(op, TS_SCRATCH, scratch);
    if (error != 0) {
        return error;
    }
    if (!ts_act_ok(act)) {
        return TS_ERR_OP;
    }
    if (scratch > 0 && !apart(op->t[TS_Y], op->t[TS_SCRATCH])) {
        return ts_blame(op, TS_SCRATCH, TS_ERR_OP);
    }
    int32_t words = ts_elements(op->t[TS_PACKED]), block = weights + channels * TS_SCALE_WORDS;
    int32_t blocks = (ts_dim(op->t[TS_Y], 3) - 1) / channels + 1;
    if (words % block != 0 || words / block != blocks) {
        return ts_blame(op, TS_PACKED, TS_ERR_SHAPE);
    }
    return ts_need_constant(op, TS_PACKED, TS_S32, words);
}

void ts_packed_axes(const ts_op_t *op, ts_axis_t *h, ts_axis_t *w) {
    const ts_tensor_t *x = op->t[TS_X], *y = op->t[TS_Y];
    const int32_t *p = op->params;
    *h = (ts_axis_t){ts_dim(x, 1), ts_dim(y, 1), p[TS_KERNEL_H], p[0], p[2], p[4]};
    *w = (ts_axis_t){ts_dim(x, 2), ts_dim(y, 2), p[TS_KERNEL_W], p[1], p[3], p[5]};
}

int32_t ts_need_packed_axes(ts_op_t *op, ts_axis_t *h, ts_axis_t *w, int32_t depth) {
    ts_packed_axes(op, h, w);
    if (op->t[TS_X]->dims[0] != op->t[TS_Y]->dims[0] || !ts_axis_ok(h) || !ts_axis_ok(w)
        || depth > TS_ELEMENTS_SUM_MAX / (h->kernel * w->kernel)) {
        return ts_blame(op, TS_Y, TS_ERR_SHAPE);
    }
    return 0;
}

#endif
