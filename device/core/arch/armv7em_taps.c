// Depthwise sums on Arm's DSP extension: 4 channels of one pixel of y at a
// time, from x where it lies, two taps to a product.
#include "arch.h"

#if TS_TARGET == TS_TARGET_ARMV7EM
#include "armv7em.h"

// Two taps of 4 channels, whose addresses come in r3 and r12: 8 products in 13
// instructions. r0 stream, r2 channel; r4..r7 sums. Of the bytes of two words
// PKH makes (a0 a1 b0 b1) and (a2 a3 b2 b3), SXTB16 of these pairs of lanes.
#define PAIR \
    ".macro pair\n" \
    " ldr r3, [r3, r2]\n" \
    " ldr r12, [r12, r2]\n" \
    " ldm r0!, {r8-r11}\n" \
    " pkhbt lr, r3, r12, lsl #16\n" \
    " pkhtb r12, r12, r3, asr #16\n" \
    " sxtb16 r3, lr\n" \
    " sxtb16 lr, lr, ror #8\n" \
    " smlad r4, r3, r8, r4\n" \
    " sxtb16 r3, r12\n" \
    " smlad r5, lr, r9, r5\n" \
    " sxtb16 r12, r12, ror #8\n" \
    " smlad r6, r3, r10, r6\n" \
    " smlad r7, r12, r11, r7\n" \
    ".endm\n"

// The last of an odd number of taps; its address in r3 as it comes.
#define SINGLE \
    ".macro single\n" \
    " ldr r3, [r3, r2]\n" \
    " ldm r0!, {r8, r9}\n" \
    " sxtb16 r12, r3\n" \
    " sxtb16 r3, r3, ror #8\n" \
    " smlabb r4, r12, r8, r4\n" \
    " smlabb r5, r3, r9, r5\n" \
    " smlatt r6, r12, r8, r6\n" \
    " smlatt r7, r3, r9, r7\n" \
    ".endm\n"

// Scales two sums, which are doubled already, and stores them at r1.
#define SCALE2 \
    ".macro scale2 a, b, channel\n" \
    " ldm r0!, {r8-r12, lr}\n" \
    " add r3, r9, \\a, asr #31\n" \
    " smmlar \\a, \\a, r8, r3\n" \
    " add r3, r12, \\b, asr #31\n" \
    " smmlar \\b, \\b, r11, r3\n" \
    " asr \\a, \\a, r10\n" \
    " asr \\b, \\b, lr\n" \
    " ssat \\a, #8, \\a\n" \
    " ssat \\b, #8, \\b\n" \
    " strb \\a, [r1, #\\channel]\n" \
    " strb \\b, [r1, #\\channel + 1]\n" \
    ".endm\n"

// TS_GENERAL: see armv7em_gemm.c.
#define GENERAL \
    ".macro general a, channel\n" \
    " ldm r0!, {r8-r12}\n" \
    " lsl \\a, \\a, r11\n" \
    " and lr, r12, \\a, asr #31\n" \
    " add lr, r9, lr, asr #31\n" \
    " smlal r12, lr, \\a, r8\n" \
    " asr \\a, lr, r10\n" \
    " ssat \\a, #8, \\a\n" \
    " strb \\a, [r1, #\\channel]\n" \
    ".endm\n"

// After 4 channels: the next 4, or the last 4 of all once more.
#define NEXT_CHANNELS(last, channels) \
    " adds r2, #4\n" \
    " get r3, " last "\n" \
    " cmp r2, r3\n" \
    " ble 1b\n" \
    " get r12, " channels "\n" \
    " cmp r2, r12\n" \
    " mov r2, r3\n" \
    " blt 1b\n"

