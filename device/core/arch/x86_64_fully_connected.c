// FULLY_CONNECTED on AVX2: x widened to 16 bits on the stack, four rows of
// weights at a time as they lie in the file.
#include "x86_64.h"

#if TS_WHOLE_OPS && TS_WITH_FULLY_CONNECTED
enum { X, W, BIAS, MULT, SHIFT, Y };
enum { ROWS = 4, DEPTH_MAX = 8192 };

static TS_AVX2 int32_t sum_of(__m256i v) {
    __m128i s = _mm_add_epi32(_mm256_castsi256_si128(v), _mm256_extracti128_si256(v, 1));
    s = _mm_add_epi32(s, _mm_shuffle_epi32(s, 0x4E));
    return _mm_cvtsi128_si32(_mm_add_epi32(s, _mm_shuffle_epi32(s, 0xB1)));
}

// acc[r] = x . row r of w, for n rows; n is a constant where this is called.
static inline TS_AVX2 __attribute__((always_inline)) void dot(const int16_t *x, const int8_t *w,
    int32_t depth, int32_t n, int32_t *acc) {
    __m256i sum[ROWS];
    int32_t k = 0;
    for (int32_t r = 0; r < n; r++) {
        sum[r] = _mm256_setzero_si256();
    }
    for (; k + 16 <= depth; k += 16) {
        __m256i v = ts_x86_64_load(x + k);
        for (int32_t r = 0; r < n; r++) {
            __m128i bytes = _mm_loadu_si128((const __m128i *)(w + r * depth + k));
            sum[r] = _mm256_add_epi32(sum[r], _mm256_madd_epi16(v, _mm256_cvtepi8_epi16(bytes)));
        }
    }
    for (int32_t r = 0; r < n; r++) {
        acc[r] = sum_of(sum[r]);
        for (int32_t i = k; i < depth; i++) {
            acc[r] += x[i] * w[r * depth + i];
        }
    }
}

static TS_AVX2 void multiply(const ts_op_t *op, const int16_t *x, int8_t *y) {
    const int32_t *bias = op->data[BIAS], *mult = op->data[MULT];
    const int8_t *shift = op->data[SHIFT], *w = op->data[W];
    int32_t depth = ts_dim(op->t[W], 3), outputs = ts_dim(op->t[W], 2);
    int32_t step = ts_elements(op->t[MULT]) == 1 ? 0 : 1, zero = op->t[Y]->zero_point;
    for (int32_t c = 0, n; c < outputs; c += n) {
        int32_t acc[ROWS];
        n = outputs - c >= ROWS ? ROWS : 1;
        if (n == ROWS) {
            dot(x, w + c * depth, depth, ROWS, acc);
        } else {
            dot(x, w + c * depth, depth, 1, acc);
        }
        for (int32_t i = c; i < c + n; i++) {
            int32_t sum = ts_wrap_add(acc[i - c], bias[i]);
            sum = ts_scale_once(sum, mult[i * step], shift[i * step]);
            y[i] = ts_finish_s8(sum, zero, op->params[0], op->params[1]);
        }
    }
}

int32_t ts_whole_FULLY_CONNECTED(const ts_op_t *op) {
    int16_t wide[DEPTH_MAX];
    int32_t depth = ts_dim(op->t[W], 3), outputs = ts_dim(op->t[W], 2);
    if (!ts_x86_64_able() || depth > DEPTH_MAX) {
        return 0;
    }
    const int8_t *x = op->data[X];
    int8_t *y = op->data[Y];
    for (int32_t m = ts_elements(op->t[X]) / depth; m > 0; m--, x += depth, y += outputs) {
        ts_x86_64_widen(wide, x, depth, op->t[X]->zero_point);
        multiply(op, wide, y);
    }
    return 1;
}
#endif
