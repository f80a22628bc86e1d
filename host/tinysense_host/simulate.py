"""Motion simulator: people who draw gestures in the air with a board in the hand.

A stroke is a path in the plane in front of the person. The board sits on the
end of a wand that turns about the wrist and moves with the arm; from its
orientation and acceleration follows what an accelerometer reads, gravity
included, and from how the orientation changes what a gyroscope does. Tremor,
sensor noise, bias, range and rate come on top. Everything follows from the seed.

World axes: right, forward, up. Board axes at rest and level: x backward along
the wand, y right, z up. Angles in radians, lengths in metres, readings in g
and deg/s.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from tinysense.channels import spoken
from tinysense_host.dataset import Dataset, Label, Recording
from tinysense_host.errors import TinysenseError
from tinysense_host.training.recipe import SensorSpec

__all__ = [
    "LABELS",
    "RANGES_DPS",
    "RANGES_G",
    "RATES_HZ",
    "Person",
    "Sensor",
    "gesture",
    "person",
    "simulate",
    "simulate_into",
]

Floats = npt.NDArray[np.float64]

LABELS = ("negative", "ring", "slope", "wing")
RATES_HZ = (1.0, 1000.0)  # hands move slowly; memory and time grow with the rate
RANGES_G = (0.1, 1000.0)
RANGES_DPS = (10.0, 10000.0)
GRAVITY = 9.80665  # m/s2, standard gravity (ISO 80000-3)
_AXES_G, _AXES_DPS = ("x", "y", "z"), ("gx", "gy", "gz")
_UNITS_SIX = ("g",) * 3 + ("deg/s",) * 3
_FINE = 8  # steps of the motion per sample: the sensor averages over them
_NAMES = ("ada", "bob", "cleo", "dan", "eve", "finn", "gia", "hugo", "ines", "jon", "kim", "leo")

# Corners of what is drawn, (right, up) in units of the stroke's size. All
# gestures start high: the wand points up when it rests.
_WING = ((0.0, 1.0), (0.25, 0.0), (0.5, 0.85), (0.75, 0.0), (1.0, 1.0))
_SLOPE = ((0.45, 1.0), (0.0, 0.0), (1.0, 0.0))
_OTHERS = (
    ((0.0, 1.0), (0.0, 0.0)),
    ((0.0, 1.0), (0.0, 0.0), (0.0, 1.0)),
    ((0.0, 1.0), (1.0, 1.0)),
    ((0.0, 1.0), (1.0, 1.0), (0.0, 1.0)),
    ((0.0, 1.0), (0.5, 0.0), (1.0, 1.0)),
    ((0.0, 1.0), (1.0, 1.0), (0.0, 0.0), (1.0, 0.0)),
    ((0.0, 1.0), (1.0, 0.5), (0.0, 0.0)),
    ((0.0, 1.0), (1.0, 0.0)),
    ((0.0, 1.0), (0.0, 0.0), (-1.0, 0.0)),
    ((0.0, 1.0), (0.3, 1.6), (0.6, 1.0)),
)


@dataclass(frozen=True)
class Sensor:
    """What the accelerometer makes of the motion, and the gyroscope where its range is above 0.

    Both turn the same motion of the same seed into the same numbers whether the
    other is there or not.
    """

    rate_hz: float = 25.0
    full_scale_g: float = 4.0
    noise_g: float = 0.008
    bias_g: float = 0.02
    full_scale_dps: float = 0.0
    noise_dps: float = 0.1
    bias_dps: float = 1.0

    def __post_init__(self) -> None:
        for what, unit, value, (low, high) in (
            ("rate", "Hz", self.rate_hz, RATES_HZ),
            ("range", "g", self.full_scale_g, RANGES_G),
            ("range", "deg/s", self.full_scale_dps or RANGES_DPS[0], RANGES_DPS),
        ):
            if not low <= value <= high:
                raise TinysenseError(
                    f"the simulator's {what} must be {low:g} to {high:g} {unit}, not {value:g}"
                )


    @classmethod
    def of(cls, spec: SensorSpec) -> Sensor:
        """The one that a recipe describes; TinysenseError where this simulator has no such."""
        ranges, six = spec.full_scales, (*_AXES_G, *_AXES_DPS)
        if spec.channels == _AXES_G and spec.units == "g":
            even = len(set(ranges)) == 1
            dps = 0.0
        else:
            even = (spec.channels, spec.units) == (six, _UNITS_SIX) and ranges == (
                ranges[:1] * 3 + ranges[3:4] * 3)
            dps = ranges[-1]
        if not even:
            raise TinysenseError(
                f"the simulator has no sensor of {' '.join(spec.channels)} in {spoken(spec.units)} "
                f"with ranges {spoken(spec.full_scale)}",
                f"it has {' '.join(_AXES_G)} in g, and with them {' '.join(_AXES_DPS)} in deg/s",
            )
        return cls(spec.rate_hz, ranges[0], full_scale_dps=dps)


@dataclass(frozen=True)
class Person:
    """How somebody holds and moves the wand: means that each try varies around."""

    name: str
    pitch: float  # of the resting wand, up is positive
    roll: float
    swing: float  # change of pitch over a stroke of size 1
    turn: float  # change of yaw over a stroke of size 1
    twist: float  # roll that comes with moving to the right
    wand: float  # wrist to board
    arm: float  # how far the wrist itself moves over a stroke of size 1
    slant: float  # the drawing plane's rotation
    aspect: float  # width over height
    tempo: float  # duration, 1 is middling
    corner_s: float  # how long a corner takes
    tremor_g: float
    tremor_hz: float
    variation: float  # spread from try to try
    seed: int


def person(number: int, seed: int = 1) -> Person:
    """Person ``number`` of the crowd that belongs to ``seed``."""
    rng = np.random.default_rng([seed, number])
    name = _NAMES[number % len(_NAMES)] + (str(number // len(_NAMES)) * (number >= len(_NAMES)))
    return Person(
        name=name,
        pitch=rng.uniform(0.5, 0.95), roll=rng.normal(0.3, 0.12),
        swing=rng.uniform(0.55, 1.1), turn=rng.uniform(0.35, 0.9), twist=rng.normal(0.0, 0.15),
        wand=rng.uniform(0.25, 0.45), arm=rng.uniform(0.05, 0.22),
        slant=rng.normal(0.0, 0.10), aspect=np.exp(rng.normal(0.0, 0.15)),
        tempo=np.exp(rng.normal(0.0, 0.18)), corner_s=rng.uniform(0.08, 0.2),
        tremor_g=rng.uniform(0.004, 0.03), tremor_hz=rng.uniform(5.0, 11.0),
        variation=rng.uniform(0.06, 0.14), seed=seed * 1000 + number,
    )  # fmt: skip


# ---- Strokes: paths over time, (steps, 2) ----


def _ease(steps: int) -> Floats:
    """0 to 1 with the least jerk (Flash and Hogan 1985, equation A2)."""
    t = np.linspace(0.0, 1.0, max(steps, 2))
    return np.asarray(10 * t**3 - 15 * t**4 + 6 * t**5)


def _corners(points: tuple[tuple[float, float], ...], seconds: float, dt: float) -> Floats:
    """Straight strokes from corner to corner, time shared by length."""
    at = np.array(points)
    lengths = np.hypot(*np.diff(at, axis=0).T) ** 0.6
    pieces = [at[:1]]
    for a, b, share in zip(at, at[1:], lengths / lengths.sum(), strict=False):
        pieces.append(a + (b - a) * _ease(round(share * seconds / dt))[1:, None])
    return np.concatenate(pieces)


def _circle(turns: float, seconds: float, dt: float) -> Floats:
    """From the top, clockwise for positive ``turns``."""
    angle = 2 * np.pi * turns * _ease(round(seconds / dt))
    return np.stack([0.5 * np.sin(angle), 0.5 + 0.5 * np.cos(angle)], axis=1)


def _smoothed(path: Floats, steps: int) -> Floats:
    kernel = np.hanning(max(3, steps // 2 * 2 + 1) + 2)[1:-1]
    kernel /= kernel.sum()
    pad = len(kernel) // 2
    held = np.concatenate([np.repeat(path[:1], pad, 0), path, np.repeat(path[-1:], pad, 0)])
    return np.stack([np.convolve(c, kernel, "valid") for c in held.T], axis=1)


def _wing(who: Person, rng: np.random.Generator, dt: float) -> Floats:
    points = np.array(_WING) + rng.normal(0, 0.05, (len(_WING), 2))
    return _corners(tuple(map(tuple, points)), who.tempo * rng.uniform(1.5, 1.9), dt)


def _ring(who: Person, rng: np.random.Generator, dt: float) -> Floats:
    return _circle(rng.uniform(0.92, 1.08), who.tempo * rng.uniform(1.2, 1.7), dt)


def _slope(who: Person, rng: np.random.Generator, dt: float) -> Floats:
    points = np.array(_SLOPE) + rng.normal(0, 0.05, (len(_SLOPE), 2))
    return _corners(tuple(map(tuple, points)), who.tempo * rng.uniform(0.95, 1.35), dt)


def _negative(who: Person, rng: np.random.Generator, dt: float) -> Floats:
    """Everything else: rest, wandering, shaking, other shapes, shapes drawn backward."""
    kind = rng.integers(6)
    seconds = who.tempo * rng.uniform(1.0, 2.4)
    steps = round(seconds / dt)
    if kind == 0:
        return np.repeat([[0.0, rng.uniform(0.0, 1.0)]], steps, 0)
    if kind == 1:
        walk = np.cumsum(rng.normal(0, 1, (steps, 2)), axis=0) * np.sqrt(dt / seconds)
        return _smoothed(walk * rng.uniform(0.3, 1.2) + (0, 1), round(0.4 / dt))
    if kind == 2:
        phase = 2 * np.pi * rng.uniform(1.5, 4.5) * np.arange(steps) * dt
        there = np.sin(phase)[:, None] * rng.normal(0, 0.25, 2)
        return np.asarray(there * np.hanning(steps)[:, None] ** 0.3 + (0, 1))
    if kind == 3:
        return _circle(-rng.uniform(0.9, 1.1), seconds, dt)
    if kind == 4:
        drawn = (_wing, _slope)[rng.integers(2)](who, rng, dt)
        return drawn[::-1] if drawn[-1, 1] < 0.5 else drawn * (-1, -1) + (0, 2)
    return _corners(_OTHERS[rng.integers(len(_OTHERS))], seconds, dt)


_STROKES: dict[str, Callable[[Person, np.random.Generator, float], Floats]] = {
    "negative": _negative,
    "ring": _ring,
    "slope": _slope,
    "wing": _wing,
}


# ---- Motion to readings ----


def _readings(
    who: Person, path: Floats, dt: float, rng: np.random.Generator
) -> tuple[Floats, Floats]:
    """What perfect sensors on the wand read: (steps, 3) in g, (steps, 3) in deg/s."""
    vary = np.exp(rng.normal(0, who.variation, 4))
    slant = who.slant + rng.normal(0, who.variation)
    turn = np.array([[np.cos(slant), -np.sin(slant)], [np.sin(slant), np.cos(slant)]])
    right, up = ((path - path[0]) * (who.aspect, 1.0) @ turn.T).T
    pitch = who.pitch + rng.normal(0, 0.08) + who.swing * vary[0] * up
    yaw = who.turn * vary[1] * right
    roll = who.roll + rng.normal(0, 0.08) + who.twist * right
    along = np.stack(
        [np.sin(yaw) * np.cos(pitch), np.cos(yaw) * np.cos(pitch), np.sin(pitch)], axis=1
    )
    normal = np.stack(
        [-np.sin(yaw) * np.sin(pitch), -np.cos(yaw) * np.sin(pitch), np.cos(pitch)], axis=1
    )
    side = np.cross(along, normal)
    place = who.wand * along
    place[:, 0] += who.arm * vary[2] * right
    place[:, 2] += who.arm * vary[2] * up
    speed = np.gradient(place, dt, axis=0)
    force = np.gradient(speed, dt, axis=0) / GRAVITY + (0.0, 0.0, 1.0)
    cos, sin = np.cos(roll)[:, None], np.sin(roll)[:, None]
    axes = np.stack([-along, cos * side + sin * normal, cos * normal - sin * side], axis=1)
    forces = np.stack([(force * axes[:, i]).sum(axis=1) for i in range(3)], axis=1)
    return forces, _turning(axes, dt)


def _turning(axes: Floats, dt: float) -> Floats:
    """Angular rate about the board's axes (steps, 3), unit vectors in the world: deg/s.

    An axis e that turns with the board moves at w x e, so its velocity along
    the next axis is the rate about the third.
    """
    moved = np.gradient(axes, dt, axis=0)
    rates = [(moved[:, (i + 1) % 3] * axes[:, (i + 2) % 3]).sum(axis=1) for i in range(3)]
    return np.asarray(np.degrees(np.stack(rates, axis=1)))


def _measured(
    who: Person, readings: tuple[Floats, Floats], sensor: Sensor, rng: np.random.Generator
) -> npt.NDArray[np.int16]:
    """Tremor, bandwidth, noise, bias and range: int16 frames at the sensor's rate."""
    forces, turning = readings
    bias = np.random.default_rng([who.seed, 7]).normal(0, sensor.bias_g, 3)
    dt = 1 / (sensor.rate_hz * _FINE)
    t = np.arange(len(forces)) * dt
    wobble = np.cumsum(rng.normal(0, 1, len(t))) * np.sqrt(dt) * 2
    phase = 2 * np.pi * who.tremor_hz * t + wobble
    shifts = rng.uniform(0, 2 * np.pi, 3)
    tremor = who.tremor_g * np.sin(phase[:, None] + shifts)
    sampled = _sampled(forces + tremor)
    noisy = sampled + bias + rng.normal(0, sensor.noise_g, sampled.shape)
    frames = _counts(noisy, sensor.full_scale_g)
    if not sensor.full_scale_dps:
        return frames
    # A hand that trembles by so much at that rate turns the wand about the wrist.
    amount = np.degrees(who.tremor_g * GRAVITY / (2 * np.pi * who.tremor_hz * who.wand))
    turned = _sampled(turning + amount * np.cos(phase[:, None] + shifts[[1, 2, 0]]))
    bias = np.random.default_rng([who.seed, 8]).normal(0, sensor.bias_dps, 3)
    noisy = turned + bias + rng.normal(0, sensor.noise_dps, turned.shape)
    return np.concatenate([frames, _counts(noisy, sensor.full_scale_dps)], axis=1)


