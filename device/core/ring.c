// A ring of frames between a driver and who takes them, with the losses at
// their places.
#include "ts.h"

int32_t ts_ring_init(ts_ring_t *r, int16_t *frames, uint32_t capacity, uint32_t channels) {
    if (capacity < 1 || capacity > INT32_MAX || channels < 1 || channels > TS_CHANNELS_MAX) {
        return TS_ERR_ARGUMENT;
    }
    r->frames = frames;
    r->capacity = capacity;
    r->channels = channels;
    r->head = r->held = r->marks = 0;
    r->lost = r->overwritten = 0;
    return 0;
}

// The oldest `n` frames, all held, are gone; holes before and between them are told with them.
static void let_go(ts_ring_t *r, uint32_t n) {
    uint32_t passed = 0;
    for (uint32_t i = 0; i < r->marks; i++) {
        if (r->mark[i].before < n) {
            r->lost += r->mark[i].lost;
            passed++;
        } else {
            r->mark[i - passed].before = r->mark[i].before - n;
            r->mark[i - passed].lost = r->mark[i].lost;
        }
    }
    r->marks -= passed;
    r->held -= n;
}

// A hole before the next frame. Where all marks are in use, what came after
// the last one is given up, so that the count stays exact.
static void add_hole(ts_ring_t *r, uint32_t lost) {
    if (r->marks == TS_RING_MARKS) {
        uint32_t after = r->held - r->mark[r->marks - 1].before;
        r->mark[r->marks - 1].lost += after + lost;
        r->overwritten += after;
        r->held -= after;
        r->head = (r->head + r->capacity - after) % r->capacity;
        return;
    }
    if (r->marks > 0 && r->mark[r->marks - 1].before == r->held) {
        r->mark[r->marks - 1].lost += lost;
        return;
    }
    r->mark[r->marks].before = r->held;
    r->mark[r->marks++].lost = lost;
}

// frames is (n, channels).
void ts_ring_push(ts_ring_t *r, const int16_t *frames, uint32_t n, uint32_t lost) {
    if (lost > 0) {
        add_hole(r, lost);
    }
    for (uint32_t i = 0; i < n; i++) {
        if (r->held == r->capacity) {
            let_go(r, 1);
            r->lost++;
            r->overwritten++;
        }
        int16_t *to = r->frames + (size_t)r->head * r->channels;
        for (uint32_t c = 0; c < r->channels; c++) {
            *to++ = *frames++;
        }
        r->head = r->head + 1 == r->capacity ? 0 : r->head + 1;
        r->held++;
    }
}

// out is (most, channels).
uint32_t ts_ring_pop(ts_ring_t *r, int16_t *out, uint32_t most) {
    uint32_t n = most < r->held ? most : r->held;
    uint32_t at = r->head >= r->held ? r->head - r->held : r->head + r->capacity - r->held;
    for (uint32_t i = 0; i < r->marks; i++) {   // not beyond the next hole
        if (r->mark[i].before > 0) {
            n = r->mark[i].before < n ? r->mark[i].before : n;
            break;
        }
    }
    for (uint32_t i = 0; i < n; i++) {
        const int16_t *from = r->frames + (size_t)at * r->channels;
        for (uint32_t c = 0; c < r->channels; c++) {
            *out++ = *from++;
        }
        at = at + 1 == r->capacity ? 0 : at + 1;
    }
    if (n > 0) {
        let_go(r, n);
    }
    return n;
}
