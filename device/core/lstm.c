// An LSTM over time on int8, with its gates and cells on int16, after
// TensorFlow Lite's integer LSTM (8x8 into 16): gates are Q3.12 before their
// activation and Q0.15 after it. logistic and tanh follow the published
// fixed-point scheme of gemmlowp, in 16 bits.
#include "op.h"

#if TS_WITH_UNIDIRECTIONAL_SEQUENCE_LSTM
enum { X, W, RECURRENT, BIAS, HIDDEN, CELL, Y };
enum { GATES = 4, INPUT_GATE = 0, FORGET_GATE, CELL_GATE, OUTPUT_GATE };
// Parameters: for each gate the multiplier and shift of its sum over the
// input, then those over the last output; integer bits of the cell; its bound
// (0: none); multiplier and shift from cell to output.
enum { RECURRENT_SCALES = 2 * GATES, CELL_BITS = 4 * GATES, CLIP, Y_MULT, Y_SHIFT };
enum { CELL_BITS_MAX = 6 };

static int32_t check_params(const int32_t *p) {
    for (int32_t i = 0; i < CELL_BITS; i += 2) {
        if (!ts_scale_ok(p[i], p[i + 1])) {
            return TS_ERR_OP;
        }
    }
    return ts_between(p[CELL_BITS], 0, CELL_BITS_MAX) && ts_between(p[CLIP], 0, INT16_MAX)
            && ts_scale_ok(p[Y_MULT], p[Y_SHIFT])
        ? 0 : TS_ERR_OP;
}

static int32_t check_state(ts_op_t *op, int32_t i, uint32_t dtype, int32_t cells) {
    int32_t error = ts_need_type(op, i, dtype);
    error = error != 0 ? error : ts_need_whole(op, i);
    if (error == 0 && (op->t[i]->place != TS_IN_ARENA || ts_elements(op->t[i]) != cells)) {
        error = ts_blame(op, i, TS_ERR_SHAPE);
    }
    return error;
}

int32_t ts_check_UNIDIRECTIONAL_SEQUENCE_LSTM(ts_op_t *op) {
    int32_t inputs = ts_dim(op->t[X], 3), cells = ts_dim(op->t[Y], 3);
    int32_t error = check_params(op->params);
    error = error != 0 ? error : ts_need_types(op, X, RECURRENT, TS_S8);
    error = error != 0 ? error : ts_need_type(op, Y, TS_S8);
    if (error != 0) {
        return error;
    }
    if (ts_dim(op->t[X], 0) != 1 || ts_dim(op->t[X], 2) != 1 || ts_dim(op->t[Y], 0) != 1
        || ts_dim(op->t[Y], 1) != ts_dim(op->t[X], 1) || ts_dim(op->t[Y], 2) != 1) {
        return ts_blame(op, Y, TS_ERR_SHAPE);
    }
    if (inputs > TS_ELEMENTS_SUM_MAX || cells > TS_ELEMENTS_SUM_MAX) {
        return ts_blame(op, X, TS_ERR_SHAPE);
    }
    error = ts_need_whole(op, W);
    error = error != 0 ? error : ts_need_whole(op, RECURRENT);
    if (error == 0 && (int64_t)GATES * cells * inputs != ts_elements(op->t[W])) {
        error = ts_blame(op, W, TS_ERR_SHAPE);
    }
    if (error == 0 && (int64_t)GATES * cells * cells != ts_elements(op->t[RECURRENT])) {
        error = ts_blame(op, RECURRENT, TS_ERR_SHAPE);
    }
    error = error != 0 ? error : ts_need_constant(op, BIAS, TS_S32, 2 * GATES * cells);
    error = error != 0 ? error : check_state(op, HIDDEN, TS_S8, cells);
    return error != 0 ? error : check_state(op, CELL, TS_S16, cells);
}

// ---- Fixed point in 16 bits: names end in the fractional bits ----

// round(a * b / 2^15), halves up.
static int32_t mul_q15(int32_t a, int32_t b) {
    return (a * b + (1 << 14)) >> 15;
}

// exp(a) for -1/4 <= a < 0: Taylor's series around -1/8 to the fourth power.
static int32_t exp_quarter_q15(int32_t a) {
    const int32_t exp_minus_eighth = 28918, third = 10923;  // exp(-1/8), 1/3, times 2^15
    int32_t x = a + (1 << 12);
    int32_t x2 = mul_q15(x, x);
    int32_t x3 = mul_q15(x2, x);
    int32_t x4 = mul_q15(x2, x2);
    int32_t tail = ts_shr_round(mul_q15(ts_shr_round(x4, 2) + x3, third) + x2, 1);
    return ts_sat_s16(exp_minus_eighth + mul_q15(exp_minus_eighth, x + tail));
}

