"""ADXL345: accelerometer over I2C or SPI, by FIFO.

Pages are those of Analog Devices' data sheet ADXL345, revision E; registers
without one: register map and definitions, pages 23 to 28. Not confirmed on a
real chip yet. 3200 and 1600 Hz want SPI at 2 MHz, 800 Hz wants I2C at 400 kHz
(pages 15 to 18).
"""

from .. import ticks
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
from ..sensing.driver import fitting, motion_axes, nearest, wanted_range
from ..sensing.fifo import CHUNK_FRAMES, FIFO_OPTIONS, Fifo, layout_of, unpacked

ADDRESS = 0x53  # page 18: SDO low; 0x1D with SDO high
DEVID = 0x00
OFSX, OFSY, OFSZ = 0x1E, 0x1F, 0x20
THRESH_ACT = 0x24  # 62.5 mg/LSB
ACT_INACT_CTL = 0x27
BW_RATE = 0x2C  # page 14: rate code in bits 3:0
POWER_CTL = 0x2D
INT_ENABLE = 0x2E  # page 20
INT_MAP = 0x2F  # 0: all on INT1
INT_SOURCE = 0x30  # reading clears what is not about data
DATA_FORMAT = 0x31  # page 26: range in bits 1:0
DATAX0 = 0x32  # X, Y, Z; two bytes each, low first
FIFO_CTL = 0x38  # page 21: mode in bits 7:6, watermark in bits 4:0
FIFO_STATUS = 0x39  # entries in bits 5:0

_ID = 0xE5
LOW_POWER = 0x10  # BW_RATE bit 4
MEASURE = 0x08  # POWER_CTL bit 3
ACTIVITY, WATERMARK = 0x10, 0x02  # INT_ENABLE bits 4, 1
SELF_TEST, FULL_RES = 0x80, 0x08  # DATA_FORMAT bits 7, 3
BYPASS, STREAM = 0x00, 0x80  # FIFO_CTL bits 7:6
ENTRIES = 0x3F
ACT_AC_XYZ = 0xF0  # ACT_INACT_CTL bits 7:4: changes on any axis, gravity left out
SEVERAL = 0x40  # page 15: bit of an SPI command for more than one byte
FIFO_FRAMES = 32
FIFO_POP_US = 5  # page 21: from the end of one read to the start of the next

RATES_MHZ = tuple(3200000 >> 15 - code for code in range(16))  # by rate code, page 14
RANGES_G = (2, 4, 8, 16)  # by range bits
_BITS = 10  # of the result at 2 g; one more with each range, page 26: 256 LSB/g in all of them
_RATE_12_HZ5, _RATE_100_HZ = 7, 10
_MG_ACT = 62.5

# Page 22, tables 14 and 15, in g: from the least at 2.5 V to the most at 3.6 V.
_TEST_G = {"x": (0.195, 4.46), "y": (-4.46, -0.195), "z": (0.292, 5.78)}
_TEST_SETTLE, _TEST_FRAMES = 10, 32

OPTIONS = I2C_OPTIONS + SPI_OPTIONS + INTERRUPT_OPTIONS + POWER_OPTIONS + FIFO_OPTIONS + (
    ("address", int, ADDRESS, (8, 119), "83, or 29 with SDO high"),
    ("rate_mhz", int, 0, (0, RATES_MHZ[-1]), "millihertz, 0: as the model wants"),
    ("range_g", int, 0, (0, 16), "2, 4, 8 or 16, 0: as the model wants"),
)


def build(options: dict, sensor: "Sensor | None" = None) -> "ADXL345":
    """The driver on a bus of this board; open options are filled in from the model."""
    return ADXL345(
        open_bus(options, "adxl345"),
        options["rate_mhz"] or (sensor.rate_mhz if sensor else 100000),
        options["range_g"] or fitting(RANGES_G, wanted_range(sensor, "g", 4)),
        options["address"], options["batch_ms"], interrupt_pin(options))


