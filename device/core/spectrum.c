// Energy in bands of frequency, by real FFTs over overlapping segments.
#include "blocks.h"

enum { POINTS, STEP, FLAGS, SCALE, SHIFT, BANDS, EDGES };       // parameters
enum { CENTRED = 1, HANN = 2, KEEP = 4, FLAGS_ALL = 7 };
enum { LINEAR, ROOT, LOG2, SCALES };
enum { BANDS_MAX = 32 };
enum { FRACTION = 4 };          // bits below a count that go into the FFT
// The FFT doubles, so power carries 2 * (FRACTION + 1) more bits than counts^2.
enum { POWER_FRACTION = 2 * (FRACTION + 1) };

static uint32_t segments_of(const ts_signal_t *s, const int32_t *p) {
    uint32_t points = (uint32_t)p[POINTS];
    return s->frames <= points ? 1 : 1 + (s->frames - points) / (uint32_t)p[STEP];
}

static int32_t edges_ok(const int32_t *p) {
    const int32_t *edge = p + EDGES;
    for (int32_t i = 0; i < p[BANDS]; i++) {
        if (edge[i] < 0 || edge[i] >= edge[i + 1] || edge[i + 1] > p[POINTS] / 2 + 1) {
            return 0;
        }
    }
    return 1;
}

int32_t ts_block_check_SPECTRUM(ts_signal_t *s, const int32_t *p, uint32_t n_params,
    ts_needs_t *needs) {
    if (n_params < EDGES || !ts_param_ok(p[POINTS], TS_FFT_MIN, TS_FFT_MAX)
        || (p[POINTS] & (p[POINTS] - 1)) != 0 || !ts_param_ok(p[STEP], 1, TS_WINDOW_MAX)
        || !ts_param_ok(p[FLAGS], 0, FLAGS_ALL) || !ts_param_ok(p[SCALE], 0, SCALES - 1)
        || !ts_param_ok(p[SHIFT], 0, 40) || !ts_param_ok(p[BANDS], 1, BANDS_MAX)
        || n_params < EDGES + (uint32_t)p[BANDS] + 1 || !edges_ok(p)) {
        return TS_ERR_FEATURES;
    }
    needs->own_params = EDGES + (uint32_t)p[BANDS] + 1;
    needs->scratch_bytes = (uint32_t)p[POINTS] * 4;
    needs->emits = s->channels * (uint32_t)p[BANDS];
    needs->emits *= p[FLAGS] & KEEP ? segments_of(s, p) : 1;
    return 0;
}

// Fills to with `points` windowed samples of x, zeros after the first n.
static void load(const int16_t *x, int32_t n, const int32_t *p, int32_t *to) {
    uint32_t turn = TS_TURN_HALF / (uint32_t)p[POINTS] * 2;
    int32_t mean = 0;
    for (int32_t i = 0; i < n; i++) {
        mean += x[i];
    }
    mean = p[FLAGS] & CENTRED ? ts_div_round(mean, n) : 0;
    for (int32_t i = 0; i < p[POINTS]; i++) {
        int32_t v = i < n ? (x[i] - mean) * (1 << FRACTION) : 0;
        if (p[FLAGS] & HANN) {
            int32_t hann_q16 = 32768 - ts_sin_q15((uint32_t)i * turn + TS_TURN_HALF / 2);
            v = (int32_t)(((int64_t)v * hann_q16 + 32768) >> 16);
        }
        to[i] = v;
    }
}

// Adds the power of the bins first <= k < end to the energy, in counts^2.
static uint64_t band_power(const int32_t *x, int32_t first, int32_t end, int32_t points) {
    uint64_t sum = 0;
    for (int32_t k = first; k < end; k++) {
        int64_t re = k == points / 2 ? x[1] : x[2 * k];
        int64_t im = k == 0 || k == points / 2 ? 0 : x[2 * k + 1];
        sum += (uint64_t)(re * re + im * im) >> POWER_FRACTION;
    }
    return sum;
}

// floor(256 * log2(x)), x >= 1: the fraction's bits come out of squaring.
static int32_t log2_q8(uint64_t x) {
    int32_t whole = x >> 32 ? 63 - ts_clz_u32((uint32_t)(x >> 32)) : 31 - ts_clz_u32((uint32_t)x);
    uint64_t m = whole > 31 ? x >> (whole - 31) : x << (31 - whole);
    int32_t result = whole;
    for (int32_t i = 0; i < 8; i++) {
        m = m * m >> 31;
        result = 2 * result + (m >> 32 ? 1 : 0);
        m >>= m >> 32 ? 1 : 0;
    }
    return result;
}

static int32_t scaled(uint64_t energy, const int32_t *p) {
    energy >>= p[SHIFT];
    if (p[SCALE] == LOG2) {
        return log2_q8(energy + 1);
    }
    uint64_t v = p[SCALE] == ROOT ? ts_sqrt_u64(energy) : energy;
    return v > INT32_MAX ? INT32_MAX : (int32_t)v;
}

// Band energies of `count` segments from `first` on, averaged; energy is (bands).
static void energies(const ts_signal_t *s, const int16_t *x, const int32_t *p, uint32_t first,
    uint32_t count, uint64_t *energy) {
    const int32_t *edge = p + EDGES;
    for (int32_t b = 0; b < p[BANDS]; b++) {
        energy[b] = 0;
    }
    for (uint32_t i = first; i < first + count; i++) {
        uint32_t at = i * (uint32_t)p[STEP];
        int32_t n = ts_min_s32((int32_t)(s->frames - at), p[POINTS]);
        load(x + at, n, p, s->scratch);
        ts_fft_s32(s->scratch, (uint32_t)p[POINTS]);
        for (int32_t b = 0; b < p[BANDS]; b++) {
            energy[b] += band_power(s->scratch, edge[b], edge[b + 1], p[POINTS]);
        }
    }
    for (int32_t b = 0; b < p[BANDS]; b++) {
        energy[b] /= count;
    }
}

// Values are (segments, channels, bands), one segment where they are averaged:
// energy, its root, or 256 * log2(1 + energy).
void ts_block_run_SPECTRUM(ts_signal_t *s, const int32_t *p, ts_sink_t *sink) {
    uint64_t energy[BANDS_MAX];
    uint32_t segments = segments_of(s, p), count = p[FLAGS] & KEEP ? 1 : segments;
    ts_emit_with(sink, p + EDGES + p[BANDS] + 1);
    for (uint32_t first = 0; first < segments; first += count) {
        for (uint32_t c = 0; c < s->channels; c++) {
            energies(s, s->planes + c * s->frames, p, first, count, energy);
            for (int32_t b = 0; b < p[BANDS]; b++) {
                ts_emit(sink, scaled(energy[b], p));
            }
        }
    }
}
