// The features of TensorFlow Lite Micro's speech models, bit for bit as its
// "microfrontend" computes them: energies in mel bands from a 16-bit FFT, less
// the noise that is always there (spectral subtraction), with an automatic gain
// in each band (PCAN: Wang et al., "Trainable frontend for robust and far-field
// keyword spotting", 2017), on a logarithmic scale.
#include "arch/arch.h"
#include "blocks.h"
#include "fft_s16.h"
#include "log2_q16.h"

// Parameters; then tables of u16, two to a word, each from a word on:
// window, edges of the bands, weights in the bands, gains.
enum { POINTS, CHANNELS, FLAGS, SMOOTHING_BITS, EVEN, ODD, REMAINING, SNR_SHIFT, SCALE_SHIFT, TABLES };
enum { REDUCE = 1, GAIN = 2, LOG = 4, FLAGS_ALL = 7 };
enum { CHANNELS_MAX = 128, GAINS = 2 + 31 * 3 };
enum { ONE_Q14 = 1 << 14, ONE_Q12 = 1 << 12 };
// Entries of window and weights: a coefficient in Q12, and how far its
// counterpart differs from what is expected, plus one.
enum { COEFFICIENT = 0x1FFF, DIFFERS = 13 };
enum { SNR_BITS = 12, GAINED_BITS = 6 };        // after PCAN's gain, and what it leaves
enum { LN2_Q16 = 45426, SEGMENT_BITS = 9 };     // a segment of log2_q16, of 2^16

typedef struct {
    const uint16_t *window, *edges, *weights;
    const int16_t *gains;
} tables_t;

static uint32_t words_of(uint32_t halves) {
    return (halves + 1) / 2;
}

static uint32_t bins_of(const uint16_t *edges, const int32_t *p) {
    return (uint32_t)edges[p[CHANNELS] + 1] - edges[0];
}

static tables_t tables_of(const int32_t *p, uint32_t frames) {
    const uint16_t *window = (const uint16_t *)(const void *)(p + TABLES);
    const uint16_t *edges = window + 2 * words_of(words_of(frames));
    const uint16_t *weights = edges + 2 * words_of((uint32_t)p[CHANNELS] + 2);
    const uint16_t *gains = weights + 2 * words_of(bins_of(edges, p));
    return (tables_t){window, edges, weights, (const int16_t *)gains};
}

// Rising from bin 1 at least to points / 2 at most.
static int32_t edges_ok(const uint16_t *edge, const int32_t *p) {
    for (int32_t i = 0; i <= p[CHANNELS]; i++) {
        if (edge[i] > edge[i + 1]) {
            return 0;
        }
    }
    return edge[0] >= 1 && edge[p[CHANNELS] + 1] <= p[POINTS] / 2;
}

static int32_t numbers_ok(const ts_signal_t *s, const int32_t *p) {
    return ts_param_ok(p[POINTS], TS_FFT_S16_MIN, TS_FFT_S16_MAX)
        && (p[POINTS] & (p[POINTS] - 1)) == 0 && s->channels == 1
        && s->frames <= (uint32_t)p[POINTS] && ts_param_ok(p[CHANNELS], 1, CHANNELS_MAX)
        && ts_param_ok(p[FLAGS], 0, FLAGS_ALL) && ts_param_ok(p[SMOOTHING_BITS], 0, 31)
        && ts_param_ok(p[EVEN], 0, ONE_Q14) && ts_param_ok(p[ODD], 0, ONE_Q14)
        && ts_param_ok(p[REMAINING], 0, ONE_Q14) && ts_param_ok(p[SNR_SHIFT], 0, 31)
        && ts_param_ok(p[SCALE_SHIFT], 0, 11);
}

// Any number may stand in window, weights and gains: none becomes an index.
int32_t ts_block_check_MICRO_FRONTEND(ts_signal_t *s, const int32_t *p, uint32_t n_params,
    ts_needs_t *needs) {
    if (n_params < TABLES || !numbers_ok(s, p)) {
        return TS_ERR_FEATURES;
    }
    uint32_t at = TABLES + words_of(words_of(s->frames));
    uint32_t own = at + words_of((uint32_t)p[CHANNELS] + 2);
    const uint16_t *edges = (const uint16_t *)(const void *)(p + at);
    if (own > n_params || !edges_ok(edges, p)) {
        return TS_ERR_FEATURES;
    }
    own += words_of(bins_of(edges, p)) + (p[FLAGS] & GAIN ? words_of(GAINS) : 0);
    if (own > n_params) {
        return TS_ERR_FEATURES;
    }
    needs->own_params = own;
    needs->scratch_bytes = (uint32_t)p[POINTS] * 2;
    needs->state_bytes = (uint32_t)p[CHANNELS] * 4;
    needs->emits = (uint32_t)p[CHANNELS];
    return 0;
}

