// The FEAT program: window -> signal planes -> blocks -> values -> int8.
// models/FORMAT.md, FEAT, has the bytes of every block.
#include "blocks.h"
#include "config.h"

#include <string.h>

enum { HEADER_BYTES = 16, VALUES_MAX = 1 << 28 };

typedef struct {
    uint16_t channels, window, hop, n_blocks;
    uint32_t outputs, work_bytes;
} header_t;

static int32_t check_block(uint32_t kind, ts_signal_t *s, const int32_t *p, uint32_t n,
    ts_needs_t *needs) {
    switch (kind) {
#define X(NAME, code) \
    case TS_BLOCK_##NAME: \
        return TS_WITH_BLOCK_##NAME ? ts_block_check_##NAME(s, p, n, needs) : TS_ERR_OPCODE;
#include "blocks.def"
#undef X
    }
    return TS_ERR_FEATURES;
}

static void run_block(uint32_t kind, ts_signal_t *s, const int32_t *p, ts_sink_t *sink) {
    switch (kind) {
#define X(NAME, code) \
    case TS_BLOCK_##NAME: \
        if (TS_WITH_BLOCK_##NAME) { \
            ts_block_run_##NAME(s, p, sink); \
        } \
        break;
#include "blocks.def"
#undef X
    }
}

// The quantisation behind an emitting block's own parameters: zero point,
// count, entries. The entries are used in turn, so their number divides the
// values'. n is the words left.
static int32_t check_quant(const int32_t *q, uint32_t n, uint32_t emits) {
    if (n < 2 || !ts_param_ok(q[0], INT8_MIN, INT8_MAX) || q[1] < 1
        || (uint32_t)q[1] > n / TS_QUANT_WORDS || n != 2 + (uint32_t)q[1] * TS_QUANT_WORDS
        || emits % (uint32_t)q[1] != 0) {
        return TS_ERR_FEATURES;
    }
    for (const int32_t *e = q + 2; e != q + n; e += TS_QUANT_WORDS) {
        if (e[1] < 0 || !ts_param_ok(e[2], -31, 30)) {
            return TS_ERR_FEATURES;
        }
    }
    return 0;
}

typedef struct {
    uint32_t planes, scratch, states;   // bytes, in this order in work
    uint32_t outputs, row_outputs;
    const int32_t *rows;        // parameters of the block ROWS, the last; NULL where there is none
    uint32_t state_at[TS_BLOCKS_MAX];   // of each block, among the states
} layout_t;

// Block i at words: its shape, what it emits and needs.
static int32_t check_one(const uint32_t *words, uint32_t left, uint32_t i, ts_signal_t *s,
    layout_t *layout) {
    ts_needs_t needs = {0, 0, 0, 0};
    const int32_t *p = (const int32_t *)(const void *)(words + 1);
    uint32_t n = (words[0] >> 16) - 1;
    if (words[0] >> 16 < 1 || words[0] >> 16 > left || layout->rows != NULL) {
        return TS_ERR_FEATURES;
    }
    int32_t error = check_block(words[0] & 0xFFFF, s, p, n, &needs);
    if (error == 0 && needs.emits > 0) {
        error = check_quant(p + needs.own_params, n - needs.own_params, needs.emits);
    } else if (error == 0 && n != needs.own_params) {
        error = TS_ERR_FEATURES;
    }
    if (error != 0 || needs.emits > VALUES_MAX - s->values) {
        return error != 0 ? error : TS_ERR_FEATURES;
    }
    s->values += needs.emits;
    layout->rows = (words[0] & 0xFFFF) == TS_BLOCK_ROWS ? p : NULL;
    layout->state_at[i] = layout->states;
    layout->states += needs.state_bytes;
    layout->scratch = needs.scratch_bytes > layout->scratch ? needs.scratch_bytes : layout->scratch;
    return 0;
}

static uint32_t planes_bytes(const ts_signal_t *s) {
    return (s->channels * s->frames * 2 + 3) / 4 * 4;
}

static const uint32_t *blocks_of(const header_t *h) {
    return (const uint32_t *)(const void *)h + HEADER_BYTES / 4;
}

// Walks the blocks; words left are those of the blocks.
static int32_t check_blocks(const header_t *h, uint32_t left, layout_t *layout) {
    const uint32_t *words = blocks_of(h);
    ts_signal_t s = {h->channels, h->window, 0, NULL, NULL, NULL};
    memset(layout, 0, sizeof(*layout));
    layout->planes = planes_bytes(&s);
    for (uint32_t i = 0; i < h->n_blocks; i++) {
        int32_t error = left > 0 ? check_one(words, left, i, &s, layout) : TS_ERR_FEATURES;
        if (error != 0) {
            return error;
        }
        layout->planes = planes_bytes(&s) > layout->planes ? planes_bytes(&s) : layout->planes;
        left -= words[0] >> 16;
        words += words[0] >> 16;
    }
    layout->row_outputs = s.values;
    layout->outputs = s.values * (uint32_t)(layout->rows != NULL ? layout->rows[0] : 1);
    return left == 0 && layout->outputs == h->outputs ? 0 : TS_ERR_FEATURES;
}

