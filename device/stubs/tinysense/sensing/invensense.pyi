"""Self-test of InvenSense's chips: responses, and what the factory's codes ask of them."""

# Written by device/files.py.
from ..sensing.bus import I2CRegisters, SPIRegisters
from typing import Any

AXES: tuple[Any, ...]
SAMPLES: int

def mean_counts(bus: I2CRegisters | SPIRegisters, register: int, layout: bytes) -> list[Any]:
    """Means of the samples in the data registers from there on, one a channel."""

def otp_limits(code: int, rotation: bool) -> tuple[Any, ...]:
    """(lowest, highest) response in g or deg/s, by the factory's code of an axis.

    AN-MPU-9250A-03: the factory's response was 2620 x 1.01^(code - 1) counts at 2 g or
    250 deg/s. Ours is more than half of it, the accelerometer's less than one and a
    half. Without a code (0): 60 deg/s at least, 225 to 675 mg.
    """
