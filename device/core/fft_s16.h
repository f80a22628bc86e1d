// Inside the core: a real FFT in 16 bits that halves with every factor of 2,
// with the roundings of kiss_fft's fixed-point real transform.
#ifndef TS_FFT_S16_H
#define TS_FFT_S16_H
#include <stdint.h>

enum { TS_FFT_S16_MIN = 256, TS_FFT_S16_MAX = 1024 };

// Two int16 in a word, the first one in the lower half: two samples, or the
// real and the imaginary part of a bin.
typedef union {
    uint32_t word;
    int16_t half[2];
} ts_pair_t;

// In place: x is n real samples, shifted left by `shift` first; becomes
// |X(k)|^2 of the bins k = 1 .. n/2 - 1, X being the spectrum divided by n.
// Bin 0 is at 0 (without meaning), those behind it at ts_fft_s16_next of the
// one before. n is 256, 512 or 1024; shift 0..15.
void ts_fft_s16_power(ts_pair_t *x, uint32_t n, uint32_t shift);

// The digits of a place are those of the bin in reverse, base 4, the bin's last
// one base 2 where log2(n / 2) is odd.
static inline uint32_t ts_fft_s16_next(uint32_t at, uint32_t n) {
    uint32_t one = n / 8;
    if (n & 0x55555555) {
        if ((at & n / 4) == 0) {
            return at + n / 4;
        }
        at -= n / 4;
        one = n / 16;
    }
    for (; one != 0 && (at & 3 * one) == 3 * one; one /= 4) {
        at -= 3 * one;
    }
    return at + one;
}

#endif
