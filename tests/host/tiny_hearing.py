"""A model that hears tones: one word is 500 Hz, the other 2 kHz. Its scores can be told from afar.

Rows of two band levels every 20 ms, ten rows an input, a new one every two. A word's score is
the mean of its band over the rows; that of quiet is always 100.
"""

import numpy as np

from tinysense_host.features import FeatureProgram, Rows, Spectrum
from tinysense_host.modelfile import ModelFile, Op, Tensor

RATE = 16000
WINDOW, HOP, ROWS, STRIDE = 512, 320, 10, 2
LABELS = ("quiet", "low", "high")
QUIET = 100
TONES = {"low": 500.0, "high": 2000.0}
SENSOR = {"kind": "microphone", "units": "pcm", "channels": ["mono"],
          "rate_mhz": RATE * 1000, "full_scale": 32768}
DECISION = {"smooth": 1, "threshold": [256, 160, 160], "background": ["quiet"],
            "refractory_ms": 500}
_HALF = 1 << 30


def program():
    """Levels (log2 of energy, in 1/256) as int8: 12 bits of energy are the range."""
    bands = Spectrum(WINDOW, (8, 24, 48, 80), scale="log2")
    return FeatureProgram(1, WINDOW, HOP, (bands, Rows(ROWS, STRIDE)),
                          gain=(1 / 12.0,), offset=(24 * 256,), scale=1.0, zero_point=-128)


def build(labels=LABELS, warmup=0, decision=None, golden=None):
    """The bytes of the .tsm. ``labels``: some of LABELS, in any order."""
    outputs = len(labels)
    inputs = ROWS * 3
    weights = np.zeros((outputs, 1, 1, inputs), np.int8)
    bias = np.zeros(outputs, np.int32)
    for i, label in enumerate(labels):
        if label == "quiet":
            bias[i] = (QUIET - 128) * ROWS
        else:
            weights[i, 0, 0, (0 if label == "low" else 2)::3] = 1
    # The sum of ROWS values divided by ROWS: a multiplier of 1 / 10 = 0.8 x 2^-3.
    mult = np.array([round(0.8 * 2**31)], np.int32)
    tensors = [
        Tensor("int8", (1, 1, 1, inputs), 0, 0, 1.0),
        Tensor("int8", (1, 1, 1, outputs), (inputs + 3) // 4 * 4, 0, 1.0),
        Tensor("int8", (1, 1, outputs, inputs), data=weights.reshape(1, 1, outputs, inputs)),
        Tensor("int32", (outputs,), data=bias),
        Tensor("int32", (1,), data=mult),
        Tensor("int8", (1,), data=np.array([-3], np.int8)),
    ]
    ops = [Op("FULLY_CONNECTED", (0, 2, 3, 4, 5), (1,), (-128, 127))]
    meta = {"name": "tones", "labels": list(labels), "sensor": SENSOR, "warmup": warmup,
            "decision": decision or DECISION}
    arena = (inputs + 3) // 4 * 4 + 16
    return ModelFile(meta, tensors, ops, 1, 1, arena, program().to_bytes(), golden).write()


def tone(hz, seconds=1.0, level=8000, seed=0):
    """int16 (n, 1): a tone in the middle half, over faint noise."""
    n = round(seconds * RATE)
    rng = np.random.default_rng(seed)
    t = np.arange(n) / RATE
    inside = (t > seconds / 4) & (t < seconds * 3 / 4)
    wave = level * np.sin(2 * np.pi * hz * t) * inside + rng.normal(0, 3, n)
    return np.rint(wave).astype(np.int16)[:, None]


def noise(seconds, level=3, seed=1):
    """int16 (n, 1): white noise."""
    rng = np.random.default_rng(seed)
    return np.rint(rng.normal(0, level, round(seconds * RATE))).astype(np.int16)[:, None]
