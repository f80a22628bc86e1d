// The FEAT program: window -> signal planes -> blocks -> values -> int8.
// models/FORMAT.md, FEAT, has the bytes of every block.
#include "blocks.h"
#include "config.h"

enum { HEADER_BYTES = 16 };

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

// One block at words: its shape, what it emits (added to *outputs) and needs.
static int32_t check_one(const uint32_t *words, uint32_t left, ts_signal_t *s,
    uint64_t *outputs, uint32_t *scratch) {
    ts_needs_t needs = {0, 0, 0};
    const int32_t *p = (const int32_t *)(const void *)(words + 1);
    uint32_t n = (words[0] >> 16) - 1;
    if (words[0] >> 16 < 1 || words[0] >> 16 > left) {
        return TS_ERR_FEATURES;
    }
    int32_t error = check_block(words[0] & 0xFFFF, s, p, n, &needs);
    if (error == 0 && needs.emits > 0) {
        error = check_quant(p + needs.own_params, n - needs.own_params, needs.emits);
    } else if (error == 0 && n != needs.own_params) {
        error = TS_ERR_FEATURES;
    }
    *outputs += needs.emits;
    *scratch = needs.scratch_bytes > *scratch ? needs.scratch_bytes : *scratch;
    return error;
}

static uint32_t planes_bytes(const ts_signal_t *s) {
    return (s->channels * s->frames * 2 + 3) / 4 * 4;
}

// Walks the blocks; tells the bytes of the largest planes and scratch.
static int32_t check_blocks(const header_t *h, const uint32_t *words, uint32_t left,
    uint32_t *planes, uint32_t *scratch) {
    ts_signal_t s = {h->channels, h->window, NULL, NULL};
    uint64_t outputs = 0;
    *planes = planes_bytes(&s);
    *scratch = 0;
    for (uint32_t i = 0; i < h->n_blocks; i++) {
        int32_t error = left > 0 ? check_one(words, left, &s, &outputs, scratch)
                                 : TS_ERR_FEATURES;
        if (error != 0) {
            return error;
        }
        *planes = planes_bytes(&s) > *planes ? planes_bytes(&s) : *planes;
        left -= words[0] >> 16;
        words += words[0] >> 16;
    }
    return left == 0 && outputs == h->outputs ? 0 : TS_ERR_FEATURES;
}

int32_t ts_features_check(const void *feat, size_t feat_bytes, ts_features_info_t *info) {
    const header_t *h = feat;
    uint32_t planes, scratch;
    if ((uintptr_t)feat % 4 != 0) {
        return TS_ERR_ALIGN;
    }
    if (feat_bytes < HEADER_BYTES || feat_bytes % 4 != 0 || feat_bytes > INT32_MAX
        || h->channels < 1 || h->channels > TS_CHANNELS_MAX || h->window < 1
        || h->window > TS_WINDOW_MAX || h->hop < 1 || h->hop > h->window || h->n_blocks < 1
        || h->n_blocks > TS_BLOCKS_MAX) {
        return TS_ERR_FEATURES;
    }
    int32_t error = check_blocks(h, (const uint32_t *)feat + HEADER_BYTES / 4,
        (uint32_t)(feat_bytes - HEADER_BYTES) / 4, &planes, &scratch);
    if (error == 0 && h->work_bytes != planes + scratch) {
        error = TS_ERR_FEATURES;
    }
    if (error == 0) {
        *info = (ts_features_info_t){h->channels, h->window, h->hop, h->outputs, h->work_bytes};
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

// Checks, then runs all blocks into the sink.
static int32_t run(const void *feat, size_t feat_bytes, const int16_t *frames, void *work,
    ts_sink_t *sink) {
    const header_t *h = feat;
    const uint32_t *words = (const uint32_t *)feat + HEADER_BYTES / 4;
    ts_features_info_t info;
    uint32_t planes, scratch;
    int32_t error = ts_features_check(feat, feat_bytes, &info);
    if (error != 0) {
        return error;
    }
    if ((uintptr_t)work % 4 != 0) {
        return TS_ERR_ALIGN;
    }
    check_blocks(h, words, (uint32_t)(feat_bytes - HEADER_BYTES) / 4, &planes, &scratch);
    ts_signal_t s = {h->channels, h->window, work, (int32_t *)work + planes / 4};
    split(frames, &s);
    for (uint32_t i = 0; i < h->n_blocks; i++) {
        run_block(words[0] & 0xFFFF, &s, (const int32_t *)(const void *)(words + 1), sink);
        words += words[0] >> 16;
    }
    return 0;
}

int32_t ts_features_values(const void *feat, size_t feat_bytes, const int16_t *frames, void *work,
    int32_t *values) {
    ts_sink_t sink = {.values = values};
    return run(feat, feat_bytes, frames, work, &sink);
}

int32_t ts_features_run(const void *feat, size_t feat_bytes, const int16_t *frames, void *work,
    int8_t *out) {
    ts_sink_t sink = {.out = out};
    return run(feat, feat_bytes, frames, work, &sink);
}
