"""A board's recordings to a dataset: only what is new, every block checked, deleted when safe."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path

from ..dataset import Dataset
from ..device import Device
from ..errors import TinysenseError
from ..link.board_files import plain_path
from ..link.transport import BoardError, LinkError, Progress
from . import fetching
from .blocks import Block, Scan
from .fetching import PIECE, Piece, Segment
from .shelf import Shelf
from .storing import Source, Stored, store
from .times import CLOCK_BYTES, CLOCK_FILE, TrueTimes, read_pairs

__all__ = ["Pulled", "configured_folder", "pull", "restart"]

STATE_FILE = "state.txt"
DEFAULT_FOLDER = "/rec"
_FOLDER = """
import json
try:
 from tinysense import config
 _ts_folder = config.load()["recorder"].get("folder")
except (ImportError, ValueError, OSError, KeyError):
 _ts_folder = None
print(json.dumps(_ts_folder))
"""
_MACHINE = """
import json, sys
print(json.dumps(getattr(sys.implementation, "_machine", sys.platform)))
"""


@dataclass
class Pulled:
    """What a pull found and did; ``notes`` are lines for people, ``kept`` why segments stay."""

    folder: str
    recordings: list[Stored] = field(default_factory=list)
    new: int = 0                # segments, or parts of them, that came this time
    new_bytes: int = 0
    known: int = 0              # segments that had come before
    deleted: list[str] = field(default_factory=list)
    kept: list[tuple[str, str]] = field(default_factory=list)
    refused: tuple[str, ...] = ()
    recording: str | None = None    # label of the recording that connecting interrupted
    notes: list[str] = field(default_factory=list)


def pull(
    device: Device, folder: str | None, dataset: Dataset, raw: Path, *, delete: bool = False,
    person: str = "", session: str = "", progress: Progress | None = None,
    piece: Piece = fetching.read_piece, now: Callable[[], float] = time.time,
) -> Pulled:  # fmt: skip
    """Takes what is new in the recorder's folder of a board into a dataset.

    folder: else the board's config says it. raw: where segments are kept as they
    came. delete: removes segments from the board that are on this computer, checked
    and stored. Can be run again at any time: it goes on where it was cut off, and
    does nothing twice.
    """
    shelf = Shelf(raw)
    folder = plain_path(configured_folder(device) if folder is None else folder).rstrip("/") or "/"
    done = Pulled(folder)
    pair, why = fetching.set_time(device, folder, now)
    if why:
        done.notes.append(why)
    found = fetching.listing(device, folder)
    done.refused = found.refused
    state = fetching.read_text(device, f"{folder}/{STATE_FILE}", 200)
    done.recording = state[2:].strip() if state.startswith("1") else None
    pairs, bad = read_pairs(fetching.read_text(device, f"{folder}/{CLOCK_FILE}", CLOCK_BYTES))
    if bad:
        done.notes.append(f"{bad} lines of {CLOCK_FILE} on the board hold no times")
    if pair is not None and pair not in pairs and why:
        pairs.append(pair)      # the board could not keep it
    times = TrueTimes(shelf.add_pairs(pairs))
    done.notes += times.notes
    _take_all(device, folder, found.segments, shelf, dataset, done, progress, piece)
    _store(found.segments, shelf, dataset, times, done, person, session, device)
    if delete:
        _delete(device, folder, found.segments, shelf, done)
    return done


def configured_folder(device: Device) -> str:
    """The recorder's folder by the board's config, else where recorders write by themselves."""
    if device.remote:
        folders = device.call("recorded_folders")
        told = folders[0] if isinstance(folders, list) and folders else None
    else:
        told = device.ask(_FOLDER, timeout=30.0)
    return told if isinstance(told, str) and told else DEFAULT_FOLDER


def restart(device: Device) -> None:
    """Restarts the board so that its main.py runs, recorder and all; it answers no more then."""
    if device.remote:
        device.call("reset")
        return
    with contextlib.suppress(LinkError):
        device.exec("")         # the prompt, whatever served files until now
        device.send(b"\x02")    # the friendly one, where Ctrl-D restarts for good
        time.sleep(0.2)
        device.send(b"\x04")


# ---- Taking ----


def _take_all(
    device: Device, folder: str, segments: Iterable[Segment], shelf: Shelf, dataset: Dataset,
    done: Pulled, progress: Progress | None, piece: Piece,
) -> None:  # fmt: skip
    wanted = _wanted(segments, shelf, dataset, done)
    total, before = sum(segment.size for segment in wanted), 0
    for segment in wanted:
        def told(n: int, before: int = before) -> None:
            if progress is not None:
                progress(before + n, total)

        try:
            done.new_bytes += _take(device, folder, segment, shelf, told, piece)
            done.new += 1
        except LinkError as error:
            raise LinkError(error.message, f"{done.new} of {len(wanted)} segments have come; pull "
                            f"again, it goes on in {segment.name}") from error
        except BoardError as error:
            if error.errno is None:
                raise
            done.notes.append(f"{segment.name} cannot be read on the board (errno {error.errno}): "
                              f"it stays there")
        before += segment.size


def _wanted(
    segments: Iterable[Segment], shelf: Shelf, dataset: Dataset, done: Pulled
) -> list[Segment]:
    """Segments that are not here, or not all of them."""
    wanted = []
    for segment in segments:
        entry = shelf.entries.get(segment.key)
        if segment.crc < 0:
            done.notes.append(f"{segment.name} cannot be read on the board: it stays there")
        elif segment.size == 0:
            pass                # begun, and the power went
        elif entry and entry.size == segment.size and shelf.has(segment.key, dataset.path):
            done.known += 1
        elif entry is not None and entry.size > segment.size:
            done.notes.append(f"{segment.name} is shorter on the board than when it was pulled "
                              f"({segment.size} bytes of {entry.size}): it stays there")
        else:
            wanted.append(segment)
    return wanted


def _take(
    device: Device, folder: str, segment: Segment, shelf: Shelf, told: Callable[[int], None],
    piece: Piece,
) -> int:  # fmt: skip
    """Completes one segment on the shelf; how many bytes came."""
    path = f"{folder}/{segment.name}"
    part = shelf.begin(segment.key)
    at = min(part.stat().st_size, segment.size)
    if at and fetching.prefix_crc(device, path, at) != shelf.crc_of(part, at):
        at = 0
    begin = at
    try:
        with open(part, "r+b") as file:
            file.truncate(at)
            file.seek(at)
            while at < segment.size:
                data = piece(device, path, at, min(PIECE, segment.size - at))
                if not data:
                    raise LinkError(f"{path} ended at byte {at} of {segment.size}", "pull again")
                file.write(data)
                file.flush()
                at += len(data)
                told(at)
        shelf.finish(segment.key)
    except OSError as error:
        raise TinysenseError(
            f"cannot write {part}: {error.strerror or error}",
            "make room, then pull again: it goes on where it stopped") from error  # fmt: skip
    return at - begin


# ---- Storing ----


def _store(
    segments: Iterable[Segment], shelf: Shelf, dataset: Dataset, times: TrueTimes, done: Pulled,
    person: str, session: str, device: Device,
) -> None:  # fmt: skip
    """Puts what the dataset lacks into it, from the shelf."""
    here = str(dataset.path.resolve())
    blocks: list[Block] = []
    holds: dict[str, set[int]] = {}     # segment -> the recordings in it
    sources: dict[int, Source] = {}
    for segment in segments:
        entry = shelf.entries.get(segment.key)
        if entry is None or entry.stored == here or not shelf.file(segment.key).is_file():
            continue
        found = shelf.look(segment.key)
        if not found.blocks:
            done.notes.append(_nothing(segment, found))
            if not found.damaged:
                holds[segment.key] = set()
            continue
        holds[segment.key] = {block.id for block in found.blocks}
        id = found.blocks[0].id
        old = sources.get(id, Source(segment.name))
        sources[id] = Source(old.file, old.damaged + found.damaged)
        blocks += found.blocks
    machine = _machine(device) if blocks else ""
    done.recordings = store(dataset, blocks, times, sources=sources, person=person,
                            session=session, device=machine)
    safe = {one.joined.id for one in done.recordings if one.safe}
    stored = [key for key, ids in holds.items() if ids <= safe]
    if stored:
        shelf.mark_stored(stored, dataset.path)


def _machine(device: Device) -> str:
    return str(device.info().machine if device.remote else device.ask(_MACHINE))[:100]


def _nothing(segment: Segment, found: Scan) -> str:
    """Why a segment gave no recording."""
    if found.newer:
        return f"{segment.name}: {found.newer}, then pull again"
    if found.damaged:
        return f"{segment.name}: none of its {found.damaged} blocks is whole"
    return f"{segment.name}: {found.tail} bytes, less than a block: the power went"


# ---- Deleting ----


def _delete(
    device: Device, folder: str, segments: tuple[Segment, ...], shelf: Shelf, done: Pulled
) -> None:
    newest = max((segment.number for segment in segments), default=0)
    for segment in segments:
        why = _why_kept(segment, shelf)
        if not why and done.recording is not None and segment.number == newest:
            why = "the board was writing it"
        if not why and not fetching.remove(device, folder, segment):
            why = "it changed on the board meanwhile"
        if why:
            done.kept.append((segment.name, why))
        else:
            done.deleted.append(segment.name)


def _why_kept(segment: Segment, shelf: Shelf) -> str:
    """Why a segment must stay on the board, "" if all of it is safe here."""
    entry = shelf.entries.get(segment.key)
    if segment.size == 0:
        return ""
    if entry is None or entry.size != segment.size:
        return "it is not here whole"
    if not entry.verified:
        return f"{entry.damaged} of its blocks are damaged"
    if not entry.stored:
        return "it is not in the dataset"
    if not shelf.intact(segment.key):
        return f"{shelf.file(segment.key)} is not what came"
    return ""
