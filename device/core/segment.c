// Segments: ops that hand rows to each other through small rings. The last op
// asks for the rows it needs, each op before it makes them when it is asked.
// How far every op is stands in the arena, where ops of a bad file may write
// over it: whatever is read back is kept inside its range, and the number of
// steps has a bound.
#include "model.h"

#if TS_WITH_SEGMENT

// An op of a segment.
typedef struct {
    const uint32_t *words;      // its record
    uint16_t rows;              // it goes through
    uint8_t step;               // rows at a time; 0: all at once
    uint8_t sums;               // y is there when all rows are done
} ts_stage_t;

enum { STAGES = 32 };           // that are decoded once; those behind every time

// A segment and its progress tensor: how many rows of each op are done and of
// the input are pushed, and the ops that wait for rows, the last op aside.
typedef struct {
    const ts_model_t *m;
    const uint32_t *ops;        // first of its records
    const int32_t *params;      // two for each op
    int32_t count;
    uint16_t *done, *pushed;    // done is (count)
    uint8_t *stack, *depth;     // stack is (count)
    ts_stage_t stages[STAGES];
} ts_segment_t;

static void open(const ts_model_t *m, const uint32_t *words, ts_segment_t *s) {
    ts_record_t r;
    ts_record_read(words, &r);
    uint8_t *progress = m->arena + m->tensors[r.operands[0]].offset;
    s->m = m;
    s->ops = words + r.words;
    s->params = r.params + 1;
    s->count = r.params[0];
    s->done = (uint16_t *)(void *)progress;
    s->pushed = s->done + s->count;
    s->stack = progress + 2 * s->count + 2;
    s->depth = s->stack + s->count;
}

const uint32_t *ts_segment_end(const uint32_t *words) {
    ts_record_t r;
    ts_record_read(words, &r);
    words += r.words;
    for (int32_t left = r.params[0]; left > 0; left--) {
        words += words[0] >> 16;
    }
    return words;
}

void ts_segment_begin(const ts_model_t *m, const uint32_t *words) {
    ts_segment_t s;
    open(m, words, &s);
    memset(s.done, 0, (size_t)(3 * s.count + 3));
}

static ts_stage_t decoded(const ts_segment_t *s, int32_t i, const uint32_t *words) {
    ts_record_t r;
    ts_record_read(words, &r);
    uint32_t step = (uint32_t)s->params[2 * i] >> 16;
    return (ts_stage_t){words, (uint16_t)ts_record_rows(&r, s->m->tensors),
        (uint8_t)(ts_record_by_rows(&r) ? step : 0), (uint8_t)ts_record_sums(&r)};
}

// Decodes the ops. Returns the steps that suffice for a run: each row takes at
// most one to be asked for and one to be made.
static uint32_t decode(ts_segment_t *s) {
    const uint32_t *words = s->ops;
    uint32_t steps = 1;
    for (int32_t i = 0; i < s->count; i++) {
        ts_stage_t stage = decoded(s, i, words);
        if (i < STAGES) {
            s->stages[i] = stage;
        }
        steps += 2u * stage.rows;
        words += words[0] >> 16;
    }
    return steps;               // at most 255 * 2 * 65535
}

static ts_stage_t stage_of(const ts_segment_t *s, int32_t i) {
    if (i < STAGES) {
        return s->stages[i];
    }
    const uint32_t *words = s->stages[STAGES - 1].words;
    for (int32_t left = i - STAGES + 1; left > 0; left--) {
        words += words[0] >> 16;
    }
    return decoded(s, i, words);
}

enum { NOTHING = -1, STARVED = -2 };

// The op that has to run before op i can make rows up to `row`; NOTHING when
// all is there, STARVED when a row has to be pushed first.
static int32_t missing(const ts_segment_t *s, int32_t i, int32_t row) {
    uint32_t producers = (uint32_t)s->params[2 * i] & 0xFFFF;
    uint32_t reach = (uint32_t)s->params[2 * i + 1];
    int32_t need = row * (int16_t)reach + (int16_t)(reach >> 16);
    for (; producers != (TS_THERE << 8 | TS_THERE); producers = producers >> 8 | TS_THERE << 8) {
        int32_t p = (int32_t)(producers & 0xFF);
        if (p == TS_PUSHED) {
            if (*s->pushed < ts_min_s32(ts_dim(s->m->tensors, 1), need + 1)) {
                return STARVED;
            }
        } else if (p != TS_THERE) {
            ts_stage_t stage = stage_of(s, p);
            if (s->done[p] < (stage.sums ? stage.rows : ts_min_s32(stage.rows, need + 1))) {
                return p;
            }
        }
    }
    return NOTHING;
}

// Makes the next rows of op i. Returns NOTHING, or what has to come first.
static int32_t advance(const ts_segment_t *s, int32_t i, int32_t *finished) {
    ts_stage_t stage = stage_of(s, i);
    int32_t first = ts_min_s32(s->done[i], stage.rows), count = stage.rows - first;
    if (stage.step != 0) {
        count = ts_min_s32(count, stage.step);
    }
    *finished = first + count == stage.rows;
    int32_t before = count == 0 ? NOTHING : missing(s, i, first + count - 1);
    if (before == NOTHING && count != 0) {
        ts_record_t r;
        ts_op_t op;
        ts_record_read(stage.words, &r);
        ts_record_bind(&r, s->m->tensors, s->m->file, s->m->arena, &op);
        op.first = first;
        op.count = count;
        ts_op_run(r.opcode, &op);
        s->done[i] = (uint16_t)(first + count);
    }
    return before;
}

int32_t ts_segment_run(const ts_model_t *m, const uint32_t *words) {
    ts_segment_t s;
    open(m, words, &s);
    int32_t last = s.count - 1;
    for (uint32_t left = decode(&s); left > 0; left--) {
        int32_t finished, depth = ts_min_s32(*s.depth, last);
        int32_t i = depth > 0 ? ts_min_s32(s.stack[depth - 1], last) : last;
        int32_t before = advance(&s, i, &finished);
        if (before == STARVED) {
            return 0;
        }
        if (before != NOTHING) {
            s.stack[depth] = (uint8_t)before;
            *s.depth = (uint8_t)(depth + 1);
        } else if (depth > 0) {
            *s.depth = (uint8_t)(depth - 1);
        } else if (finished) {
            break;
        }
    }
    return 1;
}

int32_t ts_segment_push(const ts_model_t *m, const uint32_t *words, const void *row) {
    ts_segment_t s;
    const ts_tensor_t *x = m->tensors;
    int32_t rows = ts_dim(x, 1);
    open(m, words, &s);
    if (*s.pushed >= rows) {
        ts_segment_begin(m, words);
    }
    decode(&s);
    if (s.done[s.count - 1] < stage_of(&s, s.count - 1).rows) {     // else its place is free
        ts_op_t op = {.t = {x}, .data = {m->arena + x->offset}};
        memmove(ts_row(&op, 0, *s.pushed), row, (size_t)ts_row_bytes(x));
    }
    *s.pushed = (uint16_t)(*s.pushed + 1);
    return *s.pushed == rows;
}
#endif
