"""Nothing is lost while flash stalls, times stay true, faults are told: long runs of a recorder.

On an emulated board, whose real Recorder records emulated chips on littlefs by a
virtual clock (sampling_board.py). Every frame in the image is compared with what its chip sampled.
"""

from __future__ import annotations

import io
import json
import os
import re
import select
import subprocess
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from virtual_bench import PRODUCTS, ROOT

from tinysense.recording import Reader
from tinysense_host.emulator import Emulator, read_files, write_files
from tinysense_host.simulate import Sensor, gesture, person

BOARD = "QEMU_M4F"
ACCEL_UG, GYRO_UDPS = 122, 70000    # a count at 4 g and 2000 deg/s: DS12814, table 2
PERIOD = 4096                       # frames after which what the chips sample comes again
STALL_US = 80_000                   # a write of 4 kB on ESP32
STEP_US = 137                       # until the next read: as in sampling_board.py
SOUND_BLOCK = 16                    # frames that the I2S interrupt moves at once
SOUND_RATE = 16                     # frames a millisecond
DEADLINE_S = 3600.0                 # of the board, in this computer's time

Frames = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Piece:
    """A block of the recording."""

    first: int
    time_us: int
    measured_mhz: int
    lost: int
    frames: Frames


@dataclass(frozen=True)
class Outcome:
    """``told`` by the board, ``stalls`` as (us, frames held then); ``pieces`` of the recording."""

    told: Mapping[str, Any]
    stalls: list[tuple[int, int]]
    pieces: list[Piece]

    @property
    def frames(self) -> int:
        return sum(len(piece.frames) for piece in self.pieces)

    def shifts(self, truth: Frames) -> list[int]:
        """Of each block, how many frames its number is behind the chip's; its frames must be
        the chip's, one after another. ``truth``: one period of what it sampled."""
        found = []
        for piece in self.pieces:
            numbers = np.arange(len(piece.frames)) + self.told["before"] + piece.first
            for shift in (0, *range(1, 65), *range(-64, 0)):
                if np.array_equal(piece.frames, truth[(numbers + shift) % PERIOD]):
                    found.append(shift)
                    break
            else:
                raise AssertionError(f"block at frame {piece.first} is not what the chip sampled")
        return found


def motion() -> npt.NDArray[np.int32]:
    """Somebody moves a board: thousandths of g and deg/s at 416 Hz."""
    sensor = Sensor(416.0, 3.998, full_scale_dps=2293.76)
    counts = gesture("negative", person(3), sensor, np.random.default_rng(5), strokes=8)[:PERIOD]
    assert len(np.unique(counts, axis=0)) == PERIOD
    scale = np.array([3998 / 32768] * 3 + [2_293_760 / 32768] * 3)
    return np.round(counts * scale).astype("<i4")


