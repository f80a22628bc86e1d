// Inside the core: the parts of a .tsm file, as models/FORMAT.md has them.
#ifndef TS_MODEL_H
#define TS_MODEL_H
#include "op.h"

enum {
    TS_HEADER_BYTES = 32,
    TS_SECTION_BYTES = 12,
    TS_FILE_VERSION = 1,
    TS_META_BYTES_MAX = 4096,
    TS_INPUTS_MAX = 8,
};

enum { TS_META, TS_FEAT, TS_TENS, TS_PROG, TS_DATA, TS_GOLD, TS_SECTIONS };

// A section; bytes is 0 and offset too where it is absent.
typedef struct {
    uint32_t offset, bytes;
} ts_section_t;

typedef struct {
    const uint8_t *file;
    uint32_t bytes, arena_bytes;
    uint16_t n_tensors, n_ops;
    uint8_t n_inputs, n_outputs;
    ts_section_t section[TS_SECTIONS];
    uint32_t present;           // bit i: section i is there
} ts_file_t;

// File is 4-aligned and little-endian, and so is every core this runs on.
static inline uint32_t ts_u32_at(const uint8_t *file, uint32_t offset) {
    return *(const uint32_t *)(const void *)(file + offset);
}

static inline uint32_t ts_u16_at(const uint8_t *file, uint32_t offset) {
    return *(const uint16_t *)(const void *)(file + offset);
}

// Header and section table; the first of the checks.
int32_t ts_file_open(ts_file_t *f, const void *file, size_t file_bytes);
// Everything else. f must have been opened.
int32_t ts_file_check(const ts_file_t *f, ts_fault_t *fault);

// ---- Op records ----

typedef struct {
    uint32_t opcode, words, n_in, n_out;
    const uint16_t *operands;
    const int32_t *params;
    uint32_t n_params;
} ts_record_t;

// Reads the record at words. Its length is not compared with anything.
void ts_record_read(const uint32_t *words, ts_record_t *r);
// Check and run by opcode; generated from ops.def.
int32_t ts_op_check(uint32_t opcode, ts_op_t *op);
void ts_op_run(uint32_t opcode, const ts_op_t *op);
// Operands and parameters of this opcode; 0 when it is unknown.
int32_t ts_op_counts(uint32_t opcode, uint32_t *n_in, uint32_t *n_out, uint32_t *n_params);

#endif
