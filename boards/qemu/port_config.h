// MP_CONFIGFILE of the emulated boards: the stock qemu port's configuration,
// then what it leaves out and a board in the hand has.
#include "mpconfigport.h"       // found through the port's own -I.

#undef MICROPY_PY_TIME
#define MICROPY_PY_TIME (1)
#define MICROPY_PY_TIME_TIME_TIME_NS (1)
#define MICROPY_PY_TIME_GMTIME_LOCALTIME_MKTIME (1)
#define MICROPY_PY_TIME_INCLUDEFILE "time_module.inc"
#define MICROPY_EPOCH_IS_1970 (1)
#undef MICROPY_PY_SELECT
#define MICROPY_PY_SELECT (1)
#undef MICROPY_PY_ASYNCIO
#define MICROPY_PY_ASYNCIO (1)
#undef MICROPY_PY_SYS_STDIO_BUFFER
#define MICROPY_PY_SYS_STDIO_BUFFER (1)
#undef MICROPY_PY_SYS_PLATFORM
#define MICROPY_PY_SYS_PLATFORM "qemu-tinysense"
#define MICROPY_PY_MACHINE_SOFTI2C (1)
#define MICROPY_PY_MACHINE_PWM (1)
#define MICROPY_PY_MACHINE_PWM_DUTY (0)
#define MICROPY_PY_MACHINE_PWM_INCLUDEFILE "machine_pwm.inc"
#define MICROPY_ENABLE_FINALISER (1)
#define MICROPY_ENABLE_SCHEDULER (1)
#define MICROPY_PY_MICROPYTHON_HEAP_LOCKED (1)
#undef MICROPY_PY_MACHINE_INCLUDEFILE
#define MICROPY_PY_MACHINE_INCLUDEFILE "machine_module.inc"
#define MICROPY_MPHALPORT_H "mphal_emulated.h"
#define MICROPY_REPL_STDIN_BUFFER_MAX (2048)    // raw paste's window is half of this
#if defined(__ARM_ARCH_6M__)
// The stock port leaves native code out on its own Cortex-M0.
#undef MICROPY_EMIT_THUMB
#define MICROPY_EMIT_THUMB (1)
#define MICROPY_EMIT_THUMB_ARMV7M (0)
#undef MICROPY_EMIT_INLINE_THUMB
#define MICROPY_EMIT_INLINE_THUMB (1)
#endif
