"""A relay between the host and a virtual board that breaks the link once, where it is told to.

The host opens `Relay.port`, a pseudo-terminal that can go away and come back; the relay opens
the board's. It takes the frames of the block protocol (models/FORMAT.md, sections 3 and 4)
apart as they pass, so that a fault can strike at a phase of it.
"""

from __future__ import annotations

import contextlib
import os
import pty
import select
import termios
import threading
import time
import tty
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from tinysense_host.link.stuffing import unstuff
from tinysense_host.link.wire import FrameReader

TO_BOARD, TO_HOST = "to board", "to host"
# What is no frame: before the first one; after a CLOSE; the call that switches slots.
BEFORE, AFTER, SWITCH = "before", "after", "switch"
NAMES = dict(enumerate(("HELLO", "OPEN", "DATA", "CLOSE", "READ", "SUM", "CALL", "BYE"), 1))
LOST_BYTES = 17                         # of a drop or a duplicate
SHORT_S, LONG_S = 0.3, 3.0              # delays: an answer may take 2 s
UNPLUGGED_S = 0.3
CUTS = ("disconnect", "reset", "power")
FAULTS = ("drop", "flip", "duplicate", "short delay", "long delay", *CUTS, "kill")
_CALL = b"'install'"
_QUIET_S = 0.02                         # what looked like the beginning of a frame was none
_REQUEST_HEAD, _ANSWER_HEAD, _ANSWER_REST = 4, 8, 12


@dataclass(frozen=True)
class Place:
    """Where a fault strikes: the middle of a phase's bytes, or the byte of that number.

    later: so many seconds after that, for a fault that cuts.
    """

    direction: str
    at: int | str
    later: float = 0.0

    def __str__(self) -> str:
        return f"{self.at} {self.direction}" + (f" + {self.later:.2f} s" if self.later else "")


@dataclass
class _Upload:
    """What the requests so far tell of the file that passes."""

    size: int = 0
    middle_seen: bool = False
    phases: dict[int, str] = field(default_factory=dict)    # request number -> its phase
    closed: bool = False


def _phase(body: bytes, upload: _Upload) -> str:
    """The phase that a request belongs to."""
    name = NAMES.get(body[0], "unknown")
    number = int.from_bytes(body[2:4], "little")
    payload = body[4:-4]
    if name == "OPEN":
        upload.size, upload.middle_seen = int.from_bytes(payload[:4], "little"), False
    elif name == "CLOSE":
        upload.closed = True
    elif name == "DATA":
        at = int.from_bytes(payload[:4], "little")
        block = payload[4:]
        if body[1] & 1:
            block = zlib.decompressobj(-10).decompress(block)
        if at == 0:
            name = "DATA first"
        elif at + len(block) >= upload.size:
            name = "DATA last"
        elif at >= upload.size // 2 and not upload.middle_seen:
            upload.middle_seen, name = True, "DATA middle"
    upload.phases[number] = name
    return name


class _Splitter:
    """Cuts a stream into frames, each whole, with their phases, and what is between them."""

    def __init__(self, direction: str, upload: _Upload) -> None:
        self._direction, self._upload = direction, upload
        self._held = self._said = b""
        self._framed = False

    def feed(self, data: bytes, quiet: bool = False) -> Iterator[tuple[bytes, str]]:
        """quiet: nothing has followed, so what is held will not become a frame."""
        self._held += data
        while self._held:
            start = self._held.find(b"\xa5\x5a")
            if start < 0:
                start = len(self._held) - (self._held.endswith(b"\xa5") and not quiet)
            if start:
                text = self._take(start)
                yield text, self._between(text)
                continue
            n = self._length()
            if n is None or n > len(self._held):
                if not quiet:
                    return
                n = len(self._held)
            yield from self._frame(n)

    def forget(self) -> None:
        """The rest is lost."""
        self._held = b""

    def _take(self, n: int) -> bytes:
        taken, self._held = self._held[:n], self._held[n:]
        return taken

    def _between(self, text: bytes) -> str:
        if self._upload.closed:
            said = self._said + text
            self._said = b"" if _CALL in said else said[-len(_CALL):]
            return SWITCH if _CALL in said else AFTER
        return "" if self._framed else BEFORE

    def _length(self) -> int | None:
        """Bytes of the frame that begins what is held, None while that can't be known."""
        held = self._held
        if self._direction == TO_BOARD:
            if len(held) < _REQUEST_HEAD:
                return None
            return _REQUEST_HEAD + (held[2] & 127) + ((held[3] & 127) << 7)
        if len(held) < _ANSWER_HEAD:
            return None
        return _ANSWER_REST + int.from_bytes(held[6:8], "little")

    def _frame(self, n: int) -> Iterator[tuple[bytes, str]]:
        frame = self._held[:n]
        if self._direction == TO_BOARD:
            body = unstuff(frame[_REQUEST_HEAD:])
            phase = _phase(body, self._upload) if body and len(body) >= 8 else None
        else:
            frames, _ = FrameReader().feed(frame)
            phase = None
            if frames:
                greeting = "HELLO" if frames[0].type == 0x41 else "other"
                phase = self._upload.phases.get(frames[0].sequence, greeting)
        if phase is None:               # no frame after all
            text = self._take(2)
            yield text, self._between(text)
            return
        self._framed = True
        yield self._take(n), phase


