// ADD on AVX2: eight elements at a time, with TFLite's own six roundings.
#include "x86_64.h"

#if TS_WHOLE_OPS && TS_WITH_ADD
enum { A, B, Y };
enum { LEFT, A_MULT, A_SHIFT, B_MULT, B_SHIFT, Y_MULT, Y_SHIFT, ACT };
enum { LANES = 8 };

typedef struct {
    __m256i mult, right;
} factor_t;

static TS_AVX2 factor_t factor_of(const int32_t *mult_and_shift) {
    return (factor_t){_mm256_set1_epi32(mult_and_shift[0]),
        _mm256_set1_epi32(-mult_and_shift[1])};
}

static inline TS_AVX2 __m256i scale(__m256i x, factor_t f) {
    return ts_x86_64_shift(ts_x86_64_mul_high(x, f.mult), f.right);
}

static inline TS_AVX2 __m256i load(const int8_t *x, __m256i zero, __m128i left) {
    __m256i v = _mm256_cvtepi8_epi32(_mm_loadl_epi64((const __m128i *)x));
    return _mm256_sll_epi32(_mm256_sub_epi32(v, zero), left);
}

static TS_AVX2 int32_t add(const ts_op_t *op, const int8_t *a, const int8_t *b, int8_t *y,
    int32_t n) {
    const int32_t *p = op->params;
    __m256i a_zero = _mm256_set1_epi32(op->t[A]->zero_point);
    __m256i b_zero = _mm256_set1_epi32(op->t[B]->zero_point);
    factor_t a_factor = factor_of(p + A_MULT), b_factor = factor_of(p + B_MULT);
    factor_t y_factor = factor_of(p + Y_MULT);
    __m128i left = _mm_cvtsi32_si128(p[LEFT]);
    ts_x86_64_bounds_t bounds = ts_x86_64_bounds(op->t[Y]->zero_point, p + ACT);
    int32_t i = 0;
    for (; i + LANES <= n; i += LANES) {
        __m256i sum = _mm256_add_epi32(scale(load(a + i, a_zero, left), a_factor),
            scale(load(b + i, b_zero, left), b_factor));
        __m256i v = scale(sum, y_factor);
        v = _mm256_packs_epi32(v, v);
        v = _mm256_min_epi16(_mm256_max_epi16(v, bounds.low), bounds.high);
        v = _mm256_permute4x64_epi64(_mm256_add_epi16(v, bounds.zero), 0x08);
        __m128i bytes = _mm256_castsi256_si128(v);
        _mm_storel_epi64((__m128i *)(y + i), _mm_packs_epi16(bytes, bytes));
    }
    return i;
}

int32_t ts_whole_ADD(const ts_op_t *op, const int8_t *a, const int8_t *b, int8_t *y, int32_t n) {
    return ts_x86_64_able() ? add(op, a, b, y, n) : 0;
}
#endif
