"""What all microphones share: mono int16 out of a source's words or bits, losses counted.

A source takes what an interrupt or a DMA has put into memory. It has

    most           frames that one read() gives at most
    raw, at        after read(): the buffer, and the byte where the frames begin
    frame_bytes    bytes there of one frame
    lost           frames lost before those, since the start
    back_us        how long ago the last of them was sampled
    read(want) -> frames, 0 where none wait
    close()
"""

# Written by device/files.py.
from ..features import Sensor
from .driver import Driver
from .timebase import Timebase
from typing import Any

RATES_MHZ: tuple[Any, ...]
HIGH_PASS_HZ: int
UNITY: int
MOST_GAIN_DB: int
LEAST_GAIN_DB: int
MSB_FIRST: int
LSB_FIRST: int
WORDS: int
MICROPHONE_OPTIONS: tuple[Any, ...]

def need_core() -> None:
    """NativeError where the core on this board has no microphones."""

def wanted_rate(options: dict[str, Any], sensor: Sensor | None, name: str) -> int:
    """The rate in mHz that options or model ask for; DriverError if no microphone has it."""

def ratio_of(rate_hz: int) -> tuple[Any, ...]:
    """(microseconds, frames in them), whole and small: their products stay small integers."""

def high_pass(rate_mhz: int) -> int:
    """The dc_shift of the core's high pass: the narrowest that is not above 20 Hz."""

def fixed_gain(gain_db: float) -> int:
    """Decibels as the core's gain, in 256ths."""

class Words:
    """Decoder of words: ``channel`` of ``channels``, ``shift`` bits to the left (right if < 0)."""
    def __init__(self, rate_mhz: int, word_bytes: int, channels: int = 1, channel: int = 0, shift: int = 0, offset_binary: bool = False, dc: bool = True, gain_db: float = 0) -> None: ...
    def decode(self, source: object, n: int, buf: bytearray) -> None:
        """n frames of a source to int16 in buf."""
    def restart(self) -> None:
        """The next sample is taken for the offset."""
    @property
    def clipped(self) -> int:
        """Samples beyond int16."""

class Bits:
    """Decoder of a PDM microphone's bits, ``decimation`` (64, 128 or 256) a frame."""
    def __init__(self, rate_mhz: int, decimation: int, bit_order: int, order: int = 4, dc: bool = True, gain_db: float = 0) -> None: ...
    def decode(self, source: object, n: int, buf: bytearray) -> None:
        """n frames of a source to int16 in buf."""
    def restart(self) -> None:
        """The next sample is taken for the offset."""
    @property
    def clipped(self) -> int:
        """Samples beyond int16."""

class Microphone(Driver):
    """``Microphone(source, decoder, rate_mhz)``: frames of one channel, units "pcm".

    ``clipped`` counts samples that gain took beyond int16. Losses are
    counted from the first frame on that read_into() gave.
    """
    most: int
    pause_ms: int
    timebase: Any
    done: bool
    def __init__(self, source: object, decoder: Words | Bits, rate_mhz: int, settle_ms: int = 0, timebase: Timebase | None = None, buffer_ms: int = 100) -> None: ...
    @property
    def measured_mhz(self) -> int:
        """The true rate by the board's clock, 0 while unknown."""
    @property
    def clipped(self) -> int:
        """Samples that gain took beyond int16."""
    def read_into(self, buf: bytearray) -> int:
        """Frames that wait, at most what one look gives; 0 where there are none.

        A failed read is counted in ``errors``; 50 in a row raise DriverError.
        """
    def stamp(self, n: int, out: bytearray, at: int = 0) -> None:
        """Device time of the first of the ``n`` frames just read: 8 bytes, little-endian us."""
    def close(self) -> None:
        """Stops the clock of the microphone, which puts it to sleep."""
