"""Pictures: a sound as a model gets it, scores over time, false accepts against false rejects.

matplotlib (extra `sound`) without a display, PNG or SVG by the file's suffix.
Lines have the colours of Okabe and Ito ("Color Universal Design", 2008), which
the colour-blind tell apart, images the map cividis; no meaning hangs on colour alone.
"""

from __future__ import annotations

import io
import math
import warnings
from collections.abc import Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from .errors import TinysenseError
from .files import write_atomically
from .sound.spectrogram import FLOOR_DBFS, Image, envelope, feature_rows, spectrogram

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .sound.levels import Samples
    from .sound.listening import Track

__all__ = ["SUFFIXES", "Curve", "check_picture", "draw_hearing", "draw_tradeoff"]

SUFFIXES = (".png", ".svg")
COLORS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
DASHES: tuple[Any, ...] = ("-", (0, (5, 2)), (0, (2, 1)), (0, (6, 2, 1, 2)))
_GREY, _PALE = "#767676", "#C8C8C8"
_NAMED = 8      # scores that get a line of their own; the rest are grey
_WORDS = 20     # events whose labels still can be read side by side
_LEAST = 40     # of 256: a score that never gets there says nothing
_STYLE: Any = {
    "font.size": 9, "axes.spines.top": False, "axes.spines.right": False,
    "axes.titlesize": 9, "axes.titlelocation": "left", "legend.frameon": False,
    "image.cmap": "cividis", "svg.hashsalt": "tinysense", "text.parse_math": False,
}  # fmt: skip


@dataclass(frozen=True)
class Curve:
    """One model's trade-off: a point for each threshold.

    ``false_accepts`` per hour, ``false_rejects`` 0..1; ``chosen``: the index of the
    point that was taken, ``note`` what is written beside it.
    """

    name: str
    false_accepts: Sequence[float]
    false_rejects: Sequence[float]
    chosen: int | None = None
    note: str = ""


def check_picture(path: Path) -> None:
    """TinysenseError unless the suffix says PNG or SVG: to be asked before the work is done."""
    if path.suffix.lower() not in SUFFIXES:
        raise TinysenseError(f"{path} is neither .png nor .svg", "give one of these suffixes")


def draw_hearing(
    path: Path, samples: Samples, rate_hz: int, *, feat: bytes | None = None,
    track: Track | None = None, title: str = "",
) -> None:  # fmt: skip
    """Waveform and spectrogram of int16 (n,), then the feature rows of a FEAT section, then
    the scores of a track: what is given, below each other on one axis of time."""
    panels = [_waveform, _spectrogram]
    heights = [0.8, 1.5]
    if feat is not None:
        panels.append(_features)
        heights.append(1.2)
    if track is not None:
        panels.append(_scores)
        heights.append(1.6)
    with _figure(path, 8, 0.6 + 1.25 * sum(heights)) as figure:
        grid = figure.add_gridspec(len(panels), 2, width_ratios=(60, 1), height_ratios=heights)
        axes: Any = None
        for row, panel in enumerate(panels):
            axes = figure.add_subplot(grid[row, 0], sharex=axes)
            panel(axes, lambda r=row: figure.add_subplot(grid[r, 1]), samples, rate_hz, feat, track)
            axes.tick_params(labelbottom=row == len(panels) - 1)
        axes.set_xlim(0, len(samples) / rate_hz)
        axes.set_xlabel("time (s)")
        if title:
            figure.suptitle(title, fontsize=10, x=0.01, ha="left")


def _waveform(axes: Any, bar: Any, samples: Samples, rate_hz: int, *_: Any) -> None:
    seconds, low, high = envelope(samples, rate_hz)
    if len(seconds) == len(samples):
        axes.plot(seconds, high, color=COLORS[0], linewidth=0.8)
    else:
        axes.fill_between(seconds, low, high, color=COLORS[0], linewidth=0.3)
    axes.set_ylim(-1, 1)
    peak = max(float(-low.min()), float(high.max()))
    if peak < 0.25:  # a quiet sound is not to be a flat line
        axes.set_ylim(-1.1 * max(peak, 1e-4), 1.1 * max(peak, 1e-4))
    axes.set_ylabel("amplitude\n(full scale = 1)")


def _spectrogram(axes: Any, bar: Any, samples: Samples, rate_hz: int, *_: Any) -> None:
    image = spectrogram(samples, rate_hz)
    top = max(float(np.max(image.values)), FLOOR_DBFS + 20)
    bottom = min(max(top - 80, float(np.percentile(image.values, 1))), top - 20)
    shown = _image(axes, image, (0, rate_hz / 2000), vmin=bottom, vmax=top)
    axes.figure.colorbar(shown, cax=bar(), label="dBFS")
    axes.set_ylabel("frequency (kHz)")


