"""Where pictures come from: OpenMV's csi or sensor module, the esp32 camera module, image files.

A source has

    width, height   of its pictures
    start, stride   bytes before the first pixel, from a row to the next (negative: upwards)
    layout          of a pixel: GRAY, RGB565 (high byte first), RGB565_LOW (low first), RGB, BGR
    grab() -> a buffer with a picture, None where none is ready; valid until release()
    release()       the picture has been used
    ended           True once no picture will come
    close()
"""

# Written by device/files.py.
from typing import Any

GRAY: int
RGB565: int
RGB565_LOW: int
RGB: int
BGR: int
PIXEL_BYTES: tuple[Any, ...]
MAX_SIDE: int

class Files:
    """``Files("/pictures")``: the PGM, PPM and BMP files there, by name; or a list of paths.

    Binary PGM and PPM of 8 bits, uncompressed BMP of 8 (grey) or 24 bits, all of the
    same size and kind. A file is opened for each picture, which takes heap.
    """
    paths: list[Any]
    loop: bool
    ended: bool
    width: Any
    height: Any
    layout: Any
    start: Any
    stride: Any
    def __init__(self, paths: str | list[Any], loop: bool = False) -> None: ...
    def grab(self) -> bytearray | None: ...
    def release(self) -> None: ...
    def close(self) -> None: ...

class OpenMV:
    """The camera of an OpenMV board, or another with its ``csi`` or ``sensor`` module.

    ``csi`` says when no picture is ready; ``sensor`` waits for it, up to one picture's time.
    """
    width: Any
    height: Any
    layout: Any
    stride: Any
    def __init__(self, frame_size: str, color: bool) -> None: ...
    def grab(self) -> bytearray | None: ...
    def release(self) -> None: ...
    def close(self) -> None: ...

class Esp32:
    """The camera of an esp32 firmware that has the ``camera`` module with a class Camera."""
    width: Any
    height: Any
    layout: Any
    stride: Any
    def __init__(self, frame_size: str, color: bool) -> None: ...
    def grab(self) -> memoryview | None: ...
    def release(self) -> None: ...
    def close(self) -> None: ...

def own_camera(frame_size: str, color: bool) -> OpenMV | Esp32:
    """The board's camera, whichever module this firmware has for it."""
