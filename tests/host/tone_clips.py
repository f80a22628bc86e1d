"""Clips of tones for tests of speech training: words that need no voices."""

from pathlib import Path

import numpy as np
import soundfile

RATE = 16000

RECIPE = """
name = "tones"
labels = ["quiet", "other", "low", "high"]
[sensor]
kind = "microphone"
units = "pcm"
channels = ["mono"]
rate_hz = 16000
full_scale = 32768
[front_end]
rows = 25
step_rows = 2
[source]
folder = ""
url = ""
sha256 = ""
licence = ""
rest = "other"
silence = "quiet"
[augmentation]
copies = 4
room = 0.2
[network]
first = [16, 3, 40, 1]
mix = 16
blocks = [[16, 5, 2], [16, 5, 1]]
[training]
steps = 150
batch = 64
folds = 3
calibration = 60
[decision]
smooth = 3
threshold = 160
background = ["quiet", "other"]
refractory_ms = 500
[quick.training]
steps = 5
"""


def tone(rng, hz, seconds=0.4):
    """int16: a tone of about ``hz`` with harmonics, fading in and out."""
    t = np.arange(int(RATE * seconds)) / RATE
    hz = hz * rng.uniform(0.95, 1.05)
    x = sum(np.sin(2 * np.pi * hz * k * t + rng.random()) / k for k in (1, 2, 3))
    return np.rint(8000 * x * np.sin(np.pi * t / seconds)).astype(np.int16)


def write_tones(folder: Path, speakers=9, each=2):
    """DIR/low, high, sweep (no label) and _silence_, clips of several speakers."""
    rng = np.random.default_rng(0)
    made = {"low": lambda: tone(rng, 300), "high": lambda: tone(rng, 1500),
            "sweep": lambda: np.concatenate([tone(rng, f, 0.1) for f in (400, 800, 1600)]),
            "_silence_": lambda: rng.normal(0, 60, RATE // 2).astype(np.int16)}  # fmt: skip
    for word, make in made.items():
        (folder / word).mkdir(parents=True)
        for speaker in range(speakers):
            for number in range(each):
                name = f"voice{speaker}_nohash_{number}.wav"
                soundfile.write(folder / word / name, make(), RATE, subtype="PCM_16")
    return folder