def motion_counts() -> Frames:
    """The same as the chip must give it."""
    milli = motion().astype(np.int64)
    micro = np.array([ACCEL_UG] * 3 + [GYRO_UDPS] * 3)
    return np.clip(milli * 1000 // micro, -32768, 32767)


def sound() -> npt.NDArray[np.int16]:
    """Noise, so that no frame is taken for another."""
    return np.random.default_rng(6).integers(-32768, 32768, PERIOD).astype("<i2")


def board_files(case: Mapping[str, Any], played: bytes) -> dict[str, bytes]:
    """Package, chips, program and case, by their paths on the board."""
    package = ROOT / "device"
    files = {"/" + p.relative_to(package).as_posix(): p.read_bytes()
             for p in (package / "tinysense").rglob("*.py")}
    chips = ROOT / "tests" / "device" / "chips"
    files |= {f"/chips/{p.name}": p.read_bytes() for p in chips.glob("*.py")}
    files["/main.py"] = (Path(__file__).parent / "sampling_board.py").read_bytes()
    return files | {"/case.json": json.dumps(case).encode(), "/played.bin": played}


def on_board(folder: Path, case: Mapping[str, Any], played: bytes,
             counting: bool = False) -> Outcome:
    """The recorder on the emulated board, in as much flash as the case's seconds need."""
    if not (ROOT / "build" / "firmware" / PRODUCTS[BOARD]).is_file():
        pytest.skip(f"no firmware: make firmware BOARD={BOARD}")
    image = folder / "flash.img"
    given = {"folder": "/rec", "played": "/played.bin", "stall_us": STALL_US} | dict(case)
    per_second = 32_000 if case["driver"] == "sound" else 5_500
    data = 0 if "warm_s" in case else int(case["seconds"]) * per_second * 5 // 4
    write_files(image, board_files(given, played), disk_bytes=(2 << 20) + data // 4096 * 4096)
    with Emulator(BOARD, fs=image, icount=counting,
                  heap_bytes=case.get("heap_bytes")) as emulator:
        said = said_by(emulator)
        emulator.power_cut()
    files = read_files(image)
    names = sorted(name for name in files if name.startswith("/rec/") and name.endswith(".tsr"))
    stalls = [(int(us), int(held)) for us, held in re.findall(r"^stall (\d+) (\d+)", said, re.M)]
    return Outcome(reported(said), stalls, pieces(b"".join(files[name] for name in names)))


def reported(said: str) -> Mapping[str, Any]:
    """What the program reports at its end."""
    found = re.search(r"^told (\{.*\})", said, re.M)
    assert found, said
    report: dict[str, Any] = json.loads(found[1])
    return report


def said_by(emulator: Emulator) -> str:
    """All that the program says, until its end."""
    port = os.open(emulator.port, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK)
    said, end = "", time.monotonic() + DEADLINE_S
    try:
        while "\n>>> " not in said:     # the prompt: it has ended
            assert time.monotonic() < end, said
            if select.select([port], [], [], 1.0)[0]:
                said += os.read(port, 65536).decode("utf-8", "replace")
    finally:
        os.close(port)
    return said


def pieces(data: bytes) -> list[Piece]:
    """The blocks of segments one after another, as numbers."""
    return [Piece(block.first, block.time_us, block.measured_rate_mhz, block.lost,
                  np.frombuffer(block.frames, "<i2").astype(np.int64)
                  .reshape(block.count, block.channels).squeeze())
            for block in Reader(io.BytesIO(data))]


def minutes(short: float) -> Any:
    """Parameters: so many minutes in `make test`, ten in `make test-all`."""
    return pytest.mark.parametrize("seconds", [
        round(60 * short), pytest.param(600, marks=pytest.mark.full)], ids=lambda s: f"{s}s")


def checked_motion(outcome: Outcome) -> list[int]:
    """Shifts of blocks, after what every recording of motion must hold."""
    told = outcome.told
    assert told["recorder"] == "" and told["before"] == 0
    assert told["frames"] == outcome.frames and told["dropped"] == outcome.pieces[-1].lost
    assert told["overwritten"] == 0
    assert told["frames"] + told["dropped"] + told["waiting"] == told["sampled"]
    return outcome.shifts(motion_counts())


@minutes(1)
def test_motion_over_stalls_and_collections(seconds: int, tmp_path: Path) -> None:
    case = {"driver": "motion", "seconds": seconds, "collect": True}
    outcome = on_board(tmp_path, case, motion().tobytes(), counting=True)
    told = outcome.told
    assert set(checked_motion(outcome)) == {0}
    assert told["dropped"] == told["errors"] == 0 and told["frames"] > 415 * seconds
    assert told["writes"] > 1.2 * seconds
    assert told["collected_us"] > 10_000 * told["writes"]
    print(f"{told['frames']} frames, none lost over {told['writes']} stalls of 80 ms and "
          f"collections of {told['longest_us'] / 1000:.0f} ms")


@pytest.mark.parametrize("odr_ppm", [-40_000, 40_000])
@minutes(1)
def test_times_are_true(odr_ppm: int, seconds: int, tmp_path: Path) -> None:
    case = {"driver": "motion", "seconds": seconds, "odr_ppm": odr_ppm}
    outcome = on_board(tmp_path, case, motion().tobytes())
    told = outcome.told
    assert set(checked_motion(outcome)) == {0} and told["dropped"] == 0
    period_us = told["period_ns"] / 1000
    true = np.array([told["began_us"] + (p.first + 1) * period_us for p in outcome.pieces])
    off = np.array([p.time_us for p in outcome.pieces]) - true
    # The first frames come before the rate is known.
    assert abs(off[0]) < 1.2 * period_us and np.abs(off[1:]).max() < period_us / 2
    assert np.all(np.abs(off[1:]) < 0.001 * (true[1:] - true[0]))
    wrong = np.abs(np.diff(off) / np.diff(true))
    assert wrong[1:].max() < 0.0015 and wrong[len(wrong) // 2:].max() < 0.001
    rates = np.array([p.measured_mhz for p in outcome.pieces]) * period_us / 1e9 - 1
    assert abs(rates[0]) < 1 / len(outcome.pieces[0].frames)    # a look may come a frame late
    assert np.abs(rates[1:]).max() < 0.001 and np.abs(rates[len(rates) // 2:]).max() < 0.0001
    print(f"times off by {np.abs(off[1:]).max():.0f} us at most (first block {off[0]:.0f} us), "
          f"block to block {wrong[1:].max():.3%}, rate {abs(rates[-1]):.5%}")


# Bytes that a burst takes before it fails: none, whole frames, a frame and a half.
@pytest.mark.parametrize("cut", [-1, 112, 21])
@minutes(1)
def test_faults_of_the_bus(cut: int, seconds: int, tmp_path: Path) -> None:
    every = 1000 if seconds >= 600 else 100
    case = {"driver": "motion", "seconds": seconds, "every": every, "cut": cut, "odr_ppm": -30_000}
    outcome = on_board(tmp_path, case, motion().tobytes())
    told, shifts = outcome.told, checked_motion(outcome)
    assert told["faults"] == told["errors"] > told["transfers"] / every / 2 > 10
    if cut < 0:
        assert set(shifts) == {0} and told["dropped"] == 0
    else:
        assert told["dropped"] > told["faults"] / 2
        # Where a frame came between burst and fault, the clock tells later that it is gone.
        assert set(shifts) <= {0, 1} and shifts[-1] == 0
        assert sum(shifts) <= len(outcome.pieces) / 10
    gaps = len({piece.lost for piece in outcome.pieces}) - 1
    print(f"{told['faults']} faults in {told['transfers']} transfers, {told['frames']} frames, "
          f"{told['dropped']} lost in {gaps} gaps, {sum(shifts)} blocks a frame early")


def stalled(stalls: list[tuple[int, int]], capacity: int) -> int:
    """Frames that find no room while flash stalls: ``stalls`` are (us, frames held then)."""
    lost = 0
    for us, held in stalls:
        now, then = (moment * SOUND_RATE // 1000 // SOUND_BLOCK
                     for moment in (us, us + STALL_US + STEP_US))
        lost += max(0, (then - now) - (capacity - held) // SOUND_BLOCK) * SOUND_BLOCK
    return lost


# Where all writes stall, what waits must hold a stall, a collection and a block of the interrupt.
# A heap of 1 MB would take 40 ms to collect: with the stall as long as the block itself lasts.
@pytest.mark.parametrize(("buffer_ms", "collect", "every"), [
    (82, False, 1), (110, True, 1), (78, False, 4), (40, False, 4)])
@minutes(1 / 6)
def test_sound_over_stalls(buffer_ms: int, collect: bool, every: int, seconds: int,
                           tmp_path: Path) -> None:
    case = {"driver": "sound", "seconds": seconds, "buffer_ms": buffer_ms, "collect": collect,
            "stall_every": every, "heap_bytes": 384 << 10}
    outcome = on_board(tmp_path, case, sound().tobytes(), counting=collect)
    told, stalls = outcome.told, outcome.stalls
    shifts, capacity = outcome.shifts(sound().astype(np.int64)), buffer_ms * SOUND_RATE
    assert told["recorder"] == "" and told["errors"] == 0 and told["stalls"] > seconds
    assert told["frames"] + told["overwritten"] + told["waiting"] == told["arrived"]
    assert told["dropped"] == outcome.pieces[-1].lost == told["overwritten"]
    if buffer_ms > STALL_US / 1000:
        assert told["dropped"] == 0 and set(shifts) == {0}
    else:
        assert told["dropped"] == stalled(stalls, capacity) > len(stalls) * SOUND_BLOCK
        # A block in doubt is told with the next loss.
        assert set(shifts) <= {0, SOUND_BLOCK} and shifts[-1] == 0
        assert np.mean(shifts) < SOUND_BLOCK / 4
    print(f"buffer of {buffer_ms} ms: {told['frames']} frames, {told['dropped']} lost over "
          f"{told['stalls']} stalls and collections of {told['longest_us'] / 1000:.0f} ms, "
          f"{np.count_nonzero(shifts)} blocks early")


@pytest.mark.parametrize("seconds", [60, pytest.param(3600, marks=pytest.mark.full)],
                         ids=lambda s: f"{s}s")
@pytest.mark.parametrize("board", ["UNIX", BOARD])
def test_the_heap_does_not_grow(board: str, seconds: int, tmp_path: Path) -> None:
    """Segments are small and overwrite each other, so that all of the recorder runs. The board
    has been awake for so long that times do not fit 30 bits: then two of them take 64 bytes."""
    case = {"driver": "motion", "seconds": seconds, "awake_s": 2000, "warm_s": 30, "stall_us": 0,
            "segment_kb": 64}
    if board == BOARD:
        told = on_board(tmp_path, case, motion().tobytes()).told
    else:
        told = on_unix(tmp_path, case)
    assert told["frames"] > 415 * seconds and told["dropped"] == told["errors"] == 0
    assert told["grown"] == 0
    print(f"{board}: {told['grown']} bytes in {seconds} s, {told['writes']} blocks")


def on_unix(folder: Path, case: Mapping[str, Any]) -> Mapping[str, Any]:
    """What the same program says as a process of this computer."""
    binary = ROOT / "build" / "firmware" / PRODUCTS["UNIX"]
    if not binary.is_file():
        pytest.skip("no firmware: make firmware BOARD=UNIX")
    played, given = folder / "played.bin", folder / "case.json"
    played.write_bytes(motion().tobytes())
    given.write_text(json.dumps({"folder": f"{folder}/rec", "played": str(played)} | dict(case)))
    paths = (ROOT / "tests" / "device", ROOT / "device", ".frozen")
    done = subprocess.run([binary, "-X", "heapsize=2m", Path(__file__).parent / "sampling_board.py",
                           given], capture_output=True, text=True, timeout=DEADLINE_S,
                          env=os.environ | {"MICROPYPATH": ":".join(map(str, paths))}, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return reported(done.stdout)
