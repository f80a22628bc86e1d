"""What is known about boards: ``boards/<NAME>/board.toml``, read and checked.

A profile is data about one kind of board: which firmware it takes, how it is
emulated, how its sensor is wired. What a connected board really is and has is
asked of the board itself (``device.py``).
"""

from __future__ import annotations

import difflib
import os
import re
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tinysense_host.errors import TinysenseError

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

__all__ = ["BoardProfile", "EmulatorProfile", "SensorProfile", "boards_folder", "list_boards",
           "load_board", "native_architecture", "native_candidates", "recognise"]

# sys.implementation._mpy, bits 10 to 13, by MicroPython's py/persistentcode.h.
_ARCHITECTURES = ("", "x86", "x64", "armv6", "armv6m", "armv7m", "armv7em", "armv7emsp",
                  "armv7emdp", "xtensa", "xtensawin", "rv32imc")
# A Thumb board loads modules for every architecture up to its own in this row.
_THUMB = ("armv6m", "armv7m", "armv7em", "armv7emsp", "armv7emdp")
# What device/native can be built for.
_BUILT = ("x64", "armv6m", "armv7m", "armv7emsp", "armv7emdp", "xtensawin", "rv32imc")

# What a profile may say of a sensor besides: options that its driver must have.
_SENSOR_MORE = ("int_pin", "power_pin", "range_g", "range_dps")
_KINDS = ("qemu", "unix", "rp2040js", "real")


@dataclass(frozen=True)
class EmulatorProfile:
    """How QEMU runs the board."""

    program: str                # e.g. "qemu-system-arm"
    machine: str
    flags: tuple[str, ...]
    icount_shift: int           # one instruction takes 2^shift ns of virtual time


@dataclass(frozen=True)
class SensorProfile:
    """A motion sensor on I2C, as wired or as soldered on."""

    kind: str                   # a driver's name, e.g. "mpu6050"
    bus: int                    # machine.I2C(bus); -1: SoftI2C
    scl: int                    # pin numbers
    sda: int
    address: int
    axes: str                   # the sensor's axis for the board's x, y, z: "y -x z"
    more: dict[str, Any]        # further options of the driver: int_pin, power_pin, range_g


@dataclass(frozen=True)
class BoardProfile:
    """One kind of board."""

    name: str
    title: str
    folder: Path
    kind: str                   # "real", or what runs it here: "qemu", "unix", "rp2040js"
    port: str                   # MicroPython's port
    micropython_board: str      # the port's board whose firmware it runs
    core: str
    native_arch: str            # of its native modules, e.g. "armv6m"
    machines: tuple[str, ...]   # what its firmware calls it: sys.implementation._machine
    user_module: bool           # our firmware has _tinysense built in
    confirmed: str              # "emulated", "hardware", or "" where nobody has tried
    source: str                 # where pins and sizes come from
    notes: str
    ram_bytes: int
    heap_bytes: int             # what MicroPython has of it, about
    flash_bytes: int
    emulator: EmulatorProfile | None
    sensor: SensorProfile | None
    pins: dict[str, int | str]  # led, buzzer, servo; "LED" where it has a name only
    led_active_low: bool        # lights when its pin is low

    @property
    def virtual(self) -> bool:
        """Runs on this computer."""
        return self.kind != "real"

    def device_config(self, driver: bool = True) -> dict[str, Any]:
        """The part of the device's config that the wiring decides.

        driver: False for a device that lacks the sensor's driver. Buzzer and
        servo need to know a model's labels, so they are not in it.
        """
        config: dict[str, Any] = {}
        if self.sensor is not None and driver:
            options = {"bus": self.sensor.bus, "scl": self.sensor.scl, "sda": self.sensor.sda,
                       "address": self.sensor.address, **self.sensor.more}
            config = {"driver": self.sensor.kind, "driver_options": options,
                      "axes": self.sensor.axes}
        if "led" in self.pins:
            led: dict[str, Any] = {"kind": "led", "pin": self.pins["led"]}
            low = {"active_low": True} if self.led_active_low else {}
            config["outputs"] = ["serial", led | low]
        return config


def boards_folder() -> Path:
    """The project's ``boards/``; TINYSENSE_ROOT names the project where this package is a copy."""
    root = os.environ.get("TINYSENSE_ROOT")
    folder = (Path(root) if root else Path(__file__).resolve().parents[2]) / "boards"
    if not folder.is_dir():
        raise TinysenseError(f"no folder {folder}",
                             "run from a clone of tinysense, or set TINYSENSE_ROOT to one")
    return folder


def list_boards() -> list[str]:
    """Names of all boards that have a profile, sorted."""
    return sorted(path.parent.name for path in boards_folder().glob("*/board.toml"))


def load_board(name: str) -> BoardProfile:
    """The profile of a board; TinysenseError names near matches of an unknown one."""
    known = list_boards()
    if name not in known:
        raise TinysenseError(f"unknown board {name!r}", _suggestion(name, known))
    return read_profile(boards_folder() / name / "board.toml")


def recognise(machine: str) -> BoardProfile | None:
    """The profile of the board whose firmware calls it so; None where there is none."""
    for name in list_boards():
        profile = load_board(name)
        if machine in profile.machines:
            return profile
    return None


