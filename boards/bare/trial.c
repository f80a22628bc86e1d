// Tries models on a core: reads cases.bin, writes results.bin (the layouts are
// in host/tinysense_host/trial.py, which makes the one and reads the other).
//
// A case is some models that shall give the same outputs, and inputs. The
// first model's outputs are kept, the others' compared with them on the spot,
// so that thousands of cases cost one start of the emulator.
#include <string.h>
#include "machine.h"
#include "op.h"

enum { CASE = 0x45534143, PER_OP = 1, KEEP_OUTPUTS = 2, MODELS_MAX = 8, GUARD_BYTES = 64,
    GUARD = 0xc5, FRESH = 0xa7, NO_MISMATCH = -1, OTHER_SIZE = -2 };

typedef struct {
    uint32_t magic, flags, n_models, input_bytes, runs;
    uint32_t file_bytes[MODELS_MAX];
    uint32_t zero[3];
} case_t;

typedef struct {
    int32_t error, op, tensor;          // of loading or running
    int32_t guard;                      // 1: bytes around the arena were written
    uint32_t n_ops, output_bytes, arena_bytes;
    int32_t run, byte;                  // the first that differs from model 0's
    uint32_t pushed;                    // 1: the input went in row by row
    uint64_t load_ns, run_ns;           // run_ns: of the last run
} outcome_t;

typedef struct {
    uint8_t *at, *end;
} memory_t;

static intptr_t results;

// n bytes at an address that is a multiple of 4 but not of 8: no kernel may
// count on more. NULL where memory has run out.
static uint8_t *take(memory_t *m, uint32_t n) {
    uint8_t *found = m->at + (12 - ((uintptr_t)m->at & 7)) % 8;
    if ((uintptr_t)(m->end - found) < n) {
        return NULL;
    }
    m->at = found + n;
    return found;
}

static uint8_t *take_filled(memory_t *m, uint32_t n, int byte) {
    uint8_t *found = take(m, n);
    return found == NULL ? NULL : memset(found, byte, n);
}

static uint32_t bytes_of(const ts_model_t *m, int32_t first, int32_t count) {
    uint32_t bytes = 0;
    for (int32_t i = first; i < first + count; i++) {
        bytes += (uint32_t)ts_bytes(m->tensors + i);
    }
    return bytes;
}

static void put_inputs(const ts_model_t *m, const uint8_t *x) {
    for (int32_t i = 0; i < m->n_inputs; i++) {
        uint32_t n = bytes_of(m, i, 1);
        memcpy(ts_model_tensor(m, i), x, n);
        x += n;
    }
}

static void get_outputs(const ts_model_t *m, uint8_t *y) {
    for (int32_t i = m->n_inputs; i < m->n_inputs + m->n_outputs; i++) {
        uint32_t n = bytes_of(m, i, 1);
        memcpy(y, ts_model_tensor(m, i), n);
        y += n;
    }
}

static int32_t touched(const uint8_t *guard) {
    for (int32_t i = 0; i < GUARD_BYTES; i++) {
        if (guard[i] != GUARD) {
            return 1;
        }
    }
    return 0;
}

// A model whose input is pushed row by row.
static int32_t push_rows(const ts_model_t *m, const uint8_t *x) {
    uint32_t rows = m->tensors->dims[1], row_bytes = bytes_of(m, 0, 1) / rows;
    int32_t said = ts_model_begin(m);
    for (uint32_t y = 0; y < rows && said == 0; y++) {
        said = ts_model_push_row(m, x + y * row_bytes);
    }
    return said == 1 ? 0 : said < 0 ? said : TS_ERR_ROWS;
}

// One inference of inputs x.
static int32_t infer(const ts_model_t *m, const uint8_t *x, outcome_t *o) {
    if (!m->pushed) {
        put_inputs(m, x);
    }
    uint64_t began = machine_ns();
    int32_t error = m->pushed ? push_rows(m, x) : ts_model_run(m);
    o->run_ns = machine_ns() - began;
    return error;
}

// All runs of a loaded model; y gets their outputs, one after another.
static void run_all(const ts_model_t *m, const case_t *c, const uint8_t *x, uint8_t *y,
    const uint8_t *arena, outcome_t *o) {
    for (uint32_t r = 0; r < c->runs && o->error == 0; r++) {
        o->error = infer(m, x + r * c->input_bytes, o);
        o->guard |= touched(arena - GUARD_BYTES) | touched(arena + o->arena_bytes);
        get_outputs(m, y + r * o->output_bytes);
    }
}

static void compare(const uint8_t *y, const uint8_t *wanted, const case_t *c, outcome_t *o) {
    for (uint32_t i = 0; i < c->runs * o->output_bytes; i++) {
        if (y[i] != wanted[i]) {
            o->run = (int32_t)(i / o->output_bytes);
            o->byte = (int32_t)(i % o->output_bytes);
            return;
        }
    }
}

