// What portable_pairs.h does, by the instructions of Arm's DSP extension, which
// work on both halves of a word. A complex number is one.
#ifndef TS_DSP_PAIRS_H
#define TS_DSP_PAIRS_H
#include "../fft_s16.h"

typedef uint32_t complex_t;

#define TS_DSP(name) \
    static inline uint32_t name(uint32_t a, uint32_t b) { \
        uint32_t y; \
        __asm(#name " %0, %1, %2" : "=r"(y) : "r"(a), "r"(b)); \
        return y; \
    }
#define TS_DSP_ADD(name) \
    static inline uint32_t name(uint32_t a, uint32_t b, uint32_t add) { \
        uint32_t y; \
        __asm(#name " %0, %1, %2, %3" : "=r"(y) : "r"(a), "r"(b), "r"(add)); \
        return y; \
    }
TS_DSP(sadd16)
TS_DSP(ssub16)
TS_DSP(sasx)
TS_DSP(ssax)
TS_DSP(shadd16)
TS_DSP(shsub16)
TS_DSP(smuad)
TS_DSP(smulbb)
TS_DSP_ADD(smlabb)
TS_DSP_ADD(smlatb)
TS_DSP_ADD(smlatt)
TS_DSP_ADD(smlsd)
TS_DSP_ADD(smladx)
#undef TS_DSP
#undef TS_DSP_ADD

static inline complex_t complex_of(int32_t re, int32_t im) {
    return (uint16_t)re | (uint32_t)im << 16;
}

// Twice the factor: then the upper halves of the products are the results.
static inline complex_t scaled(ts_pair_t x, int32_t q15) {
    uint32_t twice = (uint32_t)q15 * 2, y;
    uint32_t re = smlabb(x.word, twice, 1 << 15), im = smlatb(x.word, twice, 1 << 15);
    __asm("pkhtb %0, %1, %2, asr #16" : "=r"(y) : "r"(im), "r"(re));
    return y;
}

static inline complex_t scaled_conjugate(ts_pair_t x, int32_t q15) {
    return scaled((ts_pair_t){(x.word ^ 0xFFFF0000u) + 0x10000u}, q15);
}

static inline complex_t times(complex_t a, complex_t b) {
    uint32_t re = smlsd(a, b, 1 << 14), im = smladx(a, b, 1 << 14), y;
    __asm("pkhtb %0, %1, %2, asr #15" : "=r"(y) : "r"(im << 1), "r"(re));
    return y;
}

static inline complex_t sum(complex_t a, complex_t b) {
    return sadd16(a, b);
}

static inline complex_t difference(complex_t a, complex_t b) {
    return ssub16(a, b);
}

static inline complex_t sum_turned(complex_t a, complex_t b) {
    return sasx(a, b);
}

static inline complex_t difference_turned(complex_t a, complex_t b) {
    return ssax(a, b);
}

static inline ts_pair_t pair_of(complex_t a) {
    return (ts_pair_t){a};
}

static inline void powers(complex_t a, complex_t b, uint32_t *of_sum, uint32_t *of_difference) {
    uint32_t half = shadd16(a, b), re2 = shsub16(a, b), im2 = shsub16(b, a);
    *of_sum = smuad(half, half);
    *of_difference = smlatt(im2, im2, smulbb(re2, re2));
}

#endif
