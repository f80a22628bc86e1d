// The module _tinysense: the core's functions over buffers and integers. One
// source for firmware, native module and CPython extension; exports.def lists
// the functions. Every buffer's length and alignment is checked here, every
// value in the core. Errors of the core are returned as negative integers;
// only an argument of a wrong type raises.
//
// Trust: `file`, `feat` and frames may hold anything. A `state` buffer belongs
// to this module: whoever writes into it, or into a loaded `file`, breaks the
// model. Moved, resized or swapped buffers are noticed (TS_ERR_STATE).
#if defined(TINYSENSE_CPYTHON)
#include "binding_cpython.h"
#else
#include "binding_micropython.h"
#endif
#include "../core/ts.h"

enum { ABI_VERSION = 2 };       // counts up when exports.def changes its meaning

static bool aligned(const void *data, size_t step) {
    return (uintptr_t)data % step == 0;
}

// True where a buffer can hold `bytes` at a multiple of `step`; else *error says why.
static bool holds(const void *data, size_t has, size_t bytes, size_t step, int32_t *error) {
    *error = has < bytes ? TS_ERR_ARGUMENT : !aligned(data, step) ? TS_ERR_ALIGN : 0;
    return *error == 0;
}

static bool overlap(const void *a, size_t a_bytes, const void *b, size_t b_bytes) {
    uintptr_t from_a = (uintptr_t)a, from_b = (uintptr_t)b;
    return from_a < from_b + b_bytes && from_b < from_a + a_bytes;
}

// ---- About the module ----

static bind_value_t call_abi(bind_call_t *call) {
    (void)call;
    return bind_from_int(ABI_VERSION);
}

static bind_value_t call_kernels(bind_call_t *call) {
    (void)call;
    return bind_from_text(ts_kernels());
}

static bind_value_t call_target(bind_call_t *call) {
    (void)call;
    return bind_from_int(ts_target());
}

static bind_value_t call_error_text(bind_call_t *call) {
    return bind_from_text(ts_error_text(bind_int(call, 0)));
}

static bind_value_t call_crc32(bind_call_t *call) {
    bind_input_t data = bind_input(call, 0);
    return bind_from_uint(ts_crc32(bind_uint(call, 1), data.data, data.bytes));
}

// ---- Model ----

static bind_value_t call_model_state_bytes(bind_call_t *call) {
    (void)call;
    return bind_from_int((int32_t)sizeof(ts_model_t));
}

static bind_value_t call_model_check(bind_call_t *call) {
    bind_input_t file = bind_input(call, 0);
    bind_output_t where = bind_output(call, 1);
    int32_t result;
    ts_fault_t fault = { -1, -1 };
    if (holds(where.data, where.bytes, sizeof(fault), 4, &result)) {
        result = ts_model_check(file.data, file.bytes, &fault);
        memcpy(where.data, &fault, sizeof(fault));
    }
    return bind_from_int(result);
}

static bind_value_t call_model_crc(bind_call_t *call) {
    bind_input_t file = bind_input(call, 0);
    return bind_from_int(ts_model_crc(file.data, file.bytes));
}

static bind_value_t call_model_load(bind_call_t *call) {
    bind_output_t state = bind_output(call, 0);
    bind_input_t file = bind_input(call, 1);
    bind_output_t arena = bind_output(call, 2);
    int32_t result;
    if (!holds(state.data, state.bytes, sizeof(ts_model_t), sizeof(void *), &result)) {
        return bind_from_int(result);
    }
    ts_model_t *model = state.data;
    memset(model, 0, sizeof(*model));
    if (overlap(file.data, file.bytes, arena.data, arena.bytes)
        || overlap(state.data, state.bytes, arena.data, arena.bytes)
        || overlap(state.data, state.bytes, file.data, file.bytes)) {
        return bind_from_int(TS_ERR_ARGUMENT);
    }
    result = ts_model_load(model, file.data, file.bytes, arena.data, arena.bytes);
    if (result < 0) {
        memset(model, 0, sizeof(*model));
    }
    return bind_from_int(result < 0 ? result : 0);
}

