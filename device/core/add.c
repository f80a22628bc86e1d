#include "op.h"

#if TS_WITH_ADD
enum { A, B, Y };
enum { LEFT, A_MULT, A_SHIFT, B_MULT, B_SHIFT, Y_MULT, Y_SHIFT, ACT };

int32_t ts_check_ADD(ts_op_t *op) {
    const int32_t *p = op->params;
    int32_t error = ts_need_types(op, A, Y, TS_S8);
    error = error != 0 ? error : ts_need_broadcast(op, A, Y);
    error = error != 0 ? error : ts_need_broadcast(op, B, Y);
    if (error != 0) {
        return error;
    }
    // Shifted left by 22, the sum of two differences within +-255 fits 31 bits.
    // SUB is an ADD whose b is multiplied by a negative number.
    if (!ts_between(p[LEFT], 0, 22) || !ts_act_ok(p + ACT) || p[A_MULT] < 0 || p[B_MULT] == INT32_MIN
        || p[Y_MULT] < 0 || !ts_between(p[A_SHIFT], -31, 0) || !ts_between(p[B_SHIFT], -31, 0)
        || !ts_between(p[Y_SHIFT], -31, 0)) {
        return TS_ERR_OP;
    }
    return 0;
}

// n elements: y[i] from a[i * a_step] and b[i * b_step].
static void add(const ts_op_t *op, const int8_t *a, int32_t a_step, const int8_t *b,
    int32_t b_step, int8_t *y, int32_t n) {
    const int32_t *p = op->params;
    int32_t a_zero = op->t[A]->zero_point, b_zero = op->t[B]->zero_point;
    int32_t unit = 1 << p[LEFT], zero = op->t[Y]->zero_point;
    int8_t *end = y + n;
#if TS_WHOLE_OPS
    if (a_step == 1 && b_step == 1) {
        int32_t done = ts_whole_ADD(op, a, b, y, n);
        a += done;
        b += done;
        y += done;
    }
#endif
    for (; y != end; a += a_step, b += b_step) {
        int32_t sum = ts_scale_twice((*a - a_zero) * unit, p[A_MULT], p[A_SHIFT])
            + ts_scale_twice((*b - b_zero) * unit, p[B_MULT], p[B_SHIFT]);
        sum = ts_scale_twice(sum, p[Y_MULT], p[Y_SHIFT]);
        *y++ = ts_finish_s8(sum, zero, p[ACT], p[ACT + 1]);
    }
}

static int32_t rows_alike(const ts_tensor_t *a, const ts_tensor_t *b) {
    return a->dims[2] == b->dims[2] && a->dims[3] == b->dims[3];
}

// a and b are broadcast to y, (H, W, C). y may be a or b where the shapes are
// the same.
void ts_run_ADD(const ts_op_t *op) {
    const ts_tensor_t *t = op->t[Y];
    ts_steps_t sa = ts_broadcast_steps(op->t[A]), sb = ts_broadcast_steps(op->t[B]);
    int32_t columns = ts_dim(t, 2), n = ts_dim(t, 3), end = op->first + op->count;
    if (rows_alike(op->t[A], t) && rows_alike(op->t[B], t)) {
        sa.element = sb.element = 1;
        n *= columns;
        columns = 1;
    }
    for (int32_t row = op->first; row < end; row++) {
        const int8_t *a = ts_row(op, A, sa.row * row), *b = ts_row(op, B, sb.row * row);
        int8_t *y = ts_row(op, Y, row);
        for (int32_t i = 0; i < columns; i++, y += n) {
            add(op, a + i * sa.column, sa.element, b + i * sb.column, sb.element, y, n);
        }
    }
}
#endif
