"""Decision: scores become events, in integers only."""

# Written by device/files.py.
from .model import Model
from .types import Buffer, Thresholds
from collections.abc import Sequence
from typing import Any

SCORE_MAX: int

class Event:
    """``label``, ``score`` (0..255, smoothed) and ``time`` (ms on the frame clock).

    A pipeline uses one Event over and over: keep ``event.copy()`` if you store it.
    """
    label: str
    score: int
    time: int
    def __init__(self, label: str = '', score: int = 0, time: int = 0) -> None: ...
    def copy(self) -> Event: ...

class Decision:
    """Smoothing, a threshold per label, background labels, refractory time.

    Scores are averaged over the last ``smooth`` windows; none speaks before
    that many came. The label with the highest average (the first of equals)
    makes an event if its average is at least its threshold and it is not a
    background label. After an event none follows for ``refractory_ms``,
    counted in hops, rounded up.

    ``threshold``: steps of 1/256, 0..256; one number, a list in the order of
    ``labels``, or a dict of the labels that differ from 128.
    """
    labels: tuple[Any, ...]
    smooth: int
    threshold: Any
    background: tuple[Any, ...]
    refractory_windows: Any
    def __init__(self, labels: Sequence[str], smooth: int = 1, threshold: Thresholds = 128, background: Sequence[str] = (), refractory_ms: int = 0, hop_us: int = 1) -> None: ...
    def clear(self) -> None:
        """Forgets the scores seen: after a gap. Refractory time goes on."""
    def push(self, scores: Buffer, time: int = 0) -> Event | None:
        """Scores of one window (uint8 per label) -> an Event, or None. Never allocates."""

def thresholds(labels: Sequence[str], given: Thresholds, base: Thresholds = 128) -> list[Any]:
    """One threshold per label from a number, a list, or a dict over ``base``."""

def for_model(model: Model, config: dict[str, Any] | None = None) -> Decision:
    """The Decision a model asks for; ``smooth``, ``threshold`` and ``refractory_ms`` of
    ``config`` override it.
    """
