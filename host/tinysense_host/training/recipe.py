"""How one model is trained, as data: recipe.toml in the model's folder.

A recipe is read whole and checked at once; an unknown key or a wrong type is
named with its table. The table [quick] replaces single values for a demo.
"""

from __future__ import annotations

import dataclasses
import sys
from dataclasses import dataclass, field
from pathlib import Path
from types import UnionType
from typing import TYPE_CHECKING, Any, TypeVar, get_type_hints

from tinysense.channels import each, joined
from tinysense.features import Sensor
from tinysense_host.errors import TinysenseError
from tinysense_host.labels import check_labels

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

if TYPE_CHECKING:
    from tinysense_host.modelfile import ModelFile
    from tinysense_host.speech.recipe import SpeechRecipe

__all__ = [
    "Augmentation",
    "DecisionRule",
    "Network",
    "Quickened",
    "Reading",
    "Recipe",
    "SensorSpec",
    "Source",
    "Training",
    "from_table",
    "load_any_recipe",
    "load_recipe",
]

T = TypeVar("T")
R = TypeVar("R", bound="Quickened")


@dataclass(frozen=True)
class SensorSpec:
    """What the model's frames are; the same numbers go into the model file."""

    kind: str
    units: str | tuple[str, ...]
    channels: tuple[str, ...]
    rate_hz: float
    full_scale: float | tuple[float, ...]

    def __post_init__(self) -> None:
        for name in ("units", "full_scale"):  # one where all channels share it
            given = getattr(self, name)
            if isinstance(given, tuple) and len(given) == len(self.channels) > 0:
                object.__setattr__(self, name, joined(given))

    @property
    def has_gyroscope(self) -> bool:
        """Whether the channels are three axes in g and three in deg/s."""
        return self.units == ("g",) * 3 + ("deg/s",) * 3

    @property
    def full_scales(self) -> tuple[float, ...]:
        """The full scale of each channel."""
        ranges: tuple[float, ...] = each(self.full_scale, len(self.channels))
        return ranges

    @property
    def rate_mhz(self) -> int:
        """Millihertz, as in files."""
        return round(self.rate_hz * 1000)


@dataclass(frozen=True)
class Source:
    """Where recordings come from: a folder below shared/data, or the simulator."""

    folder: str
    url: str
    sha256: str
    licence: str
    fold_by: str = "person"
    simulated_people: int = 8
    simulated_per_label: int = 20


@dataclass(frozen=True)
class Augmentation:
    """How far training windows stray from the recordings.

    Angles in degrees, times in frames, ``*_g`` in g, ``*_dps`` in deg/s; ``warp`` and ``gain`` are
    the largest natural logarithms. Chances are per window. ``one_way``: labels
    that are background when drawn backward.
    """

    rotate_x: float = 35.0
    rotate_y: float = 25.0
    rotate_z: float = 25.0
    half_turn: float = 0.25
    warp: float = 0.4
    bend: float = 0.15
    gain: float = 0.35
    axis_gain: float = 0.07
    shift: float = 24.0
    bias_g: float = 0.03
    noise_g: float = 0.03
    clip_g: float = 2.04
    bias_dps: float = 1.0
    noise_dps: float = 2.0
    background: float = 0.35
    invented: float = 0.5
    cut_short: float = 0.08
    one_way: tuple[str, ...] = ()


@dataclass(frozen=True)
class Network:
    """Convolutions (filters, kernel, stride) over time, mean of every ``pool``, dense layer."""

    convolutions: tuple[tuple[int, int, int], ...]
    pool: int = 1
    dropout: float = 0.3


@dataclass(frozen=True)
class Training:
    """Optimiser and length. An epoch is ``repeat`` times the number of examples.

    ``least_steps``: batches at the least, so that few examples are seen often enough.
    """

    epochs: int
    least_steps: int = 20
    batch: int = 64
    repeat: int = 2
    learning_rate: float = 0.003
    weight_decay: float = 0.0001
    average: float = 0.99
    average_from: float = 0.4
    seed: int = 1
    calibration: int = 400
    golden: int = 3


