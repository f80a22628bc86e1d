// Helium ADD of equal shapes: y = clamp((a * mult + b * mult + offset) >> n).
// The host has tried all pairs of inputs.
#include "mve.h"

#if TS_TARGET == TS_TARGET_MVE && TS_WITH_PACKED_ADD
enum { A, B, Y };
enum { A_MULT, B_MULT, OFFSET, SHIFT, ACT };    // of params

int32_t ts_check_PACKED_ADD(ts_op_t *op) {
    const int32_t *p = op->params;
    int32_t error = ts_need_types(op, A, Y, TS_S8);
    if (error != 0) {
        return error;
    }
    if (!ts_same_shape(op->t[A], op->t[Y]) || !ts_same_shape(op->t[B], op->t[Y])) {
        return ts_blame(op, Y, TS_ERR_SHAPE);
    }
    return ts_between(p[SHIFT], 0, 31) && ts_act_ok(p + ACT) ? 0 : TS_ERR_OP;
}

static void add_row(const int32_t *p, const int8_t *a, const int8_t *b, int8_t *y, int32_t n) {
    int32x4_t a_mult = vdupq_n_s32(p[A_MULT]);
    int32x4_t low = vdupq_n_s32(p[ACT]), high = vdupq_n_s32(p[ACT + 1]);
    __asm__ volatile(
        "dlstp.32 lr, %[n]\n"
        "1: vldrb.s32 q0, [%[a]], #4\n"
        "vldrb.s32 q1, [%[b]], #4\n"
        "vmlas.s32 q0, %q[a_mult], %[offset]\n"
        "vmla.s32 q0, q1, %[b_mult]\n"
        "vshl.s32 q0, %[shift]\n"
        "vmax.s32 q0, q0, %q[low]\n"
        "vmin.s32 q0, q0, %q[high]\n"
        "vstrb.32 q0, [%[y]], #4\n"
        "letp lr, 1b\n"
        : [a] "+l"(a), [b] "+l"(b), [y] "+l"(y)
        : [a_mult] "t"(a_mult), [low] "t"(low), [high] "t"(high), [b_mult] "r"(p[B_MULT]),
          [offset] "r"(p[OFFSET]), [shift] "r"(-p[SHIFT]), [n] "r"(n)
        : "q0", "q1", "lr", "memory");
}

// a, b and y are (H, W, C); y may be a or b.
void ts_run_PACKED_ADD(const ts_op_t *op) {
    int32_t rings = op->t[A]->ring | op->t[B]->ring | op->t[Y]->ring;
    int32_t rows = rings != 0 ? 1 : op->count, n = rows * ts_row_bytes(op->t[Y]);
    for (int32_t row = op->first; row < op->first + op->count; row += rows) {
        add_row(op->params, ts_row(op, A, row), ts_row(op, B, row), ts_row(op, Y, row), n);
    }
}
#endif
