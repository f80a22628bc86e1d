"""How one speech model is trained, as data: a recipe.toml whose sensor is a microphone.

Read and checked like every recipe (tinysense_host.training.recipe); only the tables differ.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tinysense_host.errors import TinysenseError
from tinysense_host.labels import check_labels
from tinysense_host.training.recipe import DecisionRule, Quickened, SensorSpec, from_table

__all__ = [
    "FrontEnd",
    "SpeechAugmentation",
    "SpeechNetwork",
    "SpeechRecipe",
    "SpeechSource",
    "SpeechTraining",
    "TeacherSpec",
    "speech_recipe",
]


@dataclass(frozen=True)
class FrontEnd:
    """Features of a window of sound, and how many rows of them the network sees.

    ``window_ms`` and ``step_ms``: a row of ``channels`` values every step. The network sees
    ``rows`` rows, and runs once every ``step_rows``. ``pcan``: gain control per channel.
    """

    window_ms: int = 30
    step_ms: int = 20
    channels: int = 40
    lower_hz: float = 125.0
    upper_hz: float = 7500.0
    pcan: bool = True
    rows: int = 49
    step_rows: int = 1


@dataclass(frozen=True)
class SpeechSource:
    """Where clips come from: folders DIR/WORD/SPEAKER_nohash_N.wav.

    ``folder`` and ``noise`` lie below shared/data; ``url`` is an archive with such folders, taken
    where there is a network and neither ``folder`` nor --data is there. ``rest`` is the label of
    words that are no label, ``silence`` that of noise without words ("": no such label, noise is
    ``rest``). ``most``: clips of one word at the most, ``most_rest``: of one rest word.
    ``extra``: more clip folders, given relative to the recipe's folder. ``phrases`` are spoken by
    synthetic voices: ``spoken`` clips of each, of near misses, of other speech. Both are for
    training only, but where there is no other source the voices are the speakers.
    """

    folder: str
    url: str
    sha256: str
    licence: str
    rest: str
    silence: str = ""
    noise: str = ""
    most: int = 100_000
    most_rest: int = 100_000
    extra: tuple[str, ...] = ()
    phrases: tuple[str, ...] = ()
    spoken: tuple[int, int, int] = (2000, 2000, 2000)


@dataclass(frozen=True)
class SpeechAugmentation:
    """How far training sound strays from the clips.

    ``copies``: of each clip, fewer where that would make more than about ``windows`` in all.
    ``speed``: largest natural logarithm of the change of speed and pitch. ``room``: chance of a
    synthetic room, ``room_s`` its longest reverberation time. ``level_db``: peaks of words, dB of
    full scale. ``snr_db``: speech over noise. ``noiseless``: chance of hardly any noise.
    ``gap_ms``: between clips of a stream; ``flowing``: the chance that the next follows without
    one. ``tail_ms``: from the clip's end to the window's; ``anywhere``: short clips lie anywhere in
    the window instead. ``background``: chance of a stream of other speech after one of words.
    Masks (rows, channels) and ``warp`` (of the channel axis) act on features; ``mixup`` is the
    chance of a blend of two.
    """

    copies: int = 12
    windows: int = 100_000
    speed: float = 0.15
    room: float = 0.4
    room_s: float = 0.4
    level_db: tuple[float, float] = (-36.0, -3.0)
    snr_db: tuple[float, float] = (3.0, 30.0)
    noiseless: float = 0.3
    gap_ms: tuple[int, int] = (200, 900)
    tail_ms: tuple[int, int] = (-100, 100)
    anywhere: bool = True
    row_mask: int = 8
    channel_mask: int = 6
    warp: float = 0.08
    mixup: float = 0.3
    background: float = 0.3
    flowing: float = 0.0


@dataclass(frozen=True)
class SpeechNetwork:
    """A convolution over time and channels, then blocks over time, then mean, dense, softmax.

    ``first``: (filters, rows, channels, channel stride), a row of it every ``step`` rows; ``mix``:
    filters after a convolution that joins all bands of a row. A block is (filters, rows, stride):
    a depthwise convolution over time and a pointwise one. Nothing is padded in time, so that the
    network can stream.
    """

    first: tuple[int, int, int, int]
    mix: int
    blocks: tuple[tuple[int, int, int], ...]
    dropout: float = 0.2
    step: int = 1


@dataclass(frozen=True)
class SpeechTraining:
    """Optimiser and length: ``steps`` batches. ``folds``: parts by speaker, of which ``tested`` is
    never trained on. ``rest`` and ``silence``: how often those labels come, a word being 1.
    ``smoothing`` of labels. ``average``: of the weights, from a share of the steps on.
    ``mining``: drafts that look for hard negatives in ``mined`` streams each (speech/mining.py).
    """

    steps: int
    batch: int = 128
    learning_rate: float = 0.003
    weight_decay: float = 0.01
    rest: float = 1.0
    silence: float = 0.5
    smoothing: float = 0.05
    average: float = 0.995
    average_from: float = 0.5
    folds: int = 5
    tested: int = 0
    seed: int = 1
    calibration: int = 400
    golden: int = 3
    mining: int = 0
    mined: int = 300


@dataclass(frozen=True)
class TeacherSpec:
    """A published model that helps to train: ``model`` (.tflite) lies below shared/models.

    Without that file the recipe trains on labels alone. ``labels`` in the order of its outputs;
    ``weight``: of its probabilities beside the labels, both softened by ``temperature``.
    """

    model: str = ""
    url: str = ""
    sha256: str = ""
    licence: str = ""
    front_end: str = "mlperf_kws"
    labels: tuple[str, ...] = ()
    weight: float = 0.5
    temperature: float = 2.0


@dataclass(frozen=True)
class SpeechRecipe(Quickened):
    """A whole recipe for sound; ``path`` is its folder."""

    name: str
    labels: tuple[str, ...]
    sensor: SensorSpec
    source: SpeechSource
    network: SpeechNetwork
    training: SpeechTraining
    decision: DecisionRule
    front_end: FrontEnd = field(default_factory=FrontEnd)
    augmentation: SpeechAugmentation = field(default_factory=SpeechAugmentation)
    teacher: TeacherSpec = field(default_factory=TeacherSpec)
    path: Path = Path()
    quick: dict[str, dict[str, Any]] = field(default_factory=dict)

    @property
    def rate(self) -> int:
        """Samples per second."""
        return round(self.sensor.rate_hz)

    @property
    def window(self) -> int:
        """Samples of one row's window."""
        return self.rate * self.front_end.window_ms // 1000

    @property
    def hop(self) -> int:
        """Samples from row to row."""
        return self.rate * self.front_end.step_ms // 1000

    @property
    def span(self) -> int:
        """Samples that all rows of the network's window cover."""
        return self.window + (self.front_end.rows - 1) * self.hop

    @property
    def rest(self) -> int:
        """Index of the label of all other words."""
        return self.labels.index(self.source.rest)

    def share(self, label: int) -> float:
        """How often a label comes in training, a word being 1."""
        if label == self.rest:
            return self.training.rest
        return self.training.silence if label == self.silence else 1.0

    @property
    def silence(self) -> int:
        """Index of the label of sound without words."""
        return self.labels.index(self.source.silence or self.source.rest)


