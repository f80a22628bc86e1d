#include "arch/arch.h"
#include "op.h"

enum { X, W, BIAS, MULT, SHIFT, Y };
enum { ACT = 6 };    // after what ts_conv_axes reads

static int32_t check_filters(ts_op_t *op) {
    int32_t channels = ts_dim(op->t[X], 3), depth = ts_dim(op->t[W], 3);
    int32_t outputs = ts_dim(op->t[Y], 3);
    if (ts_dim(op->t[W], 0) != outputs || channels % depth != 0
        || outputs % (channels / depth) != 0
        || ts_elements(op->t[W]) / outputs > TS_ELEMENTS_SUM_MAX) {
        return ts_blame(op, W, TS_ERR_SHAPE);
    }
    return 0;
}

int32_t ts_check_CONV_2D(ts_op_t *op) {
    int32_t error = ts_need_weights(op);
    error = error != 0 ? error : check_filters(op);
    error = error != 0 ? error : ts_need_conv_axes(op);
    int32_t outputs = ts_dim(op->t[Y], 3);
    return error != 0 ? error : ts_need_sums(op, outputs, outputs, op->params + ACT);
}

// What one output position needs, the same for all channels.
typedef struct {
    const int8_t *x;            // first tap that is inside, first channel
    const int8_t *w;            // the same tap of the first filter
    int32_t rows, columns;      // taps inside
    int32_t x_row, x_column;    // steps from tap to tap
    int32_t w_row, w_column, w_filter;
    int32_t run;                // elements that lie together
    int32_t offset;
} ts_patch_t;

// acc + sum over the patch, filter w, channels from x.
static int32_t patch_dot(const ts_patch_t *p, const int8_t *x, const int8_t *w) {
    int32_t acc = 0;
    for (int32_t r = 0; r < p->rows; r++, x += p->x_row, w += p->w_row) {
        const int8_t *xc = x, *wc = w;
        for (int32_t c = 0; c < p->columns; c++, xc += p->x_column, wc += p->w_column) {
            acc = ts_dot_s8(xc, wc, p->run, p->offset, acc);
        }
    }
    return acc;
}

static void patch_dot4(const ts_patch_t *p, const int8_t *x, const int8_t *w, int32_t *acc) {
    acc[0] = acc[1] = acc[2] = acc[3] = 0;
    for (int32_t r = 0; r < p->rows; r++, x += p->x_row, w += p->w_row) {
        const int8_t *xc = x, *wc = w;
        for (int32_t c = 0; c < p->columns; c++, xc += p->x_column, wc += p->w_column) {
            ts_dot4_s8(xc, wc, p->w_filter, p->run, p->offset, acc);
        }
    }
}

// One position of y, all of its channels; groups share the patch's taps.
static void position(const ts_op_t *op, const ts_patch_t *p, int32_t groups, int8_t *y) {
    const int32_t *bias = op->data[BIAS], *mult = op->data[MULT];
    const int8_t *shift = op->data[SHIFT], *x = p->x, *w = p->w;
    int32_t depth = ts_dim(op->t[W], 3), zero = op->t[Y]->zero_point;
    int32_t low = op->params[ACT], high = op->params[ACT + 1];
    int32_t per_group = ts_dim(op->t[Y], 3) / groups;
    for (int32_t g = 0; g < groups; g++, x += depth) {
        for (int32_t left = per_group; left > 0;) {
            int32_t acc[4], n = left >= 4 ? 4 : 1;
            if (n == 4) {
                patch_dot4(p, x, w, acc);
            } else {
                acc[0] = patch_dot(p, x, w);
            }
            for (int32_t i = 0; i < n; i++) {
                int32_t sum = ts_wrap_add(acc[i], *bias++);
                *y++ = ts_finish_s8(ts_scale_twice(sum, *mult++, *shift++), zero, low, high);
            }
            w += n * p->w_filter;
            left -= n;
        }
    }
}

// x is (N, H, W, Ci), w is (Co, kh, kw, Ci / groups), y is (N, OH, OW, Co);
// y may not overlap x.
void ts_run_CONV_2D(const ts_op_t *op) {
    ts_axis_t h, w;
    ts_conv_axes(op, &h, &w);
    int32_t channels = ts_dim(op->t[X], 3), depth = ts_dim(op->t[W], 3);
    int32_t groups = channels / depth, outputs = ts_dim(op->t[Y], 3);
    int32_t joined = groups == 1 && w.dilation == 1;    // taps of a row lie together
    ts_patch_t p = {.offset = -op->t[X]->zero_point, .w_row = w.kernel * depth,
        .x_row = ts_axis_step(&h, w.in * channels), .x_column = ts_axis_step(&w, channels),
        .w_column = depth, .w_filter = h.kernel * w.kernel * depth};
    const int8_t *x = op->data[X];
    int8_t *y = op->data[Y];
    for (int32_t n = ts_dim(op->t[X], 0); n > 0; n--, x += h.in * w.in * channels) {
        for (int32_t oy = 0; oy < h.out; oy++) {
            int32_t top = oy * h.stride - h.pad, y0, y1;
            ts_axis_taps(&h, top, &y0, &y1);
            for (int32_t ox = 0; ox < w.out; ox++, y += outputs) {
                int32_t left = ox * w.stride - w.pad, x0, x1;
                ts_axis_taps(&w, left, &x0, &x1);
                p.rows = y1 - y0;
                p.columns = joined ? 1 : x1 - x0;
                p.run = joined ? (x1 - x0) * depth : depth;
                if (y0 < y1 && x0 < x1) {
                    int32_t row = top + y0 * h.dilation, column = left + x0 * w.dilation;
                    p.x = x + (row * w.in + column) * channels;
                } else {
                    p.x = x;
                    p.rows = 0;    // all taps in the padding
                }
                p.w = (const int8_t *)op->data[W] + (y0 * w.kernel + x0) * depth;
                position(op, &p, groups, y);
            }
        }
    }
}
