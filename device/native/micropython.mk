# User C module for ports that build with make:
#     make ... USER_C_MODULES=<tinysense>/device
# The core's sources are whatever lies in device/core.
TINYSENSE_DEVICE := $(abspath $(USERMOD_DIR)/..)

SRC_USERMOD_C += $(TINYSENSE_DEVICE)/native/modtinysense.c
SRC_USERMOD_LIB_C += $(wildcard $(TINYSENSE_DEVICE)/core/*.c $(TINYSENSE_DEVICE)/core/arch/*.c)

# The names in exports.def become qstrs when modtinysense.c is preprocessed.
QSTR_GLOBAL_DEPENDENCIES += $(TINYSENSE_DEVICE)/native/exports.def

# Only the core is compiled for speed. A fused multiply-add would round once
# where other boards round twice.
$(BUILD)/core/%.o: CFLAGS += -O2 -ffp-contract=off
