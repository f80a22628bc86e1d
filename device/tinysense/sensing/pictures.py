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

import os

from ..errors import DriverError, TinysenseError

GRAY, RGB565, RGB565_LOW, RGB, BGR = range(5)
PIXEL_BYTES = (1, 2, 2, 3, 3)
MAX_SIDE = 4096
_ENDINGS = (".pgm", ".ppm", ".bmp")


class Files:
    """``Files("/pictures")``: the PGM, PPM and BMP files there, by name; or a list of paths.

    Binary PGM and PPM of 8 bits, uncompressed BMP of 8 (grey) or 24 bits, all of the
    same size and kind. A file is opened for each picture, which takes heap.
    """

    def __init__(self, paths: "str | list", loop: bool = False):
        self.paths: list = _listed(paths) if isinstance(paths, str) else list(paths)
        if not self.paths:
            raise TinysenseError("%s: expected .pgm, .ppm or .bmp files, got none" % (paths,))
        self.loop, self.ended = loop, False
        self._next = 0
        self._file = None
        with open(self.paths[0], "rb") as f:
            kind = _kind(f, self.paths[0])
        self.width, self.height, self.layout, self._data_at, self.start, self.stride = kind
        self._buffer = bytearray(abs(self.stride) * self.height)

    def grab(self) -> "bytearray | None":
        if self._next == len(self.paths):
            if not self.loop:
                self.ended = True
                return None
            self._next = 0
        path = self.paths[self._next]
        self._next += 1
        with open(path, "rb") as f:
            width, height, layout, at, _, stride = _kind(f, path)
            if (width, height, layout, stride) != (self.width, self.height, self.layout,
                                                   self.stride):
                raise TinysenseError("%s: expected %d x %d pixels of the same kind as %s, got %d x "
                                     "%d" % (path, self.width, self.height, self.paths[0], width,
                                             height))
            f.seek(at)
            if f.readinto(self._buffer) != len(self._buffer):
                raise TinysenseError("%s: expected %d bytes of pixels, the file is cut short"
                                     % (path, len(self._buffer)))
        return self._buffer

    def release(self) -> None:
        pass

    def close(self) -> None:
        self.ended = True


class OpenMV:
    """The camera of an OpenMV board, or another with its ``csi`` or ``sensor`` module.

    ``csi`` says when no picture is ready; ``sensor`` waits for it, up to one picture's time.
    """

    start = 0
    ended = False

    def __init__(self, frame_size: str, color: bool):
        self._csi = None
        try:
            try:
                import csi

                camera = self._csi = csi.CSI()
                camera.reset()
                camera.pixformat(csi.RGB565 if color else csi.GRAYSCALE)
                camera.framesize(_size(csi, frame_size))
            except ImportError:
                import sensor

                camera = sensor
                sensor.reset()
                sensor.set_pixformat(sensor.RGB565 if color else sensor.GRAYSCALE)
                sensor.set_framesize(_size(sensor, frame_size))
            self._camera = camera
            picture = camera.snapshot()
        except (RuntimeError, ValueError, OSError) as e:
            raise DriverError(getattr(e, "errno", None) or 19, "no camera answers: %s: check its "
                              "cable and frame_size %r" % (e, frame_size))
        self.width, self.height = picture.width(), picture.height()
        self.layout = RGB565_LOW if color else GRAY
        self.stride = self.width * PIXEL_BYTES[self.layout]

    def grab(self) -> "bytearray | None":
        try:
            if self._csi is None:
                return self._camera.snapshot().bytearray()
            picture = self._csi.snapshot(blocking=False)
        except RuntimeError:  # its time-out
            raise OSError(110, "no picture")
        return None if picture is None else picture.bytearray()

    def release(self) -> None:
        pass

    def close(self) -> None:
        self._camera.shutdown(True)


