// Fixed-point arithmetic: the only place of the core where rounding exists.
//
// TFLite's reference kernels scale an accumulator by mult / 2^31 * 2^shift in
// one of two ways, and the two differ by one step on about 2 % of values:
//   twice  a rounded high multiply, then a rounded right shift
//          (convolutions, ADD, MEAN, SOFTMAX)
//   once   one multiply in 64 bits and one rounding (FULLY_CONNECTED)
// A kernel names the one it means. Right shifts of negative numbers are
// arithmetic, as on every compiler this core is built with (test_fixed.c).
#ifndef TS_FIXED_H
#define TS_FIXED_H
#include <stdint.h>

static inline int32_t ts_min_s32(int32_t a, int32_t b) {
    return a < b ? a : b;
}

static inline int32_t ts_max_s32(int32_t a, int32_t b) {
    return a > b ? a : b;
}

static inline int32_t ts_clamp_s32(int32_t x, int32_t low, int32_t high) {
    return x < low ? low : x > high ? high : x;
}

static inline int16_t ts_sat_s16(int64_t x) {
    return (int16_t)(x < INT16_MIN ? INT16_MIN : x > INT16_MAX ? INT16_MAX : x);
}

static inline int32_t ts_sat_s32(int64_t x) {
    return (int32_t)(x < INT32_MIN ? INT32_MIN : x > INT32_MAX ? INT32_MAX : x);
}

// Sum that wraps like the machine's, where signed overflow would be undefined.
static inline int32_t ts_wrap_add(int32_t a, int32_t b) {
    return (int32_t)((uint32_t)a + (uint32_t)b);
}

// x * 2^n, wrapping; n 0..31.
static inline int32_t ts_wrap_shl(int32_t x, int32_t n) {
    return (int32_t)((uint32_t)x << n);
}

// x * 2^n, saturating; n 0..30.
static inline int32_t ts_sat_shl(int32_t x, int32_t n) {
    return ts_sat_s32((int64_t)x * ((int64_t)1 << n));
}

// round(a * b / 2^31), halves up. Not both INT32_MIN.
static inline int32_t ts_mul_high(int32_t a, int32_t b) {
    return (int32_t)(((int64_t)a * b + ((int64_t)1 << 30)) >> 31);
}

// round(x / 2^n), halves away from zero; n 0..31.
static inline int32_t ts_shr_round(int32_t x, int32_t n) {
    uint32_t mask = (uint32_t)(((uint64_t)1 << n) - 1);
    uint32_t rest = (uint32_t)x & mask;
    uint32_t half = (mask >> 1) + (x < 0 ? 1u : 0u);
    return (int32_t)((int64_t)x >> n) + (rest > half ? 1 : 0);
}

// x * mult / 2^31 * 2^shift, rounded twice. mult >= 0, shift -31..30.
static inline int32_t ts_scale_twice(int32_t x, int32_t mult, int32_t shift) {
    if (shift > 0) {
        return ts_mul_high(ts_wrap_shl(x, shift), mult);
    }
    return ts_shr_round(ts_mul_high(x, mult), -shift);
}

// x * mult / 2^31 * 2^shift, rounded once, halves up. mult >= 0, shift -31..30.
static inline int32_t ts_scale_once(int32_t x, int32_t mult, int32_t shift) {
    int32_t n = 31 - shift;
    return ts_sat_s32(((int64_t)x * mult + ((int64_t)1 << (n - 1))) >> n);
}

// Adds the zero point to a scaled value and clamps to low..high. Clamps first,
// so that the sum cannot overflow. low, high and zero_point are int8 steps.
static inline int8_t ts_finish_s8(int32_t x, int32_t zero_point, int32_t low, int32_t high) {
    return (int8_t)(ts_clamp_s32(x, low - zero_point, high - zero_point) + zero_point);
}

// round(sum / n), halves away from zero; n >= 1.
static inline int32_t ts_div_round(int32_t sum, int32_t n) {
    return (sum > 0 ? sum + n / 2 : sum - n / 2) / n;
}

static inline int64_t ts_div_round_s64(int64_t sum, int64_t n) {
    return (sum > 0 ? sum + n / 2 : sum - n / 2) / n;
}

// floor(sqrt(x)), digit by digit.
static inline uint32_t ts_sqrt_u64(uint64_t x) {
    uint64_t root = 0, bit = (uint64_t)1 << 62;
    while (bit > x) {
        bit >>= 2;
    }
    for (; bit != 0; bit >>= 2) {
        if (x >= root + bit) {
            x -= root + bit;
            root = (root >> 1) + bit;
        } else {
            root >>= 1;
        }
    }
    return (uint32_t)root;
}

// Leading zero bits of x; 32 for 0.
static inline int32_t ts_clz_u32(uint32_t x) {
    int32_t n = 32;
    while (x != 0) {
        x >>= 1;
        n--;
    }
    return n;
}

#endif
