"""ICM20948: accelerometer and gyroscope over I2C or SPI, by FIFO. Its magnetometer is left out.

Sections are those of InvenSense's data sheet DS-000189, revision 1.3. Not confirmed on a
real chip yet. The magnetometer is a chip of its own (AK09916) behind the first, with
samples at other times, so that its numbers do not fit into the same frames.
"""

from ..errors import DriverError
from ..sensing.bus import (
    I2C_OPTIONS,
    INTERRUPT_OPTIONS,
    POWER_OPTIONS,
    SPI_OPTIONS,
    SPIRegisters,
    interrupt_pin,
    open_bus,
    registers,
)
from ..sensing.driver import (
    fitting,
    motion_axes,
    motion_full_scale,
    wanted_range,
    wants_units,
)
from ..sensing.fifo import FIFO_OPTIONS, OVERFLOW, Fifo, layout_of, unpacked

ADDRESS = 0x68  # AD0 low; 0x69 with AD0 high
REG_BANK_SEL = 0x7F  # in every bank; the bank in bits 5:4
# Bank 0, section 8; the chip is left in this bank
WHO_AM_I = 0x00
USER_CTRL = 0x03
LP_CONFIG = 0x05
PWR_MGMT_1 = 0x06
PWR_MGMT_2 = 0x07
INT_PIN_CFG = 0x0F  # 0 is active high, pushed and pulled, 50 us pulses
INT_ENABLE = 0x10
INT_ENABLE_1 = 0x11
INT_ENABLE_2 = 0x12
INT_STATUS = 0x19
INT_STATUS_2 = 0x1B  # FIFO_OVERFLOW_INT; reading clears it
ACCEL_XOUT_H = 0x2D  # accelerometer, gyroscope, high bytes first
FIFO_EN_1 = 0x66
FIFO_EN_2 = 0x67
FIFO_RST = 0x68
FIFO_MODE = 0x69  # 0: the oldest bytes are overwritten
FIFO_COUNTH = 0x70  # two bytes, high first: bytes that wait, in bits 12:0
FIFO_R_W = 0x72
# Bank 1, section 9
SELF_TEST_X_GYRO = 0x02
SELF_TEST_X_ACCEL = 0x0E
# Bank 2, section 10
GYRO_SMPLRT_DIV = 0x00  # rate = 1125 Hz / (1 + GYRO_SMPLRT_DIV)
GYRO_CONFIG_1 = 0x01
GYRO_CONFIG_2 = 0x02
ODR_ALIGN_EN = 0x09
ACCEL_SMPLRT_DIV_1 = 0x10  # high bits; low ones in the next: 1125 Hz / (1 + it)
ACCEL_INTEL_CTRL = 0x12
ACCEL_WOM_THR = 0x13  # 4 mg a step
ACCEL_CONFIG = 0x14
ACCEL_CONFIG_2 = 0x15

_ID = 0xEA
DEVICE_RESET, SLEEP, LP_EN, CLKSEL_AUTO = 0x80, 0x40, 0x20, 0x01  # PWR_MGMT_1
DISABLE_GYRO = 0x07  # PWR_MGMT_2 bits 2:0
ACCEL_CYCLE = 0x20  # LP_CONFIG bit 5: asleep between samples
FIFO_ENABLE, I2C_IF_DIS = 0x40, 0x10  # USER_CTRL bits 6, 4
ACCEL_FIFO, GYRO_FIFO = 0x10, 0x0E  # FIFO_EN_2
FIFO_RESET = 0x1F  # FIFO_RST: held down, then let go
RAW_DATA_RDY, FIFO_OVERFLOW, WOM_INT = 0x01, 0x1F, 0x08  # INT_ENABLE_1, _2, INT_ENABLE
LATCH = 0x20  # INT_PIN_CFG bit 5
FCHOICE = 0x01  # GYRO_CONFIG_1, ACCEL_CONFIG: with the filter, whose setting is in bits 5:3
GYRO_SELF_TEST, ACCEL_SELF_TEST = 0x38, 0x1C  # GYRO_CONFIG_2, ACCEL_CONFIG_2
INTEL_COMPARE = 0x03  # ACCEL_INTEL_CTRL: on, and compare with the sample before
SAMPLE_CLOCK_MHZ = 1125000
# Section 4.16 says 512; chips seem to hold 4096. Fewer are read at a time anyhow.
FIFO_BYTES = 512
RANGES_G = (2, 4, 8, 16)  # by ACCEL_FS_SEL
RANGES_DPS = (250, 500, 1000, 2000)  # by GYRO_FS_SEL
DLPF_HZ = (246, 246, 120, 52, 24, 12, 6)  # the wider of both bandwidths by DLPFCFG
THRESHOLD_STEP_MG = 4
_WAKE_DIVIDER = 56  # 20 Hz
_RESET_MS, _START_MS, _TEST_MS = 100, 50, 50