def _suggestion(name: str, known: list[str]) -> str:
    # A missing prefix ("M4F", "pico2") is as likely as a mistyped letter.
    upper = name.upper()
    near = [k for k in known if upper and upper in k]
    near += [k for k in difflib.get_close_matches(upper, known, n=3, cutoff=0.6) if k not in near]
    if near:
        return f"did you mean {' or '.join(near[:3])}?"
    return f"expected one of {', '.join(known)}"


class _Table:
    """A TOML table, read key by key; what nobody asked for is an error."""

    def __init__(self, path: Path, values: dict[str, Any], where: str = "") -> None:
        self._path, self._values, self._where = path, dict(values), where

    def take(self, key: str, kind: Any, default: Any = None) -> Any:
        """The key's value; without a default it must be there."""
        if key not in self._values:
            if default is None:
                raise self.error(key, "is missing")
            return default
        value = self._values.pop(key)
        if not isinstance(value, kind) or isinstance(value, bool) and kind is int:
            raise self.error(key, f"expected {_kind_name(kind)}, got {value!r}")
        return value

    def table(self, key: str) -> _Table | None:
        """A table below this one, None where there is none."""
        if key not in self._values:
            return None
        return _Table(self._path, self.take(key, dict), f"{self._where}{key}.")

    def __contains__(self, key: str) -> bool:
        return key in self._values

    def close(self) -> None:
        """Refuses keys that were not read."""
        for key in self._values:
            raise self.error(key, "is not a known key")

    def error(self, key: str, text: str) -> TinysenseError:
        return TinysenseError(f"{self._path}: {self._where}{key} {text}", "correct that file")


def _kind_name(kind: Any) -> str:
    names = {str: "text", int: "a whole number", bool: "true or false", list: "a list",
             dict: "a table", (str, bool): "a text or false"}
    return names.get(kind, "a number or a text")


def read_profile(path: Path) -> BoardProfile:
    """Reads and checks one board.toml."""
    try:
        top = _Table(path, tomllib.loads(path.read_text("utf-8")))
    except tomllib.TOMLDecodeError as e:
        raise TinysenseError(f"{path}: {e}", "correct that file") from e
    memory = top.table("memory") or _Table(path, {}, "memory.")
    pins = top.table("pins")
    profile = BoardProfile(
        name=path.parent.name, folder=path.parent, title=top.take("title", str),
        kind=top.take("kind", str), port=top.take("port", str), core=top.take("core", str),
        micropython_board=top.take("micropython_board", str, path.parent.name),
        native_arch=top.take("native_arch", str),
        machines=tuple(map(str, top.take("machines", list, []))),
        user_module=top.take("user_module", bool, True),
        confirmed=top.take("confirmed", (str, bool), "") or "", source=top.take("source", str, ""),
        notes=top.take("notes", str, ""), ram_bytes=memory.take("ram_bytes", int),
        heap_bytes=memory.take("heap_bytes", int), flash_bytes=memory.take("flash_bytes", int, 0),
        emulator=_emulator(top.table("emulator")), sensor=_sensor(top.table("sensor")),
        pins={key: pins.take(key, (int, str)) for key in ("led", "buzzer", "servo")
              if key in pins._values} if pins else {},
        led_active_low=pins.take("led_active_low", bool, False) if pins else False)
    for table in (top, memory, pins):
        if table is not None:
            table.close()
    _check(profile, path)
    return profile


def _emulator(table: _Table | None) -> EmulatorProfile | None:
    if table is None:
        return None
    emulator = EmulatorProfile(
        program=table.take("program", str), machine=table.take("machine", str),
        flags=tuple(map(str, table.take("flags", list, []) or [])),
        icount_shift=table.take("icount_shift", int))
    table.close()
    return emulator


def _sensor(table: _Table | None) -> SensorProfile | None:
    if table is None:
        return None
    more = {key: table.take(key, int) for key in _SENSOR_MORE if key in table}
    sensor = SensorProfile(
        kind=table.take("kind", str), bus=table.take("bus", int), scl=table.take("scl", int),
        sda=table.take("sda", int), address=table.take("address", int),
        axes=table.take("axes", str), more=more)
    table.close()
    return sensor


def _check(profile: BoardProfile, path: Path) -> None:
    axis = re.fullmatch(r"-?([xyz]) -?([xyz]) -?([xyz])", profile.sensor.axes
                        ) if profile.sensor else None
    for bad, text in (
            (profile.kind not in _KINDS, f"kind: expected one of {', '.join(_KINDS)}"),
            (profile.native_arch not in _BUILT,
             f"native_arch: expected one of {', '.join(_BUILT)}"),
            (profile.kind == "qemu" and profile.emulator is None, "[emulator] is missing"),
            (profile.kind == "real" and not profile.source, "source: say where the facts are from"),
            (profile.sensor is not None and (axis is None or len(set(axis.groups())) != 3),
             "sensor.axes: expected each of x y z once, as in 'y -x z'")):
        if bad:
            raise TinysenseError(f"{path}: {text}", "correct that file")


def native_architecture(mpy: int) -> str:
    """The architecture in sys.implementation._mpy, "" where native modules are not loaded."""
    code = mpy >> 10 & 15
    return _ARCHITECTURES[code] if code < len(_ARCHITECTURES) else f"unknown {code}"


def native_candidates(mpy: int) -> tuple[str, ...]:
    """Architectures of our native module that such a board loads, the best first."""
    own = native_architecture(mpy)
    accepted = _THUMB[_THUMB.index(own)::-1] if own in _THUMB else (own,)
    return tuple(name for name in accepted if name in _BUILT)
