// The loader's checks behind the section table. After them no op can read or
// write outside the file and the arena, whatever the file says: the numbered
// invariants are at the end of section 1 of models/FORMAT.md.
#include "model.h"

// Bytes a tensor takes, of a ring only its slots; -1 where the dims are not
// sound or all of its rows exceed 31 bits.
static int64_t tensor_bytes(const ts_tensor_t *t) {
    uint64_t n = (uint64_t)ts_dtype_bytes(t->dtype, 1);
    for (uint32_t i = 0; i < 4; i++) {
        if (t->dims[i] == 0 || (i + t->rank < 4 && t->dims[i] != 1)) {
            return -1;
        }
        n *= t->dims[i];    // at most 2^31 * 2^32 before the test below
        if (n > INT32_MAX) {
            return -1;
        }
    }
    return t->ring != 0 ? (int64_t)t->ring * ts_row_bytes(t) : ts_bytes(t);
}

// A ring holds rows of one image, in the arena.
static int32_t ring_ok(const ts_tensor_t *t) {
    return t->ring == 0 || (t->dims[0] == 1 && t->place == TS_IN_ARENA);
}

static int32_t zero_point_ok(const ts_tensor_t *t) {
    switch (t->dtype) {
    case TS_S8:
        return ts_between(t->zero_point, INT8_MIN, INT8_MAX);
    case TS_U8:
        return ts_between(t->zero_point, 0, UINT8_MAX);
    case TS_S16:
        return ts_between(t->zero_point, INT16_MIN, INT16_MAX);
    default:
        return t->zero_point == 0;
    }
}

static int32_t check_tensor(const ts_file_t *f, const ts_tensor_t *t) {
    const uint32_t infinity = 0x7F800000;   // as f32 bits; greater: not a number or negative
    if (t->dtype >= TS_DTYPES || t->rank > 4 || t->place > TS_IN_FILE || !ring_ok(t)
        || t->offset % 4 != 0 || t->scale_bits >= infinity || !zero_point_ok(t)
        || (t->dtype == TS_S4 && t->place != TS_IN_FILE)) {
        return TS_ERR_TENSOR;
    }
    int64_t bytes = tensor_bytes(t), start = 0, end = f->arena_bytes;
    if (t->place == TS_IN_FILE) {
        start = f->section[TS_DATA].offset;
        end = start + f->section[TS_DATA].bytes;
    }
    return bytes >= 0 && t->offset >= start && t->offset + bytes <= end ? 0 : TS_ERR_TENSOR;
}

static int32_t check_tensors(const ts_file_t *f, ts_fault_t *fault) {
    const ts_tensor_t *t = ts_file_tensors(f);
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

static int32_t check_features(const ts_file_t *f, uint64_t *window_bytes, ts_fault_t *fault) {
    *window_bytes = 0;
    if ((f->present >> TS_FEAT & 1) == 0) {
        return 0;
    }
#if TS_WITH_FEATURES
    const ts_tensor_t *input = ts_file_tensors(f);
    ts_features_info_t info;
    int32_t error = ts_features_check(f->file + f->section[TS_FEAT].offset,
        f->section[TS_FEAT].bytes, &info);
    if (error == 0 && (input->dtype != TS_S8 || info.outputs != (uint32_t)ts_elements(input))) {
        fault->tensor = 0;
        error = TS_ERR_FEATURES;
    }
    if (error == 0) {   // of as many windows as rows come between two inputs
        uint64_t frames = info.window + (uint64_t)(info.row_stride - 1) * info.hop;
        *window_bytes = frames * info.channels * 2;
    }
    return error;
#else
    (void)fault;
    return TS_ERR_FEATURES;
#endif
}

static int32_t check_golden(const ts_file_t *f, uint64_t window_bytes) {
    const ts_section_t *s = &f->section[TS_GOLD];
    const ts_tensor_t *in = ts_file_tensors(f), *out = in + f->n_inputs;
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

// Whole tensors go in and come out, but for an input that is pushed.
static int32_t check_edges(const ts_file_t *f, ts_fault_t *fault) {
    for (int32_t i = f->pushed; i < f->n_inputs + f->n_outputs; i++) {
        if (ts_file_tensors(f)[i].ring != 0) {
            fault->tensor = i;
            return TS_ERR_TENSOR;
        }
    }
    return 0;
}

int32_t ts_file_check(ts_file_t *f, ts_fault_t *fault) {
    uint64_t window_bytes;
    int32_t error = check_tensors(f, fault);
    error = error != 0 ? error : ts_program_check(f, fault);
    error = error != 0 ? error : check_edges(f, fault);
    error = error != 0 ? error : check_features(f, &window_bytes, fault);
    return error != 0 ? error : check_golden(f, window_bytes);
}
