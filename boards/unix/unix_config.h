// MP_CONFIGFILE of the UNIX boards: the stock unix port's configuration, then
// what a board's REPL has besides.
#include "mpconfigport.h"       // found through the port's own -I.

// Ctrl-C raises at the next bytecode, not from within a signal.
#undef MICROPY_ASYNC_KBD_INTR
#define MICROPY_ASYNC_KBD_INTR (0)
#undef MICROPY_PY_SYS_PLATFORM
#define MICROPY_PY_SYS_PLATFORM "unix-tinysense"
#define MICROPY_HW_BOARD_NAME "this computer"
#define MICROPY_HW_MCU_NAME "unix"
#define MICROPY_REPL_STDIN_BUFFER_MAX (2048)
#define MICROPY_PY_MACHINE_RESET (1)
#undef MICROPY_PY_MACHINE_INCLUDEFILE
#define MICROPY_PY_MACHINE_INCLUDEFILE "unix_machine.inc"
