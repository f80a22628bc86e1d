"""The emulated Raspberry Pi Pico: firmware for the chip in rp2040js, behind a TCP socket."""

from __future__ import annotations

import contextlib
import json
import os
import socket
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tinysense_host.boards import BoardProfile, boards_folder
from tinysense_host.emulator.kind import Kind, Settings
from tinysense_host.emulator.process import EmulatorProcess
from tinysense_host.errors import TinysenseError
from tinysense_host.firmware import build_folder

__all__ = ["DISK_BYTES", "Rp2040js", "ask"]

_REMEDY = "install Node.js 18 or newer: apt-get install nodejs npm"
_START_TIMEOUT_S = 30.0
_ANSWER_S = 10.0
DISK_BYTES = 1408 * 1024        # MicroPython's RPI_PICO: MICROPY_HW_FLASH_STORAGE_BYTES
_ERASED = b"\xff"


class Rp2040js(Kind):
    """boards/rp2040js under Node.js; the file system is the end of its flash, a file here."""

    def __init__(self, profile: BoardProfile, settings: Settings) -> None:
        super().__init__(profile, settings)
        if settings.icount or settings.devices:
            raise TinysenseError(f"{profile.name} counts no instructions and takes no devices",
                                 "take a QEMU board, such as QEMU_M0")
        if settings.heap_bytes:
            raise TinysenseError(f"{profile.name} has the heap of a Pico", "ask for no other")

    def make_file_system(self, path: Path) -> None:
        """See Kind. The board formats it: what is made here is erased flash."""
        self.refuse_folder(path)
        if not path.exists() or path.stat().st_size == 0:
            path.parent.mkdir(parents=True, exist_ok=True)
            part = path.with_name(path.name + ".part")
            part.write_bytes(_ERASED * DISK_BYTES)
            part.replace(path)

    def start(self, firmware: Path, fs: Path, keep: contextlib.ExitStack
              ) -> tuple[EmulatorProcess, str]:
        """See Kind."""
        machine = build_folder() / "rp2040js"
        command = ["node", str(boards_folder() / "rp2040js" / "main.mjs"),
                   "--firmware", str(firmware), "--rom", str(machine / "rom.bin"),
                   "--disk", str(fs)]
        for request in self.settings.requests:
            command += ["--set", json.dumps(request)]
        process = EmulatorProcess(command, _REMEDY,
                                  environment=dict(os.environ, TINYSENSE_RP2040JS=str(machine)))
        found = process.expect(r'^\{"port":(\d+),"control":(\d+)\}', _START_TIMEOUT_S)
        if found is None:
            raise process.failed(self.profile.name)
        process.follow()
        self.control_port = int(found[2])
        return process, f"socket://127.0.0.1:{found[1]}"

    def control(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """See Emulator.control."""
        assert self.control_port is not None
        return ask(self.control_port, request)


def ask(port: int, request: Mapping[str, Any]) -> dict[str, Any]:
    """One request to the control channel on a TCP port of this computer; its status."""
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=_ANSWER_S) as link:
            link.sendall(json.dumps(request).encode() + b"\n")
            with link.makefile() as lines:
                answer = json.loads(lines.readline())
    except (OSError, ValueError) as e:
        raise TinysenseError(f"the emulated board's control channel does not answer: {e}",
                             "check that the emulator runs") from e
    if "error" in answer:
        raise TinysenseError(f"the emulated board refused {json.dumps(request)}: "
                             f"{answer['error']}", "boards/rp2040js/README.md lists requests")
    status: dict[str, Any] = answer["status"]
    return status
