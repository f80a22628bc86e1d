// Inside the core: kernels for Cortex-M4, M7 and M33 with the DSP extension,
// and the layout of the constants they read, which tinysense_host's
// packing/armv7em.py writes. device/DESIGN.md says why they are as they are.
//
// Weights of dense ops ("stream"), for each 4 output channels:
//   4 words           start values b0, 256 * b1 + b0, b2, 256 * b3 + b2, where
//                     b = bias - zero point of x * sum of weights
//   depth / 2 times   2 words: channels 0 and 1, channels 2 and 3. A word has
//                     two 16-bit lanes, two values of k; a lane is
//                     256 * w[odd channel] + w[even channel]. SMLAD with the
//                     word sums 256 * A + B, SMLAD with its SXTB16 sums B.
//   4 times           how to scale: mult, offset, shift; with TS_GENERAL also
//                     left shift and round
// Sums are made of activations widened to 16 bits, in quads of k: lanes
// (k0, k2), then (k1, k3). Of two pixels the words alternate.
#ifndef TS_ARMV7EM_H
#define TS_ARMV7EM_H
#include "../op.h"

// How a sum becomes an int8, as in fixed.h. The offset has the rounding half
// and the zero point, both before the right shift, which is 1 or more.
enum {
    TS_TWICE = 0,       // ts_scale_twice: (rounded high product + offset - sign) >> shift
    TS_ONCE = 1,        // ts_scale_once: (floored high product + offset) >> shift
    TS_GENERAL = 2,     // either, after a left shift of the channel's own
    TS_NARROW = 4,      // with one of these, for one pixel: x is not widened, saves scratch
};

typedef struct {
    int32_t x_bytes;    // of the pixels: 2 * depth each, TS_NARROW: depth
    int32_t channels;   // to make: a multiple of 4, not 0
    int32_t pitch;      // from the first pixel of y to the second
    int32_t finish;     // TS_TWICE ..
} ts_gemm_t;

// y[p][c] for two pixels of x, or one. TS_ONCE: one pixel only.
void ts_gemm_4x2(const int32_t *stream, const int32_t *x, int8_t *y, const ts_gemm_t *g);
void ts_gemm_4x1(const int32_t *stream, const void *x, int8_t *y, const ts_gemm_t *g);

// Widens n bytes of two pixels, 4 words for 4 bytes; of one pixel, 2 words
// `step` bytes apart (4 alone, 8 for one of two). Rounds n up to 4 without
// reading more than n. Returns what lies behind the words written.
int32_t *ts_widen2(const int8_t *x0, const int8_t *x1, int32_t *out, int32_t n);
int32_t *ts_widen1(const int8_t *x, int32_t *out, int32_t n, int32_t step);

// Rows of n bytes, n a multiple of 4, of two pixels at x and x + away.
typedef struct {
    int32_t n, rows, step;
} ts_rows_t;
int32_t *ts_widen2_rows(const int8_t *x, int32_t away, int32_t *out, const ts_rows_t *g);

// Clamps n bytes to low..high: after the kernels, which saturate to int8.
void ts_clamp_s8(int8_t *y, int32_t n, int32_t low, int32_t high);

// Words of a stream; 64 bits, since a file's numbers need not make sense.
static inline int64_t ts_stream_words(int64_t depth, int64_t channels, int32_t finish) {
    return (channels + 3) / 4 * (4 + depth + ((finish & TS_GENERAL) != 0 ? 20 : 12));
}

// The stream is a constant of the words that the kernels walk over.
int32_t ts_need_stream(ts_op_t *op, int32_t operand, int64_t depth, int32_t channels,
    int32_t finish);

static inline int32_t ts_round_up4(int32_t n) {
    return (n + 3) & ~3;
}

// All channels of pixels that lie together in y: groups of 4, then a last one
// whose spare channels are left out.
typedef struct {
    const int32_t *stream, *last;       // last: stream of the last group where some are spare
    int32_t channels, spare;            // made by groups of 4; left over
    ts_gemm_t one, two;
} ts_dense_t;
void ts_dense_start(ts_dense_t *d, const int32_t *stream, int32_t depth, int32_t channels,
    int32_t finish);
void ts_dense_1(const ts_dense_t *d, const void *x, int8_t *y);
void ts_dense_2(const ts_dense_t *d, const int32_t *x, int8_t *y);

// ---- Depthwise ----
//
// The stream has for each 4 channels (the last 4 of all where the number is no
// multiple of 4): 4 start values, 4 words for each two taps (lanes: the taps),
// for the last of an odd number of taps 2 words (channels 0 and 2, 1 and 3),
// and how to scale. All sums are doubled: start values and weights are twice
// what they are in dense streams, left shifts one less.

// Nine taps; a pixel of y, then those behind it.
typedef struct {
    const int8_t *table[9];     // the taps' pixels
    int8_t *y;
    int32_t channels;           // 4 or more
    int32_t step[3];            // from a pixel to the next, for each 3 taps
    int32_t pixels;             // 1 or more; 0 afterwards
} ts_taps_9_t;
void ts_taps_9(ts_taps_9_t *g, const int32_t *stream);

// Any number of taps of one pixel of y.
typedef struct {
    int32_t taps, channels;     // 1, 4 or more
    int32_t finish;             // TS_TWICE, TS_GENERAL
} ts_taps_n_t;
void ts_taps_n(const int32_t *stream, const int8_t *const *table, int8_t *y,
    const ts_taps_n_t *g);

static inline int64_t ts_taps_words(int64_t taps, int64_t channels, int32_t finish) {
    return (channels + 3) / 4 * (4 + 2 * taps + (finish == TS_GENERAL ? 20 : 12));
}

// ---- For assembly: values beside the 14 registers ----
//
// Slots are FPU registers s0..s15, which a function need not keep; without an
// FPU words on the stack, at the same number of instructions.
#if defined(__ARM_FP)
#define TS_SLOTS \
    ".macro get r, i\n vmov \\r, s\\i\n.endm\n" \
    ".macro put i, r\n vmov s\\i, \\r\n.endm\n" \
    ".macro get2 r, q, i, j\n vmov \\r, \\q, s\\i, s\\j\n.endm\n" \
    ".macro put2 i, j, r, q\n vmov s\\i, s\\j, \\r, \\q\n.endm\n" \
    ".macro enter\n push {r4-r11, lr}\n.endm\n" \
    ".macro leave\n pop {r4-r11, pc}\n.endm\n"
#else
#define TS_SLOTS \
    ".macro get r, i\n ldr \\r, [sp, #4 * \\i]\n.endm\n" \
    ".macro put i, r\n str \\r, [sp, #4 * \\i]\n.endm\n" \
    ".macro get2 r, q, i, j\n ldrd \\r, \\q, [sp, #4 * \\i]\n.endm\n" \
    ".macro put2 i, j, r, q\n strd \\r, \\q, [sp, #4 * \\i]\n.endm\n" \
    ".macro enter\n push {r4-r11, lr}\n sub sp, #60\n.endm\n" \
    ".macro leave\n add sp, #60\n pop {r4-r11, pc}\n.endm\n"
#endif
#define TS_SLOTS_END ".purgem get\n .purgem put\n .purgem get2\n .purgem put2\n .purgem enter\n .purgem leave\n"
#define TS_NAKED __attribute__((naked, noinline))
#define TS_APART __attribute__((noinline))          // where a copy in each place costs flash
#define TS_SELDOM __attribute__((noinline, cold))   // compiled for size

#endif
