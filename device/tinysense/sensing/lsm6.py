"""What ST's LSM6 chips share: settings, self-test and wake-up of LSM6DSOX, LSM6DS3 and kin.

Registers are those of section 9 of the data sheets: LSM6DSOX DS12814, revision 4;
LSM6DS3 DocID026899, revision 7, whose pages stand here ("DS3"); LSM6DSL
DocID028475, revision 7 ("DSL"), which has the map and the identity of the LSM6DS3TR-C.
"""

from ..errors import DriverError
from .bus import (
    I2C_OPTIONS,
    INTERRUPT_OPTIONS,
    POWER_OPTIONS,
    SPI_OPTIONS,
    interrupt_pin,
    open_bus,
    registers,
)
from .driver import fitting, motion_axes, motion_full_scale, nearest, wanted_range, wants_units
from .fifo import FIFO_OPTIONS, Fifo

ADDRESS = 0x6A  # SDO/SA0 low; 0x6B with it high
INT1_CTRL = 0x0D  # DS3 page 50
WHO_AM_I = 0x0F  # DS3 page 51
CTRL1_XL = 0x10  # DS3 page 51: ODR_XL in bits 7:4, FS_XL in bits 3:2
CTRL2_G = 0x11  # DS3 page 53: ODR_G in bits 7:4, FS_G in bits 3:2, FS_125 in bit 1
CTRL3_C = 0x12  # DS3 page 54
CTRL5_C = 0x14  # DS3 page 55: ST_G in bits 3:2, ST_XL in bits 1:0
CTRL6_C = 0x15  # DS3 page 57
WAKE_UP_SRC = 0x1B  # DS3 page 60; reading ends a latched wake-up
STATUS_REG = 0x1E  # DS3 page 62
OUTX_L_G = 0x22  # DS3 page 63
OUTX_L_XL = 0x28  # DS3 page 64
WAKE_UP_THS = 0x5B  # DS3 page 76: 1/64 of full scale
WAKE_UP_DUR = 0x5C  # DS3 page 77
MD1_CFG = 0x5E  # DS3 page 78

SW_RESET, IF_INC, BDU = 0x01, 0x04, 0x40  # CTRL3_C
INT1_FTH = 0x08  # INT1_CTRL: the FIFO's threshold
XL_HM_MODE = 0x10  # CTRL6_C: high performance off
XLDA, GDA = 0x01, 0x02  # STATUS_REG: new data
ST_XL_POSITIVE, ST_G_POSITIVE = 0x01, 0x04  # CTRL5_C, DS3 page 56
INT1_WU = 0x20  # MD1_CFG
WAKE_THS_W = 0x10  # WAKE_UP_DUR: WAKE_UP_THS counts 1/256 of full scale; DS12814 only
ODR_52_HZ, ODR_208_HZ = 0x30, 0x50

ACCEL_RANGES_G = (2, 4, 8, 16)
ACCEL_FS = (0, 2, 3, 1)  # FS_XL of each, DS3 page 52
ACCEL_MG = (0.061, 0.122, 0.244, 0.488)  # per count, DS3 page 19
GYRO_RANGES_DPS = (125, 250, 500, 1000, 2000)
GYRO_FS = (1, 0, 2, 4, 6)  # FS_G and FS_125
GYRO_MDPS = (4.375, 8.75, 17.5, 35, 70)
SELFTEST_DPS = (150, 700)  # at 2000 deg/s, DSL page 22 and DS12814 table 2
_BOOT_MS = 20
_SETTLE_MS, _SETTLE_GYRO_MS = 100, 150  # AN5272 and AN5130, section "Self-test"
_SAMPLES = 5
_AXES = ("x", "y", "z", "gx", "gy", "gz")

OPTIONS = I2C_OPTIONS + SPI_OPTIONS + INTERRUPT_OPTIONS + POWER_OPTIONS + FIFO_OPTIONS + (
    ("address", int, ADDRESS, (8, 119), "106, or 107 with SA0 high"),
    ("rate_mhz", int, 0, (0, 6667000), "millihertz, 0: as the model wants"),
    ("range_g", int, 0, (0, 16), "2, 4, 8 or 16, 0: as the model wants"),
    ("gyro", bool, False, None, "six channels instead of three"),
    ("range_dps", int, 0, (0, 2000), "125, 250, 500, 1000 or 2000, 0: as the model wants"),
    ("who_am_i", int, 0, (0, 255), "another identity to take, for compatible chips"),
)


