#include "fixed.h"
#include "unit.h"

#define HALF ((int32_t)1 << 30)     // multiplier 0.5

// x / 2^n, halves away from zero.
static void shr_round_goes_to_nearest(void) {
    static const struct {
        int32_t x, n, wanted;
    } rows[] = {
        {0, 0, 0}, {5, 0, 5}, {-5, 0, -5}, {1, 1, 1}, {-1, 1, -1}, {2, 2, 1}, {-2, 2, -1},
        {1, 2, 0}, {-1, 2, 0}, {3, 2, 1}, {-3, 2, -1}, {6, 2, 2}, {-6, 2, -2}, {5, 2, 1},
        {-5, 2, -1}, {7, 2, 2}, {-7, 2, -2}, {INT32_MAX, 31, 1}, {INT32_MIN, 31, -1},
        {HALF, 31, 1}, {HALF - 1, 31, 0}, {-HALF, 31, -1}, {1 - HALF, 31, 0},
        {INT32_MAX, 1, HALF}, {INT32_MIN, 1, -HALF},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        CHECK_EQ(ts_shr_round(rows[i].x, rows[i].n), rows[i].wanted);
    }
}

static void mul_high_rounds_halves_up(void) {
    static const struct {
        int32_t a, b, wanted;
    } rows[] = {
        {0, INT32_MAX, 0}, {1, HALF, 1}, {-1, HALF, 0}, {3, HALF, 2}, {-3, HALF, -1},
        {INT32_MIN, INT32_MAX, -INT32_MAX}, {INT32_MAX, INT32_MAX, INT32_MAX - 1},
        {INT32_MIN, 0, 0}, {INT32_MIN, 1, -1}, {100, -HALF, -50},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        CHECK_EQ(ts_mul_high(rows[i].a, rows[i].b), rows[i].wanted);
    }
}

// The two ways to scale differ where the first rounding makes a half.
static void scaling_once_and_twice_differ(void) {
    static const struct {
        int32_t x, mult, shift, twice, once;
    } rows[] = {
        {3, HALF, 0, 2, 2}, {-3, HALF, 0, -1, -1}, {3, HALF, -1, 1, 1}, {-3, HALF, -1, -1, -1},
        {5, HALF, -1, 2, 1}, {-5, HALF, -1, -1, -1}, {-6, HALF, -1, -2, -1}, {7, HALF, 3, 28, 28},
        {0, HALF, -31, 0, 0}, {INT32_MAX, INT32_MAX, -31, 1, 1}, {INT32_MIN, INT32_MAX, -31, -1, -1},
        {1, HALF, 30, 1 << 29, 1 << 29},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        CHECK_EQ(ts_scale_twice(rows[i].x, rows[i].mult, rows[i].shift), rows[i].twice);
        CHECK_EQ(ts_scale_once(rows[i].x, rows[i].mult, rows[i].shift), rows[i].once);
    }
    // Beyond 32 bits: wraps before the multiply as TFLite does; saturates behind it.
    CHECK_EQ(ts_scale_twice(4, HALF, 30), 0);
    CHECK_EQ(ts_scale_once(INT32_MAX, INT32_MAX, 30), INT32_MAX);
    CHECK_EQ(ts_scale_once(INT32_MIN, INT32_MAX, 30), INT32_MIN);
}

static void finish_clamps_before_it_adds(void) {
    CHECK_EQ(ts_finish_s8(INT32_MAX, 127, -128, 127), 127);
    CHECK_EQ(ts_finish_s8(INT32_MIN, -128, -128, 127), -128);
    CHECK_EQ(ts_finish_s8(10, -5, -128, 4), 4);
    CHECK_EQ(ts_finish_s8(10, -5, -128, 5), 5);
    CHECK_EQ(ts_finish_s8(-10, 5, -4, 5), -4);
}

static void divisions_round_away_from_zero(void) {
    static const struct {
        int32_t sum, n, wanted;
    } rows[] = {
        {0, 3, 0}, {1, 2, 1}, {-1, 2, -1}, {4, 3, 1}, {5, 3, 2}, {-4, 3, -1}, {-5, 3, -2}, {7, 1, 7},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        CHECK_EQ(ts_div_round(rows[i].sum, rows[i].n), rows[i].wanted);
        CHECK_EQ(ts_div_round_s64(rows[i].sum, rows[i].n), rows[i].wanted);
    }
}

static void roots_are_exact(void) {
    static const uint64_t bases[] = {0, 1, 2, 3, 255, 256, 65535, 65536, 0xFFFFFFFF};
    for (size_t i = 0; i < COUNT(bases); i++) {
        uint64_t b = bases[i];
        CHECK_EQ(ts_sqrt_u64(b * b), b);
        CHECK_EQ(ts_sqrt_u64(b * b + b), b);
        CHECK_EQ(ts_sqrt_u64(b * b + 2 * b), b);
        CHECK_EQ(b == 0 ? 0 : ts_sqrt_u64(b * b - 1), b == 0 ? 0 : b - 1);
    }
    CHECK_EQ(ts_sqrt_u64(UINT64_MAX), 0xFFFFFFFF);
}

static void small_ones(void) {
    CHECK_EQ(-1 >> 1, -1);      // what fixed.h builds on
    CHECK_EQ(ts_sat_s16(40000), 32767);
    CHECK_EQ(ts_sat_s16(-40000), -32768);
    CHECK_EQ(ts_sat_s32((int64_t)INT32_MAX + 1), INT32_MAX);
    CHECK_EQ(ts_sat_s32((int64_t)INT32_MIN - 1), INT32_MIN);
    CHECK_EQ(ts_wrap_add(INT32_MAX, 1), INT32_MIN);
    CHECK_EQ(ts_sat_shl(HALF, 1), INT32_MAX);
    CHECK_EQ(ts_sat_shl(-HALF, 1), INT32_MIN);
    CHECK_EQ(ts_clz_u32(0), 32);
    CHECK_EQ(ts_clz_u32(1), 31);
    CHECK_EQ(ts_clz_u32(0x80000000), 0);
}

void test_fixed(void) {
    shr_round_goes_to_nearest();
    mul_high_rounds_halves_up();
    scaling_once_and_twice_differ();
    finish_clamps_before_it_adds();
    divisions_round_away_from_zero();
    roots_are_exact();
    small_ones();
}
