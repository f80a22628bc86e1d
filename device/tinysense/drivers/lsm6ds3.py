"""LSM6DS3, LSM6DS3TR-C and LSM6DSL: accelerometer and gyroscope over I2C or SPI, by FIFO.

The FIFO holds words of two bytes without marks: gyroscope x, y, z, accelerometer x, y, z,
over and over. Pages are those of ST's data sheet of the LSM6DS3, DocID026899,
revision 7; "DSL": of the LSM6DSL, DocID028475, revision 7, which answers as the LSM6DS3TR-C.
"""

from ..sensing.fifo import OVERFLOW, layout_of, unpacked
from ..sensing.lsm6 import INT1_CTRL, INT1_FTH, LSM6, OPTIONS, built

__all__ = ("LSM6DS3", "OPTIONS", "build")

FIFO_CTRL1 = 0x06  # page 45: threshold in words, bits 7:0
FIFO_CTRL2 = 0x07  # page 46: the bits above
FIFO_CTRL3 = 0x08  # page 46: DEC_FIFO_GYRO in bits 5:3, DEC_FIFO_XL in bits 2:0
FIFO_CTRL5 = 0x0A  # page 48: ODR_FIFO in bits 6:3, FIFO_MODE in bits 2:0
FIFO_STATUS1 = 0x3A  # page 69: DIFF_FIFO, words that wait, bits 7:0
# FIFO_STATUS2, page 69: the bits above, and flags; 3 and 4, page 70: FIFO_PATTERN, which
# word of the frame is read next
FIFO_DATA_OUT_L = 0x3E  # page 70; the address turns back after 0x3F by itself
TAP_CFG = 0x58  # page 75, DSL page 87

BYPASS, CONTINUOUS = 0, 6  # FIFO_MODE, page 49: off and emptied; the newest overwrite
NO_DECIMATION_GYRO, NO_DECIMATION_XL = 0x08, 0x01
OVER_RUN = 0x40  # FIFO_STATUS2; DIFF_FIFO is 0 then (AN5130, section "FIFO_STATUS2")
LIR = 0x01  # TAP_CFG: a wake-up stays until it is read
SLOPE_FDS = 0x10  # TAP_CFG of the LSM6DS3: filters on; of the others: not the slope filter
INTERRUPTS_ENABLE = 0x80  # TAP_CFG, DSL only
RATES_MHZ = (13000, 26000, 52000, 104000, 208000, 416000, 833000, 1666000, 3332000, 6664000)
RATES_DSL_MHZ = (12500,) + RATES_MHZ[1:]  # DSL page 22
GYRO_RATES = 8  # of the LSM6DS3, page 20; the others have all
WORDS, WORDS_DSL = 4096, 2048  # page 28; DSL page 34
_ID, _ID_DSL = 0x69, 0x6A
_SPARE = 8  # frames taken from a full FIFO, so that none is overwritten while it is read


def build(options: dict, sensor: "Sensor | None" = None) -> "LSM6DS3":
    """The driver on a bus of this board; open options are filled in from the model."""
    return built(LSM6DS3, options, sensor)


class LSM6DS3(LSM6):
    """``LSM6DS3(i2c, rate_mhz=104000, range_g=4)``: frames of x, y, z in g.

    With ``gyro`` frames are six: accelerometer in g, gyroscope in deg/s.
    ``rate_mhz`` becomes the nearest of the chip's. ``pin``: its INT1, which
    then tells that a batch waits.
    """

    ids = (_ID, _ID_DSL)
    # selftest_g: DSL page 22; the sheet of the LSM6DS3 has no limits.

    def _kind(self, identity):
        self._old = identity == _ID
        self.chip = "LSM6DS3" if self._old else "LSM6DS3TR-C"
        self.rates = RATES_MHZ if self._old else RATES_DSL_MHZ
        self.gyro_rates = self.rates[:GYRO_RATES] if self._old else self.rates

    def _begin(self, batch_ms, pin, now):
        words = 6 if self._gyro else 3
        self._words = words
        self._diff_bits = 0x0F if self._old else 0x07
        self._layout = layout_of(2 * words, (6, 8, 10, 0, 2, 4) if self._gyro else (0, 2, 4))
        self._status = bytearray(4)
        view = memoryview(bytearray(2 * words * (_SPARE + 1)))
        self._skips = [view[: 2 * n] for n in range(words * (_SPARE + 1) + 1)]
        self._start_fifo(2 * words, (WORDS if self._old else WORDS_DSL) // words, batch_ms, pin,
                         now)

    def _fifo_rows(self):
        words = self.watermark * self._words
        gyro = NO_DECIMATION_GYRO if self._gyro else 0
        return ((FIFO_CTRL1, words & 0xFF), (FIFO_CTRL2, words >> 8),
                (FIFO_CTRL3, gyro | NO_DECIMATION_XL), (INT1_CTRL, INT1_FTH))

    def _wake_rows(self):
        return ((TAP_CFG, LIR | (SLOPE_FDS if self._old else INTERRUPTS_ENABLE)),)

    def _level(self):
        status = self._status
        for _ in range(3):
            self.bus.read_into(FIFO_STATUS1, status)
            overrun = status[1] & OVER_RUN
            if overrun and self.timebase.measured_mhz == 0:
                break  # the clock cannot tell yet how many are missing
            ahead = status[2] | (status[3] & 3) << 8
            if ahead >= self._words:
                break
            if not overrun and ahead == 0:
                return (status[0] | (status[1] & self._diff_bits) << 8) // self._words
            skip = self._words - ahead if ahead else 0  # to the next frame's beginning
            if overrun:
                skip += _SPARE * self._words
            self.bus.burst(FIFO_DATA_OUT_L, self._skips[skip])
        return OVERFLOW

    def _fetch(self, n, buf):
        raw = self._bursts[n]
        self.bus.burst(FIFO_DATA_OUT_L, raw)
        unpacked(raw, n, self._layout, buf)

    def _restart(self):
        self._stop()
        self.bus.write(FIFO_CTRL5, self._odr << 3 | CONTINUOUS)

    def _stop(self):
        self.bus.write(FIFO_CTRL5, BYPASS)