// The model in arguments 0..2, NULL with *error unless they are the very
// buffers it was loaded with. Nothing is read through the state before that.
static const ts_model_t *loaded_model(bind_call_t *call, int32_t *error) {
    bind_input_t state = bind_input(call, 0);
    bind_input_t file = bind_input(call, 1);
    bind_output_t arena = bind_output(call, 2);
    if (!holds(state.data, state.bytes, sizeof(ts_model_t), sizeof(void *), error)) {
        return NULL;
    }
    const ts_model_t *model = state.data;
    bool same = model->file != NULL
        && model->file == file.data && model->file_bytes == file.bytes
        && model->arena == arena.data && model->arena_bytes == arena.bytes;
    *error = same ? 0 : TS_ERR_STATE;
    return same ? model : NULL;
}

// What `action` answers for the model in arguments 0..2.
static bind_value_t with_model(bind_call_t *call, int32_t (*action)(const ts_model_t *)) {
    int32_t result;
    const ts_model_t *model = loaded_model(call, &result);
    return bind_from_int(model != NULL ? action(model) : result);
}

static bind_value_t call_model_run(bind_call_t *call) {
    return with_model(call, ts_model_run);
}

static bind_value_t call_model_reset(bind_call_t *call) {
    return with_model(call, ts_model_reset);
}

static bind_value_t call_model_begin(bind_call_t *call) {
    return with_model(call, ts_model_begin);
}

static bind_value_t call_model_row_bytes(bind_call_t *call) {
    return with_model(call, ts_model_row_bytes);
}

static bind_value_t call_model_push_row(bind_call_t *call) {
    int32_t result;
    const ts_model_t *model = loaded_model(call, &result);
    bind_input_t row = bind_input(call, 3);
    if (model == NULL) {
        return bind_from_int(result);
    }
    size_t wanted = (size_t)ts_model_row_bytes(model);
    if (wanted != 0 && row.bytes != wanted) {
        return bind_from_int(TS_ERR_ARGUMENT);
    }
    return bind_from_int(ts_model_push_row(model, row.data));
}

static bind_value_t call_model_run_op(bind_call_t *call) {
    int32_t result;
    const ts_model_t *model = loaded_model(call, &result);
    int32_t op = bind_int(call, 3);
    if (model != NULL) {
        result = ts_model_run_op(model, op);
    }
    return bind_from_int(result);
}

// ---- Frames ----

// True where a buffer holds n frames of int16; else *error says why.
static bool holds_frames(const void *data, size_t bytes, int32_t n, int32_t channels,
    int32_t *error) {
    *error = TS_ERR_ARGUMENT;
    return n >= 0 && channels >= 1 && bytes / sizeof(int16_t) / (size_t)channels >= (size_t)n
           && holds(data, bytes, 0, sizeof(int16_t), error);
}

static bind_value_t call_frames_adapt(bind_call_t *call) {
    bind_output_t frames = bind_output(call, 0);
    int32_t n = bind_int(call, 1), channels = bind_int(call, 2);
    bind_input_t map = bind_input(call, 3);
    int32_t mult = bind_int(call, 4), shift = bind_int(call, 5);
    int32_t result;
    if (!holds_frames(frames.data, frames.bytes, n, channels, &result)) {
        return bind_from_int(result);
    }
    if (map.bytes < (size_t)channels) {
        return bind_from_int(TS_ERR_ARGUMENT);
    }
    return bind_from_int(ts_frames_adapt_s16(frames.data, (size_t)n, channels, map.data, mult, shift));
}

// ---- Window ----

static bind_value_t call_window_state_bytes(bind_call_t *call) {
    (void)call;
    return bind_from_int((int32_t)sizeof(ts_window_t));
}

