// PACKED_CONV_2D on Arm's DSP extension: the taps of two pixels are widened into
// scratch, then all channels of both are summed from there.
#include "arch.h"

#if TS_TARGET == TS_TARGET_ARMV7EM
#include <string.h>
#include "armv7em.h"

#if TS_WITH_PACKED_CONV_2D
enum { X, STREAM, Y, SCRATCH };
enum { ACT = 6, KERNEL_H = 8, KERNEL_W, KERNEL, EXTRA };
// KERNEL: how x is read; EXTRA: TS_TWICE or TS_GENERAL.
enum {
    POINTWISE = 0,      // 1x1, stride 1: rows that lie together are one
    DIRECT = 1,         // channels, a multiple of 4, from where they lie
    COPIED = 2,         // from copies of the rows with their padding
};

typedef struct {
    const ts_op_t *op;
    ts_axis_t h, w;
    int32_t channels, depth, kernel;
    int32_t run, runs;          // bytes of taps that lie together; how many in a row of taps
    int32_t slots, pitch;       // copies of rows, bytes of each
    ts_dense_t dense;
} ts_conv_t;

// Where the taps of a row of y lie: rows first .. end of the kernel are inside,
// the first of them at base + at; `at` grows by step and wraps at limit.
typedef struct {
    const int8_t *base;
    int32_t at, step, limit, first, end, columns;
} ts_source_t;

TS_APART static void start(ts_conv_t *c, const ts_op_t *op) {
    const int32_t *p = op->params;
    const ts_tensor_t *x = op->t[X], *y = op->t[Y];
    c->op = op;
    c->h = (ts_axis_t){ts_dim(x, 1), ts_dim(y, 1), p[KERNEL_H], p[0], p[2], p[4]};
    c->w = (ts_axis_t){ts_dim(x, 2), ts_dim(y, 2), p[KERNEL_W], p[1], p[3], p[5]};
    c->channels = ts_dim(x, 3);
    c->kernel = p[KERNEL];
    int32_t joined = c->w.dilation == 1;
    c->runs = joined ? 1 : c->w.kernel;
    c->run = joined ? c->w.kernel * c->channels : c->channels;
}

// Bytes of scratch, and the shape of what lies there. 64 bits: a file's numbers.
TS_APART static int64_t scratch_bytes(ts_conv_t *c) {
    int64_t run = ((int64_t)c->run + 3) & ~(int64_t)3, depth = run * c->runs * c->h.kernel;
    int64_t columns = (int64_t)(c->w.out - 1) * c->w.stride
        + (int64_t)(c->w.kernel - 1) * c->w.dilation + 1;
    int64_t pitch = (columns * c->channels + 3 + 3) & ~(int64_t)3;
    int64_t slots = (int64_t)(c->h.kernel - 1) * c->h.dilation + 1;
    if (depth > (1 << 20) || pitch > (1 << 28) || slots * pitch > INT32_MAX / 2) {
        return INT64_MAX;
    }
    int64_t copies = c->kernel == COPIED ? slots * pitch : 0;
    c->run = (int32_t)run;
    c->depth = (int32_t)depth;
    c->slots = (int32_t)slots;
    c->pitch = (int32_t)pitch;
    return 4 * depth + copies;
}

TS_SELDOM static int32_t check_reading(const ts_conv_t *c) {
    int32_t one = c->h.kernel == 1 && c->w.kernel == 1 && c->h.stride == 1 && c->w.stride == 1
        && c->h.pad == 0 && c->w.pad == 0 && c->h.in == c->h.out && c->w.in == c->w.out;
    switch (c->kernel) {
    case POINTWISE:
        return one ? 0 : TS_ERR_OP;
    case DIRECT:
        return c->channels % 4 == 0 ? 0 : TS_ERR_OP;
    default:
        return c->kernel == COPIED ? 0 : TS_ERR_OP;
    }
}

TS_SELDOM int32_t ts_check_PACKED_CONV_2D(ts_op_t *op) {
    ts_conv_t c;
    int32_t error = ts_need_type(op, X, TS_S8), finish = op->params[EXTRA];
    error = error != 0 ? error : ts_need_type(op, Y, TS_S8);
    if (error != 0) {
        return error;
    }
    start(&c, op);
    if (op->t[X]->dims[0] != op->t[Y]->dims[0] || !ts_axis_ok(&c.h) || !ts_axis_ok(&c.w)) {
        return ts_blame(op, Y, TS_ERR_SHAPE);
    }
    if (!ts_act_ok(op->params + ACT) || (finish != TS_TWICE && finish != TS_GENERAL)
        || (int64_t)c.w.kernel * c.channels > (1 << 20)) {
        return TS_ERR_OP;
    }
    int64_t scratch = scratch_bytes(&c);
    error = check_reading(&c);
    error = error == 0 && scratch > INT32_MAX ? ts_blame(op, Y, TS_ERR_SHAPE) : error;
    error = error != 0 ? error : ts_need_stream(op, STREAM, c.depth, ts_dim(op->t[Y], 3), finish);
    return error != 0 ? error : ts_need_scratch(op, SCRATCH, (int32_t)scratch);
}

