"""Self-test of InvenSense's chips: responses, and what the factory's codes ask of them."""

from .fifo import unpacked

AXES = ("x", "y", "z", "gx", "gy", "gz")
SAMPLES = 200  # AN-MPU-9250A-03 takes as many
_STEP_MS = 1


def mean_counts(bus: "I2CRegisters | SPIRegisters", register: int, layout: bytes) -> list:
    """Means of the samples in the data registers from there on, one a channel."""
    import struct

    from ..ticks import sleep_ms

    channels = layout[1]
    raw, frame = bytearray(layout[0]), bytearray(2 * channels)
    sums = [0] * channels
    for _ in range(SAMPLES):
        bus.read_into(register, raw)
        unpacked(raw, 1, layout, frame)
        values = struct.unpack("%dh" % channels, frame)
        for i in range(channels):
            sums[i] += values[i]
        sleep_ms(_STEP_MS)
    return [total / SAMPLES for total in sums]


def otp_limits(code: int, rotation: bool) -> tuple:
    """(lowest, highest) response in g or deg/s, by the factory's code of an axis.

    AN-MPU-9250A-03: the factory's response was 2620 x 1.01^(code - 1) counts at 2 g or
    250 deg/s. Ours is more than half of it, the accelerometer's less than one and a
    half. Without a code (0): 60 deg/s at least, 225 to 675 mg.
    """
    if code == 0:
        return (60, 500) if rotation else (0.225, 0.675)
    factory = 2620 * 1.01 ** (code - 1) * (250 if rotation else 2) / 32768
    return factory / 2, 500 if rotation else factory * 1.5
