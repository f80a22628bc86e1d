"""What a frame costs on its way from a sensor's FIFO to the window, in instructions.

The package's own code, driver to window, on an emulated Cortex-M4F that counts.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Mapping
from pathlib import Path

from tinysense_host.barecore import load_core
from tinysense_host.boards import boards_folder
from tinysense_host.device import connect
from tinysense_host.emulator import Emulator, write_files

BOARD, CORE = "QEMU_M4F", "cortex-m4"
ROOT = boards_folder().parent


def measured() -> dict[str, dict[str, int]]:
    """Sensor -> core -> instructions per frame; "lsm6dsox_6" is that with its gyroscope."""
    package = ROOT / "device"
    files = {"/lib/" + p.relative_to(package).as_posix(): p.read_bytes()
             for p in (package / "tinysense").rglob("*.py")}
    program = Path(__file__).with_name("sampling_on_board.py")
    files["/lib/" + program.name] = program.read_bytes()
    with tempfile.TemporaryDirectory(prefix="tinysense-") as folder:
        image = Path(folder) / "flash.img"
        write_files(image, files)
        with Emulator(BOARD, fs=image, icount=True) as emulator, \
                connect(port=emulator.port) as device:
            told: dict[str, int] = json.loads(
                device.exec(f"import {program.stem}\n{program.stem}.run()", timeout=300))
    return {sensor: {CORE: count} for sensor, count in sorted(told.items())}


def table(costs: Mapping[str, Mapping[str, int]]) -> list[str]:
    """The same as a part of the Markdown page of benchmarks."""
    return [f"## A frame from a sensor's FIFO to the window, {load_core(CORE).title}", "",
            "Instructions of the package on an emulated board, bus and sleep left out, in batches "
            "of 40 ms at 416 Hz (MPU6050: 500 Hz).", "", "| sensor, axes | instructions |",
            "|---|---:|",
            *(f"| {sensor} | {by_core[CORE]:,} |" for sensor, by_core in costs.items()), ""]