TS_APART static void clamp_rows(const ts_op_t *op) {
    const int32_t *act = op->params + ACT;
    if (act[0] == INT8_MIN && act[1] == INT8_MAX) {
        return;
    }
    for (int32_t row = op->first; row < op->first + op->count; row++) {
        ts_clamp_s8(ts_row(op, Y, row), ts_row_bytes(op->t[Y]), act[0], act[1]);
    }
}

// Two pixels after two; the last of an odd row goes with the first of the next.
static void run_pointwise(const ts_op_t *op) {
    int32_t together = op->t[X]->ring == 0 && op->t[Y]->ring == 0, *wide = op->data[SCRATCH];
    int32_t step = together ? op->count : 1, k = ts_dim(op->t[X], 3), outputs = ts_dim(op->t[Y], 3);
    const int8_t *held_x = NULL;
    int8_t *held_y = NULL;
    ts_dense_t dense;
    ts_dense_start(&dense, op->data[STREAM], ts_round_up4(k), outputs, op->params[EXTRA]);
    for (int32_t row = op->first; row < op->first + op->count; row += step) {
        const int8_t *x = ts_row(op, X, row);
        int8_t *y = ts_row(op, Y, row);
        int32_t n = step * ts_dim(op->t[Y], 2);
        if (held_x != NULL) {
            ts_widen2(held_x, x, wide, k);
            dense.two.pitch = (int32_t)(y - held_y);
            ts_dense_2(&dense, wide, held_y);
            dense.two.pitch = outputs;
            x += k;
            y += outputs;
            n--;
        }
        for (; n >= 2; n -= 2, x += 2 * k, y += 2 * outputs) {
            ts_widen2(x, x + k, wide, k);
            ts_dense_2(&dense, wide, y);
        }
        held_x = n != 0 ? x : NULL;
        held_y = y;
    }
    if (held_x != NULL) {
        ts_widen1(held_x, wide, k, 4);
        ts_dense_1(&dense, wide, held_y);
    }
    clamp_rows(op);
}

static inline void put_words(int8_t *to, const int8_t *end, uint32_t word) {
    for (; to < end; to += 4) {
        memcpy(to, &word, 4);
    }
}

// Copies n bytes between padding; from NULL: a row of nothing else.
static inline void copy_row(int8_t *to, int32_t pitch, uint32_t zeros, const int8_t *from,
    int32_t before, int32_t n) {
    if (from == NULL) {
        put_words(to, to + pitch, zeros);
        return;
    }
    put_words(to, to + before, zeros);
    put_words(to + ((before + n) & ~3), to + pitch, zeros);
    to += before;
    const int8_t *end = from + n, *words = from + (n & ~3);
    for (; from < words; from += 4, to += 4) {
        memcpy(to, from, 4);
    }
    while (from < end) {
        *to++ = *from++;
    }
}

// Rows first .. top + reach of x are copied; those from top on were, before first.
TS_APART static void source_of_copies(const ts_conv_t *c, ts_source_t *s, int32_t first, int32_t top) {
    const ts_tensor_t *x = c->op->t[X];
    int8_t *copies = (int8_t *)((int32_t *)c->op->data[SCRATCH] + c->depth);
    int32_t row = ts_max_s32(first, top), end = top + (c->h.kernel - 1) * c->h.dilation;
    int32_t before = c->w.pad * c->channels, bytes = ts_row_bytes(x);
    int32_t n = ts_min_s32(c->pitch - before, bytes), slot = (row + c->slots) % c->slots;
    uint32_t zeros = 0x01010101u * (uint8_t)x->zero_point;
    int32_t pitch = c->pitch, held = x->ring != 0 ? (int32_t)x->ring : INT32_MAX, at = ts_max_s32(row, 0) % held;
    for (; row <= end; row++) {
        int32_t inside = row >= 0 && row < c->h.in;
        const int8_t *from = (const int8_t *)c->op->data[X] + at * bytes;
        copy_row(copies + slot * pitch, pitch, zeros, inside ? from : NULL, before, n);
        slot = slot + 1 == c->slots ? 0 : slot + 1;
        at = !inside ? at : at + 1 == held ? 0 : at + 1;
    }
    at = (top + c->slots) % c->slots * c->pitch;
    *s = (ts_source_t){copies, at, c->h.dilation * c->pitch, c->slots * c->pitch, 0,
        c->h.kernel, INT32_MAX};
}

