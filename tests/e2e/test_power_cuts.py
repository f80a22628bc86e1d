"""Power cuts while a board records: nothing that was durable is lost, and it records on."""

from __future__ import annotations

import io
import os
import random
import re
import select
import time
from pathlib import Path

import numpy as np
import pytest
from virtual_bench import ROOT

from tinysense.recording import Reader
from tinysense_host.emulator import Emulator, read_files, write_files

BOARD = "QEMU_M4F"
SEED = 20
LONGEST_S = 2.5     # from switching on; recording begins after a third of that
Blocks = dict[tuple[int, int], str]     # (recording id, block) -> segment


def flash(folder: Path) -> Path:
    image = folder / "flash.img"
    sources = (ROOT / "device").rglob("tinysense/**/*.py")
    files = {"/" + p.relative_to(ROOT / "device").as_posix(): p.read_bytes() for p in sources}
    files["/main.py"] = (Path(__file__).parent / "recording_board.py").read_bytes()
    write_files(image, files, disk_bytes=4 << 20)
    return image


def run_and_cut(image: Path, seconds: float) -> str:
    """Switches the board on, and off after so long; what it said."""
    said = b""
    with Emulator(BOARD, fs=image) as emulator:
        port = os.open(emulator.port, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK)
        end = time.monotonic() + seconds
        try:
            while (left := end - time.monotonic()) > 0:
                if select.select([port], [], [], left)[0]:
                    said += os.read(port, 65536)
        finally:
            emulator.power_cut()
            os.close(port)
    return said.decode("utf-8", "replace")


def durable(said: str) -> set[tuple[int, int]]:
    """Blocks that the board called durable; a last line that was cut off says nothing."""
    told = re.findall(r"synced (\d+) (\d+)\r?\n", said)
    return {(int(id), block) for id, n in told for block in range(int(n))}


def readable(files: dict[str, bytes]) -> Blocks:
    """Every whole block; the frames in it are those that its header promises."""
    found: Blocks = {}
    for name, data in files.items():
        if not (name.startswith("/rec/") and name.endswith(".tsr") and data):
            continue
        for block in Reader(io.BytesIO(data), skip_damaged=True):
            frames = np.frombuffer(block.frames, "<i2").astype(int).reshape(-1, 6)
            assert frames[0, 0] == block.first % 32768 and block.label == "walk", name
            assert np.all(np.diff(frames[:, 0]) % 32768 == 1), name
            found[block.id, block.index] = name
    return found


@pytest.mark.parametrize("cuts", [20, pytest.param(1000, marks=pytest.mark.full)])
def test_what_was_durable_survives_every_cut(cuts: int, tmp_path: Path) -> None:
    if not (ROOT / "build" / "firmware" / BOARD / "firmware.elf").is_file():
        pytest.skip(f"no firmware: make firmware BOARD={BOARD}")
    image, chance = flash(tmp_path), random.Random(SEED)
    before: Blocks = {}
    told = recorded = 0
    for cut in range(cuts):
        said = run_and_cut(image, chance.uniform(0.1, LONGEST_S))
        promised = durable(said)
        files = read_files(image)           # the file system can be read
        found = readable(files)
        assert promised <= found.keys(), f"cut {cut}: {sorted(promised - found.keys())}"
        # What earlier starts left is whole, but for segments that made room.
        gone = {block for block, name in before.items() if block not in found and name in files}
        assert not gone, f"cut {cut}: {sorted(gone)}"
        before = found
        told += len(promised)
        recorded += bool(promised)
    assert recorded >= cuts // 3, f"only {recorded} of {cuts} runs came to record"
    assert told > 5 * recorded
    assert durable(run_and_cut(image, 2 * LONGEST_S)), "it does not record on"
    print(f"{cuts} cuts, {recorded} while recording, {told} durable blocks, all there")
