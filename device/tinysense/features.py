"""Features: a driver's frames become the model's, a window becomes its int8 input tensor."""

from .channels import each, spoken
from .errors import ModelError
from .memory import take
from .native import core

RATE_TOLERANCE_PERCENT = 5  # sensors' own clocks are off by several per cent

_adapt = core.frames_adapt  # for each chunk: the core is a table searched from its first row on
_RANGE_SLACK = 0.999  # scales are float32 in recordings, and rounded in data sheets


class Sensor:
    """What a model was trained on: the ``sensor`` object of the file's META section.

    ``rate_mhz`` millihertz, ``channels`` how many, ``axes`` their names, ``units``,
    ``full_scale`` in units for the count 32768 (of each a tuple, one a channel,
    where channels differ), ``kind``.
    """

    def __init__(self, meta: dict):
        try:
            self.kind: str = str(meta.get("kind", ""))
            self.units: "str | tuple" = _fixed(meta["units"])
            self.axes: tuple = tuple(meta["channels"])
            self.rate_mhz: int = meta["rate_mhz"]
            self.full_scale: "float | tuple" = _fixed(meta["full_scale"])
        except (KeyError, TypeError, AttributeError):
            raise ModelError("model's sensor lacks units, channels, rate_mhz or full_scale")
        self.channels = len(self.axes)
        try:
            units, full_scales = each(self.units, self.channels), self.full_scales()
        except ValueError as e:
            raise ModelError("model's sensor: units and full_scale: %s" % e)
        texts = all(isinstance(text, str) for text in self.axes + units)
        numbers = all(type(value) in (int, float) for value in full_scales)
        if not texts or type(self.rate_mhz) is not int or not numbers:
            raise ModelError("model's sensor: expected units and channels as texts, rate_mhz and "
                             "full_scale as numbers, got %r" % (meta,))
        if self.rate_mhz <= 0 or not all(0 < value < 1e9 for value in full_scales):
            raise ModelError("model's sensor: expected rate_mhz and full_scale above 0, got %r, %s"
                             % (self.rate_mhz, spoken(self.full_scale)))

    def full_scales(self) -> tuple:
        """The full scale of each channel."""
        return each(self.full_scale, self.channels)


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

    def __init__(self, feat: "Buffer", sensor: "Sensor | None" = None):
        info = bytearray(32)
        code = core.features_info(feat, info)
        if code < 0:
            raise ModelError("features: " + core.error_text(code))
        numbers = [int.from_bytes(info[i : i + 4], "little") for i in range(0, 32, 4)]
        self.channels: int = numbers[0]
        self.window: int = numbers[1]
        self.hop: int = numbers[2]
        self.outputs: int = numbers[3]
        self.work_bytes: int = numbers[4]
        self.rows: int = numbers[5]
        self.row_stride: int = numbers[6]
        self.row_outputs: int = numbers[7]
        if sensor is not None and sensor.channels != self.channels:
            raise ModelError("model file contradicts itself: sensor has %d channels, features %d"
                             % (sensor.channels, self.channels))
        self.sensor = sensor
        self._feat = feat
        self._work = take(self.work_bytes or 4, "the features' work space")
        self._map = None
        self.reset()

    def run(self, window: "Buffer", out: "Buffer") -> bool:
        """``window`` int16 (window, channels), not changed; ``out`` int8 (outputs).

        Whether ``out`` was written: where an input is made of the rows of several
        windows, most windows only add theirs.
        """
        code = core.features_run(self._feat, window, self._work, out)
        if code < 0:
            self._refuse(code)
        return code == 1

    def newest(self, out: "Buffer") -> None:
        """The rows gathered so far, oldest first, zeros before the first: int8 (outputs)."""
        code = core.features_rows(self._feat, self._work, out)
        if code < 0:
            self._refuse(code)

    def reset(self) -> None:
        """A stream begins: what was learnt of the noise, and rows gathered, are forgotten."""
        code = core.features_reset(self._feat, self._work)
        if code < 0:
            self._refuse(code)

    def values(self, window: "Buffer", out: "Buffer") -> None:
        """The values of one row before quantisation, s32 (row_outputs): what training sees."""
        code = core.features_values(self._feat, window, self._work, out)
        if code < 0:
            self._refuse(code)

    def connect(self, driver: "Driver", axes: str = "") -> None:
        """Makes ``adapt`` turn this driver's frames into the model's.

        ``axes`` names, for each of the model's channels in order, the driver's
        axis that it takes, with a minus where it points the other way: "y -x z".
        Three names for six or nine channels turn each three alike.
        Raises ModelError where rate, channels, units or range do not fit.
        """
        if self.sensor is None:
            raise ModelError("model does not say which sensor it is for: run it with model.run()")
        self._check_driver(driver)
        names = getattr(driver, "axes", self.sensor.axes)
        sources = axis_bytes(axes, names)
        self._check_channels(driver, names, sources)
        have = each(driver.full_scale, self.channels)
        records, straight = bytearray(), bytearray()
        for i, want in enumerate(self.sensor.full_scales()):
            mult, shift = ratio(have[sources[i] & 0x7F], want)
            records += bytes((sources[i], shift, mult & 0xFF, mult >> 8))
            straight += bytes((i, 0, 1, 0))
        self._map = None if records == straight else bytes(records)

    def adapt(self, frames: "Buffer", n: int) -> None:
        """In place: int16 (n, channels) of the driver -> of the model. Saturates."""
        if self._map is None:
            return
        code = _adapt(frames, n, self.channels, self._map)
        if code < 0:
            self._refuse(code)

    def _check_driver(self, driver):
        want = self.sensor
        if driver.channels != self.channels:
            raise ModelError("model wants %d channels (%s), the driver has %d: choose the driver's "
                             "channels to match" % (self.channels, " ".join(want.axes),
                                                    driver.channels))
        if sorted(each(driver.units, self.channels)) != sorted(each(want.units, self.channels)):
            raise ModelError("model wants frames in %s, the driver gives %s: use another driver "
                             "or train on its recordings"
                             % (spoken(want.units), spoken(driver.units)))
        if abs(driver.rate_mhz - want.rate_mhz) * 100 > want.rate_mhz * RATE_TOLERANCE_PERCENT:
            raise ModelError("model wants %s Hz (+-%d %%), the driver runs at %s Hz: set the "
                             "driver's rate" % (hertz(want.rate_mhz), RATE_TOLERANCE_PERCENT,
                                                hertz(driver.rate_mhz)))

    def _check_channels(self, driver, names, sources):
        """Units and range of what each of the model's channels gets."""
        want, n = self.sensor, self.channels
        units, have_units = each(want.units, n), each(driver.units, n)
        ranges, have_ranges = want.full_scales(), each(driver.full_scale, n)
        for i in range(n):
            source = sources[i] & 0x7F
            if have_units[source] != units[i]:
                raise ModelError("model's channel %s is in %s, the driver's %s in %s: name axes "
                                 "of the same units" % (want.axes[i], units[i], names[source],
                                                        have_units[source]))
            if have_ranges[source] < ranges[i] * _RANGE_SLACK:
                which = " for " + want.axes[i] if len(set(ranges + have_ranges)) > 2 else ""
                raise ModelError("model wants a range of +-%s %s%s, the driver clips at +-%s: set "
                                 "the driver's range" % (ranges[i], units[i], which,
                                                         have_ranges[source]))

    def _refuse(self, code):
        raise ModelError(
            "features: %s (expected a window of %d frames x %d channels int16, %d bytes)"
            % (core.error_text(code), self.window, self.channels, 2 * self.window * self.channels)
        )


