"""ADD of int8 with one multiplication for each input: proven, or not offered.

TFLite scales both inputs, adds, and scales the sum: six roundings. For almost
all scales there are integers with

    y = clamp((a * a_mult + b * b_mult + offset) >> shift, low, high)

for each of the 65,536 pairs of inputs. For fixed multipliers every pair bounds
the offset from below and above, so the search is over a few multipliers next to
the real ratios of the scales.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

__all__ = ["LinearAdd", "fit"]

_SHIFT_MAX = 21
_SHIFT_MIN = 12
_NEAR = (0, 1, -1, 2, -2, 3, -3)
_WIDEST = 2**31 - 1


@dataclass(frozen=True)
class LinearAdd:
    """y = clamp((a * a_mult + b * b_mult + offset) >> shift); no step leaves 32 bits."""

    a_mult: int
    b_mult: int
    offset: int
    shift: int


def fit(zero_points: tuple[int, int, int], params: Sequence[int],
        shift: int | None = None) -> LinearAdd | None:
    """Multipliers for an ADD op with these zero points (a, b, y) and parameters; None if
    there are none. ``shift`` is the one to use; otherwise the largest that works."""
    left, a_mult, a_shift, b_mult, b_shift, y_mult, y_shift, low, high = params
    steps = np.arange(-128, 128, dtype=np.int64)
    a = _scaled((steps - zero_points[0]) << left, a_mult, a_shift)
    b = _scaled((steps - zero_points[1]) << left, b_mult, b_shift)
    y = _scaled(a[:, None] + b[None, :], y_mult, y_shift) + zero_points[2]
    wanted = np.clip(y, low, high)
    slopes = [2.0**left * mult / 2**31 * 2.0**s * y_mult / 2**31 * 2.0**y_shift
              for mult, s in ((a_mult, a_shift), (b_mult, b_shift))]  # fmt: skip
    for s in (shift,) if shift is not None else range(_SHIFT_MAX, _SHIFT_MIN - 1, -1):
        found = _search(wanted, slopes, s, low, high)
        if found is not None:
            return found
    return None


def _search(wanted: np.ndarray, slopes: list[float], shift: int, low: int,
            high: int) -> LinearAdd | None:
    middle = [round(slope * 2**shift) for slope in slopes]
    if 128 * (abs(middle[0]) + abs(middle[1]) + 8) > _WIDEST // 2:
        return None
    steps = np.arange(-128, 128, dtype=np.int64)
    least, most = wanted << shift, (wanted + 1 << shift) - 1
    free = 1 << 40          # bounds that a clamped result does not set
    least = np.where(wanted == low, -free, least)
    most = np.where(wanted == high, free, most)
    for da in _NEAR:
        for db in _NEAR:
            a, b = middle[0] + da, middle[1] + db
            sums = a * steps[:, None] + b * steps[None, :]
            bottom, top = int((least - sums).max()), int((most - sums).min())
            offset = bottom + top >> 1
            widest = 128 * (abs(a) + abs(b)) + abs(offset)
            if bottom <= top and widest <= _WIDEST:
                return LinearAdd(a, b, offset, shift)
    return None


def _scaled(x: np.ndarray, mult: int, shift: int) -> np.ndarray:
    """ts_scale_twice of device/core/fixed.h, for shifts of 0 and below."""
    high = x * mult + (1 << 30) >> 31
    n = -shift
    mask = (1 << n) - 1
    return (high >> n) + ((high & mask) > (mask >> 1) + (high < 0))
