"""tinysense capture."""

from __future__ import annotations

import time
from datetime import datetime, timezone
from pathlib import Path
from typing import Annotated

import typer
from rich.status import Status
from rich.text import Text

from tinysense_host.commands.hearing_screen import level_line
from tinysense_host.commands.options import Board, Interrupt, Port, TransportName, finite
from tinysense_host.commands.screen import console, err
from tinysense_host.dataset import Dataset
from tinysense_host.deploy.board_package import check_package
from tinysense_host.device import Device, connect
from tinysense_host.errors import TinysenseError
from tinysense_host.link.session import (
    Playback,
    Take,
    driver_facts,
    link_speed,
    record,
    save,
    stream_bytes,
)
from tinysense_host.link.wire import Frames
from tinysense_host.monitor.text import bar, level

__all__ = ["capture"]

_UPDATE_S = 0.08    # between two pictures of the level
_SPARE = 1.25       # a link that carries less than this much of what is needed may lose some


def _count_down(seconds: float, what: str) -> None:
    end = time.monotonic() + seconds
    with err.status("") as status:
        while (left := end - time.monotonic()) > 0:
            status.update(f"{what} in {left:.1f} s")
            time.sleep(min(0.1, left))


class _SoundMeter:
    """The level of a take as it comes, and what was wrong with it."""

    def __init__(self, title: str, status: Status) -> None:
        from tinysense_host.sound.levels import Meter

        self._title, self._status, self._meter = title, status, Meter()
        self._clipped, self._shown = 0, time.monotonic()

    def __call__(self, piece: Frames) -> None:
        self._meter.push(piece.samples[:, 0])
        now = time.monotonic()
        if now - self._shown < _UPDATE_S:
            return
        self._shown = now
        clipped, self._clipped = self._meter.clipped > self._clipped, self._meter.clipped
        line = Text(f"{self._title}: ")
        line.append_text(level_line(self._meter.recent(), clipped))
        if piece.lost:
            line.append(f"  {piece.lost} lost", "bold red")
        self._status.update(line)

    def tell(self) -> None:
        """Level of the whole, and remarks."""
        levels = self._meter.levels()
        console.print(f"    peak {levels.peak_dbfs:.1f} dBFS, RMS {levels.rms_dbfs:.1f} dBFS")
        for remark in levels.remarks():
            err.print(f"    {remark}")


def _expect_microphone(device: Device) -> None:
    """The board's driver must be one, and the link must carry what it gives."""
    facts = driver_facts(device)
    if facts.get("units") != "pcm":
        raise TinysenseError(
            f"the board's driver is {facts.get('driver')}, whose frames are in "
            f"{facts.get('units')}: no microphone",
            "set one: tinysense sync, with driver i2s_microphone, pdm_microphone or adc_microphone")
    rate_mhz = int(facts["rate_mhz"])
    need, have = stream_bytes(rate_mhz, len(facts["channels"])), link_speed(device)
    if have < need:
        raise TinysenseError(
            f"sound at {rate_mhz / 1e6:g} kHz needs {need / 1000:.0f} kB/s, the link to the board "
            f"carries {have / 1000:.0f}: of every second {1 - have / need:.0%} would be lost",
            "use the board's own USB port, a lower rate_mhz, or record on the board: "
            "tinysense.field")
    if have < need * _SPARE:
        err.print(f"the link carries {have / 1000:.0f} kB/s, sound needs {need / 1000:.0f}: "
                  "blocks may be lost, which are counted")


def _take_sound(device: Device, seconds: float, title: str) -> tuple[Take, _SoundMeter]:
    with err.status(f"{title}: go!") as status:
        meter = _SoundMeter(title, status)
        return record(device, seconds, meter), meter


def _take(device: Device, seconds: float, playback: Playback | None, title: str) -> Take:
    with err.status(f"{title}: go!") as status:
        def show(piece: Frames) -> None:
            lost = f"  {piece.lost} lost" if piece.lost else ""
            status.update(f"{title}: {bar(level(piece.samples), 20)}{lost}")

        return record(device, seconds, show, playback)