def _fixed(value):
    """JSON has lists where tuples belong."""
    return tuple(value) if isinstance(value, list) else value


def hertz(rate_mhz: int) -> str:
    """25000 -> "25", 12500 -> "12.5"."""
    whole, rest = divmod(rate_mhz, 1000)
    return "%d.%s" % (whole, ("%03d" % rest).rstrip("0")) if rest else str(whole)


def ratio(have: "float", want: "float") -> tuple:
    """(mult, shift) so that counts x mult / 2^shift turn one full scale into the other.

    In integers from millionths on, so that board and host agree whatever their floats.
    """
    top, bottom = round(have * 1000000), round(want * 1000000)
    shift = 30
    while shift > 0:
        mult = ((top << shift) + bottom // 2) // bottom
        if mult <= 32767:
            break
        shift -= 1
    else:
        mult = (top + bottom // 2) // bottom
    if not 1 <= mult <= 32767:
        raise ModelError("the driver's range %s is too far from the model's %s" % (have, want))
    while shift > 0 and mult % 2 == 0:
        mult //= 2
        shift -= 1
    return mult, shift


def axis_bytes(axes: str, names: tuple) -> bytes:
    """For each of the model's channels the driver's: its number, bit 7 where negated."""
    wanted = axes.replace(",", " ").split() if axes else names
    if len(wanted) == 3 and len(names) > 3 and len(names) % 3 == 0:
        turn = axis_bytes(axes, tuple(names[:3]))
        return bytes([turn[i % 3] + i // 3 * 3 for i in range(len(names))])
    if len(wanted) != len(names):
        raise ModelError("axes %r names %d axes, expected %d out of: %s"
                         % (axes, len(wanted), len(names), " ".join(names)))
    out = bytearray(len(names))
    for i, axis in enumerate(wanted):
        name = axis[1:] if axis[0] in "+-" else axis
        if name not in names:
            raise ModelError("axes %r: expected names out of: %s, got %r"
                             % (axes, " ".join(names), name))
        out[i] = names.index(name) | (0x80 if axis[0] == "-" else 0)
    if len(set(b & 0x7F for b in out)) != len(out):
        raise ModelError("axes %r uses an axis twice" % axes)
    return bytes(out)