// Significant bits of x.
static inline uint32_t bits_of(uint32_t x) {
#if defined(__ARM_FEATURE_CLZ)
    return x == 0 ? 0 : 32 - (uint32_t)__builtin_clz(x);
#else
    uint32_t n = 0;
    for (uint32_t half = 16; half != 0; half /= 2) {
        if (x >> half != 0) {
            n += half;
            x >>= half;
        }
    }
    return n + x;
#endif
}

// a * b, b below 2^16: Cortex-M0 has 32 bits of a product, its library's 64 are slow.
static inline uint64_t product(uint32_t a, uint32_t b) {
#if TS_TARGET == TS_TARGET_ARMV6M
    return ((uint64_t)((a >> 16) * b) << 16) + (a & 0xFFFF) * b;
#else
    return (uint64_t)a * b;
#endif
}

static inline int32_t windowed(int16_t x, uint32_t coefficient) {
    return (int16_t)(x * (int32_t)coefficient >> 12);
}

static inline uint32_t size_of(int32_t x) {
    return (uint32_t)(x < 0 ? -x : x);
}

// The samples under the window, from both its ends, and zeros up to `points`.
// Returns how many bits to the left they may go.
static uint32_t load(const int16_t *x, uint32_t n, const uint16_t *window, uint32_t points,
    int16_t *to) {
    uint32_t all = 0;
    for (uint32_t i = 0, j = n - 1; i <= j && j < n; i++, j--) {
        uint32_t c = *window & COEFFICIENT, last = c + (*window >> DIFFERS) - 1;
        int32_t a = windowed(x[i], c), b = windowed(x[j], last);
        to[j] = (int16_t)b;
        to[i] = (int16_t)a;
        all |= size_of(a) | size_of(b);
        window++;
    }
    for (uint32_t i = n; i < points; i++) {
        to[i] = 0;
    }
    return 15 - bits_of(all & INT16_MAX);       // a full negative sample alone counts for nothing
}

// floor(sqrt(x)) of x >= 2^30: eight bits one by one, eight by a division.
static uint32_t sqrt_u32(uint32_t x) {
    uint32_t high = x >> 16, root = 0;
    for (uint32_t bit = 1 << 14; bit != 0; bit >>= 2) {
        uint32_t with = root + bit;
        root >>= 1;
        if (high >= with) {
            high -= with;
            root += bit;
        }
    }
    uint32_t next = (high << 8) + (x >> 8 & 0xFF), digit = next / (2 * root);
    uint32_t s = (root << 8) + digit;
    int32_t rest = (int32_t)((next - digit * 2 * root) << 8) + (int32_t)(x & 0xFF)
        - (int32_t)(digit * digit);
    return rest < 0 ? s - 1 : s;
}

// sqrt(x) to the nearest, except that of what fits 32 bits 0xFFFF is the most.
// The leading 32 bits give 16 of the root, a division the others.
static uint32_t sqrt_rounded(uint64_t x) {
    uint32_t above = bits_of((uint32_t)(x >> 32)), root;
    if (x == 0) {
        return 0;
    }
    if (above == 0) {
        uint32_t low = (uint32_t)x, up = (32 - bits_of(low)) & ~1u;
        root = sqrt_u32(low << up) >> up / 2;
        return low - root * root > root && root != 0xFFFF ? root + 1 : root;
    }
    uint32_t digits = (above + 1) / 2, high = (uint32_t)(x >> 2 * digits);
    uint32_t s = sqrt_u32(high);
    uint32_t low = (uint32_t)(x >> digits) & ((1u << digits) - 1);
    uint64_t next = ((uint64_t)(high - s * s) << digits) + low;
    root = (s << digits) + (uint32_t)next / (2 * s);
    int64_t rest = (int64_t)(x - (uint64_t)root * root);
    if (rest < 0) {
        root--;
        rest += 2 * (int64_t)root + 1;
    }
    return rest > (int64_t)root ? root + 1 : root;
}

// What is left of x, the noise taken away. Follows the noise.
static uint32_t reduce(uint32_t x, uint32_t smoothing, uint32_t *noise, const int32_t *p) {
    uint32_t up = x << p[SMOOTHING_BITS];
    *noise = (uint32_t)((product(up, smoothing) + product(*noise, ONE_Q14 - smoothing)) >> 14);
    if ((p[FLAGS] & REDUCE) == 0) {
        return x;
    }
    uint32_t least = (uint32_t)(product(x, (uint32_t)p[REMAINING]) >> 14);
    uint32_t left = *noise > up ? 0 : (up - *noise) >> p[SMOOTHING_BITS];
    return left > least ? left : least;
}

