QEMU_ARCH = arm
QEMU_MACHINE = microbit
EMULATED_SOC = microbit
CFLAGS += -mthumb -mcpu=cortex-m0 -mfloat-abi=soft
CFLAGS += -DMICROPY_HW_MCU_NAME='"Cortex-M0"' -DTICK_HZ=16000000
include $(BOARD_DIR)/../qemu/board.mk
LDSCRIPT = $(QEMU_BOARD_FILES)/microbit.ld
SRC_BOARD_O = shared/runtime/gchelper_native.o shared/runtime/gchelper_thumb1.o
MPY_CROSS_FLAGS += -march=armv6m
