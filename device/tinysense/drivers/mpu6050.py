"""MPU6050, and MPU6500, 9250, 9255, 6886 beside it: accelerometer and gyroscope over I2C, by FIFO.

Pages are those of InvenSense's register map RM-MPU-6000A, revision 4.2; "3.2": its
revision 3.2, which still described the high-pass filter; "9250": RM-MPU-9250A-00,
revision 1.6; "6886": MPU6886 data sheet DS-000193, revision 1.1.
"""

from ..errors import DriverError
from ..sensing.bus import (
    I2C_OPTIONS,
    INTERRUPT_OPTIONS,
    POWER_OPTIONS,
    interrupt_pin,
    open_bus,
    registers,
)
from ..sensing.driver import fitting, motion_axes, motion_full_scale, wanted_range, wants_units
from ..sensing.fifo import FIFO_OPTIONS, OVERFLOW, Fifo, layout_of, unpacked

ADDRESS = 0x68  # AD0 low; 0x69 with AD0 high
SELF_TEST_X_GYRO = 0x00  # 9250, section 4.1: one register an axis; not on the 6050
SELF_TEST_X = 0x0D  # page 9: X, Y, Z, and A with low bits; 9250: the accelerometer's alone
SMPLRT_DIV = 0x19  # pages 11, 12: sample rate = 1 kHz / (1 + SMPLRT_DIV) with the filter on
CONFIG = 0x1A  # page 13: DLPF_CFG in bits 2:0
GYRO_CONFIG = 0x1B  # page 14: FS_SEL in bits 4:3
ACCEL_CONFIG = 0x1C  # page 15: AFS_SEL in bits 4:3
ACCEL_CONFIG_2 = 0x1D  # 9250 page 15: A_DLPF_CFG in bits 2:0; not on the 6050
LP_ACCEL_ODR = 0x1E  # 9250, "Low Power Accelerometer ODR Control"; not on the 6050
MOT_THR = 0x1F  # page 16; 9250: WOM_THR
MOT_DUR = 0x20  # 3.2, "Motion Detection Duration": 1 ms a step
ACCEL_WOM_X_THR = 0x20  # 6886: X, Y, Z
FIFO_EN = 0x23  # page 16
INT_PIN_CFG = 0x37  # page 26: 0 is active high, pushed and pulled, 50 us pulses
INT_ENABLE = 0x38  # page 27
INT_STATUS = 0x3A  # page 28; reading clears it
ACCEL_XOUT_H = 0x3B  # page 29: accelerometer, temperature, gyroscope, high bytes first
SELF_TEST_X_GYRO_6886 = 0x50
ACCEL_INTEL_CTRL = 0x69  # 9250, "Accelerometer Interrupt Control": MOT_DETECT_CTRL
USER_CTRL = 0x6A  # page 38
PWR_MGMT_1 = 0x6B  # page 40
PWR_MGMT_2 = 0x6C  # page 42
FIFO_COUNT_H = 0x72  # page 43: two bytes, high first
FIFO_R_W = 0x74  # page 44
WHO_AM_I = 0x75  # page 45

