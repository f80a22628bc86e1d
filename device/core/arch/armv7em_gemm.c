// Dense sums on Arm's DSP extension: 4 channels of y by 2 pixels, or by 1.
#include "arch.h"

#if TS_TARGET == TS_TARGET_ARMV7EM
#include <string.h>
#include "armv7em.h"

// Two values of k: 16 products in 12 instructions. r0 stream, r1 x; r4..r7
// sums of pixel 0, r8..r11 of pixel 1; odd channels hold 256 * A + B.
#define STEP_4X2 \
    ".macro step\n" \
    " ldm r1!, {r2, r3}\n" \
    " ldm r0!, {r12, lr}\n" \
    " smlad r5, r2, r12, r5\n" \
    " smlad r9, r3, r12, r9\n" \
    " sxtb16 r12, r12\n" \
    " smlad r7, r2, lr, r7\n" \
    " smlad r11, r3, lr, r11\n" \
    " sxtb16 lr, lr\n" \
    " smlad r4, r2, r12, r4\n" \
    " smlad r8, r3, r12, r8\n" \
    " smlad r6, r2, lr, r6\n" \
    " smlad r10, r3, lr, r10\n" \
    ".endm\n"

// Doubles a sum; of an odd channel, which is 256 times too large, by a shift
// the other way.
#define DOUBLED \
    ".macro doubled a, odd\n" \
    " .if \\odd\n asr \\a, \\a, #7\n .else\n lsl \\a, \\a, #1\n .endif\n" \
    ".endm\n"

// Scales the sums a of pixel 0, which is stored, and b of pixel 1, which is kept.
#define SCALE_4X2 \
    ".macro scale a, b, channel, odd\n" \
    " ldm r0!, {r2, r3, r12}\n" \
    " add lr, r3, \\a, asr #31\n" \
    " doubled \\a, \\odd\n" \
    " smmlar \\a, \\a, r2, lr\n" \
    " add lr, r3, \\b, asr #31\n" \
    " doubled \\b, \\odd\n" \
    " smmlar \\b, \\b, r2, lr\n" \
    " asr \\a, \\a, r12\n" \
    " asr \\b, \\b, r12\n" \
    " ssat \\a, #8, \\a\n" \
    " ssat \\b, #8, \\b\n" \
    " strb \\a, [r1, #\\channel]\n" \
    ".endm\n"

// The same in any case: mult, offset, shift, left shift, round at r0. Round is
// 2^31 where the high product is rounded, and then also the shift, halves away
// from zero; 0 where it is floored.
#define GENERAL \
    ".macro general a, odd\n" \
    " .if \\odd\n asr \\a, \\a, #8\n .endif\n" \
    " ldr r12, [r0, #12]\n" \
    " lsl \\a, \\a, r12\n" \
    " ldr r12, [r0, #16]\n" \
    " and lr, r12, \\a, asr #31\n" \
    " ldrd r2, r3, [r0]\n" \
    " add lr, r3, lr, asr #31\n" \
    " smlal r12, lr, \\a, r2\n" \
    " ldr r12, [r0, #8]\n" \
    " asr \\a, lr, r12\n" \
    " ssat \\a, #8, \\a\n" \
    ".endm\n"

