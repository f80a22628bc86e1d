"""The arena over time as a picture: ops from left to right, addresses upwards, as SVG."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from xml.sax.saxutils import escape

from tinysense_host.modelparts import Op, Tensor
from tinysense_host.planning import Object

__all__ = ["draw"]

_COLOURS = {"input": "#8ecae6", "output": "#95d5b2", "tensor": "#ffd166", "ring": "#f4a261",
            "state": "#cdb4db", "scratch": "#ced4da", "sums": "#ced4da",
            "progress": "#adb5bd"}  # fmt: skip
_LEFT, _TOP, _BOTTOM, _RIGHT = 70, 40, 150, 20
_HEIGHT = 420
_LETTER = 5.5       # about the width of a letter of 9 px
_TICKS = 8


def draw(objects: Sequence[Object], tensors: Sequence[Tensor], ops: Sequence[Op],
         arena_bytes: int, title: str) -> str:
    """The SVG text. ``objects`` as of planning.objects_of; -1 and len(ops) are load and end."""
    step = max(14.0, min(60.0, 1100 / (len(ops) + 2)))
    picture = _Picture(step, max(1, arena_bytes), len(ops))
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {picture.width:.0f} '
        f'{picture.height}" width="{picture.width:.0f}" height="{picture.height}" '
        'font-family="sans-serif" font-size="9">',
        '<rect width="100%" height="100%" fill="white"/>',
        f'<text x="{_LEFT}" y="22" font-size="14">{escape(title)}</text>',
        *picture.addresses(), *picture.columns(ops),
    ]  # fmt: skip
    lines += [picture.box(o, tensors[o.tensor]) for o in sorted(objects, key=lambda o: -o.bytes)]
    lines += [*picture.legend({_kind(o) for o in objects}), "</svg>"]
    return "\n".join(lines) + "\n"


def _kind(o: Object) -> str:
    return "ring" if o.ring and o.what == "tensor" else o.what


class _Picture:
    """Where ops and addresses are on the page."""

    def __init__(self, step: float, arena_bytes: int, n_ops: int) -> None:
        self.step, self.arena_bytes, self.n_ops = step, arena_bytes, n_ops
        self.width = _LEFT + step * (n_ops + 2) + _RIGHT
        self.height = _TOP + _HEIGHT + _BOTTOM

    def x(self, op: int) -> float:
        """Left side of an op's column."""
        return _LEFT + self.step * (op + 1)

    def y(self, address: float) -> float:
        return _TOP + _HEIGHT * (1 - address / self.arena_bytes)

    def addresses(self) -> Iterator[str]:
        """Lines and labels from bottom to top."""
        for i in range(_TICKS + 1):
            address = self.arena_bytes * i // _TICKS
            y = self.y(address)
            yield (f'<line x1="{_LEFT}" x2="{self.width - _RIGHT:.0f}" y1="{y:.1f}" y2="{y:.1f}" '
                   'stroke="#e5e5e5"/>')  # fmt: skip
            yield f'<text x="{_LEFT - 6}" y="{y + 3:.1f}" text-anchor="end">{address}</text>'

    def columns(self, ops: Sequence[Op]) -> Iterator[str]:
        """The ops' names below; a bar under those that a segment runs together."""
        names = ["before", *(f"{k} {op.name}" for k, op in enumerate(ops)), "after"]
        for k, name in enumerate(names):
            x, y = self.x(k - 1) + self.step / 2, _TOP + _HEIGHT + 14
            yield (f'<text x="{x:.1f}" y="{y}" transform="rotate(60 {x:.1f} {y})">'
                   f"{escape(name)}</text>")
        for k, op in enumerate(ops):
            if op.name == "SEGMENT":
                y = _TOP + _HEIGHT + 3
                yield (f'<line x1="{self.x(k) + 1:.1f}" x2="{self.x(k + op.params[0] + 1) - 1:.1f}"'
                       f' y1="{y}" y2="{y}" stroke="#e76f51" stroke-width="3"/>')

    def box(self, o: Object, tensor: Tensor) -> str:
        """One object, with all about it to read when pointed at, and its name where it fits."""
        x, width = self.x(o.first), self.step * (o.last - o.first + 1)
        y, height = self.y(o.offset + o.bytes), _HEIGHT * o.bytes / self.arena_bytes
        shape = " x ".join(map(str, tensor.shape)) or "1"
        held = f", {o.ring} row{'s' * (o.ring > 1)} held" if o.ring else ""
        about = (f"{o.what} {o.tensor}: {tensor.dtype} {shape}{held}; {o.bytes} bytes at "
                 f"{o.offset}, ops {o.first} to {o.last}")
        label = f"{o.tensor}: {o.bytes}"
        fits = height >= 10 and width >= len(label) * _LETTER
        text = f'<text x="{x + 3:.1f}" y="{y + 9:.1f}">{label}</text>' if fits else ""
        return (f'<g><title>{escape(about)}</title><rect x="{x + 0.5:.1f}" y="{y:.2f}" '
                f'width="{width - 1:.1f}" height="{max(0.5, height):.2f}" '
                f'fill="{_COLOURS[_kind(o)]}" fill-opacity="0.75" stroke="#555" '
                f'stroke-width="0.4"/>{text}</g>')

    def legend(self, kinds: set[str]) -> Iterator[str]:
        """What the colours mean."""
        at = float(_LEFT)
        for kind, colour in _COLOURS.items():
            if kind in kinds:
                yield f'<rect x="{at:.0f}" y="28" width="9" height="8" fill="{colour}"/>'
                yield f'<text x="{at + 12:.0f}" y="36">{kind}</text>'
                at += 24 + len(kind) * _LETTER
