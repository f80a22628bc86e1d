// Sliding windows: their bounds, and the walk over the positions of y.
#include "op.h"

enum { X, W, BIAS, MULT, SHIFT, Y };    // of ops with weights

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

// Elements between one tap and the next, `step` elements to a position. With
// no second tap inside the input nothing is stepped over, and the product
// could overflow.
static int32_t tap_step(const ts_axis_t *a, int32_t step) {
    return a->dilation < a->in ? a->dilation * step : 0;
}

void ts_walk_start(ts_walk_t *walk, const ts_op_t *op, int32_t x_operand, int32_t y_operand,
    const ts_axis_t *h, const ts_axis_t *w) {
    const ts_tensor_t *x = op->t[x_operand];
    int32_t channels = ts_dim(x, 3), slots = x->ring != 0 ? x->ring : h->in;
    *walk = (ts_walk_t){.op = op, .h = h, .w = w, .x_operand = x_operand, .y_operand = y_operand,
        .row = op->first - 1, .column = w->out - 1,
        .taps = {.slots = slots, .slot_step = h->dilation % slots, .pitch = w->in * channels,
            .column_step = tap_step(w, channels)}};
}

// The taps inside for all positions of the row.
static void start_row(ts_walk_t *walk) {
    ts_taps_t *t = &walk->taps;
    int32_t top = walk->row * walk->h->stride - walk->h->pad, last;
    ts_axis_taps(walk->h, top, &t->top, &last);
    t->rows = last - t->top;
    t->slot = t->rows > 0 ? (top + t->top * walk->h->dilation) % t->slots : 0;
    walk->y = ts_row(walk->op, walk->y_operand, walk->row);
    walk->column = 0;
}

int32_t ts_walk_next(ts_walk_t *walk) {
    ts_taps_t *t = &walk->taps;
    const ts_op_t *op = walk->op;
    if (walk->column + 1 < walk->w->out) {
        walk->column++;
        walk->y += ts_dim(op->t[walk->y_operand], 3);
    } else if (++walk->row < op->first + op->count) {
        start_row(walk);
    } else {
        return 0;
    }
    int32_t left = walk->column * walk->w->stride - walk->w->pad, last;
    ts_axis_taps(walk->w, left, &t->left, &last);
    t->columns = last - t->left;
    t->x = op->data[walk->x_operand];
    if (t->columns > 0) {
        t->x += (left + t->left * walk->w->dilation) * ts_dim(op->t[walk->x_operand], 3);
    }
    return 1;
}