def built(kind: type, options: dict, sensor: "Sensor | None") -> "LSM6":
    """The driver on a bus of this board; open options are filled in from the model."""
    gyro = options["gyro"] or wants_units(sensor, "deg/s")
    return kind(
        open_bus(options, kind.__name__.lower()),
        options["rate_mhz"] or (sensor.rate_mhz if sensor else 104000),
        options["range_g"] or holding(ACCEL_RANGES_G, ACCEL_MG, wanted_range(sensor, "g", 4)),
        gyro, options["address"], options["who_am_i"],
        options["range_dps"] or holding(GYRO_RANGES_DPS, GYRO_MDPS,
                                        wanted_range(sensor, "deg/s", 2000)),
        options["batch_ms"], interrupt_pin(options))


def holding(ranges: tuple, milli: tuple, wanted: "float") -> int:
    """The smallest of the ranges that holds ``wanted``; 32768 counts are more than its name."""
    full = tuple(value * 32.768 for value in milli)
    return ranges[full.index(fitting(full, wanted))]


class LSM6(Fifo):
    """Base of their drivers. A subclass has

        ids, selftest_g, wake_parts     WHO_AM_I; self-test limits; the finest fraction of
                                        full scale that WAKE_UP_THS can count in
        _kind(identity)                 sets chip, rates (mHz, of code 1 and up), gyro_rates
        _begin(batch_ms, pin, now)      _start_fifo(), and what it needs itself
        _fifo_rows(), _wake_rows()      settings of its own, (register, value)
        _stop()                         empties the FIFO and leaves it off
    """

    ids: tuple = ()
    selftest_g = (0.09, 1.7)
    wake_parts = 64

    def __init__(self, bus: "I2C | I2CRegisters | SPIRegisters", rate_mhz: int = 104000,
                 range_g: int = 4, gyro: bool = False, address: int = ADDRESS, who_am_i: int = 0,
                 gyro_dps: int = 2000, batch_ms: int = 40, pin: "Pin | None" = None,
                 now: "Callable[[], int] | None" = None):
        name = type(self).__name__
        if range_g not in ACCEL_RANGES_G or gyro_dps not in GYRO_RANGES_DPS:
            raise DriverError(22, "%s: expected a range of 2, 4, 8, 16 g and 125, 250, 500, 1000, "
                              "2000 deg/s, got %r, %r" % (name, range_g, gyro_dps))
        self.bus = registers(bus, address)
        self._gyro = gyro
        accel, rotation = ACCEL_RANGES_G.index(range_g), GYRO_RANGES_DPS.index(gyro_dps)
        self._accel_fs, self._gyro_fs = ACCEL_FS[accel] << 2, GYRO_FS[rotation] << 1
        self._kind(self._known(WHO_AM_I, self.ids, who_am_i=who_am_i))
        rates = self.gyro_rates if gyro else self.rates
        if not rates[0] * 9 // 10 <= rate_mhz <= rates[-1] * 11 // 10:
            raise DriverError(22, "%s: expected a rate of %d to %d mHz, got %r"
                              % (name, rates[0], rates[-1], rate_mhz))
        code = nearest(rates, rate_mhz)
        self._odr = code + 1
        axes, units = motion_axes(gyro)
        self._describe(rates[code], axes, units, motion_full_scale(
            gyro, ACCEL_MG[accel] * 32.768, GYRO_MDPS[rotation] * 32.768))
        self._begin(batch_ms, pin, now)
        self._configure()
        self._restart()

    def _configure(self):
        self._reset(IF_INC)
        odr = self._odr << 4
        self._set(self._fifo_rows() + (
            (CTRL1_XL, odr | self._accel_fs),
            (CTRL2_G, odr | self._gyro_fs if self._gyro else 0)))

    def _reset(self, control):
        from ..ticks import sleep_ms

        self._set(((CTRL3_C, SW_RESET),))
        sleep_ms(_BOOT_MS)
        self._set(((CTRL3_C, control),))

    def _sleep(self):
        self._asleep((CTRL1_XL, 0), (CTRL2_G, 0))

    def wake_on_motion(self, threshold_mg: int) -> None:
        """Little power until the chip is moved: then INT1 goes high and stays so until resume().

        ``threshold_mg``: how much an axis must change from one sample to the next, 52 a second.
        """
        from ..ticks import sleep_ms

        # The chip compares half the change of two samples with steps of its 2 g range:
        # AN5272 and AN5130, section "Wake-up interrupt".
        parts = self.wake_parts
        if threshold_mg * parts > 63 * 4000:
            parts = 64
        steps = (threshold_mg * parts + 2000) // 4000
        if not 1 <= steps <= 63:
            raise DriverError(22, "%s: expected a threshold of %d to 3937 mg, got %r"
                              % (self.chip, 4000 // self.wake_parts, threshold_mg))
        try:
            self._stop()
            self._set(((INT1_CTRL, 0), (CTRL2_G, 0), (CTRL1_XL, ODR_52_HZ), (CTRL6_C, XL_HM_MODE),
                       (WAKE_UP_DUR, WAKE_THS_W if parts == 256 else 0), (WAKE_UP_THS, steps))
                      + self._wake_rows())
            sleep_ms(_SETTLE_MS)  # the filter's first values would wake
            self.bus.read(WAKE_UP_SRC)
            self._set(((MD1_CFG, INT1_WU),))
        except OSError as e:
            raise DriverError(e.errno, "%s: wake-up not set: %s" % (self.chip, e))
        self._pause()

    def selftest(self) -> dict:
        """Responses of all six axes to the chip's self-test, in g and deg/s; takes a second.

        The chip must lie still. DriverError where one is out of the data sheet's
        limits. Frames of that time count as dropped.
        """
        from .deflection import judged

        try:
            moved = self._respond()
            self._configure()
            self._give_up()
        except OSError as e:
            raise DriverError(e.errno, "%s: self-test broken off: %s" % (self.chip, e))
        return judged(self, moved, {axis: SELFTEST_DPS if axis in ("gx", "gy", "gz")
                                    else self.selftest_g for axis in moved})

    def _respond(self):
        """By axis, the change by the self-test at 4 g and 2000 deg/s, as AN5272 and AN5130 say."""
        self._stop()
        self._reset(BDU | IF_INC)
        self._set(((CTRL1_XL, ODR_52_HZ | ACCEL_FS[1] << 2),))
        out = self._change(XLDA, OUTX_L_XL, ST_XL_POSITIVE, _SETTLE_MS)
        self._set(((CTRL1_XL, 0), (CTRL2_G, ODR_208_HZ | GYRO_FS[4] << 1)))
        out += self._change(GDA, OUTX_L_G, ST_G_POSITIVE, _SETTLE_GYRO_MS)
        per_count = (ACCEL_MG[1] / 1000, GYRO_MDPS[4] / 1000)
        return {_AXES[i]: out[i] * per_count[i // 3] for i in range(6)}

    def _change(self, flag, register, test, settle_ms):
        from ..ticks import sleep_ms

        sleep_ms(settle_ms)
        off = self._mean(flag, register)
        self._set(((CTRL5_C, test),))
        sleep_ms(settle_ms)
        on = self._mean(flag, register)
        self._set(((CTRL5_C, 0),))
        return [on[i] - off[i] for i in range(3)]

    def _mean(self, flag, register):
        """Means of three axes over samples that are new, the first one left out."""
        import struct

        from ..ticks import sleep_ms

        raw, sums = bytearray(6), [0, 0, 0]
        for k in range(_SAMPLES + 1):
            for _ in range(100):
                if self.bus.read(STATUS_REG) & flag:
                    break
                sleep_ms(1)
            else:
                raise DriverError(110, "no new sample for 100 ms")
            self.bus.read_into(register, raw)
            values = struct.unpack("<3h", raw)
            for i in range(3):
                sums[i] += values[i] if k else 0
        return [total / _SAMPLES for total in sums]
