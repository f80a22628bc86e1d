// PACKED_FULLY_CONNECTED on Arm's DSP extension.
#include "arch.h"

#if TS_TARGET == TS_TARGET_ARMV7EM
#include "armv7em.h"

#if TS_WITH_PACKED_FULLY_CONNECTED
enum { X, STREAM, Y, SCRATCH };
enum { ACT, FINISH = 2, DEPTH };    // FINISH: TS_ONCE or TS_GENERAL, and TS_NARROW

TS_SELDOM int32_t ts_check_PACKED_FULLY_CONNECTED(ts_op_t *op) {
    const int32_t *p = op->params;
    int32_t error = ts_need_type(op, X, TS_S8);
    error = error != 0 ? error : ts_need_type(op, Y, TS_S8);
    if (error != 0) {
        return error;
    }
    int32_t finish = p[FINISH] & ~TS_NARROW, narrow = p[FINISH] & TS_NARROW;
    if (!ts_act_ok(p + ACT) || (finish != TS_ONCE && finish != TS_GENERAL)
        || !ts_between(p[DEPTH], 1, TS_ELEMENTS_SUM_MAX) || (narrow && p[DEPTH] % 4 != 0)) {
        return TS_ERR_OP;
    }
    int32_t pixels = ts_elements(op->t[X]) / p[DEPTH];
    if (ts_elements(op->t[X]) % p[DEPTH] != 0 || ts_elements(op->t[Y]) % pixels != 0) {
        return ts_blame(op, Y, TS_ERR_SHAPE);
    }
    int32_t depth = ts_round_up4(p[DEPTH]);
    error = ts_need_stream(op, STREAM, depth, ts_elements(op->t[Y]) / pixels, p[FINISH]);
    return error != 0 ? error : ts_need_scratch(op, SCRATCH, narrow ? 0 : 2 * depth);
}

// The other way round, into the second half of the words that ts_widen1 made.
static int8_t *narrowed(int32_t *wide, int32_t depth) {
    int8_t *x = (int8_t *)wide + depth;
    for (int32_t i = depth - 4; i >= 0; i -= 4) {
        int32_t even = wide[i / 2], odd = wide[i / 2 + 1];
        x[i] = (int8_t)even;
        x[i + 1] = (int8_t)odd;
        x[i + 2] = (int8_t)(even >> 16);
        x[i + 3] = (int8_t)(odd >> 16);
    }
    return x;
}

// Outputs from `first` on of one pixel, which lie where x was widened: made last,
// from bytes in the second half of scratch, before which y ends.
TS_SELDOM static void make_rest(const ts_op_t *op, const int32_t *stream, int32_t first) {
    int32_t depth = op->params[DEPTH], outputs = ts_elements(op->t[Y]);
    ts_dense_t dense;
    ts_dense_start(&dense, stream, depth, outputs - first, op->params[FINISH] | TS_NARROW);
    ts_dense_1(&dense, narrowed(op->data[SCRATCH], depth), (int8_t *)op->data[Y] + first);
}

// x is (M, K), y is (M, N).
void ts_run_PACKED_FULLY_CONNECTED(const ts_op_t *op) {
    const int32_t *p = op->params;
    int32_t depth = p[DEPTH], pixels = ts_elements(op->t[X]) / depth, n = ts_elements(op->t[Y]);
    int32_t outputs = n / pixels, narrow = p[FINISH] & TS_NARROW, first = outputs;
    int32_t *wide = op->data[SCRATCH];
    const int8_t *x = op->data[X];
    int8_t *y = op->data[Y];
    ts_dense_t dense;
    uint32_t before = (uint32_t)((uintptr_t)wide - (uintptr_t)y);
    if (before < (uint32_t)outputs && pixels == 1 && !narrow && depth % 4 == 0) {
        first = (int32_t)before & ~3;
    }
    ts_dense_start(&dense, op->data[STREAM], ts_round_up4(depth), first, p[FINISH]);
    for (int32_t i = 0; i < pixels; i++, x += depth, y += outputs) {
        if (!narrow) {
            ts_widen1(x, wide, depth, 4);
        }
        ts_dense_1(&dense, narrow ? (const void *)x : wide, y);
    }
    if (first < outputs) {
        make_rest(op, dense.last, first);
    }
    ts_clamp_s8(op->data[Y], n, p[ACT], p[ACT + 1]);
}
#endif
#endif
