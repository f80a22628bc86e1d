// Op records: from words to operands, and from opcodes to functions.
#include "model.h"

void ts_record_read(const uint32_t *words, ts_record_t *r) {
    r->opcode = words[0] & 0xFFFF;
    r->words = words[0] >> 16;
    r->n_in = words[1] & 0xFF;
    r->n_out = words[1] >> 8 & 0xFF;
    r->operands = (const uint16_t *)(const void *)(words + 2);
    uint32_t used = 2 + (r->n_in + r->n_out + 1) / 2;
    r->params = (const int32_t *)(const void *)(words + used);
    r->n_params = r->words >= used ? r->words - used : 0;
}

// Switches, not tables: tables of pointers would need relocation in native
// modules.
int32_t ts_op_counts(uint32_t opcode, uint32_t *n_in, uint32_t *n_out, uint32_t *n_params) {
    switch (opcode) {
#define X(NAME, code, inputs, outputs, parameters) \
    case TS_OP_##NAME: \
        *n_in = inputs; \
        *n_out = outputs; \
        *n_params = parameters; \
        return 1;
#include "ops.def"
#undef X
    }
    return 0;
}

int32_t ts_op_check(uint32_t opcode, ts_op_t *op) {
    switch (opcode) {
#define X(NAME, code, inputs, outputs, parameters) \
    case TS_OP_##NAME: \
        return ts_check_##NAME(op);
#include "ops.def"
#undef X
    }
    return TS_ERR_OPCODE;
}

void ts_op_run(uint32_t opcode, const ts_op_t *op) {
    switch (opcode) {
#define X(NAME, code, inputs, outputs, parameters) \
    case TS_OP_##NAME: \
        ts_run_##NAME(op); \
        break;
#include "ops.def"
#undef X
    }
}
