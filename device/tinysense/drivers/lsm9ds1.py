"""LSM9DS1: accelerometer and gyroscope over I2C or SPI, by FIFO.

Pages are those of ST's data sheet LSM9DS1, DocID025715 revision 2. Not confirmed
on a real chip yet. Its magnetometer is a chip of its own, without a FIFO, at
0x1C or 0x1E; this driver leaves it alone, and asleep as it is after power-on.
"""

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
from ..sensing.fifo import FIFO_OPTIONS, OVERFLOW, Fifo, layout_of, unpacked

ADDRESS = 0x6B  # page 30: SDO_A/G high; 0x6A with SDO_A/G low
INT_GEN_CFG_XL = 0x06  # page 42
INT_GEN_THS_X_XL = 0x07  # pages 42, 43: X, Y, Z
INT_GEN_DUR_XL = 0x0A  # page 43
INT1_CTRL = 0x0C  # page 44
WHO_AM_I = 0x0F  # page 45
CTRL_REG1_G = 0x10  # page 45: rate in bits 7:5, range in 4:3
OUT_X_G = 0x18  # pages 21, 50: X, Y, Z, low byte first; then goes on at OUT_X_XL
CTRL_REG4 = 0x1E  # page 50
CTRL_REG6_XL = 0x20  # page 52: rate in bits 7:5, range in 4:3
CTRL_REG7_XL = 0x21  # pages 52, 53
CTRL_REG8 = 0x22  # page 53
CTRL_REG9 = 0x23  # page 54
CTRL_REG10 = 0x24  # page 54
INT_GEN_SRC_XL = 0x26  # page 54; reading clears a latched interrupt
OUT_X_XL = 0x28  # pages 21, 56: X, Y, Z; from its end a read goes on where the frame begins
FIFO_CTRL = 0x2E  # page 56: mode in bits 7:5, watermark in 4:0
FIFO_SRC = 0x2F  # page 57: frames in bits 5:0

_ID = 0x68
INT1_IG_XL, INT1_FTH = 0x40, 0x08  # INT1_CTRL bits 6, 3
GYRO_XYZ, LIR_XL1 = 0x38, 0x02  # CTRL_REG4 bits 5:3, 1: latched
HPIS1 = 0x01  # CTRL_REG7_XL bit 0: the interrupt sees what the high-pass filter leaves
BDU, IF_ADD_INC, SW_RESET = 0x40, 0x04, 0x01  # CTRL_REG8 bits 6, 2, 0
FIFO_EN = 0x02  # CTRL_REG9 bit 1
ST_G, ST_XL = 0x04, 0x01  # CTRL_REG10 bits 2, 0
BYPASS, CONTINUOUS = 0x00, 0xC0  # FIFO_CTRL bits 7:5
FSS = 0x3F
XYZ_HIGH = 0x2A  # INT_GEN_CFG_XL bits 5, 3, 1: any axis beyond the threshold
FIFO_FRAMES = 32

# By code - 1: pages 52 and 45; with the gyroscope on, its rates are those of both.
RATES_MHZ = (10000, 50000, 119000, 238000, 476000, 952000)
RATES_GYRO_MHZ = (14900, 59500, 119000, 238000, 476000, 952000)
_CODE_50_HZ, _CODE_119_HZ, _CODE_238_HZ = 2, 3, 4
RANGES_G, _RANGE_BITS = (2, 4, 8, 16), (0, 2, 3, 1)  # page 52
FULL_SCALES_G = (1.998848, 3.997696, 7.995392, 23.986176)  # 0.061, 0.122, 0.244, 0.732 mg: page 12
RANGES_DPS, _RANGE_BITS_G = (245, 500, 2000), (0, 1, 3)  # page 45
FULL_SCALES_DPS = (286.72, 573.44, 2293.76)  # 8.75, 17.5, 70 mdps: page 12
_BOOT_MS = 20
_TURN_ON = 4  # samples, pages 20, 21: with the first filter alone

