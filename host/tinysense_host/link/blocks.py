"""The host's end of the block protocol (models/FORMAT.md, section 4), over any line.

One request is in flight at a time. One without an answer is repeated under
the same number, and the board answers it again without doing it twice.
"""

from __future__ import annotations

import binascii
import contextlib
import errno
import hashlib
import json
import random
import re
import struct
import time
import zlib
from dataclasses import dataclass
from typing import Any

from tinysense_host.link.raw_repl import Line
from tinysense_host.link.stuffing import FILLER, MAX_PAYLOAD, request
from tinysense_host.link.transport import BoardError, LinkError, Progress
from tinysense_host.link.wire import Frame, FrameReader

__all__ = ["VERSION", "BlockClient", "EndedError", "Put", "Sum"]

VERSION = 1
HELLO, OPEN, DATA, CLOSE, READ, SUM, CALL, BYE = range(1, 9)
ANSWER, DAMAGED, FAULT = 0x40, 0x7E, 0x7F
SAME, PART = 1, 0
PIECE = MAX_PAYLOAD - 4
_GREETING_S = 2.0       # a board that has not greeted by then is asked
_FRAME_BYTES = 24       # of a request at most, besides a block
READ_BYTES = 16384      # asked for at once: so much comes again at most after damage
WHOLE = 0xFFFFFFFF
MAX_ANSWER = 1 << 20    # bytes: more is no answer of a board
_DEFLATED, _LAST = 1, 1
_WINDOW_BITS = -10      # raw deflate; the board's window is 1 KiB
_MOST_INFLATED = 4096   # bytes of a block: what a board writes well within a time-out
_WORTH = 0.95           # deflated by less, blocks go as they are
_SLOW_BYTES_S = 100_000     # a board reads and hashes its own files no slower
_UNKNOWN = 200_000      # bytes that are reckoned with where a file's size is not known
_KEPT_TEXT = 4096
_DAMAGES = 20           # answers of "damaged" in a row that are each followed by a repeat
# The receiver's program is over: its end in the raw REPL, or a boot's greeting.
_ENDED = re.compile(rb"\x04([^\x00-\x08]*)\x04>\Z"
                    rb"|\r\nType \"help\(\)\" for more information\.\r\n>>> |raw REPL; CTRL-B")


class EndedError(LinkError):
    """The receiver is over. `traceback`: of what it raised, "" for nothing; None: a reset."""

    def __init__(self, port: str, traceback: str | None) -> None:
        self.traceback = traceback
        if traceback is None:
            super().__init__(f"the board on {port} reset in the middle",
                             "check its power supply and free RAM, then try again")
            return
        last = traceback.strip().splitlines()[-1:] or ["it ended"]
        super().__init__(f"the board on {port} stopped serving files: {last[0]}", "try again")


@dataclass(frozen=True)
class Hello:
    """What the board's receiver is: its version, the payload it takes, whether it inflates."""

    version: int
    largest: int
    inflates: bool


@dataclass(frozen=True)
class Put:
    """What a put did. begin: bytes that lay there already from an attempt before."""

    sent: bool
    begin: int = 0


@dataclass(frozen=True)
class Sum:
    """A file's beginning on the board: bytes, CRC-32, SHA-256."""

    size: int
    crc32: int
    sha256: bytes


