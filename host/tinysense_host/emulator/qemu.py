"""Boards in QEMU: the stock qemu port with boards/qemu, behind a pseudo-terminal."""

from __future__ import annotations

import contextlib
import re
import tempfile
import uuid
from pathlib import Path

from tinysense_host.emulator.filesystem import make_image
from tinysense_host.emulator.kind import Kind
from tinysense_host.emulator.process import EmulatorProcess

__all__ = ["Qemu"]

_REMEDY = "install QEMU: apt-get install qemu-system-arm qemu-system-misc"
_START_TIMEOUT_S = 20.0
_COMPLAINT_S = 0.15     # QEMU names its terminal first, complains of firmware and devices after
_DISK_BYTES = 4 << 20
# Through QEMU's multiplexer: it holds 32 bytes for a UART that takes them one by one,
# which makes three times the speed. Its own escape byte is one that no byte can be.
_SERIAL = ("-chardev", "pty,id=serial,mux=on", "-serial", "chardev:serial", "-echr", "256")


class Qemu(Kind):
    """Firmware in qemu-system-*; the file system is a file that semihosting opens."""

    def make_file_system(self, path: Path) -> None:
        """See Kind."""
        self.refuse_folder(path)
        make_image(path, _DISK_BYTES)

    def start(self, firmware: Path, fs: Path, keep: contextlib.ExitStack
              ) -> tuple[EmulatorProcess, str]:
        """See Kind."""
        process = EmulatorProcess(self._command(firmware, _plain_path(fs, keep)), _REMEDY)
        found = process.expect(r"redirected to (\S+)", _START_TIMEOUT_S, _COMPLAINT_S)
        if found is None:
            raise process.failed(self.profile.name, besides="redirected to")
        process.follow()
        return process, found[1]

    def _command(self, firmware: Path, fs: str) -> list[str]:
        emulator = self.profile.emulator
        assert emulator is not None
        words = ["tinysense", f"fs={fs}", f"heap={self.heap_bytes}", f"id={uuid.uuid4().hex[:8]}"]
        counting = []
        if self.settings.icount:
            words.append(f"icount={emulator.icount_shift}")
            counting = ["-icount", f"shift={emulator.icount_shift}"]
        command = [emulator.program, "-machine", emulator.machine, *emulator.flags,
                   "-display", "none", "-monitor", "none", *_SERIAL,
                   "-semihosting-config",
                   ",".join(["enable=on,target=native", *(f"arg={w}" for w in words)]),
                   "-kernel", str(firmware), *counting]
        for device in self.settings.devices:
            command += ["-device", device]
        return command


def _plain_path(path: Path, keep: contextlib.ExitStack) -> str:
    """A name without what QEMU's options and the board's arguments split at."""
    if re.fullmatch(r"[\w./+@~-]{1,400}", str(path)):
        return str(path)
    folder = keep.enter_context(tempfile.TemporaryDirectory(prefix="tinysense-"))
    link = Path(folder) / "fs.img"
    link.symlink_to(path)
    return str(link)