DEVICE_RESET = 0x80  # PWR_MGMT_1 bit 7
SLEEP = 0x40  # PWR_MGMT_1 bit 6
CYCLE = 0x20  # PWR_MGMT_1 bit 5: asleep between samples, accelerometer only
STBY_GYRO = 0x07  # PWR_MGMT_2 bits 2:0
LP_WAKE_20_HZ = 0x80  # PWR_MGMT_2 bits 7:6; the 6050's
CLKSEL_GYRO_X = 0x01  # PWR_MGMT_1 bits 2:0; page 41: steadier than the internal 8 MHz
FIFO_ENABLE, FIFO_RESET = 0x40, 0x04  # USER_CTRL bits 6, 2
GYRO_FIFO, ACCEL_FIFO = 0x70, 0x08  # FIFO_EN: XG YG ZG in bits 6:4, ACCEL in bit 3
GYRO_FIFO_6886 = 0x10  # 6886 page 40: one bit, which brings the temperature too
FIFO_OFLOW, DATA_RDY = 0x10, 0x01  # INT_ENABLE, INT_STATUS bits 4, 0
MOT_EN, WOM_EN_6886 = 0x40, 0xE0  # INT_ENABLE: bit 6; on the 6886 one an axis
LATCH_INT_EN = 0x20  # INT_PIN_CFG bit 5: the pin stays until INT_STATUS is read
XYZ_SELF_TEST = 0xE0  # GYRO_CONFIG, ACCEL_CONFIG: bits 7:5
HPF_HOLD = 0x07  # ACCEL_CONFIG bits 2:0, 3.2: motion is what differs from the sample held
INTEL_COMPARE = 0xC0  # ACCEL_INTEL_CTRL: on, and compare with the sample before
LP_ODR_31_HZ = 7  # LP_ACCEL_ODR
SAMPLE_CLOCK_MHZ = 1000000  # 1 kHz

CHIPS = {  # WHO_AM_I: name, bytes of FIFO
    0x68: ("MPU6050", 1024),
    0x70: ("MPU6500", 512),
    0x71: ("MPU9250", 512),
    0x73: ("MPU9255", 512),
    0x19: ("MPU6886", 1024),
}
_ID_6050, _ID_6886 = 0x68, 0x19
ACCEL_RANGES_G = (2, 4, 8, 16)  # by AFS_SEL
GYRO_RANGES_DPS = (250, 500, 1000, 2000)  # by FS_SEL
DLPF_HZ = (260, 184, 94, 44, 21, 10, 5)  # accelerometer bandwidth by DLPF_CFG
# One step of the threshold. Revision 3.2 of the register map says 2 mg; later ones send
# the reader to the product specification, PS-MPU-6000A revision 3.4, page 13: 32 mg,
# which InvenSense's own motion driver uses too. 9250 and 6886: 4 mg.
THRESHOLD_STEP_MG_6050, THRESHOLD_STEP_MG = 32, 4
TRIM_TOLERANCE = 0.14  # of the factory's response: PS-MPU-6000A revision 3.4, pages 12, 13
_TORN = OVERFLOW - 1  # a level
_SETTLE_MS = 100  # after a reset, page 41
_SELF_TEST_MS = 50  # until a response to a self-test stands; AN-MPU-9250A-03 waits 20

OPTIONS = I2C_OPTIONS + INTERRUPT_OPTIONS + POWER_OPTIONS + FIFO_OPTIONS + (
    ("address", int, ADDRESS, (8, 119), "104, or 105 with AD0 high"),
    ("rate_mhz", int, 0, (0, 1000000), "millihertz, 0: as the model wants"),
    ("range_g", int, 0, (0, 16), "2, 4, 8 or 16, 0: as the model wants"),
    ("gyro", bool, False, None, "six channels instead of three"),
    ("range_dps", int, 0, (0, 2000), "250, 500, 1000 or 2000, 0: as the model wants"),
    ("who_am_i", int, 0, (0, 255), "identity to take for an MPU6050's, for compatible chips"),
)


def build(options: dict, sensor: "Sensor | None" = None) -> "MPU6050":
    """The driver on a bus of this board; open options are filled in from the model."""
    gyro = options["gyro"] or wants_units(sensor, "deg/s")
    return MPU6050(
        open_bus(options, "mpu6050"),
        options["rate_mhz"] or (sensor.rate_mhz if sensor else 100000),
        options["range_g"] or fitting(ACCEL_RANGES_G, wanted_range(sensor, "g", 4)),
        gyro, options["address"], options["who_am_i"],
        options["range_dps"] or fitting(GYRO_RANGES_DPS, wanted_range(sensor, "deg/s", 2000)),
        options["batch_ms"], interrupt_pin(options))


