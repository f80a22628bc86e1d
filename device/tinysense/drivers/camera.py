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

from array import array

from ..copying import copy_bytes
from ..errors import DriverError, ModelError
from ..sensing.clock import Clock
from ..sensing.driver import Driver
from ..sensing.pictures import BGR, GRAY, PIXEL_BYTES, RGB, RGB565, RGB565_LOW

MAX_RATE_MHZ = 1000000000  # pixels
MAX_BOX = 1 << 20  # pixels: their sum is a small integer on a board
_FLIP = 0x80  # pixel - 128 as int8
_RED, _GREEN, _BLUE = 77, 150, 29  # luma of ITU-R BT.601, 1/256

OPTIONS = (
    ("files", str, "", None, "folder of .pgm, .ppm, .bmp files to play instead of a camera"),
    ("loop", bool, False, None, "files: begin again after the last"),
    ("frame_size", str, "QQVGA", None, "the camera's, by its module's name"),
    ("width", int, 96, (1, 1024), "pixels in a row after scaling"),
    ("height", int, 96, (1, 1024), "rows after scaling"),
    ("color", bool, False, None, "three channels, r g b, instead of grey"),
    ("fps_mhz", int, 0, (0, 100000), "pictures in 1000 seconds, 0: as the model wants, else 1000"),
    ("box", bool, False, None, "mean of all pixels that become one, instead of the nearest: slow"),
    ("crop_x", int, 0, (0, 4095), "part of the picture that is used"),
    ("crop_y", int, 0, (0, 4095), ""),
    ("crop_width", int, 0, (0, 4096), "0: the largest part in the middle of the same shape"),
    ("crop_height", int, 0, (0, 4096), ""),
)


