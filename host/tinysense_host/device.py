"""A connected board."""

from __future__ import annotations

import contextlib
import json
import os
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from types import TracebackType
from typing import Any

from tinysense_host import virtual
from tinysense_host.boards import native_architecture
from tinysense_host.errors import TinysenseError
from tinysense_host.link.ports import choose_port
from tinysense_host.link.transport import (
    FileEntry,
    LinkError,
    Over,
    Progress,
    Sink,
    Transport,
    never,
)

__all__ = ["BoardInfo", "Device", "connect", "open_transport"]

# Largest free block: a bytearray must not be kept, and a failed try frees what it took.
# tinysense.memory does the same, but this must work on boards that have no package yet.
_INFO_CODE = """
def _ts_info():
 import gc, json, os, sys
 i = sys.implementation
 d = {"mpy": getattr(i, "_mpy", 0), "name": i.name,
  "version": ".".join(str(x) for x in i.version[:3]),
  "machine": getattr(i, "_machine", sys.platform)}
 gc.collect()
 d["free"] = gc.mem_free() if hasattr(gc, "mem_free") else -1
 low, high = 0, max(d["free"], 0)
 while high - low > 256:
  mid = (low + high) // 2
  try:
   bytearray(mid)
   low = mid
  except MemoryError:
   high = mid
  gc.collect()
 d["largest"] = low
 try:
  s = os.statvfs("/")
  d["flash_free"] = s[0] * s[3]
 except (OSError, AttributeError):
  d["flash_free"] = -1
 try:
  import _tinysense as t
  d["core"] = "native" if hasattr(t, "__file__") else "built in"
  d["abi"] = t.abi()
  d["kernels"] = t.kernels()
 except ImportError:
  d["core"] = "absent"
 except Exception as e:
  d["core"] = "broken: " + str(e)
 try:
  import tinysense
  d["package"] = getattr(tinysense, "__version__", "unknown")
 except ImportError as e:
  d["package"] = None
 print(json.dumps(d))
_ts_info()
del _ts_info
"""


# Nothing is imported for it: a board that has not recorded has nothing to tell the time to.
_TELL_TIME = """
import sys
_ts_boot = sys.modules.get("tinysense.field.boot")
if _ts_boot:
 _ts_boot.tell_time({utc_us})
del _ts_boot
"""


@dataclass(frozen=True)
class BoardInfo:
    """What a board is and has; bytes throughout, -1 where the board can't tell."""

    port: str
    machine: str
    firmware: str           # e.g. "micropython"
    version: str
    architecture: str       # of native modules, "" where the firmware takes none
    mpy: int                # sys.implementation._mpy as it came
    ram_free: int
    ram_largest: int        # largest block that can be allocated
    flash_free: int
    core: str               # "built in", "native", "absent" or "broken: why"
    abi: int | None         # version of the list of the core's functions
    kernels: str            # "portable", ...
    package: str | None     # version of tinysense on the board

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return asdict(self)


def _number(told: dict[str, Any], key: str, port: str) -> int:
    value = told.get(key)
    if isinstance(value, bool) or not isinstance(value, int):
        raise LinkError(f"the board on {port} answered {value!r} for {key}, expected a number",
                        "reset the board and try again")
    return value


