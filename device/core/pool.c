#include "op.h"

#if TS_WITH_AVERAGE_POOL_2D || TS_WITH_MAX_POOL_2D
enum { X, Y, SUMS };
enum { STRIDE_H, STRIDE_W, KERNEL_H, KERNEL_W, PAD_TOP, PAD_LEFT, ACT };
enum { BLOCK = 16 };    // channels side by side, on the stack
enum { SUM_MAX = 1 << 23 };     // elements under a kernel

static void axes(const ts_op_t *op, ts_axis_t *h, ts_axis_t *w) {
    const int32_t *p = op->params;
    *h = (ts_axis_t){ts_dim(op->t[X], 1), ts_dim(op->t[Y], 1), p[KERNEL_H], p[STRIDE_H], 1,
        p[PAD_TOP]};
    *w = (ts_axis_t){ts_dim(op->t[X], 2), ts_dim(op->t[Y], 2), p[KERNEL_W], p[STRIDE_W], 1,
        p[PAD_LEFT]};
}

static int32_t check(ts_op_t *op) {
    ts_axis_t h, w;
    int32_t error = ts_need_types(op, X, Y, TS_S8);
    if (error != 0) {
        return error;
    }
    axes(op, &h, &w);
    if (op->t[X]->dims[0] != op->t[Y]->dims[0] || op->t[X]->dims[3] != op->t[Y]->dims[3]
        || !ts_axis_ok(&h) || !ts_axis_ok(&w)
        || (int64_t)ts_min_s32(h.kernel, h.in) * ts_min_s32(w.kernel, w.in) > SUM_MAX) {
        return ts_blame(op, Y, TS_ERR_SHAPE);
    }
    if (op->t[X]->zero_point != op->t[Y]->zero_point || !ts_act_ok(op->params + ACT)) {
        return TS_ERR_OP;
    }
    return 0;
}

static void store(const ts_op_t *op, const int32_t *acc, int32_t n, int8_t *y) {
    for (int32_t i = 0; i < n; i++) {
        y[i] = ts_finish_s8(acc[i], 0, op->params[ACT], op->params[ACT + 1]);
    }
}
#endif

#if TS_WITH_AVERAGE_POOL_2D
int32_t ts_check_AVERAGE_POOL_2D(ts_op_t *op) {
    int32_t error = check(op);
    if (error != 0 || op->t[SUMS] == NULL) {
        return error;
    }
    if (ts_dim(op->t[Y], 1) != 1 || op->params[KERNEL_H] != ts_dim(op->t[X], 1)
        || op->params[PAD_TOP] != 0) {
        return ts_blame(op, SUMS, TS_ERR_OP);
    }
    int32_t sums = ts_elements(op->t[Y]) / ts_dim(op->t[Y], 0);
    return sums > INT32_MAX / 4 ? ts_blame(op, SUMS, TS_ERR_SHAPE)
                                : ts_need_scratch(op, SUMS, sums * 4);
}

// acc[i] += the sum over one row of taps of channel i.
static void add_taps(const int8_t *x, int32_t columns, int32_t step, int32_t n, int32_t *acc) {
    for (; n >= 4; n -= 4, x += 4, acc += 4) {      // four channels in registers
        const int8_t *tap = x;
        int32_t a = acc[0], b = acc[1], c = acc[2], d = acc[3];
        for (int32_t i = 0; i < columns; i++, tap += step) {
            a = ts_wrap_add(a, tap[0]);
            b = ts_wrap_add(b, tap[1]);
            c = ts_wrap_add(c, tap[2]);
            d = ts_wrap_add(d, tap[3]);
        }
        acc[0] = a;
        acc[1] = b;
        acc[2] = c;
        acc[3] = d;
    }
    for (; n > 0; n--, x++, acc++) {
        for (int32_t i = 0; i < columns; i++) {
            *acc = ts_wrap_add(*acc, x[i * step]);
        }
    }
}