def _sampled(fine: Floats) -> Floats:
    """The mean of every so many steps: what the sensor's filter leaves."""
    whole = len(fine) // _FINE
    return np.asarray(fine[: whole * _FINE].reshape(whole, _FINE, 3).mean(axis=1))


def _counts(values: Floats, full_scale: float) -> npt.NDArray[np.int16]:
    counts = np.rint(values * (32768 / full_scale))
    clipped: npt.NDArray[np.int16] = np.clip(counts, -32768, 32767).astype(np.int16)
    return clipped


def gesture(
    label: str, who: Person, sensor: Sensor, rng: np.random.Generator, strokes: int = 1
) -> npt.NDArray[np.int16]:
    """One try, with the rest before and after: int16 (frames, 3), with a gyroscope (frames, 6).

    With several ``strokes`` the hand goes from each to the next.
    """
    if label not in _STROKES:
        raise TinysenseError(
            f"the simulator draws no {label!r}", f"it knows {', '.join(sorted(_STROKES))}"
        )
    dt = 1 / (sensor.rate_hz * _FINE)
    pieces: list[Floats] = []
    for _ in range(strokes):
        path = _STROKES[label](who, rng, dt)
        if pieces:
            way = _ease(round(rng.uniform(0.6, 1.2) / dt))[:, None]
            pieces.append(pieces[-1][-1:] + (path[:1] - pieces[-1][-1:]) * way)
        before, after = (round(rng.uniform(0.25, 0.9) / dt) for _ in range(2))
        pieces += [np.repeat(path[:1], before, 0), path, np.repeat(path[-1:], after, 0)]
    path = _smoothed(np.concatenate(pieces), round(who.corner_s / dt))
    return _measured(who, _readings(who, path, dt, rng), sensor, rng)