OPTIONS = I2C_OPTIONS + SPI_OPTIONS + INTERRUPT_OPTIONS + POWER_OPTIONS + FIFO_OPTIONS + (
    ("address", int, ADDRESS, (8, 119), "104, or 105 with AD0 high"),
    ("rate_mhz", int, 0, (0, SAMPLE_CLOCK_MHZ), "millihertz, 0: as the model wants"),
    ("range_g", int, 0, (0, 16), "2, 4, 8 or 16, 0: as the model wants"),
    ("gyro", bool, False, None, "six channels instead of three"),
    ("range_dps", int, 0, (0, 2000), "250, 500, 1000 or 2000, 0: as the model wants"),
)


def build(options: dict, sensor: "Sensor | None" = None) -> "ICM20948":
    """The driver on a bus of this board; open options are filled in from the model."""
    return ICM20948(
        open_bus(options, "icm20948"),
        options["rate_mhz"] or (sensor.rate_mhz if sensor else 100000),
        options["range_g"] or fitting(RANGES_G, wanted_range(sensor, "g", 4)),
        options["gyro"] or wants_units(sensor, "deg/s"), options["address"],
        options["range_dps"] or fitting(RANGES_DPS, wanted_range(sensor, "deg/s", 2000)),
        options["batch_ms"], interrupt_pin(options))


