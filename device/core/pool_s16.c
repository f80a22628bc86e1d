// Pools and means on 16 bits: small rather than fast.
#include "op.h"

#if TS_WITH_AVERAGE_POOL_2D_S16 || TS_WITH_MAX_POOL_2D_S16
enum { X, Y };
enum { STRIDE_H, STRIDE_W, KERNEL_H, KERNEL_W, PAD_TOP, PAD_LEFT, ACT };
enum { COUNT_MAX = 65535 };     // elements under a kernel, so that sums fit 31 bits

static void axes(const ts_op_t *op, ts_axis_t *h, ts_axis_t *w) {
    const int32_t *p = op->params;
    *h = (ts_axis_t){ts_dim(op->t[X], 1), ts_dim(op->t[Y], 1), p[KERNEL_H], p[STRIDE_H], 1,
        p[PAD_TOP]};
    *w = (ts_axis_t){ts_dim(op->t[X], 2), ts_dim(op->t[Y], 2), p[KERNEL_W], p[STRIDE_W], 1,
        p[PAD_LEFT]};
}

static int32_t check(ts_op_t *op) {
    const int32_t *act = op->params + ACT;
    ts_axis_t h, w;
    int32_t error = ts_need_types(op, X, Y, TS_S16);
    if (error != 0) {
        return error;
    }
    axes(op, &h, &w);
    if (op->t[X]->dims[0] != op->t[Y]->dims[0] || op->t[X]->dims[3] != op->t[Y]->dims[3]
        || !ts_axis_ok(&h) || !ts_axis_ok(&w)
        || (int64_t)ts_min_s32(h.kernel, h.in) * ts_min_s32(w.kernel, w.in) > COUNT_MAX) {
        return ts_blame(op, Y, TS_ERR_SHAPE);
    }
    return act[0] <= act[1] && ts_between(act[0], INT16_MIN, INT16_MAX)
            && ts_between(act[1], INT16_MIN, INT16_MAX)
        ? 0 : TS_ERR_OP;
}

// The taps inside for one position; rows and columns of x.
typedef struct {
    int32_t top, bottom, left, right;
} ts_inside_t;

static ts_inside_t inside(const ts_axis_t *h, const ts_axis_t *w, int32_t row, int32_t column) {
    int32_t top = row * h->stride - h->pad, left = column * w->stride - w->pad;
    ts_inside_t i;
    ts_axis_taps(h, top, &i.top, &i.bottom);
    ts_axis_taps(w, left, &i.left, &i.right);
    return (ts_inside_t){top + i.top, top + i.bottom, left + i.left, left + i.right};
}

static int32_t pooled(const ts_op_t *op, const ts_inside_t *in, int32_t channel, int32_t is_max) {
    int32_t channels = ts_dim(op->t[X], 3), sum = 0, max = INT16_MIN;
    for (int32_t row = in->top; row < in->bottom; row++) {
        const int16_t *x = (const int16_t *)ts_row(op, X, row) + channel;
        for (int32_t column = in->left; column < in->right; column++) {
            sum += x[column * channels];
            max = ts_max_s32(max, x[column * channels]);
        }
    }
    int32_t count = (in->bottom - in->top) * (in->right - in->left);
    return is_max ? max : ts_div_round(sum, count);
}

// x is (H, W, C), y is (OH, OW, C) of the same scale; padding does not count.
static void run(const ts_op_t *op, int32_t is_max) {
    ts_axis_t h, w;
    axes(op, &h, &w);
    for (int32_t row = op->first, end = op->first + op->count; row < end; row++) {
        int16_t *y = ts_row(op, Y, row);
        for (int32_t column = 0; column < w.out; column++) {
            ts_inside_t in = inside(&h, &w, row, column);
            for (int32_t c = 0; c < ts_dim(op->t[Y], 3); c++) {
                *y++ = (int16_t)ts_clamp_s32(pooled(op, &in, c, is_max), op->params[ACT],
                    op->params[ACT + 1]);
            }
        }
    }
}
#endif

#if TS_WITH_AVERAGE_POOL_2D_S16
int32_t ts_check_AVERAGE_POOL_2D_S16(ts_op_t *op) {
    return check(op);
}

void ts_run_AVERAGE_POOL_2D_S16(const ts_op_t *op) {
    run(op, 0);
}
#endif

#if TS_WITH_MAX_POOL_2D_S16
int32_t ts_check_MAX_POOL_2D_S16(ts_op_t *op) {
    return check(op);
}

void ts_run_MAX_POOL_2D_S16(const ts_op_t *op) {
    run(op, 1);
}
#endif