# The data sheet has no limits; these are of ST's example lsm9ds1_self_test.c, at 2 g and
# 2000 deg/s, as are the times to settle: 200 ms at 50 Hz, 800 ms at 238 Hz.
_TEST_G, _TEST_DPS = (0.070, 1.5), (200, 800)
_TEST_SETTLE, _TEST_SETTLE_G, _TEST_FRAMES = 24, 190, 16
_THRESHOLD_STEPS = 256  # of the range; the data sheet does not say so, ST's support does

OPTIONS = I2C_OPTIONS + SPI_OPTIONS + INTERRUPT_OPTIONS + POWER_OPTIONS + FIFO_OPTIONS + (
    ("address", int, ADDRESS, (8, 119), "107, or 106 with SDO_A/G low"),
    ("rate_mhz", int, 0, (0, RATES_MHZ[-1]), "millihertz, 0: as the model wants"),
    ("range_g", int, 0, (0, 16), "2, 4, 8 or 16, 0: as the model wants"),
    ("gyro", bool, False, None, "six channels instead of three"),
    ("range_dps", int, 0, (0, 2000), "245, 500 or 2000, 0: as the model wants"),
)


def build(options: dict, sensor: "Sensor | None" = None) -> "LSM9DS1":
    """The driver on a bus of this board; open options are filled in from the model."""
    gyro = options["gyro"] or wants_units(sensor, "deg/s")
    full_g = fitting(FULL_SCALES_G, wanted_range(sensor, "g", 4))
    full_dps = fitting(FULL_SCALES_DPS, wanted_range(sensor, "deg/s", 2000))
    return LSM9DS1(
        open_bus(options, "lsm9ds1"),
        options["rate_mhz"] or (sensor.rate_mhz if sensor else 119000),
        options["range_g"] or RANGES_G[FULL_SCALES_G.index(full_g)],
        gyro, options["address"],
        options["range_dps"] or RANGES_DPS[FULL_SCALES_DPS.index(full_dps)],
        options["batch_ms"], interrupt_pin(options))