TS_NAKED void ts_gemm_4x2(const int32_t *stream, const int32_t *x, int8_t *y,
    const ts_gemm_t *g) {
    (void)stream, (void)x, (void)y, (void)g;
    __asm volatile (
    TS_SLOTS STEP_4X2 DOUBLED SCALE_4X2 GENERAL
    // Slots: 0 x, 1 entry, 2 y, 3 finish, 4 pitch, 5 end of y, 6 end of x.
    " enter\n"
    " put 0, r1\n"
    " put 2, r2\n"
    " ldm r3, {r4-r7}\n"
    " add r8, r1, r4\n"
    " put 6, r8\n"
    " put 4, r6\n"
    " add r5, r2, r5\n"
    " put 5, r5\n"
    " adr r8, 5f\n"
    " cmp r7, #0\n"
    " beq 1f\n"
    " adr r8, 6f\n"
    "1: orr r8, r8, #1\n"
    " put 3, r8\n"
    " lsr r4, r4, #3\n"             // steps; the first pass makes what is over a multiple of 16
    " subs r4, r4, #1\n"
    " and r4, r4, #15\n"
    " rsb r4, r4, #15\n"
    " movs r6, #46\n"               // bytes of a step
    " mul r4, r4, r6\n"
    " adr r6, 4f\n"
    " add r4, r4, r6\n"
    " orr r4, r4, #1\n"
    " put 1, r4\n"
    "3: ldm r0, {r4-r7}\n"          // a group of 4 channels
    " get2 r1, r2, 0, 1\n"
    " ldm r0!, {r8-r11}\n"
    " bx r2\n"
    " .balign 4\n"
    "4: .rept 16\n step\n .endr\n"
    " get r2, 6\n"
    " cmp r1, r2\n"
    " bne 4b\n"
    " sub r5, r5, r4\n"
    " sub r9, r9, r8\n"
    " sub r7, r7, r6\n"
    " sub r11, r11, r10\n"
    " get2 r1, r2, 2, 3\n"
    " bx r2\n"
    " .balign 4\n"
    "5: scale r4, r8, 0, 0\n"
    " scale r5, r9, 1, 1\n"
    " scale r6, r10, 2, 0\n"
    " scale r7, r11, 3, 1\n"
    "7: get2 r2, r3, 4, 5\n"
    " add r2, r2, r1\n"
    " strb r8, [r2]\n"
    " strb r9, [r2, #1]\n"
    " strb r10, [r2, #2]\n"
    " strb r11, [r2, #3]\n"
    " adds r1, #4\n"
    " put 2, r1\n"
    " cmp r1, r3\n"
    " bne 3b\n"
    " leave\n"
    " .balign 4\n"
    "6: general r4, 0\n general r8, 0\n adds r0, #20\n"
    " general r5, 1\n general r9, 1\n adds r0, #20\n"
    " general r6, 0\n general r10, 0\n adds r0, #20\n"
    " general r7, 1\n general r11, 1\n adds r0, #20\n"
    " strb r4, [r1]\n"
    " strb r5, [r1, #1]\n"
    " strb r6, [r1, #2]\n"
    " strb r7, [r1, #3]\n"
    " b 7b\n"
    " .purgem step\n .purgem doubled\n .purgem scale\n .purgem general\n"
    TS_SLOTS_END);
}

// One word of x by 4 channels, two words a and b of the stream.
#define PRODUCTS \
    ".macro products x, a, b\n" \
    " smlad r5, \\x, \\a, r5\n" \
    " sxtb16 \\a, \\a\n" \
    " smlad r7, \\x, \\b, r7\n" \
    " sxtb16 \\b, \\b\n" \
    " smlad r4, \\x, \\a, r4\n" \
    " smlad r6, \\x, \\b, r6\n" \
    ".endm\n"

// Eight values of k: 32 products in 27 instructions.
#define STEP_4X1 \
    ".macro step\n" \
    " ldm r1!, {r2, r3, r12, lr}\n" \
    " ldm r0!, {r8-r11}\n" \
    " products r2, r8, r9\n" \
    " products r3, r10, r11\n" \
    " ldm r0!, {r8-r11}\n" \
    " products r12, r8, r9\n" \
    " products lr, r10, r11\n" \
    ".endm\n"

// Four values of k from bytes: 16 products in 16 instructions.
#define NARROW_4X1 \
    ".macro narrow\n" \
    " ldr r2, [r1], #4\n" \
    " ldm r0!, {r8-r11}\n" \
    " sxtb16 r3, r2, ror #8\n" \
    " sxtb16 r2, r2\n" \
    " products r2, r8, r9\n" \
    " products r3, r10, r11\n" \
    ".endm\n"