@dataclass(frozen=True)
class DecisionRule:
    """Scores to events. ``threshold`` (of 256) holds where training chooses none."""

    smooth: int
    threshold: int
    background: tuple[str, ...]
    refractory_ms: int


@dataclass(frozen=True)
class Reading:
    """How recordings become examples; ``who`` says it: a recipe, or a finished model."""

    labels: tuple[str, ...]
    background: tuple[int, ...]
    window: int
    sensor: SensorSpec
    fold_by: str = "person"
    who: str = "the recipe"

    @classmethod
    def of_model(cls, model: ModelFile) -> Reading:
        """What a .tsm says; TinysenseError where it is not made for a sensor."""
        try:
            said, rule = Sensor(model.meta["sensor"]), model.meta["decision"]
            sensor = SensorSpec(said.kind, said.units, said.axes, said.rate_mhz / 1000,
                                said.full_scale)  # fmt: skip
            background = tuple(model.labels.index(name) for name in rule["background"])
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise TinysenseError(
                f"the model {model.name!r} does not say what it reads", "give its recipe: --recipe"
            ) from error
        window = model.feature_geometry().window
        return cls(tuple(model.labels), background, window, sensor, who="the model")


class Quickened:
    """What recipes of all kinds can do; a mixin of their dataclasses."""

    labels: tuple[str, ...]
    decision: DecisionRule
    path: Path
    quick: dict[str, dict[str, Any]]

    def quickened(self: R) -> R:
        """The same recipe with the values of [quick]."""
        changed = self
        for table, values in self.quick.items():
            old = getattr(changed, table)
            merged = dataclasses.asdict(old) | values
            new = from_table(type(old), merged, f"{self.path}: [quick.{table}]")
            changed = dataclasses.replace(changed, **{table: new})  # type: ignore[type-var]
        return changed

    @property
    def background(self) -> tuple[int, ...]:
        """Indices of the labels that never make an event."""
        return tuple(self.labels.index(name) for name in self.decision.background)


@dataclass(frozen=True)
class Recipe(Quickened):
    """A whole recipe; ``path`` is its folder."""

    name: str
    labels: tuple[str, ...]
    window: int
    hop: int
    sensor: SensorSpec
    source: Source
    network: Network
    training: Training
    decision: DecisionRule
    augmentation: Augmentation = field(default_factory=Augmentation)
    path: Path = Path()
    quick: dict[str, dict[str, Any]] = field(default_factory=dict)

    @property
    def reading(self) -> Reading:
        """What of it says how recordings are read."""
        return Reading(self.labels, self.background, self.window, self.sensor, self.source.fold_by)


def load_recipe(path: Path | str) -> Recipe:
    """Reads ``path``/recipe.toml (or the file itself): a recipe for motion."""
    recipe = load_any_recipe(path)
    if not isinstance(recipe, Recipe):
        raise TinysenseError(f"the recipe {path} is for sound, expected one for motion")
    return recipe


