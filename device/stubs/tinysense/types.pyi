"""Types that have no class on the board."""

# Written by device/files.py.
from array import array as array
from collections.abc import Callable, Sequence
from types import ModuleType
from typing import Any, Protocol

Buffer = bytes | bytearray | memoryview | array[int]
Thresholds = int | Sequence[int] | dict[str, int]
Read = Callable[[memoryview], int]
Write = Callable[[Buffer], Any]
Module = ModuleType
BLE = Any
CAN = Any
I2C = Any
I2S = Any
MQTTClient = Any
NeoPixel = Any
PWM = Any
Pin = Any
SPI = Any
UART = Any

class Driver(Protocol):
    """See tinysense.drivers."""

    rate_mhz: int
    channels: int
    units: str | tuple[str, ...]
    full_scale: float | tuple[float, ...]
    scale: float | tuple[float, ...]
    dropped: int
    errors: int
    @property
    def done(self) -> bool: ...
    def read_into(self, buf: bytearray) -> int: ...
    def close(self) -> None: ...

class Output(Protocol):
    """See tinysense.outputs. A pipeline takes a plain function of an event, too."""

    def emit(self, event: Any) -> None: ...