#define SCALE_4X1 \
    ".macro scale a, channel, odd, once\n" \
    " ldm r0!, {r2, r3, r12}\n" \
    " .if \\once == 0\n add r3, r3, \\a, asr #31\n .endif\n" \
    " doubled \\a, \\odd\n" \
    " .if \\once\n smmla \\a, \\a, r2, r3\n .else\n smmlar \\a, \\a, r2, r3\n .endif\n" \
    " asr \\a, \\a, r12\n" \
    " ssat \\a, #8, \\a\n" \
    " strb \\a, [r1, #\\channel]\n" \
    ".endm\n"

TS_NAKED void ts_gemm_4x1(const int32_t *stream, const void *x, int8_t *y,
    const ts_gemm_t *g) {
    (void)stream, (void)x, (void)y, (void)g;
    __asm volatile (
    TS_SLOTS PRODUCTS STEP_4X1 NARROW_4X1 DOUBLED SCALE_4X1 GENERAL
    // Slots: 0 x, 1 entry, 2 y, 3 finish, 4 end of y, 5 end of x, 6 entry after
    // a half step.
    " enter\n"
    " put 0, r1\n"
    " put 2, r2\n"
    " ldm r3, {r4-r7}\n"
    " add r8, r1, r4\n"
    " put 5, r8\n"
    " add r5, r2, r5\n"
    " put 4, r5\n"
    " adr r8, 10f\n"
    " ands r5, r7, #3\n"
    " beq 1f\n"
    " adr r8, 11f\n"
    " cmp r5, #1\n"
    " beq 1f\n"
    " adr r8, 12f\n"
    "1: orr r8, r8, #1\n"
    " put 3, r8\n"
    " tst r7, #4\n"
    " bne 8f\n"
    " lsrs r5, r4, #4\n"            // whole steps
    " adr r6, 5f\n"
    " beq 2f\n"
    " subs r5, #1\n"
    " and r5, r5, #3\n"
    " rsb r5, r5, #3\n"
    " movs r6, #108\n"              // bytes of a step
    " mul r5, r5, r6\n"
    " adr r6, 4f\n"
    " add r6, r6, r5\n"
    "2: orr r6, r6, #1\n"
    " put 6, r6\n"
    " tst r4, #8\n"
    " beq 2f\n"
    " adr r6, 3f\n"
    " orr r6, r6, #1\n"
    " b 2f\n"
    "8: lsrs r5, r4, #2\n"          // TS_NARROW: steps of 4 values
    " subs r5, #1\n"
    " and r5, r5, #3\n"
    " rsb r5, r5, #3\n"
    " adr r6, 9f\n"
    " add r6, r6, r5, lsl #6\n"     // 64 bytes of a step
    " orr r6, r6, #1\n"
    "2: put 1, r6\n"
    "6: ldm r0!, {r4-r7}\n"         // a group of 4 channels
    " get2 r1, r2, 0, 1\n"
    " bx r2\n"
    " .balign 4\n"
    "3: ldm r1!, {r2, r3}\n"
    " ldm r0!, {r8-r11}\n"
    " products r2, r8, r9\n"
    " products r3, r10, r11\n"
    " get r2, 6\n"
    " bx r2\n"
    " .balign 4\n"
    "4: .rept 4\n step\n .endr\n"
    " .balign 4\n"
    "5: get r2, 5\n"
    " cmp r1, r2\n"
    " bne 4b\n"
    "1: sub r5, r5, r4\n"
    " sub r7, r7, r6\n"
    " get2 r1, r2, 2, 3\n"
    " bx r2\n"
    " .balign 4\n"
    "9: .rept 4\n narrow\n .endr\n"
    " get r2, 5\n"
    " cmp r1, r2\n"
    " bne 9b\n"
    " b 1b\n"
    " .balign 4\n"
    "10: scale r4, 0, 0, 0\n scale r5, 1, 1, 0\n scale r6, 2, 0, 0\n scale r7, 3, 1, 0\n"
    "7: get r3, 4\n"
    " adds r1, #4\n"
    " put 2, r1\n"
    " cmp r1, r3\n"
    " bne 6b\n"
    " leave\n"
    " .balign 4\n"
    "11: scale r4, 0, 0, 1\n scale r5, 1, 1, 1\n scale r6, 2, 0, 1\n scale r7, 3, 1, 1\n"
    " b 7b\n"
    " .balign 4\n"
    "12: general r4, 0\n adds r0, #20\n general r5, 1\n adds r0, #20\n"
    " general r6, 0\n adds r0, #20\n general r7, 1\n adds r0, #20\n"
    " strb r4, [r1]\n"
    " strb r5, [r1, #1]\n"
    " strb r6, [r1, #2]\n"
    " strb r7, [r1, #3]\n"
    " b 7b\n"
    " .purgem products\n .purgem step\n .purgem narrow\n .purgem doubled\n .purgem scale\n .purgem general\n"
    TS_SLOTS_END);
}

