"""BMI270: accelerometer and gyroscope over I2C or SPI, by FIFO.

Registers are those of Bosch's data sheet BST-BMI270-DS000-05, revision 1.3, section
"Register map". Not confirmed on a real chip yet. Frames are raw: what
Bosch's library subtracts from the gyroscope's x for its cross-axis sensitivity is left in.

The chip measures only once it has been given a program of 8192 bytes, at each start.
Bosch publishes it; it is not part of this package. It comes from micropython-lib's module
bmi270 where that is installed or frozen in, or from a file that config_file names. Bosch's
program of 328 bytes (maximum FIFO) will do too, but cannot wake on motion.
"""

from ..errors import DriverError
from ..sensing.bus import (
    I2C_OPTIONS,
    INTERRUPT_OPTIONS,
    POWER_OPTIONS,
    SPI_OPTIONS,
    TRIES,
    SPIRegisters,
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

ADDRESS = 0x68  # SDO low; 0x69 with SDO high
CHIP_ID = 0x00
DATA_8 = 0x0C  # accelerometer X, Y, Z: two bytes each, low first
INT_STATUS_0 = 0x1C  # reading clears it
INTERNAL_STATUS = 0x21
FIFO_LENGTH_0 = 0x24  # two bytes, low first: bytes that wait, in bits 13:0
FIFO_DATA = 0x26  # a frame that is read in part comes again whole
FEAT_PAGE = 0x2F
FEATURES = 0x30  # 16 bytes of the page, written as words
ACC_CONF = 0x40
ACC_RANGE = 0x41
GYR_CONF = 0x42
GYR_RANGE = 0x43
FIFO_DOWNS = 0x45
FIFO_WTM_0 = 0x46  # two bytes, low first: bytes
FIFO_CONFIG_0 = 0x48  # 0: overwrites the oldest frames when full, no sensor time
FIFO_CONFIG_1 = 0x49
INT1_IO_CTRL = 0x53
INT_LATCH = 0x55
INT1_MAP_FEAT = 0x56
INT_MAP_DATA = 0x58
INIT_CTRL = 0x59
INIT_ADDR_0 = 0x5B  # word address of the program: bits 3:0, then 11:4
INIT_ADDR_1 = 0x5C
INIT_DATA = 0x5E
ACC_SELF_TEST = 0x6D
PWR_CONF = 0x7C
PWR_CTRL = 0x7D
CMD = 0x7E

_ID = 0x24
SOFT_RESET, FIFO_FLUSH = 0xB6, 0xB0  # CMD
ADV_POWER_SAVE = 0x01  # PWR_CONF bit 0
GYR_EN, ACC_EN = 0x02, 0x04  # PWR_CTRL bits 1, 2
ACC_PERFORMANCE = 0xA0  # ACC_CONF: acc_filter_perf, acc_bwp normal; rate in bits 3:0
ACC_SAVING = 0x20  # the same averaged by 4, asleep between samples
GYR_PERFORMANCE = 0xE0  # GYR_CONF: gyr_filter_perf, gyr_noise_perf, gyr_bwp normal
FILTERED = 0x88  # FIFO_DOWNS bits 7, 3: at the rates of ACC_CONF, GYR_CONF
FIFO_ACC, FIFO_GYR = 0x40, 0x80  # FIFO_CONFIG_1; its bit 4 clear: no headers
INT_ACTIVE_HIGH = 0x0A  # INT1_IO_CTRL: output on, pushed and pulled
FWM_INT1 = 0x02  # INT_MAP_DATA
ANY_MOTION_OUT = 0x40  # INT1_MAP_FEAT bit 6
ANY_MOTION_PAGE, ANY_MOTION_AT = 1, 12  # of FEATURES: two words
ANY_MOTION_XYZ = 0xE000  # first word bits 15:13; how many samples of 20 ms in bits 12:0
ANY_MOTION_EN = 0x8000  # second word bit 15; threshold in bits 10:0, 2048 to the g
SELF_TEST_UP, SELF_TEST_DOWN = 0x0D, 0x09  # ACC_SELF_TEST: on, high amplitude, sign in bit 2
INIT_OK, _MESSAGE = 0x01, 0x0F  # INTERNAL_STATUS bits 3:0

PROGRAM_BYTES, SMALL_PROGRAM_BYTES = 8192, 328
FIFO_BYTES, LARGE_FIFO_BYTES = 2048, 6144  # the larger with the small program
RATES_MHZ = tuple(12500 << i for i in range(8))  # by code 5 to 12 of ACC_CONF, GYR_CONF
_FIRST_CODE, _CODE_50_HZ, _CODE_1600_HZ = 5, 7, 12
RANGES_G = (2, 4, 8, 16)  # by ACC_RANGE
RANGES_DPS = (2000, 1000, 500, 250, 125)  # by GYR_RANGE
_ANY_MOTION_SAMPLES = 2
# Section "Self-test": least differences between the two signs.
_TEST_G = {"x": (16, 32), "y": (-32, -15), "z": (10, 32)}
_BURST = 64  # bytes of the program in one transfer
_RESET_MS, _POWER_SAVE_MS, _INIT_MS, _START_MS, _TEST_MS = 2, 1, 150, 50, 60

OPTIONS = I2C_OPTIONS + SPI_OPTIONS + INTERRUPT_OPTIONS + POWER_OPTIONS + FIFO_OPTIONS + (
    ("address", int, ADDRESS, (8, 119), "104, or 105 with SDO high"),
    ("rate_mhz", int, 0, (0, RATES_MHZ[-1]), "millihertz, 0: as the model wants"),
    ("range_g", int, 0, (0, 16), "2, 4, 8 or 16, 0: as the model wants"),
    ("gyro", bool, False, None, "six channels instead of three"),
    ("range_dps", int, 0, (0, 2000), "125, 250, 500, 1000 or 2000, 0: as the model wants"),
    ("config_file", str, "", "file", "Bosch's program; without: micropython-lib's bmi270"),
)


def build(options: dict, sensor: "Sensor | None" = None) -> "BMI270":
    """The driver on a bus of this board; open options are filled in from the model."""
    return BMI270(
        open_bus(options, "bmi270"),
        options["rate_mhz"] or (sensor.rate_mhz if sensor else 100000),
        options["range_g"] or fitting(RANGES_G, wanted_range(sensor, "g", 4)),
        options["gyro"] or wants_units(sensor, "deg/s"), options["address"],
        options["range_dps"] or fitting(sorted(RANGES_DPS), wanted_range(sensor, "deg/s", 2000)),
        options["batch_ms"], interrupt_pin(options), config_file=options["config_file"])


class BMI270(Fifo):
    """``BMI270(i2c, rate_mhz=100000, range_g=4)``: frames of x, y, z in g.

    With ``gyro`` frames are six: accelerometer in g, gyroscope in deg/s. The chip samples at
    12.5 Hz x 2^n (with gyro from 25 Hz on): ``rate_mhz`` becomes the nearest of these.
    ``pin``: its INT1, which then fires when a batch waits.
    """

    def __init__(self, bus: "I2C | I2CRegisters | SPIRegisters", rate_mhz: int = 100000,
                 range_g: int = 4, gyro: bool = False, address: int = ADDRESS,
                 gyro_dps: int = 2000, batch_ms: int = 40, pin: "Pin | None" = None,
                 now: "Callable[[], int] | None" = None, config_file: str = ""):
        if range_g not in RANGES_G or gyro_dps not in RANGES_DPS:
            raise DriverError(22, "BMI270: expected a range of 2, 4, 8, 16 g and 125, 250, 500, "
                              "1000, 2000 deg/s, got %r, %r" % (range_g, gyro_dps))
        lowest = RATES_MHZ[1 if gyro else 0]
        if not lowest <= rate_mhz <= RATES_MHZ[-1]:
            raise DriverError(22, "BMI270: expected a rate of %s to 1600 Hz, got %s mHz"
                              % (lowest / 1000, rate_mhz))
        self.bus = registers(bus, address)
        self._spi = isinstance(self.bus, SPIRegisters)
        if self._spi:
            self.bus.dummy = 1  # section "SPI interface": the first byte of a read says nothing
        self._range, self._dps, self._gyro = RANGES_G.index(range_g), gyro_dps, gyro
        rate = nearest(RATES_MHZ, rate_mhz)
        self._code = _FIRST_CODE + rate
        axes, units = motion_axes(gyro)
        self._describe(RATES_MHZ[rate], axes, units, motion_full_scale(gyro, range_g, gyro_dps))
        self._turn_to_spi()
        self._known(CHIP_ID, (_ID,), "is it a BMI270?")
        self._program_bytes = self._start_up(config_file)
        self._layout = _layout(gyro)
        self._stride = self._layout[0]
        self._fifo_bytes = LARGE_FIFO_BYTES if self._program_bytes == SMALL_PROGRAM_BYTES \
            else FIFO_BYTES
        self._count = bytearray(2)
        self._pin = pin
        self._start_fifo(self._stride, self._fifo_bytes // self._stride, batch_ms, pin, now)
        self._configure()
        self._restart()

    def _turn_to_spi(self):
        """A chip that was just started speaks I2C until it has been selected once."""
        if self._spi:
            try:
                self.bus.read(CHIP_ID)
            except OSError:
                pass  # told by the next one

    def _start_up(self, config_file):
        """Resets the chip and gives it its program; returns how many bytes that was."""
        from ..ticks import sleep_ms

        self._set(((CMD, SOFT_RESET),))
        sleep_ms(_RESET_MS)
        self._turn_to_spi()
        self._set(((PWR_CONF, 0),))
        sleep_ms(_POWER_SAVE_MS)
        try:
            n = _load_file(self.bus, config_file) if config_file else _load_library(self.bus)
        except OSError as e:
            if isinstance(e, DriverError):
                raise
            raise DriverError(e.errno, "BMI270: a transfer of its program failed at %s: check "
                              "wires and power" % self.bus.name)
        self._running()
        return n

    def _running(self):
        from ..ticks import sleep_ms

        got = 0
        for _ in range(_INIT_MS // 10):
            got = self.bus.read(INTERNAL_STATUS) & _MESSAGE
            if got == INIT_OK:
                return
            sleep_ms(10)
        raise DriverError(5, "BMI270: expected its program to run (INTERNAL_STATUS 1), got %d: the "
                          "program is damaged or another chip's" % got)

    def _configure(self):
        from ..ticks import sleep_ms

        self._set(((PWR_CONF, 0),))
        sleep_ms(_POWER_SAVE_MS)
        if self._paused:
            self._any_motion(0)
        wtm = self.watermark * self._stride
        self._set((
            (INT1_MAP_FEAT, 0), (INT_LATCH, 0), (INT_STATUS_0, None),
            (ACC_SELF_TEST, 0),
            (FIFO_CONFIG_1, 0),
            (ACC_CONF, ACC_PERFORMANCE | self._code), (ACC_RANGE, self._range),
            (GYR_CONF, GYR_PERFORMANCE | self._code), (GYR_RANGE, RANGES_DPS.index(self._dps)),
            (FIFO_DOWNS, FILTERED), (FIFO_CONFIG_0, 0),
            (FIFO_WTM_0, wtm & 0xFF), (FIFO_WTM_0 + 1, wtm >> 8),
            (INT1_IO_CTRL, INT_ACTIVE_HIGH if self._pin is not None else 0),
            (INT_MAP_DATA, FWM_INT1 if self._pin is not None else 0),
            (PWR_CTRL, ACC_EN | (GYR_EN if self._gyro else 0))))
        sleep_ms(_START_MS)  # until both have samples: frames are whole from the first on

    def _level(self):
        self.bus.read_into(FIFO_LENGTH_0, self._count)
        count = self._count[0] | (self._count[1] & 0x3F) << 8
        # Full is told from two frames before the end on. What was overwritten the clock
        # tells, once it knows the chip's rate; until then all is given up.
        if count + 3 * self._stride > self._fifo_bytes and not self.timebase.measured_mhz:
            return OVERFLOW
        return count // self._stride

    def _fetch(self, n, buf):
        raw = self._bursts[n]
        self.bus.burst(FIFO_DATA, raw)
        unpacked(raw, n, self._layout, buf)

    def _restart(self):
        self.bus.write(FIFO_CONFIG_1, FIFO_ACC | FIFO_GYR if self._gyro else FIFO_ACC)
        self.bus.write(CMD, FIFO_FLUSH)

    def selftest(self) -> dict:
        """How far a force moves the accelerometer's masses, in g; takes 0.2 s, lying still.

        DriverError where one moves too little. The gyroscope's own test gives no
        numbers and is left out. Frames of that time count as lost.
        """
        from ..sensing.deflection import judged

        self._set(((FIFO_CONFIG_1, 0), (PWR_CTRL, ACC_EN), (ACC_RANGE, len(RANGES_G) - 1),
                   (ACC_CONF, ACC_PERFORMANCE | _CODE_1600_HZ)))
        try:
            up = self._pushed(SELF_TEST_UP)
            down = self._pushed(SELF_TEST_DOWN)
        finally:
            self._set(((ACC_SELF_TEST, 0),))
            self._configure()
        self._give_up()
        return judged(self, {axis: (up[i] - down[i]) * 16 / 32768 for i, axis in enumerate("xyz")},
                      _TEST_G, absolute=False)

    def _pushed(self, setting):
        import struct

        from ..ticks import sleep_ms

        self._set(((ACC_SELF_TEST, setting),))
        sleep_ms(_TEST_MS)
        raw = bytearray(6)
        self.bus.read_into(DATA_8, raw)
        return struct.unpack("<3h", raw)

    def wake_on_motion(self, threshold_mg: int) -> None:
        """Little power until it is moved for 40 ms: then INT1 goes high and stays until resume().

        Looked at 50 times a second, 1 to 999 mg away from when it lay still.
        """
        if self._program_bytes == SMALL_PROGRAM_BYTES:
            raise DriverError(95, "BMI270: expected its program of 8192 bytes, got the small one, "
                              "which cannot wake on motion")
        if not 1 <= threshold_mg <= 999:
            raise DriverError(22, "BMI270: expected a threshold of 1 to 999 mg, got %r"
                              % threshold_mg)
        self._set((
            (FIFO_CONFIG_1, 0), (INT_MAP_DATA, 0), (PWR_CTRL, ACC_EN),
            (ACC_CONF, ACC_SAVING | _CODE_50_HZ)))
        self._any_motion(max(1, (threshold_mg * 2048 + 500) // 1000))
        self._set((
            (INT_LATCH, 1), (INT1_IO_CTRL, INT_ACTIVE_HIGH), (INT_STATUS_0, None),
            (INT1_MAP_FEAT, ANY_MOTION_OUT), (PWR_CONF, ADV_POWER_SAVE)))
        self._pause()

    def _any_motion(self, threshold):
        """Looks for motion from now on; 0: no more."""
        page = bytearray(16)
        self._set(((FEAT_PAGE, ANY_MOTION_PAGE),))
        try:
            self.bus.read_into(FEATURES, page)
            first, second = ANY_MOTION_XYZ | _ANY_MOTION_SAMPLES, threshold
            if threshold:
                second |= ANY_MOTION_EN
            second |= (page[ANY_MOTION_AT + 3] & 0x78) << 8  # which output: as the program says
            for i, word in enumerate((first, second)):
                page[ANY_MOTION_AT + 2 * i] = word & 0xFF
                page[ANY_MOTION_AT + 2 * i + 1] = word >> 8
            self.bus.write_from(FEATURES, page)
        except OSError as e:
            raise self._refused(e)

    def _sleep(self):
        self._asleep((PWR_CTRL, 0), (PWR_CONF, ADV_POWER_SAVE))


def _layout(gyro):
    """FIFO frames, low byte first: the gyroscope comes before the accelerometer."""
    return layout_of(12, (6, 8, 10, 0, 2, 4)) if gyro else layout_of(6, (0, 2, 4))


def _load_file(bus, path):
    """The program from a file, in bursts; how many bytes."""
    from os import stat

    try:
        size = stat(path)[6]
    except OSError as e:
        raise DriverError(e.errno, "BMI270: no file %r here, which config_file names: copy Bosch's "
                          "program (8192 bytes) there" % path)
    if size not in (PROGRAM_BYTES, SMALL_PROGRAM_BYTES):
        raise DriverError(22, "BMI270: expected Bosch's program of 8192 bytes in %r, got %d bytes"
                          % (path, size))
    buf = bytearray(_BURST)
    bus.write(INIT_CTRL, 0)
    with open(path, "rb") as f:
        for at in range(0, size, _BURST):
            n = f.readinto(buf)
            _put(bus, at, buf if n == _BURST else memoryview(buf)[:n])
    bus.write(INIT_CTRL, 1)
    return size


def _put(bus, at, data):
    """Part of the program; tried again, since its address goes with it."""
    for left in range(TRIES - 1, -1, -1):
        try:
            bus.write(INIT_ADDR_0, at // 2 & 0x0F)
            bus.write(INIT_ADDR_1, at // 2 >> 4)
            bus.write_from(INIT_DATA, data)
            return
        except OSError:
            if left == 0:
                raise


def _load_library(bus):
    """The program that micropython-lib's bmi270 holds; how many bytes.

    It keeps it in a constant that MicroPython's compiler hides. So its class does
    its work, on a bus that leads to this driver's registers.
    """
    try:
        import bmi270
    except ImportError:
        raise DriverError(2, "BMI270: its program is not here: install it with "
                          "`mpremote mip install bmi270`, or copy Bosch's 8192 bytes to the board "
                          "and name the file in config_file")
    bridge = _Bridge(bus)
    try:
        bmi270.BMI270(bridge)
    except OSError as e:
        if isinstance(e.args[0], int):
            raise
        # a sentence of its own: INTERNAL_STATUS says more
    except (AttributeError, TypeError, ValueError) as e:
        raise DriverError(22, "BMI270: the module bmi270 here is not micropython-lib's: %s: name "
                          "Bosch's program in config_file" % e)
    return bridge.loaded


class _Bridge:
    """What micropython-lib's bmi270 takes for a machine.I2C. ``loaded``: bytes of the program."""

    def __init__(self, bus):
        self._bus = bus
        self.loaded = 0

    def readfrom_mem(self, address, register, n):
        buf = bytearray(n)
        self._bus.read_into(register, buf)
        return buf

    def readfrom_mem_into(self, address, register, buf):
        self._bus.read_into(register, buf)

    def writeto_mem(self, address, register, data):
        if register == CMD and data[0] == SOFT_RESET:
            return  # just done; by SPI the chip would miss what comes next
        if register == INIT_DATA:
            self.loaded += len(data)
        self._bus.write_from(register, data)
