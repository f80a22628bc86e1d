QEMU_ARCH = arm
QEMU_MACHINE = mps2-an500
EMULATED_SOC = mps
CFLAGS += -mthumb -mcpu=cortex-m7 -mfpu=fpv5-d16 -mfloat-abi=hard
CFLAGS += -DMICROPY_HW_MCU_NAME='"Cortex-M7"'
include $(BOARD_DIR)/../qemu/board.mk
include $(QEMU_BOARD_FILES)/mps2.mk
LDSCRIPT = $(QEMU_BOARD_FILES)/mps2_an500.ld
SRC_BOARD_O = shared/runtime/gchelper_native.o shared/runtime/gchelper_thumb2.o
MPY_CROSS_FLAGS += -march=armv7emdp
