// The rows of the newest windows, kept until they are an input of the model.
#include "blocks.h"
#include "config.h"

#if TS_WITH_BLOCK_ROWS

#include <string.h>

enum { ROWS, STRIDE, PARAMS };
enum { BYTES_MAX = 1 << 24 };

typedef struct {
    uint32_t next;              // place of the row to come
    uint32_t got;               // rows that count towards the next input
    int8_t rows[];
} history_t;

int32_t ts_block_check_ROWS(ts_signal_t *s, const int32_t *p, uint32_t n_params,
    ts_needs_t *needs) {
    if (n_params != PARAMS || s->values < 1 || !ts_param_ok(p[ROWS], 1, TS_ROWS_MAX)
        || !ts_param_ok(p[STRIDE], 1, p[ROWS]) || s->values > BYTES_MAX / (uint32_t)p[ROWS]) {
        return TS_ERR_FEATURES;
    }
    needs->own_params = PARAMS;
    needs->state_bytes = sizeof(history_t) + ((uint32_t)p[ROWS] * s->values + 3) / 4 * 4;
    return 0;
}

static uint32_t place_of(const history_t *h, const int32_t *p) {
    return h->next < (uint32_t)p[ROWS] ? h->next : 0;
}

int8_t *ts_rows_place(const ts_signal_t *s, const int32_t *p) {
    history_t *h = s->state;
    return h->rows + place_of(h, p) * s->values;
}

void ts_rows_copy(const ts_signal_t *s, const int32_t *p, int8_t *out) {
    const history_t *h = s->state;
    uint32_t before = place_of(h, p) * s->values, all = (uint32_t)p[ROWS] * s->values;
    memcpy(out, h->rows + before, all - before);
    memcpy(out + all - before, h->rows, before);
}

// The row is in its place: it counts.
void ts_block_run_ROWS(ts_signal_t *s, const int32_t *p, ts_sink_t *sink) {
    history_t *h = s->state;
    if (sink->values != NULL) {
        return;
    }
    h->next = (place_of(h, p) + 1) % (uint32_t)p[ROWS];
    h->got++;
    sink->gathering = h->got < (uint32_t)p[ROWS];
    if (!sink->gathering) {
        h->got = (uint32_t)(p[ROWS] - p[STRIDE]);
    }
}

#endif
