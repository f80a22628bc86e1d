// What the emulated Cortex-M machines share. Register names and addresses are
// those of the Arm v7-M and v6-M architecture manuals.
#ifndef CORTEX_M_H
#define CORTEX_M_H
#include <stdint.h>
#include "emulated.h"

#define REG(address) (*(volatile uint32_t *)(address))
#define SYST_CSR REG(0xE000E010)
#define SYST_RVR REG(0xE000E014)
#define SYST_CVR REG(0xE000E018)
#define NVIC_ISER(n) REG(0xE000E100 + 4 * ((n) / 32))
#define SCB_ICSR REG(0xE000ED04)
#define SCB_VTOR REG(0xE000ED08)
#define SCB_AIRCR REG(0xE000ED0C)
enum {
    SYST_ON = 7,                        // processor clock, interrupt, enable
    SYST_MAX = 0xffffff,
    ICSR_PENDSTCLR = 1 << 25,
    AIRCR_RESET = 0x05fa0004,           // key, SYSRESETREQ
};

static inline void cortex_m_reset(void) {
    __asm volatile ("dsb");
    SCB_AIRCR = AIRCR_RESET;
    __asm volatile ("dsb");
}

static inline uint32_t cortex_m_irq_off(void) {
    uint32_t state;
    __asm volatile ("mrs %0, primask\n cpsid i" : "=r" (state) :: "memory");
    return state;
}

static inline void cortex_m_irq_restore(uint32_t state) {
    __asm volatile ("msr primask, %0" :: "r" (state) : "memory");
}

// Sleeps until an interrupt; SysTick counts down once for the timeout, at most
// 2^24 cycles, after which the caller looks again.
static inline void cortex_m_sleep(int timeout_ms, uint32_t cycles_per_ms) {
    uint32_t state = cortex_m_irq_off();
    if (timeout_ms != 0 && !board_has_work()) {
        if (timeout_ms > 0) {
            uint32_t ms = (uint32_t)timeout_ms;
            SYST_RVR = ms < SYST_MAX / cycles_per_ms ? ms * cycles_per_ms : SYST_MAX;
            SYST_CVR = 0;
            SYST_CSR = SYST_ON;
        }
        __asm volatile ("dsb\n wfi\n isb" ::: "memory");
        SYST_CSR = 0;
        SCB_ICSR = ICSR_PENDSTCLR;
    }
    cortex_m_irq_restore(state);
}

static inline intptr_t cortex_m_host_call(uintptr_t op, void *arguments) {
    register uintptr_t r0 __asm ("r0") = op;
    register void *r1 __asm ("r1") = arguments;
    __asm volatile ("bkpt 0xab" : "+r" (r0) : "r" (r1) : "memory");
    return (intptr_t)r0;
}

#endif
