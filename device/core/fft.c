// Real FFT in 32 bits: the input's growth fits, so no stage scales down and
// only the twiddle products round (Q15).
#include "blocks.h"
#include "sine.h"

enum { TURN = TS_FFT_MAX, QUARTER = TURN / 4 };
enum { PHASE_QUARTER = 1 << 30, PHASE_STEP = PHASE_QUARTER / QUARTER };

int32_t ts_sin_q15(uint32_t phase) {
    uint32_t part = phase % PHASE_QUARTER;
    uint32_t at = phase & PHASE_QUARTER ? PHASE_QUARTER - part : part;
    int32_t value = sine_q15[at / PHASE_STEP], rest = (int32_t)(at % PHASE_STEP);
    if (rest != 0) {
        int32_t rise = sine_q15[at / PHASE_STEP + 1] - value;       // 201 at most
        value += (rise * rest + PHASE_STEP / 2) / PHASE_STEP;
    }
    return phase >> 31 ? -value : value;
}

// x + (a c + b s) / 2^15, rounded. Exact, for |a|, |b| up to 2^30, c^2 + s^2 = 2^30: what
// lies below 2^15 in a and b is multiplied by itself, so that 32 bits do.
static inline int32_t rotated(int32_t x, int32_t a, int32_t b, int32_t c, int32_t s) {
    int32_t low = (a & 0x7FFF) * c + (b & 0x7FFF) * s + (1 << 14);
    return x + (a >> 15) * c + (b >> 15) * s + (low >> 15);
}

// Puts the m complex numbers of x in bit-reversed order.
static void reverse(int32_t *x, uint32_t m) {
    for (uint32_t i = 0, j = 0; i < m; i++) {
        if (i < j) {
            int32_t re = x[2 * i], im = x[2 * i + 1];
            x[2 * i] = x[2 * j];
            x[2 * i + 1] = x[2 * j + 1];
            x[2 * j] = re;
            x[2 * j + 1] = im;
        }
        uint32_t bit = m / 2;
        for (; bit != 0 && (j & bit) != 0; bit /= 2) {
            j ^= bit;
        }
        j |= bit;
    }
}

// a and b become a + (re, im) and a - (re, im).
static inline void join(int32_t *a, int32_t *b, int32_t re, int32_t im) {
    int32_t a_re = a[0], a_im = a[1];
    a[0] = a_re + re;
    a[1] = a_im + im;
    b[0] = a_re - re;
    b[1] = a_im - im;
}

// a + w b and a - w b, w = c - i s.
static inline void butterfly(int32_t *a, int32_t *b, int32_t c, int32_t s) {
    int32_t re = b[0], im = b[1];
    join(a, b, rotated(0, re, im, c, s), rotated(0, im, re, c, -s));
}

// The same with w = 1 and with w = -i.
static inline void butterfly_one(int32_t *a, int32_t *b) {
    join(a, b, b[0], b[1]);
}

static inline void butterfly_quarter(int32_t *a, int32_t *b) {
    join(a, b, b[1], -b[0]);
}

// The stages of 2 and 4 points, which turn by quarters only.
static void first_stages(int32_t *x, uint32_t m) {
    for (int32_t *a = x; a < x + 2 * m; a += 8) {
        butterfly_one(a, a + 2);
        butterfly_one(a + 4, a + 6);
        butterfly_one(a, a + 4);
        butterfly_quarter(a + 2, a + 6);
    }
}

// The stage that joins transforms of `half` points, 4 or more.
static void stage(int32_t *x, uint32_t m, uint32_t half) {
    int32_t *end = x + 2 * m;
    for (int32_t *a = x; a < end; a += 4 * half) {
        butterfly_one(a, a + 2 * half);
        butterfly_quarter(a + half, a + 3 * half);
    }
    for (uint32_t k = 1; k < half / 2; k++) {
        uint32_t at = k * (TURN / 2 / half);
        int32_t c = sine_q15[QUARTER - at], s = sine_q15[at];
        for (int32_t *a = x + 2 * k; a < end; a += 4 * half) {
            butterfly(a, a + 2 * half, c, s);
            butterfly(a + half, a + 3 * half, -s, c);       // a quarter of a turn further
        }
    }
}

// Complex FFT of m points, a multiple of 4, decimation in time.
static void transform(int32_t *x, uint32_t m) {
    reverse(x, m);
    first_stages(x, m);
    for (uint32_t half = 4; half < m; half *= 2) {
        stage(x, m, half);
    }
}

// Even and odd samples went in as one complex series; the sums and
// differences of bins k and m - k part them again.
void ts_fft_s32(int32_t *x, uint32_t n) {
    uint32_t m = n / 2;
    transform(x, m);
    int32_t first = x[0], second = x[1];
    x[0] = 2 * (first + second);
    x[1] = 2 * (first - second);
    for (uint32_t k = 1; k <= m / 2; k++) {
        int32_t *a = x + 2 * k, *b = x + 2 * (m - k);
        int32_t even_re = a[0] + b[0], even_im = a[1] - b[1];
        int32_t odd_re = a[1] + b[1], odd_im = b[0] - a[0];
        int32_t c = sine_q15[QUARTER - k * (TURN / n)], s = sine_q15[k * (TURN / n)];
        a[0] = rotated(even_re, odd_re, odd_im, c, s);
        a[1] = rotated(even_im, odd_im, odd_re, c, -s);
        b[0] = 2 * even_re - a[0];
        b[1] = a[1] - 2 * even_im;
    }
}
