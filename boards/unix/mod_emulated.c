// Module `emulated` of the UNIX boards: a REPL on a pseudo-terminal that
// mpremote can't tell from a board's. A reset replaces the process by itself.
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>
#include "py/mphal.h"
#include "py/runtime.h"
#include "shared/runtime/pyexec.h"

// ---- Terminal: Ctrl-C is a signal while code runs, a byte at the prompt ----

static void on_interrupt(int number) {
    (void)number;
    mp_sched_keyboard_interrupt();
}

void __wrap_mp_hal_set_interrupt_char(char byte);
void __wrap_mp_hal_set_interrupt_char(char byte) {
    struct sigaction action = { .sa_handler = on_interrupt };
    sigemptyset(&action.sa_mask);
    sigaction(SIGINT, &action, NULL);
    struct termios terminal;
    if (tcgetattr(STDIN_FILENO, &terminal) != 0) {
        return;                 // not a terminal: the handler is all there is to set
    }
    bool on = (unsigned char)byte != 0xff;      // -1 means "none", and char may be unsigned
    // NOFLSH: bytes that follow the Ctrl-C must not be thrown away.
    terminal.c_lflag = on ? ISIG | NOFLSH : 0;
    terminal.c_cc[VINTR] = on ? (cc_t)byte : _POSIX_VDISABLE;
    terminal.c_cc[VQUIT] = _POSIX_VDISABLE;
    terminal.c_cc[VSUSP] = _POSIX_VDISABLE;
    tcsetattr(STDIN_FILENO, TCSANOW, &terminal);
}

// Every byte as it came, unlike the stock port's, which turns LF into CR.
int __wrap_mp_hal_stdin_rx_chr(void);
int __wrap_mp_hal_stdin_rx_chr(void) {
    unsigned char byte;
    for (;;) {
        ssize_t n = read(STDIN_FILENO, &byte, 1);
        if (n == 1) {
            return byte;
        }
        if (n == 0 || errno != EINTR) {
            exit(0);            // the other end is gone
        }
        mp_handle_pending(true);
    }
}

static void own_terminal(void) {
    struct termios terminal;
    if (tcgetattr(STDIN_FILENO, &terminal) == 0) {
        cfmakeraw(&terminal);
        tcsetattr(STDIN_FILENO, TCSANOW, &terminal);
        ioctl(STDIN_FILENO, TIOCSCTTY, 0);      // so that Ctrl-C comes to us
    }
}

// ---- Running ----

// Starts this process anew, with the same environment and terminal.
void emulated_restart(void) __attribute__((noreturn));
void emulated_restart(void) {
    const char *heap = getenv("TINYSENSE_HEAP");
    char option[64];
    snprintf(option, sizeof(option), "heapsize=%s", heap == NULL ? "2M" : heap);
    execl("/proc/self/exe", "micropython", "-X", option, "-m", "board_start", (char *)NULL);
    exit(1);
}

// A soft reset from the raw REPL comes back to the raw REPL, and main.py is not run.
#define RAW_MODE "TINYSENSE_RAW_REPL"

// repl(): boot.py, main.py, then the prompt until a reset. Does not return.
static mp_obj_t emulated_repl(void) {
    own_terminal();
    if (getenv(RAW_MODE) != NULL) {
        pyexec_mode_kind = PYEXEC_MODE_RAW_REPL;
        unsetenv(RAW_MODE);
    }
    // Not the names of the module that called us, which is still being imported.
    mp_globals_set(&MP_STATE_VM(dict_main));
    mp_locals_set(&MP_STATE_VM(dict_main));
    int ended = pyexec_file_if_exists("/boot.py");
    if (!(ended & PYEXEC_FORCED_EXIT) && pyexec_mode_kind == PYEXEC_MODE_FRIENDLY_REPL) {
        ended = pyexec_file_if_exists("/main.py");
    }
    while (!(ended & PYEXEC_FORCED_EXIT)) {
        ended = pyexec_mode_kind == PYEXEC_MODE_RAW_REPL ? pyexec_raw_repl() : pyexec_friendly_repl();
    }
    mp_hal_stdout_tx_str("MPY: soft reboot\r\n");
    if (pyexec_mode_kind == PYEXEC_MODE_RAW_REPL) {
        setenv(RAW_MODE, "1", 1);
    }
    emulated_restart();
}
static MP_DEFINE_CONST_FUN_OBJ_0(emulated_repl_obj, emulated_repl);

static const mp_rom_map_elem_t globals_table[] = {
    { MP_ROM_QSTR(MP_QSTR___name__), MP_ROM_QSTR(MP_QSTR_emulated) },
    { MP_ROM_QSTR(MP_QSTR_repl), MP_ROM_PTR(&emulated_repl_obj) },
};
static MP_DEFINE_CONST_DICT(globals, globals_table);

const mp_obj_module_t emulated_module = {
    .base = { &mp_type_module },
    .globals = (mp_obj_dict_t *)&globals,
};
MP_REGISTER_MODULE(MP_QSTR_emulated, emulated_module);
