# User C module for ports that build with make:
#     make ... USER_C_MODULES=<tinysense>/device
# The core's sources are whatever lies in device/core.
TINYSENSE_DEVICE := $(abspath $(USERMOD_DIR)/..)

SRC_USERMOD_C += $(TINYSENSE_DEVICE)/native/modtinysense.c
SRC_USERMOD_LIB_C += $(wildcard $(TINYSENSE_DEVICE)/core/*.c $(TINYSENSE_DEVICE)/core/arch/*.c)

# The names in exports.def become qstrs when modtinysense.c is preprocessed.
QSTR_GLOBAL_DEPENDENCIES += $(TINYSENSE_DEVICE)/native/exports.def

# The core is compiled for size, and where the time goes (fast.txt, arch/) for
# speed. A fused multiply-add would round once where other boards round twice.
$(BUILD)/core/%.o: CFLAGS += -Os -ffp-contract=off
$(BUILD)/core/arch/%.o: CFLAGS += -O2
$(patsubst %,$(BUILD)/core/%.o,$(shell cat $(TINYSENSE_DEVICE)/core/fast.txt)): CFLAGS += -O2
