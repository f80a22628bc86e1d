// The logistic function and tanh on 16 bits: a table of 256 points of the
// logistic curve, 1/24 apart, and straight lines between them, as in TensorFlow
// Lite: tanh(x) = 2 logistic(2x) - 1.
#include "op.h"

#if TS_WITH_LOGISTIC_S16
enum { X, TABLE, Y };
enum { MULT, SHIFT, IS_TANH };
enum { POINTS = 256, LAST = POINTS - 1 };

int32_t ts_check_LOGISTIC_S16(ts_op_t *op) {
    const int32_t *p = op->params;
    int32_t error = ts_need_type(op, X, TS_S16);
    error = error != 0 ? error : ts_need_type(op, Y, TS_S16);
    error = error != 0 ? error : ts_need_constant(op, TABLE, TS_S16, POINTS);
    if (error == 0 && !ts_same_shape(op->t[X], op->t[Y])) {
        error = ts_blame(op, Y, TS_ERR_SHAPE);
    }
    // x * mult + half a step must fit 32 bits.
    if (error == 0 && (!ts_between(p[MULT], 0, INT16_MAX) || !ts_between(p[SHIFT], 0, 31)
        || !ts_between(p[IS_TANH], 0, 1))) {
        error = TS_ERR_OP;
    }
    return error;
}

// The curve at x >= 0, where `bits` bits of x lie between two points.
static int32_t curve(const uint16_t *table, uint32_t x, int32_t bits) {
    uint32_t point = x >> bits, part = x & (((uint32_t)1 << bits) - 1);
    uint32_t end = bits == 9 ? (uint32_t)INT16_MAX << 10 : (uint32_t)UINT16_MAX << 8;
    if (point >= LAST) {
        return (int32_t)end;
    }
    uint32_t from = table[point], to = table[point + 1];
    return (int32_t)((from << bits) + part * (to - from));
}

static int16_t logistic(const uint16_t *table, int32_t x) {
    int32_t v = curve(table, (uint32_t)(x < 0 ? -x : x), 9);
    return (int16_t)((x >= 0 ? v + 512 : (1 << 25) + 511 - v) >> 10);
}

static int16_t hyperbolic_tangent(const uint16_t *table, int32_t x) {
    int32_t v = curve(table, (uint32_t)(x < 0 ? -x : x), 8) - (1 << 23);
    return (int16_t)((x >= 0 ? v + 128 : 127 - v) >> 8);
}

// y is Q0.15; x times mult / 2^shift is in steps of 2^-12 / 3. y may be x.
void ts_run_LOGISTIC_S16(const ts_op_t *op) {
    const int32_t *p = op->params;
    const uint16_t *table = op->data[TABLE];
    int32_t n = ts_dim(op->t[Y], 2) * ts_dim(op->t[Y], 3);
    int32_t half = p[SHIFT] > 0 ? (int32_t)((uint32_t)1 << (p[SHIFT] - 1)) : 0;
    for (int32_t row = op->first, end = op->first + op->count; row < end; row++) {
        const int16_t *x = ts_row(op, X, row);
        int16_t *y = ts_row(op, Y, row);
        for (int32_t i = 0; i < n; i++) {
            int32_t v = (x[i] * p[MULT] + half) >> p[SHIFT];
            y[i] = p[IS_TANH] != 0 ? hyperbolic_tangent(table, v) : logistic(table, v);
        }
    }
}
#endif
