// Start of a program on QEMU's RV32 machine "virt", and its clock: minstret,
// which counts virtual nanoseconds under -icount.
#include "machine.h"

int main(void);
void begin(void) __attribute__((noreturn, used));
void report(uint32_t cause, uint32_t pc, uint32_t value) __attribute__((noreturn, used));
intptr_t semihosting_call(uintptr_t op, const void *arguments);
extern uint8_t _bss[], _bss_end[];

__asm (
    ".section .start, \"ax\"\n .globl reset\n .option arch, +zicsr\n"
    "reset: la sp, _stack_top\n la t0, trap\n csrw mtvec, t0\n j begin\n"
    ".balign 4\n"
    "trap: csrr a0, mcause\n csrr a1, mepc\n csrr a2, mtval\n j report\n"
    ".text\n");

void begin(void) {
    for (uint8_t *p = _bss; p != _bss_end; p++) {
        *p = 0;
    }
    machine_exit(main());
}

static void hex(char *out, uint32_t value) {
    for (int32_t i = 0; i < 8; i++) {
        out[i] = "0123456789abcdef"[value >> (28 - 4 * i) & 15];
    }
}

void report(uint32_t cause, uint32_t pc, uint32_t value) {
    char line[] = "fault: pc ........ mcause ........ mtval ........\n";
    hex(line + 10, pc);
    hex(line + 26, cause);
    hex(line + 41, value);
    machine_print(line);
    machine_exit(3);
}

uint64_t machine_ns(void) {
    uint32_t high, low, again;
    do {
        __asm volatile (".option push\n .option arch, +zicsr\n"
            "csrr %0, minstreth\n csrr %1, minstret\n csrr %2, minstreth\n .option pop"
            : "=r" (high), "=r" (low), "=r" (again));
    } while (high != again);
    return (uint64_t)high << 32 | low;
}

__attribute__((naked, aligned(16), noinline)) intptr_t semihosting_call(uintptr_t op,
    const void *arguments) {
    (void)op, (void)arguments;
    __asm volatile (".option push\n .option norvc\n slli x0, x0, 0x1f\n ebreak\n srai x0, x0, 7\n"
        " ret\n .option pop\n");
}