def load_any_recipe(path: Path | str) -> Recipe | SpeechRecipe:
    """Reads ``path``/recipe.toml (or the file itself); a microphone's is a SpeechRecipe."""
    given = Path(path)
    hint = "give the folder of one, such as models/gesture"
    file = given / "recipe.toml" if given.is_dir() else given
    if given.is_dir() and not file.is_file():
        raise TinysenseError(f"the folder {given} holds no recipe.toml", hint)
    if not file.is_file():
        raise TinysenseError(f"no recipe at {given}", hint)
    if file.suffix != ".toml":
        raise TinysenseError(f"{given} is no recipe: expected a folder or a .toml", hint)
    try:
        table = tomllib.loads(file.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise TinysenseError(f"{file} is not TOML: {error}") from error
    sensor = table.get("sensor")
    if isinstance(sensor, dict) and sensor.get("kind") == "microphone":
        from tinysense_host.speech.recipe import speech_recipe

        return speech_recipe(table, file)
    recipe = from_table(Recipe, table | {"path": file.parent}, str(file))
    _check(recipe, file)
    recipe.quickened()
    return recipe


def _check(recipe: Recipe, file: Path) -> None:
    named = (*recipe.decision.background, *recipe.augmentation.one_way)
    strange = set(named) - set(recipe.labels)
    tables = {f.name for f in dataclasses.fields(Recipe)} - {"path", "quick"}
    checks = (
        (len(set(recipe.labels)) == len(recipe.labels) >= 2, "labels: two or more, each once"),
        (not strange, f"{', '.join(sorted(strange))} is not among the labels"),
        (len(recipe.decision.background) > 0, "decision.background must name a label"),
        (1 <= recipe.hop <= recipe.window <= 8192, "need 1 <= hop <= window <= 8192"),
        *_sensor_checks(recipe.sensor),
        (len(recipe.network.convolutions) >= 1, "network.convolutions must not be empty"),
        (min(recipe.training.epochs, recipe.training.batch) >= 1, "training must be at least 1"),
        (recipe.source.fold_by in ("person", "session"), "source.fold_by is person or session"),
        (set(recipe.quick) <= tables, f"[quick] may hold tables {', '.join(sorted(tables))}"),
    )
    for fine, message in checks:
        if not fine:
            raise TinysenseError(f"{file}: {message}")
    try:
        check_labels(recipe.labels)
    except TinysenseError as error:
        raise TinysenseError(f"{file}: {error.message}", error.hint) from error


def _sensor_checks(sensor: SensorSpec) -> list[tuple[bool, str]]:
    count = len(sensor.channels)
    try:
        each(sensor.units, count)
        ranges = sensor.full_scales
    except ValueError as error:
        return [(False, f"sensor.units and sensor.full_scale: {error}")]
    return [
        (
            count == 3 or (count == 6 and sensor.has_gyroscope),
            "sensor.channels must be three axes, or six: three in g and three in deg/s",
        ),
        (sensor.rate_hz > 0 and min(ranges) > 0, "sensor numbers must be > 0"),
    ]


def from_table(cls: type[T], table: Any, where: str) -> T:
    """A dataclass from a TOML table, every key and type checked; ``where`` begins messages."""
    if not isinstance(table, dict):
        raise TinysenseError(f"{where}: expected a table, got {table!r}")
    hints = get_type_hints(cls)
    fields = {f.name: f for f in dataclasses.fields(cls)}  # type: ignore[arg-type]
    unknown = sorted(set(table) - set(fields))
    if unknown:
        raise TinysenseError(
            f"{where}: unknown key {unknown[0]!r}", f"known are {', '.join(sorted(fields))}"
        )
    values = {key: _convert(hints[key], value, f"{where}: {key}") for key, value in table.items()}
    missing = [
        name
        for name, f in fields.items()
        if name not in values
        and f.default is dataclasses.MISSING
        and f.default_factory is dataclasses.MISSING
    ]
    if missing:
        raise TinysenseError(f"{where}: key {missing[0]!r} is missing")
    return cls(**values)


def _convert(kind: Any, value: Any, where: str) -> Any:
    if dataclasses.is_dataclass(kind):
        return value if isinstance(value, kind) else from_table(kind, value, where)  # type: ignore
    if isinstance(kind, UnionType):  # one value, or a list with one for each channel
        one, many = kind.__args__
        return _convert(many if isinstance(value, (list, tuple)) else one, value, where)
    origin = getattr(kind, "__origin__", kind)
    if origin is tuple:
        if not isinstance(value, (list, tuple)):
            raise TinysenseError(f"{where}: expected a list, got {value!r}")
        kinds = kind.__args__
        if kinds[-1] is Ellipsis:
            return tuple(_convert(kinds[0], item, where) for item in value)
        if len(kinds) != len(value):
            raise TinysenseError(f"{where}: expected {len(kinds)} numbers, got {value!r}")
        return tuple(_convert(k, item, where) for k, item in zip(kinds, value, strict=True))
    if origin is float and type(value) is int:
        return float(value)
    if not isinstance(value, origin) or (type(value) is bool and origin is not bool):
        raise TinysenseError(f"{where}: expected {origin.__name__}, got {value!r}")
    return value
