"""An hour of sound through the whole pipeline on an emulated Cortex-M4F: nothing lost, no heap
taken, faster than it sounds, and every score as on this computer.

Microphone driver, window, features, model and decision run by a virtual clock (hearing_board.py).
`make test` hears half a minute.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from test_sampling_targets import DEADLINE_S, reported, said_by
from virtual_bench import PRODUCTS, ROOT

from tinysense.sensing.microphone import Words
from tinysense_host.emulator import Emulator, write_files
from tinysense_host.hostcore import FeatureStream, HostModel
from tinysense_host.modelfile import ModelFile
from tinysense_host.packing import fit

sys.path.insert(0, str(ROOT / "tests" / "host"))
import tiny_hearing  # noqa: E402

BOARD, TARGET = "QEMU_M4F", "armv7em"
RATE = 16000
CLOCK_MHZ = 64          # of the slowest Cortex-M4F that makers use, one instruction a clock
BUSY_US = 8000          # that an inference takes on the virtual clock
HEAP_BYTES = 1 << 20    # clips and a minute's scores lie there too

Sound = npt.NDArray[np.int16]


@dataclass(frozen=True)
class Outcome:
    """What the board told, and of each minute the CRC-32 of its scores, instructions, reads."""

    told: Mapping[str, Any]
    minutes: list[tuple[int, int, int]]


def made_clips() -> Sound:
    """Eight seconds: tones, chirps, noise, silence."""
    rng = np.random.default_rng(11)
    t = np.arange(RATE) / RATE
    clips = [tiny_hearing.tone(hz, level=9000, seed=i)[:, 0] for i, hz in enumerate((500, 2000))]
    clips += [np.round(9000 * np.sin(2 * np.pi * (200 * t + k * 1500 * t * t))) for k in (1, 2)]
    clips += [np.round(rng.normal(0, level, RATE)) for level in (30, 900, 6000)]
    return np.concatenate([*clips, np.zeros(RATE)]).astype("<i2")


def spoken_clips(shared: Path) -> Sound:
    """Eight spoken words, each filled up to a second."""
    import soundfile

    found = sorted((shared / "data" / "audio_speech_commands").rglob("*_nohash_*.wav"))[::180][:8]
    clips = np.zeros((8, RATE), "<i2")
    for clip, path in zip(clips, found, strict=True):
        heard = soundfile.read(path, dtype="int16")[0][:RATE]
        clip[: len(heard)] = heard
    return clips.reshape(-1)


def stream(clips: Sound) -> Iterator[npt.NDArray[np.int32]]:
    """Second after second the words that the board's I2S gives (see hearing_board.Made)."""
    mask, x, seed = 0xFFFFFF, 0, 1
    times, plus = np.ones(RATE + 1, np.int64), np.zeros(RATE + 1, np.int64)
    for i in range(RATE):
        times[i + 1] = times[i] * 17405 & mask
        plus[i + 1] = plus[i] * 17405 + 10395331 & mask
    while True:
        drawn = []
        for n in (len(clips) // RATE, 400, 300):
            seed = (seed * 106 + 1283) % 6075
            drawn.append(seed * n // 6075)
        which, gain, level = drawn[0], 16 + drawn[1], drawn[2]
        noise = times[1:] * x + plus[1:] & mask
        x = int(noise[-1])
        clip = clips[which * RATE : (which + 1) * RATE].astype(np.int64)
        mixed = (clip * gain >> 8) + (((noise >> 8) - 32768) * level >> 15)
        yield (np.clip(mixed, -32768, 32767) << 16).astype(np.int32)


class _Source:
    at = 0

    def __init__(self, words: npt.NDArray[np.int32]) -> None:
        self.raw = words


def scores_here(blob: bytes, clips: Sound, count: int) -> bytes:
    """The first ``count`` inferences' scores, by the core on this computer."""
    model = ModelFile.read(blob)
    assert model.feat is not None
    features, host = FeatureStream(model.feat), HostModel(blob)
    decoder, buffer = Words(RATE * 1000, 4), bytearray(2 * RATE)
    flip = 0x80 if model.outputs[0].dtype == "int8" else 0
    skip = int(model.meta.get("warmup", 0))
    found: list[bytes] = []
    for words in stream(clips):
        decoder.decode(_Source(words), RATE, buffer)
        for given in features.inputs(np.frombuffer(buffer, "<i2")):
            found.append(host.run([given.tobytes()])[0])
        if len(found) >= count + skip:
            break
    scores = np.frombuffer(b"".join(found[skip : skip + count]), np.uint8)
    return (scores ^ flip).astype(np.uint8).tobytes()


def inferences_in(blob: bytes, seconds: int) -> int:
    geometry = ModelFile.read(blob).feature_geometry()
    return seconds * RATE // geometry.input_hop


def board_files() -> dict[str, bytes]:
    """The package, what plays the bus, and the program, by their paths on the board."""
    package, chips = ROOT / "device", ROOT / "tests" / "device" / "chips"
    files = {"/" + p.relative_to(package).as_posix(): p.read_bytes()
             for p in (package / "tinysense").rglob("*.py")}
    files |= {f"/chips/{p.name}": p.read_bytes() for p in chips.glob("*.py")}
    return files | {"/main.py": (Path(__file__).parent / "hearing_board.py").read_bytes()}


def on_board(folder: Path, case: Mapping[str, Any], blob: bytes, clips: Sound,
             counting: bool = True) -> Outcome:
    if not (ROOT / "build" / "firmware" / PRODUCTS[BOARD]).is_file():
        pytest.skip(f"no firmware: make firmware BOARD={BOARD}")
    image = folder / "flash.img"
    given = {"model": "/model.tsm", "clips": "/clips.bin"} | dict(case)
    packed = fit(ModelFile.read(blob), TARGET).write()
    write_files(image, board_files() | {
        "/model.tsm": packed, "/clips.bin": clips.tobytes(),
        "/case.json": json.dumps(given).encode()}, disk_bytes=2 << 20)
    with Emulator(BOARD, fs=image, icount=counting, heap_bytes=HEAP_BYTES) as emulator:
        said = said_by(emulator)
    return outcome(said)


def on_unix(folder: Path, case: Mapping[str, Any], blob: bytes, clips: Sound) -> Outcome:
    """The same program as a process of this computer."""
    binary = ROOT / "build" / "firmware" / PRODUCTS["UNIX"]
    if not binary.is_file():
        pytest.skip("no firmware: make firmware BOARD=UNIX")
    model, sound, given = folder / "model.tsm", folder / "clips.bin", folder / "case.json"
    model.write_bytes(blob)
    sound.write_bytes(clips.tobytes())
    given.write_text(json.dumps({"model": str(model), "clips": str(sound)} | dict(case)))
    paths = (ROOT / "tests" / "device", ROOT / "device", ".frozen")
    done = subprocess.run([binary, "-X", "heapsize=4m", Path(__file__).parent / "hearing_board.py",
                           given], capture_output=True, text=True, timeout=DEADLINE_S,
                          env=os.environ | {"MICROPYPATH": ":".join(map(str, paths))}, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return outcome(done.stdout)


def outcome(said: str) -> Outcome:
    minutes = re.findall(r"^minute \d+ (\w{8}) (\d+) (\d+)", said, re.M)
    return Outcome(reported(said), [(int(crc, 16), int(spent), int(reads))
                                    for crc, spent, reads in minutes])


def checked(found: Outcome, blob: bytes, clips: Sound, case: Mapping[str, Any]) -> None:
    """Nothing lost, no heap taken, every score as here."""
    told, per_minute = found.told, int(case["per_minute"])
    assert len(found.minutes) == case["minutes"]
    assert told["inferences"] == per_minute * case["minutes"]
    assert (told["dropped"], told["lost"], told["grown"]) == (0, 0, 0)
    scores = scores_here(blob, clips, told["inferences"])
    size = per_minute * len(ModelFile.read(blob).labels)
    assert len(set(scores)) > 3
    for minute, (crc, _, _) in enumerate(found.minutes):
        assert zlib.crc32(scores[size * minute : size * (minute + 1)]) == crc, f"minute {minute}"


def busy_share(found: Outcome, seconds: int) -> float:
    """The part of its time that a board at CLOCK_MHZ is busy: instructions, one a clock."""
    spent = sum(instructions - reads * found.told["source"]
                for _, instructions, reads in found.minutes)
    return spent / (seconds * CLOCK_MHZ * 1e6)


def the_model(name: str, request: pytest.FixtureRequest, folder: Path) -> bytes:
    """A model's bytes: ours, somebody else's where it is there, or one made here."""
    if name == "tones":
        return tiny_hearing.build()
    if name in ("keyword", "wakeword"):
        path = ROOT / "models" / name / f"{name}.tsm"
        if not path.is_file():
            pytest.skip(f"no {path}: tinysense train {path.parent}")
        return path.read_bytes()
    from typer.testing import CliRunner

    from tinysense_host.cli import app

    source = request.getfixturevalue("shared") / "models" / "microwakeword_esphome" / name
    made = folder / f"{name}.tsm"
    done = CliRunner().invoke(app, ["convert", str(source.with_suffix(".tflite")), "--manifest",
                                    str(source.with_suffix(".json")), "--golden", "0",
                                    "--output", str(made)])
    assert done.exit_code == 0, done.output
    return made.read_bytes()


def clips_for(name: str, request: pytest.FixtureRequest) -> Sound:
    return made_clips() if name == "tones" else spoken_clips(request.getfixturevalue("shared"))


MODELS = ["tones", "keyword", "wakeword", "v2_okay_nabu"]


@pytest.mark.parametrize("name", [
    *MODELS[:3], pytest.param(MODELS[3], marks=pytest.mark.full)])
def test_half_a_minute(name: str, request: pytest.FixtureRequest, tmp_path: Path) -> None:
    blob, clips = the_model(name, request, tmp_path), clips_for(name, request)
    case = {"minutes": 2, "per_minute": inferences_in(blob, 15), "busy_us": BUSY_US}
    found = on_board(tmp_path, case, blob, clips)
    checked(found, blob, clips, case)
    share = busy_share(found, 30)
    print(f"{name}: busy {share:.1%} of the time at {CLOCK_MHZ} MHz, {found.told}")
    assert share < 0.5
    unix = on_unix(tmp_path, case, blob, clips)
    checked(unix, blob, clips, case)


@pytest.mark.full
@pytest.mark.parametrize("name", MODELS[1:])
def test_an_hour(name: str, request: pytest.FixtureRequest, tmp_path: Path) -> None:
    blob, clips = the_model(name, request, tmp_path), clips_for(name, request)
    case = {"minutes": 60, "per_minute": inferences_in(blob, 60), "busy_us": BUSY_US}
    found = on_board(tmp_path, case, blob, clips)
    checked(found, blob, clips, case)
    share = busy_share(found, 3600)
    print(f"{name}: an hour, busy {share:.1%} of the time at {CLOCK_MHZ} MHz, {found.told}")
    assert share < 0.5


def test_what_is_lost_is_counted(tmp_path: Path) -> None:
    """Where an inference takes longer than its sound lasts, the oldest sound is not kept."""
    blob = tiny_hearing.build()
    case = {"minutes": 1, "per_minute": 200, "busy_us": 60_000}
    found = on_unix(tmp_path, case, blob, made_clips())
    told = found.told
    assert told["inferences"] == 200 and told["grown"] == 0
    assert told["lost"] > 20_000 and 0 <= told["lost"] - told["dropped"] < 1600
