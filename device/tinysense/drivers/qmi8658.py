"""QMI8658A and QMI8658C: accelerometer and gyroscope over I2C or SPI, by a FIFO behind a command.

Sections are those of QST's data sheet 13-52-25, QMI8658A, revision A.

While its FIFO is read, the chip throws samples away (section 8.7). So it is
read between two of them: a read begins only where it ends before the next sample is due,
and waits for that sample where it would not. Where not even one frame can be read
in time, as at 896.8 Hz over I2C, what is lost is counted.
"""

from .. import ticks
from ..errors import DriverError
from ..sensing.bus import (
    I2C_OPTIONS,
    INTERRUPT_OPTIONS,
    POWER_OPTIONS,
    SPI_OPTIONS,
    interrupt_pin,
    open_bus,
    registers,
)
from ..sensing.driver import (
    fitting,
    motion_axes,
    motion_full_scale,
    nearest,
    wanted_range,
    wants_units,
)
from ..sensing.fifo import CHUNK_FRAMES, FIFO_OPTIONS, OVERFLOW, Fifo, layout_of, unpacked

ADDRESS = 0x6B  # SA0 low; 0x6A with SA0 high or open, section 16.3.1
# Table 22
WHO_AM_I = 0x00
CTRL1 = 0x02  # interface
CTRL2 = 0x03  # aST in bit 7, aFS in bits 6:4, aODR in bits 3:0
CTRL3 = 0x04  # gST, gFS, gODR likewise
CTRL7 = 0x08  # sensors on
CTRL8 = 0x09
CTRL9 = 0x0A  # commands, section 5.10
CAL1_L = 0x0B  # their parameters
CAL1_H = 0x0C
FIFO_WTM_TH = 0x13  # table 23: frames
FIFO_CTRL = 0x14  # FIFO_RD_MODE in bit 7, FIFO_SIZE in bits 3:2, FIFO_MODE in bits 1:0
FIFO_SMPL_CNT = 0x15  # words of two bytes, bits 7:0; in FIFO_STATUS 9:8 and flags
FIFO_DATA = 0x17
STATUSINT = 0x2D  # table 24
TIMESTAMP_L = 0x30  # samples so far, 24 bits
DVX_L = 0x51  # results of the self-test
RESET = 0x60  # table 27

# ADDR_AI, so that registers follow each other; BE as after a reset: with it bytes come
# in the registers' order, low ones first, as all public drivers of the chip read them.
INTERFACE = 0x60  # CTRL1
INT2_EN, INT1_EN, FIFO_ON_INT1 = 0x10, 0x08, 0x04  # CTRL1
SELF_TEST = 0x80  # CTRL2, CTRL3
ACCEL_EN, GYRO_EN, DRDY_DIS = 0x01, 0x02, 0x20  # CTRL7
HANDSHAKE_STATUSINT = 0x80  # CTRL8: commands are done when STATUSINT says so
ACK, RST_FIFO, REQ_FIFO, WRITE_WOM = 0x00, 0x04, 0x05, 0x08  # CTRL9, table 28
BYPASS, STREAM_128 = 0x00, 0x0E  # FIFO_CTRL: off; 128 frames, the newest overwrite the oldest
CMD_DONE, TEST_DONE = 0x80, 0x01  # STATUSINT
SOFT_RESET = 0xB0
ODR_21_HZ, ODR_250_HZ = 0x0D, 0x05  # low power, for wake-up; for the self-test
FRAMES = 128

ACCEL_RANGES_G = (2, 4, 8, 16)  # by aFS
GYRO_RANGES_DPS = (16, 32, 64, 128, 256, 512, 1024, 2048)  # by gFS
# By aODR, gODR: of the accelerometer alone (codes 3 to 8), and of both.
RATES_MHZ = (1000000, 500000, 250000, 125000, 62500, 31250)
RATES_6D_MHZ = (7174400, 3587200, 1793600, 896800, 448400, 224200, 112100, 56050, 28025)
_FIRST_CODE = 3
SELFTEST_G, SELFTEST_DPS = (0.2, 16), (300, 2048)  # section 15: at least; its format's range
_RESET_MS = 20  # section 7.4: 15
_START_MS = 400  # of the gyroscope: 150 ms and three samples, section 7.3
_POLLS = 200  # of a command that takes some 100 us
_LOOKS = 2000  # for a sample
_LONGEST_US = 5000  # of one read, and of a wait for it
_SHORT_US = 10000  # a sample's period that is short
_WATCHED, _WATCHED_SLOW = 2048, 512  # samples until the clock knows well when the next ones come
_GUESSED = 128  # samples after which it looks at one again
_TEST_MS = 3000  # section 15: 400, and 25 samples
_BLANKING = 4  # samples ignored when wake-up begins

