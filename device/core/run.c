// The runner: op records over their images and rows, one after another.
#include "model.h"

// Operands of the image after this one: every tensor in the arena that has as
// many images as y.
static void next_image(ts_op_t *op, uint32_t n, uint32_t images) {
    for (uint32_t i = 0; i < n; i++) {
        const ts_tensor_t *t = op->t[i];
        if (t != NULL && t->place == TS_IN_ARENA && t->dims[0] == images) {
            op->data[i] = (uint8_t *)op->data[i] + (uint32_t)ts_bytes(t) / images;
        }
    }
}

void ts_record_run(const ts_model_t *m, const ts_record_t *r) {
    ts_op_t op;
    ts_record_bind(r, m->tensors, m->file, m->arena, &op);
    int32_t rows = ts_record_rows(r, m->tensors);
    uint32_t images = ts_record_by_rows(r) ? op.t[r->n_in]->dims[0] : 1;
    for (uint32_t left = images; left > 0; left--) {
        if ((r->flags & TS_BACKWARD) != 0) {
            op.count = 1;
            for (op.first = rows - 1; op.first >= 0; op.first--) {
                ts_op_run(r->opcode, &op);
            }
        } else {
            op.first = 0;
            op.count = rows;
            ts_op_run(r->opcode, &op);
        }
        if (left > 1) {
            next_image(&op, r->n_in + r->n_out, images);
        }
    }
}

void ts_program_run(const ts_model_t *m, const uint32_t *words, const uint32_t *end) {
    ts_record_t r;
    while (words < end) {
        ts_record_read(words, &r);
#if TS_WITH_SEGMENT
        if (r.opcode == TS_SEGMENT) {
            ts_segment_begin(m, words);
            ts_segment_run(m, words);
            words = ts_segment_end(words);
            continue;
        }
#endif
        ts_record_run(m, &r);
        words += r.words;
    }
}
