// Cortex-M0 machine "microbit" (nRF51822). Registers: nRF51 Reference Manual 3.0.
#include "py/mphal.h"
#include "cortex_m.h"

// ---- Start ----

extern uint8_t _estack[], _sbss[], _ebss[];
void _start(void);
void board_reset(void) __attribute__((naked, noreturn));

void board_reset(void) {
    __asm volatile (
        ".syntax unified\n ldr r0, =_sbss\n ldr r1, =_ebss\n movs r2, #0\n"
        "1: cmp r0, r1\n bhs 2f\n str r2, [r0]\n adds r0, #4\n b 1b\n"
        "2: bl _start\n b .\n");
}

void HardFault_Handler(void);
void NMI_Handler(void);
void Default_Handler(void);
static void uart_interrupt(void);

enum { UART_IRQ = 2 };
__attribute__((section(".vectors"), used)) void *const vectors[16 + 32] = {
    _estack, board_reset, NMI_Handler, HardFault_Handler,
    [4 ... 16 + UART_IRQ - 1] = Default_Handler,
    [16 + UART_IRQ] = uart_interrupt,
    [16 + UART_IRQ + 1 ... 47] = Default_Handler,
};

// ---- UART ----

#define UART_STARTRX REG(0x40002000)
#define UART_STARTTX REG(0x40002008)
#define UART_RXDRDY REG(0x40002108)
#define UART_TXDRDY REG(0x4000211c)
#define UART_INTENSET REG(0x40002304)
#define UART_INTENCLR REG(0x40002308)
#define UART_ENABLE REG(0x40002500)
#define UART_RXD REG(0x40002518)
#define UART_TXD REG(0x4000251c)
enum { ENABLE = 4, INT_RXDRDY = 4 };

static void uart_interrupt(void) {
    console_receive();
}

int soc_uart_get(void) {
    if (!UART_RXDRDY) {
        return -1;
    }
    UART_RXDRDY = 0;
    return (int)(UART_RXD & 0xff);
}

void soc_uart_put(int byte) {
    UART_TXDRDY = 0;
    UART_TXD = (uint32_t)byte;
    while (!UART_TXDRDY) {
    }
}

void soc_uart_listen(bool on) {
    uint32_t state = soc_irq_off();
    if (on) {
        UART_INTENSET = INT_RXDRDY;
        console_receive();
    } else {
        UART_INTENCLR = INT_RXDRDY;
    }
    soc_irq_restore(state);
}

// ---- Core ----

#define TIMER_START REG(0x40008000)
#define TIMER_CAPTURE0 REG(0x40008040)
#define TIMER_MODE REG(0x40008504)
#define TIMER_BITMODE REG(0x40008508)
#define TIMER_PRESCALER REG(0x40008510)
#define TIMER_CC0 REG(0x40008540)
enum { BITMODE_32 = 3 };

void soc_init(void) {
    UART_ENABLE = ENABLE;
    UART_STARTRX = 1;
    UART_STARTTX = 1;
    TIMER_MODE = 0;
    TIMER_BITMODE = BITMODE_32;
    TIMER_PRESCALER = 0;        // 16 MHz
    TIMER_START = 1;
    NVIC_ISER(UART_IRQ) = 1u << UART_IRQ;
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
    cortex_m_sleep(timeout_ms, 16000);
}

intptr_t soc_host_call(uintptr_t op, void *arguments) {
    return cortex_m_host_call(op, arguments);
}

// The timer has 32 bits: laps are counted here, so somebody must look at least
// every 268 s. The REPL and every delay do.
uint64_t soc_ticks(void) {
    static uint32_t laps, last;
    uint32_t state = soc_irq_off();
    TIMER_CAPTURE0 = 1;
    uint32_t now = TIMER_CC0;
    laps += now < last;
    last = now;
    uint64_t ticks = (uint64_t)laps << 32 | now;
    soc_irq_restore(state);
    return ticks;
}

uint64_t soc_instruction_ns(void) {
    return soc_ticks() * 125 / 2;       // 62.5 ns a tick
}

__attribute__((naked, noinline)) void soc_spin(uint32_t turns) {
    __asm volatile (".syntax unified\n .p2align 2\n1: nop\n nop\n subs r0, #1\n bne 1b\n bx lr\n");
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
