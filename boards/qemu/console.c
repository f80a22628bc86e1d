// Standard input and output over the UART, with a ring behind the receive
// interrupt. When the ring is full the interrupt goes off and the byte stays
// in the UART: QEMU then holds the host back, so nothing is ever lost.
#include "py/mphal.h"
#include "py/runtime.h"
#include "py/stream.h"
#include "emulated.h"

enum { RING_BYTES = 4096, SPIN_TURNS = 20000 };
static volatile uint8_t ring[RING_BYTES];
static volatile uint32_t taken, received;

bool console_has_input(void) {
    return taken != received;
}

void console_receive(void) {
    while (received - taken < RING_BYTES) {
        int byte = soc_uart_get();
        if (byte < 0) {
            return;
        }
        if (byte == mp_interrupt_char) {
            mp_sched_keyboard_interrupt();
        } else {
            ring[received % RING_BYTES] = (uint8_t)byte;
            received = received + 1;
        }
    }
    soc_uart_listen(false);
}

static int take(void) {
    int byte = ring[taken % RING_BYTES];
    taken = taken + 1;
    if (received - taken == RING_BYTES / 2) {
        soc_uart_listen(true);
    }
    return byte;
}

int __wrap_mp_hal_stdin_rx_chr(void) {
    while (!console_has_input()) {
        soc_uart_listen(true);
        // Bytes come in bursts: going to sleep between two of them is slow.
        for (int i = 0; i < SPIN_TURNS && !console_has_input(); ++i) {
        }
        if (!console_has_input()) {
            mp_event_wait_indefinite();
        }
    }
    return take();
}

mp_uint_t __wrap_mp_hal_stdout_tx_strn(const char *text, size_t n) {
    for (size_t i = 0; i < n; ++i) {
        soc_uart_put((uint8_t)text[i]);
    }
    return n;
}

uintptr_t __wrap_mp_hal_stdio_poll(uintptr_t flags) {
    uintptr_t ready = flags & MP_STREAM_POLL_WR;
    if ((flags & MP_STREAM_POLL_RD) && console_has_input()) {
        ready |= MP_STREAM_POLL_RD;
    }
    return ready;
}

// The stock port's uart.c is empty for machines that it does not know.
void uart_init(void) {
}

int uart_rx_chr(void) {
    return -1;
}

void uart_tx_strn(const char *text, size_t n) {
    mp_hal_stdout_tx_strn(text, n);
}