class BlockClient:
    """Speaks to a receiver on a line.

    timeout_s: seconds an answer may take; a request is sent `tries` times.
    So every call ends, at the latest tries * timeout_s after the last answer.
    """

    def __init__(self, line: Line, timeout_s: float = 2.0, tries: int = 5) -> None:
        self.line = line
        self.timeout_s, self.tries = timeout_s, tries
        self.inflates = False
        # Where a board drops what it has not read yet, a request is no longer than it holds,
        # and filler would only be in the way.
        burst: int | None = getattr(line, "burst_bytes", None)
        self._most = PIECE if burst is None else burst - _FRAME_BYTES
        self._filler = FILLER if burst is None else b""
        self.repeats = 0        # requests sent again, since the beginning
        self._number = random.randrange(1 << 16)
        self._reader = FrameReader()
        self._text = b""
        self._waiting: list[Frame] = []

    # ---- requests ----

    def hello(self) -> Hello:
        """Asks what the board can; forgets a file begun before."""
        return self._greeted(self.ask(HELLO))

    def greeted(self, wait: float) -> Hello:
        """Waits for the greeting with which a receiver begins, and asks where it was lost."""
        end = time.monotonic() + wait
        frame_out, again = self._numbered(HELLO, b""), False
        while (left := end - time.monotonic()) > 0:
            frame = self._next(time.monotonic() + min(left, _GREETING_S))
            if frame is None:
                self._write(frame_out, again)
                again = True
            elif frame.type == ANSWER + HELLO:
                return self._greeted(frame.payload[4:])
        raise LinkError(f"the board on {self.line.port} did not begin to serve files within "
                        f"{wait:g} s", "press its reset button and try again")

    def put(self, data: bytes, path: str, progress: Progress | None = None) -> Put:
        """Writes a file under its name once it is whole there.

        Goes on where an attempt before was cut off, if what lies there is the
        same; sends nothing where the file is the same already.
        """
        sha = hashlib.sha256(data).digest()
        answer = self.ask(OPEN, len(data).to_bytes(4, "little") + sha + path.encode(),
                          wait=self._time_for(len(data)))
        state, begin, crc = self._unpack("<BII", answer)
        if state == SAME:
            return Put(sent=False)
        if begin > len(data) or crc != binascii.crc32(data[:begin]):
            begin = 0
        at = begin
        while at < len(data) or at == 0:
            at = self._send_block(data, at)
            if progress is not None:
                progress(at, len(data))
            if not data:
                break
        self.ask(CLOSE, wait=self._time_for(len(data)))
        return Put(sent=True, begin=begin)

    def get(self, path: str, progress: Progress | None = None) -> bytes:
        """Reads a file, verified as a whole."""
        there = self.sum(path)
        data = bytearray()
        while len(data) < there.size:
            piece = self.read(path, len(data), min(READ_BYTES, there.size - len(data)))
            data += piece
            if progress is not None:
                progress(len(data), there.size)
            if not piece:
                break
        if hashlib.sha256(data).digest() != there.sha256:
            raise LinkError(f"{path} on {self.line.port} changed while it was read: {len(data)} "
                            f"of {there.size} bytes", "try again")
        return bytes(data)

    def read(self, path: str, at: int, n: int) -> bytes:
        """Bytes [at, at + n) of a file, fewer where it ends.

        What is lost on the way is asked for again from there on.
        """
        data, tries = bytearray(), 0
        while tries < self.tries:
            done = len(data)
            where = struct.pack("<II", at + done, n - done)
            frame_out = self._numbered(READ, where + path.encode())
            self._write(frame_out, tries > 0)
            if self._take(READ, frame_out, self.timeout_s, at, data, n):
                return bytes(data)
            tries = 1 if len(data) > done else tries + 1
        raise self._silent(self.timeout_s)

    def sum(self, path: str, n: int = WHOLE) -> Sum:
        """Sums of a file's first n bytes."""
        wait = self._time_for(_UNKNOWN if n == WHOLE else n)
        answer = self.ask(SUM, n.to_bytes(4, "little") + path.encode(), wait=wait)
        size, crc, sha = self._unpack("<II32s", answer)
        return Sum(size, crc, sha)

    def call(self, name: str, arguments: dict[str, Any], wait: float | None = None) -> Any:
        """Asks for one of the board's operations (tinysense.operations)."""
        text = self.ask(CALL, json.dumps([name, arguments]).encode(), wait=wait)
        try:
            return json.loads(text)
        except (ValueError, RecursionError) as e:
            raise LinkError(f"the board on {self.line.port} answered {text[:60]!r} to {name}, "
                            "expected JSON", "put the same tinysense on it: tinysense setup") from e

    def bye(self, tries: int | None = None) -> None:
        """Ends the receiver."""
        self.ask(BYE, tries=tries)

    def until_end(self, wait: float) -> None:
        """Waits for the end of the program that was the receiver, at the REPL."""
        with contextlib.suppress(EndedError):
            self._look_for_end()
            self._next(time.monotonic() + wait)
            raise LinkError(f"the board on {self.line.port} did not come back to its prompt in "
                            f"{wait:g} s", "press its reset button and try again")

    # ---- their parts ----

    def _send_block(self, data: bytes, at: int) -> int:
        block, size, flags = self._block(data, at)
        answer = self.ask(DATA, at.to_bytes(4, "little") + block, flags)
        after: int = self._unpack("<I", answer)[0]
        if after != at + size:
            raise LinkError(f"the board on {self.line.port} acknowledged byte {after}, expected "
                            f"{at + size}", "try again")
        return after

    def _block(self, data: bytes, at: int) -> tuple[bytes, int, int]:
        """(a block from byte `at` on, bytes of the file in it, its flags)."""
        size, most = _MOST_INFLATED if self.inflates else 0, self._most
        while size > most:
            piece = data[at:at + size]
            packer = zlib.compressobj(9, zlib.DEFLATED, _WINDOW_BITS)
            packed = packer.compress(piece) + packer.flush()
            if len(packed) > _WORTH * len(piece):
                break
            if len(packed) <= most:
                return packed, len(piece), _DEFLATED
            size = min(int(len(piece) * most / len(packed) * 0.97), size - 64)
        piece = data[at:at + most]
        return piece, len(piece), 0

    def ask(self, kind: int, payload: bytes = b"", flags: int = 0,
            wait: float | None = None, tries: int | None = None) -> bytes:
        """One request and its whole answer.

        wait: seconds a piece of it may take, timeout_s by default. Raises
        BoardError where the board refuses, LinkError where nothing comes.
        """
        wait = wait or self.timeout_s
        frame_out = self._numbered(kind, payload, flags)
        for attempt in range(tries or self.tries):
            self._write(frame_out, attempt > 0)
            answer = bytearray()
            if self._take(kind, frame_out, wait, 0, answer, MAX_ANSWER):
                return bytes(answer)
        raise self._silent(wait)

    def _numbered(self, kind: int, payload: bytes, flags: int = 0) -> bytes:
        if len(payload) > MAX_PAYLOAD:
            raise LinkError(f"a request of {len(payload)} bytes: expected at most {MAX_PAYLOAD}",
                            "give shorter names")
        self._number = self._number % 0xFFFF + 1
        return request(kind, self._number, payload, flags)

    def _write(self, frame_out: bytes, again: bool) -> None:
        self.repeats += again
        self.line.write((self._filler if again else b"") + frame_out)

    def _take(self, kind: int, frame_out: bytes, wait: float, begin: int, answer: bytearray,
              most: int) -> bool:
        """Takes an answer's pieces, which count from `begin`; False where one is missing."""
        damages, end = 0, time.monotonic() + wait
        while (frame := self._next(end)) is not None:
            if frame.type == DAMAGED:
                damages += 1
                if answer or damages > _DAMAGES:
                    return False
                self.repeats += 1
                self.line.write(frame_out)
            elif frame.sequence == self._number:
                piece = self._piece(kind, frame)
                if len(answer) + len(piece) > most:
                    raise self._odd(piece)
                if int.from_bytes(frame.payload[:4], "little") != begin + len(answer):
                    return False
                answer += piece
                end = time.monotonic() + wait       # nothing else makes it longer
                if frame.flags & _LAST:
                    return True
        return False

    def _piece(self, kind: int, frame: Frame) -> bytes:
        """What a frame brings behind its offset. Raises what the board raised."""
        if len(frame.payload) < 4 or frame.type not in (ANSWER + kind, FAULT):
            raise self._odd(frame.payload)
        if frame.type == FAULT:
            raise self._fault(frame.payload[4:])
        return frame.payload[4:]

    def _next(self, end: float) -> Frame | None:
        """The next frame, None where none comes until `end`."""
        while not self._waiting:
            left = end - time.monotonic()
            if left <= 0:
                return None
            data = self.line.some(left)
            if data:
                frames, text = self._reader.feed(data)
                self._waiting += frames
                self._text = (self._text + text)[-_KEPT_TEXT:]
                if not frames:
                    self._look_for_end()
        return self._waiting.pop(0)

    def _look_for_end(self) -> None:
        found = _ENDED.search(self._text)
        if found:
            self.line.unread(b">")
            said = None if found[1] is None else found[1].decode("utf-8", "replace")
            raise EndedError(self.line.port, said)

    def _greeted(self, payload: bytes) -> Hello:
        version, inflates, largest = self._unpack("<BBH", payload)
        self.inflates = bool(inflates)
        return Hello(version, largest, self.inflates)

    def _time_for(self, size: int) -> float:
        """Seconds for what the board reads over: size bytes, twice."""
        return self.timeout_s + 2 * size / _SLOW_BYTES_S

    def _unpack(self, layout: str, payload: bytes) -> tuple[Any, ...]:
        if len(payload) != struct.calcsize(layout):
            raise self._odd(payload)
        return struct.unpack(layout, payload)

    def _odd(self, payload: bytes) -> LinkError:
        return LinkError(f"the board on {self.line.port} answered {payload[:40]!r}, which does "
                         "not fit the request", "put the same tinysense on it: tinysense setup")

    def _silent(self, wait: float) -> LinkError:
        return LinkError(f"the board on {self.line.port} gave no answer in {self.tries} times "
                         f"{wait:g} s", "check the cable; press its reset button and try again")

    def _fault(self, payload: bytes) -> BoardError:
        number = int.from_bytes(payload[:4], "little")
        text = payload[4:].decode("utf-8", "replace")
        if number:
            text = f"OSError: [Errno {number}] {errno.errorcode.get(number, '')}".strip()
        return BoardError(text)
