"""LIS3DH, and LIS2DH12 beside it (same registers, same identity): accelerometer by FIFO.

I2C or SPI. Pages are those of ST's data sheet LIS3DH, DocID17530 revision 2;
LIS2DH12: DocID025056. Not confirmed on a real chip yet. Its FIFO keeps the upper
10 bits of each number (page 19), whatever the mode.
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
from ..sensing.driver import fitting, motion_axes, nearest, wanted_range
from ..sensing.fifo import FIFO_OPTIONS, Fifo, layout_of, unpacked

ADDRESS = 0x18  # page 25: SA0 low; 0x19 with SA0 high, as most boards have it
WHO_AM_I = 0x0F  # page 34
CTRL_REG1 = 0x20  # page 35: rate in bits 7:4
CTRL_REG2 = 0x21  # page 36: high-pass filter
CTRL_REG3 = 0x22  # page 36: what INT1 tells
CTRL_REG4 = 0x23  # page 37: range in bits 5:4, self-test in 2:1
CTRL_REG5 = 0x24  # page 38
CTRL_REG6 = 0x25  # page 38: INT2; 0: both pins active high
REFERENCE = 0x26  # page 39: reading takes the present for the filter's zero
OUT_X_L = 0x28  # pages 23, 40: X, Y, Z, low byte first; from 0x2D a read goes on at 0x28
FIFO_CTRL_REG = 0x2E  # page 40: mode in bits 7:6, watermark in 4:0
FIFO_SRC_REG = 0x2F  # page 41: frames in bits 4:0
INT1_CFG = 0x30  # page 41
INT1_SRC = 0x31  # page 42: reading clears the interrupt
INT1_THS = 0x32  # page 43
INT1_DURATION = 0x33  # page 43
ACT_THS = 0x3E  # page 48: 0: the chip does not fall asleep by itself

_ID = 0x33
LP_EN, XYZ_EN = 0x08, 0x07  # CTRL_REG1 bits 3, 2:0
HP_IA1 = 0x01  # CTRL_REG2 bit 0: interrupt 1 sees what the high-pass filter leaves
I1_IA1, I1_WTM = 0x40, 0x04  # CTRL_REG3 bits 6, 2
BDU, HR, SELF_TEST_0 = 0x80, 0x08, 0x02  # CTRL_REG4 bits 7, 3, 1
FIFO_EN, LIR_INT1 = 0x40, 0x08  # CTRL_REG5 bits 6, 3: latched until INT1_SRC is read
BYPASS, STREAM = 0x00, 0x80  # FIFO_CTRL_REG bits 7:6
OVRN, FSS = 0x40, 0x1F  # FIFO_SRC_REG bits 6 (32 frames, page 41), 4:0
XYZ_HIGH = 0x2A  # INT1_CFG bits 5, 3, 1: any axis beyond the threshold
SEVERAL_I2C, SEVERAL_SPI = 0x80, 0x40  # pages 25, 27: with more than one byte
FIFO_FRAMES = 32

RATES_MHZ = (1000, 10000, 25000, 50000, 100000, 200000, 400000, 1344000)  # page 35
_RATE_CODES = (1, 2, 3, 4, 5, 6, 7, 9)
_RATE_25_HZ, _RATE_50_HZ = 3, 4  # of them
RANGES_G = (2, 4, 8, 16)  # by range bits
# 1, 2, 4, 12 mg for each of 2048 steps, page 10: the same in both modes.
FULL_SCALES_G = (2.048, 4.096, 8.192, 24.576)
THRESHOLD_STEPS_MG = (16, 32, 62, 186)  # page 43; 127 of them at most
_TURN_ON = 7  # samples, page 17

# Page 11: 17 to 360 steps of 4 mg, at 2 g in normal mode; two samples to settle.
_TEST_G = (17 * 0.004, 360 * 0.004)
_TEST_SETTLE, _TEST_FRAMES = 5, 16

OPTIONS = I2C_OPTIONS + SPI_OPTIONS + INTERRUPT_OPTIONS + POWER_OPTIONS + FIFO_OPTIONS + (
    ("address", int, ADDRESS, (8, 119), "24, or 25 with SA0 high"),
    ("rate_mhz", int, 0, (0, RATES_MHZ[-1]), "millihertz, 0: as the model wants"),
    ("range_g", int, 0, (0, 16), "2, 4, 8 or 16, 0: as the model wants"),
    ("high_resolution", bool, False, None, "less noise, but a ninth of the rate as bandwidth"),
)


def build(options: dict, sensor: "Sensor | None" = None) -> "LIS3DH":
    """The driver on a bus of this board; open options are filled in from the model."""
    full = fitting(FULL_SCALES_G, wanted_range(sensor, "g", 4))
    return LIS3DH(
        open_bus(options, "lis3dh"),
        options["rate_mhz"] or (sensor.rate_mhz if sensor else 100000),
        options["range_g"] or RANGES_G[FULL_SCALES_G.index(full)],
        options["high_resolution"], options["address"], options["batch_ms"],
        interrupt_pin(options))


class LIS3DH(Fifo):
    """``LIS3DH(i2c, rate_mhz=100000, range_g=4)``: frames of x, y, z in g.

    ``rate_mhz`` becomes the nearest of 1, 10, 25, 50, 100, 200, 400, 1344 Hz.
    ``high_resolution``: ST's mode of 12 bits, which filters more: signals up to a
    ninth of the rate instead of half of it (page 16). ``pin``: its INT1,
    which then fires when a batch waits.
    """

    def __init__(self, bus: "I2C | I2CRegisters | SPIRegisters", rate_mhz: int = 100000,
                 range_g: int = 4, high_resolution: bool = False, address: int = ADDRESS,
                 batch_ms: int = 40, pin: "Pin | None" = None,
                 now: "Callable[[], int] | None" = None):
        if range_g not in RANGES_G:
            raise DriverError(22, "LIS3DH: expected a range of 2, 4, 8 or 16 g, got %r" % range_g)
        if not RATES_MHZ[0] <= rate_mhz <= RATES_MHZ[-1]:
            raise DriverError(22, "LIS3DH: expected a rate of 1 to 1344 Hz, got %s mHz" % rate_mhz)
        self.bus = registers(bus, address, SEVERAL_I2C, SEVERAL_SPI)
        self._range = RANGES_G.index(range_g)
        self._rate = nearest(RATES_MHZ, rate_mhz)
        self._mode = HR if high_resolution else 0
        axes, units = motion_axes(False)
        self._describe(RATES_MHZ[self._rate], axes, units, FULL_SCALES_G[self._range])
        self._known(WHO_AM_I, (_ID,), "is it a LIS3DH or LIS2DH12?")
        self._layout = layout_of(6, (0, 2, 4))
        self._configure()
        self._start_fifo(6, FIFO_FRAMES, batch_ms, pin, now)
        self._begin()

    def _configure(self):
        from ..ticks import sleep_ms

        self._set((
            (CTRL_REG1, 0),
            (FIFO_CTRL_REG, BYPASS),
            (CTRL_REG2, 0),
            (CTRL_REG3, I1_WTM),
            (CTRL_REG4, BDU | self._range << 4 | self._mode),
            (CTRL_REG5, FIFO_EN),
            (CTRL_REG6, 0),
            (INT1_CFG, 0),
            (ACT_THS, 0),
            (CTRL_REG1, _RATE_CODES[self._rate] << 4 | XYZ_EN)))
        if self._mode:
            sleep_ms(_TURN_ON * 1000000 // self.rate_mhz + 1)
        else:
            sleep_ms(2)  # page 16

    def _level(self):
        source = self.bus.read(FIFO_SRC_REG)
        return FIFO_FRAMES if source & OVRN else source & FSS

    def _fetch(self, n, buf):
        raw = self._bursts[n]
        self.bus.burst(OUT_X_L, raw)
        unpacked(raw, n, self._layout, buf)

    def _restart(self):
        # The pin rises when frames exceed the number in the register (pages 23, 41).
        self.bus.write(FIFO_CTRL_REG, BYPASS)
        self.bus.write(FIFO_CTRL_REG, STREAM | self.watermark - 1)

    def selftest(self) -> dict:
        """Moves the mass by a force; how far, in g by axis. The chip must lie still for 1 s."""
        from ..sensing.deflection import deflection, judged

        try:
            self._set(((CTRL_REG4, BDU), (CTRL_REG1, _RATE_50_HZ << 4 | XYZ_EN)))
            self._restart()
            moved = deflection(self, FULL_SCALES_G[0], ((CTRL_REG4, BDU | SELF_TEST_0),),
                               _TEST_SETTLE, _TEST_FRAMES)
        finally:
            self._configure()
        self._give_up()
        return judged(self, moved, {axis: _TEST_G for axis in self.axes})

    def wake_on_motion(self, threshold_mg: int) -> None:
        """Samples at 25 Hz for 4 uA (page 17); INT1 rises when an axis changes by so much."""
        from ..ticks import sleep_ms

        if not 16 <= threshold_mg <= 16000:
            raise DriverError(22, "LIS3DH: expected a threshold of 16 to 16000 mg, got %r"
                              % threshold_mg)
        range_ = 0
        while threshold_mg > 127 * THRESHOLD_STEPS_MG[range_]:
            range_ += 1
        self._set((
            (CTRL_REG1, 0),
            (FIFO_CTRL_REG, BYPASS),
            (CTRL_REG2, HP_IA1),
            (CTRL_REG3, I1_IA1),
            (CTRL_REG4, BDU | range_ << 4),
            (CTRL_REG5, LIR_INT1),
            (INT1_THS, threshold_mg // THRESHOLD_STEPS_MG[range_]),
            (INT1_DURATION, 0),
            (CTRL_REG1, _RATE_25_HZ << 4 | LP_EN | XYZ_EN)))
        sleep_ms(100)  # two samples, the second for the filter
        self._set(((REFERENCE, None), (INT1_CFG, XYZ_HIGH), (INT1_SRC, None)))
        self._pause()

    def _sleep(self):
        self._asleep((CTRL_REG1, 0))
