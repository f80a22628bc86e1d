// Words of an I2S bus or an analog converter to samples: one channel of
// several, without the microphone's offset, with gain.
#include "fixed.h"
#include "ts.h"

enum {
    WIDE = 24,                  // bits that are worked with: what the best microphones deliver
    WIDE_SHIFT = 32 - WIDE,
    DC_FRACTION = 7,            // bits of the offset below those: it fits 32 bits
    DC_SHIFT_MAX = 15,
    GAIN_SHIFT = 8,
    OUT_SHIFT = GAIN_SHIFT + WIDE - 16,
};

int32_t ts_pcm_init(ts_pcm_t *p, int32_t word_bytes, int32_t channels, int32_t channel,
    int32_t shift, int32_t offset_binary, int32_t dc_shift, int32_t gain) {
    if ((word_bytes != 2 && word_bytes != 4) || channels < 1 || channels > TS_CHANNELS_MAX
        || channel < 0 || channel >= channels || shift < -16 || shift > 16
        || dc_shift < 0 || dc_shift > DC_SHIFT_MAX || gain < 1 || gain > UINT16_MAX) {
        return TS_ERR_ARGUMENT;
    }
    p->word_bytes = (uint8_t)word_bytes;
    p->channels = (uint8_t)channels;
    p->channel = (uint8_t)channel;
    p->shift = (int8_t)shift;
    p->flip_sign = offset_binary != 0 ? (uint32_t)1 << 31 : 0;
    p->dc_shift = (uint8_t)dc_shift;
    p->gain = (uint16_t)gain;
    ts_pcm_restart(p);
    p->clipped = 0;
    return 0;
}

void ts_pcm_restart(ts_pcm_t *p) {
    p->running = 0;
}

// The offset is a running mean: y[n] = x[n] - m[n], m[n + 1] = m[n] + (x[n] - m[n]) / 2^dc_shift,
// a zero at 0 Hz and a pole at 1 - 2^-dc_shift. It begins at the first sample.
static int32_t without_dc(ts_pcm_t *p, int32_t x) {
    int32_t fine = x * (1 << DC_FRACTION);
    if (p->dc_shift == 0) {
        return x;
    }
    if (!p->running) {
        p->running = 1;
        p->dc = fine;
    }
    int32_t y = x - (p->dc >> DC_FRACTION);
    p->dc += (fine - p->dc) >> p->dc_shift;
    return y;
}

// words is (n, channels) of 2 or 4 bytes in the machine's order; out is (n,), and may be words.
void ts_pcm_run_s16(ts_pcm_t *p, const void *words, size_t n, int16_t *out) {
    const int16_t *narrow = (const int16_t *)words + p->channel;
    const int32_t *wide = (const int32_t *)words + p->channel;
    for (; n-- != 0; narrow += p->channels, wide += p->channels) {
        uint32_t word = p->word_bytes == 2 ? (uint32_t)*narrow << 16 : (uint32_t)*wide;
        int32_t x = (int32_t)((p->shift > 0 ? word << p->shift : word) ^ p->flip_sign);
        x >>= WIDE_SHIFT + (p->shift < 0 ? -p->shift : 0);
        int64_t y = (int64_t)without_dc(p, x) * p->gain;
        y = (y + (1 << (OUT_SHIFT - 1))) >> OUT_SHIFT;
        int16_t v = ts_sat_s16(y);
        p->clipped += v != y;
        *out++ = v;
    }
}
