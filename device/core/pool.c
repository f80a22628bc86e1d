#include "op.h"

enum { X, Y };
enum { STRIDE_H, STRIDE_W, KERNEL_H, KERNEL_W, PAD_TOP, PAD_LEFT, ACT };
enum { BLOCK = 16 };    // channels side by side, on the stack

static void axes(const ts_op_t *op, ts_axis_t *h, ts_axis_t *w) {
    const int32_t *p = op->params;
    *h = (ts_axis_t){ts_dim(op->t[X], 1), ts_dim(op->t[Y], 1), p[KERNEL_H], p[STRIDE_H], 1,
        p[PAD_TOP]};
    *w = (ts_axis_t){ts_dim(op->t[X], 2), ts_dim(op->t[Y], 2), p[KERNEL_W], p[STRIDE_W], 1,
        p[PAD_LEFT]};
}

static int32_t check(ts_op_t *op) {
    ts_axis_t h, w;
    axes(op, &h, &w);
    int32_t error = ts_need_type(op, X, TS_S8);
    error = error != 0 ? error : ts_need_type(op, Y, TS_S8);
    if (error != 0) {
        return error;
    }
    if (op->t[X]->dims[0] != op->t[Y]->dims[0] || op->t[X]->dims[3] != op->t[Y]->dims[3]
        || !ts_axis_ok(&h) || !ts_axis_ok(&w)
        || (int64_t)ts_min_s32(h.kernel, h.in) * ts_min_s32(w.kernel, w.in) > (1 << 23)) {
        return ts_blame(op, Y, TS_ERR_SHAPE);
    }
    if (op->t[X]->zero_point != op->t[Y]->zero_point || !ts_act_ok(op->params + ACT)) {
        return TS_ERR_OP;
    }
    return 0;
}

int32_t ts_check_AVERAGE_POOL_2D(ts_op_t *op) {
    return check(op);
}

int32_t ts_check_MAX_POOL_2D(ts_op_t *op) {
    return check(op);
}

// What lies under the kernel at one output position.
typedef struct {
    const int8_t *x;
    int32_t rows, columns, x_row, x_column;
} ts_view_t;

static void average(const ts_view_t *v, int32_t n, int32_t *acc) {
    const int8_t *row = v->x;
    for (int32_t i = 0; i < n; i++) {
        acc[i] = 0;
    }
    for (int32_t r = 0; r < v->rows; r++, row += v->x_row) {
        const int8_t *x = row;
        for (int32_t c = 0; c < v->columns; c++, x += v->x_column) {
            for (int32_t i = 0; i < n; i++) {
                acc[i] += x[i];
            }
        }
    }
    for (int32_t i = 0; i < n; i++) {
        acc[i] = ts_div_round(acc[i], v->rows * v->columns);
    }
}

static void maximum(const ts_view_t *v, int32_t n, int32_t *acc) {
    const int8_t *row = v->x;
    for (int32_t i = 0; i < n; i++) {
        acc[i] = INT8_MIN;
    }
    for (int32_t r = 0; r < v->rows; r++, row += v->x_row) {
        const int8_t *x = row;
        for (int32_t c = 0; c < v->columns; c++, x += v->x_column) {
            for (int32_t i = 0; i < n; i++) {
                acc[i] = ts_max_s32(acc[i], x[i]);
            }
        }
    }
}

static void position(const ts_op_t *op, ts_view_t v, int32_t averaged, int8_t *y) {
    for (int32_t left = ts_dim(op->t[Y], 3); left > 0; left -= BLOCK, v.x += BLOCK) {
        int32_t acc[BLOCK], n = ts_min_s32(BLOCK, left);
        if (averaged) {
            average(&v, n, acc);
        } else {
            maximum(&v, n, acc);
        }
        for (int32_t i = 0; i < n; i++) {
            *y++ = ts_finish_s8(acc[i], 0, op->params[ACT], op->params[ACT + 1]);
        }
    }
}

static void run(const ts_op_t *op, int32_t averaged) {
    ts_axis_t h, w;
    axes(op, &h, &w);
    int32_t channels = ts_dim(op->t[X], 3);
    ts_view_t v = {.x_row = w.in * channels, .x_column = channels};
    const int8_t *x = op->data[X];
    int8_t *y = op->data[Y];
    for (int32_t n = ts_dim(op->t[X], 0); n > 0; n--, x += h.in * w.in * channels) {
        for (int32_t oy = 0; oy < h.out; oy++) {
            int32_t top = oy * h.stride - h.pad, y0, y1;
            ts_axis_taps(&h, top, &y0, &y1);
            for (int32_t ox = 0; ox < w.out; ox++, y += channels) {
                int32_t left = ox * w.stride - w.pad, x0, x1;
                ts_axis_taps(&w, left, &x0, &x1);
                v.rows = y1 - y0;
                v.columns = x1 - x0;
                v.x = x + ((top + y0) * w.in + left + x0) * channels;
                position(op, v, averaged, y);
            }
        }
    }
}

// x is (N, H, W, C), y is (N, OH, OW, C) of the same quantisation; padding
// does not count. y may not overlap x.
void ts_run_AVERAGE_POOL_2D(const ts_op_t *op) {
    run(op, 1);
}

void ts_run_MAX_POOL_2D(const ts_op_t *op) {
    run(op, 0);
}
