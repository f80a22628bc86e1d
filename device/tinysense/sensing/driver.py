"""What all drivers of chips share: counters, context manager, asyncio, giving up."""

from ..channels import each, per_count
from ..errors import DriverError

GIVE_UP = 50  # failed reads in a row after which the chip counts as gone
_POLL_MS = 2  # how often wait() looks where no interrupt tells


class Driver:
    """Base of drivers; ``tinysense/drivers/__init__.py`` says what a driver is.

    A subclass sets what its frames are with _describe() and has read_into().
    """

    chip = ""  # which of the chips that it knows it found, where it knows several
    measured_mhz = 0  # true rate by the board's clock, 0 while unknown
    timebase = None
    bus = None  # sensing.bus registers, where the chip has a bus
    interrupt = None  # sensing.interrupt.Interrupt, where a pin tells that frames wait

    def _describe(self, rate_mhz, axes, units, full_scale):
        self.rate_mhz: int = rate_mhz
        self.channels: int = len(axes)
        self.axes: tuple = axes
        self.units = units
        self.full_scale = full_scale
        self.scale = per_count(full_scale)
        self.dropped = 0
        self._errors = 0
        self.last_error = 0  # errno of the last failed transfer
        self.done = False
        self._in_a_row = 0

    @property
    def errors(self) -> int:
        """Transfers that failed, those that a retry mended included."""
        return self._errors if self.bus is None else self.bus.errors

    def read_into(self, buf: bytearray) -> int:
        """Frames read into buf, 0 if none waits."""
        raise NotImplementedError

    def close(self) -> None:
        """Stops reading, and puts the chip to sleep where it can."""
        self.done = True

    def __enter__(self) -> "Driver":
        return self

    def __exit__(self, *exc: "object") -> None:
        self.close()

    def selftest(self) -> dict:
        """What the chip's own test says, by axis; DriverError where it fails or has none."""
        raise DriverError(95, "%s has no self-test" % type(self).__name__)

    def wake_on_motion(self, threshold_mg: int) -> None:
        """Little power until the chip is moved: then its interrupt pin fires. resume() ends it."""
        raise DriverError(95, "%s cannot wake on motion" % type(self).__name__)

    def resume(self) -> None:
        """Samples again after wake_on_motion()."""

    async def wait(self) -> None:
        """For asyncio: returns when it is worth calling read_into() again."""
        if self.interrupt is not None:
            await self.interrupt.wait()
            return
        import asyncio

        if hasattr(asyncio, "sleep_ms"):
            await asyncio.sleep_ms(_POLL_MS)
        else:
            await asyncio.sleep(_POLL_MS / 1000)

    def _name(self):
        return self.chip or type(self).__name__

    def _known(self, register, ids, advice="", who_am_i=0):
        """The identity in a register, which must be one of ids; DriverError in one line else.

        Without advice ``who_am_i``, where it is not 0, will do too.
        """
        name = self._name()
        try:
            got = self.bus.read(register)
        except OSError as e:
            raise DriverError(e.errno, "%s: no chip answers at %s: check wires, power and address"
                              % (name, self.bus.name))
        if got in ids or who_am_i and got == who_am_i:
            return got
        raise DriverError(19, "%s: expected id %s at %s, got id 0x%02x: %s" % (
            name, " or ".join(["0x%02x" % known for known in ids]), self.bus.name, got,
            advice or "if it is a register-compatible chip, say who_am_i=0x%02x" % got))

    def _set(self, rows):
        """Writes (register, value) one after another; reads, which clears it, where value is None.

        DriverError where the chip refuses.
        """
        try:
            for register, value in rows:
                if value is None:
                    self.bus.read(register)
                else:
                    self.bus.write(register, value)
        except OSError as e:
            raise self._refused(e)

    def _refused(self, error):
        """The DriverError of a setting that the chip did not take."""
        return DriverError(error.errno, "%s at %s refused a setting: check wires and power"
                           % (self._name(), self.bus.name))

    def _asleep(self, *rows):
        """Writes (register, value) one after another, then switches the chip off where it can.

        A chip that is gone already need not sleep.
        """
        try:
            for register, value in rows:
                self.bus.write(register, value)
        except OSError:
            pass
        self.bus.power_off()

    def _failed(self, error):
        """Counts a failed read; DriverError after GIVE_UP of them in a row."""
        self._errors += 1
        self._in_a_row += 1
        self.last_error = error.errno
        if self._in_a_row >= GIVE_UP:
            raise DriverError(error.errno, "%s stopped answering (%d reads in a row failed, errno "
                              "%s): check wires and power"
                              % (type(self).__name__, self._in_a_row, error.errno))


def fitting(ranges: tuple, wanted: "float") -> int:
    """The smallest of a chip's ranges that holds ``wanted``; the largest where none does."""
    for value in ranges:
        if value >= wanted * 0.999:  # data sheets round: 0.122 mg/LSB is 3.998 g
            return value
    return ranges[-1]


def nearest(values: tuple, wanted: int) -> int:
    """Index of the value that is nearest to ``wanted``."""
    return min(range(len(values)), key=lambda i: abs(values[i] - wanted))


def wanted_range(sensor: "Sensor | None", units: str, otherwise: int) -> "float":
    """The full scale that a model asks of the channels in these units."""
    if sensor is None:
        return otherwise
    pairs = zip(each(sensor.units, sensor.channels), each(sensor.full_scale, sensor.channels))
    return max([full for own, full in pairs if own == units] + [0]) or otherwise


def wants_units(sensor: "Sensor | None", units: str) -> bool:
    """Whether a model has channels in these units."""
    return wanted_range(sensor, units, 0) != 0


def motion_axes(gyro: bool) -> tuple:
    """(axes, units) of an accelerometer, with a gyroscope or without."""
    if gyro:
        return ("x", "y", "z", "gx", "gy", "gz"), ("g",) * 3 + ("deg/s",) * 3
    return ("x", "y", "z"), "g"


def motion_full_scale(gyro: bool, accel: "float", rotation: "float") -> "float | tuple":
    """full_scale of such frames."""
    return (accel,) * 3 + (rotation,) * 3 if gyro else accel
