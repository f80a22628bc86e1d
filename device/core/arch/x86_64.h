// x86-64: what the whole ops written for AVX2 share. Files are the portable
// ones; nothing is packed, so weights are laid out anew for each call, on the
// stack. Sixteen channels are summed side by side, in the order in which
// unpacking and packing in 128-bit halves leaves them:
//   sums[0] channels 0-3 and 8-11, sums[1] channels 4-7 and 12-15.
#ifndef TS_ARCH_X86_64_H
#define TS_ARCH_X86_64_H
#include "../op.h"

#if TS_WHOLE_OPS
#include <immintrin.h>
#include <string.h>

#define TS_AVX2 __attribute__((target("avx2")))

enum { TS_X86_CHANNELS = 16 };

// 1 when this machine has AVX2.
static inline int32_t ts_x86_64_able(void) {
#if defined(__AVX2__)
    return 1;
#else
    return __builtin_cpu_supports("avx2") != 0;
#endif
}

// Channel of each lane of the two sums.
static inline int32_t ts_x86_64_channel(int32_t lane) {
    return lane < 8 ? lane / 4 * 8 + lane % 4 : (lane - 8) / 4 * 8 + 4 + lane % 4;
}

static inline TS_AVX2 __m256i ts_x86_64_load(const void *at) {
    return _mm256_loadu_si256((const __m256i *)at);
}

// How sixteen sums become bytes; lanes in the order of the sums.
typedef struct {
    __m256i bias[2], mult[2], left[2], right[2];    // shifts; one of them is 0
} ts_x86_64_scales_t;

// Sixteen numbers in the order of the sums.
static inline TS_AVX2 void ts_x86_64_order(__m256i *to, __m256i low, __m256i high) {
    to[0] = _mm256_permute2x128_si256(low, high, 0x20);
    to[1] = _mm256_permute2x128_si256(low, high, 0x31);
}

// Of the first 16 of `channels`.
static inline TS_AVX2 void ts_x86_64_scales(ts_x86_64_scales_t *s, const int32_t *bias,
    const int32_t *mult, const int8_t *shift, int32_t channels) {
    int32_t some_bias[TS_X86_CHANNELS] = {0}, some_mult[TS_X86_CHANNELS] = {0};
    int8_t some_shift[TS_X86_CHANNELS] = {0};
    if (channels < TS_X86_CHANNELS) {
        bias = memcpy(some_bias, bias, (size_t)channels * sizeof *bias);
        mult = memcpy(some_mult, mult, (size_t)channels * sizeof *mult);
        shift = memcpy(some_shift, shift, (size_t)channels);
    }
    __m256i zero = _mm256_setzero_si256();
    __m128i shifts = _mm_loadu_si128((const __m128i *)shift);
    ts_x86_64_order(s->bias, ts_x86_64_load(bias), ts_x86_64_load(bias + 8));
    ts_x86_64_order(s->mult, ts_x86_64_load(mult), ts_x86_64_load(mult + 8));
    ts_x86_64_order(s->left, _mm256_cvtepi8_epi32(shifts),
        _mm256_cvtepi8_epi32(_mm_unpackhi_epi64(shifts, shifts)));
    for (int32_t i = 0; i < 2; i++) {
        s->right[i] = _mm256_max_epi32(_mm256_sub_epi32(zero, s->left[i]), zero);
        s->left[i] = _mm256_max_epi32(s->left[i], zero);
    }
}

// ts_mul_high of eight numbers.
static inline TS_AVX2 __m256i ts_x86_64_mul_high(__m256i x, __m256i mult) {
    const __m256i half = _mm256_set1_epi64x(1 << 30);
    __m256i even = _mm256_add_epi64(_mm256_mul_epi32(x, mult), half);
    __m256i odd = _mm256_add_epi64(
        _mm256_mul_epi32(_mm256_srli_epi64(x, 32), _mm256_srli_epi64(mult, 32)), half);
    return _mm256_blend_epi32(_mm256_srli_epi64(even, 31), _mm256_slli_epi64(odd, 1), 0xAA);
}

// ts_shr_round of eight numbers, each by its own count.
static inline TS_AVX2 __m256i ts_x86_64_shift(__m256i x, __m256i right) {
    __m256i ones = _mm256_set1_epi32(-1);
    __m256i mask = _mm256_andnot_si256(_mm256_sllv_epi32(ones, right), ones);
    __m256i least = _mm256_sub_epi32(_mm256_srli_epi32(mask, 1), _mm256_srai_epi32(x, 31));
    __m256i up = _mm256_cmpgt_epi32(_mm256_and_si256(x, mask), least);
    return _mm256_sub_epi32(_mm256_srav_epi32(x, right), up);
}

// ts_scale_twice of eight sums; i is 0 or 1.
static inline TS_AVX2 __m256i ts_x86_64_scale(__m256i sum, const ts_x86_64_scales_t *s, int32_t i) {
    __m256i x = _mm256_sllv_epi32(_mm256_add_epi32(sum, s->bias[i]), s->left[i]);
    return ts_x86_64_shift(ts_x86_64_mul_high(x, s->mult[i]), s->right[i]);
}

// Bounds and zero point of y, as 16-bit lanes.
typedef struct {
    __m256i low, high, zero;
} ts_x86_64_bounds_t;

static inline TS_AVX2 ts_x86_64_bounds_t ts_x86_64_bounds(int32_t zero, const int32_t *act) {
    return (ts_x86_64_bounds_t){_mm256_set1_epi16((int16_t)(act[0] - zero)),
        _mm256_set1_epi16((int16_t)(act[1] - zero)), _mm256_set1_epi16((int16_t)zero)};
}

// Scales, clamps and stores the first n of sixteen channels.
static inline TS_AVX2 void ts_x86_64_finish(__m256i sum0, __m256i sum1,
    const ts_x86_64_scales_t *s, const ts_x86_64_bounds_t *b, int8_t *y, int32_t n) {
    __m256i v = _mm256_packs_epi32(ts_x86_64_scale(sum0, s, 0), ts_x86_64_scale(sum1, s, 1));
    v = _mm256_min_epi16(_mm256_max_epi16(v, b->low), b->high);
    v = _mm256_add_epi16(v, b->zero);
    __m128i bytes = _mm_packs_epi16(_mm256_castsi256_si128(v), _mm256_extracti128_si256(v, 1));
    if (n >= TS_X86_CHANNELS) {
        _mm_storeu_si128((__m128i *)y, bytes);
    } else {
        int8_t some[TS_X86_CHANNELS];
        _mm_storeu_si128((__m128i *)some, bytes);
        memcpy(y, some, (size_t)n);
    }
}

// to[i] = x[i] - zero, n of them.
static inline TS_AVX2 void ts_x86_64_widen(int16_t *to, const int8_t *x, int32_t n, int32_t zero) {
    __m256i z = _mm256_set1_epi16((int16_t)zero);
    for (; n >= 16; n -= 16, to += 16, x += 16) {
        __m256i v = _mm256_cvtepi8_epi16(_mm_loadu_si128((const __m128i *)x));
        _mm256_storeu_si256((__m256i *)to, _mm256_sub_epi16(v, z));
    }
    for (int32_t i = 0; i < n; i++) {
        to[i] = (int16_t)(x[i] - zero);
    }
}

#endif
#endif
