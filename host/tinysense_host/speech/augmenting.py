"""Variation of sound: speed, rooms, levels, noise. Floats of about +-1 in, floats out.

Nothing here knows labels; a numpy Generator makes all choices, so a seed repeats them.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

__all__ = [
    "NOISES",
    "fitted",
    "in_room",
    "made_noise",
    "masked",
    "mixed",
    "resampled",
    "room",
    "to_int16",
    "trimmed",
    "warped",
]

Floats = npt.NDArray[np.float32]
Rng = np.random.Generator

NOISES = ("white", "pink", "brown", "blue", "hum", "clicks")


def resampled(x: Floats, factor: float) -> Floats:
    """``x`` played ``factor`` times as fast: shorter and higher, or longer and lower."""
    count = max(1, round(len(x) / factor))
    at = np.arange(count) * factor
    return np.asarray(np.interp(at, np.arange(len(x)), x), np.float32)


def room(rng: Rng, rate: int, longest_s: float) -> Floats:
    """An impulse response: the direct sound, then noise that decays by 60 dB in the chosen time.

    Its spectrum is tilted at random, as those of walls and microphones are.
    """
    decay_s = rng.uniform(0.08, max(0.1, longest_s))
    count = int(rate * decay_s)
    tail = rng.standard_normal(count) * 10 ** (-3 * np.arange(count) / count)
    tail[: int(rng.uniform(0.001, 0.01) * rate)] = 0
    tail *= 10 ** (rng.uniform(-12, 3) / 20) / max(1e-9, float(np.sqrt(np.sum(tail**2))))
    tail[0] = 1.0
    colour = rng.uniform(-0.6, 0.6)  # a first-order filter: dull or bright
    tail[1:] += colour * tail[:-1]
    return tail.astype(np.float32)


def in_room(x: Floats, response: Floats) -> Floats:
    """``x`` (n,) as heard through an impulse response, (n,): what rings on is cut off."""
    size = 1 << (len(x) + len(response) - 1).bit_length()
    spectrum = np.fft.rfft(x, size) * np.fft.rfft(response, size)
    return np.fft.irfft(spectrum, size)[: len(x)].astype(np.float32)


def made_noise(rng: Rng, count: int, rate: int, kind: str | None = None) -> Floats:
    """(count,) of noise with an rms of 1; ``kind`` is one of NOISES, by default any."""
    kind = kind or str(rng.choice(NOISES))
    if kind == "hum":
        noise = _hum(rng, count, rate)
    elif kind == "clicks":
        noise = _clicks(rng, count, rate)
    else:
        slope = {"white": 0.0, "pink": -0.5, "brown": -1.0, "blue": 0.5}[kind]
        size = 1 << max(1, count - 1).bit_length()
        frequency = np.maximum(np.arange(size // 2 + 1), 20 * size / rate)
        spectrum = np.fft.rfft(rng.standard_normal(size)) * frequency**slope
        noise = np.fft.irfft(spectrum, size)[:count]
    return (noise / max(1e-9, float(np.sqrt(np.mean(noise**2))))).astype(np.float32)


def _hum(rng: Rng, count: int, rate: int) -> npt.NDArray[np.float64]:
    """Mains or a motor: a tone with harmonics over a little noise."""
    base, t = rng.choice([50.0, 60.0, rng.uniform(80, 300)]), np.arange(count) / rate
    tones = [
        rng.uniform(0.2, 1) / k * np.sin(2 * np.pi * (base * k * t + rng.random()))
        for k in range(1, 13)
    ]
    return np.asarray(np.sum(tones, axis=0) + 0.1 * rng.standard_normal(count))


def _clicks(rng: Rng, count: int, rate: int) -> npt.NDArray[np.float64]:
    """Knocks and clicks, some a second, each a decaying burst, over a little noise."""
    noise = 0.02 * rng.standard_normal(count)
    for at in rng.integers(0, count, max(1, int(count / rate * rng.uniform(1, 6)))):
        length = min(count - at, int(rate * rng.uniform(0.002, 0.05)))
        decay = np.exp(-np.arange(length) / (0.2 * length + 1))
        noise[at : at + length] += rng.uniform(0.2, 1) * decay * rng.standard_normal(length)
    return noise


def trimmed(x: Floats, rate: int, *, below_db: float = 30.0, margin_ms: int = 40) -> Floats:
    """``x`` without the quiet before and after: 10 ms frames ``below_db`` under the loudest."""
    step = rate // 100
    count = len(x) // step
    if count < 3:
        return x
    power = np.mean(x[: count * step].reshape(count, step) ** 2, axis=1)
    loud = np.flatnonzero(power > float(power.max()) * 10 ** (-below_db / 10))
    if len(loud) == 0:
        return x
    margin = rate * margin_ms // 1000
    return x[max(0, loud[0] * step - margin) : (loud[-1] + 1) * step + margin]


def fitted(noise: Floats, count: int, rng: Rng) -> Floats:
    """(count,) cut from anywhere in ``noise``, repeated where it is shorter."""
    start = int(rng.integers(0, len(noise)))
    return np.resize(np.roll(noise, -start), count) if len(noise) < count else (
        noise[start % (len(noise) - count + 1) :][:count]
    )


def mixed(speech: Floats, noise: Floats, snr_db: float, speech_rms: float) -> Floats:
    """Speech with noise ``snr_db`` below ``speech_rms``, the rms of the speech where it speaks."""
    own = max(1e-9, float(np.sqrt(np.mean(noise**2))))
    return speech + noise * np.float32(speech_rms / own * 10 ** (-snr_db / 20))


def to_int16(x: Floats) -> npt.NDArray[np.int16]:
    """Samples of +-1 as int16, saturated as a converter does."""
    return np.clip(np.rint(x * 32768), -32768, 32767).astype(np.int16)


# ---- Features: (batch, rows, channels) ----


def masked(x: Floats, rng: Rng, rows: int, channels: int) -> Floats:
    """A band of rows and one of channels of every example set to the example's mean.

    Park et al., "SpecAugment", 2019: at most ``rows`` and ``channels`` of them.
    """
    hidden = np.zeros(x.shape, bool)
    for axis, most in ((1, rows), (2, channels)):
        width = rng.integers(0, most + 1, len(x))
        start = rng.integers(0, x.shape[axis] - width + 1)
        at = np.arange(x.shape[axis])
        band = (at >= start[:, None]) & (at < (start + width)[:, None])
        hidden |= band[:, :, None] if axis == 1 else band[:, None, :]
    return np.where(hidden, x.mean(axis=(1, 2), keepdims=True), x)


def warped(x: Floats, rng: Rng, most: float) -> Floats:
    """The channel axis stretched by up to ``most``: shorter and longer throats.

    Sixteen examples in a row are stretched alike, which is faster than each on its own.
    """
    count, out = x.shape[2], np.empty_like(x)
    for first in range(0, len(x), 16):
        at = np.minimum(np.arange(count) * np.exp(rng.uniform(-most, most)), count - 1)
        low = np.minimum(at.astype(np.int64), count - 2)
        part = (at - low).astype(np.float32)
        some = x[first : first + 16]
        out[first : first + 16] = some[:, :, low] * (1 - part) + some[:, :, low + 1] * part
    return out
