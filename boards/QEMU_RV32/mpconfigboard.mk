QEMU_ARCH = riscv32
QEMU_MACHINE = virt
EMULATED_SOC = virt_rv32
CFLAGS += -DMICROPY_HW_MCU_NAME='"$(RV32_ARCH)"' -DTICK_HZ=10000000
include $(BOARD_DIR)/../qemu/board.mk
LDSCRIPT = $(QEMU_BOARD_FILES)/virt_rv32.ld
SRC_BOARD_O += shared/runtime/gchelper_native.o shared/runtime/gchelper_rv32i.o
MPY_CROSS_FLAGS += -march=rv32imc
# Debian's compiler finds no libgcc under the name with _zicsr.
LDFLAGS += -nostdlib
LIBS = $(shell $(CROSS_COMPILE)gcc -march=rv32imac -mabi=ilp32 -print-libgcc-file-name)
