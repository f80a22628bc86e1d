// Op records: from words to operands, and from opcodes to functions.
#include "model.h"

void ts_record_read(const uint32_t *words, ts_record_t *r) {
    r->opcode = words[0] & 0xFFFF;
    r->words = words[0] >> 16;
    r->n_in = words[1] & 0xFF;
    r->n_out = words[1] >> 8 & 0xFF;
    r->flags = words[1] >> 16;
    r->operands = (const uint16_t *)(const void *)(words + 2);
    uint32_t used = 2 + (r->n_in + r->n_out + 1) / 2;
    r->params = (const int32_t *)(const void *)(words + used);
    r->n_params = r->words >= used ? r->words - used : 0;
}

void ts_record_bind(const ts_record_t *r, const ts_tensor_t *tensors, const uint8_t *file,
    uint8_t *arena, ts_op_t *op) {
    for (uint32_t i = 0; i < r->n_in + r->n_out; i++) {
        const ts_tensor_t *t = r->operands[i] == TS_ABSENT ? NULL : tensors + r->operands[i];
        op->t[i] = t;
        if (t == NULL) {
            op->data[i] = NULL;
        } else if (t->place == TS_IN_FILE) {
            op->data[i] = (void *)(uintptr_t)(file + t->offset);    // only read, by the checks
        } else {
            op->data[i] = arena != NULL ? arena + t->offset : NULL;
        }
    }
    op->params = r->params;
}

// Switches, not tables: tables of pointers would need relocation in native
// modules.
uint32_t ts_op_row(uint32_t opcode) {
    switch (opcode) {
#define X(NAME, code, inputs, outputs, parameters, rows) \
    case TS_OP_##NAME: \
        return TS_WITH_##NAME ? (inputs) | (outputs) << 8 | (parameters) << 16 | (rows) << 24 : 0;
#include "ops.def"
#undef X
    }
    return 0;
}

uint32_t ts_op_optional(uint32_t opcode) {
    switch (opcode) {
#define X(NAME, operands) \
    case TS_OP_##NAME: \
        return operands;
#include "optional.def"
#undef X
    }
    return 0;
}

int32_t ts_op_check(uint32_t opcode, ts_op_t *op) {
    switch (opcode) {
#define X(NAME, code, inputs, outputs, parameters, rows) \
    case TS_OP_##NAME: \
        return TS_WITH_##NAME ? ts_check_##NAME(op) : TS_ERR_OPCODE;
#include "ops.def"
#undef X
    }
    return TS_ERR_OPCODE;
}

void ts_op_run(uint32_t opcode, const ts_op_t *op) {
    switch (opcode) {
#define X(NAME, code, inputs, outputs, parameters, rows) \
    case TS_OP_##NAME: \
        if (TS_WITH_##NAME) { \
            ts_run_##NAME(op); \
        } \
        break;
#include "ops.def"
#undef X
    }
}
