"""An emulator's process: started apart from the terminal, its output kept, ended for sure."""

from __future__ import annotations

import contextlib
import re
import select
import signal
import subprocess
import threading
import time
from collections.abc import Mapping
from typing import IO

from tinysense_host.errors import TinysenseError

__all__ = ["EmulatorProcess"]

_STOP_TIMEOUT_S = 5.0
_LOG_LINES = 200


class EmulatorProcess:
    """``command`` as a process. Its output is log, or that of stderr alone if stdout is given.

    remedy: what to say where the program is not installed.
    """

    def __init__(self, command: list[str], remedy: str, stdin: int = subprocess.DEVNULL,
                 stdout: int = subprocess.PIPE, environment: Mapping[str, str] | None = None
                 ) -> None:
        self._lines: list[str] = []
        piped = stdout == subprocess.PIPE
        try:
            # A session of its own: Ctrl-C in the terminal is for us, not for the board.
            self._process = subprocess.Popen(
                command, stdin=stdin, stdout=stdout, text=True, errors="replace", env=environment,
                stderr=subprocess.STDOUT if piped else subprocess.PIPE, start_new_session=True)
        except FileNotFoundError as e:
            raise TinysenseError(f"{command[0]} is not installed", remedy) from e
        stream = self._process.stdout if piped else self._process.stderr
        assert stream is not None
        self._stream: IO[str] = stream

    @property
    def pid(self) -> int:
        """The process's number."""
        return self._process.pid

    @property
    def running(self) -> bool:
        """False once it has ended."""
        return self._process.poll() is None

    @property
    def log(self) -> str:
        """The last lines it wrote."""
        return "".join(self._lines[-_LOG_LINES:])

    def expect(self, pattern: str, timeout_s: float, settle_s: float = 0.0) -> re.Match[str] | None:
        """Reads its output up to a line that holds the pattern; None if that does not come.

        settle_s: it must live for so long after that line, too.
        """
        end = time.monotonic() + timeout_s
        while time.monotonic() < end:
            if not select.select([self._stream], [], [], 0.2)[0]:
                continue
            line = self._stream.readline()
            self._lines.append(line)
            found = re.search(pattern, line)
            if found and self._lives(settle_s):
                return found
            if not line:
                break
        return None

    def _lives(self, settle_s: float) -> bool:
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(settle_s)
        return self.running

    def follow(self) -> None:
        """From now on the output goes to the log as it comes."""
        def read() -> None:
            for line in self._stream:
                self._lines.append(line)
                del self._lines[:-_LOG_LINES]

        threading.Thread(target=read, daemon=True).start()

    def failed(self, name: str, besides: str = "") -> TinysenseError:
        """Kills it; why the board did not start. besides: what no reason holds."""
        self.end(signal.SIGKILL)
        said = [line.strip() for line in self._lines if line.strip()]
        said = [line for line in said if not besides or besides not in line]
        return TinysenseError(f"{name} did not start: {said[-1] if said else 'no output'}",
                              "try another board, such as UNIX")

    def wait(self) -> int:
        """Blocks until it ends by itself; its exit status."""
        return self._process.wait()

    def end(self, how: signal.Signals) -> None:
        """Ends it with a signal, and with SIGKILL where that does not help."""
        if self._process.poll() is not None:
            return
        self._process.send_signal(how)
        try:
            self._process.wait(_STOP_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
