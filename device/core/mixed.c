#include "mixed.h"

#if TS_WITH_MIXED_CONV_2D || TS_WITH_MIXED_DEPTHWISE_CONV_2D || TS_WITH_MIXED_FULLY_CONNECTED

int32_t ts_need_mixed(ts_op_t *op, int32_t n, const int32_t *act) {
    enum { X = TS_MIXED_X, W = TS_MIXED_W, BIAS = TS_MIXED_BIAS, Y = TS_MIXED_Y };
    const ts_tensor_t *x = op->t[X], *w = op->t[W], *bias = op->t[BIAS], *y = op->t[Y];
    int32_t wide = x->dtype == TS_S16;
    int32_t lowest = wide ? INT16_MIN : INT8_MIN, highest = wide ? INT16_MAX : INT8_MAX;
    if ((x->dtype != TS_S8 && !wide) || (wide && x->zero_point != 0)) {
        return ts_blame(op, X, TS_ERR_OP);
    }
    if ((w->dtype != TS_S8 && w->dtype != TS_S4) || w->zero_point != 0
        || w->place != TS_IN_FILE) {
        return ts_blame(op, W, TS_ERR_OP);
    }
    if (y->dtype != x->dtype || (wide && y->zero_point != 0)) {
        return ts_blame(op, Y, TS_ERR_OP);
    }
    if (act[0] > act[1] || !ts_between(act[0], lowest, highest)
        || !ts_between(act[1], lowest, highest)) {
        return TS_ERR_OP;
    }
    return ts_need_constant(op, BIAS, wide && bias->dtype == TS_S64 ? TS_S64 : TS_S32, n);
}

int64_t ts_mixed_dot(const ts_op_t *op, const ts_mixed_run_t *run) {
    // So many products of 16 and 8 bits fit a sum of 32 bits.
    enum { PART = 256 };
    const uint8_t *w = op->data[TS_MIXED_W];
    int32_t wide = op->t[TS_MIXED_X]->dtype == TS_S16, nibbles = op->t[TS_MIXED_W]->dtype == TS_S4;
    int32_t zero = op->t[TS_MIXED_X]->zero_point, at = run->w;
    const int8_t *x = (const int8_t *)run->x;
    int64_t sum = 0;
    for (int32_t left = run->n; left > 0; left -= PART) {
        int32_t part = 0;
        for (int32_t k = ts_min_s32(left, PART); k > 0; k--, at += run->w_step) {
            int32_t weight = nibbles ? ts_s4_at(w, at) : (int8_t)w[at];
            if (wide) {
                part += *(const int16_t *)(const void *)x * weight;
                x += 2 * run->x_step;
            } else {
                part += (*x - zero) * weight;
                x += run->x_step;
            }
        }
        sum += part;
    }
    return sum;
}

void ts_mixed_store(const ts_op_t *op, void *y, int32_t i, int32_t v, const int32_t *act) {
    int32_t zero = op->t[TS_MIXED_Y]->zero_point;
    v = ts_clamp_s32(v, act[0] - zero, act[1] - zero) + zero;
    if (op->t[TS_MIXED_Y]->dtype == TS_S16) {
        ((int16_t *)y)[i] = (int16_t)v;
    } else {
        ((int8_t *)y)[i] = (int8_t)v;
    }
}
#endif
