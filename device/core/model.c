// A model: checked once, then bound to its arena and run.
#include "arch/arch.h"
#include "model.h"

const char *ts_kernels(void) {
    return TS_KERNELS;
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
    m->tensors = (const void *)(m->file + f.section[TS_TENS].offset);
    m->program = (const void *)(m->file + f.section[TS_PROG].offset);
    m->n_tensors = f.n_tensors;
    m->n_ops = f.n_ops;
    m->n_inputs = f.n_inputs;
    m->n_outputs = f.n_outputs;
    return 0;
}

// Constants are only read, by the checks; one pointer type serves both places.
void *ts_model_tensor(const ts_model_t *m, int32_t i) {
    const ts_tensor_t *t = m->tensors + i;
    return t->place == TS_IN_FILE ? (void *)(uintptr_t)(m->file + t->offset)
                                  : m->arena + t->offset;
}

// Runs the record at words; returns its length.
static uint32_t run_record(const ts_model_t *m, const uint32_t *words) {
    ts_record_t r;
    ts_op_t op;
    ts_record_read(words, &r);
    for (uint32_t i = 0; i < r.n_in + r.n_out; i++) {
        op.t[i] = m->tensors + r.operands[i];
        op.data[i] = ts_model_tensor(m, r.operands[i]);
    }
    op.params = r.params;
    ts_op_run(r.opcode, &op);
    return r.words;
}

void ts_model_run(const ts_model_t *m) {
    const uint32_t *words = m->program;
    for (uint32_t i = 0; i < m->n_ops; i++) {
        words += run_record(m, words);
    }
}

int32_t ts_model_run_op(const ts_model_t *m, int32_t i) {
    const uint32_t *words = m->program;
    if (i < 0 || i >= m->n_ops) {
        return TS_ERR_ARGUMENT;
    }
    while (i-- > 0) {
        words += words[0] >> 16;
    }
    run_record(m, words);
    return 0;
}