// The gain for a noise: through three points of the octave it is in.
static uint16_t gain_of(uint32_t noise, const int16_t *gains) {
    if (noise <= 2) {
        return (uint16_t)gains[noise];
    }
    uint32_t octave = bits_of(noise);
    const int16_t *g = gains + 2 + (octave - 2) * 3;
    int32_t part = (int32_t)((octave < 11 ? noise << (11 - octave) : noise >> (octave - 11)) & 0x3FF);
    int32_t rise = (g[2] * part >> 5) + g[1] * 32;
    return (uint16_t)(((rise * part + (1 << 14)) >> 15) + g[0]);
}

// Quadratic below 2, then a line: small ratios shrink.
static uint32_t shrunk(uint32_t snr) {
    return snr < 2 << SNR_BITS ? (snr * snr) >> (2 + 2 * SNR_BITS - GAINED_BITS)
                               : (snr >> (SNR_BITS - GAINED_BITS)) - (1 << GAINED_BITS);
}

// ln(x) * 2^scale_shift, x > 1.
static uint32_t log_of(uint32_t x, int32_t scale_shift) {
    uint32_t whole = bits_of(x) - 1;
    uint32_t part = (whole < 16 ? x << (16 - whole) : x >> (whole - 16)) & 0xFFFF;
    const uint16_t *c = log2_q16 + (part >> SEGMENT_BITS);
    int32_t rise = (c[1] - c[0]) * (int32_t)(part & ((1 << SEGMENT_BITS) - 1)) >> 16;
    uint32_t log2 = (whole << 16) + part + c[0] + (uint32_t)rise;
    uint32_t ln = (uint32_t)((product(log2, LN2_Q16) + (1 << 15)) >> 16);
    return ((ln << scale_shift) + (1 << 15)) >> 16;
}

// A channel's value for the root of its energy.
static int32_t value_of(uint32_t x, uint32_t smoothing, uint32_t *noise, const int32_t *p,
    const int16_t *gains) {
    x = reduce(x, smoothing, noise, p);
    if (p[FLAGS] & GAIN) {
        x = shrunk((uint32_t)(product(x, gain_of(*noise, gains)) >> p[SNR_SHIFT]));
    }
    if (p[FLAGS] & LOG) {
        x <<= bits_of((uint32_t)p[POINTS]) - 7;
        x = x > 1 ? log_of(x, p[SCALE_SHIFT]) : 0;
    }
    return x < UINT16_MAX ? (int32_t)x : UINT16_MAX;
}

// A band's energy parts between the channel that falls in it and the one that
// rises. Returns the falling one's; *at is the place of the band's first bin.
static uint64_t fall(const ts_pair_t *power, const uint16_t *weights, uint32_t bins, uint32_t points,
    uint32_t *at, uint64_t *rising) {
    uint64_t falling = 0, all = 0;
    for (uint32_t i = 0; i < bins; i++) {
        uint32_t energy = power[*at].word, differs = (uint32_t)weights[i] >> DIFFERS;
        falling += product(energy, weights[i] & COEFFICIENT);
        all += energy;
        if (differs != 1) {
            *rising += (uint64_t)energy * differs - energy;
        }
        *at = ts_fft_s16_next(*at, points);
    }
    *rising += all * ONE_Q12 - falling;
    return falling;
}

void ts_block_run_MICRO_FRONTEND(ts_signal_t *s, const int32_t *p, ts_sink_t *sink) {
    tables_t t = tables_of(p, s->frames);
    ts_pair_t *power = (ts_pair_t *)(void *)s->scratch;
    uint32_t points = (uint32_t)p[POINTS], *noise = s->state, at = 0;
    uint32_t shift = load(s->planes, s->frames, t.window, points, power->half);
    ts_fft_s16_power(power, points, shift);
    ts_emit_with(sink, (const int32_t *)(const void *)t.gains
        + (p[FLAGS] & GAIN ? words_of(GAINS) : 0));
    for (uint32_t k = 0; k < t.edges[0]; k++) {
        at = ts_fft_s16_next(at, points);
    }
    uint64_t energy = 0;
    for (int32_t band = 0; band <= p[CHANNELS]; band++) {
        uint32_t bins = (uint32_t)t.edges[band + 1] - t.edges[band];
        uint64_t rising = 0;
        energy += fall(power, t.weights, bins, points, &at, &rising);
        if (band > 0) {
            uint32_t smoothing = (uint32_t)p[band % 2 != 0 ? EVEN : ODD];
            ts_emit(sink, value_of(sqrt_rounded(energy) >> shift, smoothing, noise + band - 1, p,
                t.gains));
        }
        energy = rising;
        t.weights += bins;
    }
}
