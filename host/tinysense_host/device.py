"""A connected board."""

from __future__ import annotations

import contextlib
import json
import logging
import os
import time
from binascii import crc32
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from types import TracebackType
from typing import Any

from tinysense_host import virtual
from tinysense_host.boards import native_architecture
from tinysense_host.errors import TinysenseError
from tinysense_host.link.enquiry import LoggerRunsError, Running
from tinysense_host.link.transport import (
    BoardError,
    DamagedError,
    FileEntry,
    LinkError,
    Over,
    Progress,
    Sink,
    Transport,
    never,
)
from tinysense_host.naming import Where, find

__all__ = ["INTERRUPT_VARIABLE", "BoardInfo", "Device", "board_id", "connect", "open_transport"]

INTERRUPT_VARIABLE = "TINYSENSE_INTERRUPT"
_PAUSE_S = 10.0         # within an answer that has begun: what is late then was lost
# Operations that may be carried out twice: where their answer is damaged they are asked again.
_TWICE = {"info", "models", "ready", "driver", "prepare", "install", "trial", "key", "config_get",
          "config_id", "recorded_folders"}
_UNHEARD = "came damaged: check the cable"      # operations.told says, of a question
_GARBLED = ("SyntaxError", "IndentationError", "NameError")     # of a question damaged on the way
log = logging.getLogger(__name__)       # what a command prints to stderr

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

