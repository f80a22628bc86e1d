// Logarithms of mel filter bank energies, and their cosine transform (MFCC).
// Davis and Mermelstein, 1980; filters as triangles that add up to 1 at every bin.
#include "blocks.h"
#include "config.h"

#if TS_WITH_BLOCK_MEL

#include "root.h"

enum { POINTS, FLAGS, FLOOR, FLOOR_BITS, FIRST, BANDS, COEFFICIENTS, COUNTS };  // parameters
enum { HANN = 1, POWER = 2, FLAGS_ALL = 3 };
enum { POINTS_MIN = 256, BANDS_MAX = 64, FLOOR_BITS_MIN = 14, FLOOR_BITS_MAX = 63 };
enum { SUM_BITS = 29 };         // the FFT's input may add up to 2^29
enum { WEIGHT_BITS = 16 };
enum { POWER_DROPPED = 14 };    // bits of a power that are far below the FFT's own noise
enum { LOG_BITS = 12, LOG_ONE = 1 << LOG_BITS };

// Bins in each of the bands + 1 spaces between the filters' edges, one byte each.
static const uint8_t *counts_of(const int32_t *p) {
    return (const uint8_t *)(p + COUNTS);
}

static uint32_t count_words(const int32_t *p) {
    return ((uint32_t)p[BANDS] + 1 + 3) / 4;
}

static uint32_t bins_of(const int32_t *p) {
    uint32_t bins = 0;
    for (int32_t i = 0; i <= p[BANDS]; i++) {
        bins += counts_of(p)[i];
    }
    return bins;
}

int32_t ts_block_check_MEL(ts_signal_t *s, const int32_t *p, uint32_t n_params,
    ts_needs_t *needs) {
    if (n_params < COUNTS || !ts_param_ok(p[POINTS], POINTS_MIN, TS_FFT_MAX)
        || (p[POINTS] & (p[POINTS] - 1)) != 0 || s->frames > (uint32_t)p[POINTS]
        || !ts_param_ok(p[FLAGS], 0, FLAGS_ALL) || p[FLOOR] < 0
        || !ts_param_ok(p[FLOOR_BITS], FLOOR_BITS_MIN, FLOOR_BITS_MAX)
        || !ts_param_ok(p[FIRST], 0, p[POINTS] / 2) || !ts_param_ok(p[BANDS], 1, BANDS_MAX)
        || !ts_param_ok(p[COEFFICIENTS], 0, p[BANDS])
        || n_params < COUNTS + count_words(p)) {
        return TS_ERR_FEATURES;
    }
    uint32_t bins = bins_of(p), words = COUNTS + count_words(p) + (bins + 1) / 2;
    if ((uint32_t)p[FIRST] + bins > (uint32_t)p[POINTS] / 2 + 1 || n_params < words) {
        return TS_ERR_FEATURES;
    }
    needs->own_params = words;
    needs->scratch_bytes = (uint32_t)p[POINTS] * 4;
    needs->emits = s->channels * (uint32_t)(p[COEFFICIENTS] > 0 ? p[COEFFICIENTS] : p[BANDS]);
    return 0;
}

// Number of bits of x.
static int32_t bits_of(uint32_t x) {
#if defined(__ARM_FEATURE_CLZ) || defined(__x86_64__)
    return x != 0 ? 32 - __builtin_clz(x) : 0;
#else
    int32_t n = 0;
    for (int32_t step = 16; step != 0; step /= 2) {
        if (x >> step != 0) {
            x >>= step;
            n += step;
        }
    }
    return n + (int32_t)x;
#endif
}

static uint32_t abs_u32(int32_t x) {
    return x < 0 ? 0u - (uint32_t)x : (uint32_t)x;
}

// Bits below a count that the FFT has room for, with samples such as these.
static int32_t room(const int16_t *x, int32_t n, int32_t points) {
    uint32_t most = 0;
    for (int32_t i = 0; i < n; i++) {
        uint32_t size = abs_u32(x[i]);
        most = size > most ? size : most;
    }
    return SUM_BITS + 1 - bits_of((uint32_t)points) - bits_of(most > 0 ? most - 1 : 0);
}