OPTIONS = I2C_OPTIONS + SPI_OPTIONS + INTERRUPT_OPTIONS + POWER_OPTIONS + FIFO_OPTIONS + (
    ("address", int, ADDRESS, (8, 119), "107, or 106 with SA0 high or open"),
    ("rate_mhz", int, 0, (0, 7174400), "millihertz, 0: as the model wants"),
    ("range_g", int, 0, (0, 16), "2, 4, 8 or 16, 0: as the model wants"),
    ("gyro", bool, False, None, "six channels instead of three"),
    ("range_dps", int, 0, (0, 2048), "16, 32, 64, 128 ... 2048, 0: as the model wants"),
    ("int_line", int, 2, (1, 2), "which of the chip's pins INT1, INT2 int_pin is wired to"),
)


def build(options: dict, sensor: "Sensor | None" = None) -> "QMI8658":
    """The driver on a bus of this board; open options are filled in from the model."""
    gyro = options["gyro"] or wants_units(sensor, "deg/s")
    return QMI8658(
        open_bus(options, "qmi8658"),
        options["rate_mhz"] or (sensor.rate_mhz if sensor else 125000),
        options["range_g"] or fitting(ACCEL_RANGES_G, wanted_range(sensor, "g", 4)),
        gyro, options["address"],
        options["range_dps"] or fitting(GYRO_RANGES_DPS, wanted_range(sensor, "deg/s", 2048)),
        options["batch_ms"], interrupt_pin(options), options["int_line"])


