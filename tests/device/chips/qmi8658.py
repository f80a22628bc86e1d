"""QMI8658A by its registers (QST 13-52-25, revision A), the numbers written anew here so that a
wrong constant in the driver shows. Its FIFO is read by command only, and takes no
samples meanwhile: so it is a row of sample numbers, with holes."""

from chips.bus import SPI, Bus
from chips.chip import SampledChip

_ACCEL_G = (2, 4, 8, 16)
_GYRO_DPS = (16, 32, 64, 128, 256, 512, 1024, 2048)
# Nanoseconds by code: the accelerometer alone, and both.
_ACCEL_NS = (0, 0, 0, 1000000, 2000000, 4000000, 8000000, 16000000, 32000000, 0, 0, 0, 7812500,
             47619048, 90909091, 333333333)
_BOTH_NS = (139385, 278769, 557538, 1115076, 2230152, 4460303, 8920607, 17841213, 35682426)
_SIZES = (16, 32, 64, 128)


class QMI8658(SampledChip):
    """``motion``: frames of 3 or 6 numbers, 1/1000 g and 1/1000 deg/s. ``response``: of the
    self-test, in its own units: 1/2048 g, 1/16 deg/s. ``thrown``: samples that came while
    the FIFO was read."""

    read_only = (0x00, 0x01, 0x15, 0x16, 0x17, 0x2D, 0x2E, 0x2F)

    def __init__(self, motion, now, address=0x6B, identity=0x05, odr_ppm=0, busy_polls=1):
        super().__init__(motion, now, address, odr_ppm=odr_ppm)
        self.identity = identity
        self.response = (700, -800, 900, 5000, -6000, 7000)
        self.thrown = 0
        self.counting = True  # TIMESTAMP
        self._busy_polls = busy_polls  # how often a command is not done yet
        self._row = [0] * 128
        self._oldest = 0
        self._reset()

    def _reset(self):
        for i in range(len(self.registers)):
            self.registers[i] = 0
        self.registers[0x02] = 0x20
        self._done, self._left = False, 0
        self._counted_from = self.sample
        self.woken = self.watching = False
        self._level = 0  # of the pin while it watches
        self._tested_at = -1
        self.empty_fifo()
        self._set_up()

    def period_ns(self):
        on = self.registers[0x08] & 3
        if on == 3:
            return _BOTH_NS[self.registers[0x04] & 15]
        return _ACCEL_NS[self.registers[0x03] & 15] if on == 1 else 0

    @property
    def range_g(self):
        return _ACCEL_G[self.registers[0x03] >> 4 & 3]

    @property
    def range_dps(self):
        return _GYRO_DPS[self.registers[0x04] >> 4 & 7]

    def _set_up(self):
        self._gyro = self.registers[0x08] & 3 == 3
        self.frame_bytes = 12 if self._gyro else 6
        self.fifo_frames = _SIZES[self.registers[0x14] >> 2 & 3]
        both = not self._gyro or self.registers[0x03] & 15 == self.registers[0x04] & 15
        self.fifo_on = self.registers[0x14] & 3 == 2 and both and not self.watching

    @property
    def reading(self):
        return self.registers[0x14] & 0x80

    def _sampled(self, n):
        for k in range(self.sample, self.sample + n):
            if self.watching:
                self._moved(k)
            elif self.fifo_on and self.reading:
                self.thrown += 1
                self.overflow = True
            elif self.fifo_on:
                self._store(k)
        self.sample += n
        if n and self.pin is not None:
            self.pin.sampled(n)

    def _store(self, k):
        if self.held == self.fifo_frames:
            self._oldest = (self._oldest + 1) % 128
            self.held -= 1
            self.at = 0
            self.overwritten += 1
            self.overflow = True
        self._row[(self._oldest + self.held) % 128] = k
        self.held += 1
        self.first = self._row[self._oldest]

    def read_fifo(self, buf):
        for i in range(len(buf)):
            if self.held == 0 or not self.reading:
                buf[i] = 0
                continue
            if self._encoded != self.first:
                self.encode(self.first, self._scratch)
                self._encoded = self.first
            buf[i] = self._scratch[self.at]
            self._took(1)

    def _took(self, n):
        for _ in range(n):
            self.at += 1
            if self.at == self.frame_bytes:
                self.at = 0
                self.held -= 1
                self._oldest = (self._oldest + 1) % 128
                self.first = self._row[self._oldest]

    def swallow(self, n):
        self.advance()
        if self.reading:
            self._took(min(n, self.fifo_bytes()))

    def encode(self, k, out):
        for i in range(6 if self._gyro else 3):
            full = (self.range_g if i < 3 else self.range_dps) * 1000
            value = self.counts(k, i, full)
            out[2 * i], out[2 * i + 1] = value & 0xFF, value >> 8 & 0xFF

    def read(self, register, buf):
        self.advance()
        if register == 0x17:
            self.read_fifo(buf)
            return
        step = 1 if self.registers[0x02] & 0x40 else 0  # ADDR_AI
        for i in range(len(buf)):
            buf[i] = self.get(register + i * step)

    def get(self, register):
        if register == 0x00:
            return self.identity
        if register in (0x15, 0x16):
            return self._status() if register & 2 else self.fifo_bytes() // 2 & 0xFF
        if register == 0x2D:
            return (0x80 if self._finished() else 0) | (1 if self._tested() else 0)
        if 0x30 <= register < 0x33:
            count = self.sample - self._counted_from if self.counting else 0
            return count >> 8 * (register - 0x30) & 0xFF
        if register == 0x2F:
            status, self.woken, self._level = 0x04 if self.woken else 0, False, 0
            return status
        return self.registers[register]

    def _status(self):
        status = self.fifo_bytes() // 2 >> 8 | (0x10 if self.held else 0)
        if self.held == self.fifo_frames:
            status |= 0x80
        if self.overflow:
            status |= 0x20
        return status | (0x40 if self._at_watermark() else 0)

    def _at_watermark(self):
        return self.registers[0x13] and self.held >= self.registers[0x13]

    def put(self, register, value):
        self.advance()
        if register == 0x60 and value == 0xB0:
            self._reset()
            return
        self.registers[register] = value
        if register == 0x0A:
            self._command(value)
        if register in (0x03, 0x04):
            self._self_test(register, value)
        if register == 0x14 and value & 3 == 0:
            self.empty_fifo()
        self._set_up()

    def _command(self, command):
        if command == 0x00:
            self._done = False
            return
        assert not self._done and self.registers[0x09] & 0x80, "a command before the last ended"
        self._done, self._left = True, self._busy_polls
        if command == 0x04:
            self.empty_fifo()
        if command == 0x05:
            self.registers[0x14] |= 0x80
        if command == 0x08:
            self.watching = self.registers[0x0B] != 0
            self.woken, self._level = False, 0
            self._ignore = self.registers[0x0C] & 63

    def _finished(self):
        if self._done and self._left:
            self._left -= 1
            return False
        return self._done

    def _self_test(self, register, value):
        if value & 0x80 and self.registers[0x08] & 3 == 0:
            took_us = 400000 if register == 0x04 else 25 * _ACCEL_NS[value & 15] // 1000
            self._tested_at = self._now() + took_us
            self._tested_what = 3 if register == 0x04 else 0
        else:
            self._tested_at = -1

    def _tested(self):
        if self._tested_at < 0 or self._now() < self._tested_at:
            return False
        for i in range(3):
            value = self.response[self._tested_what + i]
            self.registers[0x51 + 2 * i] = value & 0xFF
            self.registers[0x52 + 2 * i] = value >> 8 & 0xFF
        return True

    def _moved(self, k):
        if self._ignore:
            self._ignore -= 1
            return
        now, before = self.motion[k % len(self.motion)], self.motion[(k - 1) % len(self.motion)]
        for axis in range(3):
            if abs(now[axis] - before[axis]) > self.registers[0x0B]:
                self.woken = True
                self._level ^= 1
                return

    def line(self):
        """Level of the pin in use, INT1 or INT2."""
        pins = self.registers[0x02]
        if self.watching:
            return self._level if pins & (0x10 if self.registers[0x0C] & 0x40 else 0x08) else 0
        return 1 if pins & (0x08 if pins & 0x04 else 0x10) and self._at_watermark() else 0


class TimedBus(Bus):
    """An I2C bus at 400 kHz under MicroPython: each transfer takes time on the chip's clock."""

    def __init__(self, chip, now, byte_ns=22500, call_us=60):
        super().__init__(chip)
        self._now, self._byte_ns, self._call_us = now, byte_ns, call_us

    def readfrom_mem_into(self, address, register, buf):
        self._pass(3)
        super().readfrom_mem_into(address, register, buf)
        self._pass(len(buf))

    def writeto_mem(self, address, register, data):
        self._pass(2 + len(data))
        super().writeto_mem(address, register, data)

    def _pass(self, n):
        self._now.now += self._call_us // 2 + n * self._byte_ns // 1000


class TimedSPI(SPI):
    """The same at 8 MHz."""

    def __init__(self, chip, now, byte_us=1, call_us=20):
        super().__init__(chip)
        self._now, self._byte_us, self._call_us = now, byte_us, call_us

    def write(self, data):
        super().write(data)
        self._now.now += self._call_us + len(data) * self._byte_us

    def readinto(self, buf, write=0):
        super().readinto(buf, write)
        self._now.now += self._call_us + len(buf) * self._byte_us
