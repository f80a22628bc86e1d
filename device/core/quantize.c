// The only floating-point code of the core: at the edge of models whose input
// or output is float.
#include "op.h"

enum { X, Y };

typedef union {
    uint32_t bits;
    float value;
} ts_f32_t;

// dst is int8, src float, or the other way round; the int8 side has a scale.
static int32_t check(ts_op_t *op, int32_t quantised, int32_t real) {
    int32_t error = ts_need_type(op, quantised, TS_S8);
    error = error != 0 ? error : ts_need_type(op, real, TS_F32);
    if (error == 0 && ts_elements(op->t[X]) != ts_elements(op->t[Y])) {
        error = ts_blame(op, Y, TS_ERR_SHAPE);
    }
    if (error == 0 && op->t[quantised]->scale_bits == 0) {
        error = ts_blame(op, quantised, TS_ERR_OP);
    }
    return error;
}

int32_t ts_check_QUANTIZE(ts_op_t *op) {
    return check(op, Y, X);
}

int32_t ts_check_DEQUANTIZE(ts_op_t *op) {
    return check(op, X, Y);
}

// Nearest integer, halves away from zero, within +-512; 0 for not a number.
static int32_t nearest(float v) {
    if (!(v > -512.0f)) {
        return v <= -512.0f ? -512 : 0;
    }
    if (v >= 512.0f) {
        return 512;
    }
    int32_t whole = (int32_t)v;
    float rest = v - (float)whole;
    return whole + (rest >= 0.5f ? 1 : 0) - (rest <= -0.5f ? 1 : 0);
}

// y = clamp(round(x / scale) + zero point); y may start where x starts.
void ts_run_QUANTIZE(const ts_op_t *op) {
    const ts_f32_t scale = {.bits = op->t[Y]->scale_bits};
    const uint32_t *x = op->data[X];
    int8_t *y = op->data[Y];
    for (int32_t n = ts_elements(op->t[X]); n > 0; n--) {
        const ts_f32_t v = {.bits = *x++};
        *y++ = ts_finish_s8(nearest(v.value / scale.value), op->t[Y]->zero_point, INT8_MIN,
            INT8_MAX);
    }
}

// y = (x - zero point) * scale; y may not overlap x.
void ts_run_DEQUANTIZE(const ts_op_t *op) {
    const ts_f32_t scale = {.bits = op->t[X]->scale_bits};
    const int8_t *x = op->data[X];
    uint32_t *y = op->data[Y];
    for (int32_t n = ts_elements(op->t[X]); n > 0; n--) {
        const ts_f32_t v = {.value = (float)(*x++ - op->t[X]->zero_point) * scale.value};
        *y++ = v.bits;
    }
}
