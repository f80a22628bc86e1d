// Helium depthwise convolution.
//
// The taps of a position and channel must lie together for VMLADAV, so columns
// of x are first laid apart: plane c holds, for each column, the bytes of all
// kernel rows. Up to 16 taps and one output per channel are ts_mve_depthwise's,
// whose weights stay in registers; other layers are `several`'s. Sequences (one column, kernel rows without dilation) swap their
// axes: then each row is a column of a plane, and is laid apart once.
#include "mve.h"

#if TS_TARGET == TS_TARGET_MVE && TS_WITH_PACKED_DEPTHWISE_CONV_2D
enum { X, PACKED, Y, SCRATCH };
enum { ACT = 6 };               // of params
enum { CHUNK = 16 };            // channels that one pass lays apart

typedef struct {
    ts_mve_window_t g;
    int32_t channels;           // laid apart at once, a multiple of CHUNK
    int32_t ring;               // columns of x that lie side by side before they wrap
    int32_t swapped;
    int32_t multiplier, blocks; // outputs of a channel, 16-byte blocks of its taps
} layer_t;

static void layer_of(const ts_op_t *op, layer_t *d) {
    ts_mve_window_t *g = &d->g;
    ts_mve_window(op, g);
    d->channels = g->pixels >> 12;
    g->pixels &= 4095;
    d->ring = INT32_MAX;
    d->swapped = g->w.in == 1 && g->w.out == 1 && g->w.kernel == 1 && g->h.dilation == 1;
    d->multiplier = g->outputs / g->channels;
    d->blocks = (g->h.kernel * g->w.kernel + TS_MVE_BLOCK - 1) / TS_MVE_BLOCK;
    if (d->swapped) {
        d->ring = op->t[X]->ring != 0 ? op->t[X]->ring : INT32_MAX;
        g->w = g->h;
        g->h = (ts_axis_t){1, 1, 1, 1, 1, 0};
        g->x_slots = 1;
    }
}

int32_t ts_check_PACKED_DEPTHWISE_CONV_2D(ts_op_t *op) {
    ts_mve_window_t g;
    layer_t d;
    ts_mve_window(op, &g);
    int32_t error = ts_mve_need_window(op, &g);
    if (error != 0) {
        return error;
    }
    layer_of(op, &d);
    int64_t pitch = (int64_t)ts_mve_columns(&d.g, d.g.pixels) * d.g.h.kernel;
    if (d.g.pixels < 1 || d.channels < CHUNK || d.channels % CHUNK != 0
        || pitch * CHUNK > UINT16_MAX || g.outputs % g.channels != 0) {
        return TS_ERR_OP;
    }
    int64_t scratch = pitch * d.channels + TS_MVE_BLOCK;
    int64_t words = ts_mve_words(d.g.outputs, d.blocks * TS_MVE_BLOCK);
    if (scratch > INT32_MAX || words > INT32_MAX) {
        return ts_blame(op, PACKED, TS_ERR_SHAPE);
    }
    error = ts_need_constant(op, PACKED, TS_S32, (int32_t)words);
    return error != 0 ? error : ts_need_scratch(op, SCRATCH, (int32_t)scratch);
}

// Planes in scratch: n columns, of which [before, end) lie inside x.
typedef struct {
    int8_t *to;
    int32_t n, before, end;
    int32_t step, pitch;        // bytes between columns, and between planes
    int32_t x_step;
    int8_t zero;
    int32_t left;               // column of x that is the first
} planes_t;

// n columns of up to 15 channels.
static void put_few(const planes_t *s, int8_t *to, const int8_t *x, int32_t n, int32_t channels) {
    uint16x8_t at = vmulq_n_u16(vidupq_n_u16(0, 1), (uint16_t)s->pitch);
    int32_t step = s->step, x_step = s->x_step, chunk = 8 * s->pitch;
    for (; channels > 0; channels -= 8, x += 8, to += chunk) {
        mve_pred16_t p = vctp16q((uint32_t)channels);
        int8_t *column = to;
        const int8_t *from = x;
        for (int32_t i = n; i > 0; i--, column += step, from += x_step) {
            vstrbq_scatter_offset_p_s16(column, at, vldrbq_z_s16(from, p), p);
        }
    }
}