// x as it lies, in a ring or whole.
static void source_of_x(const ts_conv_t *c, ts_source_t *s, int32_t top) {
    const ts_tensor_t *x = c->op->t[X];
    int32_t bytes = ts_row_bytes(x), ring = (int32_t)x->ring;
    s->base = c->op->data[X];
    s->columns = c->w.in;
    ts_axis_taps(&c->h, top, &s->first, &s->end);
    int32_t row = top + s->first * c->h.dilation;
    s->at = (ring != 0 ? row % ring : row) * bytes;
    int32_t next = c->h.dilation < c->h.in ? c->h.dilation : 0;     // else no second row is inside
    s->step = (ring != 0 ? next % ring : next) * bytes;
    s->limit = ring != 0 ? ring * bytes : INT32_MAX;
}

static inline int32_t next_at(const ts_source_t *s, int32_t at) {
    at += s->step;
    return at >= s->limit ? at - s->limit : at;
}

// Widens n bytes of padding, a multiple of 4; step as for ts_widen1.
TS_APART static int32_t *fill(const ts_conv_t *c, int32_t *out, int32_t n, int32_t step) {
    int32_t zero = c->op->t[X]->zero_point, word = (int32_t)((uint32_t)zero << 16)
        | (int32_t)(uint16_t)zero;
    int32_t next = step / 4;
    for (; n >= 16; n -= 16, out += 8 * next) {
        out[0] = out[next] = out[2 * next] = out[3 * next] = word;
        out[4 * next] = out[5 * next] = out[6 * next] = out[7 * next] = word;
    }
    for (; n > 0; n -= 4, out += 2 * next) {
        out[0] = out[next] = word;
    }
    return out;
}

static int32_t *widen_or_fill(const ts_conv_t *c, const int8_t *x, int32_t inside, int32_t *out,
    int32_t n, int32_t step) {
    return inside ? ts_widen1(x, out, n, step) : fill(c, out, n, step);
}

// Columns [first, end) of a row of taps from column `left` on that lie inside.
typedef struct {
    int32_t first, end;
} ts_span_t;

static ts_span_t span(const ts_conv_t *c, const ts_source_t *s, int32_t left) {
    int32_t first = ts_clamp_s32(-left, 0, c->w.kernel);
    return (ts_span_t){first, ts_clamp_s32(s->columns - left, first, c->w.kernel)};
}

// Taps at x and x + away, n bytes of each; 0 where one lies outside.
static int32_t *gather_taps(const ts_conv_t *c, const int8_t *x, int32_t away, int32_t in0,
    int32_t in1, int32_t *out, int32_t n) {
    if (in0 && in1) {
        return ts_widen2(x, x + away, out, n);
    }
    widen_or_fill(c, x, in0, out, n, 8);
    widen_or_fill(c, x + away, in1, out + 1, n, 8);
    return out + n;
}

// A row of taps of two pixels, column by column.
TS_SELDOM static int32_t *gather_columns(const ts_conv_t *c, const ts_source_t *s, const int8_t *x,
    int32_t left, int32_t *out) {
    int32_t right = left + c->w.stride, away = c->w.stride * c->channels;
    x += left * c->channels;
    for (int32_t i = 0; i < c->w.kernel; i++) {
        int32_t in0 = left >= 0 && left < s->columns, in1 = right >= 0 && right < s->columns;
        out = gather_taps(c, x, away, in0, in1, out, ts_round_up4(c->channels));
        left += c->w.dilation;
        right += c->w.dilation;
        x += c->w.dilation * c->channels;
    }
    return out;
}

// The same where taps lie together: padding, columns of one, of both, of one, padding.
static int32_t *gather_spans(const ts_conv_t *c, const int8_t *x, int32_t left, ts_span_t p,
    ts_span_t q, int32_t *out) {
    int32_t k = c->channels, away = c->w.stride * k;
    x += left * k;
    if (q.first > 0) {
        out = fill(c, out, 2 * q.first * k, 4);
    }
    if (p.first > q.first) {
        out = gather_taps(c, x + q.first * k, away, 0, 1, out, (p.first - q.first) * k);
    }
    if (q.end > p.first) {
        out = ts_widen2(x + p.first * k, x + p.first * k + away, out, (q.end - p.first) * k);
    }
    if (p.end > q.end) {
        out = gather_taps(c, x + q.end * k, away, 1, 0, out, (p.end - q.end) * k);
    }
    return p.end < c->w.kernel ? fill(c, out, 2 * (c->w.kernel - p.end) * k, 4) : out;
}

