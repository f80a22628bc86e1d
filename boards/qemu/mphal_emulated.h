// MICROPY_MPHALPORT_H of the emulated boards: interrupts, sleeping and pins.
#pragma once
#include <stddef.h>
#include <stdint.h>
#include "shared/runtime/interrupt_char.h"

uint32_t soc_irq_off(void);
void soc_irq_restore(uint32_t state);
void soc_sleep(int timeout_ms);
#define MICROPY_BEGIN_ATOMIC_SECTION() soc_irq_off()
#define MICROPY_END_ATOMIC_SECTION(state) soc_irq_restore(state)
#define MICROPY_INTERNAL_WFE(timeout_ms) soc_sleep(timeout_ms)

// Pins are numbers: 0 SCL and 1 SDA of QEMU's first I2C bus, 2 and 3 of the
// second, 8 and up are latches that read back what was written.
int soc_pin_read(uint32_t pin);
void soc_pin_write(uint32_t pin, int value);
uint32_t machine_pin_number(void *object);
#define mp_hal_pin_obj_t uint32_t
#define MP_HAL_PIN_FMT "%u"
#define mp_hal_pin_name(pin) ((unsigned)(pin))
#define mp_hal_get_pin_obj(object) machine_pin_number(object)
#define mp_hal_pin_read(pin) soc_pin_read(pin)
#define mp_hal_pin_write(pin, value) soc_pin_write(pin, value)
#define mp_hal_pin_open_drain(pin) soc_pin_write(pin, 1)
#define mp_hal_pin_od_low(pin) soc_pin_write(pin, 0)
#define mp_hal_pin_od_high(pin) soc_pin_write(pin, 1)
#define mp_hal_pin_input(pin)
#define mp_hal_pin_output(pin)
#define mp_hal_delay_us_fast(us) mp_hal_delay_us(us)
