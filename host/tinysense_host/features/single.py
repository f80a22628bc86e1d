"""ln(1 + x) in single precision, the same on every computer.

C libraries differ in the last bit of their log1pf, and a filter weight may hang on that bit.
This one follows the arithmetic of Sun's fdlibm, step by step in float32: newlib on boards and
glibc before 2.41 on computers answer the same.
"""

from __future__ import annotations

import numpy as np

__all__ = ["log1p"]

_f = np.float32
# ln 2 in two parts, and the coefficients of (ln(1+s) - ln(1-s)) / s - 2 in s^2.
_LN2_HIGH, _LN2_LOW = _f(6.9313812256e-01), _f(9.0580006145e-06)
_SERIES = tuple(map(_f, (
    6.6666668653e-01, 4.0000000596e-01, 2.8571429849e-01, 2.2222198546e-01,
    1.8183572590e-01, 1.5313838422e-01, 1.4798198640e-01,
)))  # fmt: skip
_ROOT2_LESS_1 = _f(np.uint32(0x3ED413D7).view(np.float32))
_ROOT2_FRACTION = 0x3504F7  # of the mantissa


def _reduced(x: np.float32) -> tuple[int, np.float32, np.float32]:
    """(k, f, c): 1 + x = 2^k (1 + f) within a factor of root 2; c makes up for what 1 + x lost."""
    if x < _ROOT2_LESS_1:
        return 0, x, _f(0)
    u = _f(1) + x
    bits = int(u.view(np.uint32))
    k = (bits >> 23) - 127
    lost = (_f(1) - (u - x) if k > 0 else x - (u - _f(1))) / u
    fraction = bits & 0x7FFFFF
    above = fraction >= _ROOT2_FRACTION
    mantissa = np.uint32(fraction | (0x3F000000 if above else 0x3F800000)).view(np.float32)
    return k + above, _f(mantissa) - _f(1), lost


def log1p(x: np.float32) -> np.float32:
    """ln(1 + x) for x from 0 to 1e7."""
    if x < _f(2.0**-29):
        return x
    k, f, c = _reduced(x)
    half_square, high = _f(0.5) * f * f, _f(k) * _LN2_HIGH
    rest = _f(k) * _LN2_LOW + c
    if k > 0 and abs(f) < _f(2.0**-20):
        short = half_square * (_f(1) - _f(2 / 3) * f)
        return high + rest if f == 0 else high - ((short - rest) - f)
    s = f / (_f(2) + f)
    z = s * s
    series = _f(0)
    for coefficient in reversed(_SERIES):
        series = z * (coefficient + series)
    product = s * (half_square + series)
    return f - (half_square - product) if k == 0 else high - ((half_square - (product + rest)) - f)