// n columns of one kernel row, from x, where they lie side by side.
static void put_columns(const planes_t *s, int8_t *to, const int8_t *x, int32_t n,
    int32_t channels) {
    uint16x8_t low = vmulq_n_u16(vidupq_n_u16(0, 1), (uint16_t)s->pitch);
    uint16x8_t high = vaddq_n_u16(low, (uint16_t)(8 * s->pitch));
    int32_t step = s->step, x_step = s->x_step, chunk = CHUNK * s->pitch;
    for (; channels >= CHUNK; channels -= CHUNK, x += CHUNK, to += chunk) {
        int8_t *column = to;
        const int8_t *from = x;
        for (int32_t i = n; i > 0; i--, column += step, from += x_step) {
            vstrbq_scatter_offset_s16(column, low, vldrbq_s16(from));
            vstrbq_scatter_offset_s16(column, high, vldrbq_s16(from + 8));
        }
    }
    put_few(s, to, x, n, channels);
}

// A kernel row outside x.
static void put_padding(const planes_t *s, int8_t *to, int32_t channels) {
    uint16x8_t at = vmulq_n_u16(vidupq_n_u16(0, 1), (uint16_t)s->pitch);
    int16x8_t zero = vdupq_n_s16(s->zero);
    int32_t step = s->step, chunk = 8 * s->pitch, n = s->n;
    for (; channels > 0; channels -= 8, to += chunk) {
        int8_t *column = to;
        for (int32_t i = n; i > 0; i--, column += step) {
            vstrbq_scatter_offset_s16(column, at, zero);
        }
    }
}

// Planes for positions ox .. ox + pixels. The columns outside x stay as they
// are from row to row, so they are written only when others are to come.
static void start_planes(planes_t *s, const layer_t *d, int32_t ox, int32_t pixels) {
    int32_t left = ox * d->g.w.stride - d->g.w.pad, n = ts_mve_columns(&d->g, pixels);
    if (left == s->left && n == s->n) {
        return;
    }
    s->left = left;
    s->n = n;
    s->before = ts_clamp_s32(-left, 0, n);
    s->end = ts_clamp_s32(d->g.w.in - left, s->before, n);
    s->pitch = n * s->step;
    if (s->before > 0 || s->end < n) {
        ts_mve_fill(s->to, s->zero, s->pitch * d->channels);
    }
}

// Kernel row k, which begins at x.
static void put_row(const planes_t *s, const layer_t *d, int32_t k, const int8_t *x,
    int32_t channels) {
    int8_t *to = s->to + k + s->before * s->step;
    for (int32_t i = s->before, n; i < s->end; i += n, to += n * s->step) {
        int32_t column = s->left + i;
        if (d->swapped) {
            column %= d->ring;
        }
        n = ts_min_s32(s->end - i, d->ring - column);
        put_columns(s, to, x + column * s->x_step, n, channels);
    }
}

// Four outputs of one position: x[j] is where the taps of output j begin.
static int32x4_t sums_of(const int8_t *const *x, const int32_t *group, int32_t blocks) {
    int32_t sum[TS_MVE_GROUP];
    for (int32_t j = 0; j < TS_MVE_GROUP; j++) {
        const int8_t *w = (const int8_t *)(group + TS_MVE_PARAMS) + j * TS_MVE_BLOCK;
        const int8_t *taps = x[j];
        sum[j] = group[j];
        for (int32_t i = blocks; i > 0; i--, taps += TS_MVE_BLOCK) {
            sum[j] = vmladavaq_s8(sum[j], vldrbq_s8(taps), vldrbq_s8(w));
            w += TS_MVE_GROUP * TS_MVE_BLOCK;
        }
    }
    return vldrwq_s32(sum);
}

// Any number of taps, and of outputs for each channel.
static void several(const layer_t *d, const ts_mve_depthwise_t *job) {
    const int32_t *group = job->w;
    int32_t outputs = job->channels * d->multiplier;
    for (int32_t c = 0; c < outputs; c += TS_MVE_GROUP) {
        mve_pred16_t left = vctp32q((uint32_t)(outputs - c));
        int32x4_t mult = vldrwq_s32(group + 4), shift = vldrwq_s32(group + 8);
        const int8_t *x[TS_MVE_GROUP];
        int8_t *y = job->y + c;
        for (int32_t j = 0; j < TS_MVE_GROUP; j++) {
            int32_t channel = ts_min_s32((c + j) / d->multiplier, job->channels - 1);
            x[j] = job->x + channel * job->x_pitch;
        }
        for (int32_t i = job->positions; i > 0; i--, y += job->y_pitch) {
            int32x4_t v = vqrdmulhq_s32(sums_of(x, group, d->blocks), mult);
            v = vrshlq_s32(vaddq_s32(v, vshrq_n_s32(vandq_s32(v, shift), 31)), shift);
            v = vminq_s32(vmaxq_s32(v, vdupq_n_s32(job->low)), vdupq_n_s32(job->high));
            vstrbq_p_s32(y, vaddq_n_s32(v, job->zero), left);
            for (int32_t j = 0; j < TS_MVE_GROUP; j++) {
                x[j] += job->x_step;
            }
        }
        group += TS_MVE_PARAMS + d->blocks * TS_MVE_BLOCK;
    }
}

