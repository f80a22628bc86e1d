"""Files through the board's receiver where it has one, else with code at its prompt.

The receiver (tinysense.receiver on the board) is started when a file is first
to go over and runs between files; it is left before any code runs. A put that
is broken off goes on where it was, as long as the board answers again.
"""

from __future__ import annotations

import contextlib
import time
from abc import abstractmethod
from collections.abc import Callable, Iterator
from typing import TypeVar

from tinysense_host.link import raw_repl
from tinysense_host.link.blocks import VERSION, BlockClient, EndedError
from tinysense_host.link.board_files import ENOSPC, BoardFiles, plain_path
from tinysense_host.link.transport import (
    BoardError,
    LinkError,
    Over,
    Progress,
    Sink,
    never,
)

__all__ = ["ReceivedFiles"]

# The module goes again: what runs next gets its RAM.
_SERVE = """
import sys
import tinysense.receiver
try:
 tinysense.receiver.serve()
finally:
 del tinysense.receiver, sys.modules["tinysense.receiver"]
"""
_START_S = 10.0
_IDLE_S = 7.0       # the receiver ends by itself after ten seconds without a request
_END_S = 2.0
_INTERRUPTED = "KeyboardInterrupt"      # a byte on the line became Ctrl-C
_RESUMES = 3        # times in a row that a file gets no further before it is given up

T = TypeVar("T")


class ReceivedFiles(BoardFiles):
    """The file half of a Transport on a line at the raw REPL."""

    port: str
    _line: raw_repl.Line
    _client: BlockClient | None = None
    _cannot = False         # the board's receiver can't run, or is of another version
    _inflates = True        # until the board has no RAM for it
    _used = 0.0

    @abstractmethod
    def _start(self, code: str) -> None:
        """Hands a program to the board; its output follows on the line."""

    @abstractmethod
    def exec(self, code: str, timeout: float = 10.0, rest: float | None = None) -> bytes:
        """See Transport.exec."""

    @abstractmethod
    def exec_stream(self, code: str, sink: Sink, silence: float = 10.0,
                    over: Over = never) -> None:
        """See Transport.exec_stream."""

    @abstractmethod
    def _enter(self) -> None:
        """Brings the board back to its prompt, whatever runs."""

    # ---- the receiver ----

    def _receiver(self) -> BlockClient | None:
        """A client of the board's running receiver, None where it has none."""
        if self._client is not None and time.monotonic() - self._used < _IDLE_S:
            return self._client
        self._leave()
        if self._cannot:
            return None
        self._start(_SERVE)
        client = BlockClient(self._line)
        try:
            fine = client.greeted(_START_S).version == VERSION
        except EndedError as e:
            if not e.traceback:
                raise
            self._cannot = True     # no receiver there, no package, no binary input..
            return None
        client.inflates = client.inflates and self._inflates
        self._client, self._used = client, time.monotonic()
        if fine:
            return client
        self._cannot = True
        self._leave()
        return None

    def _leave(self) -> None:
        """Ends the receiver if it runs; the board is at its prompt then."""
        client, self._client = self._client, None
        if client is None:
            return
        if time.monotonic() - self._used < _IDLE_S:
            with contextlib.suppress(BoardError, LinkError):
                client.bye(tries=1)
                client.until_end(_END_S)
                return
        self._enter()

    def _break_off(self) -> None:
        """Stops the receiver without waiting, for a line that is about to be closed."""
        client, self._client = self._client, None
        if client is not None:
            self._line.write(b"\x03")

    @contextlib.contextmanager
    def _asking(self, path: str, size: int | None = None) -> Iterator[None]:
        """Whatever breaks a request off, the board is brought back to its prompt."""
        try:
            yield
        except BoardError as e:
            if size is not None and e.errno == ENOSPC:
                raise LinkError(f"no room on the board for {path}: {size} bytes needed",
                                "remove files there; `tinysense boards` shows what is free") from e
            raise
        except BaseException as e:
            self._client = None
            if isinstance(e, EndedError) and e.traceback and _INTERRUPTED not in e.traceback:
                self._cannot = True     # it ends so again
            with contextlib.suppress(LinkError):
                self._enter()
            raise
        finally:
            self._used = time.monotonic()

    def _ask(self, path: str, ask: Callable[[BlockClient], T]) -> T | None:
        """What `ask` gets, tried once more after a failure; None without a receiver."""
        plain_path(path)
        client = self._receiver()
        if client is None:
            return None
        try:
            with self._asking(path):
                return ask(client)
        except LinkError:
            client = self._receiver()
            if client is None:
                raise
        with self._asking(path):
            return ask(client)

    # ---- files ----

    def put(self, data: bytes, path: str, progress: Progress | None = None) -> bool | None:
        """See Transport.put."""
        plain_path(path)
        furthest, tries = -1, 0
        reached = [0]

        def reach(done: int, total: int) -> None:
            reached[0] = done
            if progress is not None:
                progress(done, total)

        while (client := self._receiver()) is not None:
            try:
                with self._asking(path, len(data)):
                    return client.put(data, path, reach).sent
            except BoardError as e:
                if e.kind != "MemoryError":
                    raise
                self._spare(client)
            except LinkError as e:
                tries = 0 if reached[0] > furthest else tries + 1
                furthest = max(furthest, reached[0])
                if tries == _RESUMES or isinstance(e.__cause__, BoardError):
                    raise
            except KeyboardInterrupt:
                with contextlib.suppress(BoardError, LinkError):
                    self.remove(path + ".part")
                raise
        return BoardFiles.put(self, data, path, progress)

    def _spare(self, client: BlockClient) -> None:
        """Takes a way that needs less of the board's RAM from now on."""
        if client.inflates:
            client.inflates = self._inflates = False
        else:
            self._cannot = True
            self._leave()

    def get(self, path: str, progress: Progress | None = None) -> bytes:
        """See Transport.get."""
        data = self._ask(path, lambda client: client.get(path, progress))
        return BoardFiles.get(self, path, progress) if data is None else data

    def read(self, path: str, at: int, n: int) -> bytes | None:
        """Bytes [at, at + n) of a file, fewer where it ends; None where the board has no
        receiver that could read them."""
        return self._ask(path, lambda client: client.read(path, at, n))

    def prefix_crc(self, path: str, n: int) -> int | None:
        """CRC-32 of a file's first n bytes; None where the board has no receiver."""
        return self._ask(path, lambda client: client.sum(path, n).crc32)
