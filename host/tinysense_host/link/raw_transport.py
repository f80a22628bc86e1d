"""What the transports over a raw REPL share: running code, stopping it, files."""

from __future__ import annotations

import contextlib
from abc import ABC, abstractmethod
from collections.abc import Iterator

from tinysense_host.link import enquiry, raw_repl
from tinysense_host.link.received_files import ReceivedFiles
from tinysense_host.link.transport import BoardError, LinkError, Over, Sink, never

__all__ = ["RawReplTransport"]


class RawReplTransport(ReceivedFiles, ABC):
    """A Transport (see there) over a line at the raw REPL's prompt."""

    def __init__(self, port: str, line: raw_repl.Line) -> None:
        self.port = port
        self.running: enquiry.Running | None = None
        self._line = line

    @abstractmethod
    def _start(self, code: str) -> None:
        """Hands a program to the board; its output follows on the line."""

    @abstractmethod
    def close(self) -> None:
        """See Transport.close."""

    @abstractmethod
    def _release(self) -> None:
        """Frees the port, whatever runs on the board left alone."""

    def _arrive(self, interrupt: bool) -> None:
        """Reaches the prompt for the first time; LoggerRunsError where that would stop a logger.

        interrupt: it may be stopped. `running` is then what did run, as far as it said.
        """
        try:
            self.running = enquiry.arrive(self._line, interrupt)
            self._enter()
        except enquiry.LoggerRunsError:
            self._release()
            raise
        except BaseException:
            self.close()
            raise

    def _enter(self) -> None:
        self._client = None
        raw_repl.enter(self._line)

    def exec(self, code: str, timeout: float = 10.0, rest: float | None = None) -> bytes:
        """See Transport.exec."""
        with self._recovering():
            self._leave()
            self._start(code)
            return raw_repl.follow(self._line, lambda data: data, timeout, timeout, rest)

    def exec_stream(self, code: str, sink: Sink, silence: float = 10.0,
                    over: Over = never) -> None:
        """See Transport.exec_stream. Ctrl-C stops the program and is raised
        again once the program's last words have been handed over."""
        with self._recovering():
            self._leave()
            self._start(code)
            try:
                raw_repl.follow(self._line, sink, silence, confirm=raw_repl.QUIET_S, over=over)
            except KeyboardInterrupt:
                self._stop(sink)
                raise

    def _stop(self, sink: Sink) -> None:
        self._line.write(b"\x03")
        with contextlib.suppress(BoardError):
            raw_repl.follow(self._line, sink, 2.0, overall=5.0, confirm=raw_repl.QUIET_S)

    @contextlib.contextmanager
    def _recovering(self) -> Iterator[None]:
        """Whatever breaks a call off, the board is brought back to its prompt."""
        try:
            yield
        except BoardError:
            raise
        except BaseException:
            with contextlib.suppress(LinkError):
                self._enter()
            raise

    def send(self, data: bytes) -> None:
        """See Transport.send."""
        self._line.write(data)

    def soft_reset(self) -> None:
        """See Transport.soft_reset."""
        with self._recovering():
            self._leave()
            self._cannot, self._inflates = False, True      # another package, an empty heap
            try:
                self._restart()
            except LinkError:       # what it said came damaged, or it never heard of it
                self._enter()
                self._restart()

    def _restart(self) -> None:
        self._line.write(b"\x04")
        try:
            raw_repl.restarted(self._line, raw_repl.RESTART_S)
        except LinkError:
            reopen = getattr(self._line, "reopen", None)
            if reopen is None or not reopen(raw_repl.RESTART_S):
                raise
            self._enter()

    def interrupt(self) -> None:
        """See Transport.interrupt."""
        self._enter()
