#include "op.h"

#if TS_WITH_MEAN
enum { X, Y, SUMS };
enum { AXES, MULT, SHIFT };

// Fed by rows: one image, over H, or H and W, or all that is one value high.
static int32_t check_sums(ts_op_t *op) {
    int32_t axes = op->params[AXES];
    if (ts_dim(op->t[X], 0) != 1 || (axes & 2) == 0 || (axes & 8) != 0
        || ts_elements(op->t[Y]) > INT32_MAX / 4) {
        return ts_blame(op, SUMS, TS_ERR_OP);
    }
    return ts_need_scratch(op, SUMS, ts_elements(op->t[Y]) * 4);
}

int32_t ts_check_MEAN(ts_op_t *op) {
    const int32_t *p = op->params;
    int32_t error = ts_need_types(op, X, Y, TS_S8);
    if (error != 0) {
        return error;
    }
    if (!ts_between(p[AXES], 0, 15) || !ts_scale_ok(p[MULT], p[SHIFT])) {
        return TS_ERR_OP;
    }
    // y may drop the dims of 1 that x keeps, so only counts are compared.
    int32_t kept = 1;
    for (int32_t i = 0; i < 4; i++) {
        kept *= p[AXES] >> i & 1 ? 1 : ts_dim(op->t[X], i);
    }
    // A sum of differences within +-255 must fit 31 bits.
    if (kept != ts_elements(op->t[Y]) || ts_elements(op->t[X]) / kept > INT32_MAX / 256) {
        return ts_blame(op, Y, TS_ERR_SHAPE);
    }
    return op->t[SUMS] == NULL ? 0 : check_sums(op);
}

static int8_t scaled(const ts_op_t *op, int32_t sum, int32_t offset) {
    sum = ts_scale_twice(ts_wrap_add(sum, offset), op->params[MULT], op->params[SHIFT]);
    return ts_finish_s8(sum, op->t[Y]->zero_point, INT8_MIN, INT8_MAX);
}

// Adds rows first .. first + count of x (H, W, C) to the sums, of which there
// is one for each element of y; the last row makes y.
static void mean_by_rows(const ts_op_t *op) {
    int32_t *sums = op->data[SUMS], n = ts_elements(op->t[Y]), end = op->first + op->count;
    int32_t rows = ts_dim(op->t[X], 1), length = ts_dim(op->t[X], 2) * ts_dim(op->t[X], 3);
    int8_t *y = op->data[Y];
    for (int32_t row = op->first; row < end; row++) {
        const int8_t *x = ts_row(op, X, row);
        if (row == 0) {
            memset(sums, 0, (size_t)n * sizeof(int32_t));
        }
        for (int32_t i = 0; i < length; i += n) {   // n is C or the whole row
            for (int32_t k = 0; k < n; k++) {
                sums[k] = ts_wrap_add(sums[k], *x++);
            }
        }
    }
    if (end == rows) {
        int32_t offset = -op->t[X]->zero_point * (ts_elements(op->t[X]) / n);
        for (int32_t k = 0; k < n; k++) {
            y[k] = scaled(op, sums[k], offset);
        }
    }
}

// Sums of n values, `step` apart, of four neighbouring columns: sum is (4).
static void sum_four(const int8_t *x, int32_t n, int32_t step, int32_t *sum) {
    int32_t a = 0, b = 0, c = 0, d = 0;
    for (; n > 0; n--, x += step) {
        a += x[0];
        b += x[1];
        c += x[2];
        d += x[3];
    }
    sum[0] = a;
    sum[1] = b;
    sum[2] = c;
    sum[3] = d;
}

// Sum over the reduced axes, from x on; n and step are (4), the innermost last.
static int32_t reduced_sum(const int8_t *x, const int32_t *n, const int32_t *step) {
    int32_t sum = 0;
    for (int32_t a = 0; a < n[0]; a++) {
        for (int32_t b = 0; b < n[1]; b++) {
            for (int32_t c = 0; c < n[2]; c++) {
                const int8_t *p = x + a * step[0] + b * step[1] + c * step[2];
                for (int32_t d = 0; d < n[3]; d++, p += step[3]) {
                    sum += *p;
                }
            }
        }
    }
    return sum;
}

// How many values a mean goes over where they lie evenly, *apart from each other;
// 0 where they do not. n and step are (4).
static int32_t even_run(const int32_t *n, const int32_t *step, int32_t *apart) {
    int32_t count = 1;
    *apart = 0;
    for (int32_t i = 3; i >= 0; i--) {
        if (n[i] > 1 && count > 1 && step[i] != count * *apart) {
            return 0;
        }
        if (n[i] > 1 && count == 1) {
            *apart = step[i];
        }
        count *= n[i];
    }
    return count;
}

// x is (D0, D1, D2, D3); y holds the axes not in the mask, in their order.
// mult and shift include the division by the count.
void ts_run_MEAN(const ts_op_t *op) {
    int32_t kept[4], reduced[4], step[4], sum[4], count = 1, size = 1, apart;
    if (op->t[SUMS] != NULL) {
        mean_by_rows(op);
        return;
    }
    for (int32_t i = 3; i >= 0; i--) {
        int32_t dim = ts_dim(op->t[X], i), over = op->params[AXES] >> i & 1;
        kept[i] = over ? 1 : dim;
        reduced[i] = over ? dim : 1;
        step[i] = size;
        size *= dim;
        count *= reduced[i];
    }
    int32_t offset = -op->t[X]->zero_point * count, run = even_run(reduced, step, &apart);
    const int8_t *x = op->data[X];
    int8_t *y = op->data[Y];
    for (int32_t a = 0; a < kept[0]; a++) {
        for (int32_t b = 0; b < kept[1]; b++) {
            for (int32_t c = 0; c < kept[2]; c++) {
                const int8_t *p = x + a * step[0] + b * step[1] + c * step[2];
                for (int32_t d = 0, columns; d < kept[3]; d += columns, p += columns) {
                    columns = run > 0 && kept[3] - d >= 4 ? 4 : 1;
                    if (columns == 4) {
                        sum_four(p, run, apart, sum);
                    } else {
                        sum[0] = reduced_sum(p, reduced, step);
                    }
                    for (int32_t k = 0; k < columns; k++) {
                        *y++ = scaled(op, sum[k], offset);
                    }
                }
            }
        }
    }
}
#endif
