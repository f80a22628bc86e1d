// MUL, MINIMUM, MAXIMUM, PRELU: a and b are broadcast to y, (H, W, C). y may
// be a or b where the shapes are the same.
#include "op.h"

#if TS_WITH_MUL || TS_WITH_MINIMUM || TS_WITH_MAXIMUM || TS_WITH_PRELU
enum { A, B, Y };
enum { MULT, SHIFT, ACT, NEGATIVE_MULT = 2, NEGATIVE_SHIFT };

static int32_t check(ts_op_t *op) {
    int32_t error = ts_need_types(op, A, Y, TS_S8);
    error = error != 0 ? error : ts_need_broadcast(op, A, Y);
    return error != 0 ? error : ts_need_broadcast(op, B, Y);
}

// n elements: y[i] from a[i * a_step] and b[i * b_step].
typedef struct {
    const int8_t *a, *b;
    int8_t *y;
    int32_t a_step, b_step, n;
} ts_run_t;

static void multiply(const ts_op_t *op, ts_run_t r) {
    const int32_t *p = op->params;
    int32_t a_zero = op->t[A]->zero_point, b_zero = op->t[B]->zero_point;
    int32_t zero = op->t[Y]->zero_point;
    for (int8_t *end = r.y + r.n; r.y != end; r.a += r.a_step, r.b += r.b_step) {
        int32_t v = ts_scale_twice((*r.a - a_zero) * (*r.b - b_zero), p[MULT], p[SHIFT]);
        *r.y++ = ts_finish_s8(v, zero, p[ACT], p[ACT + 1]);
    }
}

static void smaller(ts_run_t r) {
    for (int8_t *end = r.y + r.n; r.y != end; r.a += r.a_step, r.b += r.b_step) {
        *r.y++ = *r.a < *r.b ? *r.a : *r.b;
    }
}

static void larger(ts_run_t r) {
    for (int8_t *end = r.y + r.n; r.y != end; r.a += r.a_step, r.b += r.b_step) {
        *r.y++ = *r.a > *r.b ? *r.a : *r.b;
    }
}

// a where it is not negative, else a * b; each is scaled on its own.
static void rectify(const ts_op_t *op, ts_run_t r) {
    const int32_t *p = op->params;
    int32_t a_zero = op->t[A]->zero_point, b_zero = op->t[B]->zero_point;
    int32_t zero = op->t[Y]->zero_point;
    for (int8_t *end = r.y + r.n; r.y != end; r.a += r.a_step, r.b += r.b_step) {
        int32_t v = *r.a - a_zero;
        v = v >= 0 ? ts_scale_twice(v, p[MULT], p[SHIFT])
                   : ts_scale_twice(v * (*r.b - b_zero), p[NEGATIVE_MULT], p[NEGATIVE_SHIFT]);
        *r.y++ = ts_finish_s8(v, zero, INT8_MIN, INT8_MAX);
    }
}

static void part(const ts_op_t *op, int32_t opcode, ts_run_t r) {
    if (TS_WITH_MUL && opcode == TS_OP_MUL) {
        multiply(op, r);
    } else if (TS_WITH_MINIMUM && opcode == TS_OP_MINIMUM) {
        smaller(r);
    } else if (TS_WITH_MAXIMUM && opcode == TS_OP_MAXIMUM) {
        larger(r);
    } else if (TS_WITH_PRELU && opcode == TS_OP_PRELU) {
        rectify(op, r);
    }
}

// Whether a row of t is one run beside a row of y: all its own, or one for all.
static int32_t one_run(const ts_tensor_t *t, const ts_tensor_t *y) {
    return (t->dims[2] == y->dims[2] && t->dims[3] == y->dims[3])
        || (t->dims[2] == 1 && t->dims[3] == 1);
}

static void run(const ts_op_t *op, int32_t opcode) {
    const ts_tensor_t *a = op->t[A], *b = op->t[B], *y = op->t[Y];
    ts_steps_t sa = ts_broadcast_steps(a), sb = ts_broadcast_steps(b);
    int32_t columns = ts_dim(y, 2);
    ts_run_t r = {.a_step = sa.element, .b_step = sb.element, .n = ts_dim(y, 3)};
    if (one_run(a, y) && one_run(b, y)) {
        r.a_step = a->dims[2] != 1 || a->dims[3] != 1;
        r.b_step = b->dims[2] != 1 || b->dims[3] != 1;
        r.n *= columns;
        columns = 1;
    }
    for (int32_t row = op->first; row < op->first + op->count; row++) {
        for (int32_t i = 0; i < columns; i++) {
            r.a = (const int8_t *)ts_row(op, A, sa.row * row) + i * sa.column;
            r.b = (const int8_t *)ts_row(op, B, sb.row * row) + i * sb.column;
            r.y = (int8_t *)ts_row(op, Y, row) + i * r.n;
            part(op, opcode, r);
        }
    }
}
#endif

#if TS_WITH_MUL
int32_t ts_check_MUL(ts_op_t *op) {
    const int32_t *p = op->params;
    int32_t error = check(op), good = ts_scale_ok(p[MULT], p[SHIFT]) && ts_act_ok(p + ACT);
    return error == 0 && !good ? TS_ERR_OP : error;
}

void ts_run_MUL(const ts_op_t *op) {
    run(op, TS_OP_MUL);
}
#endif

#if TS_WITH_MINIMUM
int32_t ts_check_MINIMUM(ts_op_t *op) {
    return check(op);
}

void ts_run_MINIMUM(const ts_op_t *op) {
    run(op, TS_OP_MINIMUM);
}
#endif

#if TS_WITH_MAXIMUM
int32_t ts_check_MAXIMUM(ts_op_t *op) {
    return check(op);
}

void ts_run_MAXIMUM(const ts_op_t *op) {
    run(op, TS_OP_MAXIMUM);
}
#endif

#if TS_WITH_PRELU
int32_t ts_check_PRELU(ts_op_t *op) {
    const int32_t *p = op->params;
    int32_t error = check(op), good = ts_scale_ok(p[MULT], p[SHIFT])
        && ts_scale_ok(p[NEGATIVE_MULT], p[NEGATIVE_SHIFT]);
    return error == 0 && !good ? TS_ERR_OP : error;
}

void ts_run_PRELU(const ts_op_t *op) {
    run(op, TS_OP_PRELU);
}
#endif
