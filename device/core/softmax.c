// Softmax on int8 in fixed point, after the published scheme of gemmlowp:
// exp by a polynomial on a quarter and a product of powers, 1/x by Newton's
// method. Names end in the fractional bits: _q26 is value * 2^26.
#include "op.h"

#if TS_WITH_SOFTMAX
enum { X, Y };
enum { MULT, SHIFT, DIFF_MIN };
enum { ONE_Q29 = 1 << 29, QUARTER_Q26 = 1 << 24, ROW_MAX = 4095 };

int32_t ts_check_SOFTMAX(ts_op_t *op) {
    const int32_t *p = op->params;
    int32_t error = ts_need_type(op, X, TS_S8);
    if (error == 0 && op->t[Y]->dtype != TS_S8 && op->t[Y]->dtype != TS_S16) {
        error = ts_blame(op, Y, TS_ERR_OP);
    }
    if (error != 0) {
        return error;
    }
    // A row's sum of exponentials, each at most 2^19, must fit 31 bits.
    if (!ts_same_shape(op->t[X], op->t[Y]) || ts_dim(op->t[X], 3) > ROW_MAX) {
        return ts_blame(op, Y, TS_ERR_SHAPE);
    }
    if (p[MULT] < 0 || !ts_between(p[SHIFT], 0, 30) || p[DIFF_MIN] > 0
        || (int64_t)ts_max_s32(p[DIFF_MIN], -255) * ((int64_t)1 << p[SHIFT]) < INT32_MIN) {
        return TS_ERR_OP;
    }
    int32_t lowest = op->t[Y]->dtype == TS_S8 ? INT8_MIN : INT16_MIN;
    return op->t[Y]->zero_point == lowest ? 0 : ts_blame(op, Y, TS_ERR_OP);
}

// exp(a) for -1/4 <= a < 0: Taylor's series around -1/8 to the fourth power.
static int32_t exp_quarter_q31(int32_t a_q31) {
    const int32_t exp_minus_eighth = 1895147668;    // exp(-1/8) * 2^31
    const int32_t third = 715827883;                // 2^31 / 3
    int32_t x = a_q31 + (1 << 28);
    int32_t x2 = ts_mul_high(x, x);
    int32_t x3 = ts_mul_high(x2, x);
    int32_t x4 = ts_mul_high(x2, x2);
    int32_t tail = ts_mul_high(ts_shr_round(x4, 2) + x3, third) + x2;
    return exp_minus_eighth + ts_mul_high(exp_minus_eighth, x + ts_shr_round(tail, 1));
}

// exp(a) for -32 <= a <= 0.
static int32_t exp_q31(int32_t a_q26) {
    static const int32_t factor_q31[7] = {  // exp(-2^(i - 2)) * 2^31
        1672461947, 1302514674, 790015084, 290630308, 39332535, 720401, 242,
    };
    if (a_q26 == 0) {
        return INT32_MAX;
    }
    int32_t part = (a_q26 & (QUARTER_Q26 - 1)) - QUARTER_Q26;
    int32_t rest = ts_wrap_add(part, -a_q26);
    int32_t result = exp_quarter_q31(ts_sat_shl(part, 5));
    for (int32_t i = 0; i < 7; i++) {
        if (rest & (QUARTER_Q26 << i)) {
            result = ts_mul_high(result, factor_q31[i]);
        }
    }
    return result;
}

// 1 / (1 + a) for 0 <= a < 1.
static int32_t reciprocal_q31(int32_t a_q31) {
    const int32_t c48_17 = 1515870810, c32_17 = -1010580540;    // Q29
    int32_t half = (int32_t)(((int64_t)a_q31 + INT32_MAX + 1) / 2);
    int32_t x = c48_17 + ts_mul_high(half, c32_17);
    for (int32_t i = 0; i < 3; i++) {
        int32_t rest = ONE_Q29 - ts_mul_high(half, x);
        x += ts_sat_shl(ts_mul_high(x, rest), 2);
    }
    return ts_sat_shl(x, 1);
}

static int32_t exp_of_difference(const int32_t *p, int32_t diff) {
    return exp_q31(ts_mul_high(ts_wrap_shl(diff, p[SHIFT]), p[MULT]));
}

// y is int8 or, where wide, int16.
static void softmax_row(const int32_t *p, const int8_t *x, void *y, int32_t wide, int32_t n) {
    int32_t max = INT8_MIN, sum_q19 = 0;
    for (int32_t i = 0; i < n; i++) {
        max = ts_max_s32(max, x[i]);
    }
    for (int32_t i = 0; i < n; i++) {
        if (x[i] - max >= p[DIFF_MIN]) {
            sum_q19 += ts_shr_round(exp_of_difference(p, x[i] - max), 12);
        }
    }
    int32_t lead = ts_clz_u32((uint32_t)sum_q19);
    int32_t scale = reciprocal_q31((int32_t)(((uint32_t)sum_q19 << lead) - ((uint32_t)1 << 31)));
    int32_t down = 12 - lead + 31 - (wide ? 16 : 8);
    for (int32_t i = 0; i < n; i++) {
        int32_t v = 0;
        if (x[i] - max >= p[DIFF_MIN]) {
            v = ts_shr_round(ts_mul_high(scale, exp_of_difference(p, x[i] - max)), down);
        }
        if (wide) {
            ((int16_t *)y)[i] = ts_sat_s16(v + INT16_MIN);
        } else {
            ((int8_t *)y)[i] = ts_finish_s8(v, INT8_MIN, INT8_MIN, INT8_MAX);
        }
    }
}

// x is (H, W, N), y is that in int8 with scale 1/256, or in int16 with scale
// 2^-16; its zero point is the lowest value. y may be x where both are int8.
void ts_run_SOFTMAX(const ts_op_t *op) {
    int32_t n = ts_dim(op->t[X], 3), wide = op->t[Y]->dtype == TS_S16;
    int32_t step = ts_dtype_bytes(op->t[Y]->dtype, n);
    for (int32_t row = op->first, end = op->first + op->count; row < end; row++) {
        const int8_t *x = ts_row(op, X, row);
        uint8_t *y = ts_row(op, Y, row);
        for (int32_t left = ts_dim(op->t[X], 2); left > 0; left--, x += n, y += step) {
            softmax_row(op->params, x, y, wide, n);
        }
    }
}
#endif
