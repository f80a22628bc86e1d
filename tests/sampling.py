"""What a frame costs on its way from a sensor's FIFO to the window, in instructions, and sound
on its way through the pipeline.

The package's own code on an emulated Cortex-M4F that counts.
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


PROGRAMS = ("sampling_on_board", "hearing_on_board", "telemetry_on_board")


def measured() -> dict[str, dict[str, int]]:
    """Sensor -> core -> instructions per frame; "lsm6dsox_6" is that with its gyroscope.

    "sound_20": of 20 ms of sound in windows every 20 ms, features and model left out.
    "watch_sound_scores": of a window of sound that a computer watches, scores sent.
    """
    told: dict[str, int] = {}
    with tempfile.TemporaryDirectory(prefix="tinysense-") as folder:
        image = Path(folder) / "flash.img"
        write_files(image, _files())
        with Emulator(BOARD, fs=image, icount=True) as emulator, \
                connect(port=emulator.port) as device:
            for name in PROGRAMS:
                told |= json.loads(device.exec(f"import {name}\n{name}.run()", timeout=300))
                device.soft_reset()
    return {sensor: {CORE: count} for sensor, count in sorted(told.items())}


def _files() -> dict[str, bytes]:
    """The package, the programs and what they import, by their paths on the board."""
    tests = Path(__file__).parent
    found = [(p, ROOT / "device") for p in (ROOT / "device" / "tinysense").rglob("*.py")]
    found += [(p, tests / "device") for p in (tests / "device" / "chips").glob("*.py")]
    found += [(tests / "device" / f"{name}.py", tests / "device") for name in ("tiny", "tiny_sound")]
    found += [(tests / f"{name}.py", tests) for name in PROGRAMS]
    return {f"/lib/{p.relative_to(base).as_posix()}": p.read_bytes() for p, base in found}


def table(costs: Mapping[str, Mapping[str, int]]) -> list[str]:
    """The same as a part of the Markdown page of benchmarks."""
    return [f"## A frame from a sensor's FIFO to the window, {load_core(CORE).title}", "",
            "Instructions of the package on an emulated board, bus and sleep left out, in batches "
            "of 40 ms at 416 Hz (MPU6050: 500 Hz). Sound: of 20 ms from an I2S microphone "
            "through the pipeline, features and model left out, windows every 10 or 20 ms. "
            "watch: of a window (motion: 8 frames at 25 Hz, sound: 20 ms) of a small model that "
            "a computer watches: its events alone, scores too, the signal's extremes too, the "
            "model's input too; or all frames in place of the extremes.", "",
            "| sensor, axes or hop | instructions |",
            "|---|---:|",
            *(f"| {sensor} | {by_core[CORE]:,} |" for sensor, by_core in costs.items()), ""]
