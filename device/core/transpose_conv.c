#include "op.h"

#if TS_WITH_TRANSPOSE_CONV
enum { X, W, BIAS, MULT, SHIFT, Y };
enum { STRIDE_H, STRIDE_W, PAD_TOP, PAD_LEFT, ACT };

// x is (N, H, W, Ci), w is (Co, kh, kw, Ci), y is (N, OH, OW, Co).
int32_t ts_check_TRANSPOSE_CONV(ts_op_t *op) {
    const ts_tensor_t *x = op->t[X], *w = op->t[W], *y = op->t[Y];
    const int32_t *p = op->params, most = 1 << 15;
    int32_t error = ts_need_weights(op), outputs = ts_dim(y, 3);
    if (error != 0) {
        return error;
    }
    if (w->place != TS_IN_FILE || x->place != TS_IN_ARENA) {
        return ts_blame(op, w->place != TS_IN_FILE ? W : X, TS_ERR_OP);
    }
    if (ts_dim(w, 0) != outputs || w->dims[3] != x->dims[3] || ts_dim(w, 1) > most
        || ts_dim(w, 2) > most || ts_elements(w) / outputs > TS_ELEMENTS_SUM_MAX) {
        return ts_blame(op, W, TS_ERR_SHAPE);
    }
    // Coordinates of y stay within +-2^30.
    if (x->dims[0] != y->dims[0] || ts_dim(y, 1) > (1 << 28) || ts_dim(y, 2) > (1 << 28)
        || !ts_between(p[STRIDE_H], 1, most) || !ts_between(p[STRIDE_W], 1, most)
        || !ts_between(p[PAD_TOP], 0, most) || !ts_between(p[PAD_LEFT], 0, most)) {
        return ts_blame(op, Y, TS_ERR_SHAPE);
    }
    return ts_need_sums(op, outputs, outputs, p + ACT);
}

// Taps of one axis that an output position (padding added) is made of: tap
// first + i * stride, i < count, lies on input top - i.
typedef struct {
    int32_t first, top, count;
} ts_lattice_t;

static ts_lattice_t lattice(int32_t position, int32_t stride, int32_t kernel, int32_t inputs) {
    ts_lattice_t t = {position % stride, position / stride, 0};
    if (t.top >= inputs) {
        t.first += (t.top - inputs + 1) * stride;
        t.top = inputs - 1;
    }
    if (t.first < kernel) {
        t.count = ts_min_s32((kernel - 1 - t.first) / stride, t.top) + 1;
    }
    return t;
}

// Sum over the taps of one filter w (kh, kw, Ci).
static int32_t sum_taps(const ts_op_t *op, const ts_lattice_t *h, const ts_lattice_t *v,
    const int8_t *w) {
    int32_t depth = ts_dim(op->t[X], 3), columns = ts_dim(op->t[W], 2), acc = 0;
    for (int32_t i = 0; i < h->count; i++) {
        const int8_t *x = ts_row(op, X, h->top - i);
        const int8_t *row = w + (h->first + i * op->params[STRIDE_H]) * columns * depth;
        for (int32_t j = 0; j < v->count; j++) {
            acc = ts_dot_s8(x + (v->top - j) * depth,
                row + (v->first + j * op->params[STRIDE_W]) * depth, depth,
                -op->t[X]->zero_point, acc);
        }
    }
    return acc;
}

// y may not overlap x.
void ts_run_TRANSPOSE_CONV(const ts_op_t *op) {
    const int32_t *p = op->params, *bias = op->data[BIAS], *mult = op->data[MULT];
    const int8_t *shift = op->data[SHIFT];
    int32_t outputs = ts_dim(op->t[Y], 3), filter = ts_elements(op->t[W]) / outputs;
    for (int32_t row = op->first; row < op->first + op->count; row++) {
        ts_lattice_t h = lattice(row + p[PAD_TOP], p[STRIDE_H], ts_dim(op->t[W], 1),
            ts_dim(op->t[X], 1));
        int8_t *y = ts_row(op, Y, row);
        for (int32_t column = 0; column < ts_dim(op->t[Y], 2); column++) {
            ts_lattice_t v = lattice(column + p[PAD_LEFT], p[STRIDE_W], ts_dim(op->t[W], 2),
                ts_dim(op->t[X], 2));
            const int8_t *w = op->data[W];
            for (int32_t o = 0; o < outputs; o++, w += filter) {
                int32_t acc = ts_wrap_add(sum_taps(op, &h, &v, w), bias[o]);
                *y++ = ts_finish_s8(ts_scale_twice(acc, mult[o], shift[o]),
                    op->t[Y]->zero_point, p[ACT], p[ACT + 1]);
            }
        }
    }
}
#endif
