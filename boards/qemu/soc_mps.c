// Cortex-M machines "mps2-an386", "mps2-an500", "mps3-an547": Arm's FPGA
// images. UART and FPGAIO registers: Arm DAI 0386, DAI 0500, DAI 0547.
#include "py/mphal.h"
#include "cortex_m.h"

// ---- Start ----

extern uint8_t _estack[], _sbss[], _ebss[];
void _start(void);
void board_reset(void) __attribute__((naked, noreturn));

void board_reset(void) {
    __asm volatile (
        "ldr r0, =0xE000ED88\n ldr r1, =0x00F00000\n str r1, [r0]\n dsb\n isb\n"    // CPACR: FPU and Helium on
        "ldr r0, =_sbss\n ldr r1, =_ebss\n movs r2, #0\n"
        "1: cmp r0, r1\n bhs 2f\n str r2, [r0]\n adds r0, #4\n b 1b\n"
        "2: bl _start\n b .\n");
}

void HardFault_Handler(void);
void NMI_Handler(void);
void MemManage_Handler(void);
void BusFault_Handler(void);
void UsageFault_Handler(void);
void Default_Handler(void);
static void uart_interrupt(void);

__attribute__((section(".vectors"), used)) void *const vectors[16 + MPS_UART_IRQ + 1] = {
    _estack, board_reset, NMI_Handler, HardFault_Handler, MemManage_Handler, BusFault_Handler,
    UsageFault_Handler,
    [7 ... 16 + MPS_UART_IRQ - 1] = Default_Handler,
    [16 + MPS_UART_IRQ] = uart_interrupt,
};

// ---- UART (CMSDK) ----

#define UART_DATA REG(MPS_UART + 0x00)
#define UART_STATE REG(MPS_UART + 0x04)
#define UART_CTRL REG(MPS_UART + 0x08)
#define UART_INTCLEAR REG(MPS_UART + 0x0c)
#define UART_BAUDDIV REG(MPS_UART + 0x10)
enum {
    STATE_TX_FULL = 1, STATE_RX_FULL = 2,
    CTRL_TX = 1, CTRL_RX = 2, CTRL_RX_INTERRUPT = 8,
    INT_RX = 2,
};

static void uart_interrupt(void) {
    UART_INTCLEAR = INT_RX;
    console_receive();
}

int soc_uart_get(void) {
    return UART_STATE & STATE_RX_FULL ? (int)(UART_DATA & 0xff) : -1;
}

void soc_uart_put(int byte) {
    while (UART_STATE & STATE_TX_FULL) {
    }
    UART_DATA = (uint32_t)byte;
}

void soc_uart_listen(bool on) {
    uint32_t state = soc_irq_off();
    if (on) {
        UART_CTRL |= CTRL_RX_INTERRUPT;
        console_receive();
    } else {
        UART_CTRL &= ~(uint32_t)CTRL_RX_INTERRUPT;
    }
    soc_irq_restore(state);
}

// ---- Core ----

void soc_init(void) {
    SCB_VTOR = (uint32_t)vectors;
    UART_BAUDDIV = 16;          // the least that is allowed; QEMU keeps no pace
    UART_CTRL = CTRL_TX | CTRL_RX;
    NVIC_ISER(MPS_UART_IRQ) = 1u << (MPS_UART_IRQ % 32);
    soc_uart_listen(true);
    __asm volatile ("cpsie i" ::: "memory");
}

void soc_reset(void) {
    for (;;) {
        cortex_m_reset();
    }
}

uint32_t soc_irq_off(void) {
    return cortex_m_irq_off();
}

void soc_irq_restore(uint32_t state) {
    cortex_m_irq_restore(state);
}

void soc_sleep(int timeout_ms) {
    cortex_m_sleep(timeout_ms, MPS_CPU_HZ / 1000);
}

intptr_t soc_host_call(uintptr_t op, void *arguments) {
    return cortex_m_host_call(op, arguments);
}

// FPGAIO's COUNTER (32 bits at TICK_HZ) and CLK1HZ (seconds, from the same
// clock) make 64 bits: the seconds say which lap the counter is on.
uint64_t soc_ticks(void) {
    uint32_t seconds = REG(MPS_FPGAIO + 0x10);
    uint32_t counter = REG(MPS_FPGAIO + 0x18);
    uint64_t near = (uint64_t)seconds * TICK_HZ + TICK_HZ / 2;
    int32_t away = (int32_t)(counter - (uint32_t)near);
    return near + (uint64_t)(int64_t)away;
}

uint64_t soc_instruction_ns(void) {
    return soc_ticks() * (1000000000u / TICK_HZ);
}

__attribute__((naked, noinline)) void soc_spin(uint32_t turns) {
    __asm volatile (".p2align 2\n1: nop\n nop\n subs r0, #1\n bne 1b\n bx lr\n");
}

// ---- Pins: 0..3 are the SBCon I2C masters' clock and data ----

static uint32_t latches;

int soc_pin_read(uint32_t pin) {
    if (pin < 4) {
        return (int)(REG(pin < 2 ? MPS_I2C0 : MPS_I2C1) >> (pin & 1)) & 1;
    }
    return (int)(latches >> (pin & 31)) & 1;
}

void soc_pin_write(uint32_t pin, int value) {
    uint32_t bit = 1u << (pin & 31);
    if (pin < 4) {
        REG((pin < 2 ? MPS_I2C0 : MPS_I2C1) + (value ? 0 : 4)) = 1u << (pin & 1);   // CONTROLS, CONTROLC
    } else {
        latches = value ? latches | bit : latches & ~bit;
    }
}
