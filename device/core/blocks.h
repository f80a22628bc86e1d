// Inside the core: one block of a feature program, and what every block file
// uses. blocks.def gives each block two functions:
//   ts_block_check_<BLOCK>  at load: parameters against the signal's shape;
//                           tells what the block changes, emits and needs
//   ts_block_run_<BLOCK>    computes. No checks; cannot fail.
// A block either changes the signal or emits values from it.
#ifndef TS_BLOCKS_H
#define TS_BLOCKS_H
#include "fixed.h"
#include "ts.h"

enum { TS_WINDOW_MAX = 8192, TS_BLOCKS_MAX = 16, TS_QUANT_WORDS = 3 };

// The signal on its way through the program: planes of int16, one for each
// channel, (channels, frames). While checking there are only the shapes.
typedef struct {
    uint32_t channels, frames;
    uint32_t values;            // that the blocks before emitted
    int16_t *planes;
    int32_t *scratch;           // as many bytes as the block asked for
    void *state;                // likewise, kept from window to window; zeros after a reset
} ts_signal_t;

// What a check reports beside the new shape.
typedef struct {
    uint32_t emits;             // values
    uint32_t scratch_bytes;     // multiple of 4
    uint32_t state_bytes;       // multiple of 4
    uint32_t own_params;        // words before the quantisation
} ts_needs_t;

// Where values go: as they are, or quantised by the entries in turn.
typedef struct {
    int32_t *values;            // NULL to quantise
    int8_t *out;
    const int32_t *entry, *first, *end;     // (offset, mult, shift) each
    int32_t zero_point;
    int32_t gathering;          // 1: the input is not due yet
} ts_sink_t;

enum {
#define X(NAME, kind) TS_BLOCK_##NAME = kind,
#include "blocks.def"
#undef X
};

#define X(NAME, kind) \
    int32_t ts_block_check_##NAME(ts_signal_t *s, const int32_t *p, uint32_t n_params, \
        ts_needs_t *needs); \
    void ts_block_run_##NAME(ts_signal_t *s, const int32_t *p, ts_sink_t *sink);
#include "blocks.def"
#undef X

// The next value: saturate(round((value - offset) * mult / 2^31 * 2^shift) +
// zero point), halves up.
static inline void ts_emit(ts_sink_t *sink, int32_t value) {
    if (sink->values != NULL) {
        *sink->values++ = value;
        return;
    }
    const int32_t *e = sink->entry;
    int32_t scaled = ts_scale_once(ts_sat_s32((int64_t)value - e[0]), e[1], e[2]);
    *sink->out++ = ts_finish_s8(scaled, sink->zero_point, INT8_MIN, INT8_MAX);
    sink->entry = e + TS_QUANT_WORDS == sink->end ? sink->first : e + TS_QUANT_WORDS;
}

// Takes the entries at q (zero point, count, entries) for what follows.
static inline void ts_emit_with(ts_sink_t *sink, const int32_t *q) {
    sink->zero_point = q[0];
    sink->first = sink->entry = q + 2;
    sink->end = q + 2 + q[1] * TS_QUANT_WORDS;
}

static inline int32_t ts_param_ok(int32_t x, int32_t low, int32_t high) {
    return low <= x && x <= high;
}

// ---- rows.c ----

enum { TS_ROWS_MAX = 1024 };
// Where the row of the window that comes now belongs, in the state of a block ROWS.
int8_t *ts_rows_place(const ts_signal_t *s, const int32_t *p);
// The rows, oldest first.
void ts_rows_copy(const ts_signal_t *s, const int32_t *p, int8_t *out);

// ---- fft.c ----

enum { TS_FFT_MIN = 32, TS_FFT_MAX = 1024 };

// sin(phase) * 2^15; a turn is 2^32. Exact in steps of 2^22, between them interpolated.
#define TS_TURN_HALF (1u << 31)
int32_t ts_sin_q15(uint32_t phase);
// In place: x is n real numbers, n a power of two; becomes twice their
// spectrum as re, im pairs 0 .. n/2 - 1, the imaginary part of the first
// holding the real bin n/2. The sum of |x| may be 2^29 at most.
void ts_fft_s32(int32_t *x, uint32_t n);

#endif
