// PACKED_DEPTHWISE_CONV_2D on Arm's DSP extension.
#include "arch.h"

#if TS_TARGET == TS_TARGET_ARMV7EM
#include "armv7em.h"

#if TS_WITH_PACKED_DEPTHWISE_CONV_2D
enum { X, STREAM, Y, SCRATCH };
enum { ACT = 6, KERNEL_H = 8, KERNEL_W, KERNEL, EXTRA };
// EXTRA: TS_TWICE or TS_GENERAL.

typedef struct {
    const ts_op_t *op;
    ts_axis_t h, w;
    int32_t channels, finish, taps;
    const int8_t *zeros;        // a pixel of padding, in scratch
    const int8_t **table;       // addresses of the taps, behind it
} ts_depthwise_t;

TS_APART static void start(ts_depthwise_t *d, const ts_op_t *op) {
    const int32_t *p = op->params;
    const ts_tensor_t *x = op->t[X], *y = op->t[Y];
    d->op = op;
    d->h = (ts_axis_t){ts_dim(x, 1), ts_dim(y, 1), p[KERNEL_H], p[0], p[2], p[4]};
    d->w = (ts_axis_t){ts_dim(x, 2), ts_dim(y, 2), p[KERNEL_W], p[1], p[3], p[5]};
    d->channels = ts_dim(x, 3);
    d->finish = p[EXTRA];
}

// The commonest kernel has a table of its own, on the stack.
static int32_t is_3x3(const ts_depthwise_t *d) {
    return d->h.kernel == 3 && d->w.kernel == 3 && d->finish == TS_TWICE;
}

static int32_t reaches_out(const ts_axis_t *a) {
    return a->pad > 0 || (a->out - 1) * a->stride + (a->kernel - 1) * a->dilation >= a->in;
}

// Whether some tap of some pixel lies outside of x.
static int32_t is_padded(const ts_depthwise_t *d) {
    return reaches_out(&d->h) || reaches_out(&d->w);
}

TS_SELDOM int32_t ts_check_PACKED_DEPTHWISE_CONV_2D(ts_op_t *op) {
    ts_depthwise_t d;
    int32_t error = ts_need_type(op, X, TS_S8);
    error = error != 0 ? error : ts_need_type(op, Y, TS_S8);
    if (error != 0) {
        return error;
    }
    start(&d, op);
    if (op->t[X]->dims[0] != op->t[Y]->dims[0] || !ts_axis_ok(&d.h) || !ts_axis_ok(&d.w)
        || ts_dim(op->t[Y], 3) != d.channels || d.channels < 4) {
        return ts_blame(op, Y, TS_ERR_SHAPE);
    }
    int64_t taps = (int64_t)d.h.kernel * d.w.kernel;
    int64_t words = ts_taps_words(taps, d.channels, d.finish);
    if (!ts_act_ok(op->params + ACT) || (d.finish != TS_TWICE && d.finish != TS_GENERAL)
        || op->params[KERNEL] != 0 || taps > TS_ELEMENTS_SUM_MAX || words > INT32_MAX / 4) {
        return TS_ERR_OP;
    }
    error = ts_need_constant(op, STREAM, TS_S32, (int32_t)words);
    int32_t table = is_3x3(&d) ? 0 : 4 * (int32_t)taps;
    int32_t zeros = is_padded(&d) ? ts_round_up4(d.channels) : 0;
    return error != 0 ? error : ts_need_scratch(op, SCRATCH, zeros + table);
}

// Addresses of the taps of the pixel (row, column) of y.
TS_APART static void find_taps(const ts_depthwise_t *d, int32_t row, int32_t column, const int8_t **to) {
    int32_t y = row * d->h.stride - d->h.pad, left = column * d->w.stride - d->w.pad;
    for (int32_t r = 0; r < d->h.kernel; r++, y += d->h.dilation) {
        const int8_t *from = y < 0 || y >= d->h.in ? NULL : ts_row(d->op, X, y);
        int32_t x = left;
        for (int32_t i = 0; i < d->w.kernel; i++, x += d->w.dilation) {
            int32_t inside = from != NULL && x >= 0 && x < d->w.in;
            *to++ = inside ? from + x * d->channels : d->zeros;
        }
    }
}

