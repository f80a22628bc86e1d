"""Reads microWakeWord manifests (ESPHome's .json beside a .tflite), versions 1 and 2.

The facts come from ESPHome's component micro_wake_word: 30 ms windows at 16 kHz, a detection
when the mean of the last ``sliding_window`` outputs (0..255) is above ``cutoff`` x 255, none in
the first 74 windows.
"""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .errors import TinysenseError

__all__ = ["Manifest", "read_manifest"]

_STEP_V1_MS = 20  # version 1 does not say it
_WINDOWS_IGNORED = 74
_REFRACTORY_MS = 2000  # a wake word is over by then
_JSON_MAX = 1 << 20


@dataclass(frozen=True)
class Manifest:
    """What a manifest says of its model."""

    wake_word: str
    cutoff: float
    sliding_window: int
    step_ms: int

    @property
    def threshold(self) -> int:
        """The least mean that is above the cutoff, where it is a whole number: 0..256."""
        return min(256, math.floor(self.cutoff * 255) + 1)

    def decision(self) -> dict[str, Any]:
        """META's decision."""
        return {"smooth": self.sliding_window, "threshold": [self.threshold], "background": [],
                "refractory_ms": _REFRACTORY_MS}  # fmt: skip

    def warmup(self, stride: int) -> int:
        """Inferences without scores, so that the first mean is there after 74 windows."""
        return max(0, -(-_WINDOWS_IGNORED // stride) - self.sliding_window)


def read_manifest(path: Path) -> Manifest:
    """Raises TinysenseError where it is no manifest of version 1 or 2."""
    try:
        raw = path.read_bytes()
        if len(raw) > _JSON_MAX:
            raise TinysenseError(f"{path} has {len(raw)} bytes: too large for a manifest")
        table = json.loads(raw)
    except OSError as error:
        raise TinysenseError(f"cannot read {path}: {error.strerror or error}") from error
    except (ValueError, RecursionError) as error:
        raise TinysenseError(f"{path} is not JSON: {error}") from error
    version = table.get("version") if isinstance(table, dict) else None
    if type(version) is not int or version not in (1, 2) or table.get("type") != "micro":
        raise TinysenseError(
            f'{path} is no manifest of microWakeWord: expected "type": "micro", "version": 1 or 2'
        )
    micro = table.get("micro")
    if not isinstance(micro, dict):
        raise TinysenseError(f'{path}: expected "micro" to be a table, got {micro!r}')
    sliding = "sliding_window_size" if version == 2 else "sliding_window_average_size"
    return Manifest(
        _text(table, "wake_word", path),
        _number(micro, "probability_cutoff", 0, 1, path),
        _whole(micro, sliding, 1, 255, path),
        _whole(micro, "feature_step_size", 1, 30, path) if version == 2 else _STEP_V1_MS,
    )


def _text(table: dict[str, Any], key: str, path: Path) -> str:
    value = table.get(key)
    if not isinstance(value, str) or not value.strip():
        raise TinysenseError(f'{path}: expected "{key}" to be a text, got {value!r}')
    return value.strip()


def _number(table: dict[str, Any], key: str, low: float, high: float, path: Path) -> float:
    value = table.get(key)
    good = isinstance(value, (int, float)) and not isinstance(value, bool)
    if not good or not low <= value <= high:  # type: ignore[operator]
        raise TinysenseError(f'{path}: expected "{key}" from {low:g} to {high:g}, got {value!r}')
    return float(value)  # type: ignore[arg-type]


def _whole(table: dict[str, Any], key: str, low: int, high: int, path: Path) -> int:
    value = _number(table, key, low, high, path)
    if value != int(value):
        raise TinysenseError(f'{path}: expected "{key}" to be whole, got {value!r}')
    return int(value)
