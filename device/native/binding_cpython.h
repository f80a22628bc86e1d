// What modtinysense.c needs from CPython. A failed argument is remembered in
// the call, and reads as an empty buffer or INT32_MIN, which every function of
// the module refuses: so the functions need no error paths of their own.
#ifndef TS_BINDING_CPYTHON_H
#define TS_BINDING_CPYTHON_H
#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

typedef PyObject *bind_value_t;
typedef struct {
    PyObject *const *args;
    Py_buffer views[4];         // the most buffers a function takes
    int n_views;
    int failed;
} bind_call_t;
typedef struct {
    const void *data;
    size_t bytes;
} bind_input_t;
typedef struct {
    void *data;
    size_t bytes;
} bind_output_t;

// Argument i as an integer, modulo 2^32. Fails with TypeError for other types.
static inline uint32_t bind_uint(bind_call_t *call, size_t i) {
    unsigned long value = call->failed ? 0 : PyLong_AsUnsignedLongMask(call->args[i]);
    if (value == (unsigned long)-1 && PyErr_Occurred()) {
        call->failed = 1;
    }
    return (uint32_t)value;
}

// Argument i as an integer; one that does not fit becomes INT32_MIN, which is
// outside every range.
static inline int32_t bind_int(bind_call_t *call, size_t i) {
    int overflow;
    if (call->failed) {
        return INT32_MIN;
    }
    long long value = PyLong_AsLongLongAndOverflow(call->args[i], &overflow);
    if (value == -1 && PyErr_Occurred()) {
        call->failed = 1;
        return INT32_MIN;
    }
    return overflow || value != (int32_t)value ? INT32_MIN : (int32_t)value;
}

static inline bind_output_t bind_view(bind_call_t *call, size_t i, int flags) {
    Py_buffer *view = &call->views[call->n_views];
    if (call->failed) {
        return (bind_output_t) { NULL, 0 };
    }
    if (PyObject_GetBuffer(call->args[i], view, flags) != 0) {
        call->failed = 1;
        if (PyErr_ExceptionMatches(PyExc_BufferError)) {        // MicroPython has no such type
            PyErr_SetString(PyExc_TypeError, "expected a writable, contiguous buffer");
        }
        return (bind_output_t) { NULL, 0 };
    }
    ++call->n_views;
    return (bind_output_t) { view->buf, (size_t)view->len };
}

// Argument i as bytes to read. Fails with TypeError without the buffer protocol.
static inline bind_input_t bind_input(bind_call_t *call, size_t i) {
    bind_output_t view = bind_view(call, i, PyBUF_SIMPLE);
    return (bind_input_t) { view.data, view.bytes };
}

// Argument i as bytes to write. Fails with TypeError for what is read-only.
static inline bind_output_t bind_output(bind_call_t *call, size_t i) {
    return bind_view(call, i, PyBUF_WRITABLE);
}

static inline bind_value_t bind_from_int(int32_t value) {
    return PyLong_FromLong(value);
}

static inline bind_value_t bind_from_uint(uint32_t value) {
    return PyLong_FromUnsignedLong(value);
}

static inline bind_value_t bind_from_text(const char *text) {
    return PyUnicode_FromString(text);
}

static PyObject *bind_finish(bind_call_t *call, PyObject *value) {
    while (call->n_views > 0) {
        PyBuffer_Release(&call->views[--call->n_views]);
    }
    if (call->failed) {
        Py_XDECREF(value);
        return NULL;
    }
    return value;
}

static int bind_count(const char *name, Py_ssize_t expected, Py_ssize_t got) {
    if (expected != got) {
        PyErr_Format(PyExc_TypeError, "%s() takes %zd arguments, got %zd", name, expected, got);
    }
    return expected == got;
}

// The function `bound_name` around `call_name`, for exactly n arguments.
#define BIND_FUNCTION(name, n) \
    static PyObject *bound_##name(PyObject *self, PyObject *const *args, Py_ssize_t n_args) { \
        (void)self; \
        if (!bind_count(#name, n, n_args)) { \
            return NULL; \
        } \
        bind_call_t call = { .args = args }; \
        return bind_finish(&call, call_##name(&call)); \
    }

#endif
