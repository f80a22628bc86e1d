# Shared by UNIX and UNIX_NATIVE: the stock unix port plus a REPL that behaves
# as a board's does, on a pseudo-terminal. UNIX_BOARD_FILES is this folder.
UNIX_BOARD_FILES := $(abspath $(dir $(lastword $(MAKEFILE_LIST))))

CFLAGS += -I$(UNIX_BOARD_FILES) -DMP_CONFIGFILE='"unix_config.h"'
# Libraries that nobody here asks for.
MICROPY_PY_SSL = 0
MICROPY_SSL_MBEDTLS = 0
MICROPY_PY_BTREE = 0
MICROPY_PY_FFI = 0
MICROPY_PY_THREAD = 0
SRC_C += $(UNIX_BOARD_FILES)/mod_emulated.c shared/runtime/pyexec.c
LDFLAGS += -Wl,--wrap=mp_hal_set_interrupt_char -Wl,--wrap=mp_hal_stdin_rx_chr
QSTR_GLOBAL_DEPENDENCIES += $(wildcard $(UNIX_BOARD_FILES)/*.inc)
FROZEN_MANIFEST ?= $(UNIX_BOARD_FILES)/manifest.py
# The build looks for micropython-lib's README.md and for nothing else there.
MPY_LIB_DIR := $(UNIX_BOARD_FILES)