class MPU6050(Fifo):
    """``MPU6050(i2c, rate_mhz=25000, range_g=4)``: frames of x, y, z in g.

    With ``gyro`` frames are six: accelerometer in g, gyroscope in deg/s. The
    chip samples at 1 kHz / n: ``rate_mhz`` becomes the nearest of these.
    ``pin``: its INT, which then fires for every frame (no watermark).
    """

    def __init__(self, bus: "I2C | I2CRegisters", rate_mhz: int = 100000, range_g: int = 4,
                 gyro: bool = False, address: int = ADDRESS, who_am_i: int = 0,
                 gyro_dps: int = 2000, batch_ms: int = 40, pin: "Pin | None" = None,
                 now: "Callable[[], int] | None" = None):
        if range_g not in ACCEL_RANGES_G or gyro_dps not in GYRO_RANGES_DPS:
            raise DriverError(22, "MPU6050: expected a range of 2, 4, 8, 16 g and 250, 500, 1000, "
                              "2000 deg/s, got %r, %r" % (range_g, gyro_dps))
        if not SAMPLE_CLOCK_MHZ >= rate_mhz >= SAMPLE_CLOCK_MHZ // 256 + 1:
            raise DriverError(22, "MPU6050: expected a rate of 3.907 to 1000 Hz, got %s mHz"
                              % rate_mhz)
        self.bus = registers(bus, address)
        self._range, self._dps, self._gyro = range_g, gyro_dps, gyro
        self._divider = min(256, (SAMPLE_CLOCK_MHZ + rate_mhz // 2) // rate_mhz)
        axes, units = motion_axes(gyro)
        self._describe(SAMPLE_CLOCK_MHZ // self._divider, axes, units,
                       motion_full_scale(gyro, range_g, gyro_dps))
        self._id = self._identify(who_am_i)
        self.chip, fifo_bytes = CHIPS[self._id]
        self._layout = _layout(self._id, gyro)
        self._stride = self._layout[0]
        self._count, self._status = bytearray(2), bytearray(1)
        self._configure()
        self._start_fifo(self._stride, fifo_bytes // self._stride, batch_ms, pin, now,
                         every_frame=True)
        self._restart()

    def _identify(self, who_am_i):
        ids = (_ID_6050,) + tuple(known for known in CHIPS if known != _ID_6050)
        got = self._known(WHO_AM_I, ids, who_am_i=who_am_i)
        return got if got in CHIPS else _ID_6050

    def _configure(self):
        from ..ticks import sleep_ms

        filter_ = filter_setting(self.rate_mhz)
        fifo = (GYRO_FIFO_6886 if self._id == _ID_6886 else GYRO_FIFO) if self._gyro else 0
        self._set(((PWR_MGMT_1, DEVICE_RESET),))
        sleep_ms(_SETTLE_MS)
        self._set((
            (PWR_MGMT_1, CLKSEL_GYRO_X),
            (SMPLRT_DIV, self._divider - 1),
            (CONFIG, filter_),
            (GYRO_CONFIG, GYRO_RANGES_DPS.index(self._dps) << 3),
            (ACCEL_CONFIG, ACCEL_RANGES_G.index(self._range) << 3))
            + (((ACCEL_CONFIG_2, filter_),) if self._id != _ID_6050 else ())
            + ((INT_PIN_CFG, 0), (INT_ENABLE, FIFO_OFLOW | DATA_RDY), (FIFO_EN, fifo | ACCEL_FIFO)))

    def selftest(self) -> dict:
        """Responses of all six axes to the chip's self-test, in g and deg/s; takes half a second.

        The chip must lie still. DriverError where one is not what the factory measured.
        Frames of that time count as lost.
        """
        from ..sensing.deflection import judged
        from ..sensing.invensense import AXES

        try:
            responses, limits = self._respond()
            self._configure()
            self._give_up()
        except OSError as e:
            raise self._refused(e)
        return judged(self, dict(zip(AXES, responses)), dict(zip(AXES, limits)), absolute=False)

    def _respond(self):
        """(responses, limits), six of each, in g and deg/s."""
        from ..sensing.invensense import mean_counts
        from ..ticks import sleep_ms

        old = self._id == _ID_6050
        full_g = 8 if old else 2  # page 11; AN-MPU-9250A-03
        accel = ACCEL_RANGES_G.index(full_g) << 3
        data = layout_of(14, (0, 2, 4, 8, 10, 12), True)
        self._stop()
        self.bus.write(SMPLRT_DIV, 0)
        self.bus.write(CONFIG, 2)
        if not old:
            self.bus.write(ACCEL_CONFIG_2, 2)
        means = []
        for test in (0, XYZ_SELF_TEST):
            self.bus.write(GYRO_CONFIG, test)  # 250 deg/s
            self.bus.write(ACCEL_CONFIG, test | accel)
            sleep_ms(_SELF_TEST_MS)
            means.append(mean_counts(self.bus, ACCEL_XOUT_H, data))
        full = (full_g,) * 3 + (250,) * 3
        return [(means[1][i] - means[0][i]) * full[i] / 32768 for i in range(6)], self._limits()

    def _limits(self):
        from ..sensing.invensense import otp_limits

        codes = bytearray(4 if self._id == _ID_6050 else 3)
        self.bus.read_into(SELF_TEST_X, codes)
        if self._id == _ID_6050:
            return trim_limits(codes)
        rotation = bytearray(3)
        self.bus.read_into(SELF_TEST_X_GYRO_6886 if self._id == _ID_6886 else SELF_TEST_X_GYRO,
                           rotation)
        return [otp_limits(code, False) for code in codes] \
            + [otp_limits(code, True) for code in rotation]

    def wake_on_motion(self, threshold_mg: int) -> None:
        """Little power until the chip is moved: then INT goes high and stays so until resume().

        6050: 32 to 8160 mg away from the sample at this moment, looked at 20 times a
        second. Others: 4 to 1020 mg between two samples, 31 times a second (6886: 20).
        """
        old = self._id == _ID_6050
        step = THRESHOLD_STEP_MG_6050 if old else THRESHOLD_STEP_MG
        if not step <= threshold_mg <= 255 * step:
            raise DriverError(22, "%s: expected a threshold of %d to %d mg, got %r"
                              % (self.chip, step, 255 * step, threshold_mg))
        steps = (threshold_mg + step // 2) // step
        try:
            self._stop()
            self.bus.write(INT_PIN_CFG, LATCH_INT_EN)
            if old:
                self._watch_6050(steps)
            else:
                self._watch(steps)
            self.bus.read(INT_STATUS)
        except OSError as e:
            raise self._refused(e)
        self._pause()

    def _watch_6050(self, steps):
        from ..ticks import sleep_ms

        accel = ACCEL_RANGES_G.index(self._range) << 3
        self.bus.write(PWR_MGMT_1, 0)  # the internal clock: the gyroscope stops
        self.bus.write(PWR_MGMT_2, STBY_GYRO)
        self.bus.write(CONFIG, 0)
        self.bus.write(MOT_THR, steps)
        self.bus.write(MOT_DUR, 1)
        self.bus.write(ACCEL_CONFIG, accel)
        sleep_ms(5)
        self.bus.write(ACCEL_CONFIG, accel | HPF_HOLD)
        self.bus.write(INT_ENABLE, MOT_EN)
        self.bus.write(PWR_MGMT_2, LP_WAKE_20_HZ | STBY_GYRO)
        self.bus.write(PWR_MGMT_1, CYCLE)

    def _watch(self, steps):
        new = self._id == _ID_6886
        self.bus.write(PWR_MGMT_1, 0)
        self.bus.write(PWR_MGMT_2, STBY_GYRO)
        self.bus.write(ACCEL_CONFIG_2, 1)  # the widest filter
        for i in range(3 if new else 1):
            self.bus.write((ACCEL_WOM_X_THR if new else MOT_THR) + i, steps)
        self.bus.write(ACCEL_INTEL_CTRL, INTEL_COMPARE)
        if new:
            self.bus.write(SMPLRT_DIV, 49)  # 20 Hz
        else:
            self.bus.write(LP_ACCEL_ODR, LP_ODR_31_HZ)
        self.bus.write(INT_ENABLE, WOM_EN_6886 if new else MOT_EN)
        self.bus.write(PWR_MGMT_1, CYCLE)

    def _stop(self):
        self.bus.write(INT_ENABLE, 0)
        self.bus.write(USER_CTRL, 0)
        self.bus.write(FIFO_EN, 0)

    def _level(self):
        level = self._counted()
        if level == _TORN:  # once more where the chip was writing a frame
            level = self._counted()
        return level if level >= 0 else OVERFLOW

    def _counted(self):
        """Frames in the FIFO; _TORN where a part of one is there."""
        bus, count = self.bus, self._count
        bus.read_into(INT_STATUS, self._status)
        bus.read_into(FIFO_COUNT_H, count)
        if self._status[0] & FIFO_OFLOW:
            return OVERFLOW
        size = count[0] << 8 | count[1]
        return size // self._stride if size % self._stride == 0 else _TORN

    def _fetch(self, n, buf):
        raw = self._bursts[n]
        self.bus.burst(FIFO_R_W, raw)
        unpacked(raw, n, self._layout, buf)

    def _restart(self):
        self.bus.write(USER_CTRL, 0)
        self.bus.write(USER_CTRL, FIFO_RESET)
        self.bus.write(USER_CTRL, FIFO_ENABLE)
        self.bus.read(INT_STATUS)  # an overflow from before

    def _sleep(self):
        try:
            self.bus.write(PWR_MGMT_1, SLEEP)
        except OSError:
            pass  # gone already
        self.bus.power_off()


def _layout(chip, gyro):
    """FIFO frames, high byte first: accelerometer, gyroscope; on the 6886 temperature between."""
    if chip == _ID_6886:
        return layout_of(14, (0, 2, 4, 8, 10, 12), True) if gyro else layout_of(8, (0, 2, 4), True)
    return layout_of(12, (0, 2, 4, 6, 8, 10), True) if gyro else layout_of(6, (0, 2, 4), True)


def trim_limits(codes: bytearray) -> list:
    """(lowest, highest) responses of a 6050 in g and deg/s, pages 9 to 12.

    ``codes``: SELF_TEST_X, Y, Z, A. Axes whose factory left no code (0) must reach what
    InvenSense's motion driver asks of those: 0.3 to 0.95 g, 10 to 105 deg/s.
    """
    accel, rotation = [], []
    for i in range(3):
        code = codes[i] >> 3 & 0x1C | codes[3] >> 4 - 2 * i & 3
        trim = 0.34 * (0.92 / 0.34) ** ((code - 1) / 30)
        accel.append(_around(trim) if code else (0.3, 0.95))
        code = codes[i] & 0x1F
        low, high = _around(25 * 1.046 ** (code - 1)) if code else (10, 105)
        rotation.append((-high, -low) if i == 1 else (low, high))
    return accel + rotation


def _around(trim):
    return trim * (1 - TRIM_TOLERANCE), trim * (1 + TRIM_TOLERANCE)


def filter_setting(rate_mhz: int) -> int:
    """DLPF_CFG: the widest filter that stays below half the rate, else the narrowest."""
    for setting in range(1, len(DLPF_HZ)):  # 0 would run the gyroscope at 8 kHz
        if DLPF_HZ[setting] * 2000 <= rate_mhz:
            return setting
    return len(DLPF_HZ) - 1
