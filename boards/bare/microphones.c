// What a microphone costs a core: reads bits.bin and words.bin, writes for every plan of
// tests/core/test_microphone_cost.py the instructions of a frame, and the frames' checksum.
#include <string.h>
#include "machine.h"
#include "ts.h"

enum { FRAMES = 512, BITS_BYTES = FRAMES * 32, WORDS = 2 * FRAMES };

typedef struct {
    uint32_t ns_per_frame, crc;
} cost_t;

static uint8_t bits[BITS_BYTES];
static int32_t words[WORDS];
static int16_t out[FRAMES];

static void report(intptr_t results, uint64_t began, uint64_t ended, int32_t frames) {
    cost_t cost = { (uint32_t)((ended - began) / (uint32_t)frames),
        ts_crc32(0, out, (size_t)frames * sizeof(*out)) };
    machine_write(results, &cost, sizeof(cost));
}

static int run_pdm(intptr_t results, int32_t order, int32_t cic, int32_t factor) {
    static ts_pdm_t p;
    if (ts_pdm_init(&p, order, cic, factor, TS_PDM_WORDS, 300) != 0) {
        return 1;
    }
    uint64_t began = machine_ns();
    int32_t frames = ts_pdm_run_s16(&p, bits, (size_t)(FRAMES * cic * factor / 8), out);
    report(results, began, machine_ns(), frames);
    return frames != FRAMES;
}

static int run_pcm(intptr_t results, int32_t word_bytes, int32_t dc_shift) {
    ts_pcm_t p;
    if (ts_pcm_init(&p, word_bytes, 2, 1, 0, 0, dc_shift, 300) != 0) {
        return 1;
    }
    uint64_t began = machine_ns();
    ts_pcm_run_s16(&p, words, FRAMES, out);
    report(results, began, machine_ns(), FRAMES);
    return 0;
}

int main(void) {
    static const int32_t plans[][3] = {{4, 16, 4}, {4, 32, 4}, {4, 64, 4}, {5, 16, 4}, {3, 16, 4},
        {4, 32, 2}};
    intptr_t bits_file = machine_open("bits.bin", MACHINE_READ);
    intptr_t words_file = machine_open("words.bin", MACHINE_READ);
    intptr_t results = machine_open("results.bin", MACHINE_WRITE);
    if (bits_file < 0 || words_file < 0 || results < 0
        || machine_read(bits_file, bits, sizeof(bits)) != 0
        || machine_read(words_file, words, sizeof(words)) != 0) {
        machine_print("microphones: no bits.bin or words.bin\n");
        return 2;
    }
    for (uint32_t i = 0; i < sizeof(plans) / sizeof(plans[0]); i++) {
        if (run_pdm(results, plans[i][0], plans[i][1], plans[i][2]) != 0) {
            return 2;
        }
    }
    if (run_pcm(results, 4, 7) != 0 || run_pcm(results, 4, 0) != 0 || run_pcm(results, 2, 7) != 0) {
        return 2;
    }
    machine_close(results);
    return 0;
}