static int32_t check(const void *feat, size_t feat_bytes, layout_t *layout) {
    const header_t *h = feat;
    if ((uintptr_t)feat % 4 != 0) {
        return TS_ERR_ALIGN;
    }
    if (feat_bytes < HEADER_BYTES || feat_bytes % 4 != 0 || feat_bytes > INT32_MAX
        || h->channels < 1 || h->channels > TS_CHANNELS_MAX || h->window < 1
        || h->window > TS_WINDOW_MAX || h->hop < 1 || h->hop > h->window || h->n_blocks < 1
        || h->n_blocks > TS_BLOCKS_MAX) {
        return TS_ERR_FEATURES;
    }
    int32_t error = check_blocks(h, (uint32_t)(feat_bytes - HEADER_BYTES) / 4, layout);
    if (error == 0 && h->work_bytes != layout->planes + layout->scratch + layout->states) {
        error = TS_ERR_FEATURES;
    }
    return error;
}

int32_t ts_features_check(const void *feat, size_t feat_bytes, ts_features_info_t *info) {
    const header_t *h = feat;
    layout_t layout;
    int32_t error = check(feat, feat_bytes, &layout);
    if (error == 0) {
        const int32_t *rows = layout.rows;
        *info = (ts_features_info_t){h->channels, h->window, h->hop, h->outputs, h->work_bytes,
            rows != NULL ? (uint32_t)rows[0] : 1, rows != NULL ? (uint32_t)rows[1] : 1,
            layout.row_outputs};
    }
    return error;
}

// Checks a program and its work space.
static int32_t enter(const void *feat, size_t feat_bytes, const void *work, layout_t *layout) {
    int32_t error = check(feat, feat_bytes, layout);
    return error == 0 && (uintptr_t)work % 4 != 0 ? TS_ERR_ALIGN : error;
}

int32_t ts_features_reset(const void *feat, size_t feat_bytes, void *work) {
    layout_t layout;
    int32_t error = enter(feat, feat_bytes, work, &layout);
    if (error == 0) {
        memset((uint8_t *)work + layout.planes + layout.scratch, 0, layout.states);
    }
    return error;
}

// frames is (window, channels), planes is (channels, window).
static void split(const int16_t *frames, ts_signal_t *s) {
    for (uint32_t c = 0; c < s->channels; c++) {
        int16_t *plane = s->planes + c * s->frames;
        for (uint32_t i = 0; i < s->frames; i++) {
            plane[i] = frames[i * s->channels + c];
        }
    }
}

// What block i sees of the work space.
static ts_signal_t signal_of(const header_t *h, const layout_t *layout, void *work, uint32_t i) {
    uint8_t *scratch = (uint8_t *)work + layout->planes;
    return (ts_signal_t){h->channels, h->window, layout->row_outputs, work,
        (int32_t *)(void *)scratch, scratch + layout->scratch + layout->state_at[i]};
}

// All blocks on one window, into the sink.
static void run(const header_t *h, const layout_t *layout, const int16_t *frames, void *work,
    ts_sink_t *sink) {
    const uint32_t *words = blocks_of(h);
    ts_signal_t s = signal_of(h, layout, work, 0);
    split(frames, &s);
    for (uint32_t i = 0; i < h->n_blocks; i++) {
        s.state = signal_of(h, layout, work, i).state;
        run_block(words[0] & 0xFFFF, &s, (const int32_t *)(const void *)(words + 1), sink);
        words += words[0] >> 16;
    }
}

int32_t ts_features_values(const void *feat, size_t feat_bytes, const int16_t *frames, void *work,
    int32_t *values) {
    layout_t layout;
    ts_sink_t sink = {.values = values};
    int32_t error = enter(feat, feat_bytes, work, &layout);
    if (error == 0) {
        run(feat, &layout, frames, work, &sink);
    }
    return error;
}

static int32_t gathers(const layout_t *layout) {
    return TS_WITH_BLOCK_ROWS && layout->rows != NULL;
}

// What ROWS, the last block, sees.
static ts_signal_t history_of(const header_t *h, const layout_t *layout, const void *work) {
    return signal_of(h, layout, (void *)(uintptr_t)work, h->n_blocks - 1u);
}

int32_t ts_features_run(const void *feat, size_t feat_bytes, const int16_t *frames, void *work,
    int8_t *out) {
    layout_t layout;
    ts_sink_t sink = {.out = out};
    int32_t error = enter(feat, feat_bytes, work, &layout);
    if (error != 0) {
        return error;
    }
    ts_signal_t history = history_of(feat, &layout, work);
    sink.out = gathers(&layout) ? ts_rows_place(&history, layout.rows) : out;
    run(feat, &layout, frames, work, &sink);
    if (gathers(&layout) && !sink.gathering) {
        ts_rows_copy(&history, layout.rows, out);
    }
    return !sink.gathering;
}

int32_t ts_features_rows(const void *feat, size_t feat_bytes, const void *work, int8_t *out) {
    layout_t layout;
    int32_t error = enter(feat, feat_bytes, work, &layout);
    if (error != 0 || !gathers(&layout)) {
        return error != 0 ? error : TS_ERR_FEATURES;
    }
    ts_signal_t history = history_of(feat, &layout, work);
    ts_rows_copy(&history, layout.rows, out);
    return 0;
}
