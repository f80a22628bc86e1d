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
#include "../core/config.h"
#include "../core/ts.h"

enum { ABI_VERSION = 4 };       // counts up when exports.def changes its meaning

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

static bind_value_t call_bytes_copy(bind_call_t *call) {
    bind_output_t to = bind_output(call, 0);
    bind_input_t from = bind_input(call, 2);
    int32_t at = bind_int(call, 1), start = bind_int(call, 3), n = bind_int(call, 4);
    if (at < 0 || start < 0 || n < 0 || to.bytes < (size_t)at || to.bytes - (size_t)at < (size_t)n
        || from.bytes < (size_t)start || from.bytes - (size_t)start < (size_t)n) {
        return bind_from_int(TS_ERR_ARGUMENT);
    }
    memmove((uint8_t *)to.data + at, (const uint8_t *)from.data + start, (size_t)n);
    return bind_from_int(0);
}

#include "calls_model.h"
#include "calls_sampling.h"
#if TS_WITH_MICROPHONE
#include "calls_microphone.h"
#endif
#include "calls_features.h"

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
