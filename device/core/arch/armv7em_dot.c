// The inner loops of portable ops on Arm's DSP extension: see portable.h.
#include "arch.h"

#if TS_TARGET == TS_TARGET_ARMV7EM
#include "armv7em.h"

// Both sum whole quads; r3 has the offset in both halves of a word.
TS_NAKED static int32_t quads_1(const int8_t *x, const int8_t *w, int32_t n, int32_t offsets,
    int32_t acc) {
    (void)x, (void)w, (void)n, (void)offsets, (void)acc;
    __asm volatile (
    " push {r4-r7}\n"
    " ldr r12, [sp, #16]\n"
    " add r2, r2, r0\n"
    "1: ldr r4, [r0], #4\n"
    " ldr r5, [r1], #4\n"
    " sxtab16 r6, r3, r4\n"
    " sxtab16 r4, r3, r4, ror #8\n"
    " sxtb16 r7, r5\n"
    " sxtb16 r5, r5, ror #8\n"
    " smlad r12, r6, r7, r12\n"
    " smlad r12, r4, r5, r12\n"
    " cmp r0, r2\n"
    " bne 1b\n"
    " mov r0, r12\n"
    " pop {r4-r7}\n"
    " bx lr\n");
}

// The four rows of w begin at rows[0..3], their sums are at acc[0..3].
TS_NAKED static void quads_4(const int8_t *x, const int8_t *const *rows, int32_t n,
    int32_t offsets, int32_t *acc) {
    (void)x, (void)rows, (void)n, (void)offsets, (void)acc;
    __asm volatile (
    ".macro row w, sum\n"
    " ldr r1, [\\w], #4\n"
    " sxtb16 r12, r1\n"
    " sxtb16 r1, r1, ror #8\n"
    " smlad \\sum, lr, r12, \\sum\n"
    " smlad \\sum, r2, r1, \\sum\n"
    ".endm\n"
    " push {r4-r11, lr}\n"
    " sub sp, #4\n"
    " ldr r12, [sp, #40]\n"
    " ldm r12, {r8-r11}\n"
    " add r2, r2, r0\n"
    " str r2, [sp]\n"
    " ldm r1, {r4-r7}\n"
    "1: ldr r2, [r0], #4\n"
    " sxtab16 lr, r3, r2\n"
    " sxtab16 r2, r3, r2, ror #8\n"
    " row r4, r8\n"
    " row r5, r9\n"
    " row r6, r10\n"
    " row r7, r11\n"
    " ldr r1, [sp]\n"
    " cmp r0, r1\n"
    " bne 1b\n"
    " ldr r12, [sp, #40]\n"
    " stm r12, {r8-r11}\n"
    " add sp, #4\n"
    " pop {r4-r11, pc}\n"
    " .purgem row\n");
}

static int32_t twice(int32_t offset) {
    return (int32_t)((uint32_t)offset << 16 | ((uint32_t)offset & 0xFFFF));
}

int32_t ts_dot_s8(const int8_t *x, const int8_t *w, int32_t n, int32_t offset, int32_t acc) {
    int32_t whole = n & ~3;
    if (whole > 0) {
        acc = quads_1(x, w, whole, twice(offset), acc);
    }
    for (int32_t i = whole; i < n; i++) {
        acc += (x[i] + offset) * w[i];
    }
    return acc;
}

void ts_dot4_s8(const int8_t *x, const int8_t *w, int32_t pitch, int32_t n, int32_t offset,
    int32_t *acc) {
    int32_t whole = n & ~3;
    const int8_t *rows[4] = {w, w + pitch, w + 2 * pitch, w + 3 * pitch};
    if (whole > 0) {
        quads_4(x, rows, whole, twice(offset), acc);
    }
    for (int32_t i = whole; i < n; i++) {
        for (int32_t r = 0; r < 4; r++) {
            acc[r] += (x[i] + offset) * rows[r][i];
        }
    }
}

#endif