static void divide(int32_t *acc, int32_t n, int32_t count) {
    for (int32_t i = 0; i < n; i++) {   // sums out of the arena may be anything
        acc[i] = ts_div_round(ts_clamp_s32(acc[i], -SUM_MAX * 128, SUM_MAX * 128), count);
    }
}

static void average(const ts_op_t *op, const ts_taps_t *t, int8_t *y) {
    for (int32_t first = 0, channels = ts_dim(op->t[Y], 3); first < channels; first += BLOCK) {
        int32_t acc[BLOCK] = {0}, n = ts_min_s32(BLOCK, channels - first), slot = t->slot;
        for (int32_t r = 0; r < t->rows; r++, slot = ts_next_slot(t, slot)) {
            add_taps(t->x + slot * t->pitch + first, t->columns, t->column_step, n, acc);
        }
        divide(acc, n, t->rows * t->columns);
        store(op, acc, n, y + first);
    }
}

// Adds rows first .. first + count of x to the sums, of which there is one for
// each element of y; the last row makes y.
static void average_by_rows(const ts_op_t *op, const ts_axis_t *h, const ts_axis_t *w) {
    int32_t channels = ts_dim(op->t[Y], 3), end = op->first + op->count;
    for (int32_t row = op->first; row < end; row++) {
        int32_t *acc = op->data[SUMS];
        int8_t *y = op->data[Y];
        if (row == 0) {
            memset(acc, 0, (size_t)(w->out * channels) * sizeof(int32_t));
        }
        for (int32_t column = 0; column < w->out; column++, acc += channels, y += channels) {
            int32_t left = column * w->stride - w->pad, x0, x1;
            ts_axis_taps(w, left, &x0, &x1);
            const int8_t *x = (const int8_t *)ts_row(op, X, row) + (left + x0) * channels;
            add_taps(x, x1 - x0, channels, channels, acc);
            if (row == h->in - 1) {
                divide(acc, channels, h->in * (x1 - x0));
                store(op, acc, channels, y);
            }
        }
    }
}

// x is (H, W, C), y is (OH, OW, C) of the same quantisation; padding does not
// count.
void ts_run_AVERAGE_POOL_2D(const ts_op_t *op) {
    ts_axis_t h, w;
    ts_walk_t walk;
    axes(op, &h, &w);
    if (op->t[SUMS] != NULL) {
        average_by_rows(op, &h, &w);
        return;
    }
    ts_walk_start(&walk, op, X, Y, &h, &w);
    while (ts_walk_next(&walk)) {
        average(op, &walk.taps, walk.y);
    }
}
#endif

#if TS_WITH_MAX_POOL_2D
int32_t ts_check_MAX_POOL_2D(ts_op_t *op) {
    return check(op);
}

static void maximum(const ts_op_t *op, const ts_taps_t *t, int8_t *y) {
    for (int32_t first = 0, channels = ts_dim(op->t[Y], 3); first < channels; first += BLOCK) {
        int32_t acc[BLOCK], n = ts_min_s32(BLOCK, channels - first), slot = t->slot;
        for (int32_t i = 0; i < n; i++) {
            acc[i] = INT8_MIN;
        }
        for (int32_t r = 0; r < t->rows; r++, slot = ts_next_slot(t, slot)) {
            const int8_t *x = t->x + slot * t->pitch + first;
            for (int32_t c = 0; c < t->columns; c++, x += t->column_step) {
                for (int32_t i = 0; i < n; i++) {
                    acc[i] = ts_max_s32(acc[i], x[i]);
                }
            }
        }
        store(op, acc, n, y + first);
    }
}

// x is (H, W, C), y is (OH, OW, C) of the same quantisation.
void ts_run_MAX_POOL_2D(const ts_op_t *op) {
    ts_axis_t h, w;
    ts_walk_t walk;
    axes(op, &h, &w);
    ts_walk_start(&walk, op, X, Y, &h, &w);
    while (ts_walk_next(&walk)) {
        maximum(op, &walk.taps, walk.y);
    }
}
#endif
