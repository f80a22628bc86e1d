"""Which of the device tests run under MicroPython, and where its native modules are."""

from pathlib import Path

import pytest

from tinysense_host.boards import load_board

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
BUILD = ROOT / "build"
# What only makes sense on the computer.
PYTEST_ONLY = {"test_on_micropython.py", "test_on_boards.py", "test_files.py"}
FILES = sorted(p.stem for p in HERE.glob("test_*.py")
               if p.name not in PYTEST_ONLY and not p.name.startswith("test_core_"))


def native_module(board):
    """[the folder of its _tinysense.mpy], [] where the firmware has it; skips if it is missing."""
    profile = load_board(board)
    if profile.user_module:
        return []
    folder = BUILD / "natmod" / profile.native_arch
    if not (folder / "_tinysense.mpy").is_file():
        pytest.skip(f"no _tinysense.mpy: build it with `make natmod ARCH={profile.native_arch}`")
    return [folder]