def simulate(
    people: int = 6, per_label: int = 20, seed: int = 1, sensor: Sensor | None = None
) -> Iterator[tuple[Recording, Label]]:
    """Recordings of every person and label, and a long one of negatives per person."""
    if people < 1 or per_label < 1:
        raise TinysenseError("need at least one person and one try per label")
    if seed < 0:
        raise TinysenseError(f"the seed must be 0 or above, not {seed}")
    sensor = sensor or Sensor()
    for number in range(people):
        who = person(number, seed)
        for code, label in enumerate(LABELS):
            for take in range(per_label):
                rng = np.random.default_rng([seed, number, code, take])
                frames = gesture(label, who, sensor, rng)
                yield _recorded(f"{label}_{who.name}_{take:03}", label, who, sensor, frames)
        rng = np.random.default_rng([seed, number, len(LABELS), 0])
        frames = gesture("negative", who, sensor, rng, strokes=20)
        yield _recorded(f"negative_{who.name}_long", "negative", who, sensor, frames)


def _recorded(
    id: str, label: str, who: Person, sensor: Sensor, frames: npt.NDArray[np.int16]
) -> tuple[Recording, Label]:
    scale = (sensor.full_scale_g / 32768,) * 3 + (sensor.full_scale_dps / 32768,) * 3
    n = frames.shape[1]
    recording = Recording(
        id=id, frames=frames, rate_mhz=round(sensor.rate_hz * 1000),
        channels=(*_AXES_G, *_AXES_DPS)[:n], units=_UNITS_SIX[:n], scale=scale[:n],
        device="simulator", person=who.name, session=who.name,
        source={"simulated": True, "seed": who.seed},
    )  # fmt: skip
    return recording, Label(id, 0, len(frames), label)


def simulate_into(
    dataset: Dataset, people: int, per_label: int, seed: int = 1, sensor: Sensor | None = None
) -> int:
    """Fills a dataset; returns how many recordings were made."""
    labels = []
    for recording, label in simulate(people, per_label, seed, sensor):
        dataset.add_recording(recording)
        labels.append(label)
    dataset.set_labels(labels, {label.recording: label.end for label in labels})
    return len(labels)
