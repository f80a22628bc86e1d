#include "op.h"

enum { A, B, Y };
enum { LEFT, A_MULT, A_SHIFT, B_MULT, B_SHIFT, Y_MULT, Y_SHIFT, ACT };

int32_t ts_check_ADD(ts_op_t *op) {
    const int32_t *p = op->params;
    for (int32_t i = A; i <= Y; i++) {
        int32_t error = ts_need_type(op, i, TS_S8);
        if (error != 0) {
            return error;
        }
    }
    for (int32_t i = 0; i < 4; i++) {
        int32_t a = ts_dim(op->t[A], i), b = ts_dim(op->t[B], i), y = ts_dim(op->t[Y], i);
        if ((a != 1 && a != y) || (b != 1 && b != y) || (a == 1 && b == 1 && y != 1)) {
            return ts_blame(op, Y, TS_ERR_SHAPE);
        }
    }
    // Shifted left by 22, the sum of two differences within +-255 fits 31 bits.
    if (!ts_between(p[LEFT], 0, 22) || !ts_act_ok(p + ACT) || p[A_MULT] < 0 || p[B_MULT] < 0
        || p[Y_MULT] < 0 || !ts_between(p[A_SHIFT], -31, 0) || !ts_between(p[B_SHIFT], -31, 0)
        || !ts_between(p[Y_SHIFT], -31, 0)) {
        return TS_ERR_OP;
    }
    return 0;
}

// One row: y[i] from a[i * a_step] and b[i * b_step].
static void add_row(const ts_op_t *op, const int8_t *a, int32_t a_step, const int8_t *b,
    int32_t b_step, int8_t *y, int32_t n) {
    const int32_t *p = op->params;
    int32_t a_zero = op->t[A]->zero_point, b_zero = op->t[B]->zero_point;
    int32_t unit = 1 << p[LEFT], zero = op->t[Y]->zero_point;
    for (int8_t *end = y + n; y != end; a += a_step, b += b_step) {
        int32_t sum = ts_scale_twice((*a - a_zero) * unit, p[A_MULT], p[A_SHIFT])
            + ts_scale_twice((*b - b_zero) * unit, p[B_MULT], p[B_SHIFT]);
        sum = ts_scale_twice(sum, p[Y_MULT], p[Y_SHIFT]);
        *y++ = ts_finish_s8(sum, zero, p[ACT], p[ACT + 1]);
    }
}

// Elements from one index to the next, 0 where the dim is repeated; step is (4).
static void steps(const ts_tensor_t *t, int32_t *step) {
    int32_t size = 1;
    for (int32_t i = 3; i >= 0; i--) {
        step[i] = t->dims[i] == 1 ? 0 : size;
        size *= ts_dim(t, i);
    }
}

// a and b are broadcast to the shape of y. y may be a or b where the shapes
// are the same, and overlap them in no other way.
void ts_run_ADD(const ts_op_t *op) {
    const int8_t *a = op->data[A], *b = op->data[B];
    int8_t *y = op->data[Y];
    int32_t sa[4], sb[4], n = ts_dim(op->t[Y], 3);
    if (ts_same_shape(op->t[A], op->t[Y]) && ts_same_shape(op->t[B], op->t[Y])) {
        add_row(op, a, 1, b, 1, y, ts_elements(op->t[Y]));
        return;
    }
    steps(op->t[A], sa);
    steps(op->t[B], sb);
    for (int32_t i = 0; i < ts_dim(op->t[Y], 0); i++) {
        for (int32_t j = 0; j < ts_dim(op->t[Y], 1); j++) {
            for (int32_t k = 0; k < ts_dim(op->t[Y], 2); k++, y += n) {
                add_row(op, a + i * sa[0] + j * sa[1] + k * sa[2], sa[3],
                    b + i * sb[0] + j * sb[1] + k * sb[2], sb[3], y, n);
            }
        }
    }
}
