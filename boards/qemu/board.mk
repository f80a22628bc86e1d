# Shared by every emulated board; its mpconfigboard.mk sets EMULATED_SOC and
# includes this. QEMU_BOARD_FILES is this folder.
QEMU_BOARD_FILES := $(abspath $(dir $(lastword $(MAKEFILE_LIST))))

CFLAGS += -I$(QEMU_BOARD_FILES) -DMP_CONFIGFILE='"port_config.h"' -DDEFAULT_HEAP=1048576
MICROPY_VFS_LFS2 ?= 1
SRC_C += $(addprefix $(QEMU_BOARD_FILES)/, emulated_main.c console.c clock.c host.c \
	mod_emulated.c soc_$(EMULATED_SOC).c)
SRC_C += shared/timeutils/timeutils.c
QSTR_GLOBAL_DEPENDENCIES += $(wildcard $(QEMU_BOARD_FILES)/*.inc)
# The stock port's entry and standard streams give way to ours.
LDFLAGS += -L$(QEMU_BOARD_FILES) -Wl,--wrap=main -Wl,--wrap=mp_hal_stdin_rx_chr \
	-Wl,--wrap=mp_hal_stdout_tx_strn -Wl,--wrap=mp_hal_stdio_poll
FROZEN_MANIFEST ?= $(QEMU_BOARD_FILES)/manifest.py
# The build looks for micropython-lib's README.md and for nothing else there.
MPY_LIB_DIR := $(QEMU_BOARD_FILES)