// x * hann, hann in Q16, with `room` bits below a count.
static int32_t windowed(int32_t x, int32_t hann, int32_t room) {
    int32_t product = x * hann, more = room - 16;
    return more >= 0 ? product * (1 << more) : (product + (1 << (-more - 1))) >> -more;
}

// Fills to with `points` windowed samples of x, zeros after the first n. The window is Hann's
// over n + 1 samples without the last: sin^2(pi i / n), the same from both ends.
static void load(const int16_t *x, int32_t n, const int32_t *p, int32_t room, int32_t *to) {
    uint32_t turn = TS_TURN_HALF / (uint32_t)n;
    for (int32_t i = n; i < p[POINTS]; i++) {
        to[i] = 0;
    }
    if ((p[FLAGS] & HANN) == 0) {
        for (int32_t i = 0; i < n; i++) {
            to[i] = x[i] * (1 << room);
        }
        return;
    }
    to[0] = 0;
    for (int32_t i = 1; i <= n / 2; i++) {
        int32_t sine = ts_sin_q15((uint32_t)i * turn), hann = (sine * sine + (1 << 13)) >> 14;
        to[i] = windowed(x[i], hann, room);
        to[n - i] = windowed(x[n - i], hann, room);
    }
}

// sqrt(re^2 + im^2) within 1e-4, and half a step. Neither is beyond 2^30.
static uint32_t magnitude(int32_t re, int32_t im) {
    uint32_t a = abs_u32(re), b = abs_u32(im);
    int32_t up = 31 - bits_of(a | b);
    a = a << up >> 16;                                  // to 15 bits
    b = b << up >> 16;
    uint32_t v = a * a + b * b;                         // 2^28 to 2^31, or 0
    int32_t down = up - 8;
    if (v < 1u << 30) {
        v <<= 2;
        down++;
    }
    if (v == 0) {
        return 0;
    }
    const uint16_t *root = root_q15 + ((v >> 25) - 32);
    uint32_t rise = (uint32_t)(root[1] - root[0]) * (v >> 9 & 0xFFFF);
    uint32_t r = ((uint32_t)root[0] << 9) + (rise >> 7);    // sqrt(v) * 2^8
    return down > 0 ? (r + (1u << (down - 1))) >> down : r << -down;
}

// The spectrum's bins first .. first + n - 1 become magnitudes, from the start of x on.
static void magnitudes(int32_t *x, int32_t first, int32_t n, int32_t points) {
    int32_t last = x[1];
    x[1] = 0;
    for (int32_t k = first; k < first + n; k++) {
        uint32_t size = k < points / 2 ? magnitude(x[2 * k], x[2 * k + 1]) : abs_u32(last);
        x[k - first] = (int32_t)size;
    }
}

// What n bins (magnitudes, or their squares in 2^14) give in all, and to the filter above.
typedef struct {
    uint64_t all, above;
} shares_t;

static shares_t shares_of(const int32_t *size, const uint16_t *weight, int32_t n, int32_t power) {
    shares_t s = {0, 0};
    if (power) {
        for (int32_t i = 0; i < n; i++) {
            uint64_t square = (uint64_t)size[i] * (uint64_t)size[i] >> POWER_DROPPED;
            s.all += square;
            s.above += square * weight[i];
        }
        return s;
    }
    for (int32_t i = 0; i < n; i++) {
        s.all += (uint32_t)size[i];
        s.above += (uint64_t)(uint32_t)size[i] * weight[i];
    }
    return s;
}

// floor(2^12 * log2(x)) or 1 less, x >= 1: the fraction's bits come out of squaring.
static int32_t log2_q12(uint64_t x) {
    uint32_t high = (uint32_t)(x >> 32);
    int32_t whole = (high != 0 ? 32 + bits_of(high) : bits_of((uint32_t)x)) - 1;
    uint32_t m = (uint32_t)(whole >= 15 ? x >> (whole - 15) : x << (15 - whole));   // Q15
    int32_t result = whole;
    for (int32_t i = 0; i < LOG_BITS; i++) {
        m = m * m >> 15;
        uint32_t carry = m >> 16;
        m >>= carry;
        result = 2 * result + (int32_t)carry;
    }
    return result;
}