class QMI8658(Fifo):
    """``QMI8658(i2c, rate_mhz=125000, range_g=4)``: frames of x, y, z in g.

    With ``gyro`` frames are six: accelerometer in g, gyroscope in deg/s, and
    the rates others. ``rate_mhz`` becomes the nearest of the chip's. ``pin``: its INT1 or
    INT2, as ``int_line`` says, which then tells that a batch waits.
    """

    def __init__(self, bus: "I2C | I2CRegisters | SPIRegisters", rate_mhz: int = 125000,
                 range_g: int = 4, gyro: bool = False, address: int = ADDRESS,
                 gyro_dps: int = 2048, batch_ms: int = 40, pin: "Pin | None" = None,
                 int_line: int = 2, now: "Callable[[], int] | None" = None):
        if range_g not in ACCEL_RANGES_G or gyro_dps not in GYRO_RANGES_DPS:
            raise DriverError(22, "QMI8658: expected a range of 2, 4, 8, 16 g and 16, 32, 64 .. "
                              "2048 deg/s, got %r, %r" % (range_g, gyro_dps))
        rates = RATES_6D_MHZ if gyro else RATES_MHZ
        if not rates[-1] * 9 // 10 <= rate_mhz <= rates[0] * 11 // 10:
            raise DriverError(22, "QMI8658: expected a rate of %d to %d mHz, got %r"
                              % (rates[-1], rates[0], rate_mhz))
        self.bus = registers(bus, address)
        code = nearest(rates, rate_mhz)
        self._gyro, self._int_line = gyro, int_line
        self._accel = ACCEL_RANGES_G.index(range_g) << 4 | (code if gyro else code + _FIRST_CODE)
        self._rotation = GYRO_RANGES_DPS.index(gyro_dps) << 4 | code
        axes, units = motion_axes(gyro)
        self._describe(rates[code], axes, units, motion_full_scale(gyro, range_g, gyro_dps))
        self._known(WHO_AM_I, (0x05,), "check the address and which chip it is")
        stride = 2 * self.channels
        self._layout = layout_of(stride, tuple(range(0, stride, 2)))
        self._words, self._times = bytearray(2), bytearray(16)
        self._stamp = bytearray(3)
        self._samples = 0  # the chip's count of samples, as last seen
        self._counts = True
        self._unseen = 0  # samples by that count, of which the FIFO has not been asked
        self._fixed_us = self._frame_us = 0  # what a read costs, and each frame of it
        self._spoilt = False  # it may have given up half a word, which its count does not show
        self._clear = False  # whether reads keep out of the way of samples
        self._watched = 0  # samples that are still waited for themselves
        self._guessed = 0  # samples since one was
        self._start_fifo(stride, FRAMES, batch_ms, pin, now)
        self._configure()

    def _configure(self):
        self._reset()
        pins = (INT1_EN | FIFO_ON_INT1 if self._int_line == 1 else INT2_EN) \
            if self.interrupt is not None else 0
        self._set((
            (CTRL1, INTERFACE | pins), (CTRL2, self._accel), (CTRL3, self._rotation),
            (FIFO_WTM_TH, self.watermark)))
        try:
            self._restart()
            self._plan()
            self._restart()
            self._set(((CTRL7, ACCEL_EN | (GYRO_EN if self._gyro else 0) | DRDY_DIS),))
            self._meet()
        except OSError as e:
            raise DriverError(e.errno, "QMI8658 at %s refused a command: check wires and power: %s"
                              % (self.bus.name, e))

    def _reset(self):
        self._set(((RESET, SOFT_RESET),))
        ticks.sleep_ms(_RESET_MS)
        self._set(((CTRL1, INTERFACE), (CTRL8, HANDSHAKE_STATUSINT), (CTRL7, 0)))

    def _plan(self):
        """How many frames one read may take so that it fits between two samples."""
        one, eight = [min([self._cost(n) for _ in range(3)]) for n in (1, 8)]
        self._frame_us = max(0, eight - one) // 7 + 1
        self._fixed_us = max(0, one - self._frame_us) * 5 // 4 + 50
        period = 1000000000 // self.rate_mhz
        self._margin_us = period // (16 if period < _SHORT_US else 8) + 50
        self._watched = _WATCHED if period < _SHORT_US else _WATCHED_SLOW
        room = min(period - 2 * self._margin_us, _LONGEST_US) - self._fixed_us
        self._clear = room >= self._frame_us
        self._most = min(CHUNK_FRAMES, room // self._frame_us) if self._clear else CHUNK_FRAMES

    def _cost(self, n):
        began = self._now()
        self._command(REQ_FIFO)
        self.bus.burst(FIFO_DATA, self._bursts[n])
        self.bus.write(FIFO_CTRL, STREAM_128)
        return ticks.ticks_diff(self._now(), began)

    def _meet(self):
        """Waits for two samples' coming, for the time base to know when the others come."""
        began, seen = self._now(), 0
        self._counts = True
        self._newer()  # counted from 0 again
        self._lost += self._pending + self._unseen
        self._pending = self._unseen = 0
        while ticks.ticks_diff(self._now(), began) < _START_MS * 1000:
            if seen == 0:  # after a pause: what the clock says should have come
                idle = self.timebase.behind()
                self._lost += idle
                self.timebase.mark(idle)
            self._look()
            if self._pending > seen > 0:
                break
            seen = self._pending
            if seen == 0 and self._level() > 2:
                self._counts = False  # frames come, and are not counted
            ticks.sleep_us(self._margin_us // 4)

    def _newer(self):
        """How often the chip has sampled since the last time; by its FIFO if it does not count."""
        if not self._counts:
            return max(0, self._level() - self._pending - self._unseen)
        stamp = self._stamp
        self.bus.read_into(TIMESTAMP_L, stamp)
        now = stamp[0] | stamp[1] << 8 | stamp[2] << 16
        newer = now - self._samples & 0xFFFFFF
        self._samples = now
        return newer

    def _look(self):
        """Asks how often the chip has sampled, then how many frames it has: the rest is lost."""
        began = self._now()
        self._looked = began
        self._mark(began)
        level = self._level()
        if level == OVERFLOW:
            self._give_up()
            return 0
        due = self._pending + self._unseen
        self._unseen = 0
        self._lost += max(0, due - level)
        self._pending = min(due, level)  # one more may have come in between
        self._torn = False
        return self._pending

    def _mark(self, began):
        """Takes the chip's count; how much it grew. ``began``: when that was asked."""
        newer = self._newer()
        missing = self.timebase.mark(newer, 0, ticks.ticks_diff(self._now(), began))
        if not self._counts:
            self._lost += missing  # else the chip knows better
        self._guessed += newer
        self._unseen += newer
        return newer

    def _mend(self):
        self._look()

    def _give_up(self):
        self._mark(self._now())
        self._lost += self._pending + self._unseen
        self._pending = self._unseen = 0
        self._torn = False
        self._restart()  # a sample from between here and there is missed by the next look

    def _command(self, command):
        """By CTRL9: written, done, acknowledged (section 5.10.1)."""
        self._await(0)  # the acknowledgement before
        self.bus.write(CTRL9, command)
        self._await(CMD_DONE)
        self.bus.write(CTRL9, ACK)

    def _await(self, done):
        for _ in range(_POLLS):
            if self.bus.read(STATUSINT) & CMD_DONE == done:
                return
        raise OSError(110, "ETIMEDOUT")

    def _level(self):
        if self._torn:
            self.bus.write(FIFO_CTRL, STREAM_128)  # it may be in read mode still
        if self._spoilt:
            self._spoilt = False
            return OVERFLOW
        count = self._words
        for _ in range(2):  # once more where the chip was writing a frame
            self.bus.read_into(FIFO_SMPL_CNT, count)
            words = count[0] | (count[1] & 3) << 8
            if words % self.channels == 0:
                return words // self.channels
        return OVERFLOW

    def _fetch(self, n, buf):
        raw = self._bursts[n]
        if self._clear:
            self._stand_clear(self._fixed_us + n * self._frame_us)
        self._command(REQ_FIFO)
        try:
            self.bus.burst(FIFO_DATA, raw)
        except OSError:
            self._spoilt = True
            self.bus.write(FIFO_CTRL, STREAM_128)
            raise
        self.bus.write(FIFO_CTRL, STREAM_128)
        unpacked(raw, n, self._layout, buf)

    def _stand_clear(self, needed_us):
        """Returns at a moment after which no sample comes for so long."""
        if self._watched > 0 or self._guessed > _GUESSED:
            self._see()
            return
        times, margin = self._times, self._margin_us
        period = 1000000000 // (self.timebase.measured_mhz or self.rate_mhz)
        self.timebase.stamp(0, times, 0)
        self.timebase.clock.stamp(times, 8)
        since = ((times[8] | times[9] << 8 | times[10] << 16)
                 - (times[0] | times[1] << 8 | times[2] << 16) & 0xFFFFFF) % period
        if since < margin:
            ticks.sleep_us(margin - since)
        elif since + needed_us > period - margin:
            ticks.sleep_us(period - since + margin)

    def _see(self):
        """Returns when a sample has come: what the clock says is not good enough yet."""
        began, longest = self._now(), 2 * (1000000000 // self.rate_mhz)
        self._watched -= self._mark(began)  # these may have come long ago
        for _ in range(_LOOKS):
            newer = self._mark(self._now())
            if newer > 0:
                self._watched -= newer
                self._guessed = 0
            if newer > 0 or ticks.ticks_diff(self._now(), began) > longest:
                return

    def stamp(self, n: int, out: bytearray, at: int = 0) -> None:
        """Device time of the first of the ``n`` frames just read: 8 bytes, little-endian us."""
        self.timebase.stamp(self._pending + self._unseen + n - 1, out, at)

    def _restart(self):
        self.bus.write(FIFO_CTRL, STREAM_128)
        self._command(RST_FIFO)
        self.bus.write(FIFO_CTRL, STREAM_128)

    def _sleep(self):
        self._asleep((CTRL7, 0))

    def wake_on_motion(self, threshold_mg: int) -> None:
        """Samples at 21 Hz with little power; the interrupt changes its level when moved.

        ``threshold_mg``: 1 to 255, how much an axis must change from one sample to the next.
        """
        if not 1 <= threshold_mg <= 255:
            raise DriverError(22, "QMI8658: expected a threshold of 1 to 255 mg, got %r"
                              % threshold_mg)
        line = 0 if self._int_line == 1 else 0x40  # CAL1_H bits 7:6, low at first: section 12.2
        try:
            self._reset()
            self._set(((CTRL2, ODR_21_HZ), (CAL1_L, threshold_mg), (CAL1_H, line | _BLANKING)))
            self._command(WRITE_WOM)
            self._set(((CTRL1, INTERFACE | (INT2_EN if line else INT1_EN)), (CTRL7, ACCEL_EN)))
        except OSError as e:
            raise DriverError(e.errno, "QMI8658: wake-up not set: %s" % e)
        self._pause()

    def selftest(self) -> dict:
        """What a force inside moves all six axes by, in g and deg/s; takes a second.

        DriverError where an axis moves less than the data sheet asks. Frames of
        that time count as dropped.
        """
        from ..sensing.deflection import judged

        try:
            moved = self._tested(CTRL2, ODR_250_HZ, 2048, ("x", "y", "z"))
            moved.update(self._tested(CTRL3, 0, 16, ("gx", "gy", "gz")))
            self._configure()
            self._give_up()
        except OSError as e:
            raise DriverError(e.errno, "QMI8658: self-test broken off: %s" % e)
        return judged(self, moved, {axis: SELFTEST_DPS if axis in ("gx", "gy", "gz")
                                    else SELFTEST_G for axis in moved})

    def _tested(self, register, setting, per_unit, axes):
        """Section 15.1 and 15.2: the results of three axes."""
        import struct

        self._reset()
        self._set(((register, setting | SELF_TEST),))
        self._tell(TEST_DONE)
        self._set(((register, setting),))
        self._tell(0)
        raw = bytearray(6)
        self.bus.read_into(DVX_L, raw)
        values = struct.unpack("<3h", raw)
        return {axes[i]: values[i] / per_unit for i in range(3)}

    def _tell(self, done):
        for _ in range(_TEST_MS):
            if self.bus.read(STATUSINT) & TEST_DONE == done:
                return
            ticks.sleep_ms(1)
        raise DriverError(110, "no result for %d s" % (_TEST_MS // 1000))
