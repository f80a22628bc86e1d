"""From a board that recorded by itself, and lost its power, to a dataset fit for training."""

from __future__ import annotations

import os
import re
import select
import time
from datetime import datetime
from pathlib import Path

import numpy as np
import pytest
from virtual_bench import PRODUCTS, ROOT, WAIT_S, Command, package

from tinysense.recording import BLOCK
from tinysense_host.dataset import Dataset, Recording
from tinysense_host.emulator import Emulator, read_files, write_files

BOARD = "QEMU_M4F"      # whose file system is a littlefs image; that of UNIX is a folder
SYNCED = re.compile(r"synced (\d+) (\d+)\r?\n")


def flash(folder: Path, board: str = BOARD) -> Path:
    if not (ROOT / "build" / "firmware" / PRODUCTS[board]).is_file():
        pytest.skip(f"no firmware: make firmware BOARD={board}")
    image = folder / "flash.img"
    if board == "UNIX":
        image.mkdir()
    chips = {"/lib/chips/" + p.name: p.read_bytes()
             for p in (ROOT / "tests" / "device" / "chips").glob("*.py")}
    main = (Path(__file__).parent / "pulled_board.py").read_bytes()
    write_files(image, package() | chips | {"/main.py": main})
    return image


def until_synced(emulator: Emulator, blocks: int) -> dict[int, int]:
    """Waits until so many blocks are durable; by recording, how many the board said are."""
    said, end = "", time.monotonic() + WAIT_S
    port = os.open(emulator.port, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK)
    try:
        while time.monotonic() < end:
            if select.select([port], [], [], 0.5)[0]:
                said += os.read(port, 65536).decode("utf-8", "replace")
            told = {int(id): int(n) for id, n in SYNCED.findall(said)}
            if sum(told.values()) >= blocks:
                return told
    finally:
        os.close(port)
    raise AssertionError(f"it did not record: {said[-500:]}")


def numbers(recording: Recording) -> np.ndarray:
    """Which frame each one is."""
    milli = -(-recording.frames[:, :2].astype(int) * 1000 // 8192)
    return milli[:, 0] + 1000 * milli[:, 1]


def check(recording: Recording) -> None:
    """Every frame is there, once, in order; a hole is where a gap says so."""
    k = numbers(recording)
    jumps = np.flatnonzero(np.diff(k) != 1) + 1
    assert set(jumps) <= {gap.start for gap in recording.gaps}, jumps
    assert np.all(np.diff(k) > 0)
    assert abs(recording.rate_mhz - 200_000) < 10_000
    assert recording.source["note"] == "left wrist" and recording.full_scale[0] == 4


def segments(image: Path) -> dict[str, int]:
    return {name: len(data) for name, data in read_files(image).items() if name.endswith(".tsr")}


@pytest.mark.parametrize("board", [BOARD, "UNIX"])
def test_record_cut_boot_pull_delete_pull_again(board: str, tmp_path: Path) -> None:
    image, tinysense = flash(tmp_path, board), Command(tmp_path)
    with Emulator(board, fs=image) as emulator:
        first = until_synced(emulator, 5)
        emulator.power_cut()
    with Emulator(board, fs=image) as emulator:
        began = time.time()
        second = until_synced(emulator, 3)          # it records on by itself
        tinysense.environment["TINYSENSE_PORT"] = emulator.port
        told = tinysense("pull", "--person", "ada", "--delete")
        assert "2 new recordings" in told
        dataset = Dataset(tmp_path / "data")
        found = {r.source["tsr_id"]: r for r in dataset.recordings()}
        assert set(found) == set(first) | set(second)
        for id, blocks in {**first, **second}.items():      # all that was durable
            (span,) = found[id].source["blocks"]
            assert span[0] == 0 and span[1] + 1 >= blocks
            check(found[id])
        (id,) = second
        assert abs(datetime.fromisoformat(found[id].time).timestamp() - began) < 60
        (cut,) = first      # nobody told the time before the power went
        assert found[cut].time == ""

        left = tinysense("pull")
        assert "0 segments (0 B) came, 1 were here already; 0 new recordings" in left

        # Restarted by hand it records on; what was being written then goes now.
        tinysense("pull", "--restart")
        third = until_synced(emulator, 2)
        told = tinysense("pull", "--delete", "--person", "ada")
        assert "1 new recordings" in told
        assert set(third) <= {r.source["tsr_id"] for r in dataset.recordings()}
        last = tinysense("pull")
        assert "0 new recordings" in last
    on_board = segments(image)
    assert len(on_board) == 1, on_board     # the one that was being written

    again = tinysense("import", "data/raw", "-o", "imported")
    imported = Dataset(tmp_path / "imported")
    assert "3 recordings" in again and len(imported.ids()) == 3
    for old, new in zip(dataset.recordings(), imported.recordings(), strict=True):
        assert np.array_equal(old.frames, new.frames) and old.time == new.time
    windows = list(dataset.windows(128, 64))
    assert len(windows) > 20 and {w.label for w in windows} == {"walk"}
    assert {s.person for s in dataset.segments()} == {"ada"}


def test_the_flash_of_a_board_is_recovered_even_where_it_does_not_mount(tmp_path: Path) -> None:
    image, tinysense = flash(tmp_path), Command(tmp_path)
    with Emulator(BOARD, fs=image) as emulator:
        durable = until_synced(emulator, 5)
        emulator.power_cut()
    tinysense("recover", image, "-o", "mounted")
    data = bytearray(image.read_bytes())
    data[40 : 2 * BLOCK] = b"\x5a" * (2 * BLOCK - 40)
    image.write_bytes(data)
    tinysense("recover", image, "-o", "raw")
    (mounted,) = Dataset(tmp_path / "mounted").recordings()
    (raw,) = Dataset(tmp_path / "raw").recordings()
    ((id, blocks),) = durable.items()
    assert mounted.source["tsr_id"] == raw.source["tsr_id"] == id
    assert len(mounted.frames) >= (blocks - 1) * (BLOCK - 192) // 12
    assert np.array_equal(mounted.frames, raw.frames)
    check(raw)