// The window in argument 0, NULL with *error where the state cannot be one.
static ts_window_t *window_state(bind_call_t *call, int32_t *error) {
    bind_output_t state = bind_output(call, 0);
    if (!holds(state.data, state.bytes, sizeof(ts_window_t), sizeof(void *), error)) {
        return NULL;
    }
    ts_window_t *window = state.data;
    bool sane = window->ring != NULL && window->head < window->capacity
        && window->filled <= window->capacity;
    *error = sane ? 0 : TS_ERR_STATE;
    return sane ? window : NULL;
}

// The window in arguments 0 and 1, NULL with *error unless its ring is the
// buffer it was made with.
static ts_window_t *window_on_ring(bind_call_t *call, int32_t *error) {
    ts_window_t *window = window_state(call, error);
    bind_output_t ring = bind_output(call, 1);
    if (window == NULL) {
        return NULL;
    }
    bool same = window->ring == ring.data && window->channels > 0
        && ring.bytes / sizeof(int16_t) / window->channels == window->capacity;
    *error = same ? 0 : TS_ERR_STATE;
    return same ? window : NULL;
}

static bind_value_t call_window_init(bind_call_t *call) {
    bind_output_t state = bind_output(call, 0), ring = bind_output(call, 1);
    int32_t channels = bind_int(call, 2), length = bind_int(call, 3), hop = bind_int(call, 4);
    int32_t result;
    if (!holds(state.data, state.bytes, sizeof(ts_window_t), sizeof(void *), &result)
        || !holds(ring.data, ring.bytes, sizeof(int16_t), sizeof(int16_t), &result)) {
        return bind_from_int(result);
    }
    memset(state.data, 0, sizeof(ts_window_t));
    if (channels < 1 || length < 1 || hop < 1 || ring.bytes > INT32_MAX
        || overlap(state.data, state.bytes, ring.data, ring.bytes)) {
        return bind_from_int(TS_ERR_ARGUMENT);
    }
    uint32_t capacity = (uint32_t)(ring.bytes / sizeof(int16_t)) / (uint32_t)channels;
    result = ts_window_init(state.data, ring.data, capacity, (uint32_t)channels,
        (uint32_t)length, (uint32_t)hop);
    if (result < 0) {
        memset(state.data, 0, sizeof(ts_window_t));
    }
    return bind_from_int(result < 0 ? result : (int32_t)capacity);
}

static bind_value_t call_window_push(bind_call_t *call) {
    int32_t result;
    ts_window_t *window = window_on_ring(call, &result);
    bind_input_t frames = bind_input(call, 2);
    int32_t start = bind_int(call, 3), n = bind_int(call, 4);
    if (window == NULL) {
        return bind_from_int(result);
    }
    if (start < 0 || n < 0 || n > INT32_MAX - start) {
        return bind_from_int(TS_ERR_ARGUMENT);
    }
    int32_t channels = (int32_t)window->channels;
    if (!holds_frames(frames.data, frames.bytes, start + n, channels, &result)) {
        return bind_from_int(result);
    }
    ts_window_push(window, (const int16_t *)frames.data + (size_t)start * window->channels, (uint32_t)n);
    return bind_from_int((int32_t)(window->overwritten & INT32_MAX));
}

static bind_value_t call_window_ready(bind_call_t *call) {
    int32_t result;
    const ts_window_t *window = window_state(call, &result);
    return bind_from_int(window == NULL ? result : ts_window_ready(window));
}

static bind_value_t call_window_take(bind_call_t *call) {
    int32_t result;
    ts_window_t *window = window_on_ring(call, &result);
    bind_output_t out = bind_output(call, 2);
    if (window == NULL) {
        return bind_from_int(result);
    }
    int32_t length = (int32_t)window->length, channels = (int32_t)window->channels;
    if (!holds_frames(out.data, out.bytes, length, channels, &result)) {
        return bind_from_int(result);
    }
    return bind_from_int(ts_window_take(window, out.data));
}

static bind_value_t call_window_clear(bind_call_t *call) {
    int32_t result;
    ts_window_t *window = window_state(call, &result);
    if (window != NULL) {
        ts_window_clear(window);
    }
    return bind_from_int(result);
}

// ---- Features ----

