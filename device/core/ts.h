// tinysense core: int8 inference and DSP in C99. No malloc, no writable
// statics, no float in the int8 path; the caller brings every buffer.
// Results are zero or more; errors are negative (errors.def).
#ifndef TS_H
#define TS_H
#include <stddef.h>
#include <stdint.h>

enum {
#define X(name, code, text) name = code,
#include "errors.def"
#undef X
};

// The message of an error code, "unknown error" for others. Never NULL.
const char *ts_error_text(int32_t code);

// The core this was built for: number and name, a row of targets.def. Models
// packed for it run here, and portable ones.
int32_t ts_target(void);
const char *ts_kernels(void);

// CRC-32 (IEEE 802.3) of bytes, continuing from crc (0 to begin).
uint32_t ts_crc32(uint32_t crc, const void *bytes, size_t n);

// ---- Model (models/FORMAT.md, section 1) ----

typedef enum { TS_S8, TS_U8, TS_S16, TS_S32, TS_F32, TS_S64, TS_S4, TS_DTYPES } ts_dtype_t;
typedef enum { TS_IN_ARENA, TS_IN_FILE } ts_place_t;

// A row of the tensor table, read in place. ring: rows (indices along dims[1])
// that are held, row y in slot y % ring; 0 when the tensor is whole.
typedef struct {
    uint8_t dtype, rank, place, ring;
    uint32_t offset;
    uint32_t dims[4];
    int32_t zero_point;
    uint32_t scale_bits;        // f32, as its bits
} ts_tensor_t;

// Where loading stopped; -1 where no op or tensor is to blame.
typedef struct {
    int32_t op, tensor;
} ts_fault_t;

// A loaded model: views into the caller's file and arena.
typedef struct {
    const uint8_t *file;
    uint8_t *arena;
    uint32_t file_bytes, arena_bytes;
    const ts_tensor_t *tensors;
    const uint32_t *program;    // op records: the prologue, if there is one,
    const uint32_t *inference;  // then one inference
    const uint32_t *end;
    uint16_t n_ops;
    uint8_t n_inputs, n_outputs;
    uint8_t pushed;             // 1: input 0 is pushed row by row
    ts_fault_t fault;
} ts_model_t;

// Validates the whole file (every offset, shape and parameter) but neither
// its CRC nor its weights. Returns the arena bytes needed. file must be
// 4-aligned. On error *fault says which op and tensor.
int32_t ts_model_check(const void *file, size_t file_bytes, ts_fault_t *fault);

// Compares the file's CRC. Returns 0 or TS_ERR_CRC.
int32_t ts_model_crc(const void *file, size_t file_bytes);

// Checks, binds and resets. file and arena must outlive m, be 4-aligned and
// apart from each other; nothing may change in file while m is in use: it was
// checked once. On error m->fault says which op and tensor.
int32_t ts_model_load(ts_model_t *m, const void *file, size_t file_bytes,
    void *arena, size_t arena_bytes);

// State goes back to its initial values (the program's prologue), and rows
// pushed are forgotten. Returns 0.
int32_t ts_model_reset(const ts_model_t *m);

// Runs the program once: reads the input tensors in the arena, writes the
// output tensors in the arena. Inputs may be overwritten. State is kept from
// run to run. Returns 0; TS_ERR_ROWS where the input is pushed row by row.
int32_t ts_model_run(const ts_model_t *m);

// Models whose input comes by rows. begin forgets the rows pushed so far;
// state stays. push_row takes the next row of input 0 (dims[2] x dims[3]
// elements) and computes what it makes possible: 1 when that was the last row
// and the outputs are there, else 0; the row after that begins anew. On other
// models begin does nothing and push_row is TS_ERR_ROWS.
int32_t ts_model_begin(const ts_model_t *m);
// Bytes of a row to push; 0 where the input is not pushed.
int32_t ts_model_row_bytes(const ts_model_t *m);
int32_t ts_model_push_row(const ts_model_t *m, const void *row);

// Runs op i alone (0 .. n_ops-1, those of segments too), for profiling.
// TS_ERR_ARGUMENT outside.
int32_t ts_model_run_op(const ts_model_t *m, int32_t i);

// First byte of tensor i.
void *ts_model_tensor(const ts_model_t *m, int32_t i);

// ---- Frames: what drivers deliver, int16 (n, channels) ----

enum { TS_CHANNELS_MAX = 16 };

// In place: frame[c] = sat16(round(frame[map[c] & 15] * mult / 2^shift)),
// negated where map[c] has bit 7; rounded halves away from zero. mult
// 1 .. 32767, shift 0 .. 30.
int32_t ts_frames_adapt_s16(int16_t *frames, size_t n, int32_t channels,
    const uint8_t *map, int32_t mult, int32_t shift);

// ---- Window: a ring of frames that hands out overlapping windows ----

typedef struct {
    int16_t *ring;              // (capacity, channels)
    uint32_t capacity, channels, length, hop;
    uint32_t head;              // frame to write next
    uint32_t filled;            // frames held and not yet passed by a hop
    uint32_t overwritten;       // frames lost because nobody took a window
} ts_window_t;

// capacity >= length >= hop >= 1; ring holds capacity * channels.
int32_t ts_window_init(ts_window_t *w, int16_t *ring, uint32_t capacity,
    uint32_t channels, uint32_t length, uint32_t hop);
// Pushes n frames; the oldest are overwritten, and counted, when full.
void ts_window_push(ts_window_t *w, const int16_t *frames, uint32_t n);
// 1 when a whole window waits, else 0.
int32_t ts_window_ready(const ts_window_t *w);
// Copies the oldest window (length, channels) to out and drops hop frames.
// The first window is the first length frames. TS_ERR_ARGUMENT if not ready.
int32_t ts_window_take(ts_window_t *w, int16_t *out);
// Forgets all frames (after a gap).
void ts_window_clear(ts_window_t *w);

// ---- Features: window -> tensor (FEAT section) ----

typedef struct {
    uint32_t channels, window, hop, outputs, work_bytes;
} ts_features_info_t;

// Validates a FEAT section and tells its geometry.
int32_t ts_features_check(const void *feat, size_t feat_bytes, ts_features_info_t *info);
// Window (window, channels) -> values (outputs) in s32, before quantisation:
// what training sees. work: work_bytes, 4-aligned. frames are not changed.
int32_t ts_features_values(const void *feat, size_t feat_bytes, const int16_t *frames,
    void *work, int32_t *values);
// The same, quantised to the model's int8 input.
int32_t ts_features_run(const void *feat, size_t feat_bytes, const int16_t *frames,
    void *work, int8_t *out);

#endif
