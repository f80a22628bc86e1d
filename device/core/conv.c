#include "op.h"

#if TS_WITH_CONV_2D
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
    return op->t[W]->place == TS_IN_FILE ? 0 : ts_blame(op, W, TS_ERR_OP);
}

int32_t ts_check_CONV_2D(ts_op_t *op) {
    int32_t error = ts_need_weights(op);
    error = error != 0 ? error : check_filters(op);
    error = error != 0 ? error : ts_need_conv_axes(op);
    int32_t outputs = ts_dim(op->t[Y], 3);
    return error != 0 ? error : ts_need_sums(op, outputs, outputs, op->params + ACT);
}

// The filters as one position meets them: w is the tap of the first filter
// that lies on the first tap inside.
typedef struct {
    const ts_taps_t *taps;
    int32_t columns, run;       // runs in a row of taps, elements that lie together
    int32_t w_row, w_column, w_filter, offset;
} ts_filters_t;

// acc + sum over the taps, filter w, channels from x.
static int32_t dot(const ts_filters_t *f, const int8_t *x, const int8_t *w) {
    const ts_taps_t *t = f->taps;
    int32_t acc = 0, slot = t->slot;
    for (int32_t r = 0; r < t->rows; r++, w += f->w_row, slot = ts_next_slot(t, slot)) {
        const int8_t *xc = x + slot * t->pitch, *wc = w;
        for (int32_t c = 0; c < f->columns; c++, xc += t->column_step, wc += f->w_column) {
            acc = ts_dot_s8(xc, wc, f->run, f->offset, acc);
        }
    }
    return acc;
}

static void dot4(const ts_filters_t *f, const int8_t *x, const int8_t *w, int32_t *acc) {
    const ts_taps_t *t = f->taps;
    int32_t slot = t->slot;
    acc[0] = acc[1] = acc[2] = acc[3] = 0;
    for (int32_t r = 0; r < t->rows; r++, w += f->w_row, slot = ts_next_slot(t, slot)) {
        const int8_t *xc = x + slot * t->pitch, *wc = w;
        for (int32_t c = 0; c < f->columns; c++, xc += t->column_step, wc += f->w_column) {
            ts_dot4_s8(xc, wc, f->w_filter, f->run, f->offset, acc);
        }
    }
}

// One position of y, all of its channels; groups share the taps.
static void position(const ts_op_t *op, const ts_filters_t *f, const int8_t *w, int8_t *y) {
    const int32_t *bias = op->data[BIAS], *mult = op->data[MULT];
    const int8_t *shift = op->data[SHIFT], *x = f->taps->x;
    int32_t depth = ts_dim(op->t[W], 3), groups = ts_dim(op->t[X], 3) / depth;
    int32_t low = op->params[ACT], high = op->params[ACT + 1], zero = op->t[Y]->zero_point;
    for (int32_t g = 0; g < groups; g++, x += depth) {
        for (int32_t left = ts_dim(op->t[Y], 3) / groups; left > 0;) {
            int32_t acc[4], n = left >= 4 ? 4 : 1;
            if (n == 4) {
                dot4(f, x, w, acc);
            } else {
                acc[0] = dot(f, x, w);
            }
            for (int32_t i = 0; i < n; i++) {
                int32_t sum = ts_wrap_add(acc[i], *bias++);
                *y++ = ts_finish_s8(ts_scale_twice(sum, *mult++, *shift++), zero, low, high);
            }
            w += n * f->w_filter;
            left -= n;
        }
    }
}

// x is (H, W, Ci), w is (Co, kh, kw, Ci / groups), y is (OH, OW, Co).
void ts_run_CONV_2D(const ts_op_t *op) {
#if TS_WHOLE_OPS
    if (ts_whole_CONV_2D(op)) {
        return;
    }
#endif
    ts_axis_t h, w;
    ts_walk_t walk;
    ts_conv_axes(op, &h, &w);
    ts_walk_start(&walk, op, X, Y, &h, &w);
    const ts_taps_t *t = &walk.taps;
    int32_t depth = ts_dim(op->t[W], 3);
    int32_t joined = depth == ts_dim(op->t[X], 3) && w.dilation == 1;   // a row of taps is one run
    ts_filters_t f = {.taps = t, .w_row = w.kernel * depth, .w_column = depth,
        .w_filter = h.kernel * w.kernel * depth, .offset = -op->t[X]->zero_point};
    while (ts_walk_next(&walk)) {
        f.columns = joined ? t->columns > 0 : t->columns;
        f.run = joined ? t->columns * depth : depth;
        position(op, &f, (const int8_t *)op->data[W] + t->top * f.w_row + t->left * depth, walk.y);
    }
}
#endif
