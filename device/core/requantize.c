#include "op.h"

#if TS_WITH_REQUANTIZE
enum { X, Y };
enum { MULT, SHIFT, LOW, HIGH };

static int32_t check_type(ts_op_t *op, int32_t i) {
    return op->t[i]->dtype <= TS_S32 ? 0 : ts_blame(op, i, TS_ERR_OP);
}

int32_t ts_check_REQUANTIZE(ts_op_t *op) {
    const int32_t *p = op->params;
    int32_t error = check_type(op, X);
    error = error != 0 ? error : check_type(op, Y);
    if (error == 0 && !ts_same_shape(op->t[X], op->t[Y])) {
        error = ts_blame(op, Y, TS_ERR_SHAPE);
    }
    // Bounds less the zero point must fit 32 bits.
    if (error == 0 && (!ts_scale_ok(p[MULT], p[SHIFT]) || p[LOW] > p[HIGH]
        || (op->t[Y]->zero_point != 0
            && (!ts_between(p[LOW], INT16_MIN, INT16_MAX)
                || !ts_between(p[HIGH], INT16_MIN, INT16_MAX))))) {
        error = TS_ERR_OP;
    }
    return error;
}

static int32_t load(const uint8_t *x, uint32_t dtype, int32_t i) {
    switch (dtype) {
    case TS_S8:
        return ((const int8_t *)x)[i];
    case TS_U8:
        return x[i];
    case TS_S16:
        return ((const int16_t *)(const void *)x)[i];
    default:
        return ((const int32_t *)(const void *)x)[i];
    }
}

static void store(uint8_t *y, uint32_t dtype, int32_t i, int32_t v) {
    switch (dtype) {
    case TS_S8:
    case TS_U8:
        y[i] = (uint8_t)v;
        break;
    case TS_S16:
        ((int16_t *)(void *)y)[i] = (int16_t)v;
        break;
    default:
        ((int32_t *)(void *)y)[i] = v;
    }
}

// y = clamp(scaled(x - its zero point) + zero point), between integers of 8,
// 16 and 32 bits. y may start where x starts if its elements are no larger.
void ts_run_REQUANTIZE(const ts_op_t *op) {
    const int32_t *p = op->params;
    uint32_t from = op->t[X]->dtype, to = op->t[Y]->dtype;
    int32_t n = ts_dim(op->t[Y], 2) * ts_dim(op->t[Y], 3), zero = op->t[Y]->zero_point;
    int32_t low = p[LOW] - zero, high = p[HIGH] - zero;
    for (int32_t row = op->first, end = op->first + op->count; row < end; row++) {
        const uint8_t *x = ts_row(op, X, row);
        uint8_t *y = ts_row(op, Y, row);
        for (int32_t i = 0; i < n; i++) {
            int32_t v = ts_wrap_add(load(x, from, i), -op->t[X]->zero_point);
            v = ts_scale_twice(v, p[MULT], p[SHIFT]);
            store(y, to, i, ts_clamp_s32(v, low, high) + zero);
        }
    }
}
#endif
