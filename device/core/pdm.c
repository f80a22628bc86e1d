// A PDM microphone's bits to samples: a CIC (chained integrators, then as many
// differences at the lower rate; Hogenauer 1981), a half-band filter where four
// is to be divided by, and a filter that undoes the CIC's droop and halves the
// rate. Integers only: the CIC is exact modulo 2^32, samples between the filters
// have 16 bits, which costs 2 dB of the 98 that the output's own 16 bits allow.
#include <string.h>
#include "fixed.h"
#include "pdm_taps.h"
#include "ts.h"

enum {
    CIC_ORDER_MIN = 3, CIC_ORDERS = TS_PDM_ORDER_MAX - CIC_ORDER_MIN + 1,
    CIC_BYTES_MAX = 8,
    TAPS_SHIFT = 14,            // of the filters' taps
    CIC_BITS = 20,              // of full scale, between CIC and gain
    GAIN_BITS = 10,             // of its mantissa: the product has 31
    GAIN_SHIFT = 8,
    HALF_WINDOW = TS_PDM_HALF_WINDOW, HALF_MIDDLE = HALF_WINDOW / 2,
    SETTLE_FRAMES = 48,         // longer than all filters together
};

// Its parameter `order` is a constant where it is called: one copy for each, without conditions.
#if defined(__GNUC__)
#define FOR_EACH_ORDER inline __attribute__((always_inline))
#else
#define FOR_EACH_ORDER inline
#endif

// ---- The CIC ----

// Eight bits through the integrators at once: each grows by what the others
// held before (binomial coefficients) and by what the bits themselves add.
static FOR_EACH_ORDER void integrate(uint32_t *s, int order, uint32_t sums, uint32_t fifth) {
    if (order > 4) {
        s[4] += 8 * s[3] + 36 * s[2] + 120 * s[1] + 330 * s[0] + fifth;
    }
    if (order > 3) {
        s[3] += 8 * s[2] + 36 * s[1] + 120 * s[0] + (sums & 0x1FF);
    }
    s[2] += 8 * s[1] + 36 * s[0] + (sums >> 9 & 0x7F);
    s[1] += 8 * s[0] + (sums >> 16 & 0x3F);
    s[0] += sums >> 22;
}

// n bytes of raw from byte `at` on into the integrators, for one order.
static FOR_EACH_ORDER void integrate_bytes(ts_pdm_t *p, const uint8_t *raw, size_t at, size_t n,
    int order) {
    uint32_t s[TS_PDM_ORDER_MAX] = {0};
    const uint32_t *sums = nibble_sums + 32 * p->lsb_first;
    const uint16_t *fifth = nibble_fifth + 32 * p->lsb_first;
    size_t flip = p->flip;
    for (int i = 0; i < order; i++) {
        s[i] = p->sums[i];
    }
    for (size_t end = at + n; at != end; at++) {
        uint32_t byte = raw[at ^ flip], low = byte & 15, high = 16 + (byte >> 4);
        integrate(s, order, sums[low] + sums[high],
            order > 4 ? (uint32_t)fifth[low] + fifth[high] : 0);
    }
    for (int i = 0; i < order; i++) {
        p->sums[i] = s[i];
    }
}

static void integrate_any(ts_pdm_t *p, const uint8_t *raw, size_t at, size_t n) {
    if (p->order == 3) {
        integrate_bytes(p, raw, at, n, 3);
    } else if (p->order == 4) {
        integrate_bytes(p, raw, at, n, 4);
    } else {
        integrate_bytes(p, raw, at, n, 5);
    }
}

// The differences: what the CIC makes of the bits since, -2^bits .. 2^bits.
static inline int32_t differences(ts_pdm_t *p) {
    uint32_t v = p->sums[p->order - 1];
    for (uint32_t *delay = p->delays, *end = delay + p->order; delay != end; delay++) {
        uint32_t before = *delay;
        *delay = v;
        v -= before;
    }
    return (int32_t)(2 * v - ((uint32_t)1 << p->bits));
}

static inline int32_t clip(ts_pdm_t *p, int32_t v) {
    if (v == (int16_t)v) {
        return v;
    }
    p->clipped++;
    return v < 0 ? INT16_MIN : INT16_MAX;
}

// ---- The filters behind it ----

// Each takes a sample into its window and makes one for every second that comes: 1 with *x
// replaced, else 0. A window is written twice, so that it lies in one piece from any place on.

static inline int32_t half_band(ts_pdm_t *p, int32_t *x) {
    uint32_t at = p->half_at;
    p->half[at] = p->half[at + HALF_WINDOW] = (int16_t)*x;
    p->half_at = (uint8_t)((at + 1) % HALF_WINDOW);
    if (at % 2 == 0) {
        return 0;
    }
    const int16_t *middle = p->half + p->half_at + HALF_MIDDLE;
    int32_t sum = (1 << (TAPS_SHIFT - 1)) * (middle[0] + 1);        // one half, and rounding
    sum += half_taps[0] * (middle[1] + middle[-1]);
    sum += half_taps[1] * (middle[3] + middle[-3]);
    sum += half_taps[2] * (middle[5] + middle[-5]);
    sum += half_taps[3] * (middle[7] + middle[-7]);
    *x = clip(p, sum >> TAPS_SHIFT);
    return 1;
}