static int32_t check_features(bind_input_t feat, ts_features_info_t *info) {
    if (!aligned(feat.data, 4)) {
        return TS_ERR_ALIGN;
    }
    return ts_features_check(feat.data, feat.bytes, info);
}

static bind_value_t call_features_info(bind_call_t *call) {
    bind_input_t feat = bind_input(call, 0);
    bind_output_t out = bind_output(call, 1);
    int32_t result;
    if (!holds(out.data, out.bytes, sizeof(ts_features_info_t), 4, &result)) {
        return bind_from_int(result);
    }
    ts_features_info_t info;
    result = check_features(feat, &info);
    if (result >= 0) {
        memcpy(out.data, &info, sizeof(info));
    }
    return bind_from_int(result < 0 ? result : 0);
}

// features_values and features_run: the same but for the size of an output.
static bind_value_t run_features(bind_call_t *call, bool quantised) {
    bind_input_t feat = bind_input(call, 0), frames = bind_input(call, 1);
    bind_output_t work = bind_output(call, 2), out = bind_output(call, 3);
    ts_features_info_t info;
    int32_t result = check_features(feat, &info);
    size_t size = quantised ? sizeof(int8_t) : sizeof(int32_t);
    if (result < 0
        || !holds_frames(frames.data, frames.bytes, (int32_t)info.window, (int32_t)info.channels, &result)
        || !holds(work.data, work.bytes, info.work_bytes, 4, &result)
        || !holds(out.data, out.bytes, info.outputs * size, size, &result)) {
        return bind_from_int(result);
    }
    if (quantised) {
        return bind_from_int(ts_features_run(feat.data, feat.bytes, frames.data, work.data, out.data));
    }
    return bind_from_int(ts_features_values(feat.data, feat.bytes, frames.data, work.data, out.data));
}

static bind_value_t call_features_values(bind_call_t *call) {
    return run_features(call, false);
}

static bind_value_t call_features_run(bind_call_t *call) {
    return run_features(call, true);
}

// ---- The module itself ----

#define X(qstr, name, n) BIND_FUNCTION(name, n)
#include "exports.def"
#undef X

#if defined(TINYSENSE_CPYTHON)

static PyMethodDef methods[] = {
#define X(qstr, name, n) { #name, (PyCFunction)(void (*)(void))bound_##name, METH_FASTCALL, NULL },
#include "exports.def"
#undef X
    { NULL, NULL, 0, NULL },
};

static struct PyModuleDef module = {
    PyModuleDef_HEAD_INIT, "_tinysense", "The core of tinysense over buffers and integers.", 0, methods,
    NULL, NULL, NULL, NULL,
};

PyMODINIT_FUNC PyInit__tinysense(void);
PyMODINIT_FUNC PyInit__tinysense(void) {
    return PyModule_Create(&module);
}

#elif MICROPY_ENABLE_DYNRUNTIME

mp_obj_t mpy_init(mp_obj_fun_bc_t *self, size_t n_args, size_t n_kw, mp_obj_t *args) {
    (void)n_args;
    (void)n_kw;
    (void)args;
    MP_DYNRUNTIME_INIT_ENTRY
#define X(qstr, name, n) mp_store_global(qstr, MP_OBJ_FROM_PTR(&name##_obj));
#include "exports.def"
#undef X
    MP_DYNRUNTIME_INIT_EXIT
}

#else

static const mp_rom_map_elem_t globals_table[] = {
    { MP_ROM_QSTR(MP_QSTR___name__), MP_ROM_QSTR(MP_QSTR__tinysense) },
#define X(qstr, name, n) { MP_ROM_QSTR(qstr), MP_ROM_PTR(&name##_obj) },
#include "exports.def"
#undef X
};
static MP_DEFINE_CONST_DICT(globals, globals_table);

const mp_obj_module_t tinysense_module = {
    .base = { &mp_type_module },
    .globals = (mp_obj_dict_t *)&globals,
};
MP_REGISTER_MODULE(MP_QSTR__tinysense, tinysense_module);

#endif
