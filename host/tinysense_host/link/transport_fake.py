"""A board in memory, for tests: files, scripted answers, and faults when asked for."""

from __future__ import annotations

import binascii
import json
from collections.abc import Callable, Iterable
from typing import Any

from tinysense.native import ABI
from tinysense_host.link.transport import (
    BoardError,
    FileEntry,
    LinkError,
    Over,
    Progress,
    Sink,
    never,
)

__all__ = ["FakeTransport"]

Answer = bytes | BaseException | Callable[[], bytes]

_FACTS: dict[str, Any] = {
    "mpy": 7942, "name": "micropython", "version": "1.25.0", "machine": "fake board",
    "free": 100_000, "largest": 80_000, "flash_free": 500_000, "core": "built in", "abi": ABI,
    "kernels": "portable", "package": "0.1.0"}


class FakeTransport:
    """A Transport without a board.

    answers: (part of a program, what it prints or raises) rows; the first one
    whose part occurs in a program answers it, an unknown program prints
    nothing. facts: what differs in the answer to Device.info(). stream: pieces
    handed to the sink of exec_stream; an exception among them is raised.

    Faults, set at any time: `room` bytes of flash left (None: enough),
    `calls_left` before the board resets in the middle (None: never),
    `damage` the next file on its way.
    """

    def __init__(self, answers: Iterable[tuple[str, Answer]] = (),
                 facts: dict[str, Any] | None = None,
                 stream: Iterable[bytes | BaseException] = (), port: str = "fake") -> None:
        self.port = port
        self.files: dict[str, bytes] = {}
        self.programs: list[str] = []
        self.sent = bytearray()
        self.resets = 0
        self.closed = False
        self.room: int | None = None
        self.calls_left: int | None = None
        self.damage = False
        told = _FACTS | (facts or {})
        package = [told["package"], True, None] if told["package"] is not None else None
        self._answers: list[tuple[str, Answer]] = [
            *answers, ("_ts_info", json.dumps(told).encode()),
            ("def _ts_package", json.dumps(package).encode())]
        self._stream = list(stream)

    def _call(self) -> None:
        if self.calls_left is not None:
            self.calls_left -= 1
            if self.calls_left < 0:
                raise LinkError(f"the board on {self.port} reset in the middle", "try again")

    def exec(self, code: str, timeout: float = 10.0, rest: float | None = None) -> bytes:
        """See Transport.exec."""
        self._call()
        self.programs.append(code)
        for part, answer in self._answers:
            if part in code:
                if isinstance(answer, BaseException):
                    raise answer
                said = answer() if callable(answer) else answer
                return _summed(said) if "told(" in code else said
        return b""

    def exec_stream(self, code: str, sink: Sink, silence: float = 10.0,
                    over: Over = never) -> None:
        """See Transport.exec_stream."""
        self._call()
        self.programs.append(code)
        for piece in self._stream:
            if isinstance(piece, BaseException):
                raise piece
            sink(piece)
        sink(b"\x04\x04>")
        sink(b"")

    def send(self, data: bytes) -> None:
        """See Transport.send."""
        self.sent += data

    def put(self, data: bytes, path: str, progress: Progress | None = None) -> None:
        """See Transport.put."""
        self._call()
        if self.room is not None and len(data) > self.room:
            raise LinkError(f"no room on the board for {path}: {len(data)} bytes needed",
                            "remove files there")
        part = path + ".part"
        self.files[part] = data
        try:
            self._call()
            if self.damage:
                self.damage = False
                raise LinkError(f"{part} was damaged on the way", "try again")
        except LinkError:
            # A board that reset keeps what was written so far; one that lives is tidied up.
            if self.calls_left is None:
                del self.files[part]
            raise
        if progress is not None:
            progress(len(data), len(data))
        self.files[path] = self.files.pop(part)

    def get(self, path: str, progress: Progress | None = None) -> bytes:
        """See Transport.get."""
        self._call()
        if path not in self.files:
            raise BoardError("OSError: [Errno 2] ENOENT")
        return self.files[path]

    def remove(self, path: str) -> None:
        """See Transport.remove."""
        self._call()
        if self.files.pop(path, None) is None:
            raise BoardError("OSError: [Errno 2] ENOENT")

    def rename(self, source: str, target: str) -> None:
        """See Transport.rename."""
        self._call()
        self.files[target] = self.files.pop(source)

    def mkdir(self, path: str) -> None:
        """See Transport.mkdir; folders are only in the names of files here."""
        self._call()

    def stat(self, path: str) -> FileEntry | None:
        """See Transport.stat."""
        self._call()
        if path in self.files:
            return FileEntry(path.rsplit("/", 1)[-1], len(self.files[path]), False)
        return None

    def list(self, path: str) -> list[FileEntry]:
        """See Transport.list."""
        self._call()
        prefix = path.rstrip("/") + "/"
        inside = [(p[len(prefix):], data) for p, data in self.files.items() if p.startswith(prefix)]
        return sorted((FileEntry(p, len(d), False) for p, d in inside if "/" not in p),
                      key=lambda entry: entry.name)

    def crc32(self, path: str) -> int | None:
        """See Transport.crc32."""
        self._call()
        return binascii.crc32(self.files[path]) if path in self.files else None

    def soft_reset(self) -> None:
        """See Transport.soft_reset."""
        self._call()
        self.resets += 1

    def interrupt(self) -> None:
        """See Transport.interrupt."""

    def close(self) -> None:
        """See Transport.close."""
        self.closed = True


def _summed(answer: bytes) -> bytes:
    """An operation's answer as a board prints it: with the CRC-32 of its last line."""
    last = answer.strip().splitlines()[-1] if answer.strip() else b""
    return answer.rstrip() + f" {binascii.crc32(last):08x}\r\n".encode()
