// CONV_2D and DEPTHWISE_CONV_2D with int16 activations or int4 weights: small
// rather than fast.
#include "mixed.h"

#if TS_WITH_MIXED_CONV_2D || TS_WITH_MIXED_DEPTHWISE_CONV_2D
enum { X, W, BIAS, MULT, SHIFT, Y };
enum { ACT = 6 };    // after what ts_conv_axes reads

// With sums of 64 bits a multiplier has 15 bits.
static int32_t check_scales(ts_op_t *op, int32_t n) {
    int32_t error = ts_need_constant(op, MULT, TS_S32, n);
    error = error != 0 ? error : ts_need_constant(op, SHIFT, TS_S8, n);
    if (error != 0) {
        return error;
    }
    const int32_t *mult = op->data[MULT];
    const int8_t *shift = op->data[SHIFT];
    int32_t narrow = op->t[BIAS]->dtype == TS_S64;
    for (int32_t i = 0; i < n; i++) {
        if (!ts_scale_ok(mult[i], shift[i]) || (narrow && (mult[i] > INT16_MAX || shift[i] > 7))) {
            return ts_blame(op, MULT, TS_ERR_OP);
        }
    }
    return 0;
}

static int32_t check(ts_op_t *op) {
    int32_t outputs = ts_dim(op->t[Y], 3);
    int32_t error = ts_need_mixed(op, outputs, op->params + ACT);
    error = error != 0 ? error : ts_need_conv_axes(op);
    return error != 0 ? error : check_scales(op, outputs);
}

// x * mult / 2^15 * 2^shift, rounded once, halves up; keeps 32 bits of it.
static int32_t scale_s64(int64_t x, int32_t mult, int32_t shift) {
    int32_t n = 15 - shift;
    uint64_t v = (uint64_t)x * (uint64_t)mult + ((uint64_t)1 << (n - 1));
    return (int32_t)(uint32_t)(uint64_t)((int64_t)v >> n);
}

// What is the same for all positions of y.
typedef struct {
    ts_axis_t h, w;
    int32_t depthwise, per_group;   // outputs that see the same channels
    int32_t depth;                  // channels that an output sees
} ts_mixed_conv_t;

// The sum of one output over the taps inside.
static int64_t sum_output(const ts_op_t *op, const ts_mixed_conv_t *c, int32_t row,
    int32_t column, int32_t output) {
    int32_t channels = ts_dim(op->t[X], 3), outputs = ts_dim(op->t[Y], 3);
    int32_t top = row * c->h.stride - c->h.pad, left = column * c->w.stride - c->w.pad;
    int32_t bytes = op->t[X]->dtype == TS_S16 ? 2 : 1, y0, y1, x0, x1;
    ts_axis_taps(&c->h, top, &y0, &y1);
    ts_axis_taps(&c->w, left, &x0, &x1);
    int64_t sum = 0;
    for (int32_t ky = y0; ky < y1; ky++) {
        const uint8_t *x = ts_row(op, X, top + ky * c->h.dilation);
        x += (output / c->per_group) * c->depth * bytes;
        for (int32_t kx = x0; kx < x1; kx++) {
            int32_t tap = ky * c->w.kernel + kx;
            ts_mixed_run_t run = {x + (left + kx * c->w.dilation) * channels * bytes, 0, 1, 1,
                c->depth};
            run.w = c->depthwise ? tap * outputs + output
                                 : (output * c->h.kernel * c->w.kernel + tap) * c->depth;
            sum += ts_mixed_dot(op, &run);
        }
    }
    return sum;
}

static void make_rows(const ts_op_t *op, const ts_mixed_conv_t *c) {
    const int32_t *mult = op->data[MULT];
    const int8_t *shift = op->data[SHIFT];
    int32_t outputs = ts_dim(op->t[Y], 3), wraps = op->t[BIAS]->dtype != TS_S64;
    for (int32_t row = op->first, end = op->first + op->count; row < end; row++) {
        uint8_t *y = ts_row(op, Y, row);
        for (int32_t at = 0; at < c->w.out * outputs; at++) {
            int32_t output = at % outputs;
            int64_t sum = sum_output(op, c, row, at / outputs, output);
            sum = (int64_t)((uint64_t)sum + (uint64_t)ts_mixed_bias(op, output));
            int32_t v = wraps
                ? ts_scale_twice((int32_t)(uint32_t)(uint64_t)sum, mult[output], shift[output])
                : scale_s64(sum, mult[output], shift[output]);
            ts_mixed_store(op, y, at, v, op->params + ACT);
        }
    }
}
#endif

#if TS_WITH_MIXED_CONV_2D
int32_t ts_check_MIXED_CONV_2D(ts_op_t *op) {
    int32_t channels = ts_dim(op->t[X], 3), depth = ts_dim(op->t[W], 3);
    int32_t outputs = ts_dim(op->t[Y], 3);
    if (ts_dim(op->t[W], 0) != outputs || channels % depth != 0
        || outputs % (channels / depth) != 0
        || ts_elements(op->t[W]) / outputs > TS_ELEMENTS_SUM_MAX) {
        return ts_blame(op, W, TS_ERR_SHAPE);
    }
    return check(op);
}

// x is (N, H, W, Ci), w is (Co, kh, kw, Ci / groups), y is (N, OH, OW, Co).
void ts_run_MIXED_CONV_2D(const ts_op_t *op) {
    ts_mixed_conv_t c = {.depth = ts_dim(op->t[W], 3)};
    c.per_group = ts_dim(op->t[Y], 3) / (ts_dim(op->t[X], 3) / c.depth);
    ts_conv_axes(op, &c.h, &c.w);
    make_rows(op, &c);
}
#endif

#if TS_WITH_MIXED_DEPTHWISE_CONV_2D
int32_t ts_check_MIXED_DEPTHWISE_CONV_2D(ts_op_t *op) {
    int32_t channels = ts_dim(op->t[X], 3), outputs = ts_dim(op->t[Y], 3);
    if (ts_dim(op->t[W], 0) != 1 || ts_dim(op->t[W], 3) != outputs || outputs % channels != 0
        || ts_elements(op->t[W]) / outputs > TS_ELEMENTS_SUM_MAX) {
        return ts_blame(op, W, TS_ERR_SHAPE);
    }
    return check(op);
}

// x is (N, H, W, Ci), w is (1, kh, kw, Co), y is (N, OH, OW, Co), Co a
// multiple of Ci.
void ts_run_MIXED_DEPTHWISE_CONV_2D(const ts_op_t *op) {
    ts_mixed_conv_t c = {.depthwise = 1, .depth = 1};
    c.per_group = ts_dim(op->t[Y], 3) / ts_dim(op->t[X], 3);
    ts_conv_axes(op, &c.h, &c.w);
    make_rows(op, &c);
}
#endif
