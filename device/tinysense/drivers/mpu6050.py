"""MPU6050: accelerometer, and gyroscope if asked, over I2C; polled by the sample clock.

Pages are those of InvenSense's register map RM-MPU-6000A, revision 4.2.
"""

from ..errors import DriverError
from .clock import Clock

ADDRESS = 0x68  # AD0 low; 0x69 with AD0 high
SMPLRT_DIV = 0x19  # pages 11, 12: sample rate = 1 kHz / (1 + SMPLRT_DIV) with the filter on
CONFIG = 0x1A  # page 13: DLPF_CFG in bits 2:0
GYRO_CONFIG = 0x1B  # page 14: FS_SEL in bits 4:3
ACCEL_CONFIG = 0x1C  # page 15: AFS_SEL in bits 4:3
ACCEL_XOUT_H = 0x3B  # page 29: x, y, z, big-endian; then temperature, then gyroscope
PWR_MGMT_1 = 0x6B  # page 40
WHO_AM_I = 0x75  # page 45

DEVICE_RESET = 0x80  # PWR_MGMT_1 bit 7
CLKSEL_GYRO_X = 0x01  # PWR_MGMT_1 bits 2:0; page 41: steadier than the internal 8 MHz
WHO_AM_I_MPU6050 = 0x68
SAMPLE_CLOCK_MHZ = 1000000  # 1 kHz

ACCEL_RANGES_G = (2, 4, 8, 16)  # by AFS_SEL
GYRO_RANGES_DPS = (250, 500, 1000, 2000)  # by FS_SEL
DLPF_HZ = (260, 184, 94, 44, 21, 10, 5)  # accelerometer bandwidth by DLPF_CFG
_ACCEL_BYTES = 6
_ALL_BYTES = 14
_SETTLE_MS = 100  # after a reset, page 41
_GIVE_UP = 50  # failed reads in a row after which the chip counts as gone

OPTIONS = (
    ("bus", int, 0, (-1, 7), "I2C bus of the board; -1: SoftI2C on any pins"),
    ("scl", (int, str), -1, (-1, 255), "pin of SCL, -1: the bus's own"),
    ("sda", (int, str), -1, (-1, 255), "pin of SDA, -1: the bus's own"),
    ("freq", int, 400000, (10000, 400000), "bus clock, Hz"),
    ("address", int, ADDRESS, (8, 119), "104, or 105 with AD0 high"),
    ("rate_mhz", int, 0, (0, 1000000), "millihertz, 0: as the model wants"),
    ("range_g", int, 0, (0, 16), "2, 4, 8 or 16, 0: as the model wants"),
    ("gyro", bool, False, None, "six channels instead of three"),
    ("who_am_i", int, WHO_AM_I_MPU6050, (0, 255), "identity to accept, for compatible chips"),
)


def build(options: dict, sensor: "Sensor | None" = None) -> "MPU6050":
    """The driver on a bus of this board; open options are filled in from the model."""
    bus = _bus(options)
    rate = options["rate_mhz"] or (sensor.rate_mhz if sensor else 100000)
    wanted = options["range_g"] or (sensor.full_scale if sensor and sensor.units == "g" else 4)
    return MPU6050(bus, rate, fitting_range(wanted), options["gyro"], options["address"],
                   options["who_am_i"])


def _bus(options):
    """The I2C bus; ports say in many ways that they have no such bus or no pins for it."""
    import machine

    try:
        pins = {name: machine.Pin(options[name]) for name in ("scl", "sda") if options[name] != -1}
        if options["bus"] < 0:
            return machine.SoftI2C(freq=options["freq"], **pins)
        return machine.I2C(options["bus"], freq=options["freq"], **pins)
    except (AttributeError, TypeError, ValueError, OSError) as e:
        raise DriverError(22, "mpu6050: expected an I2C bus, got bus %d, scl %s, sda %s: %s: name "
                          "the pins in driver_options: scl, sda; and bus (-1: any pins)"
                          % (options["bus"], options["scl"], options["sda"], e))


def fitting_range(full_scale: "float") -> int:
    """The smallest range, in g, that holds full_scale; the largest where none does."""
    for range_g in ACCEL_RANGES_G:
        if range_g >= full_scale:
            return range_g
    return ACCEL_RANGES_G[-1]