// Positions ox .. ox + pixels of row oy, all channels, to y.
static void positions(const ts_op_t *op, const layer_t *d, planes_t *s, ts_mve_depthwise_t *job,
    int32_t oy, int32_t ox, int32_t pixels) {
    const ts_mve_window_t *g = &d->g;
    int8_t *y = job->y;
    start_planes(s, d, ox, pixels);
    job->positions = pixels;
    job->x_pitch = s->pitch;
    job->w = op->data[PACKED];
    for (int32_t first = 0; first < g->channels; first += d->channels) {
        job->channels = ts_min_s32(d->channels, g->channels - first);
        for (int32_t k = 0; k < g->h.kernel; k++) {
            int32_t iy = oy * g->h.stride - g->h.pad + k * g->h.dilation;
            if (iy >= 0 && iy < g->h.in) {
                put_row(s, d, k, ts_mve_row(g, iy) + first, job->channels);
            } else {
                put_padding(s, s->to + k, job->channels);
            }
        }
        if (d->multiplier == 1 && d->blocks == 1) {
            ts_mve_depthwise(job);
        } else {
            several(d, job);
        }
        job->y += d->channels * d->multiplier;
        job->w += d->channels * d->multiplier / TS_MVE_GROUP
            * (TS_MVE_PARAMS + d->blocks * TS_MVE_BLOCK);
    }
    job->y = y + pixels * g->outputs;
}

static void rows(const ts_op_t *op, const layer_t *d, planes_t *s, ts_mve_depthwise_t *job) {
    int32_t out = d->g.w.out;
    for (int32_t row = op->first; row < op->first + op->count; row++) {
        job->y = ts_row(op, Y, row);
        for (int32_t ox = 0; ox < out; ox += d->g.pixels) {
            positions(op, d, s, job, row, ox, ts_min_s32(d->g.pixels, out - ox));
        }
    }
}

// Rows of sequences are positions; they lie together until y wraps. All channels
// of several rows must be read before the first is written, as y may overlap x.
static void swapped_rows(const ts_op_t *op, const layer_t *d, planes_t *s,
    ts_mve_depthwise_t *job) {
    int32_t end = op->first + op->count, ring = op->t[Y]->ring;
    for (int32_t row = op->first, n; row < end; row += n) {
        n = d->channels >= d->g.channels ? ts_min_s32(d->g.pixels, end - row) : 1;
        n = ring != 0 ? ts_min_s32(n, ring - row % ring) : n;
        job->y = ts_row(op, Y, row);
        positions(op, d, s, job, 0, row, n);
    }
}

// x is (H, W, C), y is (OH, OW, C2), C2 a multiple of C; y may overlap x where the rows interface
// allows.
void ts_run_PACKED_DEPTHWISE_CONV_2D(const ts_op_t *op) {
    layer_t d;
    layer_of(op, &d);
    int32_t zero = op->t[Y]->zero_point;
    ts_mve_depthwise_t job = {.zero = zero, .channels = 0, .x_pitch = 0, .positions = 0,
        .x = op->data[SCRATCH], .x_step = d.g.w.stride * d.g.h.kernel, .y = NULL,
        .w = op->data[PACKED], .y_pitch = d.g.outputs, .low = op->params[ACT] - zero,
        .high = op->params[ACT + 1] - zero};
    planes_t s;
    s.to = op->data[SCRATCH];
    s.left = 0;
    s.n = 0;
    s.step = d.g.h.kernel;
    s.x_step = d.g.channels;
    s.zero = (int8_t)op->t[X]->zero_point;
    if (d.swapped) {
        swapped_rows(op, &d, &s, &job);
    } else {
        rows(op, &d, &s, &job);
    }
}
#endif
