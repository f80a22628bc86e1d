"""A tone or a WAV clip by label, over I2S (MAX98357A, PCM5102 and the like).

Nothing waits: the I2S plays ``buffer`` bytes by itself while poll() hands it the
next. So poll() must come round in less time than a buffer lasts, 128 ms with
4096 bytes of 16 kHz mono, else there is a gap, which is counted.
"""

# Written by device/files.py.
from ..decision import Event
from ..types import I2S
from collections.abc import Callable
from typing import Any, BinaryIO

PCM: int
SAMPLE_BYTES: int
SILENCE_BYTES: int
OPTIONS: tuple[Any, ...]

def build(options: dict[str, Any]) -> Sound: ...

class Sound:
    """``Sound(i2s, {"ring": 880, "wing": "/wing.wav"}, rate=16000)``; the I2S is TX, 16 bits.

    A new event's sound takes the place of one that still plays. ``gaps``: times
    that poll() came too late. ``errors``: clips that ended because a read failed.
    """
    gaps: int
    errors: int
    def __init__(self, i2s: I2S, sounds: dict[str, Any], rate: int = 16000, channels: int = 1, on_ms: int = 300, volume: int = 50, buffer: int = 4096, now: Callable[[], int] = ...) -> None: ...
    def emit(self, event: Event) -> None: ...
    def poll(self) -> None: ...
    def close(self) -> None: ...

class Tone:
    """A piece of a tone that is repeated until ``length`` bytes have been played."""
    buf: bytearray
    def __init__(self, piece: bytearray, length: int) -> None: ...
    def begin(self) -> None: ...
    def fill(self) -> int:
        """Bytes of ``buf`` to play next, 0 at the end."""
    def close(self) -> None: ...

class Clip:
    """The samples of a WAV file, read into ``buf`` piece by piece."""
    buf: bytearray
    def __init__(self, path: str, buf: bytearray, rate: int, channels: int) -> None: ...
    def begin(self) -> None: ...
    def fill(self) -> int:
        """Bytes of ``buf`` to play next, 0 at the end."""
    def close(self) -> None: ...

def tone(hertz: int, rate: int, channels: int, volume: int, size: int) -> bytearray:
    """Whole periods of a sine, so that the piece follows on itself; at most ``size`` bytes."""

def samples_of(f: BinaryIO, path: str, rate: int, channels: int) -> tuple[Any, ...]:
    """(place, bytes) of a WAV file's samples; ConfigError unless the I2S can play them as they are.

    The layout is that of the RIFF specification: chunks of tag, length, body,
    at even places.
    """
