"""A model that hears whether a tone is low or high: two bands, ten rows, one dense layer by hand.

Windows of 30 ms every 10 ms at 16 kHz; an input is the newest ten rows, two of them new. The
score of "low" grows with how much louder the band below 1 kHz is than that from 2 to 4 kHz over
the ten rows, that of "high" with the reverse; "quiet" is always 100.
"""

import numpy as np

from tinysense_host.features import FeatureProgram, Rows, Spectrum
from tinysense_host.modelfile import ModelFile, Op, Tensor

RATE_HZ = 16000
LABELS = ["quiet", "low", "high"]
SENSOR = {"kind": "microphone", "units": "pcm", "channels": ["mono"], "rate_mhz": 16000000,
          "full_scale": 32768}
DECISION = {"smooth": 2, "threshold": [256, 128, 128], "background": ["quiet"],
            "refractory_ms": 300}
META = {"name": "tone", "labels": LABELS, "sensor": SENSOR, "decision": DECISION}
ROWS = 10


def program():
    """The feature program: log2 of the energy in 0..1 kHz and 2..4 kHz."""
    bands = Spectrum(points=512, edges=(1, 32, 64, 128), scale="log2", shift=8)
    return FeatureProgram(1, 480, 160, (bands, Rows(ROWS, 2)), scale=0.25, zero_point=-128)


def tone_model(feat=True, **meta):
    """Bytes of the .tsm; ``meta`` replaces keys of META, None leaves one out."""
    info = {key: value for key, value in (META | meta).items() if value is not None}
    n = 3 * ROWS
    weights = np.zeros((1, 1, 3, n), np.int8)
    weights[0, 0, 1] = [1, 0, -1] * ROWS
    weights[0, 0, 2] = [-1, 0, 1] * ROWS
    tensors = [
        Tensor("int8", (1, 1, 1, n), 0, -128, 0.25),
        Tensor("int8", (1, 1, 1, 3), 32, -128, 1 / 256),
        Tensor("int8", weights.shape, data=weights),
        Tensor("int32", (3,), data=np.array([200, 0, 0], np.int32)),
        Tensor("int32", (1,), data=np.array([1 << 30], np.int32)),
        Tensor("int8", (1,), data=np.zeros(1, np.int8)),
    ]
    ops = [Op("FULLY_CONNECTED", (0, 2, 3, 4, 5), (1,), (-128, 127))]
    return ModelFile(info, tensors, ops, 1, 1, 36, program().to_bytes() if feat else None).write()


def tone(hz, seconds, part=0.5):
    """int16 samples of a sine of so much of full scale."""
    t = np.arange(round(seconds * RATE_HZ)) / RATE_HZ
    return np.rint(32767 * part * np.sin(2 * np.pi * hz * t)).astype(np.int16)


def silence(seconds):
    """int16 zeros."""
    return np.zeros(round(seconds * RATE_HZ), np.int16)


def melody():
    """Silence, a low tone, silence, a high one, silence: half a second each."""
    parts = [silence(0.5), tone(500, 0.5), silence(0.5), tone(3000, 0.5), silence(0.5)]
    return np.concatenate(parts)
