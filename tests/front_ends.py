"""What a front end for sound costs a window, in instructions, on emulated cores.

And that all cores, and this computer, make the same int8 rows of it.
"""

from __future__ import annotations

import struct
import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path

import numpy as np

from tinysense_host.barecore import INSTRUCTION_NS, build_program, load_core, run_program
from tinysense_host.errors import TinysenseError
from tinysense_host.frontends import FRONT_ENDS, RATE_HZ

CORES = ("cortex-m4", "cortex-m0plus", "rv32imc")
HERE = "x86-64"


def sound() -> np.ndarray:
    """A second, int16: hiss, bursts of noise over all levels, pulses; whole numbers only."""
    rng, t = np.random.default_rng(8), np.arange(RATE_HZ)
    level = 1 << t // 1000 % 15
    bursts = rng.integers(-1, 2, RATE_HZ) * level + rng.integers(-3, 4, RATE_HZ)
    pulses = np.where(t % 133 < 20, 3000 * (t // 4000), 0)
    return np.clip(bursts + pulses, -32768, 32767).astype("<i2")


def _rows(core_name: str) -> list[tuple[int, int]]:
    """(instructions of a window, checksum of the rows) of every front end."""
    core = load_core(core_name)
    feats = [f.program().quantised(0.1, -128).to_bytes() for f in FRONT_ENDS.values()]
    with tempfile.TemporaryDirectory(prefix="tinysense-") as name:
        folder = Path(name)
        (folder / "frames.bin").write_bytes(sound().tobytes())
        (folder / "programs.bin").write_bytes(
            b"".join(struct.pack("<I", len(feat)) + feat for feat in feats))
        status, said = run_program(core, build_program(core, "feature_cost"), folder, 120.0)
        if status:
            raise TinysenseError(f"feature_cost on {core_name}: {said}")
        found = np.frombuffer((folder / "results.bin").read_bytes(), "<u4").reshape(-1, 2)
    return [(int(ns) // INSTRUCTION_NS, int(crc)) for ns, crc in found]


def measured(cores: Iterable[str] = CORES) -> tuple[dict[str, dict[str, int]], dict[str, set[int]]]:
    """Front end -> core -> instructions; front end -> checksums, one where all agree."""
    costs: dict[str, dict[str, int]] = {name: {} for name in FRONT_ENDS}
    sums: dict[str, set[int]] = {name: set() for name in FRONT_ENDS}
    for core in (*cores, HERE):
        for name, (spent, crc) in zip(FRONT_ENDS, _rows(core), strict=True):
            sums[name].add(crc)
            if core != HERE:
                costs[name][core] = spent
    return costs, sums


def table(costs: Mapping[str, Mapping[str, int]]) -> list[str]:
    """The same as a part of the Markdown page of benchmarks."""
    cores = list(next(iter(costs.values())))
    head = " | ".join(load_core(core).title for core in cores)
    return ["## A window of sound through a front end", "",
            "Instructions from 480 samples to a row of int8, at 16 kHz.", "",
            f"| front end | every | {head} |", f"|---|---|{'---:|' * len(cores)}",
            *(f"| {name} | {FRONT_ENDS[name].step_ms} ms | "
              f"{' | '.join(f'{by_core[core]:,}' for core in cores)} |"
              for name, by_core in costs.items()), ""]  # fmt: skip