class ICM20948(Fifo):
    """``ICM20948(i2c, rate_mhz=100000, range_g=4)``: frames of x, y, z in g.

    With ``gyro`` frames are six: accelerometer in g, gyroscope in deg/s. The
    chip samples at 1125 Hz / n: ``rate_mhz`` becomes the nearest of these.
    ``pin``: its INT1, which then fires for every frame: the data sheet has
    an interrupt at a watermark, but nowhere to set it.
    """

    def __init__(self, bus: "I2C | I2CRegisters | SPIRegisters", rate_mhz: int = 100000,
                 range_g: int = 4, gyro: bool = False, address: int = ADDRESS,
                 gyro_dps: int = 2000, batch_ms: int = 40, pin: "Pin | None" = None,
                 now: "Callable[[], int] | None" = None):
        if range_g not in RANGES_G or gyro_dps not in RANGES_DPS:
            raise DriverError(22, "ICM20948: expected a range of 2, 4, 8, 16 g and 250, 500, "
                              "1000, 2000 deg/s, got %r, %r" % (range_g, gyro_dps))
        if not SAMPLE_CLOCK_MHZ >= rate_mhz >= SAMPLE_CLOCK_MHZ // 256 + 1:
            raise DriverError(22, "ICM20948: expected a rate of 4.395 to 1125 Hz, got %s mHz"
                              % rate_mhz)
        self.bus = registers(bus, address)
        self._user = I2C_IF_DIS if isinstance(self.bus, SPIRegisters) else 0
        self._range, self._dps = RANGES_G.index(range_g), RANGES_DPS.index(gyro_dps)
        self._gyro, self._pin = gyro, pin
        self._divider = min(256, (SAMPLE_CLOCK_MHZ + rate_mhz // 2) // rate_mhz)
        axes, units = motion_axes(gyro)
        self._describe(SAMPLE_CLOCK_MHZ // self._divider, axes, units,
                       motion_full_scale(gyro, range_g, gyro_dps))
        self._to_bank_0()
        self._known(WHO_AM_I, (_ID,), "is it an ICM-20948?")
        self._layout = layout_of(12, (0, 2, 4, 6, 8, 10), True) if gyro \
            else layout_of(6, (0, 2, 4), True)
        self._stride = self._layout[0]
        self._count = bytearray(2)
        self._configure()
        self._start_fifo(self._stride, FIFO_BYTES // self._stride, batch_ms, pin, now,
                         every_frame=True)
        self._restart()

    def _configure(self):
        from ..ticks import sleep_ms

        self._set(((REG_BANK_SEL, 0), (PWR_MGMT_1, CLKSEL_AUTO), (PWR_MGMT_1, DEVICE_RESET)))
        sleep_ms(_RESET_MS)
        self._set((
            (PWR_MGMT_1, CLKSEL_AUTO),
            (USER_CTRL, self._user),
            (PWR_MGMT_2, 0 if self._gyro else DISABLE_GYRO),
            (INT_PIN_CFG, 0),
            (INT_ENABLE_1, RAW_DATA_RDY if self._pin is not None else 0),
            (INT_ENABLE_2, FIFO_OVERFLOW)))
        filter_ = filter_setting(self.rate_mhz) << 3 | FCHOICE
        self._set_bank(2, (
            (GYRO_SMPLRT_DIV, self._divider - 1),
            (GYRO_CONFIG_1, filter_ | self._dps << 1),
            (ACCEL_SMPLRT_DIV_1, 0), (ACCEL_SMPLRT_DIV_1 + 1, self._divider - 1),
            (ACCEL_CONFIG, filter_ | self._range << 1),
            (ODR_ALIGN_EN, 1)))
        sleep_ms(_START_MS)  # section 3: 35 ms until the gyroscope stands
        self._set((
            (FIFO_MODE, 0), (FIFO_EN_1, 0),
            (FIFO_EN_2, ACCEL_FIFO | GYRO_FIFO if self._gyro else ACCEL_FIFO)))

    def _to_bank_0(self):
        """Also where a program that ended half-way left the chip in another."""
        try:
            self.bus.write(REG_BANK_SEL, 0)
        except OSError:
            pass  # told by what follows, or by what went before

    def _set_bank(self, bank, rows):
        """_set() in another bank, then back to bank 0."""
        try:
            self._set(((REG_BANK_SEL, bank << 4),) + rows)
        finally:
            self._to_bank_0()

    def _level(self):
        for _ in range(2):  # once more where the chip was writing a frame
            overflow = self.bus.read(INT_STATUS_2) & FIFO_OVERFLOW
            self.bus.read_into(FIFO_COUNTH, self._count)
            count = (self._count[0] & 0x1F) << 8 | self._count[1]
            if overflow:
                break
            if count % self._stride == 0:
                return count // self._stride
        return OVERFLOW

    def _fetch(self, n, buf):
        raw = self._bursts[n]
        self.bus.burst(FIFO_R_W, raw)
        unpacked(raw, n, self._layout, buf)

    def _restart(self):
        self.bus.write(USER_CTRL, self._user)
        self.bus.write(FIFO_RST, FIFO_RESET)
        self.bus.write(FIFO_RST, 0)
        self.bus.write(USER_CTRL, self._user | FIFO_ENABLE)
        self.bus.read(INT_STATUS_2)  # an overflow from before

    def selftest(self) -> dict:
        """Responses of all six axes to the chip's self-test, in g and deg/s; takes half a second.

        The chip must lie still. DriverError where one is not what the factory measured.
        Frames of that time count as lost.
        """
        from ..sensing.deflection import judged
        from ..sensing.invensense import AXES

        try:
            responses, limits = self._respond(), self._limits()
        except OSError as e:
            raise DriverError(e.errno, "ICM20948: a transfer of its self-test failed at %s: check "
                              "wires and power" % self.bus.name)
        self._configure()
        self._give_up()
        return judged(self, dict(zip(AXES, responses)), dict(zip(AXES, limits)), absolute=False)

    def _respond(self):
        """In g and deg/s, six."""
        from ..sensing.invensense import mean_counts
        from ..ticks import sleep_ms

        self._stop()
        self._set(((PWR_MGMT_2, 0),))
        setting = 2 << 3 | FCHOICE  # 2 g, 250 deg/s
        means = []
        for gyro, accel in ((0, 0), (GYRO_SELF_TEST, ACCEL_SELF_TEST)):
            self._set_bank(2, (
                (GYRO_SMPLRT_DIV, 0), (GYRO_CONFIG_1, setting), (GYRO_CONFIG_2, gyro),
                (ACCEL_SMPLRT_DIV_1, 0), (ACCEL_SMPLRT_DIV_1 + 1, 0),
                (ACCEL_CONFIG, setting), (ACCEL_CONFIG_2, accel)))
            sleep_ms(_TEST_MS)
            means.append(mean_counts(self.bus, ACCEL_XOUT_H,
                                     layout_of(12, (0, 2, 4, 6, 8, 10), True)))
        full = (2,) * 3 + (250,) * 3
        return [(means[1][i] - means[0][i]) * full[i] / 32768 for i in range(6)]

    def _limits(self):
        from ..sensing.invensense import otp_limits

        accel, rotation = bytearray(3), bytearray(3)
        try:
            self.bus.write(REG_BANK_SEL, 1 << 4)
            self.bus.read_into(SELF_TEST_X_ACCEL, accel)
            self.bus.read_into(SELF_TEST_X_GYRO, rotation)
        finally:
            self._to_bank_0()
        return [otp_limits(code, False) for code in accel] \
            + [otp_limits(code, True) for code in rotation]

    def wake_on_motion(self, threshold_mg: int) -> None:
        """Little power until it is moved: then INT1 goes high and stays so until resume().

        Moved: by 4 to 1020 mg between two samples, 20 times a second.
        """
        if not THRESHOLD_STEP_MG <= threshold_mg <= 255 * THRESHOLD_STEP_MG:
            raise DriverError(22, "ICM20948: expected a threshold of %d to %d mg, got %r"
                              % (THRESHOLD_STEP_MG, 255 * THRESHOLD_STEP_MG, threshold_mg))
        self._stop()
        self._set_bank(2, (
            (ACCEL_SMPLRT_DIV_1, 0), (ACCEL_SMPLRT_DIV_1 + 1, _WAKE_DIVIDER - 1),
            (ACCEL_WOM_THR, (threshold_mg + THRESHOLD_STEP_MG // 2) // THRESHOLD_STEP_MG),
            (ACCEL_INTEL_CTRL, INTEL_COMPARE)))
        self._set((
            (PWR_MGMT_2, DISABLE_GYRO),
            (LP_CONFIG, ACCEL_CYCLE),
            (INT_PIN_CFG, LATCH),
            (INT_STATUS, None),
            (INT_ENABLE, WOM_INT),
            (PWR_MGMT_1, LP_EN | CLKSEL_AUTO)))
        self._pause()

    def _stop(self):
        self._set((
            (INT_ENABLE, 0), (INT_ENABLE_1, 0), (INT_ENABLE_2, 0),
            (USER_CTRL, self._user), (FIFO_EN_2, 0)))

    def _sleep(self):
        self._asleep((PWR_MGMT_1, SLEEP | CLKSEL_AUTO))


def filter_setting(rate_mhz: int) -> int:
    """DLPFCFG: the widest filter that stays below half the rate, else the narrowest."""
    for setting in range(1, len(DLPF_HZ)):
        if DLPF_HZ[setting] * 2000 <= rate_mhz:
            return setting
    return len(DLPF_HZ) - 1
