// Complex numbers of 16 bits, as fft_s16.c works on them, in plain C. Sums wrap
// when they are stored.
#ifndef TS_PORTABLE_PAIRS_H
#define TS_PORTABLE_PAIRS_H
#include "../fft_s16.h"

typedef struct {
    int32_t re, im;
} complex_t;

static inline complex_t complex_of(int32_t re, int32_t im) {
    return (complex_t){re, im};
}

// round(x * q15 / 2^15), halves up; conjugated: of re, -im.
static inline complex_t scaled(ts_pair_t x, int32_t q15) {
    return (complex_t){(x.half[0] * q15 + (1 << 14)) >> 15, (x.half[1] * q15 + (1 << 14)) >> 15};
}

static inline complex_t scaled_conjugate(ts_pair_t x, int32_t q15) {
    return scaled((ts_pair_t){.half = {x.half[0], (int16_t)-x.half[1]}}, q15);
}

// b in Q15, rounded as above.
static inline complex_t times(complex_t a, complex_t b) {
    return (complex_t){(a.re * b.re - a.im * b.im + (1 << 14)) >> 15,
        (a.re * b.im + a.im * b.re + (1 << 14)) >> 15};
}

static inline complex_t sum(complex_t a, complex_t b) {
    return (complex_t){a.re + b.re, a.im + b.im};
}

static inline complex_t difference(complex_t a, complex_t b) {
    return (complex_t){a.re - b.re, a.im - b.im};
}

// a + jb, a - jb.
static inline complex_t sum_turned(complex_t a, complex_t b) {
    return (complex_t){a.re - b.im, a.im + b.re};
}

static inline complex_t difference_turned(complex_t a, complex_t b) {
    return (complex_t){a.re + b.im, a.im - b.re};
}

static inline ts_pair_t pair_of(complex_t a) {
    return (ts_pair_t){(uint16_t)a.re | (uint32_t)a.im << 16};
}

// |(a + b) / 2|^2, and |(a - b) / 2|^2 of the conjugates; halves rounded down.
static inline void powers(complex_t a, complex_t b, uint32_t *of_sum, uint32_t *of_difference) {
    int32_t b_re = (int16_t)b.re, b_im = (int16_t)b.im;
    int32_t re = (a.re + b_re) >> 1, im = (a.im + b_im) >> 1;
    int32_t re2 = (a.re - b_re) >> 1, im2 = (b_im - a.im) >> 1;
    *of_sum = (uint32_t)(re * re) + (uint32_t)(im * im);
    *of_difference = (uint32_t)(re2 * re2) + (uint32_t)(im2 * im2);
}

#endif