# In the same program: whether a model failed since somebody was told (deploy/slots.py); who it is.
_ARRIVED = """
def _ts_arrived():
 import json, os
 failed = False
 try:
  for n in os.listdir("/ts/models"):
   try:
    with open("/ts/models/%s/slots.json" % n) as f:
     failed = failed or '"why"' in f.read()
   except OSError:
    pass
 except OSError:
  pass
 try:
  from machine import unique_id
  who = "".join("%02x" % b for b in unique_id())
 except (ImportError, AttributeError):
  who = ""
 print(json.dumps({"failed": failed, "id": who}))
_ts_arrived()
del _ts_arrived
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
        self.name = ""                  # that it was found by (naming.py)
        self.board_id = ""              # machine.unique_id in hexadecimal
        self.reports: list[str] = []    # models that failed since somebody was told
        # The logger that connecting stopped; set it to None once that is made good or said.
        self.stopped: Running | None = None
        self._keep = keep or contextlib.ExitStack()

    @property
    def port(self) -> str:
        """Where the board is."""
        return self.transport.port

    @property
    def remote(self) -> bool:
        """Whether it is reached over a network, by operations alone: no code, no restart."""
        return bool(getattr(self.transport, "remote", False))

    def __enter__(self) -> Device:
        return self

    def __exit__(self, kind: type[BaseException] | None, value: BaseException | None,
                 trace: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """Leaves the board at its friendly prompt; ends a virtual board that was started here."""
        self.transport.close()
        self._keep.close()
        if self.stopped is not None:
            log.warning("the board on %s was %s, and was stopped; it goes on when it starts anew: "
                        "press its reset button", self.port, self.stopped)
            self.stopped = None

    def exec(self, code: str, timeout: float = 10.0, rest: float | None = None) -> str:
        """Runs code and returns what it printed, line ends as LF (Transport.exec)."""
        said = self.transport.exec(code, timeout, rest)
        return said.decode("utf-8", "replace").replace("\r\n", "\n")

    def ask(self, code: str, timeout: float = 10.0) -> Any:
        """Runs code that prints JSON at its end, and returns that value."""
        text = self.exec(code, timeout, _PAUSE_S).strip()
        last = text.splitlines()[-1] if text else ""
        try:
            return json.loads(last)
        except ValueError as e:
            raise DamagedError(f"the board on {self.port} answered {last[:60]!r}, expected JSON",
                               "reset the board and try again") from e

    def call(self, name: str, /, timeout: float = 60.0, **args: Any) -> Any:
        """The result of one of tinysense's operations on the board (operations.py there).

        The one way that works over a network too. BoardError for what it raised;
        its kind is ImportError where the board has no package, or an old one.
        """
        if self.remote:
            return self.transport.call(name, args, timeout)  # type: ignore[attr-defined]
        told = self._told(name, json.dumps(args), timeout)
        if isinstance(told, dict) and "value" in told:
            return told["value"]
        if isinstance(told, dict) and isinstance(told.get("error"), str):
            text = " ".join(str(told.get("text", "")).split())
            raise BoardError(f"{told['error']}: {text}")
        raise LinkError(f"the board on {self.port} answered {json.dumps(told)[:60]} to {name}",
                        "put the package of this version there: tinysense setup")

    def _told(self, name: str, args: str, timeout: float) -> Any:
        """What an operation says; asked once more where question or answer was damaged."""
        code = (f"from tinysense.operations import told\n"
                f"told({name!r}, {args!r}, {crc32((name + args).encode())})")
        try:
            told = self._summed(code, timeout)
            if not (isinstance(told, dict) and _UNHEARD in str(told.get("text"))):
                return told
        except BoardError as e:
            if e.kind not in _GARBLED or e.output:      # what answered was carried out
                raise
        except DamagedError:
            if name not in _TWICE:
                raise
        return self._summed(code, timeout)

    def _summed(self, code: str, timeout: float) -> Any:
        """Runs code whose last printed line is JSON, a space and its CRC-32."""
        text = self.exec(code, timeout, _PAUSE_S).strip()
        said, _, digits = (text.splitlines() or [""])[-1].rpartition(" ")
        if digits != f"{crc32(said.encode()):08x}":
            raise DamagedError(
                f"the answer of the board on {self.port} came damaged: {text[-60:]!r}",
                "check the cable, then try again")
        return json.loads(said)

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

    def rows(self, operation: str, folder: str) -> Sequence[Any]:
        """All rows of an operation that gives a part of a folder at a time; over a network only."""
        return self.transport.rows(operation, folder)  # type: ignore[attr-defined,no-any-return]

    def stat(self, path: str) -> FileEntry | None:
        """A file or folder, None where there is none."""
        return self.transport.stat(path)

    def soft_reset(self) -> None:
        """Restarts the interpreter, main.py not run: an empty heap."""
        self.transport.soft_reset()

    def info(self) -> BoardInfo:
        """What the board is and has now."""
        told = self.call("info") if self.remote else self._info()
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

    def _info(self) -> Any:
        try:
            return self.ask(_INFO_CODE, timeout=60.0)
        except DamagedError:
            return self.ask(_INFO_CODE, timeout=60.0)


def open_transport(port: str, kind: str | None = None, interrupt: bool = True) -> Transport:
    """A transport by its name: "mpremote", or "ampy" for boards where that fails.

    Without a name, TINYSENSE_TRANSPORT decides, else mpremote. tcp://host:port is
    a board that runs tinysense.remote. interrupt: a logger that runs may be
    stopped; else LoggerRunsError.
    """
    if port.startswith("tcp://"):
        from tinysense_host.link.remote import RemoteTransport

        return RemoteTransport(port)
    name = kind or os.environ.get("TINYSENSE_TRANSPORT") or "mpremote"
    if name == "mpremote":
        from tinysense_host.link.transport_mpremote import MpremoteTransport

        return MpremoteTransport(port, interrupt=interrupt)
    if name == "ampy":
        from tinysense_host.link.transport_ampy import AmpyTransport

        return AmpyTransport(port, interrupt=interrupt)
    raise TinysenseError(f"unknown transport {name!r}", "expected mpremote or ampy")


@contextlib.contextmanager
def _closing(keep: contextlib.ExitStack) -> Iterator[None]:
    try:
        yield
    except BaseException:
        keep.close()
        raise


def connect(port: str | Where | None = None, board: str | None = None, kind: str | None = None,
            interrupt: bool | None = None) -> Device:
    """Connects to a board and stops what it runs, unless that is a logger.

    port: a serial port, a URL or a board's name; board: a virtual board's name,
    instead of a port (see virtual.attach); neither: see ports.choose_port. kind:
    see open_transport. interrupt: stop a logger too; None: as TINYSENSE_INTERRUPT
    says. LoggerRunsError where a logger runs that must not be stopped.
    """
    if port and board:
        raise TinysenseError(f"--port {port} and --board {board} exclude each other", "give one")
    may = _variable(INTERRUPT_VARIABLE) if interrupt is None else interrupt
    keep = contextlib.ExitStack()
    with _closing(keep):
        if board:
            where = Where(virtual.attach(board, keep))
        else:
            where = port if isinstance(port, Where) else find(port, lambda p: board_id(p, kind))
        device = Device(_opened(where, kind, may), keep)
        try:
            _arrive(device, where)
        except BaseException:
            device.transport.close()
            raise
        return device


def _opened(where: Where, kind: str | None, may: bool) -> Transport:
    """The transport; a logger is stopped only if it may be, and is the board that was named."""
    try:
        return open_transport(where.port, kind, may and not where.board_id)
    except LoggerRunsError as e:
        _refuse_another(where, e.running.board_id)
        if not may:
            raise
        return open_transport(where.port, kind, True)


def board_id(port: str, kind: str | None = None) -> str:
    """The id of the board on a port, "" where it has none; a logger tells it while it runs."""
    try:
        with connect(Where(port), kind=kind, interrupt=False) as device:
            return device.board_id
    except LoggerRunsError as e:
        return e.running.board_id


def _variable(name: str) -> bool:
    return os.environ.get(name, "").lower() in ("1", "true", "yes", "on")


def _refuse_another(where: Where, found: str) -> None:
    """TinysenseError where another board is on the port than the one that was named."""
    if where.board_id and found != where.board_id:
        raise TinysenseError(
            f"the board on {where.port} is not {where.name}: its id is {found or 'none'}, "
            f"expected {where.board_id}",
            f"plug {where.name} in, or name this one: tinysense boards name {where.name} "
            f"--port {where.port}")


def _arrive(device: Device, where: Where) -> None:
    """Who it is, what it has to report, and what time it is, at the beginning of each connection.

    The time is for a board that has recorded since its start: only now can it be told.
    """
    device.name = where.name
    if device.remote:
        return
    running: Running | None = getattr(device.transport, "running", None)
    device.stopped = running if running is not None and running.logger else None
    told: Any = None
    with contextlib.suppress(TinysenseError):
        told = device.ask(_TELL_TIME.format(utc_us=time.time_ns() // 1000) + _ARRIVED)
    told = told if isinstance(told, dict) else {}
    found = told.get("id")
    device.board_id = found if isinstance(found, str) else ""
    _refuse_another(where, device.board_id)
    if told.get("failed") is True:
        from tinysense_host.deploy.slots import take_reports

        device.reports = take_reports(device)
        for line in device.reports:
            log.warning("%s", line)
