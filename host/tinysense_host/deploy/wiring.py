"""A board's first config: what its profile says about its wiring, where it has none yet."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

from tinysense_host.boards import BoardProfile, load_board, recognise
from tinysense_host.device import Device
from tinysense_host.errors import TinysenseError
from tinysense_host.sync import config_path, push
from tinysense_host.virtual import running

__all__ = ["Wiring", "wire_up"]

_HAS_DRIVER_CODE = """
import json
from tinysense import config
try:
 config.plugin("drivers", {name!r})
 print("true")
except ValueError:
 print("false")
"""


@dataclass(frozen=True)
class Wiring:
    """What was done, and what the user should know of it, one line each."""

    written: dict[str, Any] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


def wire_up(device: Device, machine: str, name: str | None = None) -> Wiring:
    """Writes the config that a profile's wiring asks for; an existing one is never touched.

    machine: what the firmware calls the board; name: a profile, instead of the
    one that this leads to. The package must be on the board. Virtual boards
    have no wiring: nothing is written for them.
    """
    profile = _profile_with_wiring(name) if name else recognise(machine)
    path = config_path()
    if device.stat(path) is not None:
        left = f"{path} on {device.port} is left as it is; remove it to get {name}'s wiring"
        return Wiring(notes=(left,) if name else ())
    if profile is None:
        unknown = (f"no profile knows the board {machine!r}: name one with --profile, or say how "
                   "its sensor is wired with `tinysense sync --set`")
        virtual = device.port in running().values()
        return Wiring(notes=() if virtual or not machine else (unknown,))
    return _write(device, profile)


def _profile_with_wiring(name: str) -> BoardProfile:
    profile = load_board(name)
    if not profile.device_config():
        raise TinysenseError(f"profile {name} says nothing about wiring",
                             "name a real board's; tinysense boards --virtual lists all")
    return profile


def _write(device: Device, profile: BoardProfile) -> Wiring:
    notes = []
    driver = profile.sensor is not None
    if profile.sensor is not None:
        kind = profile.sensor.kind
        driver = bool(device.ask(_HAS_DRIVER_CODE.format(name=kind)))
        if not driver:
            notes.append(f"{profile.title} has an {kind}, for which the board has no driver: the "
                         "driver is left unset")
    config = profile.device_config(driver)
    if config:
        push(device, config)
        confirmed = "" if profile.confirmed == "hardware" else \
            "; nobody has confirmed this profile on hardware yet: check it against your board"
        notes.append(f"{config_path()} holds the wiring of profile {profile.name} now: "
                     f"{json.dumps(config)}{confirmed}")
    return Wiring(config, tuple(notes))