def _features(
    axes: Any, bar: Any, samples: Samples, rate_hz: int, feat: bytes, *_: Any
) -> None:
    image = feature_rows(samples, rate_hz, feat)
    shown = _image(axes, image, (-0.5, len(image.values) - 0.5), vmin=-128, vmax=127)
    axes.figure.colorbar(shown, cax=bar(), label="int8", ticks=(-128, 0, 127))
    axes.yaxis.get_major_locator().set_params(integer=True)
    axes.set_ylabel("feature (number)")


def _image(axes: Any, image: Image, rows: tuple[float, float], **limits: float) -> Any:
    return axes.imshow(image.values, origin="lower", aspect="auto", interpolation="nearest",
                       extent=(image.start, image.end, *rows), **limits)  # fmt: skip


def _scores(
    axes: Any, bar: Any, samples: Samples, rate_hz: int, feat: Any, track: Track
) -> None:
    """Mean scores as thresholds see them, thresholds dotted, events as marks."""
    means = track.smoothed()
    named = _named(track, means)
    for i, label in enumerate(track.labels):
        if label in track.background:
            dashes = DASHES[1 + track.background.index(label) % (len(DASHES) - 1)]
            style: dict[str, Any] = {"color": _GREY, "linestyle": dashes, "label": _word(label)}
        elif label in named:
            style = {"color": _color(named, label), "linewidth": 1.4, "zorder": 3,
                     "label": _word(label),
                     "linestyle": DASHES[named.index(label) // len(COLORS) % len(DASHES)]}
        else:
            style = {"color": _PALE, "zorder": 1}
        axes.plot(track.times, means[:, i], **({"linewidth": 0.9} | style))
    if len(named) + len(track.background) < len(track.labels):
        axes.plot([], [], color=_PALE, linewidth=0.9, label="other labels")
    _thresholds(axes, track, named)
    _events(axes, track, named)
    axes.set_ylim(0, 296)
    axes.set_yticks((0, 64, 128, 192, 256))
    over = f"\n(mean of {track.smooth})" if track.smooth > 1 else ""
    axes.set_ylabel(f"score{over}")
    axes.legend(loc="lower left", bbox_to_anchor=(0.0, 1.0), borderaxespad=0.1, handlelength=1.6,
                ncols=8, columnspacing=1.0, fontsize=8)  # fmt: skip


def _word(text: str) -> str:
    """A name for the legend, which leaves out what begins with an underscore."""
    return f" {text}" if text.startswith("_") else text


def _color(named: Sequence[str], label: str) -> str:
    return COLORS[named.index(label) % len(COLORS)] if label in named else _GREY


def _named(track: Track, means: Any) -> list[str]:
    """The labels that say something: those with events first, then the highest."""
    own = [i for i, label in enumerate(track.labels) if label not in track.background]
    if not own or len(means) == 0 or np.isnan(means).all():
        return [track.labels[i] for i in own[:_NAMED]]
    best = np.nanmax(means, axis=0)
    heard = {event.label for event in track.events}
    ranked = sorted(own, key=lambda i: (track.labels[i] not in heard, -best[i]))[:_NAMED]
    telling = [i for i in ranked if best[i] >= _LEAST or track.labels[i] in heard]
    return [track.labels[i] for i in sorted(telling or ranked[:1])]


def _thresholds(axes: Any, track: Track, named: Sequence[str]) -> None:
    """One line where all share a threshold, else one for each label in its colour."""
    of = {x: t for x, t in zip(track.labels, track.thresholds, strict=True)
          if x not in track.background and t <= 255}
    if len(set(of.values())) == 1:
        value = next(iter(of.values()))
        axes.axhline(value, color=_GREY, linestyle=":", linewidth=1, label=f"threshold {value}")
        return
    for label in named:
        if label in of:
            axes.axhline(of[label], color=_color(named, label), linestyle=":", linewidth=1,
                         label=f"from {of[label]}")  # fmt: skip


def _events(axes: Any, track: Track, named: Sequence[str]) -> None:
    """A mark at the time and the score of each event, its label above while there is room."""
    for event in track.events:
        axes.axvline(event.seconds, color=_GREY, linewidth=0.6, zorder=2)
        axes.plot(event.seconds, event.score, marker="o", markersize=5, zorder=4,
                  color=_color(named, event.label), markeredgecolor="white")  # fmt: skip
        if len(track.events) <= _WORDS:
            axes.annotate(event.label, (event.seconds, 264), fontsize=8, ha="center",
                          va="bottom", annotation_clip=True)  # fmt: skip


def draw_tradeoff(
    path: Path, curves: Sequence[Curve], chosen: tuple[float, float] | None = None, *,
    budget: float | None = None, title: str = "",
) -> None:  # fmt: skip
    """False rejects over false accepts per hour, a curve a model or setting; of points with
    the same false accepts the best.

    The axis is logarithmic down to the smallest rate above 0, then linear to 0.
    ``chosen``: (false accepts per hour, false rejects) of what was taken, beside
    what curves mark; ``budget``, in false accepts per hour, is a vertical line.
    """
    if not any(len(curve.false_accepts) for curve in curves):
        raise TinysenseError("there is no trade-off to draw", "give a curve of one point or more")
    with _figure(path, 6, 4.2) as figure:
        axes = figure.add_subplot()
        tops = [_curve(axes, curve, order) for order, curve in enumerate(curves)]
        if chosen is not None:
            _mark(axes, chosen[0], 100 * chosen[1], "black", "chosen", 0)
            tops.append(100 * chosen[1])
        if budget is not None:
            axes.axvline(budget, color=_GREY, linestyle=":", linewidth=1,
                         label=f"budget {budget:g} per hour")  # fmt: skip
        _hours_axis(axes, [*(x for c in curves for x in c.false_accepts), budget or 0.0])
        axes.set_ylim(0, min(100, 1.08 * max(*tops, 1)))
        axes.set_xlabel("false accepts per hour")
        axes.set_ylabel("false rejects (%)")
        axes.grid(True, color="#E4E4E4", linewidth=0.6)
        axes.legend(loc="upper right")
        if title:
            axes.set_title(title)


def _curve(axes: Any, curve: Curve, order: int) -> float:
    """Draws one; returns how high it goes."""
    accepts, rejects = np.asarray(curve.false_accepts), 100 * np.asarray(curve.false_rejects)
    color, dashes = COLORS[order % len(COLORS)], DASHES[order % len(DASHES)]
    ranked = np.lexsort((rejects, -accepts))
    best = ranked[np.diff(accepts[ranked], prepend=np.inf) != 0]  # of points above each other
    best = best[::-1]  # from few false accepts on; a step lasts until the next point is allowed
    axes.plot(accepts[best], rejects[best], color=color, linestyle=dashes, linewidth=1.5,
              drawstyle="steps-post", marker=".", markersize=4, label=_word(curve.name),
              clip_on=False)  # fmt: skip
    if curve.chosen is not None:
        x, y = float(accepts[curve.chosen]), float(rejects[curve.chosen])
        _mark(axes, x, y, color, curve.note, order % 2)
    return float(rejects[best].max(initial=0.0 if curve.chosen is None else y))


def _mark(axes: Any, x: float, y: float, color: str, note: str, up: int) -> None:
    """A ring around a point, and what it is beside it."""
    axes.plot(x, y, marker="o", markersize=9, color="none", markeredgecolor=color,
              markeredgewidth=2, clip_on=False, zorder=5)  # fmt: skip
    words = f"{x:.2g} per hour, {y:.1f} %"
    axes.annotate(f"{note}: {words}" if note else words, (x, y), color=color, fontsize=8,
                  xytext=(10, 9 + 12 * up), textcoords="offset points", zorder=6,
                  bbox={"facecolor": "white", "edgecolor": "none", "alpha": 0.8, "pad": 1})


def _hours_axis(axes: Any, rates: Sequence[float]) -> None:
    """Linear from 0 to the smallest rate, logarithmic above."""
    above = [x for x in rates if x > 0]
    if above and max(above) > 4 * min(above):
        axes.set_xscale("symlog", linthresh=min(above), linscale=0.4)
        low, high = math.ceil(math.log10(min(above))), math.floor(math.log10(max(above)))
        ticks = [0.0, *(10.0**k for k in range(low, high + 1))]
        axes.set_xticks(ticks if len(ticks) > 2 else [0.0, min(above), max(above)])
        axes.xaxis.set_major_formatter(lambda x, _: f"{x:.3g}")
    axes.set_xlim(0, 1.3 * max(above, default=1.0))


@contextmanager
def _figure(path: Path, width: float, height: float) -> Iterator[Any]:
    """A figure in inches that is written, whole or not at all, when the block ends."""
    import matplotlib
    from matplotlib.figure import Figure

    check_picture(path)
    kind = path.suffix.lower()[1:]
    with matplotlib.rc_context(_STYLE):
        figure = Figure(figsize=(width, height), dpi=150, layout="constrained")
        yield figure
        sink = io.BytesIO()
        with warnings.catch_warnings():  # signs that the font lacks become boxes
            warnings.filterwarnings("ignore", message="Glyph .* missing")
            # No date: equal numbers give equal files.
            figure.savefig(sink, format=kind, metadata={"Date": None} if kind == "svg" else None)
    write_atomically(path, sink.getvalue())
