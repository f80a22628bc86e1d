# tinysense. `make help` lists the targets.
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory
SHELL := /bin/sh

PYTHON ?= python3
BOARD ?= QEMU_M4F
PORT ?=
MODEL ?= models/gesture/gesture.tsm
VENV := .venv
BIN := $(VENV)/bin
TINYSENSE := $(BIN)/tinysense

include boards/boards.mk

CORE := $(wildcard device/core/*.c device/core/*.h device/core/*.def device/core/arch/* device/native/*.c device/native/*.h device/native/*.def)

.PHONY: help
help: ## show this list
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' $(MAKEFILE_LIST) | sort | awk -F'\t' '{printf "  make %-12s %s\n", $$1, $$2}'

# ---- what must be there first ----

.PHONY: packages setup
packages: ## Debian packages (as root or through sudo, else says what to install)
ifneq ($(PACKAGES),skip)
	@boards/install_packages.sh
endif

setup: $(VENV)/extension.stamp ## Python packages and the tinysense command, into .venv

# Debian's packages are looked at where their list or Python's changed, not every time.
$(VENV)/python.stamp: host/pyproject.toml boards/packages.txt
	@$(MAKE) packages
	@echo "Python packages into $(VENV) (TensorFlow is large: some minutes the first time)"
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check 'setuptools>=77,<84' -e 'host[train,sound,boards,dev]'
	@touch $@

$(VENV)/extension.stamp: $(VENV)/python.stamp host/setup.py $(CORE)
	@cd host && ../$(BIN)/python setup.py --quiet build_ext --inplace
	@touch $@

# ---- the main job ----

.PHONY: demo upload
demo: setup ## the whole loop: record, label, train, convert, upload, watch (BOARD= or PORT=)
	@$(TINYSENSE) demo $(if $(PORT),--port $(PORT),--board $(BOARD))

upload: setup ## put package and model on a board and check them there (PORT= MODEL=)
	@$(TINYSENSE) upload $(MODEL) --setup --verify $(if $(PORT),--port $(PORT))

# ---- checks ----

FIRMWARE_TESTED := QEMU_M4F QEMU_M0 QEMU_M7 QEMU_M55 QEMU_RV32 UNIX UNIX_NATIVE VIRTUAL_PICO
# A process for each core, a file of tests at a time.
PARALLEL := -n auto --maxprocesses 4 --dist loadfile
.PHONY: test test-all check bench sizes
test: setup test-firmware ## all tests but the long ones
	@$(BIN)/python -m pytest -c tests/pytest.ini $(PARALLEL) tests

test-all: setup test-firmware ## all tests, the long ones too (hours)
	@TINYSENSE_FULL=1 $(BIN)/python -m pytest -c tests/pytest.ini $(PARALLEL) tests

.PHONY: test-firmware
test-firmware: setup
	@for board in $(FIRMWARE_TESTED); do $(MAKE) firmware BOARD=$$board || exit 1; done
	@$(MAKE) natmods

check: setup ## linters and types
	@$(BIN)/ruff check host device boards tests
	@cd host && ../$(BIN)/mypy

bench: setup ## instructions of all models on all virtual cores (ACCEPT=yes: the new budget); speed of the link
	@$(BIN)/python tests/bench.py $(if $(ACCEPT),--accept)
	@$(BIN)/python tests/link_bench.py

sizes: setup ## bytes of flash the core needs
	@$(BIN)/python boards/sizes.py

.PHONY: clean
clean: ## remove what was built (not .venv, not downloads)
	rm -rf build host/build host/*.egg-info host/_tinysense*.so
