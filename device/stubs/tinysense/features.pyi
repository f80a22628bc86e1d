"""Features: a driver's frames become the model's, a window becomes its int8 input tensor."""

# Written by device/files.py.
from .types import Buffer, Driver
from typing import Any

RATE_TOLERANCE_PERCENT: int

class Sensor:
    """What a model was trained on: the ``sensor`` object of the file's META section.

    ``rate_mhz`` millihertz, ``channels`` how many, ``axes`` their names, ``units``,
    ``full_scale`` in units for the count 32768 (of each a tuple, one a channel,
    where channels differ), ``kind``.
    """
    channels: int
    kind: str
    units: str | tuple[Any, ...]
    axes: tuple[Any, ...]
    rate_mhz: int
    full_scale: float | tuple[Any, ...]
    def __init__(self, meta: dict[str, Any]) -> None: ...
    def full_scales(self) -> tuple[Any, ...]:
        """The full scale of each channel."""

class Features:
    """The FEAT section of a model file, and the way from a driver's frames to it.

        features = Features(feat_bytes, sensor)
        features.connect(driver)            # refuses a driver that does not fit
        features.adapt(frames, n)           # in place: axes and scale
        features.run(window, out)           # int16 (window, channels) -> int8 (outputs)

    ``rows``, ``row_stride``, ``row_outputs``: an input is the newest ``rows`` rows, one for
    each window, and due again after ``row_stride`` of them; 1, 1, outputs where every
    window is an input.
    """
    channels: int
    window: int
    hop: int
    outputs: int
    work_bytes: int
    rows: int
    row_stride: int
    row_outputs: int
    sensor: Sensor | None
    def __init__(self, feat: Buffer, sensor: Sensor | None = None) -> None: ...
    def run(self, window: Buffer, out: Buffer) -> bool:
        """``window`` int16 (window, channels), not changed; ``out`` int8 (outputs).

        Whether ``out`` was written: where an input is made of the rows of several
        windows, most windows only add theirs.
        """
    def newest(self, out: Buffer) -> None:
        """The rows gathered so far, oldest first, zeros before the first: int8 (outputs)."""
    def reset(self) -> None:
        """A stream begins: what was learnt of the noise, and rows gathered, are forgotten."""
    def values(self, window: Buffer, out: Buffer) -> None:
        """The values of one row before quantisation, s32 (row_outputs): what training sees."""
    def connect(self, driver: Driver, axes: str = '') -> None:
        """Makes ``adapt`` turn this driver's frames into the model's.

        ``axes`` names, for each of the model's channels in order, the driver's
        axis that it takes, with a minus where it points the other way: "y -x z".
        Three names for six or nine channels turn each three alike.
        Raises ModelError where rate, channels, units or range do not fit.
        """
    def adapt(self, frames: Buffer, n: int) -> None:
        """In place: int16 (n, channels) of the driver -> of the model. Saturates."""

def hertz(rate_mhz: int) -> str:
    """25000 -> "25", 12500 -> "12.5"."""

def ratio(have: float, want: float) -> tuple[Any, ...]:
    """(mult, shift) so that counts x mult / 2^shift turn one full scale into the other.

    In integers from millionths on, so that board and host agree whatever their floats.
    """

def axis_bytes(axes: str, names: tuple[Any, ...]) -> bytes:
    """For each of the model's channels the driver's: its number, bit 7 where negated."""