TS_NAKED void ts_taps_9(ts_taps_9_t *g, const int32_t *stream) {
    (void)g, (void)stream;
    __asm volatile (
    TS_SLOTS PAIR SINGLE SCALE2
    // Slots: 0..8 table, 9 y, 10 last channel, 11 channels, 12 stream, 13 g.
    ".macro both i, j, step, step2\n"
    " get2 r3, r4, \\i, \\j\n"
    " add r3, r3, \\step\n"
    " add r4, r4, \\step2\n"
    " put2 \\i, \\j, r3, r4\n"
    ".endm\n"
    " enter\n"
    " put2 12, 13, r1, r0\n"
    " ldm r0!, {r1-r8}\n"
    " put2 0, 1, r1, r2\n"
    " put2 2, 3, r3, r4\n"
    " put2 4, 5, r5, r6\n"
    " put2 6, 7, r7, r8\n"
    " ldm r0!, {r1-r3}\n"
    " put2 8, 9, r1, r2\n"
    " sub r4, r3, #4\n"
    " put2 10, 11, r4, r3\n"
    "2: get r0, 12\n"               // a pixel
    " movs r2, #0\n"
    "1: ldm r0!, {r4-r7}\n"         // 4 channels
    " get2 r3, r12, 0, 1\n pair\n"
    " get2 r3, r12, 2, 3\n pair\n"
    " get2 r3, r12, 4, 5\n pair\n"
    " get2 r3, r12, 6, 7\n pair\n"
    " get2 r3, r12, 8, 9\n"
    " add r1, r12, r2\n"
    " single\n"
    " scale2 r4, r5, 0\n"
    " scale2 r6, r7, 2\n"
    NEXT_CHANNELS("10", "11")
    " get r0, 13\n"
    " ldr r3, [r0, #56]\n"
    " subs r3, r3, #1\n"
    " str r3, [r0, #56]\n"
    " beq 3f\n"
    " adds r0, #44\n"
    " ldm r0, {r5-r7}\n"
    " both 0, 1, r5, r5\n"
    " both 2, 3, r5, r6\n"
    " both 4, 5, r6, r6\n"
    " both 6, 7, r7, r7\n"
    " both 8, 9, r7, r12\n"         // r12: channels
    " b 2b\n"
    "3: leave\n"
    " .purgem pair\n .purgem single\n .purgem scale2\n .purgem both\n"
    TS_SLOTS_END);
}

TS_NAKED void ts_taps_n(const int32_t *stream, const int8_t *const *table, int8_t *y,
    const ts_taps_n_t *g) {
    (void)stream, (void)table, (void)y, (void)g;
    __asm volatile (
    TS_SLOTS PAIR SINGLE SCALE2 GENERAL
    // Slots: 0 table, 1 entry, 2 y, 3 last channel, 4 channels, 5 end of the
    // pairs, 6 what follows them, 7 finish.
    " enter\n"
    " put 0, r1\n"
    " put 2, r2\n"
    " ldm r3, {r4-r6}\n"            // taps, channels, finish
    " sub r3, r5, #4\n"
    " put 3, r3\n"
    " put 4, r5\n"
    " put 7, r6\n"
    " adr r7, 6f\n"
    " lsrs r4, r4, #1\n"
    " it cs\n"
    " adrcs r7, 5f\n"
    " orr r7, r7, #1\n"
    " put 6, r7\n"
    " add r7, r1, r4, lsl #3\n"
    " put 5, r7\n"
    " adr r6, 4f\n"
    " cbz r4, 2f\n"
    " subs r4, #1\n"                // the first pass makes what is over a multiple of 4
    " and r4, r4, #3\n"
    " rsb r4, r4, #3\n"
    " movs r7, #54\n"               // bytes of a pair
    " mul r4, r4, r7\n"
    " adr r6, 3f\n"
    " add r6, r6, r4\n"
    "2: orr r6, r6, #1\n"
    " put 1, r6\n"
    " movs r2, #0\n"
    "1: ldm r0!, {r4-r7}\n"         // 4 channels
    " get2 r1, r3, 0, 1\n"
    " bx r3\n"
    " .balign 4\n"
    "3: .rept 4\n ldm r1!, {r3, r12}\n pair\n .endr\n"
    " .balign 4\n"
    "4: get r3, 5\n"
    " cmp r1, r3\n"
    " bne 3b\n"
    " get r3, 6\n"
    " bx r3\n"
    " .balign 4\n"
    "5: ldr r3, [r1]\n"
    " single\n"
    " .balign 4\n"
    "6: get r1, 2\n"
    " get r3, 7\n"
    " add r1, r1, r2\n"
    " cbnz r3, 7f\n"
    " scale2 r4, r5, 0\n"
    " scale2 r6, r7, 2\n"
    "8:" NEXT_CHANNELS("3", "4")
    " leave\n"
    "7: general r4, 0\n general r5, 1\n general r6, 2\n general r7, 3\n"
    " b 8b\n"
    " .purgem pair\n .purgem single\n .purgem scale2\n .purgem general\n"
    TS_SLOTS_END);
}

#endif
