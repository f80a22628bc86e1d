// Cascaded second-order sections, direct form I:
//   y = b0 x + b1 x1 + b2 x2 - a1 y1 - a2 y2
// coefficients in Q28, values with 12 fractional bits through all sections.
#include "blocks.h"

enum { COUNT, SECTIONS };               // parameters
enum { B0, B1, B2, A1, A2, SECTION_WORDS };
enum { SECTIONS_MAX = 8, ONE_Q28 = 1 << 28, FRACTION = 12 };
enum { LIMIT = 1 << 30 };               // of coefficients and values: five
                                        // products then stay within 63 bits

typedef struct {
    int32_t x1, x2, y1, y2;
} state_t;

// Coefficients within +-4 and poles inside the unit circle.
static int32_t section_ok(const int32_t *c) {
    for (int32_t i = 0; i < SECTION_WORDS; i++) {
        if (!ts_param_ok(c[i], -LIMIT, LIMIT)) {
            return 0;
        }
    }
    int32_t rest = ONE_Q28 + c[A2];
    return ts_param_ok(c[A2], 1 - ONE_Q28, ONE_Q28 - 1) && -rest < c[A1] && c[A1] < rest;
}

int32_t ts_block_check_IIR(ts_signal_t *s, const int32_t *p, uint32_t n_params,
    ts_needs_t *needs) {
    (void)s;
    if (n_params < 1 || !ts_param_ok(p[COUNT], 1, SECTIONS_MAX)
        || n_params != 1 + (uint32_t)p[COUNT] * SECTION_WORDS) {
        return TS_ERR_FEATURES;
    }
    for (int32_t i = 0; i < p[COUNT]; i++) {
        if (!section_ok(p + SECTIONS + i * SECTION_WORDS)) {
            return TS_ERR_FEATURES;
        }
    }
    needs->own_params = n_params;
    return 0;
}

static int32_t limited(int64_t y) {
    return (int32_t)(y < -LIMIT ? -LIMIT : y > LIMIT ? LIMIT : y);
}

// The state in which x has been coming in for ever; returns what comes out.
static int32_t settle(const int32_t *c, state_t *s, int32_t x) {
    int64_t gain = (int64_t)c[B0] + c[B1] + c[B2];
    int64_t rest = (int64_t)ONE_Q28 + c[A1] + c[A2];
    s->x1 = s->x2 = x;
    s->y1 = s->y2 = limited(ts_div_round_s64(gain * x, rest));
    return s->y1;
}

static int32_t step(const int32_t *c, state_t *s, int32_t x) {
    int64_t sum = (int64_t)c[B0] * x + (int64_t)c[B1] * s->x1 + (int64_t)c[B2] * s->x2
        - (int64_t)c[A1] * s->y1 - (int64_t)c[A2] * s->y2;
    int32_t y = limited((sum + ONE_Q28 / 2) >> 28);
    s->x2 = s->x1;
    s->x1 = x;
    s->y2 = s->y1;
    s->y1 = y;
    return y;
}

// Every channel starts settled on its first frame, so that a window shows no
// step at its beginning.
void ts_block_run_IIR(ts_signal_t *s, const int32_t *p, ts_sink_t *sink) {
    (void)sink;
    state_t states[SECTIONS_MAX];
    int16_t *x = s->planes;
    for (uint32_t c = 0; c < s->channels; c++) {
        int32_t v = *x * (1 << FRACTION);
        for (int32_t i = 0; i < p[COUNT]; i++) {
            v = settle(p + SECTIONS + i * SECTION_WORDS, &states[i], v);
        }
        for (int16_t *end = x + s->frames; x != end; x++) {
            v = *x * (1 << FRACTION);
            for (int32_t i = 0; i < p[COUNT]; i++) {
                v = step(p + SECTIONS + i * SECTION_WORDS, &states[i], v);
            }
            *x = ts_sat_s16(ts_shr_round(v, FRACTION));
        }
    }
}
