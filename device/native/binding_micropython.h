// What modtinysense.c needs from MicroPython: as part of the firmware, and as
// a native module (.mpy), where only the runtime's function table can be called.
#ifndef TS_BINDING_MICROPYTHON_H
#define TS_BINDING_MICROPYTHON_H
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#if MICROPY_ENABLE_DYNRUNTIME
#include "py/dynruntime.h"
#else
#include "py/runtime.h"
#endif

typedef mp_obj_t bind_value_t;
typedef struct {
    const mp_obj_t *args;
} bind_call_t;
typedef struct {
    const void *data;
    size_t bytes;
} bind_input_t;
typedef struct {
    void *data;
    size_t bytes;
} bind_output_t;

// Argument i as an integer, modulo 2^32. Raises TypeError for other types.
static inline uint32_t bind_uint(bind_call_t *call, size_t i) {
    return (uint32_t)mp_obj_get_int_truncated(call->args[i]);
}

// Argument i as an integer; one that is too large for a small int (30 bits on
// 32-bit boards) becomes INT32_MIN, which is outside every range.
static inline int32_t bind_int(bind_call_t *call, size_t i) {
    mp_obj_t arg = call->args[i];
    if (!mp_obj_is_small_int(arg)) {
        uint32_t value = bind_uint(call, i);
        bool is_bool = arg == mp_const_true || arg == mp_const_false;
        return is_bool ? (int32_t)value : INT32_MIN;
    }
    mp_int_t value = MP_OBJ_SMALL_INT_VALUE(arg);
    return value == (int32_t)value ? (int32_t)value : INT32_MIN;
}

// Argument i as bytes to read. Raises TypeError without the buffer protocol.
static inline bind_input_t bind_input(bind_call_t *call, size_t i) {
    mp_buffer_info_t info;
    mp_get_buffer_raise(call->args[i], &info, MP_BUFFER_READ);
    return (bind_input_t) { info.buf, info.len };
}

// Argument i as bytes to write. Raises TypeError for what is read-only.
static inline bind_output_t bind_output(bind_call_t *call, size_t i) {
    mp_buffer_info_t info;
    mp_get_buffer_raise(call->args[i], &info, MP_BUFFER_RW);
    return (bind_output_t) { info.buf, info.len };
}

static inline bind_value_t bind_from_int(int32_t value) {
    return mp_obj_new_int(value);
}

static inline bind_value_t bind_from_uint(uint32_t value) {
    return mp_obj_new_int_from_uint(value);
}

static inline bind_value_t bind_from_text(const char *text) {
    return mp_obj_new_str(text, strlen(text));
}

// The object `name_obj` around `call_name`, for exactly n arguments.
#define BIND_FUNCTION(name, n) \
    static mp_obj_t bound_##name(size_t n_args, const mp_obj_t *args) { \
        (void)n_args; \
        bind_call_t call = { args }; \
        return call_##name(&call); \
    } \
    static MP_DEFINE_CONST_FUN_OBJ_VAR_BETWEEN(name##_obj, n, n, bound_##name);

#endif
