// PACKED_CONV_2D: pixels of y, TS_PIXELS at a time, are gathered into scratch
// in the order of the weights, then multiplied with all blocks.
#include "scalar.h"

#if TS_SCALAR && TS_WITH_PACKED_CONV_2D

typedef struct {
    ts_block_t block;
    ts_gather_t gathered;
    ts_axis_t h, w;
    int32_t depth;              // channels of x
    int32_t taps;               // kh * kw * depth
    const int8_t **rows;        // (kh): rows of x under the kernel, NULL above and below it
    const int8_t *row;          // that of a pointwise layer
    const int8_t *padding;      // (kw * depth): the zero point of x
} ts_conv_t;

// Every pixel of y looks at one pixel of x, the one with its own number.
static int32_t pointwise(const ts_axis_t *h, const ts_axis_t *w) {
    return h->kernel == 1 && w->kernel == 1 && h->stride == 1 && w->stride == 1
        && h->in == h->out && w->in == w->out;
}

int32_t ts_check_PACKED_CONV_2D(ts_op_t *op) {
    ts_axis_t h, w;
    int32_t depth = ts_dim(op->t[TS_X], 3), error = ts_need_packed_axes(op, &h, &w, depth);
    if (error != 0) {
        return error;
    }
    int32_t taps = ts_up(h.kernel * w.kernel * depth, 4);
    int32_t edges = pointwise(&h, &w) ? 0
        : h.kernel * (int32_t)sizeof(void *) + w.kernel * depth;
    return ts_need_packed(op, op->params + TS_ACT, TS_CONV_CHANNELS,
        taps / 4 * TS_CONV_CHANNELS, taps * TS_TAP_BYTES + edges);
}

// Gathers the pixels whose kernels begin at columns left[] of x. inside: all
// of their columns are in the image.
static void gather(ts_conv_t *c, const int32_t *left, int32_t inside) {
    ts_gather_start(&c->gathered, &c->block, c->taps);
    for (int32_t ky = 0; ky < c->h.kernel; ky++) {
        const int8_t *row = c->rows[ky], *from[TS_PIXELS];
        int32_t columns = row == NULL || (inside && c->w.dilation == 1) ? c->w.kernel : 1;
        for (int32_t kx = 0; kx < c->w.kernel; kx += columns) {
            for (int32_t i = 0; i < TS_PIXELS; i++) {
                int32_t column = left[i] + kx * c->w.dilation;
                from[i] = row != NULL && (uint32_t)column < (uint32_t)c->w.in
                    ? row + column * c->depth : c->padding;
            }
            ts_gather(&c->gathered, from, columns * c->depth);
        }
    }
    ts_gather_end(&c->gathered, &c->block);
}

// The pixels of a row, which lie together from y on.
static void run_row(ts_conv_t *c, int8_t *y) {
    int32_t reach = (c->w.kernel - 1) * c->w.dilation, next = -c->w.pad;
    for (int32_t n = c->w.out; n > 0; n -= TS_PIXELS) {
        int32_t left[TS_PIXELS], inside = next >= 0;
        for (int32_t i = 0; i < TS_PIXELS; i++) {
            left[i] = i < n ? next : left[0];
            next += c->w.stride;
        }
        inside = inside && left[ts_min_s32(n, TS_PIXELS) - 1] + reach < c->w.in;
        gather(c, left, inside);
        c->block.y = y;
        ts_conv_pixels(&c->block, n);
        y += TS_PIXELS * c->block.outputs;
    }
}

// Rows from `row` on, `most` at most, that lie one behind the other in operand i.
static int32_t rows_together(const ts_op_t *op, int32_t i, int32_t row, int32_t most) {
    int32_t ring = op->t[i]->ring;
    return ring == 0 ? most : ts_min_s32(most, ring - row % ring);
}

// Rows that lie together are one long row.
static void run_pointwise(ts_conv_t *c, const ts_op_t *op) {
    int32_t end = op->first + op->count, columns = c->w.in;
    c->rows = &c->row;
    for (int32_t row = op->first, n; row < end; row += n) {
        n = rows_together(op, TS_Y, row, rows_together(op, TS_X, row, end - row));
        c->w.in = c->w.out = n * columns;
        c->row = ts_row_s8(op, TS_X, row);
        run_row(c, ts_row_s8(op, TS_Y, row));
    }
}

// Behind the pixels in scratch are the addresses of rows, then the padding.
static void run_windows(ts_conv_t *c, const ts_op_t *op) {
    uint8_t *end = (uint8_t *)op->data[TS_SCRATCH] + ts_up(c->taps, 4) * TS_TAP_BYTES;
    c->rows = (const int8_t **)(void *)end;
    end += c->h.kernel * (int32_t)sizeof(void *);
    c->padding = memset(end, (uint8_t)op->t[TS_X]->zero_point, (size_t)(c->w.kernel * c->depth));
    for (int32_t row = op->first; row < op->first + op->count; row++) {
        int32_t top = row * c->h.stride - c->h.pad;
        for (int32_t ky = 0; ky < c->h.kernel; ky++, top += c->h.dilation) {
            c->rows[ky] = (uint32_t)top < (uint32_t)c->h.in ? ts_row_s8(op, TS_X, top) : NULL;
        }
        run_row(c, ts_row_s8(op, TS_Y, row));
    }
}

// x is (H, W, Ci), y is (OH, OW, Co); blocks of 4 channels.
void ts_run_PACKED_CONV_2D(const ts_op_t *op) {
    ts_conv_t c;
    ts_packed_axes(op, &c.h, &c.w);
    ts_block_start(&c.block, op, op->params + TS_ACT, op->params[TS_KERNEL]);
    c.depth = ts_dim(op->t[TS_X], 3);
    c.taps = c.h.kernel * c.w.kernel * c.depth;
    c.block.x = op->data[TS_SCRATCH];
    if (pointwise(&c.h, &c.w)) {
        run_pointwise(&c, op);
    } else {
        run_windows(&c, op);
    }
}
#endif
