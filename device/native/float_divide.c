// Float division for armv6m. libgcc's keeps a table of absolute addresses,
// which a native module cannot have; this one gives the same bits: IEEE 754
// single precision, rounded to nearest, ties to even.
#include <stdint.h>

enum { BIAS = 127, EXPONENT_MAX = 255, MANTISSA_BITS = 23, EXTRA_BITS = 3 };
#define HIDDEN_BIT (1u << MANTISSA_BITS)
#define SIGN_BIT 0x80000000u
#define INFINITE 0x7f800000u
#define NOT_A_NUMBER 0x7fc00000u

uint32_t ts_divide_f32(uint32_t a, uint32_t b);

// Splits a finite number that is not zero into exponent and a mantissa with
// its hidden bit; small (subnormal) numbers get an exponent below 1.
static uint32_t split(uint32_t bits, int32_t *exponent) {
    uint32_t mantissa = bits & (HIDDEN_BIT - 1);
    *exponent = (int32_t)(bits >> MANTISSA_BITS) & EXPONENT_MAX;
    if (*exponent != 0) {
        return mantissa | HIDDEN_BIT;
    }
    *exponent = 1;
    while (!(mantissa & HIDDEN_BIT)) {
        mantissa <<= 1;
        --*exponent;
    }
    return mantissa;
}

// quotient has EXTRA_BITS below its last place, the lowest of them sticky.
static uint32_t round_and_pack(uint32_t quotient, int32_t exponent) {
    if (exponent >= EXPONENT_MAX) {
        return INFINITE;
    }
    if (exponent <= 0) {
        int32_t lost = exponent > -30 ? 1 - exponent : 31;
        uint32_t sticky = (quotient & ((1u << lost) - 1)) != 0;
        quotient = quotient >> lost | sticky;
        exponent = 1;
    }
    uint32_t below = quotient & ((1u << EXTRA_BITS) - 1), half = 1u << (EXTRA_BITS - 1);
    quotient >>= EXTRA_BITS;
    quotient += below > half || (below == half && (quotient & 1));
    // The hidden bit, where there is one, counts the exponent up by one.
    return ((uint32_t)(exponent - 1) << MANTISSA_BITS) + quotient;
}

// The bits of a / b.
uint32_t ts_divide_f32(uint32_t a, uint32_t b) {
    uint32_t sign = (a ^ b) & SIGN_BIT;
    a &= ~SIGN_BIT;
    b &= ~SIGN_BIT;
    if (a > INFINITE || b > INFINITE || (a == b && (a == 0 || a == INFINITE))) {
        return NOT_A_NUMBER;
    }
    if (a == INFINITE || b == 0) {
        return sign | INFINITE;
    }
    if (a == 0 || b == INFINITE) {
        return sign;
    }
    int32_t exponent_a, exponent_b;
    uint32_t top = split(a, &exponent_a), bottom = split(b, &exponent_b);
    int32_t exponent = exponent_a - exponent_b + BIAS;
    if (top < bottom) {
        top <<= 1;
        --exponent;
    }
    uint64_t shifted = (uint64_t)top << (MANTISSA_BITS + EXTRA_BITS);
    uint32_t quotient = (uint32_t)(shifted / bottom);
    uint32_t sticky = (uint64_t)quotient * bottom != shifted;
    return sign | round_and_pack(quotient | sticky, exponent);
}

#if defined(__ARM_ARCH_6M__)
// Called by the compiler; in this ABI floats travel in integer registers.
uint32_t __aeabi_fdiv(uint32_t a, uint32_t b);
uint32_t __aeabi_fdiv(uint32_t a, uint32_t b) {
    return ts_divide_f32(a, b);
}
#endif
