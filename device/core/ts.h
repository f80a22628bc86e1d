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

enum { TS_CHANNELS_MAX = 16, TS_MAP_BYTES = 4 };

// In place: frame[c] = sat16(round(frame[source] * mult / 2^shift)), rounded
// halves away from zero. map has for each channel u8 source, bit 7 where
// negated; u8 shift, 0 .. 30; u16 mult, little-endian, 1 .. 32767.
int32_t ts_frames_adapt_s16(int16_t *frames, size_t n, int32_t channels, const uint8_t *map);

// How one frame lies in a sensor's bytes: stride, channels, 1 where the high
// byte comes first, left shift 0..15, then the byte offset of each channel.
enum { TS_LAYOUT_STRIDE, TS_LAYOUT_CHANNELS, TS_LAYOUT_BIG_ENDIAN, TS_LAYOUT_SHIFT, TS_LAYOUT_OFFSETS };

// n frames of such bytes to int16. TS_ERR_ARGUMENT where they are not there.
int32_t ts_frames_unpack_s16(const uint8_t *raw, size_t raw_bytes, size_t n,
    const uint8_t *layout, size_t layout_bytes, int16_t *out);

// Tagged FIFO words (ST's LSM6DSO family): a tag byte, three int16. A frame is
// one word of each of the `parts` tags with the same counter.
enum { TS_TAG_PARTS = 2 };
typedef struct {
    uint8_t parts, tags[TS_TAG_PARTS];  // set by the caller, the rest zero
    uint8_t have, count;                // parts of the frame that waits, its counter
    uint8_t zero;
    uint16_t broken;                    // frames of which a part never came
    int16_t frame[3 * TS_TAG_PARTS];
} ts_tags_t;
// Returns the frames that became whole, at most out_frames, else TS_ERR_ARGUMENT.
int32_t ts_frames_untag_s16(ts_tags_t *t, const uint8_t *raw, size_t words,
    int16_t *out, size_t out_frames);

// ---- Ring: frames that wait, and the holes between them ----

enum { TS_RING_MARKS = 8 };     // holes that are held apart
typedef struct {
    int16_t *frames;            // (capacity, channels)
    uint32_t capacity, channels;
    uint32_t head;              // frame to write next
    uint32_t held;
    uint32_t marks;
    struct {
        uint32_t before;        // frames held that came before this hole
        uint32_t lost;
    } mark[TS_RING_MARKS];
    uint32_t lost;              // before the frames last popped, in all
    uint32_t overwritten;       // of all that are lost: for want of room
} ts_ring_t;

int32_t ts_ring_init(ts_ring_t *r, int16_t *frames, uint32_t capacity, uint32_t channels);
// Takes n frames before which `lost` were lost. The oldest are overwritten, and lost, when full.
void ts_ring_push(ts_ring_t *r, const int16_t *frames, uint32_t n, uint32_t lost);
// Hands out the oldest frames, at most `most`, none from behind the next hole. r->lost
// then counts all that were lost before them.
uint32_t ts_ring_pop(ts_ring_t *r, int16_t *out, uint32_t most);

// ---- Time: when frames were sampled, by the board's clock ----

enum { TS_TICKS_MASK = 0x3FFFFFFF, TS_RATE_MAX_MHZ = 1000000000 };

// Microseconds since the board started, in 64 bits, out of ticks that wrap.
// Start with zeros; read it at least every six days.
typedef struct {
    uint64_t us;
    uint32_t last_us, last_ms, running, zero;
} ts_clock_t;
void ts_clock_read(ts_clock_t *clock, uint32_t ticks_us, uint32_t ticks_ms);

typedef struct {
    uint64_t frames, us;
} ts_anchor_t;
typedef struct {
    uint64_t frames;            // sampled so far, lost ones counted
    uint64_t early, late;       // when the newest was, 1/256 us
    ts_anchor_t older, newer;   // of the rate
    uint32_t nominal_mhz, measured_mhz;     // measured: 0 until known
    uint32_t running, zero;
} ts_timebase_t;

int32_t ts_timebase_init(ts_timebase_t *t, uint32_t rate_mhz);
// n more frames, at most 2^25, had been sampled back_us before `clock` was read. exact: the
// one after them had not been sampled width_us earlier; else it may have been. Returns the
// frames, besides those n, that must have been sampled too: they are lost.
int32_t ts_timebase_mark(ts_timebase_t *t, const ts_clock_t *clock, uint32_t n,
    uint32_t back_us, uint32_t width_us, int exact);
// Frames sampled since the last mark, by the clock alone.
uint32_t ts_timebase_behind(const ts_timebase_t *t, const ts_clock_t *clock);
// Microseconds since the board's start, of the frame `back` frames before the newest.
uint64_t ts_timebase_time(const ts_timebase_t *t, uint32_t back);

// ---- Microphones: words or bits to int16 samples ----

