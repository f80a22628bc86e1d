// RV32 machine "virt": CLINT, PLIC, 16550 UART and SiFive's test device, at
// the addresses of QEMU's hw/riscv/virt.c.
#include "py/mphal.h"
#include "py/runtime.h"
#include "emulated.h"

#define REG(address) (*(volatile uint32_t *)(address))
#define BYTE(address) (*(volatile uint8_t *)(address))

// ---- UART (16550) ----

#define UART_DATA BYTE(0x10000000)
#define UART_INTERRUPTS BYTE(0x10000001)
#define UART_FIFO BYTE(0x10000002)
#define UART_STATUS BYTE(0x10000005)
enum { STATUS_RX_READY = 1, STATUS_TX_EMPTY = 0x20, UART_IRQ = 10 };

int soc_uart_get(void) {
    return UART_STATUS & STATUS_RX_READY ? UART_DATA : -1;
}

void soc_uart_put(int byte) {
    while (!(UART_STATUS & STATUS_TX_EMPTY)) {
    }
    UART_DATA = (uint8_t)byte;
}

void soc_uart_listen(bool on) {
    uint32_t state = soc_irq_off();
    UART_FIFO = 1;
    UART_INTERRUPTS = on;
    if (on) {
        console_receive();
    }
    soc_irq_restore(state);
}

// ---- Core ----

#define CLINT_TIMECMP_LOW REG(0x02004000)
#define CLINT_TIMECMP_HIGH REG(0x02004004)
#define CLINT_TIME_LOW REG(0x0200bff8)
#define CLINT_TIME_HIGH REG(0x0200bffc)
#define PLIC_PRIORITY(n) REG(0x0c000000 + 4 * (n))
#define PLIC_ENABLE REG(0x0c002000)
#define PLIC_THRESHOLD REG(0x0c200000)
#define PLIC_CLAIM REG(0x0c200004)
#define TEST_DEVICE REG(0x00100000)
#define CAUSE_TIMER 0x80000007u
#define CAUSE_EXTERNAL 0x8000000bu
enum { NEVER = 0xffffffff, TEST_RESET = 0x7777, TEST_FAIL = 0x33333, MIE_TIMER_EXTERNAL = 0x880 };

static void report_trap(uint32_t cause) {
    uint32_t pc, value;
    __asm volatile ("csrr %0, mepc" : "=r" (pc));
    __asm volatile ("csrr %0, mtval" : "=r" (value));
    mp_printf(&mp_plat_print, "\ntrap: mcause %x mepc %x mtval %x\n", (unsigned)cause,
        (unsigned)pc, (unsigned)value);
    TEST_DEVICE = TEST_FAIL;
    for (;;) {
    }
}

__attribute__((interrupt, aligned(64))) static void trap(void) {
    uint32_t cause;
    __asm volatile ("csrr %0, mcause" : "=r" (cause));
    if (cause == CAUSE_EXTERNAL) {
        uint32_t source = PLIC_CLAIM;
        console_receive();
        PLIC_CLAIM = source;
    } else if (cause == CAUSE_TIMER) {
        CLINT_TIMECMP_HIGH = NEVER;
    } else {
        report_trap(cause);
    }
}

void soc_init(void) {
    __asm volatile ("csrw mtvec, %0" :: "r" (&trap));
    CLINT_TIMECMP_HIGH = NEVER;
    PLIC_PRIORITY(UART_IRQ) = 1;
    PLIC_ENABLE = 1u << UART_IRQ;
    PLIC_THRESHOLD = 0;
    __asm volatile ("csrw mie, %0" :: "r" (MIE_TIMER_EXTERNAL));
    soc_uart_listen(true);
    soc_irq_restore(8);
}

void soc_reset(void) {
    for (;;) {
        TEST_DEVICE = TEST_RESET;
    }
}

uint32_t soc_irq_off(void) {
    uint32_t state;
    __asm volatile ("csrrci %0, mstatus, 8" : "=r" (state) :: "memory");
    return state & 8;
}

void soc_irq_restore(uint32_t state) {
    __asm volatile ("csrs mstatus, %0" :: "r" (state) : "memory");
}

uint64_t soc_ticks(void) {
    uint32_t high, low;
    do {
        high = CLINT_TIME_HIGH;
        low = CLINT_TIME_LOW;
    } while (high != CLINT_TIME_HIGH);
    return (uint64_t)high << 32 | low;
}

void soc_sleep(int timeout_ms) {
    uint32_t state = soc_irq_off();
    if (timeout_ms != 0 && !board_has_work()) {
        if (timeout_ms > 0) {
            uint64_t end = soc_ticks() + (uint64_t)timeout_ms * (TICK_HZ / 1000);
            CLINT_TIMECMP_HIGH = NEVER;
            CLINT_TIMECMP_LOW = (uint32_t)end;
            CLINT_TIMECMP_HIGH = (uint32_t)(end >> 32);
        }
        __asm volatile ("wfi" ::: "memory");
        CLINT_TIMECMP_HIGH = NEVER;
    }
    soc_irq_restore(state);
}

// Under -icount QEMU's minstret counts virtual nanoseconds.
uint64_t soc_instruction_ns(void) {
    uint32_t high, low, again;
    do {
        __asm volatile ("csrr %0, minstreth\n csrr %1, minstret\n csrr %2, minstreth"
            : "=r" (high), "=r" (low), "=r" (again));
    } while (high != again);
    return (uint64_t)high << 32 | low;
}

__attribute__((naked, aligned(16), noinline)) intptr_t soc_host_call(uintptr_t op, void *arguments) {
    __asm volatile (".option push\n .option norvc\n slli x0, x0, 0x1f\n ebreak\n srai x0, x0, 7\n ret\n"
        ".option pop\n");
}

__attribute__((naked, noinline)) void soc_spin(uint32_t turns) {
    __asm volatile ("1: nop\n nop\n addi a0, a0, -1\n bnez a0, 1b\n ret\n");
}

// ---- Pins: latches only; this machine has no I2C bus ----

static uint32_t latches;

int soc_pin_read(uint32_t pin) {
    return pin < 4 ? 1 : (int)(latches >> (pin & 31)) & 1;
}

void soc_pin_write(uint32_t pin, int value) {
    uint32_t bit = 1u << (pin & 31);
    latches = value ? latches | bit : latches & ~bit;
}