// Rows of taps of two pixels whose columns all lie inside.
static int32_t *widen_rows(const ts_conv_t *c, const ts_source_t *s, int32_t left, int32_t *out) {
    ts_rows_t g = {c->run, s->end - s->first, s->step};
    int32_t at = s->at, rows = g.rows, away = c->w.stride * c->channels;
    const int8_t *x = s->base + left * c->channels;
    while (at + (rows - 1) * s->step >= s->limit) {     // rows up to the end of the ring
        g.rows = (s->limit - 1 - at) / s->step + 1;
        out = ts_widen2_rows(x + at, away, out, &g);
        at += g.rows * s->step - s->limit;
        rows -= g.rows;
    }
    g.rows = rows;
    return rows > 0 ? ts_widen2_rows(x + at, away, out, &g) : out;
}

// All taps of the pixels whose first columns are left and left + stride.
static void gather2(const ts_conv_t *c, const ts_source_t *s, int32_t left) {
    int32_t *out = c->op->data[SCRATCH], row_bytes = 2 * c->run * c->runs;
    if (s->first > 0) {
        out = fill(c, out, s->first * row_bytes, 4);
    }
    if (c->runs == 1 && left >= 0 && left + c->w.stride + c->w.kernel <= s->columns) {
        out = widen_rows(c, s, left, out);
    } else {
        ts_span_t p = span(c, s, left), q = span(c, s, left + c->w.stride);
        int32_t spans = c->runs == 1 && p.first <= q.end;
        for (int32_t r = s->first, at = s->at; r < s->end; r++, at = next_at(s, at)) {
            out = spans ? gather_spans(c, s->base + at, left, p, q, out)
                : gather_columns(c, s, s->base + at, left, out);
        }
    }
    if (s->end < c->h.kernel) {
        fill(c, out, (c->h.kernel - s->end) * row_bytes, 4);
    }
}

TS_SELDOM static void gather1(const ts_conv_t *c, const ts_source_t *s, int32_t left) {
    int32_t *out = c->op->data[SCRATCH], k = c->channels, row_bytes = c->run * c->runs;
    ts_span_t p = span(c, s, left);
    out = fill(c, out, s->first * row_bytes, 4);
    for (int32_t r = s->first, at = s->at; r < s->end; r++, at = next_at(s, at)) {
        const int8_t *x = s->base + at + left * k;
        if (c->runs == 1 && p.first == 0 && p.end == c->w.kernel) {
            out = ts_widen1(x, out, c->run, 4);
        } else if (c->runs == 1) {
            out = fill(c, out, p.first * k, 4);
            out = widen_or_fill(c, x + p.first * k, 1, out, (p.end - p.first) * k, 4);
            out = fill(c, out, (c->w.kernel - p.end) * k, 4);
        } else {
            for (int32_t i = 0, at_x = left; i < c->runs; i++, at_x += c->w.dilation) {
                int32_t inside = at_x >= 0 && at_x < s->columns;
                out = widen_or_fill(c, x + i * c->w.dilation * k, inside, out, c->run, 4);
            }
        }
    }
    fill(c, out, (c->h.kernel - s->end) * row_bytes, 4);
}

static void run_rows(const ts_conv_t *c) {
    const ts_op_t *op = c->op;
    int32_t *wide = op->data[SCRATCH], outputs = ts_dim(op->t[Y], 3);
    int32_t pad = c->kernel == COPIED ? 0 : c->w.pad, reach = (c->h.kernel - 1) * c->h.dilation;
    int32_t first = INT32_MIN;      // row of x that is not copied
    for (int32_t row = op->first; row < op->first + op->count; row++) {
        int32_t top = row * c->h.stride - c->h.pad, column = 0;
        int8_t *to = ts_row(op, Y, row);
        ts_source_t s;
        if (c->kernel == COPIED) {
            source_of_copies(c, &s, first, top);
            first = top + reach + 1;
        } else {
            source_of_x(c, &s, top);
        }
        for (; column + 1 < c->w.out; column += 2, to += 2 * outputs) {
            gather2(c, &s, column * c->w.stride - pad);
            ts_dense_2(&c->dense, wide, to);
        }
        if (column < c->w.out) {
            gather1(c, &s, column * c->w.stride - pad);
            ts_dense_1(&c->dense, wide, to);
        }
    }
    clamp_rows(op);
}

// x is (H, W, Ci), y is (OH, OW, Co).
void ts_run_PACKED_CONV_2D(const ts_op_t *op) {
    ts_conv_t c;
    int32_t outputs = ts_dim(op->t[Y], 3), finish = op->params[EXTRA];
    if (op->params[KERNEL] == POINTWISE) {
        run_pointwise(op);
        return;
    }
    start(&c, op);
    scratch_bytes(&c);
    ts_dense_start(&c.dense, op->data[STREAM], c.depth, outputs, finish);
    run_rows(&c);
}
#endif
#endif
