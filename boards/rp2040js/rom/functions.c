// Functions of the boot ROM that stands in for the RP2040's own, which no
// emulator may ship. Names, arguments and tables: RP2040 data sheet, 2.8.3.
// Arithmetic is the compiler's; flash is handed to the emulator.
#include <stddef.h>
#include <stdint.h>

// The emulator's own peripheral (flash.mjs): arguments, then the operation.
// The core goes on when the operation is done.
typedef struct {
    uint32_t offset; // in flash
    uint32_t data;   // address of bytes to program; the caller, for MISSING
    uint32_t count;
    uint32_t operation;
} host_t;
#define HOST ((volatile host_t *)0x40070000)
enum { ERASE = 1, PROGRAM, USB_BOOT, MISSING };

static void ask_host(uint32_t operation, uint32_t offset, uint32_t data, uint32_t count) {
    HOST->offset = offset;
    HOST->data = data;
    HOST->count = count;
    HOST->operation = operation;
}

// ---- Tables ----

// A table is pairs of 16-bit numbers, code and address, that end with code 0.
void *rom_table_lookup(const uint16_t *table, uint32_t code) {
    for (; table[0]; table += 2) {
        if (table[0] == code) {
            return (void *)(uintptr_t)table[1];
        }
    }
    return NULL;
}

// ---- Memory and bits ----

void *memcpy(void *to, const void *from, size_t n) {
    uint8_t *d = to;
    const uint8_t *s = from;
    if ((((uintptr_t)d | (uintptr_t)s) & 3) == 0) {
        for (; n >= 4; n -= 4, d += 4, s += 4) {
            *(uint32_t *)d = *(const uint32_t *)s;
        }
    }
    while (n--) {
        *d++ = *s++;
    }
    return to;
}

void *memset(void *to, int value, size_t n) {
    uint8_t *d = to;
    const uint32_t word = (uint8_t)value * 0x01010101u;
    for (; n && ((uintptr_t)d & 3); --n) {
        *d++ = (uint8_t)value;
    }
    for (; n >= 4; n -= 4, d += 4) {
        *(uint32_t *)d = word;
    }
    while (n--) {
        *d++ = (uint8_t)value;
    }
    return to;
}

uint32_t rom_popcount32(uint32_t x) {
    uint32_t n = 0;
    for (; x; x &= x - 1) {
        n++;
    }
    return n;
}

uint32_t rom_clz32(uint32_t x) {
    uint32_t n = 32;
    for (; x; x >>= 1) {
        n--;
    }
    return n;
}

uint32_t rom_ctz32(uint32_t x) {
    return x ? 31 - rom_clz32(x & -x) : 32;
}

uint32_t rom_reverse32(uint32_t x) {
    uint32_t reversed = 0;
    for (int i = 0; i < 32; i++, x >>= 1) {
        reversed = reversed << 1 | (x & 1);
    }
    return reversed;
}

// ---- Flash ----

void rom_flash_nothing(void) { // the emulator's flash has no modes and no cache
}

void rom_flash_range_erase(uint32_t offset, size_t count, uint32_t block_size, uint8_t block_cmd) {
    (void)block_size;
    (void)block_cmd;
    ask_host(ERASE, offset, 0, count);
}

void rom_flash_range_program(uint32_t offset, const uint8_t *data, size_t count) {
    ask_host(PROGRAM, offset, (uintptr_t)data, count);
}

void rom_reset_to_usb_boot(uint32_t activity_mask, uint32_t disable_mask) {
    (void)activity_mask;
    (void)disable_mask;
    ask_host(USB_BOOT, 0, 0, 0);
    for (;;) {
    }
}

// What nobody has needed yet: the emulator stops and names the caller.
void rom_missing(void) {
    ask_host(MISSING, 0, (uintptr_t)__builtin_return_address(0), 0);
    for (;;) {
    }
}

// ---- Arithmetic; conversions to signed integers round down, as the chip's ----

#define ARITHMETIC(prefix, type) \
    type prefix##_add(type a, type b) { return a + b; } \
    type prefix##_sub(type a, type b) { return a - b; } \
    type prefix##_mul(type a, type b) { return a * b; } \
    type prefix##_div(type a, type b) { return a / b; } \
    int32_t prefix##_to_int(type a) { int32_t i = (int32_t)a; return i - (a < (type)i); } \
    int64_t prefix##_to_int64(type a) { int64_t i = (int64_t)a; return i - (a < (type)i); } \
    uint32_t prefix##_to_uint(type a) { return (uint32_t)a; } \
    uint64_t prefix##_to_uint64(type a) { return (uint64_t)a; } \
    type prefix##_from_int(int32_t a) { return (type)a; } \
    type prefix##_from_uint(uint32_t a) { return (type)a; } \
    type prefix##_from_int64(int64_t a) { return (type)a; } \
    type prefix##_from_uint64(uint64_t a) { return (type)a; }
ARITHMETIC(f, float)
ARITHMETIC(d, double)

double f_to_double(float a) {
    return (double)a;
}

float d_to_float(double a) {
    return (float)a;
}
