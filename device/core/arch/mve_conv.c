// Helium convolutions with all channels in one group, and the window that
// depthwise convolutions share with them.
#include "mve.h"

#if TS_TARGET == TS_TARGET_MVE
enum { X, PACKED, Y, SCRATCH };
enum { ACT = 6, KERNEL_H = 8, KERNEL_W, KERNEL, EXTRA };    // of params
enum { SIDE_END = 1 << 12 };    // kernels, strides, positions at once are below

void ts_mve_window(const ts_op_t *op, ts_mve_window_t *g) {
    const int32_t *p = op->params;
    const ts_tensor_t *x = op->t[X], *y = op->t[Y];
    g->h = (ts_axis_t){ts_dim(x, 1), ts_dim(y, 1), p[KERNEL_H], p[0], p[2], p[4]};
    g->w = (ts_axis_t){ts_dim(x, 2), ts_dim(y, 2), p[KERNEL_W], p[1], 1, p[5]};
    if (g->w.kernel > 1 && g->w.kernel < SIDE_END && ts_between(p[3], 1, SIDE_END)) {
        g->w.kernel = (g->w.kernel - 1) * p[3] + 1;
    }
    g->channels = ts_dim(x, 3);
    g->outputs = ts_dim(y, 3);
    g->pixels = p[EXTRA];
    g->x = op->data[X];
    g->x_pitch = g->w.in * g->channels;
    g->x_slots = x->ring != 0 ? x->ring : g->h.in;
}

int32_t ts_mve_need_window(ts_op_t *op, const ts_mve_window_t *g) {
    const int32_t *p = op->params;
    int32_t error = ts_need_type(op, X, TS_S8);
    error = error != 0 ? error : ts_need_type(op, Y, TS_S8);
    if (error != 0) {
        return error;
    }
    if (ts_dim(op->t[X], 0) != ts_dim(op->t[Y], 0) || !ts_axis_ok(&g->h) || !ts_axis_ok(&g->w)) {
        return ts_blame(op, Y, TS_ERR_SHAPE);
    }
    return ts_act_ok(p + ACT) && p[KERNEL] == 0 && g->pixels >= 1 && ts_between(p[3], 1, SIDE_END)
        && g->w.kernel < SIDE_END && g->h.kernel < SIDE_END && g->w.stride < SIDE_END
        && g->channels < 1 << 16 ? 0 : TS_ERR_OP;
}

#if TS_WITH_PACKED_CONV_2D
int32_t ts_check_PACKED_CONV_2D(ts_op_t *op) {
    ts_mve_window_t g;
    ts_mve_window(op, &g);
    int32_t error = ts_mve_need_window(op, &g);
    if (error != 0 || g.pixels >= SIDE_END) {
        return error != 0 ? error : TS_ERR_OP;
    }
    int64_t column = (int64_t)g.h.kernel * g.channels;
    int64_t words = ts_mve_words(g.outputs, g.w.kernel * column);
    int64_t strip = ts_mve_columns(&g, g.pixels) * column + TS_MVE_BLOCK;
    if (words > INT32_MAX || strip > INT32_MAX || column * g.w.stride > INT32_MAX) {
        return ts_blame(op, PACKED, TS_ERR_SHAPE);
    }
    error = ts_need_constant(op, PACKED, TS_S32, (int32_t)words);
    return error != 0 ? error : ts_need_scratch(op, SCRATCH, (int32_t)strip);
}

// Columns of x side by side, each with the taps of all kernel rows: the patch
// of a position lies together, and that of the next `stride` columns further.
typedef struct {
    int8_t *to;
    int32_t column;             // bytes of a column: kernel rows * channels
    int32_t channels, zero;
    int32_t groups;             // columns in one scattered store, 0: copied one by one
    uint8x16_t offsets;         // of their bytes
    int32_t left, n;            // columns that are there: of x, and how many
} strip_t;

