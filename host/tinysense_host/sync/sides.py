"""The device's config on both sides: what differs, and copying it either way."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from tinysense_host.device import Device
from tinysense_host.errors import TinysenseError
from tinysense_host.files import write_atomically
from tinysense_host.link.transport import BoardError

__all__ = ["BadConfig", "board_config", "checked", "config_path", "host_config", "later_keys",
           "pull", "push", "read_host"]

BACKUP = ".bak"     # after the name of the config before the last one, on either side

# Drivers and outputs that only the board has are judged there.
_CHECK_CODE = """
import json
from tinysense import config
try:
 config.check_options(json.loads({text!r}))
 print('""')
except ValueError as e:
 print(json.dumps(str(e)))
"""


class BadConfig(TinysenseError):
    """A config that is no JSON object, or that no device would take."""


def _rules() -> Any:
    """The schema, which lives in the device package."""
    from tinysense import config

    return config


def config_path() -> str:
    """Where the config is on a board."""
    return str(_rules().PATH)


def _object(text: bytes, where: str) -> dict[str, Any]:
    try:
        given = json.loads(text)
    except ValueError as e:
        raise BadConfig(f"{where} is no JSON: {e}", "mend it, or copy the other side's") from e
    if not isinstance(given, dict):
        raise BadConfig(f"{where}: expected an object, got {json.dumps(given)[:60]}",
                        "mend it, or copy the other side's")
    return given


def checked(config: dict[str, Any], where: str, device: Device | None) -> dict[str, Any]:
    """The config, BadConfig unless the device package takes it; no defaults are filled in."""
    try:
        full = _rules().validate(config)
        if device is None or _known_here(full):
            _rules().check_options(config)
        else:
            _check_there(config, device)
    except ValueError as e:
        raise BadConfig(f"{where}: {e}") from e
    return config


def _known_here(full: dict[str, Any]) -> bool:
    """Whether driver and outputs are among those that come with the package."""
    from tinysense.outputs import parts

    chosen = [("drivers", full["driver"])]
    chosen += [("outputs", parts(entry)[0]) for entry in full["outputs"]]
    try:
        for folder, name in chosen:
            _rules().plugin(folder, name)
    except ValueError:
        return False
    return True


def _check_there(config: dict[str, Any], device: Device) -> None:
    if device.remote:       # it judges what it is given
        return
    try:
        fault = device.ask(_CHECK_CODE.format(text=json.dumps(config)), timeout=30.0)
    except BoardError:      # no package there yet, or one too old to check: ours decides
        _rules().check_options(config)
        return
    if fault:
        raise ValueError(fault)


def read_host(path: Path, device: Device | None = None) -> dict[str, Any] | None:
    """The config in a host file, None where there is none.

    device: the board it is for, which may have drivers of its own.
    """
    if path.is_dir():
        raise TinysenseError(f"{path} is a folder", "give the name of a file")
    if not path.exists():
        return None
    return checked(_object(path.read_bytes(), str(path)), str(path), device)


def board_config(device: Device, judged: bool = True) -> dict[str, Any] | None:
    """The config on the board, None where there is none.

    judged: False to read one that the board would refuse, for mending it.
    """
    path = config_path()
    where = f"{device.port}:{path}"
    if device.remote:
        told = _asked(device, "config_get")
        if told is None:
            return None
        config = _object(json.dumps(told).encode(), where)
    elif device.stat(path) is None:
        return None
    else:
        config = _object(device.get(path), where)
    return checked(config, where, device) if judged else config


def _asked(device: Device, name: str, **arguments: Any) -> Any:
    try:
        return device.call(name, **arguments)
    except BoardError as e:
        if e.kind == "ConfigError":
            raise BadConfig(e.text) from e
        raise


def later_keys(config: dict[str, Any] | None) -> list[str]:
    """Keys, dotted, that a later version than this knows what to do with."""
    from tinysense.config_sync import understood

    passed: list[str] = []
    understood(config or {}, passed)
    return sorted(passed)


def _text(config: dict[str, Any]) -> bytes:
    return (json.dumps(config, indent=2, sort_keys=True, ensure_ascii=False) + "\n").encode()


def push(device: Device, config: dict[str, Any]) -> None:
    """Writes the board's config; it appears under its name only when whole.

    The one before stays beside it, its name ending in BACKUP.
    """
    if device.remote:
        _asked(device, "config_set", config=config)
        return
    path = config_path()
    if device.stat(path) is not None:
        device.put(device.get(path), path + BACKUP)
    device.put(_text(config), path)


def pull(path: Path, config: dict[str, Any]) -> None:
    """Writes the host's file, likewise."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.is_file():
        write_atomically(path.with_name(path.name + BACKUP), path.read_bytes())
    write_atomically(path, _text(config))


def _set(config: dict[str, Any], key: str, value: Any) -> None:
    """Sets a dotted key; objects on the way are copied, not changed."""
    inside = config
    *above, leaf = key.split(".")
    for name in above:
        found = inside.get(name, {})
        if not isinstance(found, dict):
            raise TinysenseError(f"{key}: {name} is {found!r}, which has no keys inside",
                                 "expected the name of an object, such as driver_options")
        inside[name] = dict(found)
        inside = inside[name]
    inside[leaf] = value


def host_config(settings: list[str], base: dict[str, Any] | None = None,
                device: Device | None = None) -> dict[str, Any]:
    """base with `key=value` settings applied; a value is JSON, else text. Checked.

    device: as in read_host.
    """
    config = dict(base or {})
    for setting in settings:
        key, equals, text = setting.partition("=")
        if not equals:
            raise TinysenseError(f"{setting!r} is no setting", "expected key=value")
        try:
            value = json.loads(text)
        except ValueError:
            value = text
        _set(config, key, value)
    return checked(config, "these settings", device)
