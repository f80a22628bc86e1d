// PACKED_DEPTHWISE_CONV_2D: for every position of y a list of where its taps
// lie, then all channels.
#include "scalar.h"

#if TS_SCALAR && TS_WITH_PACKED_DEPTHWISE_CONV_2D
enum { UNIT = 3, CHANNELS_MAX = 1 << 24 };  // taps come in threes

// 3x3, of which the columns lie together; every column is needed, and behind
// those that complete no output there is one that does.
static int32_t row_by_row(const ts_axis_t *h, const ts_axis_t *w) {
    return h->kernel == 3 && w->kernel == 3 && w->stride == 1 && w->dilation == 1 && w->in >= 2
        && w->in > 2 - w->pad && w->out >= w->in - 2 + w->pad;
}

static void run_rows(const ts_op_t *op, ts_block_t *b, const ts_axis_t *h, const ts_axis_t *w) {
    int32_t depth = b->outputs;
    const int8_t *rows[3];
    b->x = rows;
    b->sum = w->in * depth;
    b->sum1 = (2 - w->pad) * depth;
    b->y_step = w->out * depth;
    b->taps_bytes = -op->t[TS_X]->zero_point;
    for (int32_t row = op->first; row < op->first + op->count; row++) {
        int32_t top = row * h->stride - h->pad;
        b->wide = 0;
        for (int32_t i = 0; i < 3; i++, top += h->dilation) {
            int32_t inside = (uint32_t)top < (uint32_t)h->in;
            rows[i] = ts_row_s8(op, TS_X, inside ? top : 0);
            b->wide |= (inside ? 0 : 1) << i;
        }
        b->y = ts_row_s8(op, TS_Y, row);
        ts_depthwise_row(b);
    }
}

int32_t ts_check_PACKED_DEPTHWISE_CONV_2D(ts_op_t *op) {
    ts_axis_t h, w;
    int32_t error = ts_need_packed_axes(op, &h, &w, 1);
    if (error != 0) {
        return error;
    }
    int32_t rows = op->params[TS_KERNEL] & TS_ROWS, channels = ts_dim(op->t[TS_X], 3);
    int32_t taps = ts_up(h.kernel * w.kernel, UNIT);
    if (ts_dim(op->t[TS_Y], 3) != channels || channels > CHANNELS_MAX) {
        return ts_blame(op, TS_Y, TS_ERR_SHAPE);
    }
    if (rows && !row_by_row(&h, &w)) {
        return TS_ERR_OP;
    }
    return ts_need_packed(op, op->params + TS_ACT, 1, ts_up(taps, 4) / 4,
        rows ? 0 : taps * (int32_t)sizeof(void *) + channels);
}

typedef struct {
    ts_axis_t h, w;
    int32_t depth, taps;
    const int8_t **list, *padding;
} ts_depthwise_t;

// The list for the position whose kernel begins at row `top`, column `left`.
static void list_taps(const ts_depthwise_t *d, const ts_op_t *op, int32_t top, int32_t left) {
    const int8_t **list = d->list;
    for (int32_t ky = 0; ky < d->h.kernel; ky++, top += d->h.dilation) {
        const int8_t *row = (uint32_t)top < (uint32_t)d->h.in ? ts_row_s8(op, TS_X, top) : NULL;
        int32_t column = left;
        for (int32_t kx = 0; kx < d->w.kernel; kx++, column += d->w.dilation) {
            *list++ = row != NULL && (uint32_t)column < (uint32_t)d->w.in
                ? row + column * d->depth : d->padding;
        }
    }
}

// The list of the next position, if no tap of either is padding.
static void move_taps(const ts_depthwise_t *d, int32_t step) {
    const int8_t **list = d->list, **end = list + d->taps;
    while (list != end) {
        *list++ += step;
    }
}

static void run_row(const ts_depthwise_t *d, const ts_op_t *op, ts_block_t *b, int32_t row) {
    int32_t reach = (d->w.kernel - 1) * d->w.dilation, left = -d->w.pad, moves = 0;
    int32_t top = row * d->h.stride - d->h.pad;
    int32_t rows = top >= 0 && top + (d->h.kernel - 1) * d->h.dilation < d->h.in;
    b->y = ts_row_s8(op, TS_Y, row);
    for (int32_t column = 0; column < d->w.out; column++, left += d->w.stride) {
        int32_t inside = rows && left >= 0 && left + reach < d->w.in;
        if (inside && moves) {
            move_taps(d, d->w.stride * d->depth);
        } else {
            list_taps(d, op, top, left);
        }
        moves = inside;
        ts_depthwise_position(b);
        b->y += d->depth;
    }
}

// x is (H, W, C), y is (OH, OW, C); blocks of 1 channel.
void ts_run_PACKED_DEPTHWISE_CONV_2D(const ts_op_t *op) {
    ts_block_t b;
    ts_depthwise_t d = {.depth = ts_dim(op->t[TS_X], 3), .list = op->data[TS_SCRATCH]};
    ts_packed_axes(op, &d.h, &d.w);
    ts_block_start(&b, op, op->params + TS_ACT, op->params[TS_KERNEL]);
    if (op->params[TS_KERNEL] & TS_ROWS) {
        run_rows(op, &b, &d.h, &d.w);
        return;
    }
    d.taps = d.h.kernel * d.w.kernel;
    int32_t listed = ts_up(d.taps, UNIT);
    int8_t *padding = (int8_t *)(d.list + listed);
    memset(padding, (uint8_t)op->t[TS_X]->zero_point, (size_t)d.depth);
    d.padding = padding;
    for (int32_t i = d.taps; i < listed; i++) {
        d.list[i] = padding;
    }
    b.x = d.list;
    b.x_end = d.list + listed;
    b.taps_bytes = ts_up(listed, 4);
    for (int32_t row = op->first; row < op->first + op->count; row++) {
        run_row(&d, op, &b, row);
    }
}
#endif
