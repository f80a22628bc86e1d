"""Virtual boards: firmware in QEMU or MicroPython on this computer, behind a pseudo-terminal.

    with Emulator("QEMU_M4F") as board:
        ...                                 # mpremote connect <board.port>

Each emulator is a process of its own with a file system of its own, so any
number can run at once.
"""

from __future__ import annotations

import contextlib
import os
import pty
import re
import select
import signal
import subprocess
import tempfile
import threading
import time
import tty
import uuid
from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from types import TracebackType
from typing import IO, Any

from tinysense_host.boards import BoardProfile, load_board
from tinysense_host.errors import TinysenseError
from tinysense_host.firmware import ensure_firmware

__all__ = ["Emulator", "read_files", "write_files"]

_START_TIMEOUT_S = 20.0
_STOP_TIMEOUT_S = 5.0
_COMPLAINT_S = 0.15
_DISK_BYTES = 4 << 20
_BLOCK_BYTES = 4096
_LOG_LINES = 200
_LITTLEFS_VERSION = 0x00020001  # what MicroPython 1.25 reads and writes


class Emulator:
    """A running virtual board.

    board: a name or a profile of kind "qemu" or "unix". fs: the board's file
    system, kept between runs: a file (a littlefs image) for QEMU boards, a
    folder for UNIX boards; made where there is none. Without fs it is
    temporary. icount: count instructions exactly (``emulated.instructions()``
    on the board; slower, and time is then virtual). heap_bytes: the board's
    heap, else as its profile says. devices: QEMU's -device arguments.
    """

    def __init__(self, board: str | BoardProfile, fs: str | Path | None = None,
                 icount: bool = False, heap_bytes: int | None = None,
                 devices: tuple[str, ...] = ()) -> None:
        self.profile = load_board(board) if isinstance(board, str) else board
        if not self.profile.virtual:
            raise TinysenseError(f"{self.profile.name} is a real board",
                                 "connect it and give its port")
        if icount and self.profile.emulator is None:
            raise TinysenseError(f"{self.profile.name} counts no instructions",
                                 "take a QEMU board, such as QEMU_M4F")
        self._firmware = ensure_firmware(self.profile)
        self._log: list[str] = []
        self._keep = contextlib.ExitStack()
        self._stopping = threading.Event()
        try:
            self.fs = self._file_system(fs)
            heap = heap_bytes or self.profile.heap_bytes
            if self.profile.kind == "qemu":
                self._process, self.port = self._start_qemu(heap, icount, devices)
            else:
                self._process, self.port = self._start_unix(heap)
        except BaseException:
            self._keep.close()
            raise

    # ---- For users ----

    def __enter__(self) -> Emulator:
        return self

    def __exit__(self, kind: type[BaseException] | None, value: BaseException | None,
                 trace: TracebackType | None) -> None:
        self.stop()

    @property
    def running(self) -> bool:
        """False once the emulator has ended by itself or was stopped."""
        return self._process.poll() is None

    @property
    def log(self) -> str:
        """The last lines the emulator itself wrote, for messages."""
        return "".join(self._log[-_LOG_LINES:])

    def stop(self) -> None:
        """Ends it. A file system given as fs stays."""
        self._end(signal.SIGTERM)

    def power_cut(self) -> None:
        """Ends it with no chance to finish anything (kill -9): to try what a board survives."""
        self._end(signal.SIGKILL)

    def wait(self) -> int:
        """Blocks until the emulator ends by itself; its exit status."""
        return self._process.wait()

    # ---- Starting ----

    def _file_system(self, fs: str | Path | None) -> Path:
        if fs is None:
            folder = self._keep.enter_context(
                tempfile.TemporaryDirectory(prefix="tinysense-", ignore_cleanup_errors=True))
            fs = Path(folder) / ("fs.img" if self.profile.kind == "qemu" else "fs")
        path = Path(fs).resolve()
        if self.profile.kind == "qemu":
            if path.is_dir():
                raise TinysenseError(f"{path} is a folder", f"{self.profile.name} needs a file")
            if not path.exists() or path.stat().st_size == 0:
                path.parent.mkdir(parents=True, exist_ok=True)
                _store(_littlefs(None), path)
        else:
            if path.exists() and not path.is_dir():
                raise TinysenseError(f"{path} is a file", f"{self.profile.name} needs a folder")
            path.mkdir(parents=True, exist_ok=True)
        return path

    def _plain_path(self, path: Path) -> str:
        """A name without what QEMU's options and the board's arguments split at."""
        if re.fullmatch(r"[\w./+@~-]{1,400}", str(path)):
            return str(path)
        folder = self._keep.enter_context(tempfile.TemporaryDirectory(prefix="tinysense-"))
        link = Path(folder) / "fs.img"
        link.symlink_to(path)
        return str(link)

    def _start_qemu(self, heap: int, icount: bool,
                    devices: tuple[str, ...]) -> tuple[subprocess.Popen[str], str]:
        emulator = self.profile.emulator
        assert emulator is not None
        words = ["tinysense", f"fs={self._plain_path(self.fs)}", f"heap={heap}",
                 f"id={uuid.uuid4().hex[:8]}"]
        counting = []
        if icount:
            words.append(f"icount={emulator.icount_shift}")
            counting = ["-icount", f"shift={emulator.icount_shift}"]
        command = [emulator.program, "-machine", emulator.machine, *emulator.flags,
                   "-display", "none", "-monitor", "none", "-serial", "pty",
                   "-semihosting-config",
                   ",".join(["enable=on,target=native", *(f"arg={w}" for w in words)]),
                   "-kernel", str(self._firmware), *counting]
        for device in devices:
            command += ["-device", device]
        process = self._spawn(command, subprocess.DEVNULL, subprocess.PIPE)
        return process, self._qemu_port(process)

    def _spawn(self, command: list[str], stdin: int, stdout: int,
               environment: Mapping[str, str] | None = None) -> subprocess.Popen[str]:
        try:
            # A session of its own: Ctrl-C in the terminal is for us, not for the board.
            return subprocess.Popen(
                command, stdin=stdin, stdout=stdout, text=True, errors="replace", env=environment,
                stderr=subprocess.STDOUT if stdout == subprocess.PIPE else subprocess.PIPE,
                start_new_session=True)
        except FileNotFoundError as e:
            raise TinysenseError(f"{command[0]} is not installed",
                                 "install QEMU: apt-get install qemu-system-arm qemu-system-misc"
                                 ) from e

    def _qemu_port(self, process: subprocess.Popen[str]) -> str:
        """Reads QEMU's output up to the line that names its pseudo-terminal."""
        assert process.stdout is not None
        end = time.monotonic() + _START_TIMEOUT_S
        while time.monotonic() < end:
            if not select.select([process.stdout], [], [], 0.2)[0]:
                continue
            line = process.stdout.readline()
            self._log.append(line)
            found = re.search(r"redirected to (\S+)", line)
            if found and self._survives(process):
                self._follow(process.stdout)
                return found[1]
            if not line:
                break
        process.kill()
        process.wait()
        said = [line for line in self._log if line.strip() and "redirected to" not in line]
        why = said[-1].strip() if said else "no output"
        raise TinysenseError(f"{self.profile.name} did not start: {why}",
                             "try another board, such as UNIX")

    @staticmethod
    def _survives(process: subprocess.Popen[str]) -> bool:
        """QEMU names its terminal first and complains of firmware and devices after that."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(_COMPLAINT_S)
        return process.poll() is None

    def _start_unix(self, heap: int) -> tuple[subprocess.Popen[str], str]:
        # Two pseudo-terminals with a relay between: the board needs one with
        # Ctrl-C as a signal, mpremote one that looks like a serial port.
        board_side, board = pty.openpty()
        port_side, port = pty.openpty()
        for descriptor in (board, port):
            tty.setraw(descriptor)
        # `port` stays open here, else its other end fails whenever nobody is connected.
        for descriptor in (board_side, port_side, port):
            self._keep.callback(os.close, descriptor)
        environment = dict(os.environ, TINYSENSE_FS=str(self.fs), TINYSENSE_HEAP=str(heap))
        process = self._spawn([str(self._firmware), "-X", f"heapsize={heap}", "-m", "board_start"],
                              board, board, environment)
        os.close(board)
        assert process.stderr is not None
        self._follow(process.stderr)
        relay = threading.Thread(target=self._relay, args=(board_side, port_side), daemon=True)
        relay.start()
        self._keep.callback(relay.join)
        self._keep.callback(self._stopping.set)
        return process, os.ttyname(port)

    def _follow(self, stream: IO[str]) -> None:
        def read() -> None:
            for line in stream:
                self._log.append(line)
                del self._log[:-_LOG_LINES]

        threading.Thread(target=read, daemon=True).start()

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

    # ---- Stopping ----

    def _end(self, how: signal.Signals) -> None:
        if self._process.poll() is None:
            self._process.send_signal(how)
            try:
                self._process.wait(_STOP_TIMEOUT_S)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
        self._keep.close()


# ---- File systems, without a board ----


def _littlefs(data: bytes | None) -> Any:
    """A littlefs in memory: over an image's bytes, or a new one."""
    try:
        from littlefs import LittleFS  # noqa: PLC0415 (an extra)
        from littlefs.errors import LittleFSError  # noqa: PLC0415
    except ImportError as e:
        raise TinysenseError("littlefs-python is not installed",
                             "install it: pip install 'tinysense[boards]'") from e
    blocks = (_DISK_BYTES if data is None else len(data)) // _BLOCK_BYTES
    files = LittleFS(block_size=_BLOCK_BYTES, block_count=blocks, prog_size=256, read_size=256,
                     lookahead_size=256, cache_size=1024, disk_version=_LITTLEFS_VERSION,
                     mount=False)
    if data is None:
        files.format()
    else:
        files.context.buffer[:] = data
    try:
        files.mount()
    except LittleFSError as e:
        raise ValueError(str(e)) from e
    return files


