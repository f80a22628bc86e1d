// Softmax on 16 bits with two tables of 513 points, as TensorFlow Lite has it:
// exp over [-10, 0] and 1 / (1 + x) over [0, 1], straight lines between.
#include "op.h"

#if TS_WITH_SOFTMAX_S16
enum { X, EXP, RECIPROCAL, Y };
enum { MULT, SHIFT };
enum { POINTS = 513, ROW_MAX = 65535 };

int32_t ts_check_SOFTMAX_S16(ts_op_t *op) {
    int32_t error = ts_need_type(op, X, TS_S16);
    error = error != 0 ? error : ts_need_type(op, Y, TS_S16);
    error = error != 0 ? error : ts_need_constant(op, EXP, TS_S16, POINTS);
    error = error != 0 ? error : ts_need_constant(op, RECIPROCAL, TS_S16, POINTS);
    // A row's sum of exponentials, each below 2^15, must fit 31 bits.
    if (error == 0 && (!ts_same_shape(op->t[X], op->t[Y]) || ts_dim(op->t[X], 3) > ROW_MAX)) {
        error = ts_blame(op, Y, TS_ERR_SHAPE);
    }
    return error == 0 && !ts_scale_ok(op->params[MULT], op->params[SHIFT]) ? TS_ERR_OP : error;
}

// The table at v, an int16; v rises by 128 from point to point.
static int32_t between_points(const int16_t *table, int32_t v) {
    const int16_t *point = table + 256 + (v >> 7);
    int16_t slope = (int16_t)(point[1] - point[0]);
    return (int16_t)(point[0] + ((slope * (v & 127) + 64) >> 7));
}

static void softmax_row(const ts_op_t *op, const int16_t *x, int16_t *y, int32_t n) {
    const int32_t *p = op->params;
    int32_t max = INT16_MIN, sum = 0;
    for (int32_t i = 0; i < n; i++) {
        max = ts_max_s32(max, x[i]);
    }
    for (int32_t i = 0; i < n; i++) {
        int32_t v = ts_wrap_add(ts_scale_twice(x[i] - max, p[MULT], p[SHIFT]), INT16_MAX);
        y[i] = (int16_t)between_points(op->data[EXP], ts_sat_s16(v));
        sum += y[i];
    }
    // A table that is none could give any sum; a true one gives 2^14 or more.
    sum = ts_max_s32(sum, 2);
    int32_t lead = ts_clz_u32((uint32_t)sum), down = 31 - lead;
    int32_t shifted = (int32_t)((((int64_t)sum << (lead - 1)) + (1 << 13)) >> 14);
    int32_t scale = between_points(op->data[RECIPROCAL], ts_sat_s16(shifted - (3 << 15)));
    int32_t half = 1 << (down - 1);
    for (int32_t i = 0; i < n; i++) {
        int32_t v = (int32_t)(((int64_t)y[i] * scale + half) >> down);
        y[i] = (int16_t)ts_clamp_s32(v, 0, INT16_MAX);
    }
}

// x is (H, M, N), y is the same with scale 2^-15; y may be x.
void ts_run_SOFTMAX_S16(const ts_op_t *op) {
    int32_t n = ts_dim(op->t[X], 3), columns = ts_dim(op->t[X], 2);
    for (int32_t row = op->first, end = op->first + op->count; row < end; row++) {
        const int16_t *x = ts_row(op, X, row);
        int16_t *y = ts_row(op, Y, row);
        for (int32_t i = 0; i < columns; i++, x += n, y += n) {
            softmax_row(op, x, y, n);
        }
    }
}
#endif
