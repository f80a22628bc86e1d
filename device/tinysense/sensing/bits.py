"""Sources of a PDM microphone's bits: the PIO of an RP2040 or RP2350, I2S, SPI."""

import sys

from ..errors import DriverError
from ..ticks import ticks_diff, ticks_us
from .i2s import FRAME_BYTES, I2SStream
from .microphone import ratio_of
from .rp2_dma import DmaRing

PIO_RX_DREQ = 4  # of PIO 0's first state machine; 8 more for each PIO (RP2040 data sheet, 2.5.3.1)
_CHUNK = 128  # frames of one SPI read: it takes as long as the sound


def pio_bits(options: dict, rate_hz: int, decimation: int,
             now: "Callable[[], int] | None" = None) -> DmaRing:
    """Bits clocked by a state machine, the first one lowest in each word."""
    import machine
    import rp2

    number = options["state_machine"]
    program = _program(rp2, options["channel"] == "right")
    try:
        state = rp2.StateMachine(
            number, program, freq=2 * rate_hz * decimation,
            sideset_base=machine.Pin(options["clk"]), in_base=machine.Pin(options["data"]))
    except (TypeError, ValueError, OSError) as e:
        raise DriverError(22, "pdm_microphone: expected a free state machine and two pins, got "
                          "state_machine %d, clk %s, data %s: %s"
                          % (number, options["clk"], options["data"], e))
    dreq = PIO_RX_DREQ + (number >> 2) * 8 + (number & 3)
    ring = DmaRing(state, dreq, 4, decimation // 32, rate_hz, options["buffer_ms"], now)
    state.active(1)

    def stop():
        state.active(0)
        rp2.PIO(number >> 2).remove_program(program)

    ring.stop = stop
    return ring


def _program(rp2, right):
    """Two steps a bit. What the pin shows at an edge of the clock was put there before it."""
    first, second = (1, 0) if right else (0, 1)

    @rp2.asm_pio(sideset_init=rp2.PIO.OUT_LOW, in_shiftdir=rp2.PIO.SHIFT_RIGHT, autopush=True,
                 push_thresh=32, fifo_join=rp2.PIO.JOIN_RX)
    def pdm():
        nop().side(first)  # noqa: F821
        in_(pins, 1).side(second)  # noqa: F821

    return pdm


def i2s_bits(options: dict, rate_hz: int, decimation: int, clock: "DeviceClock",
             now: "Callable[[], int] | None" = None, platform: str = sys.platform) -> I2SStream:
    """Bits at the clock of an I2S bus: both slots together are 64 of them, without a gap."""
    ratio = decimation // (8 * FRAME_BYTES)
    pins = {"bus": options["bus"], "sck": options["clk"], "ws": options["ws"],
            "sd": options["data"]}
    return I2SStream(pins, rate_hz * ratio, True, ratio, options["buffer_ms"], clock,
                     "pdm_microphone", now, platform)


class SpiBits:
    """Bits that an SPI bus clocks in while it reads. That takes as long as the sound lasts.

    So this source waits in read(), as no other does, and what sounds between two reads
    is lost, and counted. For recordings of a known length.
    """

    def __init__(self, options: dict, rate_hz: int, decimation: int,
                 now: "Callable[[], int] | None" = None):
        self._now = now or ticks_us
        self.frame_bytes: int = decimation // 8
        self.most = _CHUNK
        self._us, self._per = ratio_of(rate_hz)  # microseconds, frames in them
        self._spi = _open_spi(options, rate_hz * decimation)
        self.raw = bytearray(_CHUNK * self.frame_bytes)
        whole = memoryview(self.raw)
        self._parts = [whole[: n * self.frame_bytes] for n in range(_CHUNK + 1)]
        self.at = self.lost = self.back_us = 0
        self._ended = -1  # ticks
        self._rest = 0

    def read(self, want: int) -> int:
        """Clocks in ``want`` frames."""
        now = self._now()
        if self._ended >= 0:
            left_us = max(0, ticks_diff(now, self._ended))
            self._rest += left_us % self._us * self._per
            self.lost += left_us // self._us * self._per + self._rest // self._us
            self._rest %= self._us
        self._spi.readinto(self._parts[want])
        self._ended = self._now()
        return want

    def close(self) -> None:
        if hasattr(self._spi, "deinit"):
            self._spi.deinit()


def _open_spi(options, baudrate):
    import machine

    try:
        pins = {"sck": machine.Pin(options["clk"]), "miso": machine.Pin(options["data"])}
        # Bits are read at the rising edge: what was put there while the clock was low.
        return machine.SPI(options["bus"], baudrate=baudrate, polarity=0, phase=0, **pins)
    except (AttributeError, TypeError, ValueError, OSError) as e:
        raise DriverError(22, "pdm_microphone: expected an SPI bus of %d Hz, got bus %d, clk %s, "
                          "data %s: %s" % (baudrate, options["bus"], options["clk"],
                                           options["data"], e))
