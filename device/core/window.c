#include "ts.h"

int32_t ts_window_init(ts_window_t *w, int16_t *ring, uint32_t capacity, uint32_t channels,
    uint32_t length, uint32_t hop) {
    if (hop < 1 || length < hop || capacity < length || capacity > INT32_MAX
        || channels < 1 || channels > TS_CHANNELS_MAX) {
        return TS_ERR_ARGUMENT;
    }
    w->ring = ring;
    w->capacity = capacity;
    w->channels = channels;
    w->length = length;
    w->hop = hop;
    w->overwritten = 0;
    ts_window_clear(w);
    return 0;
}

// frames is (n, channels).
void ts_window_push(ts_window_t *w, const int16_t *frames, uint32_t n) {
    uint32_t space = w->capacity - w->filled;
    for (uint32_t i = 0; i < n; i++) {
        int16_t *to = w->ring + (size_t)w->head * w->channels;
        for (uint32_t c = 0; c < w->channels; c++) {
            *to++ = *frames++;
        }
        w->head = w->head + 1 == w->capacity ? 0 : w->head + 1;
    }
    w->overwritten += n > space ? n - space : 0;
    w->filled += n > space ? space : n;
}

int32_t ts_window_ready(const ts_window_t *w) {
    return w->filled >= w->length ? 1 : 0;
}

// out is (length, channels).
int32_t ts_window_take(ts_window_t *w, int16_t *out) {
    if (w->filled < w->length) {
        return TS_ERR_ARGUMENT;
    }
    uint32_t at = w->head >= w->filled ? w->head - w->filled : w->head + w->capacity - w->filled;
    for (uint32_t i = 0; i < w->length; i++) {
        const int16_t *from = w->ring + (size_t)at * w->channels;
        for (uint32_t c = 0; c < w->channels; c++) {
            *out++ = *from++;
        }
        at = at + 1 == w->capacity ? 0 : at + 1;
    }
    w->filled -= w->hop;
    return 0;
}

void ts_window_clear(ts_window_t *w) {
    w->head = 0;
    w->filled = 0;
}
