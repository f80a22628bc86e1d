"""The whole loop, once: what `make demo` shows, as functions that return data.

People are simulated; everything else is real: the board replays their motion
through a driver, the host records it over the link, trains, converts, proves,
uploads, and lets the board judge people that training never saw.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from tinysense_host import bench, verify
from tinysense_host.benchboard import open_board, target_of
from tinysense_host.dataset import Dataset, Recording, Segment, place, rescale
from tinysense_host.device import Device
from tinysense_host.files import write_atomically
from tinysense_host.link.session import Playback, Take, Watched, load_model, record, save, watch
from tinysense_host.link.wire import Message
from tinysense_host.modelfile import ModelFile
from tinysense_host.ondevice import BoardModel
from tinysense_host.packing import fit
from tinysense_host.simulate import Sensor, simulate_into
from tinysense_host.training import folds
from tinysense_host.training.crossval import train_with_threshold
from tinysense_host.training.recipe import Recipe
from tinysense_host.training.train import Trained

__all__ = [
    "PEOPLE",
    "UNSEEN",
    "Judged",
    "Plan",
    "capture_all",
    "confusion",
    "cost_of",
    "judge",
    "prove",
    "simulated",
    "split",
    "train_on",
]

Confusion = npt.NDArray[np.int64]

PEOPLE = 8
UNSEEN = 2  # of them: never in training


@dataclass(frozen=True)
class Plan:
    """Where the demo keeps its things, and how much of everything there is."""

    folder: Path
    recipe: Recipe
    per_label: int = 6

    @property
    def tsm(self) -> Path:
        """The trained model."""
        return self.folder / f"{self.recipe.name}.tsm"

    @property
    def tflite(self) -> Path:
        """What it was converted from."""
        return self.tsm.with_suffix(".tflite")


@dataclass(frozen=True)
class Judged:
    """One gesture of an unseen person, and the board's events while it was in sight."""

    truth: str
    events: tuple[str, ...]

    @property
    def answer(self) -> str:
        """The label of the event; "" where there was none, "several" where they differ."""
        different = set(self.events)
        return "several" if len(different) > 1 else next(iter(different), "")


def simulated(plan: Plan) -> Dataset:
    """Simulated people's gestures, the same ones every time."""
    dataset = Dataset(plan.folder / "simulated")
    sensor = Sensor.of(plan.recipe.sensor)
    simulate_into(dataset, PEOPLE, plan.per_label, sensor=sensor)
    return dataset


def capture_all(
    device: Device, source: Dataset, into: Dataset, done: Callable[[Segment, Take], None]
) -> int:
    """Replays every segment through the board and records it; frames that came back changed.

    Nobody is changed on a healthy link: the count is there to show it.
    """
    changed = 0
    for segment in source.segments():
        playback = Playback(segment.recording, segment.start, segment.end)
        seconds = (segment.end - segment.start) * 1000 / segment.recording.rate_mhz
        take = record(device, seconds, playback=playback)
        save(into, take, segment.label, segment.session, segment.person)
        same = take.frames.shape == segment.frames.shape
        changed += int((take.frames != segment.frames).sum()) if same else segment.frames.size
        done(segment, take)
    return changed


def split(dataset: Dataset) -> tuple[list[Segment], list[Segment]]:
    """(people to train on, people never seen): by person, the last ones in the alphabet unseen."""
    names = sorted({segment.person for segment in dataset.segments()})
    return dataset.split(names[-UNSEEN:])


def train_on(
    plan: Plan, dataset: Dataset, unseen: Iterable[str], progress: Callable[[int, int, float], None]
) -> Trained:
    """Trains on everybody else, quantises, converts, and writes both files."""
    hidden = set(unseen)
    examples = [e for e in folds.examples_of(dataset, plan.recipe) if e.person not in hidden]
    trained = train_with_threshold(plan.recipe, examples, progress=progress)
    plan.folder.mkdir(parents=True, exist_ok=True)
    write_atomically(plan.tflite, trained.tflite)
    write_atomically(plan.tsm, trained.tsm)
    return trained


def prove(
    plan: Plan, segments: Sequence[Segment], device: Device
) -> tuple[verify.Report, verify.Report]:
    """(host, board) against TFLite's reference kernels: odd inputs, and unseen people's windows.

    The board runs what `upload` will put there: the model packed for its core.
    """
    opened = verify.open_model(plan.tsm, plan.tflite)
    case = verify.cases_of(opened, 20) + verify.windows_case(opened, _windows(plan, segments))
    on_host = verify.compare(case, verify.HostRunner(opened.blob), opened.model.outputs)
    board = BoardModel(device, fit(opened.model, target_of(device)).write())
    try:
        return on_host, verify.compare(case, board, opened.model.outputs)
    finally:
        board.close()


def _windows(plan: Plan, segments: Sequence[Segment]) -> np.ndarray:
    scale = plan.recipe.sensor.full_scale
    return np.stack(
        [
            place(rescale(s.frames, s.recording.scale, scale), plan.recipe.window)
            for s in segments
            if s.end - s.start <= 2 * plan.recipe.window
        ]
    )


def judge(
    plan: Plan, segments: Sequence[Segment], device: Device, on_message: Callable[[Message], None]
) -> tuple[list[Judged], Watched]:
    """The board watches one person after another, a moment of rest between the gestures.

    An event belongs to the gesture that was last in the window when it came.
    """
    stream, ends = _stream(plan, segments)
    load_model(device)
    seen = watch(device, on_message=on_message, playback=Playback(stream), scores=False)
    events: list[list[str]] = [[] for _ in segments]
    for event in seen.events:
        newest = plan.recipe.window + (event.window - 1) * plan.recipe.hop
        number = int(np.searchsorted(ends, newest))
        events[min(number, len(segments) - 1)].append(event.name)
    judged = [Judged(s.label, tuple(e)) for s, e in zip(segments, events, strict=True)]
    return judged, seen


def _stream(plan: Plan, segments: Sequence[Segment]) -> tuple[Recording, np.ndarray]:
    """All gestures as one recording, and the frame at which each has left the window."""
    pieces, ends, at = [], [], 0
    for s in segments:
        rest = np.repeat(s.frames[-1:], plan.recipe.window, 0)
        pieces += [s.frames, rest]
        at += len(s.frames) + len(rest)
        ends.append(at)
    first = segments[0].recording
    whole = Recording(
        id="unseen", frames=np.concatenate(pieces), rate_mhz=first.rate_mhz,
        channels=first.channels, units=first.units, scale=first.scale,
    )  # fmt: skip
    return whole, np.array(ends)


def confusion(plan: Plan, judged: Sequence[Judged]) -> Confusion:
    """(labels, labels + 1): rows true, columns the event, the last one for several that differ.

    No event counts as the background's label, which is what it means.
    """
    labels = plan.recipe.labels
    quiet = labels[plan.recipe.background[0]]
    table = np.zeros((len(labels), len(labels) + 1), np.int64)
    for one in judged:
        answer = one.answer or quiet
        column = len(labels) if answer == "several" else labels.index(answer)
        table[labels.index(one.truth), column] += 1
    return table


def cost_of(trained: Trained, board: str | None, port: str | None) -> bench.Cost:
    """One inference: instructions on a virtual board that counts them, time on a real one."""
    with open_board(board, port, icount=True) as device:
        return bench.measure(device, fit(ModelFile.read(trained.tsm), target_of(device)).write())