def _store(files: Any, image: Path) -> None:
    """Replaces the image in one step: a board never sees half of one."""
    part = image.with_name(image.name + ".part")
    part.write_bytes(bytes(files.context.buffer))
    part.replace(image)


def _load(image: Path) -> Any:
    try:
        return _littlefs(image.read_bytes())
    except (OSError, ValueError) as e:
        raise TinysenseError(f"{image} holds no file system that can be read: {e}",
                             "remove it, and a board makes a new one") from e


def write_files(fs: str | Path, files: Mapping[str, bytes]) -> None:
    """Puts files into the file system of a board that does not run.

    fs: an image or a folder, as Emulator's; an image is made where there is
    none (a folder must exist). files: absolute path on the board -> bytes.
    """
    path = Path(fs)
    if path.is_dir():
        for name, data in files.items():
            target = path / name.lstrip("/")
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(data)
        return
    image = _load(path) if path.exists() and path.stat().st_size else _littlefs(None)
    for name, data in files.items():
        parent = str(PurePosixPath(name).parent)
        if parent not in ("/", "."):
            image.makedirs(parent, exist_ok=True)
        with image.open(name, "wb") as f:
            f.write(data)
    _store(image, path)


def read_files(fs: str | Path) -> dict[str, bytes]:
    """All files of a board's file system: absolute path on the board -> bytes.

    The board should not run: QEMU writes while it does.
    """
    path = Path(fs)
    if path.is_dir():
        return {"/" + str(p.relative_to(path)): p.read_bytes()
                for p in sorted(path.rglob("*")) if p.is_file()}
    if not path.exists():
        raise TinysenseError(f"no file system {path}", "start a board with it first")
    image = _load(path)
    out = {}
    for folder, _, names in image.walk("/"):
        for name in names:
            full = str(PurePosixPath(folder) / name)
            with image.open(full, "rb") as f:
                out[full] = f.read()
    return out

