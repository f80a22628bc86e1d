"""Which port a board is on, and why one cannot be opened."""

from __future__ import annotations

import contextlib
import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tinysense_host.errors import TinysenseError
from tinysense_host.link.serial_line import PORT_ERRORS
from tinysense_host.virtual import running

__all__ = ["PORT_VARIABLE", "Candidate", "candidates", "choose_port", "explain_failure", "holders",
           "listed", "opening"]

PORT_VARIABLE = "TINYSENSE_PORT"
SHOWN_HOLDERS = 3


@dataclass(frozen=True)
class Candidate:
    """A port where a board may be: its path, what it says it is, its serial number."""

    port: str
    name: str
    serial_number: str = ""


def candidates() -> list[Candidate]:
    """USB serial ports and running virtual boards."""
    from serial.tools import list_ports

    found = [Candidate(p.device, p.description or p.product or "", p.serial_number or "")
             for p in list_ports.comports() if p.vid is not None]
    virtual = [Candidate(port, f"virtual board {name}") for name, port in running().items()]
    return sorted(found, key=lambda c: c.port) + virtual


def listed(found: list[Candidate]) -> str:
    """Ports with what they say they are, for a message."""
    return ", ".join(f"{c.port} ({c.name})" if c.name else c.port for c in found) or "none"


def choose_port(port: str | None) -> str:
    """The port (or name) given, else the one in TINYSENSE_PORT, else the only one there is."""
    named = port or os.environ.get(PORT_VARIABLE)
    if named:
        return named
    found = candidates()
    if len(found) == 1:
        return found[0].port
    if not found:
        raise TinysenseError(
            "no board found: no USB serial port and no running virtual board",
            "plug a board in, name its port with --port, or start one: tinysense emulate QEMU_M4F")
    raise TinysenseError(f"{len(found)} boards found, expected one: {listed(found)}",
                         f"choose one with --port or {PORT_VARIABLE}")


def holders(port: str) -> list[str]:
    """Processes that hold a port open, as `name (pid)`; empty where that can't be seen."""
    me, found = os.getpid(), []
    try:
        real = os.path.realpath(port)
    except OSError:
        return []       # the port has just gone
    for folder in Path("/proc").glob("[0-9]*"):
        if folder.name == str(me):
            continue
        try:
            if any(os.readlink(fd) == real for fd in (folder / "fd").iterdir()):
                found.append(f"{(folder / 'comm').read_text().strip()} ({folder.name})")
        except OSError:
            continue    # the process ended, or belongs to somebody else
    return found


def _is_serial(port: str) -> bool:
    """Whether a file is a serial port, or one that can't be opened to find out."""
    try:
        if not stat.S_ISCHR(os.stat(port).st_mode):
            return False
        fd = os.open(port, os.O_RDWR | getattr(os, "O_NOCTTY", 0) | getattr(os, "O_NONBLOCK", 0))
    except OSError:
        return True
    try:
        return os.isatty(fd)
    finally:
        os.close(fd)


def _some(names: list[str]) -> str:
    more = f" and {len(names) - SHOWN_HOLDERS} more" if len(names) > SHOWN_HOLDERS else ""
    return ", ".join(names[:SHOWN_HOLDERS]) + more


def _group_hint(port: str) -> str:
    """The command that gives the user access to a port."""
    try:
        import grp

        group = grp.getgrgid(os.stat(port).st_gid).gr_name
    except (ImportError, KeyError, OSError):
        group = "dialout"
    return f"join its group and log in again: sudo usermod -aG {group} $USER"


def explain_failure(port: str, cause: Exception) -> TinysenseError:
    """Why a port could not be opened, as one line."""
    if "://" in port:
        return TinysenseError(f"could not connect to {port}: {cause}",
                              "check that the emulator or bridge behind it runs")
    if not os.path.exists(port):
        return TinysenseError(f"port {port} does not exist; ports here: {listed(candidates())}",
                              "check the cable, or name another with --port")
    if not os.access(port, os.R_OK | os.W_OK):
        return TinysenseError(f"no permission to open {port}", _group_hint(port))
    if not _is_serial(port):
        return TinysenseError(f"{port} is not a serial port; ports here: {listed(candidates())}",
                              "name another with --port")
    who = holders(port)
    if who:
        return TinysenseError(f"port {port} is busy: held by {_some(who)}",
                              "end that program, or use another board")
    return TinysenseError(f"could not open port {port}: {cause}",
                          "check the board and that no other program uses it")


@contextlib.contextmanager
def opening(port: str, *errors: type[Exception]) -> Iterator[None]:
    """What is raised while a port is opened (these errors, or pyserial's), as explain_failure."""
    errors = (*PORT_ERRORS, ValueError, *errors)
    try:
        yield
    except errors as e:
        raise explain_failure(port, e) from e
