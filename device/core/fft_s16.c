// Nothing is put in order: a stage finds its numbers where the samples lay, so
// that bins end up at the places that their digits, reversed, name. Digits are
// base 4, the first one base 2 where the points' logarithm needs that.
#include "arch/arch.h"
#include "fft_s16.h"
#include "sine_s16.h"
#if defined(__ARM_FEATURE_DSP) && !defined(TS_PORTABLE)
#include "arch/dsp_pairs.h"
#else
#include "arch/portable_pairs.h"
#endif

enum { TURN = TS_FFT_S16_MAX, QUARTER = TURN / 4 };
enum { HALF_Q15 = 32767 / 2, FOURTH_Q15 = 32767 / 4 };

// exp(-2 pi j i / TURN), i below three quarters of a turn.
static complex_t twiddle(uint32_t i) {
    int32_t s = sine_s16[i % QUARTER], c = sine_s16[QUARTER - i % QUARTER];
    return i < QUARTER ? complex_of(c, -s)
        : i < 2 * QUARTER ? complex_of(-s, -c) : complex_of(-c, s);
}

// The four points x[0], x[step] .. of one butterfly, b, c and d already turned.
static inline void join(ts_pair_t *x, uint32_t step, complex_t a, complex_t b, complex_t c,
    complex_t d) {
    complex_t even = sum(a, c), odd = sum(b, d), rest = difference(a, c), turned = difference(b, d);
    x[0] = pair_of(sum(even, odd));
    x[step] = pair_of(difference_turned(rest, turned));
    x[2 * step] = pair_of(difference(even, odd));
    x[3 * step] = pair_of(sum_turned(rest, turned));
}

// Butterflies whose twiddles are all 1, which multiplying would not change.
static void join_unturned(ts_pair_t *x, uint32_t step) {
    for (uint32_t i = 0; i < step; i++, x++) {
        join(x, step, scaled(x[0], FOURTH_Q15), scaled(x[step], FOURTH_Q15),
            scaled(x[2 * step], FOURTH_Q15), scaled(x[3 * step], FOURTH_Q15));
    }
}

static void join_turned(ts_pair_t *x, uint32_t step, uint32_t turn) {
    complex_t one = twiddle(turn), two = twiddle(2 * turn), three = twiddle(3 * turn);
    for (uint32_t i = 0; i < step; i++, x++) {
        join(x, step, scaled(x[0], FOURTH_Q15), times(scaled(x[step], FOURTH_Q15), one),
            times(scaled(x[2 * step], FOURTH_Q15), two),
            times(scaled(x[3 * step], FOURTH_Q15), three));
    }
}

static void join_two(ts_pair_t *x, uint32_t step) {
    for (uint32_t i = 0; i < step; i++, x++) {
        complex_t a = scaled(x[0], HALF_Q15), b = scaled(x[step], HALF_Q15);
        x[0] = pair_of(sum(a, b));
        x[step] = pair_of(difference(a, b));
    }
}

// Complex FFT of n / 2 points.
static void transform(ts_pair_t *x, uint32_t n) {
    uint32_t m = n / 2, done = 1, step = m / 4, angle = QUARTER;
    if (n & 0x55555555) {
        join_two(x, m / 2);
        done = 2;
        step = m / 8;
        angle = QUARTER / 2;
    }
    for (; done < m; done *= 4, step /= 4, angle /= 4) {
        uint32_t at = 0;
        join_unturned(x, step);
        for (uint32_t k = 1; k < done; k++) {
            at = ts_fft_s16_next(at, n);
            join_turned(x + at, step, k * angle);
        }
    }
}

// |X|^2 of two bins k and n / 2 - k, at a and b: of even and odd samples, which
// went in as real and imaginary parts.
static inline void part(ts_pair_t *a, ts_pair_t *b, uint32_t turn) {
    complex_t p = scaled(*a, HALF_Q15), q = scaled_conjugate(*b, HALF_Q15);
    complex_t twiddle = complex_of(-sine_s16[turn], -sine_s16[QUARTER - turn]);
    uint32_t of_a, of_b;
    powers(sum(p, q), times(difference(p, q), twiddle), &of_a, &of_b);
    a->word = of_a;
    b->word = of_b;
}

void ts_fft_s16_power(ts_pair_t *x, uint32_t n, uint32_t shift) {
    uint32_t m = n / 2, mask = (0xFFFFu >> shift) * 0x10001u, last = 0, angle = TURN / n;
    for (uint32_t i = 0; i < m; i++) {
        x[i].word = (x[i].word & mask) << shift;
    }
    transform(x, n);
    for (uint32_t k = 1; k <= m / 2; k++) {
        uint32_t at = ts_fft_s16_next(last, n);
        part(x + at, x + (m - 1 - last), k * angle);
        last = at;
    }
}
