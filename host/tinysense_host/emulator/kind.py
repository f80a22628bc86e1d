"""What a kind of virtual board must know: its file system, how it starts, its faults."""

from __future__ import annotations

import contextlib
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tinysense_host.boards import BoardProfile
from tinysense_host.emulator.process import EmulatorProcess
from tinysense_host.errors import TinysenseError

__all__ = ["Kind", "Settings"]


@dataclass(frozen=True)
class Settings:
    """What Emulator was asked for; a kind refuses what it lacks."""

    icount: bool = False
    heap_bytes: int | None = None
    devices: tuple[str, ...] = ()
    requests: tuple[Mapping[str, Any], ...] = ()


class Kind(ABC):
    """One kind of virtual board."""

    fs_name = "fs.img"                  # of a temporary file system
    control_port: int | None = None     # of the control channel, TCP, once it runs

    def __init__(self, profile: BoardProfile, settings: Settings) -> None:
        """TinysenseError where the settings ask for what this kind lacks."""
        self.profile = profile
        self.settings = settings
        if settings.requests and type(self).control is Kind.control:
            self.control(settings.requests[0])

    @abstractmethod
    def make_file_system(self, path: Path) -> None:
        """Makes a file system where there is none; TinysenseError where it can't be one."""

    @abstractmethod
    def start(self, firmware: Path, fs: Path, keep: contextlib.ExitStack
              ) -> tuple[EmulatorProcess, str]:
        """The running emulator, and its port. keep is closed when it has ended."""

    def control(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """See Emulator.control."""
        raise TinysenseError(f"{self.profile.name} has no simulated chips to tell {dict(request)}",
                             "take VIRTUAL_PICO")

    def refuse_file(self, path: Path) -> None:
        """For kinds whose file system is a folder."""
        if path.exists() and not path.is_dir():
            raise TinysenseError(f"{path} is a file", f"{self.profile.name} needs a folder")

    def refuse_folder(self, path: Path) -> None:
        """For kinds whose file system is a file."""
        if path.is_dir():
            raise TinysenseError(f"{path} is a folder", f"{self.profile.name} needs a file")

    @property
    def heap_bytes(self) -> int:
        """The heap asked for, else the profile's."""
        return self.settings.heap_bytes or self.profile.heap_bytes