static void start_strip(strip_t *s, const ts_op_t *op, const ts_mve_window_t *g) {
    int32_t channels = g->channels, column = g->h.kernel * channels;
    s->to = op->data[SCRATCH];
    s->channels = channels;
    s->column = column;
    s->zero = op->t[X]->zero_point;
    s->left = 0;
    s->n = 0;
    s->groups = 0;
    s->offsets = vidupq_n_u8(0, 1);
    if (channels > TS_MVE_BLOCK || g->h.kernel == 1) {
        return;
    }
    s->groups = ts_min_s32(TS_MVE_BLOCK / channels, 1 + (256 - channels) / column);
    for (int32_t i = 1; i < s->groups; i++) {
        mve_pred16_t later = (mve_pred16_t)~vctp8q((uint32_t)(i * channels));
        s->offsets = vaddq_m_n_u8(s->offsets, s->offsets, (uint8_t)(column - channels), later);
    }
}

// n columns of one kernel row from x, which holds them side by side.
static void put_columns(const strip_t *s, int8_t *to, const int8_t *x, int32_t n) {
    if (s->column == s->channels) {
        ts_mve_copy(to, x, n * s->channels);
        return;
    }
    if (s->groups == 0) {
        for (; n > 0; n--, to += s->column, x += s->channels) {
            ts_mve_copy(to, x, s->channels);
        }
        return;
    }
    int32_t bytes = n * s->channels, step = s->groups * s->channels;
    int32_t to_step = s->groups * s->column;
    if (step == TS_MVE_BLOCK) {
        for (; bytes >= TS_MVE_BLOCK; bytes -= TS_MVE_BLOCK, to += to_step, x += TS_MVE_BLOCK) {
            vstrbq_scatter_offset_s8(to, s->offsets, vldrbq_s8(x));
        }
    }
    for (; bytes > 0; bytes -= step, to += to_step, x += step) {
        mve_pred16_t p = vctp8q((uint32_t)ts_min_s32(bytes, step));
        vstrbq_scatter_offset_p_s8(to, s->offsets, vldrbq_z_s8(x, p), p);
    }
}

static void put_padding(const strip_t *s, int8_t *to, int32_t n) {
    if (s->column == s->channels) {
        ts_mve_fill(to, (int8_t)s->zero, n * s->channels);
        return;
    }
    for (; n > 0; n--, to += s->column) {
        ts_mve_fill(to, (int8_t)s->zero, s->channels);
    }
}

// The columns for `pixels` positions of row oy, from position ox on. Those
// outside x stay as they are from row to row.
static void fill_strip(strip_t *s, const ts_mve_window_t *g, int32_t oy, int32_t ox,
    int32_t pixels) {
    int32_t n = ts_mve_columns(g, pixels), left = ox * g->w.stride - g->w.pad;
    int32_t before = ts_clamp_s32(-left, 0, n);
    int32_t inside = ts_clamp_s32(g->w.in - left, before, n) - before;
    int32_t iy = oy * g->h.stride - g->h.pad;
    int8_t *to = s->to + before * s->column;
    if (left != s->left || n != s->n) {
        ts_mve_fill(s->to, (int8_t)s->zero, before * s->column);
        ts_mve_fill(to + inside * s->column, (int8_t)s->zero, (n - before - inside) * s->column);
        s->left = left;
        s->n = n;
    }
    for (int32_t k = 0; k < g->h.kernel; k++, iy += g->h.dilation, to += s->channels) {
        if (iy >= 0 && iy < g->h.in) {
            put_columns(s, to, ts_mve_row(g, iy) + (left + before) * s->channels, inside);
        } else {
            put_padding(s, to, inside);
        }
    }
}

static void multiply(ts_mve_gemm_t *job, int32_t pixels) {
    for (; pixels > 1; pixels -= 2) {
        ts_mve_gemm2(job);
        job->x += 2 * job->x_pitch;
        job->y += 2 * job->y_pitch;
    }
    if (pixels > 0) {
        ts_mve_gemm1(job);
        job->x += job->x_pitch;
        job->y += job->y_pitch;
    }
}

// Rows of a 1x1 layer are one long row where they lie together in x and y.
static int32_t rows_together(const ts_op_t *op, const ts_mve_window_t *g, int32_t row,
    int32_t rows) {
    if (g->h.kernel != 1 || g->w.kernel != 1 || g->h.stride != 1 || g->w.stride != 1
        || g->w.in != g->w.out) {
        return 1;
    }
    for (int32_t i = X; i <= Y; i += Y - X) {
        int32_t ring = op->t[i]->ring;
        rows = ring != 0 ? ts_min_s32(rows, ring - row % ring) : rows;
    }
    return rows;
}

