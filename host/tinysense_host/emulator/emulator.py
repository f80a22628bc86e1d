"""A running virtual board, whatever its kind."""

from __future__ import annotations

import contextlib
import signal
import tempfile
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any

from tinysense_host.boards import BoardProfile, load_board
from tinysense_host.emulator.kind import Kind, Settings
from tinysense_host.emulator.qemu import Qemu
from tinysense_host.emulator.rp2040js import Rp2040js
from tinysense_host.emulator.unix import Unix
from tinysense_host.errors import TinysenseError
from tinysense_host.firmware import ensure_firmware

__all__ = ["KINDS", "Emulator"]

KINDS: dict[str, type[Kind]] = {"qemu": Qemu, "unix": Unix, "rp2040js": Rp2040js}


class Emulator:
    """A running virtual board.

    board: a name or a profile of a virtual board. fs: the board's file system,
    kept between runs: a file (a littlefs image), for UNIX boards a folder; made
    where there is none. Without fs it is temporary. icount: count instructions
    exactly (``emulated.instructions()`` on the board; slower, and time is then
    virtual). heap_bytes: the board's heap, else as its profile says. devices:
    QEMU's -device arguments. requests: as of control(), before the board boots.
    """

    def __init__(self, board: str | BoardProfile, fs: str | Path | None = None,
                 icount: bool = False, heap_bytes: int | None = None,
                 devices: tuple[str, ...] = (),
                 requests: tuple[Mapping[str, Any], ...] = ()) -> None:
        self.profile = load_board(board) if isinstance(board, str) else board
        if not self.profile.virtual:
            raise TinysenseError(f"{self.profile.name} is a real board",
                                 "connect it and give its port")
        self._kind = KINDS[self.profile.kind](
            self.profile, Settings(icount, heap_bytes, devices, requests))
        firmware = ensure_firmware(self.profile)
        self._keep = contextlib.ExitStack()
        try:
            self.fs = self._file_system(fs)
            self._process, self.port = self._kind.start(firmware, self.fs, self._keep)
        except BaseException:
            self._keep.close()
            raise

    def __enter__(self) -> Emulator:
        return self

    def __exit__(self, kind: type[BaseException] | None, value: BaseException | None,
                 trace: TracebackType | None) -> None:
        self.stop()

    @property
    def running(self) -> bool:
        """False once the emulator has ended by itself or was stopped."""
        return self._process.running

    @property
    def log(self) -> str:
        """The last lines the emulator itself wrote, for messages."""
        return self._process.log

    def stop(self) -> None:
        """Ends it. A file system given as fs stays."""
        self._end(signal.SIGTERM)

    def power_cut(self) -> None:
        """Ends it with no chance to finish anything (kill -9): to try what a board survives."""
        self._end(signal.SIGKILL)

    def wait(self) -> int:
        """Blocks until the emulator ends by itself; its exit status."""
        return self._process.wait()

    @property
    def control_port(self) -> int | None:
        """TCP port of the control channel; None where the kind has none."""
        return self._kind.control_port

    def control(self, request: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """Tells simulated chips what to do or what goes wrong; what happened so far.

        For boards of kind "rp2040js": boards/rp2040js/README.md lists requests.
        """
        return self._kind.control(request or {})

    def _file_system(self, fs: str | Path | None) -> Path:
        if fs is None:
            folder = self._keep.enter_context(
                tempfile.TemporaryDirectory(prefix="tinysense-", ignore_cleanup_errors=True))
            fs = Path(folder) / self._kind.fs_name
        path = Path(fs).resolve()
        self._kind.make_file_system(path)
        return path

    def _end(self, how: signal.Signals) -> None:
        self._process.end(how)
        self._keep.close()
