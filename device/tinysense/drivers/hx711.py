"""HX711: force, by load cells. Two pins; the chip says when a conversion is ready.

Pages are those of Avia Semiconductor's data sheet of the HX711.
"""

from ..errors import DriverError
from ..sensing.bus import POWER_OPTIONS, power_on
from ..sensing.fifo import Fifo
from ..sensing.polled import store
from ..ticks import ticks_diff

BITS = 24  # page 4: two's complement, the first bit uppermost; saturates
PULSES = {128: 25, 32: 26, 64: 27}  # table 3: in one reading, for the gain of the next one
GAINS = (128, 64, 32)  # 128 and 64 are channel A, 32 is channel B
RESET_US = 80  # page 5: PD_SCK high for 60 us switches the chip off, low again resets it
SETTLING = 4  # conversions after a reset or another gain until they are right: page 3, 400 ms
TARE_SHIFT = 3  # tare() takes the mean of eight
PATIENCE = 5  # periods without a conversion after which one counts as failed
_EIO, _ETIMEDOUT = 5, 110

OPTIONS = POWER_OPTIONS + (
    ("sck", (int, str), None, (0, 255), "pin of PD_SCK"),
    ("dout", (int, str), None, (0, 255), "pin of DOUT"),
    ("rate_mhz", int, 10000, (10000, 80000), "what the chip's RATE pin says: 10000 or 80000"),
    ("gain", int, 128, (32, 128), "128 or 64: channel A; 32: channel B"),
    ("shift", int, 8, (0, 8), "lowest bits of 24 that are cut off; what is left saturates"),
    ("offset", int, 0, (-8388608, 8388607), "reading without load, of 24 bits; tare() finds it"),
    ("counts_per_unit", int, 0, (0, 8388607), "how much one unit adds to a reading of 24 bits; "
     "0: not known, frames have no units"),
    ("units", str, "kg", ("kg", "N"), "of counts_per_unit"),
)


def build(options: dict, sensor: "Sensor | None" = None) -> "HX711":
    """The driver on two pins of this board."""
    import machine

    power = power_on(options["power_pin"], "hx711")
    # Pulled down: without a chip DOUT reads low at once, where a chip holds it high.
    pull = getattr(machine.Pin, "PULL_DOWN", None)
    try:
        sck = machine.Pin(options["sck"], machine.Pin.OUT)
        dout = machine.Pin(options["dout"], machine.Pin.IN, pull)
    except (TypeError, ValueError) as e:
        raise DriverError(22, "hx711: expected pins for sck and dout, got %r, %r: %s"
                          % (options["sck"], options["dout"], e))
    driver = HX711(sck, dout, options["rate_mhz"], options["gain"], options["shift"],
                   options["offset"], options["counts_per_unit"], options["units"])
    driver.power = power
    return driver


class HX711(Fifo):
    """``HX711(Pin(2, Pin.OUT), Pin(3, Pin.IN))``: frames of force.

    ``counts_per_unit``: 24-bit counts of one kg or N (``units``), which weighing
    something known tells. ``tare()`` makes what is on the scale now zero.
    Lost conversions are told once the chip's own rate is known, after 256.
    """

    power = None

    def __init__(self, sck: "Pin", dout: "Pin", rate_mhz: int = 10000, gain: int = 128,
                 shift: int = 8, offset: int = 0, counts_per_unit: int = 0, units: str = "kg",
                 now: "Callable[[], int] | None" = None):
        if gain not in GAINS or rate_mhz not in (10000, 80000):
            raise DriverError(22, "HX711: expected a gain of 128, 64 or 32 and a rate of 10000 or "
                              "80000 mHz, got %r, %r" % (gain, rate_mhz))
        if not 0 <= shift <= 8 or counts_per_unit < 0:
            raise DriverError(22, "HX711: expected a shift of 0 to 8 and counts_per_unit of 0 or "
                              "more, got %r, %r" % (shift, counts_per_unit))
        self._sck, self._dout = sck, dout
        self._pulses, self._shift, self.offset = PULSES[gain], shift, offset
        self._describe(rate_mhz, ("force",), units if counts_per_unit else "none",
                       (32768 << shift) / (counts_per_unit or 1))
        self._taring = self._sum = 0
        self._mask_irq, self._unmask_irq = _masking()
        self._patience_us = PATIENCE * 1000000000 // rate_mhz
        # A conversion that waits is no sign that one before it is lost: two have room.
        self._start_fifo(3, 2, 1, None, now)
        self._batch_us = 0  # DOUT tells when to look: see _due()
        self._seen = self._now()
        self._restart()
        if dout.value() == 0:
            raise DriverError(19, "no HX711: expected DOUT high after a reset, got low: check "
                              "wires, power and the pins sck, dout")

    def tare(self) -> None:
        """The mean of the next eight readings becomes zero; ``offset`` has it then."""
        self._sum = 0
        self._taring = 1 << TARE_SHIFT

    def read_into(self, buf: bytearray) -> int:
        """A frame where a conversion waits; 0 else."""
        if self._pending == 0 and not self._due():
            return 0
        return Fifo.read_into(self, buf)

    def _due(self):
        return self._dout.value() == 0 \
            or ticks_diff(self._now(), self._looked) >= self._patience_us

    def _look(self):
        if self._settling == 0:
            return Fifo._look(self)
        self._looked = self._now()
        if self._level():  # not a frame, nor is its time one's
            self._settling -= 1
            self._clocked_out()
        return 0

    def _level(self):
        if self._dout.value() == 0:
            self._seen = self._now()
            return 1
        if ticks_diff(self._now(), self._seen) >= self._patience_us:
            self._restart()
            raise OSError(_ETIMEDOUT, "no conversion")
        return 0

    def _fetch(self, n, buf):
        raw = self._clocked_out()
        if self._taring:
            self._sum += raw
            self._taring -= 1
            if self._taring == 0:
                self.offset = self._sum >> TARE_SHIFT
        store(buf, 0, raw - self.offset >> self._shift)

    def _clocked_out(self):
        """The conversion that waits; the pulses after it choose the gain of the next one."""
        value = 0
        for i in range(self._pulses):
            state = self._mask_irq()  # a pulse that an interrupt stretches resets the chip
            self._sck.value(1)
            self._sck.value(0)
            self._unmask_irq(state)
            if i < BITS:
                value = value << 1 | self._dout.value()
        if self._dout.value() == 0:  # page 4: high until the next conversion
            raise OSError(_EIO, "DOUT stays low")
        return value - 0x1000000 if value & 0x800000 else value

    def _restart(self):
        from .. import ticks

        self._sck.value(1)
        ticks.sleep_us(RESET_US)
        self._sck.value(0)
        self._settling = SETTLING

    def _sleep(self):
        self._sck.value(1)
        if self.power is not None:
            self.power.value(0)


def _masking():
    """The board's functions that hold interrupts off and let them in again."""
    try:
        from machine import disable_irq, enable_irq

        return disable_irq, enable_irq
    except ImportError:  # a computer
        return int, int
