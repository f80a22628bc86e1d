// The loader's checks of the program: op records, and segments of them.
#include "model.h"

typedef struct {
    const ts_file_t *file;
    ts_fault_t *fault;
    uint32_t index;             // of the record
    uint32_t members;           // records from this one on that belong to the last segment
    uint32_t pushed;            // 1 once a segment takes pushed rows
} ts_reader_t;

static int32_t blame_tensor(const ts_reader_t *c, uint32_t tensor) {
    c->fault->tensor = (int32_t)tensor;
    return TS_ERR_OP;
}

// Length and counts of a record against the op list, indices against the table.
static int32_t check_layout(const ts_reader_t *c, const ts_record_t *r, uint32_t row,
    uint32_t n_params) {
    uint32_t n = r->n_in + r->n_out, optional = ts_op_optional(r->opcode);
    if (r->n_in != (row & 0xFF) || r->n_out != (row >> 8 & 0xFF) || r->flags > TS_BACKWARD
        || r->words != 2 + (n + 1) / 2 + n_params || (n % 2 == 1 && r->operands[n] != 0)) {
        return TS_ERR_OP;
    }
    for (uint32_t i = 0; i < n; i++) {
        if (r->operands[i] == TS_ABSENT && (optional >> i & 1) != 0) {
            continue;
        }
        if (r->operands[i] >= c->file->n_tensors) {
            return TS_ERR_OP;
        }
        const ts_tensor_t *t = ts_file_tensors(c->file) + r->operands[i];
        if (i >= r->n_in && t->place != TS_IN_ARENA) {
            return blame_tensor(c, r->operands[i]);
        }
    }
    return 0;
}

// Rings only where ops go by rows; backward only where rows do not depend on
// each other; in a segment forward, one image.
static int32_t check_rows(const ts_reader_t *c, const ts_record_t *r, int32_t by_rows) {
    const ts_tensor_t *tensors = ts_file_tensors(c->file), *y = tensors + r->operands[r->n_in];
    if (r->flags != 0 && (!by_rows || ts_record_sums(r) || c->members > 0)) {
        return TS_ERR_OP;
    }
    if (c->members > 0 && (y->dims[0] != 1 || ts_record_rows(r, tensors) > TS_ROWS_MAX)) {
        return blame_tensor(c, r->operands[r->n_in]);
    }
    for (uint32_t i = 0; i < r->n_in + r->n_out && !by_rows; i++) {
        if (r->operands[i] != TS_ABSENT && tensors[r->operands[i]].ring != 0) {
            return blame_tensor(c, r->operands[i]);
        }
    }
    return 0;
}

static int32_t check_op(const ts_reader_t *c, const ts_record_t *r) {
    uint32_t row = ts_op_row(r->opcode);
    ts_op_t op = {.fault = -1};
    if (row == 0) {
        return TS_ERR_OPCODE;
    }
    int32_t error = check_layout(c, r, row, row >> 16 & 0xFF);
    if (error != 0) {
        return error;
    }
    ts_record_bind(r, ts_file_tensors(c->file), c->file->file, NULL, &op);
    error = ts_op_check(r->opcode, &op);
    if (error != 0 && op.fault >= 0) {
        c->fault->tensor = r->operands[op.fault];
    }
    return error != 0 ? error : check_rows(c, r, ts_record_by_rows(r));
}

#if TS_WITH_SEGMENT
// Op i of a segment: producers are before it; *pushed is set where one is the
// input that is pushed.
static int32_t check_member(uint32_t i, uint32_t producers, uint32_t reach, uint32_t *pushed) {
    uint32_t step = producers >> 16 & 0xFF;
    for (int32_t k = 0; k < 2; k++) {
        uint32_t p = producers >> (8 * k) & 0xFF;
        *pushed |= p == TS_PUSHED;
        if (p >= i && p != TS_PUSHED && p != TS_THERE) {
            return TS_ERR_OP;
        }
    }
    return step == 0 || producers >> 24 != 0 || (reach & 0x8000) != 0 ? TS_ERR_OP : 0;
}

// Rows are pushed into the first record of an inference, and into nothing else.
static int32_t check_pushed(ts_reader_t *c) {
    const ts_file_t *f = c->file;
    const ts_tensor_t *x = ts_file_tensors(f);
    if (c->index != f->n_init || f->n_inputs != 1) {
        return TS_ERR_OP;
    }
    c->pushed = 1;
    return x->dims[0] == 1 && x->dims[1] <= TS_ROWS_MAX ? 0 : blame_tensor(c, 0);
}

static int32_t check_segment(ts_reader_t *c, const ts_record_t *r) {
    uint32_t count = r->n_params > 0 ? (uint32_t)r->params[0] : 0, pushed = 0;
    const ts_tensor_t *tensors = ts_file_tensors(c->file);
    if (c->members > 0 || count < 1 || count > TS_SEGMENT_OPS_MAX || r->flags != 0
        || count >= c->file->n_ops - c->index
        || (c->index < c->file->n_init && c->index + count >= c->file->n_init)) {
        return TS_ERR_OP;
    }
    int32_t error = check_layout(c, r, 1 << 8, 1 + 2 * count);
    if (error != 0) {
        return error;
    }
    const ts_tensor_t *progress = tensors + r->operands[0];
    if (progress->dtype != TS_U8 || progress->ring != 0
        || ts_bytes(progress) < (int32_t)(3 * count + 4)) {
        return blame_tensor(c, r->operands[0]);
    }
    for (uint32_t i = 0; i < count && error == 0; i++) {
        const int32_t *p = r->params + 1 + 2 * i;
        error = check_member(i, (uint32_t)p[0], (uint32_t)p[1], &pushed);
    }
    c->members = count + 1;     // this record is counted off, too
    return error == 0 && pushed ? check_pushed(c) : error;
}
#endif

static int32_t check_record(ts_reader_t *c, const ts_record_t *r) {
#if TS_WITH_SEGMENT
    if (r->opcode == TS_SEGMENT) {
        return check_segment(c, r);
    }
#endif
    return check_op(c, r);
}

int32_t ts_program_check(ts_file_t *f, ts_fault_t *fault) {
    const ts_section_t *s = &f->section[TS_PROG];
    const uint32_t *words = (const uint32_t *)(const void *)(f->file + s->offset);
    uint32_t left = s->bytes / 4;
    ts_reader_t c = {.file = f, .fault = fault};
    if (s->bytes % 4 != 0 || f->n_init > f->n_ops) {
        return TS_ERR_SECTION;
    }
    for (; c.index < f->n_ops; c.index++) {
        fault->op = (int32_t)c.index;
        if (left < 2 || words[0] >> 16 > left || words[0] >> 16 < 2) {
            return TS_ERR_OP;
        }
        ts_record_t r;
        ts_record_read(words, &r);
        int32_t error = check_record(&c, &r);
        if (error != 0) {
            return error;
        }
        words += r.words;
        left -= r.words;
        c.members -= c.members > 0;
    }
    fault->op = -1;
    f->pushed = (uint8_t)c.pushed;
    return left == 0 ? 0 : TS_ERR_SECTION;
}
