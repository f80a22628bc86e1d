// The only floating-point code of the core: at the edge of models whose input
// or output is float.
#include "op.h"

#if TS_WITH_QUANTIZE || TS_WITH_DEQUANTIZE
enum { X, Y };

typedef union {
    uint32_t bits;
    float value;
} ts_f32_t;

// One side is float, the other is of 8 or 16 bits and has a scale.
static int32_t check(ts_op_t *op, int32_t quantised, int32_t real) {
    int32_t error = op->t[quantised]->dtype <= TS_S16 ? 0 : ts_blame(op, quantised, TS_ERR_OP);
    error = error != 0 ? error : ts_need_type(op, real, TS_F32);
    if (error == 0 && !ts_same_shape(op->t[X], op->t[Y])) {
        error = ts_blame(op, Y, TS_ERR_SHAPE);
    }
    if (error == 0 && op->t[quantised]->scale_bits == 0) {
        error = ts_blame(op, quantised, TS_ERR_OP);
    }
    return error;
}
#endif

#if TS_WITH_QUANTIZE
int32_t ts_check_QUANTIZE(ts_op_t *op) {
    return check(op, Y, X);
}

// Nearest integer, halves away from zero, within +-2^17; 0 for not a number.
static int32_t nearest(float v) {
    const int32_t bound = 1 << 17;
    if (!(v > (float)-bound)) {
        return v <= (float)-bound ? -bound : 0;
    }
    if (v >= (float)bound) {
        return bound;
    }
    int32_t whole = (int32_t)v;
    float rest = v - (float)whole;
    return whole + (rest >= 0.5f ? 1 : 0) - (rest <= -0.5f ? 1 : 0);
}

// y = clamp(round(x / scale) + zero point); y may start where x starts.
void ts_run_QUANTIZE(const ts_op_t *op) {
    const ts_f32_t scale = {.bits = op->t[Y]->scale_bits};
    uint32_t dtype = op->t[Y]->dtype;
    int32_t low = dtype == TS_S8 ? INT8_MIN : dtype == TS_U8 ? 0 : INT16_MIN;
    int32_t high = dtype == TS_S8 ? INT8_MAX : dtype == TS_U8 ? UINT8_MAX : INT16_MAX;
    int32_t n = ts_dim(op->t[Y], 2) * ts_dim(op->t[Y], 3), zero = op->t[Y]->zero_point;
    for (int32_t row = op->first, end = op->first + op->count; row < end; row++) {
        const uint32_t *x = ts_row(op, X, row);
        uint8_t *y = ts_row(op, Y, row);
        for (int32_t i = 0; i < n; i++) {
            const ts_f32_t real = {.bits = x[i]};
            int32_t v = ts_clamp_s32(nearest(real.value / scale.value) + zero, low, high);
            if (dtype == TS_S16) {
                ((int16_t *)(void *)y)[i] = (int16_t)v;
            } else {
                y[i] = (uint8_t)v;
            }
        }
    }
}
#endif

#if TS_WITH_DEQUANTIZE
int32_t ts_check_DEQUANTIZE(ts_op_t *op) {
    return check(op, X, Y);
}

// y = (x - zero point) * scale.
void ts_run_DEQUANTIZE(const ts_op_t *op) {
    const ts_f32_t scale = {.bits = op->t[X]->scale_bits};
    uint32_t dtype = op->t[X]->dtype;
    int32_t n = ts_dim(op->t[X], 2) * ts_dim(op->t[X], 3);
    for (int32_t row = op->first, end = op->first + op->count; row < end; row++) {
        const uint8_t *x = ts_row(op, X, row);
        uint32_t *y = ts_row(op, Y, row);
        for (int32_t i = 0; i < n; i++) {
            int32_t v = dtype == TS_S8 ? (int8_t)x[i]
                : dtype == TS_U8 ? x[i] : ((const int16_t *)(const void *)x)[i];
            const ts_f32_t real = {.value = (float)(v - op->t[X]->zero_point) * scale.value};
            y[i] = real.bits;
        }
    }
}
#endif
