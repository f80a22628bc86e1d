"""The device's config on both sides: what differs, and copying it either way."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tinysense_host.device import Device
from tinysense_host.errors import TinysenseError

__all__ = ["Difference", "board_config", "differences", "host_config", "pull", "push", "read_host"]

ABSENT = "absent"


@dataclass(frozen=True)
class Difference:
    """A key (dotted inside objects) whose value is not the same on both sides."""

    key: str
    host: Any
    board: Any


def _rules() -> Any:
    """The schema, which lives in the device package."""
    from tinysense import config

    return config


def _parse(text: bytes, where: str) -> dict[str, Any]:
    """A config's own keys, checked against the schema; its defaults are not filled in."""
    try:
        given = json.loads(text)
    except ValueError as e:
        raise TinysenseError(f"{where} is no JSON: {e}", "mend it, or copy the other side's") from e
    try:
        _rules().validate(given)
    except ValueError as e:
        raise TinysenseError(f"{where}: {e}") from e
    return dict(given)


def read_host(path: Path) -> dict[str, Any] | None:
    """The config in a host file, None where there is none."""
    return _parse(path.read_bytes(), str(path)) if path.is_file() else None


def board_config(device: Device) -> dict[str, Any] | None:
    """The config on the board, None where there is none."""
    path = str(_rules().PATH)
    if device.stat(path) is None:
        return None
    return _parse(device.get(path), f"{device.port}:{path}")


def differences(host: dict[str, Any] | None, board: dict[str, Any] | None,
                prefix: str = "") -> list[Difference]:
    """What differs, by key; a side without a config has no keys."""
    found = []
    host, board = host or {}, board or {}
    for key in sorted({*host, *board}):
        a, b = host.get(key, ABSENT), board.get(key, ABSENT)
        if isinstance(a, dict) and isinstance(b, dict):
            found += differences(a, b, f"{prefix}{key}.")
        elif a != b:
            found.append(Difference(prefix + key, a, b))
    return found


def _text(config: dict[str, Any]) -> bytes:
    return (json.dumps(config, indent=2, sort_keys=True, ensure_ascii=False) + "\n").encode()


def push(device: Device, config: dict[str, Any]) -> None:
    """Writes the board's config; it appears under its name only when whole."""
    device.put(_text(config), str(_rules().PATH))


def pull(path: Path, config: dict[str, Any]) -> None:
    """Writes the host's file, likewise."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(path.name + ".part")
    try:
        with part.open("wb") as file:
            file.write(_text(config))
            file.flush()
            os.fsync(file.fileno())
        os.replace(part, path)
    finally:
        part.unlink(missing_ok=True)


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


def host_config(settings: list[str], base: dict[str, Any] | None = None) -> dict[str, Any]:
    """base with `key=value` settings applied; a value is JSON, else text. Checked."""
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
    return _parse(json.dumps(config).encode(), "these settings")