class ADXL345(Fifo):
    """``ADXL345(i2c, rate_mhz=100000, range_g=4)``: frames of x, y, z in g.

    The chip samples at 3200 Hz / 2^n: ``rate_mhz`` becomes the nearest of
    these. ``pin``: its INT1, which then fires when a batch waits.
    """

    def __init__(self, bus: "I2C | I2CRegisters | SPIRegisters", rate_mhz: int = 100000,
                 range_g: int = 4, address: int = ADDRESS, batch_ms: int = 40,
                 pin: "Pin | None" = None, now: "Callable[[], int] | None" = None):
        if range_g not in RANGES_G:
            raise DriverError(22, "ADXL345: expected a range of 2, 4, 8 or 16 g, got %r" % range_g)
        if not RATES_MHZ[0] <= rate_mhz <= RATES_MHZ[-1]:
            raise DriverError(22, "ADXL345: expected a rate of 0.098 to 3200 Hz, got %s mHz"
                              % rate_mhz)
        self.bus = registers(bus, address, several_spi=SEVERAL)
        self._spi = isinstance(self.bus, SPIRegisters)
        self._range = RANGES_G.index(range_g)
        self._rate = nearest(RATES_MHZ, rate_mhz)
        axes, units = motion_axes(False)
        self._describe(RATES_MHZ[self._rate], axes, units, range_g)
        self._known(DEVID, (_ID,), "is it an ADXL345?")
        self._layout = self._format(self._range)
        self._configure()
        self._start_fifo(6, FIFO_FRAMES, batch_ms, pin, now)
        whole = self._bursts[CHUNK_FRAMES]
        self._entries = [whole[6 * i : 6 * i + 6] for i in range(CHUNK_FRAMES)]
        self._begin()

    def _format(self, range_):
        return layout_of(6, (0, 2, 4), False, 16 - _BITS - range_)

    def _configure(self):
        self._set((
            (POWER_CTL, 0),  # settings are made in standby
            (INT_ENABLE, 0),
            (OFSX, 0), (OFSY, 0), (OFSZ, 0),
            (DATA_FORMAT, FULL_RES | self._range),
            (BW_RATE, self._rate),
            (INT_MAP, 0),
            (FIFO_CTL, BYPASS),
            (INT_ENABLE, WATERMARK),
            (POWER_CTL, MEASURE)))

    def _level(self):
        return self.bus.read(FIFO_STATUS) & ENTRIES

    def _fetch(self, n, buf):
        # Each read, of however many bytes, takes one entry: page 21.
        for i in range(n):
            try:
                self.bus.burst(DATAX0, self._entries[i])
            except OSError:
                if i == 0:
                    raise
                unpacked(self._bursts[i], i, self._layout, buf)
                return i
            if self._spi:  # on I2C the address alone takes longer
                ticks.sleep_us(FIFO_POP_US)
        unpacked(self._bursts[n], n, self._layout, buf)
        return None

    def _restart(self):
        self.bus.write(FIFO_CTL, BYPASS)
        self.bus.write(FIFO_CTL, STREAM | self.watermark)

    def selftest(self) -> dict:
        """Moves the mass by a force; how far, in g by axis. The chip must lie still for 1 s."""
        from ..sensing.deflection import deflection, judged

        largest = len(RANGES_G) - 1
        self._set(((DATA_FORMAT, FULL_RES | largest), (BW_RATE, _RATE_100_HZ)))
        layout, self._layout = self._layout, self._format(largest)
        try:
            self._restart()
            moved = deflection(self, RANGES_G[largest],
                               ((DATA_FORMAT, SELF_TEST | FULL_RES | largest),),
                               _TEST_SETTLE, _TEST_FRAMES)
        finally:
            self._layout = layout
            self._configure()
        self._give_up()
        return judged(self, moved, _TEST_G, absolute=False)

    def wake_on_motion(self, threshold_mg: int) -> None:
        """Samples at 12.5 Hz for 34 uA, page 14; INT1 rises when x, y or z changes by so much."""
        if not 63 <= threshold_mg <= 15937:
            raise DriverError(22, "ADXL345: expected a threshold of 63 to 15937 mg, got %r"
                              % threshold_mg)
        self._set((
            (POWER_CTL, 0),
            (INT_ENABLE, 0),
            (FIFO_CTL, BYPASS),
            (BW_RATE, LOW_POWER | _RATE_12_HZ5),
            (THRESH_ACT, int(threshold_mg / _MG_ACT)),
            (ACT_INACT_CTL, ACT_AC_XYZ),
            (INT_ENABLE, ACTIVITY),
            (POWER_CTL, MEASURE),
            (INT_SOURCE, None)))
        self._pause()

    def _sleep(self):
        self._asleep((POWER_CTL, 0))