// x is (H, W, Ci), y is (OH, OW, Co); y may overlap x where the rows interface
// allows, and the blocks of positions of a 1x1 layer are read before written.
void ts_run_PACKED_CONV_2D(const ts_op_t *op) {
    ts_mve_window_t g;
    strip_t s;
    ts_mve_window(op, &g);
    start_strip(&s, op, &g);
    s.to = op->data[SCRATCH];
    int32_t zero = op->t[Y]->zero_point, bytes = g.w.kernel * s.column;
    ts_mve_gemm_t job = {.zero = zero, .outputs = g.outputs, .x = s.to, .y = NULL,
        .x_pitch = g.w.stride * s.column, .bytes = (bytes + TS_MVE_BLOCK - 1) & -TS_MVE_BLOCK, .y_pitch = g.outputs,
        .w = op->data[PACKED], .low = op->params[ACT] - zero, .high = op->params[ACT + 1] - zero};
    int32_t columns = g.w.in;
    for (int32_t row = op->first, rows; row < op->first + op->count; row += rows) {
        g.w.in = columns;
        rows = rows_together(op, &g, row, op->first + op->count - row);
        g.w.in = columns * rows;    // fill_strip goes on from row to row
        job.y = ts_row(op, Y, row);
        for (int32_t left = g.w.out * rows, ox = 0; left > 0;) {
            int32_t n = ts_min_s32(left, g.pixels);
            fill_strip(&s, &g, row, ox, n);
            job.x = s.to;
            multiply(&job, n);
            ox += n;
            left -= n;
        }
    }
}
#endif

#if TS_WITH_PACKED_FULLY_CONNECTED
enum { FC_ACT = 0, FC_KERNEL = 2, FC_DEPTH };    // of its params

int32_t ts_check_PACKED_FULLY_CONNECTED(ts_op_t *op) {
    const int32_t *p = op->params;
    int32_t error = ts_need_type(op, X, TS_S8);
    error = error != 0 ? error : ts_need_type(op, Y, TS_S8);
    if (error != 0 || !ts_act_ok(p + FC_ACT) || p[FC_KERNEL] != 0 || p[FC_DEPTH] < 1) {
        return error != 0 ? error : TS_ERR_OP;
    }
    int32_t depth = p[FC_DEPTH], outputs = ts_dim(op->t[Y], 3), n = ts_elements(op->t[X]);
    int64_t words = ts_mve_words(outputs, depth);
    if (n % depth != 0 || (int64_t)(n / depth) * outputs != ts_elements(op->t[Y])
        || words > INT32_MAX) {
        return ts_blame(op, Y, TS_ERR_SHAPE);
    }
    error = ts_need_constant(op, PACKED, TS_S32, (int32_t)words);
    return error != 0 ? error
        : ts_need_scratch(op, SCRATCH, depth % TS_MVE_BLOCK != 0 ? depth + TS_MVE_BLOCK : 0);
}

// x is (M, K), y is (M, N); y may not overlap x. Rows that are no whole number
// of blocks are copied, so that nothing behind x is read.
void ts_run_PACKED_FULLY_CONNECTED(const ts_op_t *op) {
    int32_t depth = op->params[FC_DEPTH], outputs = ts_dim(op->t[Y], 3);
    int32_t zero = op->t[Y]->zero_point;
    const int8_t *x = op->data[X];
    ts_mve_gemm_t job = {.zero = zero, .outputs = outputs, .y = op->data[Y],
        .bytes = (depth + TS_MVE_BLOCK - 1) & -TS_MVE_BLOCK, .w = op->data[PACKED],
        .low = op->params[FC_ACT] - zero, .high = op->params[FC_ACT + 1] - zero};
    for (int32_t m = ts_elements(op->t[X]) / depth; m > 0; m--) {
        job.x = x;
        if (depth % TS_MVE_BLOCK != 0) {
            ts_mve_copy(op->data[SCRATCH], x, depth);
            job.x = op->data[SCRATCH];
        }
        ts_mve_gemm1_once(&job);
        x += depth;
        job.y += outputs;
    }
}
#endif
#endif
