// Header and section table of a .tsm file.
#include "model.h"

enum {  // header fields by offset
    MAGIC = 0, VERSION = 4, TARGET = 6, SECTIONS = 7, FILE_BYTES = 8, ARENA_BYTES = 12,
    CRC = 16, CRC_FROM = 20, TENSORS = 20, OPS = 22, INPUTS = 24, OUTPUTS = 25, INIT = 26,
    ZERO = 28,
};
enum { MAGIC_WORD = 0x1A4D5354, SECTIONS_LIMIT = 16 };

// Index of a section's tag in the order the format wants; -1 unknown.
static int32_t section_index(uint32_t tag) {
    static const uint32_t tags[TS_SECTIONS] = {     // META FEAT TENS PROG DATA GOLD
        0x4154454D, 0x54414546, 0x534E4554, 0x474F5250, 0x41544144, 0x444C4F47,
    };
    for (int32_t i = 0; i < TS_SECTIONS; i++) {
        if (tags[i] == tag) {
            return i;
        }
    }
    return -1;
}

// Rows ascend in tag order and in offset, inside the file, one of each at most.
static int32_t read_sections(ts_file_t *f, uint32_t n) {
    const uint32_t required = 1u << TS_META | 1u << TS_TENS | 1u << TS_PROG | 1u << TS_DATA;
    uint32_t end = TS_HEADER_BYTES + n * TS_SECTION_BYTES;
    int32_t last = -1;
    if (end > f->bytes) {
        return TS_ERR_TRUNCATED;
    }
    for (uint32_t i = 0; i < n; i++) {
        uint32_t row = TS_HEADER_BYTES + i * TS_SECTION_BYTES;
        int32_t index = section_index(ts_u32_at(f->file, row));
        uint32_t offset = ts_u32_at(f->file, row + 4), bytes = ts_u32_at(f->file, row + 8);
        if (index <= last || offset % 16 != 0 || offset < end || offset > f->bytes
            || bytes > f->bytes - offset) {
            return TS_ERR_SECTION;
        }
        f->section[index] = (ts_section_t){offset, bytes};
        f->present |= 1u << index;
        last = index;
        end = offset + bytes;
    }
    return (f->present & required) == required ? 0 : TS_ERR_SECTION;
}

static int32_t read_counts(ts_file_t *f) {
    f->n_tensors = (uint16_t)ts_u16_at(f->file, TENSORS);
    f->n_ops = (uint16_t)ts_u16_at(f->file, OPS);
    f->n_init = (uint16_t)ts_u16_at(f->file, INIT);
    f->n_inputs = f->file[INPUTS];
    f->n_outputs = f->file[OUTPUTS];
    if (f->n_inputs < 1 || f->n_inputs > TS_INPUTS_MAX || f->n_outputs < 1
        || f->n_outputs > TS_INPUTS_MAX || f->n_inputs + f->n_outputs > f->n_tensors
        || f->section[TS_TENS].bytes != f->n_tensors * sizeof(ts_tensor_t)
        || f->section[TS_META].bytes > TS_META_BYTES_MAX) {
        return TS_ERR_SECTION;
    }
    for (uint32_t i = ZERO; i < TS_HEADER_BYTES; i++) {
        if (f->file[i] != 0) {
            return TS_ERR_SECTION;
        }
    }
    return 0;
}

int32_t ts_file_open(ts_file_t *f, const void *file, size_t file_bytes) {
    *f = (ts_file_t){.file = file};
    if ((uintptr_t)file % 4 != 0) {
        return TS_ERR_ALIGN;
    }
    if (file_bytes < TS_HEADER_BYTES) {
        return TS_ERR_TRUNCATED;
    }
    if (ts_u32_at(f->file, MAGIC) != MAGIC_WORD) {
        return TS_ERR_MAGIC;
    }
    if (ts_u16_at(f->file, VERSION) != TS_FILE_VERSION) {
        return TS_ERR_VERSION;
    }
    if (f->file[TARGET] != TS_TARGET_PORTABLE && f->file[TARGET] != TS_TARGET) {
        return TS_ERR_TARGET;
    }
    f->bytes = ts_u32_at(f->file, FILE_BYTES);
    f->arena_bytes = ts_u32_at(f->file, ARENA_BYTES);
    if (f->bytes > file_bytes || f->bytes < TS_HEADER_BYTES) {
        return TS_ERR_TRUNCATED;
    }
    if (f->bytes > INT32_MAX || f->arena_bytes > INT32_MAX || f->file[SECTIONS] > SECTIONS_LIMIT) {
        return TS_ERR_SECTION;
    }
    int32_t error = read_sections(f, f->file[SECTIONS]);
    return error != 0 ? error : read_counts(f);
}

int32_t ts_model_crc(const void *file, size_t file_bytes) {
    const uint8_t *bytes = file;
    if ((uintptr_t)file % 4 != 0) {
        return TS_ERR_ALIGN;
    }
    if (file_bytes < TS_HEADER_BYTES) {
        return TS_ERR_TRUNCATED;
    }
    uint32_t n = ts_u32_at(bytes, FILE_BYTES);
    if (n > file_bytes || n < TS_HEADER_BYTES) {
        return TS_ERR_TRUNCATED;
    }
    uint32_t crc = ts_crc32(0, bytes + CRC_FROM, n - CRC_FROM);
    return crc == ts_u32_at(bytes, CRC) ? 0 : TS_ERR_CRC;
}
