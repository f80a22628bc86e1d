// Start of a program on a Cortex-M machine of QEMU, and its clock: FPGAIO of
// Arm's FPGA images (Arm DAI 0386, DAI 0500, DAI 0547).
#include "machine.h"

#define REG(address) (*(volatile uint32_t *)(address))
#define FPGAIO_SECONDS REG(FPGAIO + 0x10)   // CLK1HZ
#define FPGAIO_COUNTER REG(FPGAIO + 0x18)

extern uint8_t _stack_top[], _bss[], _bss_end[];
int main(void);
void reset(void);
intptr_t semihosting_call(uintptr_t op, const void *arguments);

static void begin(void) {
    for (uint32_t *p = (uint32_t *)(void *)_bss; p != (uint32_t *)(void *)_bss_end; p++) {
        *p = 0;
    }
    machine_exit(main());
}

void reset(void) {
#if __ARM_ARCH_ISA_THUMB >= 2
    REG(0xE000ED88) = 0x00F00000;           // CPACR: FPU and Helium on
    __asm volatile ("dsb\n isb" ::: "memory");
#endif
    begin();
}

static void hex(char *out, uint32_t value) {
    for (int32_t i = 0; i < 8; i++) {
        out[i] = "0123456789abcdef"[value >> (28 - 4 * i) & 15];
    }
}

__attribute__((used)) static void report(const uint32_t *frame) {
    static const char text[] = "fault: pc ........ lr ........ cfsr ........ bfar ........\n";
    char line[sizeof(text)];
    for (uint32_t i = 0; i < sizeof(text); i++) {
        line[i] = text[i];
    }
    hex(line + 10, frame[6]);
    hex(line + 22, frame[5]);
    hex(line + 36, REG(0xE000ED28));
    hex(line + 50, REG(0xE000ED38));
    machine_print(line);
    machine_exit(3);
}

__attribute__((naked)) static void fault(void) {
    __asm volatile ("mov r0, sp\n ldr r1, =report\n bx r1\n");
}

__attribute__((section(".vectors"), used)) static const void *const vectors[16] = {
    _stack_top, reset, fault, fault, fault, fault, fault,
};

// The seconds, from the same clock, say which lap the 32-bit counter is on.
uint64_t machine_ns(void) {
    uint32_t per_second = 1000000000u / TICK_NS;
    uint32_t seconds = FPGAIO_SECONDS, counter = FPGAIO_COUNTER;
    uint64_t near = (uint64_t)seconds * per_second + per_second / 2;
    int32_t away = (int32_t)(counter - (uint32_t)near);
    return (near + (uint64_t)(int64_t)away) * TICK_NS;
}

__attribute__((naked, noinline)) intptr_t semihosting_call(uintptr_t op, const void *arguments) {
    (void)op, (void)arguments;
    __asm volatile ("bkpt 0xab\n bx lr\n");
}
