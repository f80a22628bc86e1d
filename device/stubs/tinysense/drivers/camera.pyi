"""Pictures, cut and scaled to what a model wants: from a camera of the board, or from files.

Two ways to a model:

- As frames, for recording and for a Pipeline: a frame is a pixel, rows follow
  each other, so a window of width x height frames with that hop is one picture (at most
  8192 pixels).
- ``camera.feed(model)`` for a model without features: its input gets the picture,
  row by row where it was converted so (push_row: no picture is ever held whole).
  The numbers are pixel - 128 in int8, which is what an input trained on pixels of
  0..255, 0..1 or -1..1 is quantised to.
"""

# Written by device/files.py.
from ..features import Sensor
from ..model import Model
from ..sensing.driver import Driver
from collections.abc import Callable
from typing import Any

MAX_RATE_MHZ: int
MAX_BOX: Any
OPTIONS: tuple[Any, ...]

def build(options: dict[str, Any], sensor: Sensor | None = None) -> Camera:
    """The driver on this board's camera, or on files."""

class Camera(Driver):
    """``Camera(source, 96, 96)``: frames of one pixel each, 128 counts for a step of 0..255.

    ``source``: see tinysense.sensing.pictures. ``fps_mhz``: pictures in 1000 seconds, 0 for
    each as soon as the one before has been read. ``crop``: x, y, width, height in
    the source's pixels. ``pictures`` counts those that were begun.
    """
    source: object
    width: int
    height: int
    measured_mhz: Any
    pictures: int
    done: bool
    def __init__(self, source: object, width: int, height: int, color: bool = False, fps_mhz: int = 1000, box: bool = False, crop: tuple[Any, ...] | None = None, now: Callable[[], int] | None = None) -> None: ...
    def read_into(self, buf: bytearray) -> int:
        """Pixels of the picture being read; the next picture begins when it is due."""
    def feed(self, model: Model) -> bytearray | memoryview | None:
        """The scores of the next picture; None where none is due. Never allocates after the first.

        ``model``: without features, its input height x width x channels in int8 or uint8.
        """
    def close(self) -> None:
        """Stops reading and switches the camera off."""
