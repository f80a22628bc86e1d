"""Training windows that stray from the recordings as other hands would.

Two parts: ``Augmenter`` moves, turns, stretches and scales what was recorded;
``Inventor`` makes background that nobody recorded (wrong strokes, shakes,
rest, tilting), since recorded background is always too little. Three axes in
g, (frames, 3), or three more of a gyroscope in deg/s, (frames, 6), which do
what the same movement does to them; frames leave as int16.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from tinysense_host.dataset import Frames
from tinysense_host.training.folds import Example
from tinysense_host.training.recipe import Recipe

__all__ = ["Augmenter", "Inventor"]

Floats = npt.NDArray[np.float64]


class Augmenter:
    """Endless training batches from examples, the same ones for the same seed."""

    def __init__(self, recipe: Recipe, examples: Sequence[Example], seed: int) -> None:
        self.rng = np.random.default_rng(seed)
        self._by = recipe.augmentation
        self._window = recipe.window
        self._unit = 32768 / np.array(recipe.sensor.full_scales)  # counts per g, per deg/s
        by, axes = self._by, len(recipe.sensor.channels)
        self._bias = np.repeat([by.bias_g, by.bias_dps], 3)[:axes]
        self._noise = np.repeat([by.noise_g, by.noise_dps], 3)[:axes]
        self._clip = np.repeat([by.clip_g, np.inf], 3)[:axes]
        self._background = recipe.background
        self._examples: list[list[Example]] = [[] for _ in recipe.labels]
        for example in examples:
            self._examples[example.label].append(example)
        self._events = [i for i in range(len(recipe.labels)) if i not in self._background]
        known = [i for i in self._events if self._examples[i]]
        gestures = [[self._floats(e.frames) for e in self._examples[i]] for i in known]
        one_way = [k for k, i in enumerate(known) if recipe.labels[i] in self._by.one_way]
        self._inventor = Inventor(gestures, one_way, self._window, self.rng, recipe.sensor.rate_hz)

    def batch(self, size: int) -> tuple[Frames, npt.NDArray[np.int64]]:
        """int16 windows (size, window, axes) and their labels (size,)."""
        labels = np.where(
            self.rng.random(size) < self._by.background,
            self.rng.choice(self._background, size),
            self.rng.choice(self._events, size),
        )
        windows = np.stack([self._window_of(int(label)) for label in labels])
        return self._vary(windows), labels

    def varied(self, examples: Sequence[Example]) -> Frames:
        """The same variation for given examples: int16 (n, window, axes)."""
        return self._vary(np.stack([self._placed(self._floats(e.frames)) for e in examples]))

    def _floats(self, frames: Frames) -> Floats:
        return frames.astype(np.float64) / self._unit

    def _window_of(self, label: int) -> Floats:
        if label not in self._background:
            return self._placed(self._floats(self._any(label).frames))
        u = self.rng.random()
        if u < self._by.cut_short:
            return self._cut_short(self._inventor.gesture())
        if u > 1 - self._by.invented or not self._examples[label]:
            return self._placed(self._inventor.background())
        example = self._any(label)
        if example.whole is None:
            return self._placed(self._floats(example.frames))
        length = int(min(len(example.whole), self._window * self.rng.uniform(1.0, 1.25)))
        start = self.rng.integers(0, len(example.whole) - length + 1)
        return self._placed(self._floats(example.whole[start : start + length]))

    def _any(self, label: int) -> Example:
        candidates = self._examples[label]
        return candidates[self.rng.integers(len(candidates))]

    def _cut_short(self, gesture: Floats) -> Floats:
        """Only the beginning has entered the window: not yet an event."""
        seen = gesture[: max(2, int(len(gesture) * self.rng.uniform(0.25, 0.6)))]
        before = np.repeat(seen[:1], max(0, self._window - len(seen)), axis=0)
        return np.concatenate([before, seen])[-self._window :]

    def _placed(self, x: Floats) -> Floats:
        """Into the window: shifted, at another speed, unevenly; held before and after."""
        rng, by = self.rng, self._by
        speed = np.exp(rng.uniform(-by.warp, by.warp))
        length = len(x) / speed
        start = (self._window - length) / 2 + rng.uniform(-1, 1) * by.shift
        if length <= self._window:  # a little of the ends may leave the window
            start = np.clip(start, -0.06 * length, self._window - 0.94 * length)
        u = np.clip((np.arange(self._window) - start) / length, 0, 1)
        first, second = rng.normal(0, by.bend, 2) / np.pi
        bent = u + (first * np.sin(np.pi * u) + second * np.sin(2 * np.pi * u)) / 2
        at = np.clip(bent * (len(x) - 1), 0, len(x) - 1)
        low = np.minimum(at.astype(int), max(len(x) - 2, 0))
        part = (at - low)[:, None]
        placed = x[low] * (1 - part) + x[np.minimum(low + 1, len(x) - 1)] * part
        # The same path in less time takes more acceleration and faster turns; holding
        # still takes none.
        rest = _at_rest(placed.mean(axis=0))
        return np.asarray(rest + (placed - rest) * speed)

    def _vary(self, windows: Floats) -> Frames:
        """Gain, rotation, bias, noise, range: (n, window, axes) in g and deg/s to int16."""
        rng, by, n, axes = self.rng, self._by, len(windows), windows.shape[2]
        gain = np.exp(rng.uniform(-by.gain, by.gain, (n, 1, 1)))
        gain = gain * np.exp(rng.normal(0, by.axis_gain, (n, 1, axes)))
        rest = _at_rest(windows.mean(axis=1, keepdims=True))
        turned = _by_triples(rest + (windows - rest) * gain, self._rotations(n).transpose(0, 2, 1))
        turned = turned + rng.normal(0, self._bias, (n, 1, axes))
        noise = rng.normal(0, 1, turned.shape)
        turned = turned + noise * (rng.uniform(0, 1, (n, 1, 1)) * self._noise)
        counts = np.rint(np.clip(turned, -self._clip, self._clip) * self._unit)
        clipped: Frames = np.clip(counts, -32768, 32767).astype(np.int16)
        return clipped

    def _rotations(self, n: int) -> Floats:
        """Other grips: small turns about every axis, sometimes half a turn about z."""
        by = self._by
        limits = (by.rotate_x, by.rotate_y, by.rotate_z)
        angles = [np.deg2rad(np.clip(self.rng.normal(0, d / 2, n), -d, d)) for d in limits]
        turned = _turns(2, angles[2]) @ _turns(1, angles[1]) @ _turns(0, angles[0])
        half = self.rng.random(n) < by.half_turn
        turned[half] = np.diag([-1.0, -1.0, 1.0]) @ turned[half]
        return np.asarray(turned)


def _turns(axis: int, angles: Floats) -> Floats:
    """Rotation matrices (n, 3, 3) about a coordinate axis."""
    a, b = [(1, 2), (2, 0), (0, 1)][axis]
    matrices = np.repeat(np.eye(3)[None], len(angles), axis=0)
    matrices[:, a, a] = matrices[:, b, b] = np.cos(angles)
    matrices[:, b, a] = np.sin(angles)
    matrices[:, a, b] = -np.sin(angles)
    return matrices


def _at_rest(mean: Floats) -> Floats:
    """(.., axes) of a board held still: gravity as it is on average, no turning."""
    still = mean.copy()
    still[..., 3:] = 0
    return still


def _by_triples(x: Floats, turn: Floats) -> Floats:
    """(.., axes) with the accelerometer and the gyroscope turned alike."""
    return np.concatenate([x[..., i : i + 3] @ turn for i in range(0, x.shape[-1], 3)], axis=-1)


def _backward_in_time(x: Floats) -> Floats:
    """The same path from its end: accelerations stay what they were, turns are undone."""
    signs = np.repeat([1.0, -1.0], 3)[: x.shape[1]]
    return np.asarray(x[::-1] * signs)


class Inventor:
    """Background made from gestures (a list of examples in g, and deg/s, per label).

    ``one_way``: which of them are another movement when drawn backward.
    """

    def __init__(
        self,
        gestures: Sequence[Sequence[Floats]],
        one_way: Sequence[int],
        window: int,
        rng: np.random.Generator,
        rate_hz: float,
    ) -> None:
        self.rng = rng
        self._gestures = gestures
        self._one_way = one_way
        self._window = window
        self._rate_hz = rate_hz
        self._swing = _swing([x for kind in gestures for x in kind])
        self._kinds = (
            self._wrong_direction, self._halves, self._wander, self._backward,
            self._shake, self._mixed, self._rest, self._tilt,
        )  # fmt: skip

    def gesture(self) -> Floats:
        """Any recorded gesture."""
        return self._of(int(self.rng.integers(len(self._gestures))))

    def background(self) -> Floats:
        """One invention, (frames, axes)."""
        return self._kinds[int(self.rng.integers(len(self._kinds)))]()

    def _of(self, kind: int) -> Floats:
        kept = self._gestures[kind]
        return kept[int(self.rng.integers(len(kept)))]

    def _wrong_direction(self) -> Floats:
        """The poses of a gesture with its strokes turned elsewhere or mirrored."""
        x = self.gesture()
        poses = _slow(x)
        strokes = x - poses
        while True:
            turn = _orthogonal(self.rng)
            other_grip = np.abs(turn - np.diag([-1, -1, 1])).max() <= 0.6
            if np.trace(turn) < 0.8 and not other_grip:
                break
        effort = np.sqrt((strokes[:, :3] ** 2).sum(axis=1).mean())
        return poses + self._strength(
            _mirrored(strokes, turn), max(0.8 * effort, 0.25), max(3 * effort, 1.5)
        )

    def _halves(self) -> Floats:
        """The start of one gesture and the end of another."""
        if len(self._gestures) < 2:
            return self._backward()
        first, second = self.rng.permutation(len(self._gestures))[:2]
        a, b = self._of(int(first)), self._of(int(second))
        return np.concatenate(
            [
                a[: max(1, int(len(a) * self.rng.uniform(0.35, 0.6)))],
                b[int(len(b) * self.rng.uniform(0.4, 0.65)) :],
            ]
        )

    def _wander(self) -> Floats:
        """Smooth strokes of any direction and speed."""
        poses = _slow(self.gesture())
        strokes = self._noise(len(poses), int(self.rng.integers(3, 20)))
        loud = np.exp(self.rng.normal(0, 0.6, (1, strokes.shape[1])))
        strokes *= loud * self._envelope(len(poses))
        return poses + self._strength(strokes, 0.35, 2.0)

    def _backward(self) -> Floats:
        """A one-way gesture in reversed time is drawn the other way round."""
        if not self._one_way:
            return self._rest()
        return _backward_in_time(
            self._of(self._one_way[int(self.rng.integers(len(self._one_way)))])
        )

    def _shake(self) -> Floats:
        """Back and forth at 0.03 to 0.3 of the sample rate."""
        poses = _slow(self.gesture())
        n = len(poses)
        step = np.exp(self.rng.uniform(np.log(0.03), np.log(0.3)))
        phase = 2 * np.pi * np.cumsum(step * (1 + self.rng.normal(0, 0.1, n)))
        phase = phase + self.rng.uniform(0, 2 * np.pi)
        one, two = (_direction(self.rng) for _ in range(2))
        lag = self.rng.uniform(0, 2 * np.pi)
        strokes = np.sin(phase)[:, None] * one + 0.5 * np.sin(phase + lag)[:, None] * two
        if self._swing:  # speed of turning is ahead of the way back by a quarter
            turns = np.cos(phase)[:, None] * _direction(self.rng) * self._swing
            strokes = np.concatenate([strokes, turns], axis=1)
        return poses + self._strength(strokes * self._envelope(n), 0.3, 2.5)

    def _mixed(self) -> Floats:
        """Two gestures at once, or one hurried and repeated."""
        a, b = self.gesture(), self.gesture()
        if self.rng.random() < 0.5:
            n = min(len(a), len(b))
            strokes = _mirrored(b[:n] - _slow(b[:n]), _orthogonal(self.rng))
            return a[:n] + self._strength(strokes, 0.35, 1.5)
        fast = a[::2] * np.repeat([1.0, 2.0], 3)[: a.shape[1]]
        once_more = self.rng.random() < 0.5
        again = [fast, fast, fast] if once_more else [fast, _backward_in_time(fast)]
        return np.concatenate(again)

    def _rest(self) -> Floats:
        """At rest, or nearly, in any pose that gestures begin or end with."""
        x = self.gesture()
        pose = (x[:5] if self.rng.random() < 0.5 else x[-5:])[:, :3].mean(axis=0)
        pose = pose + self.rng.normal(0, 0.15, 3)
        later = pose + self.rng.normal(0, 1, 3) * self.rng.choice([0.03, 0.15, 0.4])
        drift = self._noise(self._window, int(self.rng.integers(10, 60)))
        amount = np.exp(self.rng.uniform(np.log(0.01), np.log(0.15)))
        return np.asarray(self._held(np.linspace(pose, later, self._window)) + drift * amount)

    def _tilt(self) -> Floats:
        """From the pose that ends gestures to the one that begins them, or slowly."""
        x, y = self.gesture(), self.gesture()
        if self.rng.random() < 0.5 and np.abs(x[:5].mean(0) - x[-5:].mean(0)).max() > 0.4:
            return _backward_in_time(x if self.rng.random() < 0.5 else _slow(x))
        n = int(self._window * self.rng.uniform(0.7, 1.0))
        ends = [0, self.rng.uniform(0, 0.2), self.rng.uniform(0.8, 1), 1]
        way = np.interp(np.arange(n) / n, ends, [0, 0, 1, 1])[:, None]
        drift = self._noise(n, int(self.rng.integers(5, 40)))
        amount = np.exp(self.rng.uniform(np.log(0.01), np.log(0.12)))
        return np.asarray(self._held(x[0, :3] + (y[-1] - x[0])[:3] * way) + drift * amount)

    def _held(self, poses: Floats) -> Floats:
        """Poses (frames, 3) in g, with what a gyroscope reads while they change."""
        if not self._swing:
            return poses
        moved = np.gradient(poses, axis=0) * self._rate_hz
        # The slowest turn that moves gravity g so: g' = -w x g with w at right angles to g.
        turns = np.cross(moved, poses) / ((poses**2).sum(axis=1, keepdims=True) + 0.01)
        return np.concatenate([poses, np.degrees(turns)], axis=1)

    def _noise(self, n: int, width: int) -> Floats:
        """Smooth unit noise (n, axes): 1 g, and as many deg/s as go with that."""
        noise = _smooth_noise(self.rng, n, width)
        if not self._swing:
            return noise
        turns = _smooth_noise(self.rng, n, width) * self._swing
        return np.concatenate([noise, turns], axis=1)

    def _strength(self, strokes: Floats, low: float, high: float) -> Floats:
        """Scaled to a root mean square between low and high, in g."""
        have = np.sqrt((strokes[:, :3] ** 2).sum(axis=1).mean()) + 1e-9
        want = np.exp(self.rng.uniform(np.log(low), np.log(high)))
        return np.asarray(strokes * (want / have))

    def _envelope(self, n: int) -> Floats:
        """(n, 1): rises somewhere in the first 40 %, falls in the last."""
        a, b = self.rng.uniform(0, 0.4), self.rng.uniform(0.6, 1)
        knots = [0, a, min(a + 0.1, 0.5), max(b - 0.1, 0.5), b, 1]
        return np.asarray(np.interp(np.arange(n) / n, knots, [0, 0, 1, 1, 0, 0]))[:, None]


def _mirrored(strokes: Floats, turn: Floats) -> Floats:
    """Strokes in another direction; a mirror turns rotations the other way round."""
    other = [strokes[:, :3] @ turn.T]
    if strokes.shape[1] > 3:
        other.append(strokes[:, 3:] @ turn.T * np.sign(np.linalg.det(turn)))
    return np.concatenate(other, axis=1)


def _swing(gestures: Sequence[Floats]) -> float:
    """Deg/s of turning for each g of strokes, in gestures; 0 where there is no gyroscope."""
    if not gestures or gestures[0].shape[1] == 3:
        return 0.0
    force = sum(float(((x - _slow(x))[:, :3] ** 2).sum()) for x in gestures)
    turn = sum(float((x[:, 3:] ** 2).sum()) for x in gestures)
    return float(np.sqrt(turn / force)) if force > 0 and turn > 0 else 1.0


def _slow(x: Floats) -> Floats:
    """The poses beneath the strokes: a Hann mean over half the length either side."""
    half = len(x) // 2
    kernel = np.hanning(2 * half + 3)[1:-1]
    kernel /= kernel.sum()
    held = np.concatenate([np.repeat(x[:1], half, 0), x, np.repeat(x[-1:], half, 0)])
    return np.stack([np.convolve(c, kernel, "valid") for c in held.T], axis=1)


def _smooth_noise(rng: np.random.Generator, n: int, width: int) -> Floats:
    """Unit noise (n, 3) without what is faster than ``width`` frames."""
    kernel = np.hanning(width + 2)[1:-1]
    kernel /= np.sqrt((kernel**2).sum())
    noise = rng.normal(size=(n + width - 1, 3))
    return np.stack([np.convolve(c, kernel, "valid") for c in noise.T], axis=1)


def _direction(rng: np.random.Generator) -> Floats:
    v = rng.normal(size=3)
    return np.asarray(v / np.linalg.norm(v))


def _orthogonal(rng: np.random.Generator) -> Floats:
    """A random rotation or mirrored rotation (3, 3), evenly spread."""
    q, r = np.linalg.qr(rng.normal(size=(3, 3)))
    q = q * np.sign(np.diag(r))
    return np.asarray(q if rng.random() < 0.5 else -q)
