"""Keeps windows that the model was not sure of, for relabelling on the computer."""

# Written by device/files.py.
from ..decision import Event
from ..model import Model
from ..types import Buffer
from collections.abc import Callable, Sequence
from typing import Any

OPTIONS: tuple[Any, ...]

def build(options: dict[str, Any]) -> NearMisses: ...

class NearMisses:
    """``NearMisses("/near", 100, 180)``: a recording per window, its note "near miss: ring=112 ..".

    ``kept`` counts them; ``missed`` those for which there was no room. A
    window that is kept takes heap and some 10 ms of flash; others cost nothing.
    Not for models that hear more than a window for a score, as those for speech do.
    """
    kept: int
    missed: int
    error: str
    def __init__(self, folder: str = '/near', low: int = 100, high: int = 180, labels: Sequence[str] = (), pause_ms: int = 2000, keep_free_kb: int = 64, now: Callable[[], int] = ...) -> None: ...
    def emit(self, event: Event) -> None:
        """Events are not its business."""
    def window(self, model: Model, frames: Buffer) -> None: ...

def note(model: Model) -> str:
    """The labels and their scores, the highest first, as many as there is room for."""