class LSM9DS1(Fifo):
    """``LSM9DS1(i2c, rate_mhz=119000, range_g=4)``: frames of x, y, z in g.

    With ``gyro`` frames are six: accelerometer in g, gyroscope in deg/s.
    ``rate_mhz`` becomes the nearest of 10 (14.9 with the gyroscope), 50 (59.5),
    119, 238, 476, 952 Hz. ``pin``: its INT1, which then fires when a batch waits.
    """

    def __init__(self, bus: "I2C | I2CRegisters | SPIRegisters", rate_mhz: int = 119000,
                 range_g: int = 4, gyro: bool = False, address: int = ADDRESS,
                 gyro_dps: int = 2000, batch_ms: int = 40, pin: "Pin | None" = None,
                 now: "Callable[[], int] | None" = None):
        if range_g not in RANGES_G or gyro_dps not in RANGES_DPS:
            raise DriverError(22, "LSM9DS1: expected a range of 2, 4, 8, 16 g and 245, 500, 2000 "
                              "deg/s, got %r, %r" % (range_g, gyro_dps))
        rates = RATES_GYRO_MHZ if gyro else RATES_MHZ
        if not RATES_MHZ[0] <= rate_mhz <= RATES_MHZ[-1]:
            raise DriverError(22, "LSM9DS1: expected a rate of 10 to 952 Hz, got %s mHz" % rate_mhz)
        self.bus = registers(bus, address)
        accel, rotation = RANGES_G.index(range_g), RANGES_DPS.index(gyro_dps)
        self._gyro, self._fs_g = gyro, _RANGE_BITS[accel]
        self._fs_dps = _RANGE_BITS_G[rotation]
        rate = nearest(rates, rate_mhz)
        self._code = rate + 1
        axes, units = motion_axes(gyro)
        self._describe(rates[rate], axes, units, motion_full_scale(
            gyro, FULL_SCALES_G[accel], FULL_SCALES_DPS[rotation]))
        self._known(WHO_AM_I, (_ID,), "is it an LSM9DS1?")
        self._first = OUT_X_G if gyro else OUT_X_XL
        self._layout = layout_of(12, (6, 8, 10, 0, 2, 4)) if gyro else layout_of(6, (0, 2, 4))
        self._nonsense = True  # the next frame of the FIFO is not to be used
        self._configure()
        self._start_fifo(12 if gyro else 6, FIFO_FRAMES, batch_ms, pin, now)
        self._begin()

    def _configure(self):
        from ..ticks import sleep_ms

        self._set(((CTRL_REG8, SW_RESET),))
        sleep_ms(_BOOT_MS)
        self._set((
            (CTRL_REG8, BDU | IF_ADD_INC),
            (CTRL_REG9, FIFO_EN),
            (INT1_CTRL, INT1_FTH)))
        self._sample(self._code, self._fs_g, self._fs_dps)
        sleep_ms(_TURN_ON * 1000000 // self.rate_mhz + 1)

    def _sample(self, code, fs_g, fs_dps):
        """Switches on what is wanted, at a rate and with ranges."""
        self._set(((CTRL_REG6_XL, code << 5 | fs_g << 3),
                   (CTRL_REG1_G, code << 5 | fs_dps << 3 if self._gyro else 0)))

    def _level(self):
        if self._torn and self._gyro:
            return OVERFLOW  # which half of a frame is gone is not known
        level = self.bus.read(FIFO_SRC) & FSS
        if level and self._nonsense:
            self.bus.burst(self._first, self._bursts[1])
            self._nonsense = False
            level -= 1
        return level

    def _fetch(self, n, buf):
        raw = self._bursts[n]
        self.bus.burst(self._first, raw)
        unpacked(raw, n, self._layout, buf)

    def _restart(self):
        self.bus.write(FIFO_CTRL, BYPASS)
        self.bus.write(FIFO_CTRL, CONTINUOUS | self.watermark)
        self._nonsense = True  # page 23: the first is to be thrown away

    def selftest(self) -> dict:
        """Moves the masses by a force; how far, in g and deg/s by axis.

        The chip must lie still for 2 s. The gyroscope is tested where the driver uses it.
        """
        from ..sensing.deflection import deflection, judged

        limits = {axis: _TEST_DPS if axis[0] == "g" else _TEST_G for axis in self.axes}
        try:
            self._sample(_CODE_238_HZ if self._gyro else _CODE_119_HZ, _RANGE_BITS[0],
                         _RANGE_BITS_G[2])
            self._restart()
            moved = deflection(
                self, motion_full_scale(self._gyro, FULL_SCALES_G[0], FULL_SCALES_DPS[2]),
                ((CTRL_REG10, ST_XL | (ST_G if self._gyro else 0)),),
                _TEST_SETTLE_G if self._gyro else _TEST_SETTLE, _TEST_FRAMES)
        finally:
            self._configure()
        self._give_up()
        return judged(self, moved, limits)

    def wake_on_motion(self, threshold_mg: int) -> None:
        """Accelerometer alone, at 50 Hz; INT1 rises when an axis changes by so much."""
        from ..ticks import sleep_ms

        if not 8 <= threshold_mg <= 15900:
            raise DriverError(22, "LSM9DS1: expected a threshold of 8 to 15900 mg, got %r"
                              % threshold_mg)
        range_ = 0
        while threshold_mg * _THRESHOLD_STEPS > 255 * 1000 * RANGES_G[range_]:
            range_ += 1
        steps = threshold_mg * _THRESHOLD_STEPS // (1000 * RANGES_G[range_])
        self._set((
            (CTRL_REG1_G, 0),
            (FIFO_CTRL, BYPASS),
            (INT1_CTRL, INT1_IG_XL),
            (CTRL_REG4, GYRO_XYZ | LIR_XL1),
            (CTRL_REG7_XL, HPIS1),
            (INT_GEN_THS_X_XL, steps), (INT_GEN_THS_X_XL + 1, steps), (INT_GEN_THS_X_XL + 2, steps),
            (INT_GEN_DUR_XL, 0),
            (CTRL_REG6_XL, _CODE_50_HZ << 5 | _RANGE_BITS[range_] << 3)))
        sleep_ms(500)  # until gravity has left the filter
        self._set(((INT_GEN_CFG_XL, XYZ_HIGH), (INT_GEN_SRC_XL, None)))
        self._pause()

    def _sleep(self):
        self._asleep((CTRL_REG1_G, 0), (CTRL_REG6_XL, 0))