class MPU6050:
    """``MPU6050(i2c, rate_mhz=25000, range_g=4)``: frames of x, y, z in g.

    With ``gyro`` frames are six raw counts (units "none", full_scale 32768):
    accelerometer of +-range_g, then gyroscope of +-``gyro_dps``.

    Each read_into() takes the sample that the chip holds when one is due by
    the board's clock; the ones that were due before it are ``dropped``. A
    failed transfer is counted in ``errors``; 50 in a row raise DriverError.
    """

    def __init__(self, i2c: "I2C", rate_mhz: int = 100000, range_g: int = 4, gyro: bool = False,
                 address: int = ADDRESS, who_am_i: int = WHO_AM_I_MPU6050, gyro_dps: int = 2000,
                 now: "Callable[[], int] | None" = None):
        if range_g not in ACCEL_RANGES_G or gyro_dps not in GYRO_RANGES_DPS:
            raise DriverError(22, "MPU6050: expected a range of 2, 4, 8, 16 g and 250, 500, 1000, "
                              "2000 deg/s, got %r, %r" % (range_g, gyro_dps))
        if not SAMPLE_CLOCK_MHZ >= rate_mhz >= SAMPLE_CLOCK_MHZ // 256 + 1:
            raise DriverError(22, "MPU6050: expected a rate of 3.907 to 1000 Hz, got %s mHz"
                              % rate_mhz)
        self._i2c, self._address = i2c, address
        self.rate_mhz = rate_mhz
        self.channels = 6 if gyro else 3
        self.axes = ("x", "y", "z", "gx", "gy", "gz") if gyro else ("x", "y", "z")
        self.units = "none" if gyro else "g"
        self.full_scale = 32768 if gyro else range_g
        self.scale = self.full_scale / 32768
        self.dropped = self.errors = 0
        self.last_error = 0  # errno of the last failed transfer
        self.done = False
        self._in_a_row = 0
        self._raw = bytearray(_ALL_BYTES if gyro else _ACCEL_BYTES)
        self._clock = Clock(rate_mhz, now)
        self._identify(who_am_i)
        self._configure(rate_mhz, range_g, gyro_dps)

    def read_into(self, buf: bytearray) -> int:
        due = 0 if self.done else self._clock.due()
        if due == 0:
            return 0
        try:
            self._i2c.readfrom_mem_into(self._address, ACCEL_XOUT_H, self._raw)
        except OSError as e:
            self.dropped += due
            self._failed(e)
            return 0
        self._in_a_row = 0
        self.dropped += due - 1
        raw, source = self._raw, 0
        for at in range(0, 2 * self.channels, 2):
            if source == _ACCEL_BYTES:
                source += 2  # temperature
            buf[at] = raw[source + 1]
            buf[at + 1] = raw[source]
            source += 2
        return 1

    def close(self) -> None:
        """Stops reading; the bus stays the caller's."""
        self.done = True

    def _identify(self, who_am_i):
        got = bytearray(1)
        try:
            self._i2c.readfrom_mem_into(self._address, WHO_AM_I, got)
        except OSError as e:
            raise DriverError(e.errno, "no chip answers at I2C address 0x%02x: check wires, power "
                              "and address" % self._address)
        if got[0] != who_am_i:
            raise DriverError(19, "expected an MPU6050 (id 0x%02x) at 0x%02x, got id 0x%02x: if it "
                              "is a register-compatible chip, say who_am_i=0x%02x"
                              % (who_am_i, self._address, got[0], got[0]))

    def _configure(self, rate_mhz, range_g, gyro_dps):
        from ..ticks import sleep_ms

        self._write(PWR_MGMT_1, DEVICE_RESET)
        sleep_ms(_SETTLE_MS)
        self._write(PWR_MGMT_1, CLKSEL_GYRO_X)
        # The chip samples at the next rate at or above ours, so that no sample is read twice.
        self._write(SMPLRT_DIV, SAMPLE_CLOCK_MHZ // rate_mhz - 1)
        self._write(CONFIG, filter_setting(rate_mhz))
        self._write(GYRO_CONFIG, GYRO_RANGES_DPS.index(gyro_dps) << 3)
        self._write(ACCEL_CONFIG, ACCEL_RANGES_G.index(range_g) << 3)

    def _write(self, register, value):
        try:
            self._i2c.writeto_mem(self._address, register, bytes((value,)))
        except OSError as e:
            raise DriverError(e.errno, "MPU6050 at 0x%02x refused a write to register 0x%02x: "
                              "check wires and power" % (self._address, register))

    def _failed(self, error):
        self.errors += 1
        self._in_a_row += 1
        self.last_error = error.errno
        if self._in_a_row >= _GIVE_UP:
            raise DriverError(error.errno, "MPU6050 at 0x%02x stopped answering (%d reads in a row "
                              "failed, errno %s): check wires and power"
                              % (self._address, self._in_a_row, error.errno))


def filter_setting(rate_mhz: int) -> int:
    """DLPF_CFG: the widest filter that stays below half the rate, else the narrowest."""
    for setting in range(1, len(DLPF_HZ)):  # 0 would run the gyroscope at 8 kHz
        if DLPF_HZ[setting] * 2000 <= rate_mhz:
            return setting
    return len(DLPF_HZ) - 1