def _tell(name: str, label: str, take: Take) -> None:
    n = len(take.frames)
    rate = take.hello.rate_mhz / 1000
    told = f"{name}: {label}, {n} frames, {n / rate:.2f} s at {rate:g} Hz"
    if take.measured_rate_mhz:
        told += f" (board's clock: {take.measured_rate_mhz / 1000:.2f} Hz)"
    if take.gaps:
        told += (f"; LOST {take.lost_on_board} on the board, {take.lost_on_link} on the link: "
                 f"{len(take.gaps)} gaps marked")
    console.print(told)


def _replays(path: Path, seconds: float) -> list[tuple[str, str, Playback, float]]:
    """(label, person, playback, seconds) of every labelled range of a dataset."""
    ranges = Dataset(path).segments()
    if not ranges:
        raise TinysenseError(f"no labelled recordings in {path}",
                             "import some, or tinysense simulate")
    found = []
    for r in ranges:
        lost = sum(g.lost for g in r.recording.gaps if r.start < g.start < r.end and g.lost > 0)
        length = (r.end - r.start + lost) * 1000 / r.recording.rate_mhz
        found.append((r.label, r.person, Playback(r.recording, r.start, r.end),
                      min(length, seconds) if seconds else length))
    return found


def _capture_replays(device: Device, dataset: Dataset, source: Path, seconds: float, count: int,
                     session: str) -> None:
    chosen = _replays(source, seconds)
    for label, person, playback, length in chosen[:count] if count else chosen:
        take = _take(device, length, playback, label)
        _tell(save(dataset, take, label, session, person), label, take)


def capture(
    label: Annotated[str, typer.Option("--label", "-l", help="What the movement is.")] = "",
    seconds: Annotated[float, typer.Option(
        "--seconds", "-s", min=0.0, callback=finite,
        help="Length of one recording, by the driver's rate.")] = 0.0,
    count: Annotated[int, typer.Option(
        "--count", "-n", min=0, help="How many recordings.")] = 0,
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder of the dataset.")] = Path("data"),
    session: Annotated[str, typer.Option(
        "--session", help="Name of the sitting; else date and time.")] = "",
    person: Annotated[str, typer.Option("--person", help="Who moves; for splits by person.")] = "",
    pause: Annotated[float, typer.Option(
        "--pause", min=0.0, callback=finite, help="Seconds before each.")] = 1.5,
    mic: Annotated[bool, typer.Option(
        "--mic", help="Sound from the board's microphone: shows its level, says where it is "
        "clipped or silent, and refuses a link that is too slow.")] = False,
    replay: Annotated[Path | None, typer.Option(
        "--replay", help="A dataset to play through the board instead of its sensor, "
        "with its own labels.")] = None,
    port: Port = None,
    board: Board = None,
    interrupt: Interrupt = False,
    transport: TransportName = None,
) -> None:
    """Record labelled movements, or sound, from a board into a dataset.

    The board's configured driver is read (tinysense sync shows it). Lost
    frames are reported and marked as gaps, never joined over.
    """
    if replay and mic:
        raise TinysenseError("--replay plays recordings instead of the board's sensor, --mic "
                             "records from it", "give one of the two")
    if not replay and not label:
        raise TinysenseError("no label given", "say what it is: --label circle")
    session = session or datetime.now(timezone.utc).strftime("%Y%m%dT%H%M%S")
    dataset = Dataset(out)
    with connect(port, board, transport, interrupt) as device:
        check_package(device)
        if replay:
            _capture_replays(device, dataset, replay, seconds, count, session)
            return
        if mic:
            _expect_microphone(device)
        for i in range(count or 1):
            title = f"{label} {i + 1}/{count or 1}"
            _count_down(pause, title)
            meter = None
            if mic:
                take, meter = _take_sound(device, seconds or 2.0, title)
            else:
                take = _take(device, seconds or 2.0, None, title)
            _tell(save(dataset, take, label, session, person), label, take)
            if meter is not None:
                meter.tell()
