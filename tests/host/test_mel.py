"""The builder of the block MEL: what it writes the core takes, and what it refuses."""

from __future__ import annotations

import math

import numpy as np
import pytest

from tinysense_host.errors import TinysenseError
from tinysense_host.features import FeatureProgram, Mel, Rows
from tinysense_host.hostcore import FeatureStream

PROGRAMS = {
    "mel": FeatureProgram(1, 480, 160, (Mel(),)),
    "mfcc of two channels": FeatureProgram(2, 256, 100, (Mel(points=256, coefficients=40),)),
    "all bins, one band": FeatureProgram(1, 1, 1, (Mel(points=256, bands=1, low_hz=0, high_hz=8000),)),
    "most": FeatureProgram(1, 1024, 1024, (
        Mel(points=1024, bands=64, coefficients=64, low_hz=0, high_hz=8000), Rows(49, 5))),
    "no bin inside": FeatureProgram(1, 256, 256, (
        Mel(points=256, bands=2, low_hz=1001, high_hz=1050, floor=131071.0),)),
    "no floor": FeatureProgram(1, 256, 256, (Mel(points=256, floor=0, power=True),)),
}  # fmt: skip


@pytest.mark.parametrize("name", PROGRAMS)
def test_the_core_takes_what_is_written(name: str) -> None:
    program = PROGRAMS[name]
    stream = FeatureStream(program.to_bytes())
    assert (stream.row_outputs, stream.outputs) == (program.row_outputs, program.outputs)
    assert len(program.names()) == program.row_outputs == len(set(program.names()))
    frames = np.random.default_rng(0).integers(-999, 999, (program.window, program.channels))
    assert stream.values(frames.astype(np.int16)).shape == (1, program.row_outputs)


def test_bands_without_bins_are_the_floor() -> None:
    program = PROGRAMS["no bin inside"]
    made = FeatureStream(program.to_bytes()).values(np.full((256, 1), 9000, np.int16))
    np.testing.assert_allclose(program.floats(made), math.log(131071.0), atol=1e-3)


@pytest.mark.parametrize("mel", [Mel(), Mel(power=True), Mel(coefficients=10)])
def test_full_scale_is_an_offset(mel: Mel) -> None:
    """Samples of full_scale counts as 1.0 are the logarithm of divided samples."""
    x = np.random.default_rng(1).normal(0, 500, (480, 1)).round().astype(np.int16)
    counts = FeatureProgram(1, 480, 480, (mel,))
    scaled = FeatureProgram(1, 480, 480, (mel,), offset=mel.offset(1000.0))
    values = FeatureStream(counts.to_bytes()).values(x)
    off = counts.floats(values)[0] - scaled.floats(values)[0]
    one = math.log(1000.0) * (2 if mel.power else 1)
    wanted = np.full(len(off), one)
    if mel.coefficients:
        wanted = np.array([one * math.sqrt(2 * mel.bands), *[0] * (mel.coefficients - 1)])
    np.testing.assert_allclose(off, wanted, atol=1e-3)


@pytest.mark.parametrize(("mel", "window", "said"), [
    (Mel(points=128), 100, "128 points: expected 256, 512 or 1024"),
    (Mel(points=256), 257, "256 points for a window of 257 frames"),
    (Mel(bands=0), 480, "0 bands: expected 1..64"), (Mel(bands=65), 480, "65 bands"),
    (Mel(coefficients=41), 480, "41 coefficients of 40 bands"),
    (Mel(coefficients=-1), 480, "-1 coefficients"),
    (Mel(high_hz=8001), 480, "from 20 to 8001 Hz"), (Mel(low_hz=4000), 480, "from 4000 to 4000"),
    (Mel(low_hz=-1), 480, "from -1"), (Mel(low_hz=math.nan), 480, "from nan"),
    (Mel(rate_hz=math.inf), 480, "inf Hz"), (Mel(rate_hz=math.nan), 480, "nan Hz"),
    (Mel(floor=-1), 480, "floor -1"), (Mel(floor=math.inf), 480, "floor inf"),
    (Mel(floor=131072), 480, "floor 131072: expected 0 to below 131072"),
    (Mel(points=1024, bands=1, low_hz=0, high_hz=8000), 480, "bins between two edges"),
])  # fmt: skip
def test_what_is_refused(mel: Mel, window: int, said: str) -> None:
    with pytest.raises(TinysenseError, match=said):
        FeatureProgram(1, window, window, (mel,))
