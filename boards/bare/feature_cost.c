// What a feature program costs a core: reads programs.bin (of each program u32 bytes, then the
// FEAT section) and frames.bin (int16), and runs each program over all windows of the frames.
// Writes for each the instructions of a window, in the machine's time, and the int8 rows'
// checksum.
#include <string.h>
#include "machine.h"
#include "ts.h"

enum { FRAMES = 16000, FEAT_MAX = 8192, WORK_MAX = 16384, OUTPUTS_MAX = 2048 };

typedef struct {
    uint32_t ns_per_window, crc;
} cost_t;

static int16_t frames[FRAMES];
static uint32_t feat[FEAT_MAX / 4], work[WORK_MAX / 4];
static int8_t out[OUTPUTS_MAX];

static int run(intptr_t results, uint32_t bytes) {
    ts_features_info_t info;
    cost_t cost = {0, 0};
    if (ts_features_check(feat, bytes, &info) != 0 || info.work_bytes > WORK_MAX
        || info.outputs > OUTPUTS_MAX || ts_features_reset(feat, bytes, work) != 0) {
        return 1;
    }
    uint64_t spent = 0;
    uint32_t windows = 0, step = info.hop * info.channels, size = info.window * info.channels;
    for (uint32_t at = 0; at + size <= FRAMES; at += step, windows++) {
        uint64_t began = machine_ns();
        int32_t due = ts_features_run(feat, bytes, frames + at, work, out);
        spent += machine_ns() - began;
        if (due < 0) {
            return 1;
        }
        cost.crc = due ? ts_crc32(cost.crc, out, info.outputs) : cost.crc;
    }
    cost.ns_per_window = (uint32_t)(spent / windows);
    machine_write(results, &cost, sizeof(cost));
    return 0;
}

int main(void) {
    intptr_t frames_file = machine_open("frames.bin", MACHINE_READ);
    intptr_t programs = machine_open("programs.bin", MACHINE_READ);
    intptr_t results = machine_open("results.bin", MACHINE_WRITE);
    uint32_t bytes;
    if (frames_file < 0 || programs < 0 || results < 0
        || machine_read(frames_file, frames, sizeof(frames)) != 0) {
        machine_print("feature_cost: no frames.bin or programs.bin\n");
        return 2;
    }
    while (machine_read(programs, &bytes, sizeof(bytes)) == 0 && bytes != 0) {
        if (bytes > FEAT_MAX || machine_read(programs, feat, bytes) != 0
            || run(results, bytes) != 0) {
            machine_print("feature_cost: a program does not run\n");
            return 2;
        }
    }
    machine_close(results);
    return 0;
}
