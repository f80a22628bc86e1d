"""Lines for the terminal: a recording's level, a window's scores, an event."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from tinysense_host.link.wire import Event, Scores

__all__ = ["bar", "event_line", "level", "score_line"]

_EIGHTHS = " ▏▎▍▌▋▊▉█"


def bar(part: float, width: int) -> str:
    """A bar of `width` characters, filled to part (0..1)."""
    eighths = round(min(max(part, 0.0), 1.0) * width * 8)
    full, rest = divmod(eighths, 8)
    return ("█" * full + (_EIGHTHS[rest] if rest else "")).ljust(width)


def level(samples: npt.NDArray[np.int16]) -> float:
    """How much moves in frames (n, channels): the largest channel's span, of full scale."""
    if len(samples) == 0:
        return 0.0
    spans = samples.astype(np.int32).max(axis=0) - samples.astype(np.int32).min(axis=0)
    return float(spans.max()) / 65535


def score_line(scores: Scores, labels: list[str], width: int = 12) -> str:
    """All labels with bars, one line."""
    parts = [f"{name} {bar(score / 255, width)} {score:3d}"
             for name, score in zip(labels, scores.scores.tolist(), strict=False)]
    return f"window {scores.window:5d}  " + "  ".join(parts)


def event_line(event: Event) -> str:
    """An event: time on the board, label, probability."""
    return f"{event.time_us / 1e6:8.2f} s  {event.name:<12} {event.score / 256:4.0%}"
