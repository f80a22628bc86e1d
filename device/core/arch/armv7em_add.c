// PACKED_ADD on Arm's DSP extension: one multiplication for each input, by
// multipliers that the converter has tried on all pairs of inputs.
#include "arch.h"

#if TS_TARGET == TS_TARGET_ARMV7EM
#include "armv7em.h"

#if TS_WITH_PACKED_ADD
enum { A, B, Y };
enum { A_MULT, B_MULT, OFFSET, ACT, SHIFT = 21 };

TS_SELDOM int32_t ts_check_PACKED_ADD(ts_op_t *op) {
    int32_t error = ts_need_types(op, A, Y, TS_S8);
    if (error != 0) {
        return error;
    }
    for (int32_t i = A; i <= B; i++) {
        if (!ts_same_shape(op->t[i], op->t[Y])) {
            return ts_blame(op, i, TS_ERR_SHAPE);
        }
    }
    return ts_act_ok(op->params + ACT) ? 0 : TS_ERR_OP;
}

// y[i] = saturated (a[i] * k[0] + b[i] * k[1] + k[2]) >> SHIFT, n a multiple of 4.
TS_NAKED static void add4(const int8_t *a, const int8_t *b, int8_t *y, int32_t n,
    const int32_t *k) {
    (void)a, (void)b, (void)y, (void)n, (void)k;
    __asm volatile (
    ".macro one a, b, turn\n"
    " sxtb \\a, r8, ror #\\turn\n"
    " sxtb \\b, r9, ror #\\turn\n"
    " mla \\a, \\a, r5, r7\n"
    " mla \\a, \\b, r6, \\a\n"
    " ssat \\a, #8, \\a, asr #21\n"
    ".endm\n"
    " push {r4-r11, lr}\n"
    " ldr r4, [sp, #36]\n"
    " ldm r4, {r5-r7}\n"
    " add r3, r3, r2\n"
    "1: ldr r8, [r0], #4\n"
    " ldr r9, [r1], #4\n"
    " one r4, lr, 0\n"
    " one r10, lr, 8\n"
    " one r11, lr, 16\n"
    " one r12, lr, 24\n"
    " strb r10, [r2, #1]\n"
    " strb r11, [r2, #2]\n"
    " strb r12, [r2, #3]\n"
    " strb r4, [r2], #4\n"
    " cmp r2, r3\n"
    " bne 1b\n"
    " pop {r4-r11, pc}\n"
    " .purgem one\n");
}

static void add(const int32_t *p, const int8_t *a, const int8_t *b, int8_t *y, int32_t n) {
    int32_t whole = n & ~3;
    if (whole > 0) {
        add4(a, b, y, whole, p);
    }
    for (int32_t i = whole; i < n; i++) {
        uint32_t sum = (uint32_t)a[i] * (uint32_t)p[A_MULT] + (uint32_t)b[i] * (uint32_t)p[B_MULT]
            + (uint32_t)p[OFFSET];
        y[i] = (int8_t)ts_clamp_s32((int32_t)sum >> SHIFT, INT8_MIN, INT8_MAX);
    }
    ts_clamp_s8(y, n, p[ACT], p[ACT + 1]);
}

// y may be a or b.
void ts_run_PACKED_ADD(const ts_op_t *op) {
    int32_t n = ts_row_bytes(op->t[Y]), step = 1;
    if (op->t[A]->ring == 0 && op->t[B]->ring == 0 && op->t[Y]->ring == 0) {
        step = op->count;
    }
    for (int32_t row = op->first; row < op->first + op->count; row += step) {
        add(op->params, ts_row(op, A, row), ts_row(op, B, row), ts_row(op, Y, row), n * step);
    }
}
#endif
#endif