// Four bytes of two pixels, at r0 and r1, to r2.
#define QUADS \
    ".macro quad\n" \
    " sxtb16 r6, r4, ror #8\n" \
    " sxtb16 r7, r5, ror #8\n" \
    " sxtb16 r4, r4\n" \
    " sxtb16 r5, r5\n" \
    " stm r2!, {r4-r7}\n" \
    ".endm\n" \
    ".macro next\n" \
    " ldr r4, [r0], #4\n" \
    " ldr r5, [r1], #4\n" \
    " quad\n" \
    ".endm\n"

TS_NAKED int32_t *ts_widen2(const int8_t *x0, const int8_t *x1, int32_t *out, int32_t n) {
    (void)x0, (void)x1, (void)out, (void)n;
    __asm volatile (
    QUADS
    " push {r4-r7}\n"
    " bics r12, r3, #3\n"
    " beq 3f\n"
    " tst r3, #4\n"
    " add r12, r12, r0\n"
    " bne 2f\n"
    "1: next\n"
    "2: next\n"
    " cmp r0, r12\n"
    " bne 1b\n"
    "3: ands r3, r3, #3\n"
    " beq 5f\n"
    " subs r3, #2\n"                // 1, 2 or 3 bytes are left
    " ldrb r4, [r0]\n"
    " ldrb r5, [r1]\n"
    " blt 4f\n"
    " ldrh r4, [r0]\n"
    " ldrh r5, [r1]\n"
    " beq 4f\n"
    " ldrb r6, [r0, #2]\n"
    " ldrb r7, [r1, #2]\n"
    " orr r4, r4, r6, lsl #16\n"
    " orr r5, r5, r7, lsl #16\n"
    "4: quad\n"
    "5: mov r0, r2\n"
    " pop {r4-r7}\n"
    " bx lr\n"
    " .purgem quad\n .purgem next\n");
}

TS_NAKED int32_t *ts_widen2_rows(const int8_t *x, int32_t away, int32_t *out,
    const ts_rows_t *g) {
    (void)x, (void)away, (void)out, (void)g;
    __asm volatile (
    QUADS
    " push {r4-r9}\n"
    " add r1, r1, r0\n"
    " ldm r3, {r3, r8, r9}\n"
    " sub r9, r9, r3\n"
    "1: add r12, r0, r3\n"
    " tst r3, #4\n"
    " bne 3f\n"
    "2: next\n"
    "3: next\n"
    " cmp r0, r12\n"
    " bne 2b\n"
    " subs r8, #1\n"
    " add r0, r0, r9\n"
    " add r1, r1, r9\n"
    " bne 1b\n"
    " mov r0, r2\n"
    " pop {r4-r9}\n"
    " bx lr\n"
    " .purgem quad\n .purgem next\n");
}

