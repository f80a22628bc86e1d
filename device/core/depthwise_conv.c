#include "arch/arch.h"
#include "op.h"

enum { X, W, BIAS, MULT, SHIFT, Y };
enum { ACT = 6 };    // after what ts_conv_axes reads
enum { BLOCK = 16 };    // channels summed side by side, on the stack

static int32_t check_filters(ts_op_t *op) {
    int32_t outputs = ts_dim(op->t[Y], 3);
    if (ts_dim(op->t[W], 0) != 1 || ts_dim(op->t[W], 3) != outputs
        || outputs % ts_dim(op->t[X], 3) != 0
        || ts_elements(op->t[W]) / outputs > TS_ELEMENTS_SUM_MAX) {
        return ts_blame(op, W, TS_ERR_SHAPE);
    }
    return 0;
}

int32_t ts_check_DEPTHWISE_CONV_2D(ts_op_t *op) {
    int32_t error = ts_need_weights(op);
    error = error != 0 ? error : check_filters(op);
    error = error != 0 ? error : ts_need_conv_axes(op);
    int32_t outputs = ts_dim(op->t[Y], 3);
    return error != 0 ? error : ts_need_sums(op, outputs, outputs, op->params + ACT);
}

// Taps of one output position that lie inside, from x and w on.
typedef struct {
    const int8_t *x, *w;
    int32_t rows, columns, x_row, x_column, w_row, w_column, offset;
} ts_taps_t;

// acc[i] = sum over the taps of x[c] * w[c], c from `first` on, n channels.
static void sum_block(const ts_taps_t *t, int32_t first, int32_t n, int32_t *acc) {
    const int8_t *x = t->x + first, *w = t->w + first;
    for (int32_t i = 0; i < n; i++) {
        acc[i] = 0;
    }
    for (int32_t r = 0; r < t->rows; r++, x += t->x_row, w += t->w_row) {
        const int8_t *xc = x, *wc = w;
        for (int32_t c = 0; c < t->columns; c++, xc += t->x_column, wc += t->w_column) {
            ts_mac_s8(xc, wc, n, t->offset, acc);
        }
    }
}

// The same where each input channel feeds `multiplier` outputs; `first`
// counts outputs.
static void sum_block_multiplied(const ts_taps_t *t, int32_t first, int32_t n,
    int32_t multiplier, int32_t *acc) {
    for (int32_t i = 0; i < n; i++) {
        const int8_t *x = t->x + (first + i) / multiplier, *w = t->w + first + i;
        int32_t sum = 0;
        for (int32_t r = 0; r < t->rows; r++, x += t->x_row, w += t->w_row) {
            const int8_t *xc = x, *wc = w;
            for (int32_t c = 0; c < t->columns; c++, xc += t->x_column, wc += t->w_column) {
                sum += (*xc + t->offset) * *wc;
            }
        }
        acc[i] = sum;
    }
}

static void position(const ts_op_t *op, const ts_taps_t *taps, int8_t *y) {
    const int32_t *bias = op->data[BIAS], *mult = op->data[MULT];
    const int8_t *shift = op->data[SHIFT];
    int32_t outputs = ts_dim(op->t[Y], 3), multiplier = outputs / ts_dim(op->t[X], 3);
    int32_t zero = op->t[Y]->zero_point;
    int32_t low = op->params[ACT], high = op->params[ACT + 1];
    for (int32_t first = 0; first < outputs; first += BLOCK) {
        int32_t acc[BLOCK], n = ts_min_s32(BLOCK, outputs - first);
        if (multiplier == 1) {
            sum_block(taps, first, n, acc);
        } else {
            sum_block_multiplied(taps, first, n, multiplier, acc);
        }
        for (int32_t i = 0; i < n; i++) {
            int32_t sum = ts_wrap_add(acc[i], *bias++);
            *y++ = ts_finish_s8(ts_scale_twice(sum, *mult++, *shift++), zero, low, high);
        }
    }
}

// x is (N, H, W, Ci), w is (1, kh, kw, Co), y is (N, OH, OW, Co), Co a
// multiple of Ci; y may not overlap x.
void ts_run_DEPTHWISE_CONV_2D(const ts_op_t *op) {
    ts_axis_t h, w;
    ts_conv_axes(op, &h, &w);
    int32_t channels = ts_dim(op->t[X], 3), outputs = ts_dim(op->t[Y], 3);
    ts_taps_t t = {.x_row = ts_axis_step(&h, w.in * channels), .x_column = ts_axis_step(&w, channels),
        .w_row = w.kernel * outputs, .w_column = outputs, .offset = -op->t[X]->zero_point};
    const int8_t *x = op->data[X];
    int8_t *y = op->data[Y];
    for (int32_t n = ts_dim(op->t[X], 0); n > 0; n--, x += h.in * w.in * channels) {
        for (int32_t oy = 0; oy < h.out; oy++) {
            int32_t top = oy * h.stride - h.pad, y0, y1;
            ts_axis_taps(&h, top, &y0, &y1);
            for (int32_t ox = 0; ox < w.out; ox++, y += outputs) {
                int32_t left = ox * w.stride - w.pad, x0, x1;
                ts_axis_taps(&w, left, &x0, &x1);
                t.rows = y1 - y0;
                t.columns = x1 - x0;
                if (y0 < y1 && x0 < x1) {
                    int32_t row = top + y0 * h.dilation, column = left + x0 * w.dilation;
                    t.x = x + (row * w.in + column) * channels;
                } else {
                    t.x = x;
                    t.rows = 0;    // all taps in the padding
                }
                t.w = (const int8_t *)op->data[W] + (y0 * w.kernel + x0) * outputs;
                position(op, &t, y);
            }
        }
    }
}
