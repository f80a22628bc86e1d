// Inside the core: the parts of a .tsm file, as models/FORMAT.md has them.
#ifndef TS_MODEL_H
#define TS_MODEL_H
#include "op.h"

enum {
    TS_HEADER_BYTES = 32,
    TS_SECTION_BYTES = 12,
    TS_FILE_VERSION = 2,
    TS_META_BYTES_MAX = 4096,
    TS_INPUTS_MAX = 8,
    TS_ABSENT = 0xFFFF,         // an operand that is left out
    TS_BACKWARD = 1,            // record flag: rows of y from the last to the first
};

enum { TS_META, TS_FEAT, TS_TENS, TS_PROG, TS_DATA, TS_GOLD, TS_SECTIONS };

// A section; bytes is 0 and offset too where it is absent.
typedef struct {
    uint32_t offset, bytes;
} ts_section_t;

typedef struct {
    const uint8_t *file;
    uint32_t bytes, arena_bytes;
    uint16_t n_tensors, n_ops, n_init;
    uint8_t n_inputs, n_outputs, pushed;
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
// Everything else; says in f->pushed whether input 0 is pushed row by row.
// f must have been opened.
int32_t ts_file_check(ts_file_t *f, ts_fault_t *fault);

// The program's part of it.
int32_t ts_program_check(ts_file_t *f, ts_fault_t *fault);

static inline const ts_tensor_t *ts_file_tensors(const ts_file_t *f) {
    return (const ts_tensor_t *)(const void *)(f->file + f->section[TS_TENS].offset);
}

// ---- Op records ----

typedef struct {
    uint32_t opcode, words, n_in, n_out, flags;
    const uint16_t *operands;
    const int32_t *params;
    uint32_t n_params;
} ts_record_t;

// Reads the record at words. Its length is not compared with anything.
void ts_record_read(const uint32_t *words, ts_record_t *r);
// Tensors, data and parameters of op; data in the arena is NULL without arena.
void ts_record_bind(const ts_record_t *r, const ts_tensor_t *tensors, const uint8_t *file,
    uint8_t *arena, ts_op_t *op);
// Runs one op over all images and rows.
void ts_record_run(const ts_model_t *m, const ts_record_t *r);
// Runs the records from words to end, segments as a whole.
void ts_program_run(const ts_model_t *m, const uint32_t *words, const uint32_t *end);

// A row of ops.def: bits 0..7 inputs, 8..15 outputs, 16..23 parameters, 24 by
// rows; 0 when the opcode is unknown.
uint32_t ts_op_row(uint32_t opcode);
// Operands that may be absent, a bit each.
uint32_t ts_op_optional(uint32_t opcode);
// Check and run by opcode; generated from ops.def.
int32_t ts_op_check(uint32_t opcode, ts_op_t *op);
void ts_op_run(uint32_t opcode, const ts_op_t *op);

// 1 when the op adds up the rows of x, one by one, and makes y with the last.
static inline int32_t ts_record_sums(const ts_record_t *r) {
    return (r->opcode == TS_OP_AVERAGE_POOL_2D || r->opcode == TS_OP_MEAN)
        && r->operands[2] != TS_ABSENT;
}

// Rows the op goes through: of y, or of x where it sums.
static inline int32_t ts_record_rows(const ts_record_t *r, const ts_tensor_t *tensors) {
    return ts_dim(tensors + r->operands[ts_record_sums(r) ? 0 : r->n_in], 1);
}

// 1 when it can be called for some of them, 0 when only for all at once.
static inline int32_t ts_record_by_rows(const ts_record_t *r) {
    return (ts_op_row(r->opcode) >> 24 & 1) != 0 || ts_record_sums(r);
}

// ---- Segments: ops that hand rows to each other (models/FORMAT.md) ----

enum {
    TS_SEGMENT = 32,            // opcode
    TS_SEGMENT_OPS_MAX = 255,
    TS_ROWS_MAX = 65535,        // of a tensor in a segment
    TS_PUSHED = 254,            // producer: the input that is pushed
    TS_THERE = 255,             // producer: not in this segment
};

// The record after the segment's ops.
const uint32_t *ts_segment_end(const uint32_t *words);
// Forgets what was done, and all rows pushed.
void ts_segment_begin(const ts_model_t *m, const uint32_t *words);
// Runs until the last op is done (1) or a row is missing that is still to be
// pushed (0).
int32_t ts_segment_run(const ts_model_t *m, const uint32_t *words);
// Takes the next row of input 0; after the last one it begins anew. Returns 1
// when this was the last.
int32_t ts_segment_push(const ts_model_t *m, const uint32_t *words, const void *row);

#endif
