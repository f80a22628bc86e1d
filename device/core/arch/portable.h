// Inner loops in plain C: always there, and what every other set of kernels
// is compared with.
#ifndef TS_ARCH_PORTABLE_H
#define TS_ARCH_PORTABLE_H
#include <stdint.h>

#if TS_TARGET == TS_TARGET_MVE
#include "mve_dot.h"
#elif TS_TARGET == TS_TARGET_ARMV7EM
// What follows in plain C, by two products at once: armv7em_dot.c. The sum of
// offset and x fits 16 bits.
int32_t ts_dot_s8(const int8_t *x, const int8_t *w, int32_t n, int32_t offset, int32_t acc);
void ts_dot4_s8(const int8_t *x, const int8_t *w, int32_t pitch, int32_t n, int32_t offset,
    int32_t *acc);
#else
// acc + sum of (x[i] + offset) * w[i]; x and w are (n).
static inline int32_t ts_dot_s8(const int8_t *x, const int8_t *w, int32_t n, int32_t offset,
    int32_t acc) {
    const int8_t *end = x + n;
    while (x != end) {
        acc += (*x++ + offset) * *w++;
    }
    return acc;
}

// Four rows of w at once, each `pitch` after the one before, so that every
// x is loaded once. acc is (4).
static inline void ts_dot4_s8(const int8_t *x, const int8_t *w, int32_t pitch, int32_t n,
    int32_t offset, int32_t *acc) {
    const int8_t *w1 = w + pitch, *w2 = w1 + pitch, *w3 = w2 + pitch;
    const int8_t *end = x + n;
    int32_t a0 = acc[0], a1 = acc[1], a2 = acc[2], a3 = acc[3];
    while (x != end) {
        int32_t v = *x++ + offset;
        a0 += v * *w++;
        a1 += v * *w1++;
        a2 += v * *w2++;
        a3 += v * *w3++;
    }
    acc[0] = a0;
    acc[1] = a1;
    acc[2] = a2;
    acc[3] = a3;
}

#endif

#if TS_TARGET != TS_TARGET_MVE
// acc[i] += (x[i] + offset) * w[i]; all are (n).
static inline void ts_mac_s8(const int8_t *x, const int8_t *w, int32_t n, int32_t offset,
    int32_t *acc) {
    const int8_t *end = x + n;
    while (x != end) {
        *acc++ += (*x++ + offset) * *w++;
    }
}
#endif

#endif