def speech_recipe(table: dict[str, Any], file: Path) -> SpeechRecipe:
    """The recipe of a TOML table; TinysenseError names what is wrong with it."""
    recipe = from_table(SpeechRecipe, table | {"path": file.parent}, str(file))
    _check(recipe, file)
    try:
        check_labels(recipe.labels)
    except TinysenseError as error:
        raise TinysenseError(f"{file}: {error.message}", error.hint) from error
    _check(recipe.quickened(), file)
    return recipe


def _check(recipe: SpeechRecipe, file: Path) -> None:
    source, sensor = recipe.source, recipe.sensor
    named = {*recipe.decision.background, source.rest, source.silence} - {""}
    strange = named - set(recipe.labels)
    tables = {f.name for f in dataclasses.fields(SpeechRecipe)} - {"path", "quick"}
    checks = (
        (len(set(recipe.labels)) == len(recipe.labels) >= 2, "labels: two or more, each once"),
        (not strange, f"{', '.join(sorted(strange))} is not among the labels"),
        (len(recipe.decision.background) > 0, "decision.background must name a label"),
        (set(recipe.quick) <= tables, f"[quick] may hold tables {', '.join(sorted(tables))}"),
        (
            len(sensor.channels) == 1 and sensor.units == "pcm" and sensor.full_scale == 32768,
            'sensor must have one channel, units "pcm" and full_scale 32768',
        ),
        (sensor.rate_hz == 16000, "sensor.rate_hz must be 16000, the rate of the clips"),
        *_front_end_checks(recipe),
        *_training_checks(recipe),
        *_augmentation_checks(recipe.augmentation),
    )
    for fine, message in checks:
        if not fine:
            raise TinysenseError(f"{file}: {message}")


