"""What may be wrong with a board, from the cable to the sensor: checks in order, a line each.

A check is a function of the Patient; it returns findings, or raises, which is a finding
too. One that needs another that failed is skipped. The checks of this computer are here,
those that ask the board in board.py.
"""

from __future__ import annotations

import importlib
import importlib.metadata
import os
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

from tinysense_host.errors import TinysenseError

if TYPE_CHECKING:
    from tinysense_host.device import BoardInfo, Device
    from tinysense_host.naming import Where

__all__ = ["FAIL", "OK", "SKIPPED", "WARN", "Check", "Finding", "Patient", "SkipError",
           "described", "examine", "host_checks"]

OK, WARN, FAIL, SKIPPED = "ok", "warn", "fail", "skipped"

# Modules that talking to a board needs, and the packages that bring them.
_NEEDED = (("serial", "pyserial"), ("mpremote", "mpremote"), ("numpy", "numpy"),
           ("pyarrow", "pyarrow"), ("rich", "rich"))


@dataclass(frozen=True)
class Finding:
    """What a check found: its state, a line, and what to do."""

    check: str
    state: str
    text: str
    remedy: str = ""

    def as_dict(self) -> dict[str, str]:
        """For JSON."""
        return asdict(self)


class SkipError(Exception):
    """A check that can't be made; the text says why."""


@dataclass
class Patient:
    """What is examined, and what earlier checks have learnt of it."""

    port: str | None = None
    board: str | None = None
    kind: str | None = None
    interrupt: bool | None = None           # a logger may be stopped
    target: Where | None = None             # who was chosen, and the port
    device: Device | None = None
    info: BoardInfo | None = None
    config: dict[str, Any] | None = None
    model: dict[str, Any] = field(default_factory=dict)     # what the board says of it

    @property
    def where(self) -> str:
        """The port."""
        return self.target.port if self.target is not None else ""

    def connected(self) -> Device:
        """The device; a check that needs it names "prompt"."""
        assert self.device is not None
        return self.device

    def told(self) -> BoardInfo:
        """What the board is; a check that needs it names "firmware"."""
        assert self.info is not None
        return self.info

    def close(self) -> None:
        """Leaves the board at its prompt."""
        if self.device is not None:
            self.device.close()
            self.device = None


Found = Iterator[Finding] | list[Finding]


@dataclass(frozen=True)
class Check:
    """A check: its name, those that must not have failed before it, and what does it."""

    name: str
    needs: tuple[str, ...]
    run: Callable[[Patient], Found]


def examine(patient: Patient, checks: tuple[Check, ...]) -> Iterator[Finding]:
    """All findings, as they come. Nothing that a check raises stops the others, but Ctrl-C."""
    out: set[str] = set()       # failed, or skipped
    for check in checks:
        missing = [name for name in check.needs if name in out]
        if missing:
            out.add(check.name)
            yield Finding(check.name, SKIPPED, f"needs {missing[0]}")
            continue
        for finding in _made(check, patient):
            if finding.state in (FAIL, SKIPPED):
                out.add(check.name)
            yield finding


def _made(check: Check, patient: Patient) -> Iterator[Finding]:
    try:
        yield from check.run(patient)
    except SkipError as e:
        yield Finding(check.name, SKIPPED, str(e))
    except TinysenseError as e:
        yield Finding(check.name, FAIL, e.message, e.hint)
    except Exception as e:
        said = " ".join(str(e).split())
        yield Finding(check.name, FAIL, f"the check itself broke: {type(e).__name__}: {said}",
                      "see what the other lines say; this one is a fault of tinysense")


# ---- of this computer ----


def _packages(_: Patient) -> Found:
    missing = []
    for module, package in _NEEDED:
        try:
            importlib.import_module(module)
        except ImportError:
            missing.append(package)
    if missing:
        return [Finding("packages", FAIL, f"Python packages missing: {', '.join(missing)}",
                        f"pip install {' '.join(missing)}")]
    versions = ", ".join(f"{p} {importlib.metadata.version(p)}" for _, p in _NEEDED)
    return [Finding("packages", OK, versions)]


def _core(_: Patient) -> Found:
    try:
        from tinysense.native import ABI, core
    except ImportError as e:
        return [Finding("core", FAIL, f"the compiled core is not here, or of another version: {e}",
                        "build it: make setup (or pip install -e host)")]
    return [Finding("core", OK, f"compiled core, ABI {ABI}, kernels {core.kernels()}")]


def _mpremote(patient: Patient) -> Found:
    if patient.kind == "ampy" or os.environ.get("TINYSENSE_TRANSPORT") == "ampy":
        raise SkipError("ampy is used in its place")
    from tinysense_host.link.transport_mpremote import lacking

    version = importlib.metadata.version("mpremote")
    wanted = next((r for r in _requirements() if r.startswith("mpremote")), "mpremote")
    if lacking():
        return [Finding("mpremote", FAIL, f"mpremote {version} has no {', '.join(lacking())}",
                        f"pip install '{wanted}', or give --transport ampy")]
    return [Finding("mpremote", OK, f"mpremote {version}")]


def _requirements() -> list[str]:
    try:
        return importlib.metadata.requires("tinysense") or []
    except importlib.metadata.PackageNotFoundError:
        return []


def _port(patient: Patient) -> Found:
    from tinysense_host.device import board_id
    from tinysense_host.link.ports import candidates
    from tinysense_host.naming import find, same_port

    if patient.board:
        return [Finding("port", OK, f"virtual board {patient.board}")]
    patient.target = find(patient.port, lambda port: board_id(port, patient.kind))
    others = [c.port for c in candidates() if not same_port(c.port, patient.where)]
    also = f"; there are also {', '.join(others)}" if others else ""
    name = f"{patient.target.name} on " if patient.target.name else ""
    return [Finding("port", OK, f"{name}{described(patient.where)}{also}")]


def described(port: str) -> str:
    """A port with what its cable's chip says of itself."""
    from serial.tools import list_ports

    real = os.path.realpath(port)
    for p in list_ports.comports():
        if os.path.realpath(p.device) == real and p.vid is not None:
            name = f", {p.product}" if p.product else ""
            return f"{port} (USB {p.vid:04x}:{p.pid or 0:04x}{name})"
    return port


def _rights(patient: Patient) -> Found:
    from tinysense_host.link.ports import explain_failure

    where = patient.where
    if patient.board or "://" in where:
        raise SkipError("no serial port of this computer")
    if not os.path.exists(where) or not os.access(where, os.R_OK | os.W_OK):
        raise explain_failure(where, OSError("no access"))
    return [Finding("rights", OK, f"{where} may be read and written")]


def _busy(patient: Patient) -> Found:
    from tinysense_host.link.ports import holders

    if patient.board or "://" in patient.where:
        raise SkipError("no serial port of this computer")
    who = [w for w in holders(patient.where) if not _emulates(w)]
    if who:
        return [Finding("busy", FAIL, f"{patient.where} is held by {', '.join(who[:3])}",
                        "end that program, or use another board")]
    return [Finding("busy", OK, "no other program has it open")]


def _emulates(holder: str) -> bool:
    """Whether a process that has a port open is the virtual board behind it."""
    return holder.startswith(("qemu-system", "micropython"))


def host_checks() -> tuple[Check, ...]:
    """The checks that need no board yet, in order."""
    return (Check("packages", (), _packages), Check("core", (), _core),
            Check("mpremote", ("packages",), _mpremote), Check("port", ("packages",), _port),
            Check("rights", ("port",), _rights), Check("busy", ("port", "rights"), _busy))