class Esp32:
    """The camera of an esp32 firmware that has the ``camera`` module with a class Camera."""

    start = 0
    ended = False

    def __init__(self, frame_size: str, color: bool):
        from camera import Camera, FrameSize, PixelFormat

        try:
            self._camera = Camera(frame_size=_size(FrameSize, frame_size),
                                  pixel_format=PixelFormat.RGB565 if color
                                  else PixelFormat.GRAYSCALE)
        except (RuntimeError, ValueError, OSError, TypeError) as e:
            raise DriverError(getattr(e, "errno", None) or 19, "no camera answers: %s: check its "
                              "cable, and that this firmware is for this board" % e)
        self.width = self._camera.get_pixel_width()
        self.height = self._camera.get_pixel_height()
        self.layout = RGB565 if color else GRAY
        self.stride = self.width * PIXEL_BYTES[self.layout]

    def grab(self) -> "memoryview | None":
        return self._camera.capture()

    def release(self) -> None:
        self._camera.free_buffer()

    def close(self) -> None:
        self._camera.deinit()


def own_camera(frame_size: str, color: bool) -> "OpenMV | Esp32":
    """The board's camera, whichever module this firmware has for it."""
    for kind in (OpenMV, Esp32):
        try:
            return kind(frame_size, color)
        except ImportError:
            pass
    raise DriverError(95, "this firmware has no camera: expected a module csi, sensor or camera; "
                      "or name a folder of pictures in driver_options: files")


def _size(module, name):
    value = getattr(module, name, None)
    if value is None:
        raise DriverError(22, "camera: expected the name of a frame size of this camera, got %r: "
                          "QQVGA and QVGA are usual" % name)
    return value


def _listed(folder):
    folder = folder.rstrip("/")
    return [folder + "/" + name for name in sorted(os.listdir(folder or "/"))
            if name.lower().endswith(_ENDINGS)]


def _kind(f, path):
    """(width, height, layout, where the pixels begin, start, stride) of an image file."""
    head = f.read(2)
    if head == b"BM":
        found = _bmp(f, path)
    elif head in (b"P5", b"P6"):
        found = _pnm(f, path, RGB if head == b"P6" else GRAY)
    else:
        raise TinysenseError("%s: expected a binary PGM, PPM or a BMP file, got %r" % (path, head))
    if not (1 <= found[0] <= MAX_SIDE and 1 <= found[1] <= MAX_SIDE):
        raise TinysenseError("%s: expected sides of 1 to %d pixels, got %d x %d"
                             % (path, MAX_SIDE, found[0], found[1]))
    return found


def _pnm(f, path, layout):
    width, height, most = _number(f, path), _number(f, path), _number(f, path)
    if most != 255:
        raise TinysenseError("%s: expected values up to 255, got %d" % (path, most))
    return width, height, layout, f.tell(), 0, width * PIXEL_BYTES[layout]


def _number(f, path):
    """The next number of a PNM header; the one space after it is read too."""
    digits, comment = b"", False
    for _ in range(1000):
        c = f.read(1)
        if comment or c == b"#":
            comment = c != b"\n"
        elif c.isdigit():
            digits += c
        elif digits and c.isspace():
            return int(digits)
        elif not c.isspace():
            break
    raise TinysenseError("%s: header is damaged: expected width, height and 255" % path)


def _bmp(f, path):
    head = b"BM" + f.read(52)
    if len(head) < 54:
        raise TinysenseError("%s: header is cut short" % path)
    at, size, width, height = [int.from_bytes(head[i : i + 4], "little") for i in (10, 14, 18, 22)]
    bits, packed = head[28], int.from_bytes(head[30:34], "little")
    upwards = height < 1 << 31
    height = height if upwards else (1 << 32) - height
    if bits not in (8, 24) or packed:
        raise TinysenseError("%s: expected a BMP of 8 or 24 bits without compression, got %d bits, "
                             "compression %d" % (path, bits, packed))
    if bits == 8:
        f.seek(14 + size)
        palette = f.read(1024)
        if any(palette[4 * i + c] != i for i in range(len(palette) // 4) for c in range(3)):
            raise TinysenseError("%s: expected a palette of 256 greys, or 24 bits" % path)
    layout = GRAY if bits == 8 else BGR
    stride = (width * PIXEL_BYTES[layout] + 3) // 4 * 4
    return width, height, layout, at, (height - 1) * stride if upwards else 0, \
        -stride if upwards else stride
