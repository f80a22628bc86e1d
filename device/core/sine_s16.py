"""Writes sine_s16.h: a quarter of a sine wave for the 16-bit FFT.

Run in this folder: ``python sine_s16.py > sine_s16.h``. tests/core compares the two.
"""

import math

STEPS = 1024    # of a full turn: the largest FFT
FULL = 32767    # what 1 is: an int16 holds it and its negative


def table():
    """sin(2 pi i / STEPS) * FULL for i = 0 .. STEPS / 4, rounded."""
    sines = [math.sin(2 * math.pi * i / STEPS) for i in range(STEPS // 4 + 1)]
    return [math.floor(0.5 + s * FULL) for s in sines]


def text():
    values = table()
    rows = [", ".join(str(v) for v in values[i : i + 12]) for i in range(0, len(values), 12)]
    body = ",\n    ".join(rows)
    return (
        f"// Made by sine_s16.py. sin(2 pi i / {STEPS}) * {FULL}, i = 0 .. {STEPS // 4}.\n"
        f"static const int16_t sine_s16[{len(values)}] = {{\n    {body},\n}};\n"
    )


if __name__ == "__main__":
    print(text(), end="")
