"""Firmware and native modules, built by make when they are missing or out of date."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

from tinysense_host.boards import BoardProfile, boards_folder
from tinysense_host.errors import TinysenseError

__all__ = ["build_folder", "ensure_firmware", "ensure_native_module"]

_PRODUCTS = {"qemu": "firmware.elf", "unix": "micropython", "rp2040js": "firmware.bin"}
_SOURCES = {"qemu": ["boards/qemu"], "unix": ["boards/unix"],
            "rp2040js": ["boards/rp2040js/rom", "boards/rp2040js/package-lock.json",
                         "boards/rp2040js/manifest.py", "boards/rp2_parts.py"]}


# What a kind needs beside its firmware, in the build folder; the same make brings it.
_BESIDE = {"rp2040js": "rp2040js/built"}


def build_folder() -> Path:
    """Where products are: ``build/`` of the project, or TINYSENSE_BUILD."""
    return Path(os.environ.get("TINYSENSE_BUILD", boards_folder().parent / "build")).resolve()


def ensure_firmware(board: BoardProfile) -> Path:
    """The firmware of a virtual board, built first if need be; progress goes to stderr."""
    product = build_folder() / "firmware" / board.name / _PRODUCTS[board.kind]
    sources = [*_SOURCES[board.kind], f"boards/{board.name}", "boards/build.py"]
    if board.user_module:
        sources += ["device/core", "device/native"]
    beside = build_folder() / _BESIDE.get(board.kind, "")
    if not beside.exists() or _older(product, sources):
        _make("firmware", f"BOARD={board.name}")
    return product


def ensure_native_module(arch: str, small: bool = False) -> Path:
    """``_tinysense.mpy`` for an architecture, built first if need be.

    small: with the ops of device/native/small/ts_config.h alone.
    """
    name = f"{arch}-small" if small else arch
    product = build_folder() / "natmod" / name / "_tinysense.mpy"
    if _older(product, ["device/core", "device/native", "boards/build.py"]):
        _make("natmod", f"ARCH={name}")
    return product


def _older(product: Path, sources: list[str]) -> bool:
    """True where a product is missing or a source was written after its build began."""
    built = product.with_name("built")
    if not product.exists() or not built.exists():
        return True
    made = built.stat().st_mtime
    root = boards_folder().parent
    for source in sources:
        top = root / source
        files = top.rglob("*") if top.is_dir() else [top]
        if any(path.stat().st_mtime > made for path in files if path.is_file()):
            return True
    return False


def _make(*arguments: str) -> None:
    root = boards_folder().parent
    environment = {name: value for name, value in os.environ.items()
                   if name not in ("MAKEFLAGS", "MFLAGS", "MAKELEVEL")}
    try:
        done = subprocess.run(["make", "--no-print-directory", "-C", str(root), *arguments],
                              stdout=subprocess.DEVNULL, env=environment, check=False,
                              stdin=subprocess.DEVNULL)
    except FileNotFoundError as e:
        raise TinysenseError("make is not installed", "install it: apt-get install make") from e
    if done.returncode:
        raise TinysenseError(f"`make {' '.join(arguments)}` failed", "its output is above")
