"""MicroPython on this computer, as a board: boards/unix, behind a pseudo-terminal."""

from __future__ import annotations

import contextlib
import os
import pty
import select
import threading
import tty
from pathlib import Path

from tinysense_host.boards import BoardProfile
from tinysense_host.emulator.kind import Kind, Settings
from tinysense_host.emulator.process import EmulatorProcess
from tinysense_host.errors import TinysenseError

__all__ = ["Unix"]


class Unix(Kind):
    """The unix port as a process; the file system is a folder."""

    fs_name = "fs"

    def __init__(self, profile: BoardProfile, settings: Settings) -> None:
        super().__init__(profile, settings)
        if settings.icount:
            raise TinysenseError(f"{profile.name} counts no instructions",
                                 "take a QEMU board, such as QEMU_M4F")
        self._stopping = threading.Event()

    def make_file_system(self, path: Path) -> None:
        """See Kind."""
        self.refuse_file(path)
        path.mkdir(parents=True, exist_ok=True)

    def start(self, firmware: Path, fs: Path, keep: contextlib.ExitStack
              ) -> tuple[EmulatorProcess, str]:
        """See Kind."""
        # Two pseudo-terminals with a relay between: the board needs one with
        # Ctrl-C as a signal, mpremote one that looks like a serial port.
        board_side, board = pty.openpty()
        port_side, port = pty.openpty()
        for descriptor in (board, port):
            tty.setraw(descriptor)
        # `port` stays open here, else its other end fails whenever nobody is connected.
        for descriptor in (board_side, port_side, port):
            keep.callback(os.close, descriptor)
        heap = self.heap_bytes
        environment = dict(os.environ, TINYSENSE_FS=str(fs), TINYSENSE_HEAP=str(heap))
        process = EmulatorProcess([str(firmware), "-X", f"heapsize={heap}", "-m", "board_start"],
                                  "run `make firmware`", board, board, environment)
        os.close(board)
        process.follow()
        relay = threading.Thread(target=self._relay, args=(board_side, port_side), daemon=True)
        relay.start()
        keep.callback(relay.join)
        keep.callback(self._stopping.set)
        return process, os.ttyname(port)

    def _relay(self, left: int, right: int) -> None:
        """Copies bytes both ways until stopped or the board's process is gone."""
        waiting = {left: b"", right: b""}           # bytes to be written there
        other = {left: right, right: left}
        for descriptor in waiting:
            os.set_blocking(descriptor, False)
        while not self._stopping.is_set():
            # Nothing is read for a side that has not taken its last bytes.
            reads = [d for d in waiting if not waiting[other[d]]]
            writes = [d for d in waiting if waiting[d]]
            readable, writable, _ = select.select(reads, writes, [], 0.2)
            try:
                for d in readable:
                    waiting[other[d]] = os.read(d, 4096)
                for d in writable:
                    waiting[d] = waiting[d][os.write(d, waiting[d]):]
            except BlockingIOError:
                continue
            except OSError:
                return                              # EIO: the process has ended
