// FULLY_CONNECTED with int16 activations or int4 weights.
#include "mixed.h"

#if TS_WITH_MIXED_FULLY_CONNECTED
enum { X, W, BIAS, MULT, SHIFT, Y };
enum { ACT };

// Multipliers are the 53 bits of a double.
static int32_t check_scales(ts_op_t *op) {
    int32_t n = ts_elements(op->t[MULT]) == 1 ? 1 : ts_dim(op->t[W], 2);
    int32_t error = ts_need_constant(op, MULT, TS_S64, n);
    error = error != 0 ? error : ts_need_constant(op, SHIFT, TS_S8, n);
    for (int32_t i = 0; i < n && error == 0; i++) {
        int64_t mult = ts_s64_at(op->data[MULT], i);
        if (mult < 0 || mult >> 53 != 0 || !ts_between(((const int8_t *)op->data[SHIFT])[i], 1, 127)) {
            error = ts_blame(op, MULT, TS_ERR_OP);
        }
    }
    return error;
}

// w is (N, K) in the last two dims.
int32_t ts_check_MIXED_FULLY_CONNECTED(ts_op_t *op) {
    const ts_tensor_t *w = op->t[W];
    int32_t depth = ts_dim(w, 3), outputs = ts_dim(w, 2);
    if (w->dims[0] != 1 || w->dims[1] != 1 || depth > TS_ELEMENTS_SUM_MAX
        || ts_elements(op->t[X]) % depth != 0) {
        return ts_blame(op, W, TS_ERR_SHAPE);
    }
    if ((int64_t)(ts_elements(op->t[X]) / depth) * outputs != ts_elements(op->t[Y])) {
        return ts_blame(op, Y, TS_ERR_SHAPE);
    }
    int32_t error = ts_need_mixed(op, outputs, op->params + ACT);
    return error != 0 ? error : check_scales(op);
}

// An unsigned number of 128 bits.
typedef struct {
    uint64_t high, low;
} ts_u128_t;

static ts_u128_t multiply(uint64_t a, uint64_t b) {
    uint64_t a0 = (uint32_t)a, a1 = a >> 32, b0 = (uint32_t)b, b1 = b >> 32;
    uint64_t low = a0 * b0, mid0 = a0 * b1, mid1 = a1 * b0;
    uint64_t mid = (low >> 32) + (uint32_t)mid0 + (uint32_t)mid1;
    return (ts_u128_t){a1 * b1 + (mid0 >> 32) + (mid1 >> 32) + (mid >> 32),
        mid << 32 | (uint32_t)low};
}

// x + v * 2^n, n below 128.
static ts_u128_t add(ts_u128_t x, uint64_t v, int32_t n) {
    uint64_t low = x.low + (n < 64 ? v << n : 0);
    uint64_t carried = n >= 64 ? v << (n - 64) : n > 0 ? v >> (64 - n) : 0;
    return (ts_u128_t){x.high + carried + (low < x.low ? 1 : 0), low};
}

// The low 64 bits of x / 2^n, n below 128.
static uint64_t shift_down(ts_u128_t x, int32_t n) {
    return n >= 64 ? x.high >> (n - 64) : n > 0 ? x.high << (64 - n) | x.low >> n : x.low;
}

static int32_t bits_u64(uint64_t x) {
    return x >> 32 != 0 ? 64 - ts_clz_u32((uint32_t)(x >> 32)) : 32 - ts_clz_u32((uint32_t)x);
}

// round(x * mult / 2^n), halves away from zero, of a product that was rounded
// to a double before, halves to even: what TensorFlow Lite's reference kernel
// does in floating point.
static int32_t scale_real(int64_t x, int64_t mult, int32_t n) {
    uint64_t magnitude = x < 0 ? 0 - (uint64_t)x : (uint64_t)x;
    ts_u128_t v = multiply(magnitude, (uint64_t)mult);
    int32_t bits = v.high != 0 ? 64 + bits_u64(v.high) : bits_u64(v.low), spare = bits - 53;
    if (bits - n > 31) {
        return x < 0 ? -INT32_MAX : INT32_MAX;
    }
    if (spare > 0) {
        // Bits below `spare` need not be cleared: the shift drops them.
        uint64_t odd = shift_down(v, spare) & 1;
        v = add(v, ((uint64_t)1 << (spare < 64 ? spare - 1 : 63)) - 1 + odd, 0);
    }
    v = add(v, 1, n - 1);
    int32_t result = (int32_t)ts_sat_s32((int64_t)shift_down(v, n));
    return x < 0 ? -result : result;
}

// x is (M, K), w is (N, K), y is (M, N).
void ts_run_MIXED_FULLY_CONNECTED(const ts_op_t *op) {
    int32_t depth = ts_dim(op->t[W], 3), outputs = ts_dim(op->t[W], 2);
    int32_t step = ts_elements(op->t[MULT]) == 1 ? 0 : 1;
    const int8_t *shift = op->data[SHIFT];
    ts_mixed_run_t run = {op->data[X], 0, 1, 1, depth};
    for (int32_t at = 0; at < ts_elements(op->t[Y]); at++) {
        int32_t i = at % outputs;
        run.w = i * depth;
        int64_t sum = (int64_t)((uint64_t)ts_mixed_dot(op, &run) + (uint64_t)ts_mixed_bias(op, i));
        sum = op->t[BIAS]->dtype == TS_S64 ? sum : (int32_t)(uint32_t)(uint64_t)sum;
        sum = scale_real(sum, ts_s64_at(op->data[MULT], i * step), shift[i * step]);
        ts_mixed_store(op, op->data[Y], at, (int32_t)sum, op->params + ACT);
        if (i == outputs - 1) {
            run.x += ts_dtype_bytes(op->t[X]->dtype, depth);
        }
    }
}
#endif
