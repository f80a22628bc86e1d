"""The command as users type it, and emulated boards for it to talk to."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from tinysense_host.boards import boards_folder
from tinysense_host.emulator import Emulator, write_files

ROOT = boards_folder().parent
PRODUCTS = {board: f"{board}/firmware.elf"
            for board in ("QEMU_M4F", "QEMU_M7", "QEMU_M55", "QEMU_M0", "QEMU_RV32")}
PRODUCTS["UNIX"] = "UNIX/micropython"
TINYSENSE = Path(sys.executable).parent / "tinysense"
WAIT_S = 120.0      # for what comes within a second where nothing else runs


class Command:
    """Runs `tinysense ...` in a folder of its own, where no other board is to be found."""

    def __init__(self, folder: Path, port: str = "") -> None:
        self.folder = folder
        kept = {k: v for k, v in os.environ.items() if not k.startswith("TINYSENSE_")}
        self.environment = kept | {"TINYSENSE_RUN": str(folder / "run"), "COLUMNS": "200"}
        if port:
            self.environment["TINYSENSE_PORT"] = port

    def start(self, *words: object) -> subprocess.Popen[str]:
        """The command, running."""
        return subprocess.Popen([str(TINYSENSE), *map(str, words)], cwd=self.folder, text=True,
                                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                stderr=subprocess.PIPE, env=self.environment)

    def __call__(self, *words: object) -> str:
        """What the command printed; it must end well."""
        process = self.start(*words)
        out, err = ended(process, 10 * WAIT_S)
        assert process.returncode == 0, out + err
        return out

    def refused(self, *words: object) -> str:
        """The one line with which the command gave up."""
        return one_line(self.start(*words), 1)

    def interrupted(self, process: subprocess.Popen[str]) -> None:
        """Ctrl-C for a running command: status 130, one line, no trace."""
        process.send_signal(signal.SIGINT)
        assert one_line(process, 130) == "interrupted"


def ended(process: subprocess.Popen[str], wait_s: float) -> tuple[str, str]:
    """(stdout, stderr) of a command; one that does not end is killed."""
    try:
        return process.communicate(timeout=wait_s)
    except subprocess.TimeoutExpired:
        process.kill()
        out, err = process.communicate()
        raise AssertionError(f"not done after {wait_s:g} s: {out}{err}") from None


def one_line(process: subprocess.Popen[str], status: int) -> str:
    """Waits for the end; expects the status and one line on stderr, which is returned."""
    out, err = ended(process, WAIT_S)
    assert process.returncode == status, out + err
    lines = err.splitlines()
    assert len(lines) == 1, err
    assert lines[0].startswith("tinysense: "), err
    return lines[0].removeprefix("tinysense: ")


def until(condition: Callable[[], bool], process: subprocess.Popen[str]) -> None:
    """Waits until something is so, while the command runs."""
    end = time.monotonic() + WAIT_S
    while not condition():
        assert process.poll() is None, process.communicate()
        if time.monotonic() > end:
            process.kill()
            raise AssertionError(f"waited in vain: {process.communicate()}")
        time.sleep(0.01)


class Bench:
    """An emulated board with its flash, and the command pointed at it."""

    def __init__(self, board: str, folder: Path, files: dict[str, bytes],
                 heap_bytes: int | None = None) -> None:
        self.board, self.folder, self.heap_bytes = board, folder, heap_bytes
        self.flash = folder / "flash.img"
        if board == "UNIX":     # its flash is a folder
            self.flash.mkdir()
        write_files(self.flash, files)
        self.tinysense = Command(folder)
        self.emulator: Emulator | None = None
        self.power_on()

    def power_on(self) -> None:
        """Starts it, on the flash as it is."""
        self.emulator = Emulator(self.board, fs=self.flash, heap_bytes=self.heap_bytes)
        self.tinysense.environment["TINYSENSE_PORT"] = self.emulator.port

    def power_off(self) -> None:
        """Ends it like a pulled plug."""
        assert self.emulator is not None
        self.emulator.power_cut()

    def exec(self, code: str) -> str:
        """What a program on the board prints, over plain mpremote; proves that it is usable."""
        assert self.emulator is not None
        done = subprocess.run([str(TINYSENSE.with_name("mpremote")), "connect", self.emulator.port,
                               "exec", code], capture_output=True, text=True, timeout=WAIT_S,
                              check=False)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout.replace("\r\n", "\n")

    def names(self) -> set[str]:
        """The files in the board's top folder."""
        return set(self.exec("import os\nprint(*os.listdir('/'))").split())


def package() -> dict[str, bytes]:
    """The device package as files of a board's flash."""
    folder = ROOT / "device"
    return {"/lib/" + p.relative_to(folder).as_posix(): p.read_bytes()
            for p in (folder / "tinysense").rglob("*.py")}
