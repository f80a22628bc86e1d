"""Cameras as the modules csi, sensor (OpenMV) and camera (esp32) have them, and image files."""


class Picture:
    """What snapshot() gives."""

    def __init__(self, width, height, data):
        self._width, self._height, self._data = width, height, data

    def width(self):
        return self._width

    def height(self):
        return self._height

    def bytearray(self):
        return self._data


class Eye:
    """What a camera sees. ``ready``: pictures that are there; -1: always one. ``failing`` times
    it gives an error. The same buffer every time, whose first byte counts."""

    def __init__(self, width, height, data):
        self.picture = Picture(width, height, data)
        self.data = data
        self.ready, self.failing, self.taken, self.held, self.off = -1, 0, 0, 0, False
        self.asked = []

    def look(self):
        if self.failing:
            self.failing -= 1
            raise RuntimeError("Timeout")
        if self.ready == 0:
            return None
        if self.ready > 0:
            self.ready -= 1
        self.taken += 1
        return self.picture


class Csi:
    """The module csi."""

    GRAYSCALE, RGB565 = "gray", "565"
    QQVGA, QVGA = (160, 120), (320, 240)

    def __init__(self, eye):
        class CSI:
            def reset(self):
                eye.asked.append("reset")

            def pixformat(self, value):
                eye.asked.append(value)

            def framesize(self, value):
                eye.asked.append(value)

            def snapshot(self, blocking=True):
                return eye.look()

            def shutdown(self, off):
                eye.off = off

        self.CSI = CSI


class Sensor:
    """The module sensor, older."""

    GRAYSCALE, RGB565 = "gray", "565"
    QQVGA, QVGA = (160, 120), (320, 240)

    def __init__(self, eye):
        # Functions, not methods: as those of a module.
        self.reset = lambda: eye.asked.append("reset")
        self.set_pixformat = eye.asked.append
        self.set_framesize = eye.asked.append
        self.snapshot = eye.look

        def shutdown(off):
            eye.off = off

        self.shutdown = shutdown


class Esp32:
    """The module camera."""

    class PixelFormat:
        GRAYSCALE, RGB565 = "gray", "565"

    class FrameSize:
        QQVGA, R96X96 = (160, 120), (96, 96)

    def __init__(self, eye):
        class Camera:
            def __init__(self, frame_size=None, pixel_format=None):
                if eye.failing:
                    raise OSError("Failed to capture initial frame")
                eye.asked += [pixel_format, frame_size]

            def get_pixel_width(self):
                return eye.picture.width()

            def get_pixel_height(self):
                return eye.picture.height()

            def capture(self):
                got = eye.look()
                eye.held += got is not None
                return got and got.bytearray()

            def free_buffer(self):
                eye.held -= 1

            def deinit(self):
                eye.off = True

        self.Camera = Camera


def pnm(width, height, pixels, comment=b""):
    """A PGM, or a PPM where there are three bytes a pixel."""
    kind = b"P6" if len(pixels) == 3 * width * height else b"P5"
    return kind + b"\n" + comment + b"%d %d\n255\n" % (width, height) + bytes(pixels)


def bmp(width, height, pixels, upwards=True):
    """A BMP of rows of grey, or of r g b."""
    size = len(pixels) // (width * height)
    rows = []
    for y in range(height):
        row = bytearray(pixels[y * width * size : (y + 1) * width * size])
        if size == 3:
            for x in range(0, len(row), 3):
                row[x], row[x + 2] = row[x + 2], row[x]
        rows.append(bytes(row) + bytes(-len(row) % 4))
    palette = b"".join(bytes((i, i, i, 0)) for i in range(256)) if size == 1 else b""
    data = b"".join(rows[::-1] if upwards else rows)

    def u32(value):
        return (value & 0xFFFFFFFF).to_bytes(4, "little")

    at = 54 + len(palette)
    return (b"BM" + u32(at + len(data)) + u32(0) + u32(at) + u32(40) + u32(width)
            + u32(height if upwards else -height) + bytes((1, 0, 8 * size, 0)) + u32(0)
            + u32(len(data)) + bytes(16) + palette + data)