// log2 of a sum and the floor, in counts (or their squares); the sum has `bits` below 1.
static int32_t log_of(uint64_t sum, int32_t bits, const int32_t *p) {
    int32_t shift = bits - p[FLOOR_BITS];
    uint64_t floor = (uint64_t)p[FLOOR];
    sum += shift >= 0 ? floor << shift : floor >> -shift;
    return log2_q12(sum > 0 ? sum : 1) - bits * LOG_ONE;
}

// log2 of every band in Q12; x is the spectrum of samples with `room` bits below a count. The
// bins between two edges rise into one band and fall out of the one before.
static void bands(int32_t *x, const int32_t *p, int32_t room, int32_t *log) {
    const uint8_t *count = counts_of(p);
    const uint16_t *weight = (const uint16_t *)(p + COUNTS + count_words(p));
    int32_t power = p[FLAGS] & POWER;
    int32_t bits = power ? 2 * (room + 1) - POWER_DROPPED : room + 1;   // the spectrum is doubled
    uint64_t sum = 0;
    magnitudes(x, p[FIRST], (int32_t)bins_of(p), p[POINTS]);
    for (int32_t i = 0; i <= p[BANDS]; i++) {
        shares_t s = shares_of(x, weight, count[i], power);
        sum += (s.all << WEIGHT_BITS) - s.above;
        if (i > 0) {
            log[i - 1] = log_of(sum, bits + WEIGHT_BITS, p);
        }
        sum = s.above;
        x += count[i];
        weight += count[i];
    }
}

// Emits sum over b of log[b] * cos(pi k (b + 1/2) / bands), rounded: k-th of the type II
// cosine transform. cosine has room for a full turn, 4 * bands entries. Sums stay below 32 bits
// as log does below 18: what is under its lowest 8 bits is summed by itself.
static void transform(const int32_t *log, const int32_t *p, int32_t *cosine, ts_sink_t *sink) {
    uint32_t turn = 4 * (uint32_t)p[BANDS], step = TS_TURN_HALF / 2 / (uint32_t)p[BANDS];
    for (uint32_t j = 0; j < turn; j++) {
        cosine[j] = ts_sin_q15(j * step + TS_TURN_HALF / 2);
    }
    for (uint32_t k = 0; k < (uint32_t)p[COEFFICIENTS]; k++) {
        int32_t high = 0, low = 1 << 14;
        for (uint32_t b = 0, j = k; b < (uint32_t)p[BANDS]; b++) {
            high += (log[b] >> 8) * cosine[j];
            low += (log[b] & 255) * cosine[j];
            j += 2 * k;
            j -= j >= turn ? turn : 0;
        }
        ts_emit(sink, (high >> 7) + (((high & 127) * 256 + low) >> 15));
    }
}

// Values are (channels, bands) or (channels, coefficients).
void ts_block_run_MEL(ts_signal_t *s, const int32_t *p, ts_sink_t *sink) {
    int32_t log[BANDS_MAX], n = (int32_t)s->frames;
    ts_emit_with(sink, p + COUNTS + count_words(p) + (bins_of(p) + 1) / 2);
    for (uint32_t c = 0; c < s->channels; c++) {
        const int16_t *x = s->planes + c * s->frames;
        int32_t bits = room(x, n, p[POINTS]);
        load(x, n, p, bits, s->scratch);
        ts_fft_s32(s->scratch, (uint32_t)p[POINTS]);
        bands(s->scratch, p, bits, log);
        if (p[COEFFICIENTS] > 0) {
            transform(log, p, s->scratch, sink);
            continue;
        }
        for (int32_t b = 0; b < p[BANDS]; b++) {
            ts_emit(sink, log[b]);
        }
    }
}

#endif
