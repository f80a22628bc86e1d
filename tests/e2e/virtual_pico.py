"""What the tests of the emulated Raspberry Pi Pico share: starting it, and code that runs on it."""

from __future__ import annotations

import os
import shutil
import textwrap
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tinysense_host.device import Device, connect
from tinysense_host.emulator import Emulator
from tinysense_host.emulator.rp2040js import DISK_BYTES
from tinysense_host.firmware import build_folder

BOARD = "VIRTUAL_PICO"
ROOT = Path(__file__).resolve().parents[2]
MPU6050, LSM6DSOX = 0x68, 0x6A      # their I2C addresses
MPY = 6 | 3 << 8 | 4 << 10          # sys.implementation._mpy: version 6.3, armv6m
OPEN_BUS = """
from machine import I2C, Pin
i2c = I2C(0, sda=Pin(4), scl=Pin(5), freq=400000)
def get(chip, register, n=1):
    return i2c.readfrom_mem(chip, register, n)
def put(chip, register, value):
    i2c.writeto_mem(chip, register, bytes((value,)))
"""


def need_pico() -> None:
    """Skips where the emulated Pico cannot run."""
    if shutil.which("node") is None:
        pytest.skip("no Node.js here: the emulated Pico is not tried (apt-get install nodejs npm)")
    built = (build_folder() / "firmware" / BOARD / "firmware.bin").is_file()
    if not built and os.environ.get("TINYSENSE_FULL") != "1":   # else it is built now
        pytest.skip(f"no firmware: make firmware BOARD={BOARD}")


class Pico:
    """A running emulated Pico and a connection to it."""

    def __init__(self, emulator: Emulator, device: Device) -> None:
        self.emulator = emulator
        self.device = device

    def run(self, code: str, timeout: float = 60.0) -> str:
        """Runs code and returns what it printed."""
        return self.device.exec(textwrap.dedent(code), timeout)

    def ask(self, code: str, timeout: float = 60.0) -> Any:
        """Runs code whose last printed line is JSON."""
        return self.device.ask(textwrap.dedent(code), timeout)

    def tell(self, **request: Any) -> dict[str, Any]:
        """A request to the simulated chips: tell(mpu6050={"absent": True}); their status."""
        return self.emulator.control(request)


@contextmanager
def started(fs: Path | None = None, **requests: Any) -> Iterator[Pico]:
    """A Pico of its own. fs: its flash, kept."""
    with Emulator(BOARD, fs=fs, requests=(requests,) if requests else ()) as emulator, \
            connect(emulator.port) as device:
        yield Pico(emulator, device)


def disk_with_package(path: Path, files: dict[str, bytes] | None = None) -> Path:
    """A flash image with the device package on it, compiled as `tinysense setup` does."""
    from tinysense_host.deploy.package import package_files
    from tinysense_host.emulator import write_files

    package, _ = package_files(MPY)
    write_files(path, {f"/lib/{name}": data for name, data in package.items()} | (files or {}),
                DISK_BYTES)
    return path