def _front_end_checks(recipe: SpeechRecipe) -> list[tuple[bool, str]]:
    spec = recipe.front_end
    return [
        (1 <= spec.step_ms <= spec.window_ms <= 64, "front_end: 1 <= step_ms <= window_ms <= 64"),
        (1 <= spec.step_rows <= spec.rows <= 255, "front_end: 1 <= step_rows <= rows <= 255"),
        (8 <= spec.channels <= 64, "front_end.channels must be 8 to 64"),
        (
            0 < spec.lower_hz < spec.upper_hz <= recipe.sensor.rate_hz / 2,
            "front_end: 0 < lower_hz < upper_hz <= half of sensor.rate_hz",
        ),
    ]


def _training_checks(recipe: SpeechRecipe) -> list[tuple[bool, str]]:
    net, train, spec = recipe.network, recipe.training, recipe.front_end
    left, stride = (spec.rows - net.first[1]) // max(1, net.step) + 1, net.step
    for _, kernel, step in net.blocks:
        left, stride = (left - kernel) // max(1, step) + 1, stride * step
    sizes = [*net.first, net.step, net.mix, *(n for block in net.blocks for n in block)]
    return [
        (min(sizes) >= 1, "network: every number must be 1 or more"),
        (net.first[2] <= spec.channels, "network.first: more channels than the front end has"),
        (left >= 1, "network: the kernels over time are longer than front_end.rows"),
        (
            spec.step_rows % stride == 0,
            f"network: strides multiply to {stride}, so front_end.step_rows must be a multiple",
        ),
        (min(train.steps, train.batch) >= 1, "training: steps and batch must be 1 or more"),
        (train.folds >= 2, "training.folds must be 2 or more"),
        (0 <= train.tested < train.folds, "training.tested must be below training.folds"),
        (0 <= train.mining <= 10 and train.mined >= 1, "training: mining 0 to 10, mined 1 or more"),
        (0 <= train.smoothing < 1, "training.smoothing must be 0 or more and below 1"),
        (0 <= recipe.teacher.weight <= 1, "teacher.weight must be 0 to 1"),
        (recipe.teacher.temperature >= 1, "teacher.temperature must be 1 or more"),
    ]


def _augmentation_checks(spec: SpeechAugmentation) -> list[tuple[bool, str]]:
    ranges = ("level_db", "snr_db", "gap_ms", "tail_ms")
    chances = ("room", "noiseless", "mixup", "background", "flowing")
    return [
        (min(spec.copies, spec.windows) >= 1, "augmentation.copies must be 1 or more"),
        *[
            (getattr(spec, name)[0] <= getattr(spec, name)[1],
             f"augmentation.{name} must be [smallest, largest]")
            for name in ranges
        ],
        *[
            (0 <= getattr(spec, name) <= 1, f"augmentation.{name} must be 0 to 1")
            for name in chances
        ],
        (spec.level_db[1] <= 0, "augmentation.level_db must be 0 or less"),
        (spec.gap_ms[0] >= 0, "augmentation.gap_ms must be 0 or more"),
        (0 <= spec.speed <= 0.7, "augmentation.speed must be 0 to 0.7"),
        (0 <= spec.warp <= 0.5, "augmentation.warp must be 0 to 0.5"),
    ]  # fmt: skip
