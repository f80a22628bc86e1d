# Firmware, native modules and MicroPython's source; included by the Makefile.
# The work is done by boards/build.py, which knows what is out of date.
BOARD ?= QEMU_M4F
NATMODS := armv6m armv7m armv7emsp armv7emdp rv32imc x64

# The project's own Python once `make setup` has made it: native modules need
# packages from there.
BOARDS_PYTHON = $(if $(wildcard .venv/bin/python),.venv/bin/python,python3)

.PHONY: firmware natmod natmods micropython
firmware: ## firmware with tinysense built in (BOARD=QEMU_M4F), into build/firmware
	@$(BOARDS_PYTHON) boards/build.py firmware $(BOARD)

natmod: ## native module for stock firmware (ARCH=armv6m, or armv6m-small), into build/natmod
	@test -n "$(ARCH)" || { echo "make natmod: name an architecture: ARCH=armv6m" >&2; exit 2; }
	@$(BOARDS_PYTHON) boards/build.py natmod $(ARCH)

natmods: ## native modules for all architectures (but xtensawin, which needs ESP-IDF)
	@for arch in $(NATMODS); do $(BOARDS_PYTHON) boards/build.py natmod $$arch || exit 1; done

micropython: ## MicroPython's source, into the cache (or MICROPYTHON=folder)
	@$(BOARDS_PYTHON) boards/micropython.py
