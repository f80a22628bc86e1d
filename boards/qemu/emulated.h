// What the files of an emulated board say to each other. soc_*.c drive one
// machine of QEMU; everything above them is the same on all.
#ifndef EMULATED_H
#define EMULATED_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// ---- One machine: soc_*.c ----

void soc_init(void);                // interrupts, timer, UART with receive interrupt
void soc_reset(void) __attribute__((noreturn));
uint32_t soc_irq_off(void);
void soc_irq_restore(uint32_t state);
int soc_uart_get(void);             // next byte, -1 when there is none
void soc_uart_put(int byte);
void soc_uart_listen(bool on);      // receive interrupt on or off
uint64_t soc_ticks(void);           // TICK_HZ a second, since power-on
uint64_t soc_instruction_ns(void);  // virtual time that -icount advances per instruction
void soc_sleep(int timeout_ms);     // until an interrupt; negative: without timeout
intptr_t soc_host_call(uintptr_t op, void *arguments);
void soc_spin(uint32_t turns);      // exactly four instructions a turn
int soc_pin_read(uint32_t pin);
void soc_pin_write(uint32_t pin, int value);

// ---- console.c ----

void console_receive(void);         // called by the UART's interrupt
bool console_has_input(void);

// ---- clock.c ----

bool board_has_work(void);          // a reason not to sleep

// ---- host.c: semihosting ----

enum {
    HOST_OPEN = 0x01, HOST_WRITE = 0x05, HOST_READ = 0x06, HOST_SEEK = 0x0a,
    HOST_FILE_BYTES = 0x0c, HOST_TIME = 0x11, HOST_ARGUMENTS = 0x15,
};
// Text of `name=text` among the emulator's arguments, NULL where there is none.
// The text ends at a space; *length is its length.
const char *host_argument(const char *name, size_t *length);
// The same as a number, or `otherwise`.
uint32_t host_number(const char *name, uint32_t otherwise);

#endif