def build(options: dict, sensor: "Sensor | None" = None) -> "Camera":
    """The driver on this board's camera, or on files."""
    from ..sensing.pictures import Files, own_camera

    color = options["color"] or sensor is not None and sensor.channels == 3
    width, height = options["width"], options["height"]
    source = (Files(options["files"], options["loop"]) if options["files"]
              else own_camera(options["frame_size"], color))
    crop = [options["crop_" + name] for name in ("x", "y", "width", "height")]
    fps_mhz = options["fps_mhz"] or (sensor.rate_mhz // (width * height) if sensor else 1000)
    return Camera(source, width, height, color, fps_mhz, options["box"],
                  crop if crop[2] and crop[3] else None)


class Camera(Driver):
    """``Camera(source, 96, 96)``: frames of one pixel each, 128 counts for a step of 0..255.

    ``source``: see tinysense.sensing.pictures. ``fps_mhz``: pictures in 1000 seconds, 0 for
    each as soon as the one before has been read. ``crop``: x, y, width, height in
    the source's pixels. ``pictures`` counts those that were begun.
    """

    def __init__(self, source: "object", width: int, height: int, color: bool = False,
                 fps_mhz: int = 1000, box: bool = False, crop: "tuple | None" = None,
                 now: "Callable[[], int] | None" = None):
        pixels = width * height
        if width < 1 or height < 1 or fps_mhz < 0 or pixels * (fps_mhz or 1000) > MAX_RATE_MHZ:
            raise DriverError(22, "camera: expected width x height x pictures a second up to a "
                              "million, got %r x %r x %r mHz" % (width, height, fps_mhz))
        self.source, self.width, self.height, self._pixels = source, width, height, pixels
        self._describe(pixels * (fps_mhz or 1000), ("r", "g", "b") if color else ("gray",),
                       "pixel", 256)
        self.measured_mhz = self.rate_mhz if fps_mhz else 0
        self._clock = Clock(fps_mhz, now) if fps_mhz else None
        self._lay_out(source, crop, box)
        self._row = bytearray(width * self.channels)
        self._sums = array("l", (0, 0, 0))
        self._data = None  # the picture that is being read
        self._pixel = 0  # of it, the next one
        self._owed = self._lost = 0  # pictures due; pixels lost, not told yet
        self.pictures = 0
        self._fed, self._flip = None, 0  # the model that feed() knows to fit

    def read_into(self, buf: bytearray) -> int:
        """Pixels of the picture being read; the next picture begins when it is due."""
        if self.done or self._data is None and not self._begin():
            return 0
        width, channels = self.width, self.channels
        row = self._row
        x = self._pixel % width
        if x == 0:
            self._make_row(self._pixel // width, row, 0)
        n = min(len(buf) // (2 * channels), width - x)
        at = x * channels
        for i in range(n * channels):
            value = row[at + i]
            buf[2 * i] = value << 7 & 0xFF
            buf[2 * i + 1] = value >> 1
        self._pixel += n
        if n and self._lost:
            self.dropped += self._lost
            self._lost = 0
        if self._pixel == self._pixels:
            self._end()
        return n

    def feed(self, model: "Model") -> "bytearray | memoryview | None":
        """The scores of the next picture; None where none is due. Never allocates after the first.

        ``model``: without features, its input height x width x channels in int8 or uint8.
        """
        flip = self._flip_of(model)
        if self.done or self._data is None and not self._begin():
            return None
        self.dropped += self._lost
        self._lost = 0
        size, row = self.width * self.channels, self._row
        scores = None
        for y in range(self.height):
            self._make_row(y, row, flip)
            if model.row_bytes:
                scores = model.push_row(row)
            else:
                copy_bytes(model.input, y * size, row, 0, size)
        self._end()
        return scores if model.row_bytes else model.invoke()

    def close(self) -> None:
        """Stops reading and switches the camera off."""
        if not self.done:
            self.done = True
            self.source.close()

    def _flip_of(self, model):
        """0x80 for a model of int8, 0 for uint8; ModelError where it takes something else."""
        if self._fed is model:
            return self._flip
        dtype, shape, size = model.tensor(0)[0], model.tensor(0)[1], 1
        for dim in shape:
            size *= dim
        if (model.features is not None or dtype not in ("int8", "uint8")
                or size != self._pixels * self.channels
                or model.row_bytes not in (0, self.width * self.channels)):
            raise ModelError("model %s: expected an input of %d x %d x %d int8 or uint8 without "
                             "features, got %s %s: set width, height and color to match"
                             % (model.name, self.height, self.width, self.channels,
                                "x".join([str(dim) for dim in shape]), dtype))
        self._flip = _FLIP if dtype == "int8" else 0
        self._fed = model
        return self._flip

    def _begin(self):
        """Takes the next picture where one is due."""
        if self._clock is not None:
            self._owed += self._clock.due()
            if self._owed == 0:
                return False
        try:
            self._data = self.source.grab()
        except OSError as e:
            self._lost += max(1, self._owed) * self._pixels
            self._owed = 0
            self._failed(e)
            return False
        if self._data is None:
            self.done = self.source.ended
            return False
        self._in_a_row = 0
        if self._owed > 1:
            self._lost += (self._owed - 1) * self._pixels
        self._owed = self._pixel = 0
        self.pictures += 1
        return True

    def _end(self):
        self._data = None
        self.source.release()

    def _lay_out(self, source, crop, box):
        """Which of the source's pixels each of ours is."""
        x, y, width, height = crop or _middle(source, self.width, self.height)
        if not (0 <= x < x + width <= source.width and 0 <= y < y + height <= source.height):
            raise DriverError(22, "camera: expected a crop within %d x %d, got x %r, y %r, %r x %r"
                              % (source.width, source.height, x, y, width, height))
        self._box = box and width >= self.width and height >= self.height
        if self._box and width // self.width * (height // self.height) > MAX_BOX:
            raise DriverError(22, "camera: expected boxes of up to %d pixels, got %d x %d"
                              % (MAX_BOX, width // self.width, height // self.height))
        size = PIXEL_BYTES[source.layout]
        half = 0 if self._box else 1  # boxes begin at their edge, the nearest is in the middle
        self._xs = array("H", [((2 * i + half) * width // (2 * self.width) + x) * size
                               for i in range(self.width + self._box)])
        self._ys = array("H", [(2 * i + half) * height // (2 * self.height) + y
                               for i in range(self.height + self._box)])

    def _make_row(self, y, row, flip):
        """Row y of the scaled picture."""
        xs, ys = self._xs, self._ys
        sums, gray = self._sums, self.channels == 1
        base = self.source.start + ys[y] * self.source.stride
        if gray and not self._box and self.source.layout == GRAY:
            data = self._data
            for i in range(self.width):
                row[i] = data[base + xs[i]] ^ flip
            return
        n = 1
        for i in range(self.width):
            sums[0] = sums[1] = sums[2] = 0
            if self._box:
                n = self._add_box(xs[i], xs[i + 1], ys[y], ys[y + 1])
            else:
                self._add(base + xs[i])
            if gray:
                luma = sums[0] // n * _RED + sums[1] // n * _GREEN + sums[2] // n * _BLUE
                row[i] = luma >> 8 ^ flip
            else:
                for c in range(3):
                    row[3 * i + c] = sums[c] // n ^ flip

    def _add_box(self, left, right, top, bottom):
        size = PIXEL_BYTES[self.source.layout]
        for y in range(top, bottom):
            at = self.source.start + y * self.source.stride + left
            for _ in range((right - left) // size):
                self._add(at)
                at += size
        return (right - left) // size * (bottom - top)

    def _add(self, at):
        """The pixel there, as red, green and blue, to the sums."""
        data, sums = self._data, self._sums
        layout = self.source.layout
        if layout == GRAY:
            r = g = b = data[at]
        elif layout < RGB:  # of 16 bits
            high = at + (layout == RGB565_LOW)
            low = at + (layout == RGB565)
            r = data[high] & 0xF8
            r |= r >> 5
            g = (data[high] << 5 | data[low] >> 3) & 0xFC
            g |= g >> 6
            b = data[low] << 3 & 0xF8
            b |= b >> 5
        else:
            r = data[at + (layout == BGR) * 2]
            g = data[at + 1]
            b = data[at + (layout == RGB) * 2]
        sums[0] += r
        sums[1] += g
        sums[2] += b


def _middle(source, width, height):
    """The largest part in the middle of the source that has this shape."""
    w = min(source.width, source.height * width // height)
    h = min(source.height, source.width * height // width)
    return (source.width - w) // 2, (source.height - h) // 2, max(1, w), max(1, h)
