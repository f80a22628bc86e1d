"""The micro front end in numpy, written from the reference's order of work and not from the core's.

The FFT is kiss_fft's recursion, weights and unweights are two lists, roots are taken bit for bit
by their definition: what the core leaves out or turns round is here as it is there. pymicro-features
and TensorFlow's op judge both.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from tinysense_host.features import MicroFrontend
from tinysense_host.features.single import log1p

f = np.float32


def wrap(x: np.ndarray) -> np.ndarray:
    """To int16, as a C cast does."""
    return ((x + 32768) & 0xFFFF) - 32768


def rounded(x: np.ndarray) -> np.ndarray:
    return wrap((x + 16384) >> 15)


@dataclass
class Complex:
    """(windows, n) of int16 in int64."""

    re: np.ndarray
    im: np.ndarray

    def __getitem__(self, at: object) -> Complex:
        return Complex(self.re[:, at], self.im[:, at])

    def over(self, n: int) -> Complex:
        return Complex(rounded(self.re * (32767 // n)), rounded(self.im * (32767 // n)))

    def __add__(self, other: Complex) -> Complex:
        return Complex(wrap(self.re + other.re), wrap(self.im + other.im))

    def __sub__(self, other: Complex) -> Complex:
        return Complex(wrap(self.re - other.re), wrap(self.im - other.im))

    def __mul__(self, w: Complex) -> Complex:
        return Complex(rounded(self.re * w.re - self.im * w.im), rounded(self.re * w.im + self.im * w.re))

    def turned(self) -> Complex:
        """Times j."""
        return Complex(wrap(-self.im), self.re)


def unit(phase: np.ndarray) -> Complex:
    """exp(j phase) in steps of 1/32767, (1, n)."""
    return Complex(np.floor(0.5 + 32767 * np.cos(phase)).astype(np.int64)[None, :],
                   np.floor(0.5 + 32767 * np.sin(phase)).astype(np.int64)[None, :])  # fmt: skip


def complex_fft(x: Complex, n: int) -> Complex:
    if n == 1:
        return x
    radix = 4 if n % 4 == 0 else 2
    m = n // radix
    parts = [complex_fft(x[slice(q, None, radix)], m).over(radix) for q in range(radix)]
    k = np.arange(m)
    parts = [part * unit(-2 * np.pi * q * k / n) if q else part for q, part in enumerate(parts)]
    if radix == 2:
        joined = [parts[0] + parts[1], parts[0] - parts[1]]
    else:
        even, odd = parts[0] + parts[2], parts[1] + parts[3]
        rest, turned = parts[0] - parts[2], (parts[1] - parts[3]).turned()
        joined = [even + odd, rest - turned, even - odd, rest + turned]
    return Complex(np.hstack([j.re for j in joined]), np.hstack([j.im for j in joined]))


def energies(x: np.ndarray) -> np.ndarray:
    """(windows, points) int16 -> (windows, points / 2 + 1) |X|^2; bin 0 and the last one are 0."""
    points = x.shape[1]
    m = points // 2
    t = complex_fft(Complex(x[:, 0::2].astype(np.int64), x[:, 1::2].astype(np.int64)), m)
    found = np.zeros((len(x), m + 1), np.int64)
    for k in range(1, m // 2 + 1):
        a = t[slice(k, k + 1)].over(2)
        mirrored = t[slice(m - k, m - k + 1)]
        b = Complex(mirrored.re, wrap(-mirrored.im)).over(2)
        even, odd = a + b, (a - b) * unit(np.array([-math.pi * (k / m + 0.5)]))
        for at, re, im in ((k, even.re + odd.re, even.im + odd.im), (m - k, even.re - odd.re, odd.im - even.im)):
            found[:, at] = ((re >> 1) ** 2 + (im >> 1) ** 2)[:, 0]
    return found


def hann(n: int) -> np.ndarray:
    arg = f(math.pi) * f(2) / f(n)
    values = [f(0.5) - f(0.5) * f(math.cos(float(arg * (f(i) + f(0.5))))) for i in range(n)]
    return np.array([math.floor(v * f(4096) + f(0.5)) for v in values])


def mel(hz: np.float32) -> np.float32:
    return f(1127) * log1p(hz / f(700))


def filters(b: MicroFrontend) -> tuple[np.ndarray, np.ndarray]:
    """(channels + 1, bins) weights and unweights of every band."""
    bins, bands = b.points // 2 + 1, b.channels + 1
    low, high = mel(f(b.lower_hz)), mel(f(b.upper_hz))
    ends = [low + (high - low) / f(bands) * f(i + 1) for i in range(bands)]
    bin_hz = f(0.5) * f(b.rate_hz) / (f(bins) - f(1))
    weights, unweights = np.zeros((bands, bins), np.int64), np.zeros((bands, bins), np.int64)
    k = int(f(1.5) + f(b.lower_hz) / bin_hz)
    for band, end in enumerate(ends):
        begin = ends[band - 1] if band else low
        while mel(f(k) * bin_hz) <= end:
            weight = (end - mel(f(k) * bin_hz)) / (end - begin)
            weights[band, k] = math.floor(weight * f(4096) + f(0.5))
            unweights[band, k] = math.floor((f(1) - weight) * f(4096) + f(0.5))
            k += 1
    return weights, unweights


def root(x: int) -> int:
    """To the nearest; of what fits 32 bits 65535 at most."""
    whole = math.isqrt(x)
    up = x - whole * whole > whole and not (x < 1 << 32 and whole == 0xFFFF)
    return whole + up


def gain_table(b: MicroFrontend, correction: int) -> dict[int, int]:
    """Gains at the noises that the octaves' parabolas pass through."""
    def gain(x: int) -> int:
        scaled = f(x) / f(1 << (b.smoothing_bits - correction))
        power = f(math.pow(float(scaled + f(b.pcan_offset)), float(-f(b.pcan_strength))))
        value = f(1 << b.gain_bits) * power
        return 32767 if value > 32767 else int(value + f(0.5))

    inner = [x for i in range(1, 32) for x in (1 << i, (1 << i) * 3 // 2)]
    return {x: gain(x) for x in (0, 1, *inner, (1 << 32) - 1)}


def gain_at(noise: int, table: dict[int, int]) -> int:
    if noise <= 2:
        return table[noise]
    bits = noise.bit_length()
    x0 = 1 << (bits - 1)
    y0, y1, y2 = (table[x] for x in (x0, x0 * 3 // 2, min(2 * x0, (1 << 32) - 1)))
    a1 = 4 * (y1 - y0) - (y2 - y0)
    a2 = (y2 - y0) - a1
    part = (noise << (11 - bits) if bits < 11 else noise >> (bits - 11)) & 0x3FF
    return (((a2 * part >> 5) + (a1 << 5)) * part + (1 << 14) >> 15) + y0


def shrunk(x: int) -> int:
    return (x * x & 0xFFFFFFFF) >> 20 if x < 8192 else (x >> 6) - 64


def logarithm(x: int, scale_shift: int) -> int:
    if x <= 1:
        return 0
    table = [round((math.log2(1 + i / 128) - i / 128) * 65536) for i in range(129)]
    whole = x.bit_length() - 1
    part = (x - (1 << whole)) * 65536 >> whole
    c0, c1 = table[part // 512], table[part // 512 + 1]
    log2 = (whole << 16) + part + c0 + ((c1 - c0) * (part % 512) >> 16)
    return (((log2 * 45426 + 32768 >> 16) << scale_shift) + 32768) >> 16


class Oracle:
    """A stream of windows -> values, as the block MICRO_FRONTEND."""

    def __init__(self, block: MicroFrontend) -> None:
        self.block, self.window = block, hann(block.window)
        self.weights, self.unweights = filters(block)
        self.correction = block.points.bit_length() - 1 - 6
        self.gains = gain_table(block, self.correction) if block.pcan else {}
        self.noise = [0] * block.channels
        shares = (block.even_smoothing, block.odd_smoothing, block.min_signal_remaining)
        self.even, self.odd, self.remaining = (int(f(s) * f(16384)) for s in shares)

    def roots(self, windows: np.ndarray) -> np.ndarray:
        """(n, channels): what comes out of the filter bank."""
        x = wrap(windows.astype(np.int64) * self.window >> 12)
        largest = np.abs(np.where(x == -32768, 0, x)).max(axis=1)
        shifts = [15 - int(v).bit_length() for v in largest]
        padded = np.zeros((len(x), self.block.points), np.int64)
        padded[:, : x.shape[1]] = wrap(x << np.array(shifts)[:, None])
        power = energies(padded)
        sums = power @ self.weights[1:].T + power @ self.unweights[:-1].T
        return np.array([[root(int(v)) >> s for v in row] for row, s in zip(sums, shifts, strict=True)])

    def reduced(self, channel: int, x: int) -> int:
        b, share = self.block, (self.odd if channel % 2 else self.even)
        up = x << b.smoothing_bits & 0xFFFFFFFF
        noise = up * share + self.noise[channel] * (16384 - share) >> 14
        self.noise[channel] = noise
        if not b.noise_reduction:
            return x
        return max((up - min(noise, up)) >> b.smoothing_bits, x * self.remaining >> 14)

    def value(self, channel: int, x: int) -> int:
        b = self.block
        x = self.reduced(channel, x)
        if b.pcan:
            shift = b.gain_bits - self.correction - 12
            x = shrunk(x * gain_at(self.noise[channel], self.gains) >> shift & 0xFFFFFFFF)
        if b.log:
            x = logarithm(x << self.correction & 0xFFFFFFFF, b.scale_shift)
        return min(x, 65535)

    def run(self, sound: np.ndarray, hop: int) -> np.ndarray:
        """(windows, channels) of a stream that goes on."""
        windows = np.lib.stride_tricks.sliding_window_view(sound, self.block.window)[::hop]
        return np.array([[self.value(i, int(x)) for i, x in enumerate(row)] for row in self.roots(windows)])