static inline int32_t last_filter(ts_pdm_t *p, int32_t *x) {
    uint32_t at = p->last_at;
    p->last[at] = p->last[at + LAST_TAPS] = (int16_t)*x;
    p->last_at = (uint8_t)((at + 1) % LAST_TAPS);
    if (at % 2 == 0) {
        return 0;
    }
    const int16_t *taps = last_taps[(p->factor / 4) * CIC_ORDERS + p->order - CIC_ORDER_MIN];
    const int16_t *a = p->last + p->last_at, *b = a + LAST_TAPS;
    int32_t sum = 1 << (TAPS_SHIFT - 1);
    for (const int16_t *end = taps + LAST_TAPS / 2; taps != end; taps += 4, a += 4) {
        b -= 4;
        sum += taps[0] * (a[0] + b[3]);
        sum += taps[1] * (a[1] + b[2]);
        sum += taps[2] * (a[2] + b[1]);
        sum += taps[3] * (a[3] + b[0]);
    }
    *x = clip(p, sum >> TAPS_SHIFT);
    return 1;
}

// ---- Together ----

int32_t ts_pdm_init(ts_pdm_t *p, int32_t order, int32_t cic, int32_t factor, int32_t bit_order,
    int32_t gain) {
    int32_t log2 = 31 - ts_clz_u32((uint32_t)cic);
    if (order < CIC_ORDER_MIN || order > TS_PDM_ORDER_MAX || cic < 8 || cic > 8 * CIC_BYTES_MAX
        || cic != 1 << log2 || (factor != 2 && factor != 4) || bit_order < TS_PDM_MSB_FIRST
        || bit_order > TS_PDM_WORDS || gain < 1 || gain > UINT16_MAX) {
        return TS_ERR_ARGUMENT;
    }
    memset(p, 0, sizeof(*p));
    p->order = (uint8_t)order;
    p->bits = (uint8_t)(order * log2);
    p->cic_bytes = (uint8_t)(cic / 8);
    p->factor = (uint8_t)factor;
    p->lsb_first = bit_order == TS_PDM_LSB_FIRST;
    p->flip = bit_order == TS_PDM_WORDS ? 3 : 0;
    int32_t up = GAIN_BITS - (32 - ts_clz_u32((uint32_t)gain));     // gain to its mantissa
    p->mantissa = (uint16_t)(up >= 0 ? gain << up : gain >> -up);
    p->gain_shift = (uint8_t)(CIC_BITS - 15 + GAIN_SHIFT + up);
    // As if there had been silence before: no step from the first bits.
    uint8_t silence[4];
    int16_t nothing[2];         // frames that four bytes make at most
    memset(silence, p->lsb_first ? 0xAA : 0x55, sizeof(silence));
    for (int32_t i = SETTLE_FRAMES * cic * factor / 32; i > 0; i--) {
        ts_pdm_run_s16(p, silence, sizeof(silence), nothing);
    }
    p->clipped = 0;
    return 0;
}

uint32_t ts_pdm_frames(const ts_pdm_t *p, size_t n) {
    size_t per_frame = (size_t)p->cic_bytes * p->factor;
    return (uint32_t)((p->held + n) / per_frame);
}

// What the integrators hold through gain and filters: 1 where a frame comes out in *y.
static inline int32_t filter(ts_pdm_t *p, int32_t *y) {
    int32_t x = differences(p), shift = p->bits - CIC_BITS;
    x = (shift > 0 ? x >> shift : x * (1 << -shift)) * p->mantissa;
    *y = clip(p, (x + (1 << (p->gain_shift - 1))) >> p->gain_shift);
    if (p->factor == 4 && !half_band(p, y)) {
        return 0;
    }
    return last_filter(p, y);
}

int32_t ts_pdm_run_s16(ts_pdm_t *p, const uint8_t *raw, size_t n, int16_t *out) {
    if (p->flip != 0 && n % 4 != 0) {
        return TS_ERR_ARGUMENT;
    }
    int16_t *to = out;
    uint32_t part = p->held % p->cic_bytes;     // bytes of the CIC's sample that were there
    for (size_t at = 0; at != n;) {
        size_t want = p->cic_bytes - part, take = want < n - at ? want : n - at;
        int32_t y;
        integrate_any(p, raw, at, take);
        at += take;
        p->held += (uint32_t)take;
        part = 0;
        if (take == want && filter(p, &y)) {
            *to++ = (int16_t)y;
            p->held = 0;
        }
    }
    return (int32_t)(to - out);
}
