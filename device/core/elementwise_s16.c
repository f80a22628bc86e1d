// ADD and MUL on 16 bits; there are no zero points. a and b are broadcast to
// y, (H, W, C). y may be a or b where the shapes are the same.
#include "op.h"

#if TS_WITH_ADD_S16 || TS_WITH_MUL_S16
enum { A, B, Y };
enum { LEFT, A_MULT, A_SHIFT, B_MULT, B_SHIFT, Y_MULT, Y_SHIFT, ADD_ACT };
enum { MULT, SHIFT, MUL_ACT };

static int32_t check(ts_op_t *op, const int32_t *act) {
    int32_t error = ts_need_types(op, A, Y, TS_S16);
    error = error != 0 ? error : ts_need_broadcast(op, A, Y);
    error = error != 0 ? error : ts_need_broadcast(op, B, Y);
    if (error == 0 && (act[0] > act[1] || !ts_between(act[0], INT16_MIN, INT16_MAX)
        || !ts_between(act[1], INT16_MIN, INT16_MAX))) {
        error = TS_ERR_OP;
    }
    return error;
}

static int16_t add(const int32_t *p, int32_t a, int32_t b) {
    int32_t unit = 1 << p[LEFT];
    int32_t sum = ts_wrap_add(ts_scale_twice(a * unit, p[A_MULT], p[A_SHIFT]),
        ts_scale_twice(b * unit, p[B_MULT], p[B_SHIFT]));
    sum = ts_scale_twice(sum, p[Y_MULT], p[Y_SHIFT]);
    return (int16_t)ts_clamp_s32(sum, p[ADD_ACT], p[ADD_ACT + 1]);
}

static int16_t multiply(const int32_t *p, int32_t a, int32_t b) {
    return (int16_t)ts_clamp_s32(ts_scale_twice(a * b, p[MULT], p[SHIFT]), p[MUL_ACT],
        p[MUL_ACT + 1]);
}

static void run(const ts_op_t *op, int32_t is_mul) {
    const ts_tensor_t *t = op->t[Y];
    ts_steps_t sa = ts_broadcast_steps(op->t[A]), sb = ts_broadcast_steps(op->t[B]);
    int32_t columns = ts_dim(t, 2), n = ts_dim(t, 3), end = op->first + op->count;
    for (int32_t row = op->first; row < end; row++) {
        const int16_t *a = ts_row(op, A, sa.row * row), *b = ts_row(op, B, sb.row * row);
        int16_t *y = ts_row(op, Y, row);
        for (int32_t i = 0; i < columns; i++, a += sa.column, b += sb.column, y += n) {
            for (int32_t c = 0; c < n; c++) {
                int32_t u = a[c * sa.element], v = b[c * sb.element];
                y[c] = is_mul ? multiply(op->params, u, v) : add(op->params, u, v);
            }
        }
    }
}
#endif

#if TS_WITH_ADD_S16
int32_t ts_check_ADD_S16(ts_op_t *op) {
    const int32_t *p = op->params;
    if (!ts_between(p[LEFT], 0, 15) || p[A_MULT] < 0 || p[B_MULT] < 0 || p[Y_MULT] < 0
        || !ts_between(p[A_SHIFT], -31, 0) || !ts_between(p[B_SHIFT], -31, 0)
        || !ts_between(p[Y_SHIFT], -31, 0)) {
        return TS_ERR_OP;
    }
    return check(op, p + ADD_ACT);
}

void ts_run_ADD_S16(const ts_op_t *op) {
    run(op, 0);
}
#endif

#if TS_WITH_MUL_S16
int32_t ts_check_MUL_S16(ts_op_t *op) {
    if (!ts_scale_ok(op->params[MULT], op->params[SHIFT])) {
        return TS_ERR_OP;
    }
    return check(op, op->params + MUL_ACT);
}

void ts_run_MUL_S16(const ts_op_t *op) {
    run(op, 1);
}
#endif
