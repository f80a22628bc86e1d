"""A model listens on this computer: the board's own pipeline, with a sound driver in front."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from ..errors import TinysenseError
from .drivers import Played, SoundDriver
from .levels import Samples

__all__ = ["Heard", "Listener", "Track", "first_score", "load_hearing", "track"]

Scores = npt.NDArray[np.uint8]


@dataclass(frozen=True)
class Heard:
    """An event: ``seconds`` from the first sample to the end of the window, score 0..255."""

    seconds: float
    label: str
    score: int


@dataclass(frozen=True)
class Track:
    """Scores (n, labels) uint8 of a sound, the time of each in seconds, and the events."""

    labels: tuple[str, ...]
    times: npt.NDArray[np.float64]
    scores: Scores
    events: tuple[Heard, ...]
    thresholds: tuple[int, ...]
    smooth: int = 1
    background: tuple[str, ...] = field(default=())

    def smoothed(self) -> npt.NDArray[np.float64]:
        """The mean of the last ``smooth`` scores, which thresholds are for; NaN before."""
        sums = np.cumsum(self.scores.astype(np.float64), axis=0)
        means = np.full(sums.shape, np.nan)
        n = self.smooth
        if len(sums) >= n:
            before = np.concatenate([np.zeros((1, sums.shape[1])), sums[:-n]])
            means[n - 1 :] = (sums[n - 1 :] - before) / n
        return means


def load_hearing(path: Path | str) -> Any:
    """The device package's Model of a .tsm that listens; TinysenseError for any other."""
    import tinysense

    path = Path(path)
    if not path.is_file():
        raise TinysenseError(f"no model at {path}", "train or convert one, or give another path")
    try:
        model = tinysense.load(str(path))
    except (ValueError, OSError) as error:
        raise TinysenseError(str(error)) from error
    if model.features is None:
        raise TinysenseError(f"{path} takes tensors and not sound: it has no features",
                             "convert it with --features or --manifest")  # fmt: skip
    sensor = model.sensor
    if sensor is None or sensor.kind != "microphone":
        kind = (sensor.kind if sensor else "") or "no sensor"
        raise TinysenseError(f"{path} listens to no microphone: it is for {kind}",
                             "give a model of sound")  # fmt: skip
    if sensor.channels != 1 or sensor.units != "pcm" or sensor.rate_mhz % 1000:
        raise TinysenseError(
            f"{path} wants {sensor.channels} channels in {sensor.units} at "
            f"{sensor.rate_mhz / 1000:g} Hz: expected one in pcm at whole Hz",
            "train it on mono sound")  # fmt: skip
    return model


def first_score(model: Any) -> int:
    """Samples that a model needs before its first score."""
    features = model.features
    rows = features.rows - 1 + model.warmup * features.row_stride
    return int(model.window + rows * model.hop)


class Listener:
    """A pipeline of the device package on a sound driver.

        listener = Listener(load_hearing("keyword.tsm"), Played(samples, 16000))
        listener.run()      # calls on_scores(listener) and on_event(Heard) on the way

    ``scores`` are the newest (uint8 per label, None at first), ``seconds`` is
    the end of their window; ``windows`` and ``events`` count.
    """

    def __init__(
        self, model: Any, driver: SoundDriver,
        on_scores: Callable[[Listener], None] | None = None,
        on_event: Callable[[Heard], None] | None = None,
    ) -> None:  # fmt: skip
        import tinysense

        self.model, self.driver = model, driver
        self.scores: Any = None
        self.heard: list[Heard] = []
        self._on_scores, self._on_event = on_scores, on_event
        model.reset()
        try:
            self.pipeline = tinysense.Pipeline(driver, model, [self])
        except ValueError as error:
            raise TinysenseError(str(error)) from error
        decision = self.pipeline.decision
        self.thresholds, self.smooth = tuple(decision.threshold), int(decision.smooth)
        self.background = tuple(decision.background)

    @property
    def seconds(self) -> float:
        """From the first sample to the end of the newest window, with what was lost between."""
        model, windows = self.model, self.pipeline.windows
        frames = model.window + (windows - 1) * model.hop if windows else 0
        return float((frames + self.pipeline.dropped) * 1000 / model.sensor.rate_mhz)

    def run(self) -> None:
        """Until the driver ends."""
        self.pipeline.run()
        self.driver.close()

    def window(self, model: Any, frames: Any) -> None:
        """The pipeline's call with every score."""
        self.scores = model.scores
        if self._on_scores:
            self._on_scores(self)

    def emit(self, event: Any) -> None:
        """The pipeline's call with every event."""
        heard = Heard(event.time / 1000, str(event.label), int(event.score))
        self.heard.append(heard)
        if self._on_event:
            self._on_event(heard)

    def summary(self) -> str:
        """Counters for people."""
        pipeline, levels = self.pipeline, self.driver.meter.levels()
        seconds = pipeline.frames * 1000 / self.model.sensor.rate_mhz
        lost = f"{pipeline.dropped} LOST" if pipeline.dropped else "0 lost"
        return (f"{seconds:.2f} s, {self.driver.blocks} blocks, {pipeline.frames} samples, {lost}, "
                f"{pipeline.windows} windows, {pipeline.events} events; peak "
                f"{levels.peak_dbfs:.1f} dBFS, RMS {levels.rms_dbfs:.1f} dBFS")  # fmt: skip


def track(model: Any, samples: Samples) -> Track:
    """Scores and events of a whole sound, int16 (n,), by the model as on a board."""
    times: list[float] = []
    rows: list[bytes] = []

    def keep(listener: Listener) -> None:
        times.append(listener.seconds)
        rows.append(bytes(listener.scores))

    listener = Listener(model, Played(samples, model.sensor.rate_mhz // 1000), keep)
    listener.run()
    scores = np.frombuffer(b"".join(rows), np.uint8).reshape(len(rows), len(model.labels))
    return Track(tuple(model.labels), np.array(times), scores, tuple(listener.heard),
                 listener.thresholds, listener.smooth, listener.background)  # fmt: skip

