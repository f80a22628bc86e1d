// SVDF: a fully connected layer over time, split into a filter over features
// and one over the last steps. (Nakkiran et al., Compressing deep neural
// networks using a rank-constrained topology, 2015.)
#include "op.h"

#if TS_WITH_SVDF
enum { X, FEATURE, TIME, BIAS, STATE, Y };
enum { RANK, STATE_MULT, STATE_SHIFT, MULT, SHIFT };

static int32_t check_shapes(ts_op_t *op) {
    const ts_tensor_t *x = op->t[X], *y = op->t[Y];
    int32_t inputs = ts_dim(op->t[FEATURE], 3), filters = ts_dim(op->t[FEATURE], 2);
    int32_t steps = ts_dim(op->t[TIME], 3), rank = op->params[RANK];
    int32_t batch = ts_elements(x) / inputs;
    if (ts_elements(op->t[FEATURE]) / filters != inputs || ts_elements(x) % inputs != 0
        || inputs > TS_ELEMENTS_SUM_MAX) {
        return ts_blame(op, FEATURE, TS_ERR_SHAPE);
    }
    if (ts_elements(op->t[TIME]) / steps != filters || rank < 1 || filters % rank != 0) {
        return ts_blame(op, TIME, TS_ERR_SHAPE);
    }
    if ((int64_t)batch * filters * steps != ts_elements(op->t[STATE])) {
        return ts_blame(op, STATE, TS_ERR_SHAPE);
    }
    return (int64_t)batch * (filters / rank) == ts_elements(y) ? 0
                                                               : ts_blame(op, Y, TS_ERR_SHAPE);
}

int32_t ts_check_SVDF(ts_op_t *op) {
    const int32_t *p = op->params;
    uint32_t dtype = op->t[STATE]->dtype;
    int32_t error = ts_need_types(op, X, FEATURE, TS_S8);
    error = error != 0 ? error : ts_need_type(op, Y, TS_S8);
    error = error != 0 ? error : ts_need_type(op, TIME, dtype);
    if (error == 0 && (dtype != TS_S8 && dtype != TS_S16)) {
        error = ts_blame(op, STATE, TS_ERR_OP);
    }
    if (error == 0 && op->t[STATE]->place != TS_IN_ARENA) {
        error = ts_blame(op, STATE, TS_ERR_OP);
    }
    error = error != 0 ? error : check_shapes(op);
    error = error != 0 ? error : ts_need_constant(op, BIAS, TS_S32,
        ts_dim(op->t[FEATURE], 2) / p[RANK]);
    for (int32_t i = X; i <= Y && error == 0; i++) {
        error = op->t[i]->ring != 0 ? ts_blame(op, i, TS_ERR_OP) : 0;
    }
    if (error == 0 && (!ts_scale_ok(p[STATE_MULT], p[STATE_SHIFT])
        || !ts_scale_ok(p[MULT], p[SHIFT]))) {
        error = TS_ERR_OP;
    }
    return error;
}

// Sums wrap: a file may hold any weights.
static int32_t weigh_features(const int8_t *x, const int8_t *w, int32_t n, int32_t zero) {
    return ts_dot_s8(x, w, n, -zero, 0);
}

// Drops the oldest step, takes v as the newest, and weighs them all.
static int32_t weigh_steps_s16(int16_t *state, const int16_t *w, int32_t n, int32_t v) {
    uint32_t sum = 0;
    for (int32_t i = 0; i < n; i++) {
        state[i] = i + 1 < n ? state[i + 1] : ts_sat_s16(v);
        sum += (uint32_t)(state[i] * w[i]);
    }
    return (int32_t)sum;
}

// Where the sum leaves int8 with the zero point added, it wraps.
static int32_t weigh_steps_s8(int8_t *state, const int8_t *w, int32_t n, int32_t v,
    int32_t zero) {
    uint32_t sum = 0;
    v = ts_clamp_s32(v, INT8_MIN, INT8_MAX) + zero;
    for (int32_t i = 0; i < n; i++) {
        state[i] = i + 1 < n ? state[i + 1] : (int8_t)(uint8_t)v;
        sum += (uint32_t)((state[i] - zero) * w[i]);
    }
    return (int32_t)sum;
}

static void filter_image(const ts_op_t *op, const int8_t *x, uint8_t *state, int8_t *y) {
    const int32_t *p = op->params, *bias = op->data[BIAS];
    int32_t inputs = ts_dim(op->t[FEATURE], 3), units = ts_dim(op->t[FEATURE], 2) / p[RANK];
    int32_t steps = ts_dim(op->t[TIME], 3), bytes = ts_dtype_bytes(op->t[TIME]->dtype, steps);
    int32_t zero = op->t[STATE]->zero_point;
    const int8_t *feature = op->data[FEATURE];
    const uint8_t *time = op->data[TIME];
    for (int32_t u = 0; u < units; u++) {
        int32_t sum = bias[u];
        for (int32_t r = 0; r < p[RANK]; r++) {
            int32_t v = weigh_features(x, feature, inputs, op->t[X]->zero_point);
            v = ts_scale_twice(v, p[STATE_MULT], p[STATE_SHIFT]);
            sum = ts_wrap_add(sum, op->t[STATE]->dtype == TS_S16
                ? weigh_steps_s16((int16_t *)(void *)state, (const int16_t *)(const void *)time,
                    steps, v)
                : weigh_steps_s8((int8_t *)state, (const int8_t *)time, steps, v, zero));
            feature += inputs;
            time += bytes;
            state += bytes;
        }
        *y++ = ts_finish_s8(ts_scale_twice(sum, p[MULT], p[SHIFT]), op->t[Y]->zero_point,
            INT8_MIN, INT8_MAX);
    }
}

// x is (N, K), feature is (F, K), time is (F, M), bias is (U), state is
// (N, F, M) with the newest step last, y is (N, U), F = U x rank. y may not
// overlap x.
void ts_run_SVDF(const ts_op_t *op) {
    int32_t inputs = ts_dim(op->t[FEATURE], 3), batch = ts_elements(op->t[X]) / inputs;
    const int8_t *x = op->data[X];
    uint8_t *state = op->data[STATE];
    int8_t *y = op->data[Y];
    for (int32_t n = 0; n < batch; n++) {
        filter_image(op, x, state, y);
        x += inputs;
        state += ts_bytes(op->t[STATE]) / batch;
        y += ts_elements(op->t[Y]) / batch;
    }
}
#endif