// exp(a) for a <= 0 with `bits` integer bits, 0 .. 7.
static int32_t exp_q15(int32_t a, int32_t bits) {
    static const uint16_t factor_q15[7] = {     // exp(-2^(i - 2)) * 2^15
        25520, 19875, 12055, 4435, 600, 11, 0,
    };
    int32_t quarter = 1 << (13 - bits);
    if (a == 0) {
        return INT16_MAX;
    }
    if (bits > 5 && a < -(1 << (20 - bits))) {      // below -32
        return 0;
    }
    int32_t part = (a & (quarter - 1)) - quarter, rest = part - a;
    int32_t result = exp_quarter_q15(part * (1 << bits));
    for (int32_t i = 0; i < bits + 2; i++) {
        if (rest & (quarter << i)) {
            result = mul_q15(result, factor_q15[i]);
        }
    }
    return result;
}

// 2 / (1 + a) for 0 <= a <= 1 as Q13, by Newton's method.
static int32_t reciprocal_q13(int32_t a_q15) {
    const int32_t c48_17 = 23130, c32_17 = -15420;          // Q13
    int32_t half = (a_q15 + INT16_MAX + 1) >> 1;
    int32_t x = c48_17 + mul_q15(half, c32_17);
    for (int32_t i = 0; i < 3; i++) {
        int32_t rest = (1 << 13) - mul_q15(half, x);
        x += ts_sat_s16(mul_q15(x, rest) * 4);
    }
    return x;
}

static int32_t logistic_q15(int32_t a_q12) {
    if (a_q12 == 0) {
        return 1 << 14;
    }
    int32_t positive = ts_sat_s16(
        reciprocal_q13(exp_q15(a_q12 > 0 ? -a_q12 : a_q12, 3)) * 2);
    return a_q12 > 0 ? positive : INT16_MAX - positive;
}

// a has `bits` integer bits, 0 .. 6.
static int32_t tanh_q15(int32_t a, int32_t bits) {
    if (a == 0) {
        return 0;
    }
    int32_t t = ts_sat_s16(
        (reciprocal_q13(exp_q15(a > 0 ? -a : a, bits + 1)) - (1 << 13)) * 4);
    return a > 0 ? t : -t;
}

// ---- One step ----

// The sum of one gate of one cell, Q3.12: over the input and over the last
// output, each scaled and saturated on its own.
static int32_t gate_q12(const ts_op_t *op, const int8_t *x, int32_t gate, int32_t cell) {
    const int32_t *p = op->params + 2 * gate, *bias = op->data[BIAS];
    int32_t inputs = ts_dim(op->t[X], 3), cells = ts_dim(op->t[Y], 3);
    int32_t unit = gate * cells + cell;
    const int8_t *w = (const int8_t *)op->data[W] + unit * inputs;
    const int8_t *recurrent = (const int8_t *)op->data[RECURRENT] + unit * cells;
    int32_t given = ts_wrap_add(ts_dot_s8(x, w, inputs, 0, 0), bias[2 * unit]);
    int32_t last = ts_wrap_add(ts_dot_s8(op->data[HIDDEN], recurrent, cells, 0, 0),
        bias[2 * unit + 1]);
    given = ts_sat_s16(ts_scale_twice(given, p[0], p[1]));
    last = ts_scale_twice(last, p[RECURRENT_SCALES], p[RECURRENT_SCALES + 1]);
    return ts_sat_s16((int64_t)last + given);
}

// A cell forgets, takes in, and gives its output.
static int8_t step_cell(const ts_op_t *op, const int8_t *x, int32_t cell) {
    const int32_t *p = op->params;
    int32_t bits = p[CELL_BITS];
    int16_t *state = (int16_t *)op->data[CELL] + cell;
    int32_t in = logistic_q15(gate_q12(op, x, INPUT_GATE, cell));
    int32_t keep = logistic_q15(gate_q12(op, x, FORGET_GATE, cell));
    int32_t update = tanh_q15(gate_q12(op, x, CELL_GATE, cell), 3);
    int32_t sum = ts_shr_round(keep * *state, 15) + ts_shr_round(in * update, 15 + bits);
    sum = ts_sat_s16(sum);
    if (p[CLIP] > 0) {
        sum = ts_clamp_s32(sum, -p[CLIP], p[CLIP]);
    }
    *state = (int16_t)sum;
    int32_t out = logistic_q15(gate_q12(op, x, OUTPUT_GATE, cell)) * tanh_q15(sum, bits);
    return ts_finish_s8(ts_scale_twice(out, p[Y_MULT], p[Y_SHIFT]), op->t[Y]->zero_point,
        INT8_MIN, INT8_MAX);
}

// x is (1, T, 1, K), w is (4, C, K), recurrent is (4, C, C), bias is (4, C, 2)
// with the zero points folded in, hidden is (C) and cell is (C): the state;
// y is (1, T, 1, C), row t the hidden state after step t. y may not overlap x.
void ts_run_UNIDIRECTIONAL_SEQUENCE_LSTM(const ts_op_t *op) {
    int32_t cells = ts_dim(op->t[Y], 3);
    for (int32_t t = op->first; t < op->first + op->count; t++) {
        const int8_t *x = ts_row(op, X, t);
        int8_t *y = ts_row(op, Y, t);
        for (int32_t c = 0; c < cells; c++) {
            y[c] = step_cell(op, x, c);     // all cells see the hidden state of step t - 1
        }
        memmove(op->data[HIDDEN], y, (size_t)cells);
    }
}
#endif
