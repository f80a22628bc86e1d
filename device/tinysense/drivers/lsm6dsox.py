"""LSM6DSOX and LSM6DSO: accelerometer and gyroscope over I2C or SPI, by FIFO of tagged words.

Registers are those of section 9 of ST's data sheet DS12814, revision 4. Not for the
LSM6DSO32, which answers with the same identity and has twice the range.
"""

from ..native import core
from ..sensing.fifo import OVERFLOW
from ..sensing.lsm6 import INT1_CTRL, INT1_FTH, LSM6, OPTIONS, built

__all__ = ("LSM6DSOX", "OPTIONS", "build")

FIFO_CTRL1 = 0x07  # threshold in words, bits 7:0
FIFO_CTRL2 = 0x08  # its bit 8 in bit 0
FIFO_CTRL3 = 0x09  # BDR_GY in bits 7:4, BDR_XL in bits 3:0: codes as of ODR_XL
FIFO_CTRL4 = 0x0A  # FIFO_MODE in bits 2:0
CTRL9_XL = 0x18
FIFO_STATUS1 = 0x3A  # DIFF_FIFO: words that wait, bits 7:0
FIFO_STATUS2 = 0x3B  # bits 9:8 in bits 1:0
TAP_CFG0 = 0x56
TAP_CFG2 = 0x58
FIFO_DATA_OUT_TAG = 0x78  # seven bytes a word; the address turns back by itself

BYPASS, CONTINUOUS = 0, 6  # FIFO_MODE: off and emptied; the newest overwrite the oldest
OVERRUN = 0x48  # FIFO_STATUS2: FIFO_OVR_IA, FIFO_OVR_LATCHED
I3C_OFF = 0xE2  # CTRL9_XL: I3C_disable, and DEN_X, Y, Z as after a reset
LIR = 0x01  # TAP_CFG0: a wake-up stays until it is read; SLOPE_FDS 0 is the slope filter
INTERRUPTS_ENABLE = 0x80  # TAP_CFG2
TAG_GYRO, TAG_ACCEL = 1, 2  # TAG_SENSOR in bits 7:3 of FIFO_DATA_OUT_TAG
WORD, WORDS = 7, 512  # bytes of one; words of 3 kB of data
_untag = core.frames_untag  # for each burst: the core is a table searched from its first row on
_HAVE = 3  # of ts_tags_t: parts of the frame that waits
# Codes 1 to 10 of ODR_XL, ODR_G and the FIFO's rates, CTRL1_XL.
RATES_MHZ = (12500, 26000, 52000, 104000, 208000, 417000, 833000, 1667000, 3333000, 6667000)


def build(options: dict, sensor: "Sensor | None" = None) -> "LSM6DSOX":
    """The driver on a bus of this board; open options are filled in from the model."""
    return built(LSM6DSOX, options, sensor)


class LSM6DSOX(LSM6):
    """``LSM6DSOX(i2c, rate_mhz=104000, range_g=4)``: frames of x, y, z in g.

    With ``gyro`` frames are six: accelerometer in g, gyroscope in deg/s.
    ``rate_mhz`` becomes the nearest of the chip's. ``pin``: its INT1, which
    then tells that a batch waits.
    """

    ids = (0x6C,)
    selftest_g = (0.05, 1.7)  # DS12814 table 2, "Linear acceleration self-test output change"
    wake_parts = 256

    def _kind(self, identity):
        self.chip = "LSM6DSOX"
        self.rates = self.gyro_rates = RATES_MHZ

    def _begin(self, batch_ms, pin, now):
        parts = 2 if self._gyro else 1
        self._parts = parts
        self._tags = bytearray(24)  # ts_tags_t
        self._tags[0], self._tags[1], self._tags[2] = parts, TAG_ACCEL, TAG_GYRO
        self._status = bytearray(2)
        self._word = bytearray(WORD)
        self._frame = bytearray(6 * parts)
        self._start_fifo(WORD * parts, WORDS // parts, batch_ms, pin, now)

    def _fifo_rows(self):
        words = self.watermark * self._parts
        return ((CTRL9_XL, I3C_OFF), (FIFO_CTRL1, words & 0xFF), (FIFO_CTRL2, words >> 8),
                (FIFO_CTRL3, self._odr | (self._odr << 4 if self._gyro else 0)),
                (INT1_CTRL, INT1_FTH))

    def _wake_rows(self):
        return (TAP_CFG0, LIR), (TAP_CFG2, INTERRUPTS_ENABLE)

    def _level(self):
        self.bus.read_into(FIFO_STATUS1, self._status)
        overrun = self._status[1] & OVERRUN
        if overrun and self.timebase.measured_mhz == 0:
            return OVERFLOW  # the clock cannot tell yet how many are missing
        if overrun or self._torn:
            self._tags[_HAVE] = 0  # the other part may be gone
        words = self._status[0] | (self._status[1] & 3) << 8
        return (words + (1 if self._tags[_HAVE] else 0)) // self._parts

    def _fetch(self, n, buf):
        whole = n - 1 if self._tags[_HAVE] else n
        came = self._untagged(self._bursts[whole], whole * self._parts, buf) if whole else 0
        if came != n:
            self._complete(n, came, buf)

    def _complete(self, n, came, buf):
        """A part was here already, or the other part of one is gone: one word more, or two."""
        for _ in range(2):
            if self._untagged(self._word, 1, self._frame):
                at = came * len(self._frame)
                for i in range(len(self._frame)):
                    buf[at + i] = self._frame[i]
                came += 1
                if came == n:
                    return
        raise OSError(5, "EIO")  # not what the chip said it has

    def _untagged(self, raw, words, out):
        self.bus.burst(FIFO_DATA_OUT_TAG, raw)
        return _untag(self._tags, raw, words, out)

    def _restart(self):
        self._stop()
        self.bus.write(FIFO_CTRL4, CONTINUOUS)

    def _stop(self):
        self._tags[_HAVE] = 0
        self.bus.write(FIFO_CTRL4, BYPASS)