class Relay:
    """Passes bytes both ways in a thread of its own; arm() it, and one fault strikes.

    folder: where `port` is linked. actions: what "reset", "power" and "kill" call, in the
    relay's thread; "power" returns the board's new port.
    """

    def __init__(self, folder: Path, board: str,
                 actions: dict[str, Callable[[], str | None]] | None = None) -> None:
        self.port = str(folder / "port")
        self.actions = actions or {}
        self.struck = threading.Event()
        self.passed = {TO_BOARD: 0, TO_HOST: 0}
        self.phases: dict[tuple[str, str], int] = {}
        self._fault, self._place = "", Place(TO_BOARD, -1)
        self._ended, self._lock = threading.Event(), threading.RLock()
        self._held: dict[str, tuple[float, bytearray]] = {}
        self._drop = {TO_BOARD: 0, TO_HOST: 0}
        self._waiting = {TO_BOARD: bytearray(), TO_HOST: bytearray()}
        self._board = self._host = self._slave = -1
        self.arm("", Place(TO_BOARD, -1))
        self.plug()
        self.attach(board)
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def __enter__(self) -> Relay:
        return self

    def __exit__(self, *error: object) -> None:
        self._ended.set()
        self._thread.join(30)
        self.unplug()
        self._detach()

    def arm(self, fault: str, place: Place) -> None:
        """Begins to count bytes and phases anew; the fault strikes once."""
        with self._lock:
            self.struck.clear()
            self._fault, self._place = fault, place
            self.passed = {TO_BOARD: 0, TO_HOST: 0}
            self.phases = {}
            self._held.clear()
            self._drop = {TO_BOARD: 0, TO_HOST: 0}
            self._due = 0.0
            upload = _Upload()
            self._splitters = {d: _Splitter(d, upload) for d in (TO_BOARD, TO_HOST)}

    # ---- plugs ----

    def plug(self) -> None:
        """The host's port is there."""
        self._host, self._slave = pty.openpty()
        tty.setraw(self._slave)
        os.set_blocking(self._host, False)
        part = Path(self.port + ".part")
        part.symlink_to(os.ttyname(self._slave))
        part.replace(self.port)

    def unplug(self) -> None:
        """The host's port is gone."""
        Path(self.port).unlink(missing_ok=True)
        for descriptor in (self._host, self._slave):
            with contextlib.suppress(OSError):
                os.close(descriptor)
        self._host = self._slave = -1
        self._waiting = {TO_BOARD: bytearray(), TO_HOST: bytearray()}
        self._held.clear()

    def attach(self, board: str) -> None:
        """Opens a board's port."""
        with self._lock:
            self._detach()
            self._board = os.open(board, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK)
            with contextlib.suppress(OSError):
                tty.setraw(self._board, termios.TCSANOW)    # what it has said already stays

    def _detach(self) -> None:
        with contextlib.suppress(OSError):
            os.close(self._board)
        self._board = -1

    # ---- bytes ----

    def _run(self) -> None:
        while not self._ended.is_set():
            with self._lock:
                ends = self._ends()
            writes = [d for d, way in ends.items() if self._waiting[_other(way)]]
            try:
                readable, _, _ = select.select(list(ends), writes, [], _QUIET_S)
            except (OSError, ValueError):
                continue                # a descriptor was closed meanwhile
            with self._lock:
                for descriptor, way in ends.items():
                    if ends == self._ends():    # still, after a fault
                        self._pass(way, self._read(descriptor) if descriptor in readable else b"")
                if self._due and time.monotonic() >= self._due:
                    self._due = 0.0
                    self._strike(TO_BOARD, b"")
                self._release()
                self._write()

    def _ends(self) -> dict[int, str]:
        ends = {self._host: TO_BOARD, self._board: TO_HOST}
        ends.pop(-1, None)
        return ends

    def _read(self, descriptor: int) -> bytes:
        try:
            return os.read(descriptor, 4096)
        except BlockingIOError:
            return b""
        except OSError:
            if descriptor == self._board:
                self._detach()
            return b""

    def _pass(self, way: str, data: bytes) -> None:
        for piece, phase in self._splitters[way].feed(data, quiet=not data):
            if phase:
                self.phases[way, phase] = self.phases.get((way, phase), 0) + 1
            i = self._here(way, piece, phase)
            self.passed[way] += len(piece)
            if i is None:
                self._send(way, piece)
                continue
            if self._place.later:
                self._send(way, piece)
                self._due = time.monotonic() + self._place.later
                continue
            self._send(way, piece[:i])
            self._strike(way, piece[i:])
            if self._fault in CUTS:
                self._splitters[way].forget()
                return

    def _here(self, way: str, piece: bytes, phase: str) -> int | None:
        """Where in the piece the fault strikes."""
        place = self._place
        if not self._fault or self.struck.is_set() or self._due or place.direction != way:
            return None
        if isinstance(place.at, str):
            return len(piece) // 2 if phase == place.at else None
        i = place.at - self.passed[way]
        return i if 0 <= i < len(piece) else None

    def _send(self, way: str, data: bytes) -> None:
        lost = min(self._drop[way], len(data))
        self._drop[way] -= lost
        data = data[lost:]
        if way in self._held:
            self._held[way][1].extend(data)
        else:
            self._waiting[way] += data

    def _release(self) -> None:
        now = time.monotonic()
        for way in [w for w, (until, _) in self._held.items() if now >= until]:
            self._waiting[way] += self._held.pop(way)[1]

    def _write(self) -> None:
        for way, descriptor in ((TO_BOARD, self._board), (TO_HOST, self._host)):
            waiting = self._waiting[way]
            if descriptor < 0:
                waiting.clear()
            with contextlib.suppress(OSError):
                while waiting:
                    del waiting[:os.write(descriptor, waiting[:512])]

    # ---- faults ----

    def _strike(self, way: str, rest: bytes) -> None:
        fault = self._fault
        self.struck.set()
        if fault == "drop":
            self._drop[way] = LOST_BYTES
            self._send(way, rest)
        elif fault == "flip":
            self._send(way, bytes([rest[0] ^ 0x10]) + rest[1:])
        elif fault == "duplicate":
            self._send(way, rest[:LOST_BYTES] + rest)
        elif fault in ("short delay", "long delay"):
            wait = SHORT_S if fault == "short delay" else LONG_S
            self._held[way] = time.monotonic() + wait, bytearray(rest)
        elif fault == "disconnect":
            self._write()
            self.unplug()
            time.sleep(UNPLUGGED_S)
            self.plug()
        elif fault == "reset":
            self._write()
            self._restarted(unplugged=False)
        elif fault == "power":
            self._write()
            self.unplug()
            self._restarted(unplugged=True)
        elif fault == "kill":
            self.actions["kill"]()
            self._send(way, rest)

    def _restarted(self, unplugged: bool) -> None:
        port = self.actions["power" if unplugged else "reset"]()
        self._waiting[TO_BOARD].clear()
        if port is not None:
            self.attach(port)
        if unplugged:
            self.plug()


def _other(way: str) -> str:
    return TO_HOST if way == TO_BOARD else TO_BOARD
