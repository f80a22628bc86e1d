#include "op.h"

#if TS_WITH_DEPTHWISE_CONV_2D
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
    return op->t[W]->place == TS_IN_FILE ? 0 : ts_blame(op, W, TS_ERR_OP);
}

int32_t ts_check_DEPTHWISE_CONV_2D(ts_op_t *op) {
    int32_t error = ts_need_weights(op);
    error = error != 0 ? error : check_filters(op);
    error = error != 0 ? error : ts_need_conv_axes(op);
    int32_t outputs = ts_dim(op->t[Y], 3);
    return error != 0 ? error : ts_need_sums(op, outputs, outputs, op->params + ACT);
}

// The filters from the tap on that lies on the first tap inside.
typedef struct {
    const int8_t *w;
    int32_t w_row, w_column, offset;
} ts_filters_t;

// acc[i] = sum over the taps of x[c] * w[c], c from `first` on, n channels.
static void sum_block(const ts_taps_t *t, const ts_filters_t *f, int32_t first, int32_t n,
    int32_t *acc) {
    const int8_t *w = f->w + first;
    int32_t slot = t->slot;
    for (int32_t i = 0; i < n; i++) {
        acc[i] = 0;
    }
    for (int32_t r = 0; r < t->rows; r++, w += f->w_row, slot = ts_next_slot(t, slot)) {
        const int8_t *xc = t->x + slot * t->pitch + first, *wc = w;
        for (int32_t c = 0; c < t->columns; c++, xc += t->column_step, wc += f->w_column) {
            ts_mac_s8(xc, wc, n, f->offset, acc);
        }
    }
}

// The same where each input channel feeds `multiplier` outputs; `first`
// counts outputs.
static void sum_block_multiplied(const ts_taps_t *t, const ts_filters_t *f, int32_t first,
    int32_t n, int32_t multiplier, int32_t *acc) {
    for (int32_t i = 0; i < n; i++) {
        const int8_t *x = t->x + (first + i) / multiplier, *w = f->w + first + i;
        int32_t sum = 0, slot = t->slot;
        for (int32_t r = 0; r < t->rows; r++, w += f->w_row, slot = ts_next_slot(t, slot)) {
            const int8_t *xc = x + slot * t->pitch, *wc = w;
            for (int32_t c = 0; c < t->columns; c++, xc += t->column_step, wc += f->w_column) {
                sum += (*xc + f->offset) * *wc;
            }
        }
        acc[i] = sum;
    }
}

static void position(const ts_op_t *op, const ts_taps_t *taps, const ts_filters_t *f, int8_t *y) {
    const int32_t *bias = op->data[BIAS], *mult = op->data[MULT];
    const int8_t *shift = op->data[SHIFT];
    int32_t outputs = ts_dim(op->t[Y], 3), multiplier = outputs / ts_dim(op->t[X], 3);
    int32_t zero = op->t[Y]->zero_point;
    int32_t low = op->params[ACT], high = op->params[ACT + 1];
    for (int32_t first = 0; first < outputs; first += BLOCK) {
        int32_t acc[BLOCK], n = ts_min_s32(BLOCK, outputs - first);
        if (multiplier == 1) {
            sum_block(taps, f, first, n, acc);
        } else {
            sum_block_multiplied(taps, f, first, n, multiplier, acc);
        }
        for (int32_t i = 0; i < n; i++) {
            int32_t sum = ts_wrap_add(acc[i], *bias++);
            *y++ = ts_finish_s8(ts_scale_twice(sum, *mult++, *shift++), zero, low, high);
        }
    }
}

// x is (H, W, Ci), w is (1, kh, kw, Co), y is (OH, OW, Co), Co a multiple of Ci.
void ts_run_DEPTHWISE_CONV_2D(const ts_op_t *op) {
#if TS_WHOLE_OPS
    if (ts_whole_DEPTHWISE_CONV_2D(op)) {
        return;
    }
#endif
    ts_axis_t h, w;
    ts_walk_t walk;
    ts_conv_axes(op, &h, &w);
    ts_walk_start(&walk, op, X, Y, &h, &w);
    int32_t outputs = ts_dim(op->t[Y], 3);
    ts_filters_t f = {.w_row = w.kernel * outputs, .w_column = outputs,
        .offset = -op->t[X]->zero_point};
    while (ts_walk_next(&walk)) {
        const ts_taps_t *t = &walk.taps;
        f.w = (const int8_t *)op->data[W] + t->top * f.w_row + t->left * outputs;
        position(op, t, &f, walk.y);
    }
}
#endif
