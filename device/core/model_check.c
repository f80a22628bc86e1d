// The loader's checks behind the section table. After them no op can read or
// write outside the file and the arena, whatever the file says: the numbered
// invariants are at the end of section 1 of models/FORMAT.md.
#include "model.h"

// Bytes of a tensor, -1 where the dims are not sound or exceed 31 bits.
static int64_t tensor_bytes(const ts_tensor_t *t) {
    uint64_t n = (uint64_t)ts_dtype_bytes(t->dtype);
    for (uint32_t i = 0; i < 4; i++) {
        if (t->dims[i] == 0 || (i + t->rank < 4 && t->dims[i] != 1)) {
            return -1;
        }
        n *= t->dims[i];    // at most 2^31 * 2^32 before the test below
        if (n > INT32_MAX) {
            return -1;
        }
    }
    return (int64_t)n;
}

static int32_t zero_point_ok(const ts_tensor_t *t) {
    switch (t->dtype) {
    case TS_S8:
        return ts_between(t->zero_point, INT8_MIN, INT8_MAX);
    case TS_U8:
        return ts_between(t->zero_point, 0, UINT8_MAX);
    default:
        return t->zero_point == 0;
    }
}

static int32_t check_tensor(const ts_file_t *f, const ts_tensor_t *t) {
    const uint32_t infinity = 0x7F800000;   // as f32 bits; greater: not a number or negative
    if (t->dtype > TS_F32 || t->rank > 4 || t->place > TS_IN_FILE || t->zero != 0
        || t->offset % 4 != 0 || t->scale_bits >= infinity || !zero_point_ok(t)) {
        return TS_ERR_TENSOR;
    }
    int64_t bytes = tensor_bytes(t), start = 0, end = f->arena_bytes;
    if (t->place == TS_IN_FILE) {
        start = f->section[TS_DATA].offset;
        end = start + f->section[TS_DATA].bytes;
    }
    return bytes >= 0 && t->offset >= start && t->offset + bytes <= end ? 0 : TS_ERR_TENSOR;
}

static const ts_tensor_t *tensor_table(const ts_file_t *f) {
    return (const ts_tensor_t *)(const void *)(f->file + f->section[TS_TENS].offset);
}

static int32_t check_tensors(const ts_file_t *f, ts_fault_t *fault) {
    const ts_tensor_t *t = tensor_table(f);
    for (int32_t i = 0; i < f->n_tensors; i++, t++) {
        int32_t error = check_tensor(f, t);
        if (error == 0 && i < f->n_inputs + f->n_outputs && t->place != TS_IN_ARENA) {
            error = TS_ERR_TENSOR;
        }
        if (error != 0) {
            fault->tensor = i;
            return error;
        }
    }
    return 0;
}

// Length and counts of a record against the op list, indices against the table.
static int32_t check_record(const ts_file_t *f, const uint32_t *words, const ts_record_t *r) {
    uint32_t n_in, n_out, n_params, n = r->n_in + r->n_out;
    if (!ts_op_counts(r->opcode, &n_in, &n_out, &n_params)) {
        return TS_ERR_OPCODE;
    }
    if (r->n_in != n_in || r->n_out != n_out || words[1] >> 16 != 0
        || r->words != 2 + (n + 1) / 2 + n_params || (n % 2 == 1 && r->operands[n] != 0)) {
        return TS_ERR_OP;
    }
    for (uint32_t i = 0; i < n; i++) {
        if (r->operands[i] >= f->n_tensors) {
            return TS_ERR_OP;
        }
    }
    return 0;
}

static int32_t check_op(const ts_file_t *f, const ts_record_t *r, ts_fault_t *fault) {
    const ts_tensor_t *table = tensor_table(f);
    ts_op_t op = {.params = r->params, .fault = -1};
    for (uint32_t i = 0; i < r->n_in + r->n_out; i++) {
        const ts_tensor_t *t = table + r->operands[i];
        op.t[i] = t;
        op.data[i] = t->place == TS_IN_FILE ? (void *)(uintptr_t)(f->file + t->offset) : NULL;
        if (i >= r->n_in && t->place != TS_IN_ARENA) {
            fault->tensor = r->operands[i];
            return TS_ERR_OP;
        }
    }
    int32_t error = ts_op_check(r->opcode, &op);
    if (error != 0 && op.fault >= 0) {
        fault->tensor = r->operands[op.fault];
    }
    return error;
}

static int32_t check_program(const ts_file_t *f, ts_fault_t *fault) {
    const ts_section_t *s = &f->section[TS_PROG];
    const uint32_t *words = (const uint32_t *)(const void *)(f->file + s->offset);
    uint32_t left = s->bytes / 4;
    if (s->bytes % 4 != 0) {
        return TS_ERR_SECTION;
    }
    for (int32_t i = 0; i < f->n_ops; i++) {
        fault->op = i;
        if (left < 2 || words[0] >> 16 > left || words[0] >> 16 < 2) {
            return TS_ERR_OP;
        }
        ts_record_t r;
        ts_record_read(words, &r);
        int32_t error = check_record(f, words, &r);
        error = error != 0 ? error : check_op(f, &r, fault);
        if (error != 0) {
            return error;
        }
        words += r.words;
        left -= r.words;
    }
    fault->op = -1;
    return left == 0 ? 0 : TS_ERR_SECTION;
}

static int32_t check_features(const ts_file_t *f, uint64_t *window_bytes, ts_fault_t *fault) {
    const ts_tensor_t *input = tensor_table(f);
    ts_features_info_t info;
    *window_bytes = 0;
    if ((f->present >> TS_FEAT & 1) == 0) {
        return 0;
    }
    int32_t error = ts_features_check(f->file + f->section[TS_FEAT].offset,
        f->section[TS_FEAT].bytes, &info);
    if (error == 0 && (input->dtype != TS_S8 || info.outputs != (uint32_t)ts_elements(input))) {
        fault->tensor = 0;
        error = TS_ERR_FEATURES;
    }
    *window_bytes = error == 0 ? (uint64_t)info.channels * info.window * 2 : 0;
    return error;
}

static int32_t check_golden(const ts_file_t *f, uint64_t window_bytes) {
    const ts_section_t *s = &f->section[TS_GOLD];
    const ts_tensor_t *in = tensor_table(f), *out = in + f->n_inputs;
    uint64_t in_bytes = (uint64_t)ts_bytes(in), out_bytes = (uint64_t)ts_bytes(out);
    if ((f->present >> TS_GOLD & 1) == 0) {
        return 0;
    }
    if (s->bytes < 16 || ts_u32_at(f->file, s->offset + 4) != window_bytes
        || ts_u32_at(f->file, s->offset + 8) != in_bytes
        || ts_u32_at(f->file, s->offset + 12) != out_bytes) {
        return TS_ERR_GOLDEN;
    }
    uint64_t count = ts_u32_at(f->file, s->offset);
    uint64_t one = (window_bytes + 3) / 4 * 4 + (in_bytes + 3) / 4 * 4 + (out_bytes + 3) / 4 * 4;
    return count < s->bytes && 16 + count * one == s->bytes ? 0 : TS_ERR_GOLDEN;
}

int32_t ts_file_check(const ts_file_t *f, ts_fault_t *fault) {
    uint64_t window_bytes;
    int32_t error = check_tensors(f, fault);
    error = error != 0 ? error : check_program(f, fault);
    error = error != 0 ? error : check_features(f, &window_bytes, fault);
    return error != 0 ? error : check_golden(f, window_bytes);
}