static void write_op_costs(const ts_model_t *m, const case_t *c, const uint8_t *x,
    const outcome_t *o) {
    if (c->runs > 0 && o->error == 0 && !o->pushed) {
        put_inputs(m, x);
    }
    for (uint32_t i = 0; i < o->n_ops; i++) {
        uint64_t began = machine_ns();
        int32_t said = ts_model_run_op(m, (int32_t)i);
        uint64_t took = machine_ns() - began;
        took = said < 0 ? 0 : took;
        machine_write(results, &took, sizeof(took));
    }
}

static void write_outcome(const ts_model_t *m, const case_t *c, const uint8_t *x, const uint8_t *y,
    outcome_t *o) {
    o->n_ops = o->error == 0 && c->flags & PER_OP ? m->n_ops : 0;
    machine_write(results, o, sizeof(*o));
    write_op_costs(m, c, x, o);
    if (o->error == 0 && c->flags & KEEP_OUTPUTS) {
        machine_write(results, y, c->runs * o->output_bytes);
    }
}

// One model of a case. Its outputs are left at *y; wanted: those of model 0.
static int32_t try_model(memory_t memory, memory_t *kept, const case_t *c, const uint8_t *file,
    uint32_t file_bytes, const uint8_t *x, const uint8_t **wanted, uint32_t *wanted_bytes) {
    outcome_t o = {.run = NO_MISMATCH, .byte = NO_MISMATCH};
    ts_model_t m;
    memcpy(&o.arena_bytes, file + 12, 4);
    memory_t *from = *wanted == NULL ? kept : &memory;
    uint8_t *arena = take_filled(from, o.arena_bytes + 2 * GUARD_BYTES, GUARD);
    if (arena == NULL) {
        return -1;
    }
    arena += GUARD_BYTES;
    memset(arena, FRESH, o.arena_bytes);
    uint64_t began = machine_ns();
    o.error = ts_model_load(&m, file, file_bytes, arena, o.arena_bytes);
    o.load_ns = machine_ns() - began;
    o.op = m.fault.op;
    o.tensor = m.fault.tensor;
    if (o.error != 0) {
        write_outcome(&m, c, x, NULL, &o);
        return 0;
    }
    o.pushed = m.pushed;
    o.output_bytes = bytes_of(&m, m.n_inputs, m.n_outputs);
    uint8_t *y = bytes_of(&m, 0, m.n_inputs) == c->input_bytes
        ? take_filled(from, c->runs * o.output_bytes, 0) : NULL;
    if (y == NULL) {
        return -1;
    }
    run_all(&m, c, x, y, arena, &o);
    if (*wanted == NULL) {
        *wanted = y;
        *wanted_bytes = o.output_bytes;
    } else if (o.output_bytes != *wanted_bytes) {
        o.run = 0;
        o.byte = OTHER_SIZE;
    } else {
        compare(y, *wanted, c, &o);
    }
    write_outcome(&m, c, x, y, &o);
    return 0;
}

static int32_t try_case(intptr_t cases, memory_t memory, const case_t *c) {
    uint8_t *files[MODELS_MAX], *x;
    const uint8_t *wanted = NULL;
    uint32_t wanted_bytes = 0;
    for (uint32_t i = 0; i < c->n_models; i++) {
        files[i] = take(&memory, c->file_bytes[i]);
        if (files[i] == NULL || machine_read(cases, files[i], c->file_bytes[i]) != 0) {
            return -1;
        }
    }
    x = take(&memory, c->runs * c->input_bytes);
    if (x == NULL || machine_read(cases, x, c->runs * c->input_bytes) != 0) {
        return -1;
    }
    machine_write(results, c, sizeof(*c));
    for (uint32_t i = 0; i < c->n_models; i++) {
        if (try_model(memory, &memory, c, files[i], c->file_bytes[i], x, &wanted,
                &wanted_bytes) != 0) {
            machine_print("trial: no memory for this case, or inputs of another size\n");
            return -1;
        }
    }
    return 0;
}

int main(void) {
    intptr_t cases = machine_open("cases.bin", MACHINE_READ);
    results = machine_open("results.bin", MACHINE_WRITE);
    memory_t memory;
    uint32_t bytes;
    memory.at = machine_memory(&bytes);
    memory.end = memory.at + bytes;
    if (cases < 0 || results < 0) {
        machine_print("trial: no cases.bin\n");
        return 2;
    }
    uint64_t began = machine_ns();
    uint64_t reading = machine_ns() - began;
    machine_write(results, &reading, sizeof(reading));
    for (case_t c; machine_read(cases, &c, sizeof(c)) == 0;) {
        if (c.magic != CASE || c.n_models > MODELS_MAX || try_case(cases, memory, &c) != 0) {
            return 2;
        }
    }
    machine_close(results);
    return 0;
}
