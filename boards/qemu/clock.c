// Time and delays from the machine's free-running 64-bit tick counter.
#include "py/mphal.h"
#include "py/runtime.h"
#include "emulated.h"

enum { TICKS_PER_MS = TICK_HZ / 1000, TICKS_PER_US = TICK_HZ / 1000000 };

bool board_has_work(void) {
    return console_has_input() || mp_sched_num_pending() != 0
           || MP_STATE_MAIN_THREAD(mp_pending_exception) != MP_OBJ_NULL;
}

mp_uint_t mp_hal_ticks_cpu(void) {
    return (mp_uint_t)soc_ticks();
}

mp_uint_t mp_hal_ticks_us(void) {
    return (mp_uint_t)(soc_ticks() / TICKS_PER_US);
}

mp_uint_t mp_hal_ticks_ms(void) {
    return (mp_uint_t)(soc_ticks() / TICKS_PER_MS);
}

void mp_hal_delay_us(mp_uint_t us) {
    uint64_t end = soc_ticks() + (uint64_t)us * TICKS_PER_US;
    while (soc_ticks() < end) {
    }
}

void mp_hal_delay_ms(mp_uint_t ms) {
    uint64_t end = soc_ticks() + (uint64_t)ms * TICKS_PER_MS;
    mp_event_handle_nowait();
    for (;;) {
        int64_t left = (int64_t)(end - soc_ticks());
        if (left <= 0) {
            return;
        }
        if (left >= TICKS_PER_MS) {
            mp_event_wait_ms((mp_uint_t)(left / TICKS_PER_MS));
        } else {
            mp_event_handle_nowait();
        }
    }
}

// The host's clock, read once, and our ticks since.
uint64_t mp_hal_time_ns(void) {
    static uint64_t at_power_on;
    uint64_t since = soc_ticks() * (1000000000ull / TICK_HZ);
    if (at_power_on == 0) {
        at_power_on = (uint32_t)soc_host_call(HOST_TIME, NULL) * 1000000000ull - since;
    }
    return at_power_on + since;
}
