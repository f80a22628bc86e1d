// A model: checked once, then bound to its arena and run.
#include "model.h"

const char *ts_kernels(void) {
    return TS_KERNELS;
}

int32_t ts_target(void) {
    return TS_TARGET;
}

int32_t ts_model_check(const void *file, size_t file_bytes, ts_fault_t *fault) {
    ts_file_t f;
    ts_fault_t ignored;
    fault = fault != NULL ? fault : &ignored;
    *fault = (ts_fault_t){-1, -1};
    int32_t error = ts_file_open(&f, file, file_bytes);
    error = error != 0 ? error : ts_file_check(&f, fault);
    return error != 0 ? error : (int32_t)f.arena_bytes;
}

static int32_t overlap(const void *a, size_t a_bytes, const void *b, size_t b_bytes) {
    return (uintptr_t)a < (uintptr_t)b + b_bytes && (uintptr_t)b < (uintptr_t)a + a_bytes;
}

int32_t ts_model_load(ts_model_t *m, const void *file, size_t file_bytes, void *arena,
    size_t arena_bytes) {
    ts_file_t f;
    *m = (ts_model_t){.fault = {-1, -1}};
    int32_t error = ts_file_open(&f, file, file_bytes);
    error = error != 0 ? error : ts_file_check(&f, &m->fault);
    if (error != 0) {
        return error;
    }
    if (arena_bytes < f.arena_bytes) {
        return TS_ERR_ARENA;
    }
    if ((uintptr_t)arena % 4 != 0) {
        return TS_ERR_ALIGN;
    }
    if (overlap(file, f.bytes, arena, f.arena_bytes)) {
        return TS_ERR_ARGUMENT;     // running would write over what was checked
    }
    m->file = file;
    m->arena = arena;
    m->file_bytes = f.bytes;
    m->arena_bytes = f.arena_bytes;
    m->tensors = ts_file_tensors(&f);
    m->program = (const void *)(m->file + f.section[TS_PROG].offset);
    m->end = m->program + f.section[TS_PROG].bytes / 4;
    m->inference = m->program;
    for (uint32_t i = 0; i < f.n_init; i++) {
        m->inference += m->inference[0] >> 16;
    }
    m->n_ops = f.n_ops;
    m->n_inputs = f.n_inputs;
    m->n_outputs = f.n_outputs;
    m->pushed = f.pushed;
    return ts_model_reset(m);
}

// Constants are only read, by the checks; one pointer type serves both places.
void *ts_model_tensor(const ts_model_t *m, int32_t i) {
    const ts_tensor_t *t = m->tensors + i;
    return t->place == TS_IN_FILE ? (void *)(uintptr_t)(m->file + t->offset)
                                  : m->arena + t->offset;
}

int32_t ts_model_reset(const ts_model_t *m) {
    ts_program_run(m, m->program, m->inference);
    return ts_model_begin(m);
}

int32_t ts_model_run(const ts_model_t *m) {
    if (m->pushed) {
        return TS_ERR_ROWS;
    }
    ts_program_run(m, m->inference, m->end);
    return 0;
}

int32_t ts_model_begin(const ts_model_t *m) {
#if TS_WITH_SEGMENT
    if (m->pushed) {
        ts_segment_begin(m, m->inference);
    }
#else
    (void)m;
#endif
    return 0;
}

int32_t ts_model_row_bytes(const ts_model_t *m) {
    return m->pushed ? ts_row_bytes(m->tensors) : 0;
}

int32_t ts_model_push_row(const ts_model_t *m, const void *row) {
#if TS_WITH_SEGMENT
    if (m->pushed) {
        int32_t last = ts_segment_push(m, m->inference, row);
        ts_segment_run(m, m->inference);
        if (last) {
            ts_program_run(m, ts_segment_end(m->inference), m->end);
        }
        return last;
    }
#else
    (void)m;
    (void)row;
#endif
    return TS_ERR_ROWS;
}

int32_t ts_model_run_op(const ts_model_t *m, int32_t i) {
    const uint32_t *words = m->program;
    if (i < 0 || i >= m->n_ops) {
        return TS_ERR_ARGUMENT;
    }
    while (i-- > 0) {
        words += words[0] >> 16;
    }
    ts_program_run(m, words, words + (words[0] >> 16));
    return 0;
}
