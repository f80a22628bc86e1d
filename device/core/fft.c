// Real FFT in 32 bits: the input's growth fits, so no stage scales down and
// only the twiddle products round (Q15).
#include "blocks.h"
#include "sine.h"

enum { TURN = TS_FFT_MAX, QUARTER = TURN / 4 };

int32_t ts_sin_q15(uint32_t i) {
    uint32_t part = i % QUARTER;
    switch (i / QUARTER % 4) {
    case 0:
        return sine_q15[part];
    case 1:
        return sine_q15[QUARTER - part];
    case 2:
        return -(int32_t)sine_q15[part];
    default:
        return -(int32_t)sine_q15[QUARTER - part];
    }
}

static int32_t cos_q15(uint32_t i) {
    return ts_sin_q15(i + QUARTER);
}

// (a c + b s) / 2^15, rounded.
static int32_t rotate(int32_t a, int32_t c, int32_t b, int32_t s) {
    return (int32_t)(((int64_t)a * c + (int64_t)b * s + (1 << 14)) >> 15);
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

// Complex FFT of m points, decimation in time.
static void transform(int32_t *x, uint32_t m) {
    reverse(x, m);
    for (uint32_t half = 1; half < m; half *= 2) {
        uint32_t turn = TURN / (2 * half);
        for (uint32_t k = 0; k < half; k++) {
            int32_t c = cos_q15(k * turn), s = ts_sin_q15(k * turn);
            for (uint32_t i = k; i < m; i += 2 * half) {
                int32_t *a = x + 2 * i, *b = a + 2 * half;
                int32_t re = rotate(b[0], c, b[1], s), im = rotate(b[1], c, b[0], -s);
                b[0] = a[0] - re;
                b[1] = a[1] - im;
                a[0] += re;
                a[1] += im;
            }
        }
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
        int32_t c = cos_q15(k * (TURN / n)), s = ts_sin_q15(k * (TURN / n));
        int32_t re = rotate(odd_re, c, odd_im, s), im = rotate(odd_im, c, odd_re, -s);
        a[0] = even_re + re;
        a[1] = even_im + im;
        b[0] = even_re - re;
        b[1] = im - even_im;
    }
}