static void any_row(const ts_depthwise_t *d, int32_t row, int8_t *y) {
    ts_taps_n_t g = {d->taps, d->channels, d->finish};
    for (int32_t column = 0; column < d->w.out; column++, y += d->channels) {
        find_taps(d, row, column, d->table);
        ts_taps_n(d->op->data[STREAM], d->table, y, &g);
    }
}

// 3x3: a pixel with padding at its side, or all whose columns lie inside in one go.
TS_APART static void row_3x3(const ts_depthwise_t *d, int32_t row, int8_t *y) {
    ts_taps_9_t g = {.channels = d->channels};
    const int8_t *from[3], *base = d->op->data[X];
    int32_t ring = (int32_t)d->op->t[X]->ring, bytes = d->w.in * d->channels;
    int32_t at = row * d->h.stride - d->h.pad, left = -d->w.pad, column = 0, pitch[3];
    for (int32_t r = 0; r < 3; r++, at += d->h.dilation) {
        int32_t inside = at >= 0 && at < d->h.in;
        from[r] = inside ? base + (ring != 0 ? at % ring : at) * bytes : d->zeros;
        pitch[r] = inside ? d->channels : 0;
        g.step[r] = pitch[r] * d->w.stride;
    }
    g.y = y;
    while (column < d->w.out) {
        int32_t room = d->w.in - 1 - 2 * d->w.dilation - left;
        g.pixels = 1;
        if (left >= 0 && room >= 0) {
            g.pixels = ts_min_s32(1 + room / d->w.stride, d->w.out - column);
        }
        for (int32_t i = 0, x = left; i < 3; i++, x += d->w.dilation) {
            int32_t inside = (uint32_t)x < (uint32_t)d->w.in;
            g.table[i] = inside ? from[0] + x * pitch[0] : d->zeros;
            g.table[3 + i] = inside ? from[1] + x * pitch[1] : d->zeros;
            g.table[6 + i] = inside ? from[2] + x * pitch[2] : d->zeros;
        }
        int32_t made = g.pixels;
        ts_taps_9(&g, d->op->data[STREAM]);
        column += made;
        left += made * d->w.stride;
        g.y += made * d->channels;
    }
}

// n words, 1 or more; returns what lies behind them.
static uint32_t *filled(uint32_t *to, uint32_t word, int32_t n) {
    for (; n >= 4; n -= 4, to += 4) {
        to[0] = to[1] = to[2] = to[3] = word;
    }
    for (; n > 0; n--) {
        *to++ = word;
    }
    return to;
}

// x is (H, W, C), y is (OH, OW, C).
void ts_run_PACKED_DEPTHWISE_CONV_2D(const ts_op_t *op) {
    ts_depthwise_t d;
    uint32_t *zeros = op->data[SCRATCH], word = 0x01010101u * (uint8_t)op->t[X]->zero_point;
    start(&d, op);
    d.zeros = (const int8_t *)zeros;
    if (is_padded(&d)) {
        zeros = filled(zeros, word, ts_round_up4(d.channels) / 4);
    }
    d.taps = d.h.kernel * d.w.kernel;
    d.table = (const int8_t **)zeros;
    int32_t nine = is_3x3(&d);
    for (int32_t row = op->first; row < op->first + op->count; row++) {
        int8_t *y = ts_row(op, Y, row);
        if (nine) {
            row_3x3(&d, row, y);
        } else {
            any_row(&d, row, y);
        }
        ts_clamp_s8(y, d.w.out * d.channels, op->params[ACT], op->params[ACT + 1]);
    }
}
#endif
#endif