typedef struct {
    uint32_t flip_sign, running, clipped;   // clipped: samples that gain took beyond int16
    int32_t dc;
    uint16_t gain;
    uint8_t word_bytes, channels, channel, dc_shift;
    int8_t shift;
} ts_pcm_t;
// Words of 2 or 4 bytes, the value's first bit uppermost after `shift` to the left (to the
// right and signed where negative). dc_shift: 0 leaves an offset in; else a high pass at
// rate / (2 pi 2^dc_shift), at most 15. gain: 1/256.
int32_t ts_pcm_init(ts_pcm_t *p, int32_t word_bytes, int32_t channels, int32_t channel,
    int32_t shift, int32_t offset_binary, int32_t dc_shift, int32_t gain);
// words (n, channels) -> out (n,); out may be words. State goes on from call to call.
void ts_pcm_run_s16(ts_pcm_t *p, const void *words, size_t n, int16_t *out);
// The next sample is taken for the offset.
void ts_pcm_restart(ts_pcm_t *p);

enum { TS_PDM_ORDER_MAX = 5, TS_PDM_HALF_WINDOW = 16, TS_PDM_LAST_WINDOW = 64 };
// In which order bytes hold the bits: the first one uppermost or lowest; WORDS:
// 32-bit little-endian words, the first bit uppermost.
enum { TS_PDM_MSB_FIRST, TS_PDM_LSB_FIRST, TS_PDM_WORDS };
typedef struct {
    uint32_t sums[TS_PDM_ORDER_MAX], delays[TS_PDM_ORDER_MAX];     // of the CIC
    uint32_t held;              // bytes since the last frame
    uint32_t clipped;
    uint16_t mantissa;          // of the gain
    uint8_t gain_shift, order, bits, cic_bytes, factor, lsb_first, flip, half_at, last_at;
    int16_t half[2 * TS_PDM_HALF_WINDOW], last[2 * TS_PDM_LAST_WINDOW];
} ts_pdm_t;
// order 3..5; cic: 8, 16, 32 or 64 bits; factor 2 or 4: bits per frame are cic * factor.
// gain: 1/256, of which ten
// digits count; all ones are 32767 at 256.
int32_t ts_pdm_init(ts_pdm_t *p, int32_t order, int32_t cic, int32_t factor, int32_t bit_order,
    int32_t gain);
// Frames that n more bytes make.
uint32_t ts_pdm_frames(const ts_pdm_t *p, size_t n);
// n bytes, of whole words where bit_order is WORDS -> that many frames, which it returns.
int32_t ts_pdm_run_s16(ts_pdm_t *p, const uint8_t *raw, size_t n, int16_t *out);

// What a stream lost that overruns silently.
typedef struct {
    uint64_t us;                // of the last look
    uint64_t low, high;         // frames sampled by then, between these, 1/256
    uint64_t passed, lost;      // frames read or lost; lost
    uint32_t rate_mhz, block, capacity, oldest_lost;
    uint32_t rest;              // of low and high
    uint32_t ahead, hole;       // frames to read before a hole, lost there
} ts_overrun_t;
// It began between `clock` and late_us before. block: frames that come at once;
// capacity: frames that wait at most; oldest_lost: a block too many takes the oldest's place,
// else it is not taken.
int32_t ts_overrun_init(ts_overrun_t *o, const ts_clock_t *clock, uint32_t rate_mhz,
    uint32_t block, uint32_t capacity, int32_t oldest_lost, uint32_t late_us);
// Before reading: of `want` frames, those that come before a hole.
uint32_t ts_overrun_room(ts_overrun_t *o, const ts_clock_t *clock, uint32_t want);
// After reading n; empty: no more were waiting. Returns frames lost so far.
uint32_t ts_overrun_read(ts_overrun_t *o, const ts_clock_t *clock, uint32_t n, int32_t empty);
// How long ago the last frame read was sampled.
uint32_t ts_overrun_back_us(const ts_overrun_t *o);

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

// A window gives a row of row_outputs values; the model's input is the newest `rows` of
// them (outputs values), due again after every row_stride. Without ROWS both are 1.
typedef struct {
    uint32_t channels, window, hop, outputs, work_bytes;
    uint32_t rows, row_stride, row_outputs;
} ts_features_info_t;

// Validates a FEAT section and tells its geometry.
int32_t ts_features_check(const void *feat, size_t feat_bytes, ts_features_info_t *info);
// Begins a stream. work (work_bytes, 4-aligned) is the stream's own from then on: it holds
// what blocks keep from window to window.
int32_t ts_features_reset(const void *feat, size_t feat_bytes, void *work);
// Window (window, channels) -> values (row_outputs) in s32, before quantisation:
// what training sees. frames are not changed.
int32_t ts_features_values(const void *feat, size_t feat_bytes, const int16_t *frames,
    void *work, int32_t *values);
// The same, quantised to the model's int8 input (outputs). 1: out was written; 0: rows are
// still gathered.
int32_t ts_features_run(const void *feat, size_t feat_bytes, const int16_t *frames,
    void *work, int8_t *out);
// The newest rows as they stand, oldest first, zeros where there was none yet.
// TS_ERR_FEATURES where the program gathers none.
int32_t ts_features_rows(const void *feat, size_t feat_bytes, const void *work, int8_t *out);

#endif