TS_NAKED int32_t *ts_widen1(const int8_t *x, int32_t *out, int32_t n, int32_t step) {
    (void)x, (void)out, (void)n, (void)step;
    __asm volatile (
    ".macro quad\n"
    " sxtb16 r5, r4\n"
    " sxtb16 r4, r4, ror #8\n"
    " str r5, [r1]\n"
    " str r4, [r1, r3]\n"
    " add r1, r1, r3, lsl #1\n"
    ".endm\n"
    " push {r4, r5}\n"
    " bics r12, r2, #3\n"
    " beq 2f\n"
    " add r12, r12, r0\n"
    "1: ldr r4, [r0], #4\n"
    " quad\n"
    " cmp r0, r12\n"
    " bne 1b\n"
    "2: ands r2, r2, #3\n"
    " beq 4f\n"
    " subs r2, #2\n"
    " ldrb r4, [r0]\n"
    " blt 3f\n"
    " ldrh r4, [r0]\n"
    " beq 3f\n"
    " ldrb r5, [r0, #2]\n"
    " orr r4, r4, r5, lsl #16\n"
    "3: quad\n"
    "4: mov r0, r1\n"
    " pop {r4, r5}\n"
    " bx lr\n"
    " .purgem quad\n");
}

// SSUB8 sets the flags by which SEL chooses the larger or the smaller byte.
static uint32_t clamp4(uint32_t v, uint32_t low, uint32_t high) {
    uint32_t rest;
    __asm ("ssub8 %1, %0, %2\n sel %0, %0, %2\n ssub8 %1, %3, %0\n sel %0, %0, %3\n"
        : "+r" (v), "=&r" (rest) : "r" (low), "r" (high) : "cc");
    return v;
}

void ts_clamp_s8(int8_t *y, int32_t n, int32_t low, int32_t high) {
    uint32_t lows = 0x01010101u * (uint8_t)low, highs = 0x01010101u * (uint8_t)high, v;
    if (low == INT8_MIN && high == INT8_MAX) {
        return;
    }
    for (; n >= 4; n -= 4, y += 4) {
        memcpy(&v, y, 4);
        v = clamp4(v, lows, highs);
        memcpy(y, &v, 4);
    }
    for (; n > 0; n--, y++) {
        *y = (int8_t)ts_clamp_s32(*y, low, high);
    }
}

TS_SELDOM int32_t ts_need_stream(ts_op_t *op, int32_t operand, int64_t depth, int32_t channels,
    int32_t finish) {
    int64_t words = ts_stream_words(depth, channels, finish);
    if (depth < 4 || depth > (1 << 20) || words > INT32_MAX / 4) {
        return ts_blame(op, operand, TS_ERR_SHAPE);
    }
    return ts_need_constant(op, operand, TS_S32, (int32_t)words);
}

void ts_dense_start(ts_dense_t *d, const int32_t *stream, int32_t depth, int32_t channels,
    int32_t finish) {
    d->stream = stream;
    d->spare = channels & 3;
    d->channels = channels - d->spare;
    d->last = stream + ts_stream_words(depth, d->channels, finish);
    d->one = (ts_gemm_t){finish & TS_NARROW ? depth : 2 * depth, d->channels, 0, finish};
    d->two = (ts_gemm_t){4 * depth, d->channels, channels, finish};
}

void ts_dense_1(const ts_dense_t *d, const void *x, int8_t *y) {
    if (d->channels > 0) {
        ts_gemm_4x1(d->stream, x, y, &d->one);
    }
    if (d->spare > 0) {
        int8_t four[4];
        ts_gemm_t g = {d->one.x_bytes, 4, 0, d->one.finish};
        ts_gemm_4x1(d->last, x, four, &g);
        for (int32_t i = 0; i < d->spare; i++) {
            y[d->channels + i] = four[i];
        }
    }
}

void ts_dense_2(const ts_dense_t *d, const int32_t *x, int8_t *y) {
    if (d->channels > 0) {
        ts_gemm_4x2(d->stream, x, y, &d->two);
    }
    if (d->spare > 0) {
        int8_t eight[8], *to = y + d->channels;
        ts_gemm_t g = {d->two.x_bytes, 4, 4, d->two.finish};
        ts_gemm_4x2(d->last, x, eight, &g);
        for (int32_t i = 0; i < d->spare; i++) {
            to[i] = eight[i];
            to[i + d->two.pitch] = eight[4 + i];
        }
    }
}

#endif
