"""What samples of microphones cost on emulated cores, and that they are the same on all of them."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

from tinysense_host.barecore import INSTRUCTION_NS, build_program, load_core, run_program

# Instructions of a frame at most: as device/DESIGN.md has them, and a tenth for other compilers.
PLANS = ("4, 16 x 4", "4, 32 x 4", "4, 64 x 4", "5, 16 x 4", "3, 16 x 4", "4, 32 x 2",
         "32-bit words", "without high pass", "16-bit words")  # fmt: skip
MOST = {
    "cortex-m4": (1025, 1280, 1790, 1280, 910, 715, 68, 58, 68),
    "cortex-m0plus": (1665, 2105, 2970, 2555, 1490, 1160, 130, 115, 130),
    "rv32imc": (1140, 1500, 2210, 2575, 1005, 840, 64, 54, 64),
}


def costs(core: str, folder: Path) -> tuple[list[int], list[int]]:
    """(instructions a frame, checksums) of each plan."""
    chosen = load_core(core)
    for program in (chosen.compiler, chosen.emulator("x")[0]):
        if program != "x" and shutil.which(program) is None:
            pytest.skip(f"{program} is not installed")
    rng = np.random.default_rng(4)
    (folder / "bits.bin").write_bytes(rng.integers(0, 256, 512 * 32, np.uint8).tobytes())
    (folder / "words.bin").write_bytes(rng.integers(-(1 << 31), 1 << 31, 1024).astype("<i4").tobytes())
    status, said = run_program(chosen, build_program(chosen, "microphones"), folder, 60.0)
    assert status == 0, said
    rows = np.frombuffer((folder / "results.bin").read_bytes(), "<u4").reshape(-1, 2)
    assert len(rows) == len(PLANS)
    return (rows[:, 0] // INSTRUCTION_NS).tolist(), rows[:, 1].tolist()


@pytest.mark.parametrize("core", MOST)
def test_cost_and_equality(core: str, tmp_path: Path) -> None:
    spent, sums = costs(core, tmp_path)
    for plan, n in zip(PLANS, spent, strict=True):
        print(f"{core}: {plan}: {n}")
    assert sums == costs("x86-64", tmp_path)[1]
    assert all(n <= most for n, most in zip(spent, MOST[core], strict=True))
