// From the bytes of a sensor's FIFO to frames.
#include "ts.h"

static int16_t word_at(const uint8_t *bytes, int big_endian) {
    return (int16_t)(big_endian ? bytes[0] << 8 | bytes[1] : bytes[1] << 8 | bytes[0]);
}

// raw is (n, stride) bytes, out is (n, channels).
int32_t ts_frames_unpack_s16(const uint8_t *raw, size_t raw_bytes, size_t n,
    const uint8_t *layout, size_t layout_bytes, int16_t *out) {
    if (layout_bytes < TS_LAYOUT_OFFSETS) {
        return TS_ERR_ARGUMENT;
    }
    size_t stride = layout[TS_LAYOUT_STRIDE], channels = layout[TS_LAYOUT_CHANNELS];
    int big_endian = layout[TS_LAYOUT_BIG_ENDIAN], shift = layout[TS_LAYOUT_SHIFT];
    const uint8_t *offsets = layout + TS_LAYOUT_OFFSETS;
    if (channels < 1 || channels > TS_CHANNELS_MAX || layout_bytes != TS_LAYOUT_OFFSETS + channels
        || stride < 1 || n > raw_bytes / stride || shift > 15) {
        return TS_ERR_ARGUMENT;
    }
    for (size_t c = 0; c < channels; c++) {
        if (offsets[c] + 2u > stride) {
            return TS_ERR_ARGUMENT;
        }
    }
    for (; n-- != 0; raw += stride) {
        for (size_t c = 0; c < channels; c++) {
            *out++ = (int16_t)((uint16_t)word_at(raw + offsets[c], big_endian) << shift);
        }
    }
    return 0;
}

enum { WORD_BYTES = 7, WORD_VALUES = 3, TAG_SHIFT = 3, COUNT_SHIFT = 1, COUNT_MASK = 3 };

// One part of a frame came: puts it into the frame that waits. A part that is
// there already belongs to the next frame: the one that waits can never become whole.
static void take_part(ts_tags_t *t, int part, const uint8_t *data) {
    if (t->have >> part & 1) {
        t->broken++;
        t->have = 0;
    }
    for (int i = 0; i < WORD_VALUES; i++) {
        t->frame[part * WORD_VALUES + i] = word_at(data + 2 * i, 0);
    }
    t->have = (uint8_t)(t->have | 1 << part);
}

// raw is (words, 7) bytes, out is (frames, 3 * parts).
int32_t ts_frames_untag_s16(ts_tags_t *t, const uint8_t *raw, size_t words,
    int16_t *out, size_t out_frames) {
    size_t values = (size_t)t->parts * WORD_VALUES, frames = 0;
    if (t->parts < 1 || t->parts > TS_TAG_PARTS) {
        return TS_ERR_ARGUMENT;
    }
    for (; words-- != 0; raw += WORD_BYTES) {
        int tag = raw[0] >> TAG_SHIFT, count = raw[0] >> COUNT_SHIFT & COUNT_MASK;
        int part = 0;
        while (part < t->parts && t->tags[part] != tag) {
            part++;
        }
        if (part == t->parts) {
            continue;                           // temperature, time stamps, an empty FIFO
        }
        if (t->have != 0 && t->count != count) {
            t->broken++;                        // the other part was lost
            t->have = 0;
        }
        t->count = (uint8_t)count;
        take_part(t, part, raw + 1);
        if (t->have != (1 << t->parts) - 1) {
            continue;
        }
        t->have = 0;
        if (frames == out_frames) {
            return TS_ERR_ARGUMENT;
        }
        for (size_t i = 0; i < values; i++) {
            *out++ = t->frame[i];
        }
        frames++;
    }
    return (int32_t)frames;
}
