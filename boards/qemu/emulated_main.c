// Boots, runs boot.py and main.py, then the REPL, for ever. Takes the place of
// the port's main() (-Wl,--wrap=main).
#include "py/builtin.h"
#include "py/compile.h"
#include "py/cstack.h"
#include "py/gc.h"
#include "py/mphal.h"
#include "py/runtime.h"
#include "shared/runtime/pyexec.h"
#include "emulated.h"

extern uint8_t _estack[], _sstack[], _sheap[], _eheap[];

static void run_repl(void) {
    int ended;
    do {
        ended = pyexec_mode_kind == PYEXEC_MODE_RAW_REPL ? pyexec_raw_repl() : pyexec_friendly_repl();
    } while (ended == 0);
}

static void run_until_soft_reset(void) {
    pyexec_frozen_module("_boot.py", false);
    int ended = pyexec_file_if_exists("boot.py");
    if (!(ended & PYEXEC_FORCED_EXIT) && pyexec_mode_kind == PYEXEC_MODE_FRIENDLY_REPL) {
        ended = pyexec_file_if_exists("main.py");
    }
    if (!(ended & PYEXEC_FORCED_EXIT)) {
        run_repl();
    }
}

int __wrap_main(int argc, char **argv) {
    (void)argc;
    (void)argv;
    soc_init();
    size_t heap_max = (size_t)(_eheap - _sheap);
    size_t heap = host_number("heap", DEFAULT_HEAP);
    for (;;) {
        mp_cstack_init_with_top(_estack, (size_t)(_estack - _sstack));
        gc_init(_sheap, _sheap + (heap < heap_max ? heap : heap_max));
        mp_init();
        run_until_soft_reset();
        mp_printf(&mp_plat_print, "MPY: soft reboot\n");
        gc_sweep_all();
        mp_deinit();
    }
}