class Device:
    """A board behind a transport. Use as a context manager, or close it."""

    def __init__(self, transport: Transport, keep: contextlib.ExitStack | None = None) -> None:
        self.transport = transport
        self._keep = keep or contextlib.ExitStack()

    @property
    def port(self) -> str:
        """Where the board is."""
        return self.transport.port

    def __enter__(self) -> Device:
        return self

    def __exit__(self, kind: type[BaseException] | None, value: BaseException | None,
                 trace: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """Leaves the board at its friendly prompt; ends a virtual board that was started here."""
        self.transport.close()
        self._keep.close()

    def exec(self, code: str, timeout: float = 10.0) -> str:
        """Runs code and returns what it printed, line ends as LF."""
        return self.transport.exec(code, timeout).decode("utf-8", "replace").replace("\r\n", "\n")

    def ask(self, code: str, timeout: float = 10.0) -> Any:
        """Runs code whose last printed line is JSON, and returns that value."""
        text = self.exec(code, timeout).strip()
        last = text.splitlines()[-1] if text else ""
        try:
            return json.loads(last)
        except ValueError as e:
            raise LinkError(f"the board on {self.port} answered {last[:60]!r}, expected JSON",
                            "reset the board and try again") from e

    def stream(self, code: str, sink: Sink, silence: float = 10.0, over: Over = never) -> None:
        """Runs code and hands its output to sink as it comes (Transport.exec_stream)."""
        self.transport.exec_stream(code, sink, silence, over)

    def send(self, data: bytes) -> None:
        """Writes to the running program's standard input."""
        self.transport.send(data)

    def put(self, data: bytes, path: str, progress: Progress | None = None) -> None:
        """Writes a file, verified, under its name only when whole."""
        self.transport.put(data, path, progress)

    def get(self, path: str, progress: Progress | None = None) -> bytes:
        """Reads a file, verified."""
        return self.transport.get(path, progress)

    def stat(self, path: str) -> FileEntry | None:
        """A file or folder, None where there is none."""
        return self.transport.stat(path)

    def soft_reset(self) -> None:
        """Restarts the interpreter, main.py not run: an empty heap."""
        self.transport.soft_reset()

    def info(self) -> BoardInfo:
        """What the board is and has now."""
        told = self.ask(_INFO_CODE, timeout=60.0)
        if not isinstance(told, dict):
            raise LinkError(f"the board on {self.port} answered no object", "reset the board")
        mpy = _number(told, "mpy", self.port)
        abi = told.get("abi")
        package = told.get("package")
        return BoardInfo(
            port=self.port, machine=str(told.get("machine", "")),
            firmware=str(told.get("name", "")), version=str(told.get("version", "")),
            architecture=native_architecture(mpy), mpy=mpy,
            ram_free=_number(told, "free", self.port),
            ram_largest=_number(told, "largest", self.port),
            flash_free=_number(told, "flash_free", self.port), core=str(told.get("core", "")),
            abi=abi if isinstance(abi, int) else None, kernels=str(told.get("kernels", "")),
            package=None if package is None else str(package))


def open_transport(port: str, kind: str | None = None) -> Transport:
    """A transport by its name: "mpremote", or "ampy" for boards where that fails.

    Without a name, TINYSENSE_TRANSPORT decides, else mpremote.
    """
    name = kind or os.environ.get("TINYSENSE_TRANSPORT") or "mpremote"
    if name == "mpremote":
        from tinysense_host.link.transport_mpremote import MpremoteTransport

        return MpremoteTransport(port)
    if name == "ampy":
        from tinysense_host.link.transport_ampy import AmpyTransport

        return AmpyTransport(port)
    raise TinysenseError(f"unknown transport {name!r}", "expected mpremote or ampy")


@contextlib.contextmanager
def _closing(keep: contextlib.ExitStack) -> Iterator[None]:
    try:
        yield
    except BaseException:
        keep.close()
        raise


def connect(port: str | None = None, board: str | None = None, kind: str | None = None) -> Device:
    """Connects to a board and stops what it runs.

    port: a serial port or a URL; board: a virtual board's name, instead of a
    port (see virtual.attach); neither: see ports.choose_port. kind: see
    open_transport.
    """
    if port and board:
        raise TinysenseError(f"--port {port} and --board {board} exclude each other", "give one")
    keep = contextlib.ExitStack()
    with _closing(keep):
        where = virtual.attach(board, keep) if board else choose_port(port)
        device = Device(open_transport(where, kind), keep)
        _tell_time(device)
        return device


def _tell_time(device: Device) -> None:
    """What time it is, to a board that has recorded since its start: only now can it be told."""
    with contextlib.suppress(TinysenseError):
        device.exec(_TELL_TIME.format(utc_us=time.time_ns() // 1000))


