#include "hostile.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ts.h"

// What is larger than a board's memory is checked, but not run.
enum { ARENA_MAX = 1 << 14, OPS_MAX = 16, OUTPUTS_MAX = 1 << 16, ROWS_MAX = 300, ROWS_TRIED = 4 };

// Ends the process where the core breaks its word.
static void must(int true_, const char *what) {
    if (!true_) {
        fprintf(stderr, "hostile: %s\n", what);
        abort();
    }
}

static void *exactly(const void *from, size_t n) {
    void *copy = malloc(n != 0 ? n : 1);
    if (n != 0 && from != NULL) {
        memcpy(copy, from, n);
    }
    return copy;
}

// As many rows as the input has, where it is pushed.
static void push_rows(const ts_model_t *m) {
    int32_t bytes = ts_model_row_bytes(m), done = 0;
    uint8_t *row = exactly(NULL, (size_t)bytes);
    memset(row, 0x33, (size_t)bytes);
    for (uint32_t i = 0; bytes > 0 && i < m->tensors[0].dims[1] && i < ROWS_MAX; i++) {
        done = ts_model_push_row(m, row);
        must(done == 0 || done == 1, "push_row has no answer");
    }
    must(bytes > 0 || ts_model_push_row(m, row) == TS_ERR_ROWS, "a row nobody asked for");
    free(row);
}

static void run(const uint8_t *file, size_t n, int32_t arena_bytes) {
    size_t size = (size_t)arena_bytes;
    uint8_t *arena = exactly(NULL, size);
    ts_model_t m;
    memset(arena, 0x55, size);
    must(arena_bytes == 0 || ts_model_load(&m, file, n, arena, size - 1) == TS_ERR_ARENA,
        "an arena too small was taken");
    must(ts_model_load(&m, file, n, arena, size) == 0, "checked but not loaded");
    if (m.n_ops <= OPS_MAX) {
        must(ts_model_run(&m) == (m.pushed ? TS_ERR_ROWS : 0), "run has no answer");
        push_rows(&m);
        must(ts_model_reset(&m) == 0, "no reset");
        must(ts_model_run_op(&m, m.n_ops) == TS_ERR_ARGUMENT, "an op beyond the last was run");
        must(m.n_ops == 0 || ts_model_run_op(&m, m.n_ops - 1) == 0, "the last op was refused");
    }
    free(arena);
}

int32_t hostile_model(const uint8_t *bytes, size_t n) {
    uint8_t *file = exactly(bytes, n);
    ts_fault_t fault;
    int32_t needs = ts_model_check(file, n, &fault);
    must(fault.op >= -1 && fault.tensor >= -1, "a fault without a place");
    must(needs >= 0 || strcmp(ts_error_text(needs), "unknown error") != 0, "an unknown error");
    ts_model_crc(file, n);
    if (needs >= 0 && needs <= ARENA_MAX) {
        run(file, n, needs);
    }
    free(file);
    return needs;
}

int32_t hostile_features(const uint8_t *bytes, size_t n) {
    uint8_t *feat = exactly(bytes, n);
    ts_features_info_t info;
    int32_t error = ts_features_check(feat, n, &info);
    if (error == 0 && info.outputs <= OUTPUTS_MAX) {
        size_t count = (size_t)info.window * info.channels;
        int16_t *frames = exactly(NULL, count * 2);
        for (size_t i = 0; i < count; i++) {
            frames[i] = (int16_t)(bytes[i % n] << 8 ^ bytes[(i * 7 + 3) % n]);
        }
        void *work = exactly(NULL, info.work_bytes);
        int32_t *values = exactly(NULL, (size_t)info.row_outputs * 4);
        int8_t *out = exactly(NULL, info.outputs);
        must(ts_features_reset(feat, n, work) == 0, "checked but not reset");
        must(ts_features_values(feat, n, frames, work, values) == 0, "checked but no values");
        for (uint32_t i = 1; i <= 2 * ROWS_TRIED && i <= 2 * info.rows; i++) {
            int32_t due = i >= info.rows && (i - info.rows) % info.row_stride == 0;
            must(ts_features_run(feat, n, frames, work, out) == due, "checked but not run");
        }
        must(ts_features_rows(feat, n, work, out) == (info.rows > 1 ? 0 : TS_ERR_FEATURES)
            || info.rows == 1, "rows have no answer");
        free(out);
        free(values);
        free(work);
        free(frames);
    }
    free(feat);
    return error;
}
