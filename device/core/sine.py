"""Writes sine.h: a quarter of a sine wave in Q15 for the FFT.

Run in this folder: ``python sine.py > sine.h``. tests/core compares the two.
"""

import math

STEPS = 1024    # of a full turn: the largest FFT


def table():
    """sin(2 pi i / STEPS) * 2^15 for i = 0 .. STEPS / 4, rounded."""
    return [round(math.sin(2 * math.pi * i / STEPS) * 32768) for i in range(STEPS // 4 + 1)]


def text():
    values = table()
    rows = [", ".join(str(v) for v in values[i : i + 12]) for i in range(0, len(values), 12)]
    body = ",\n    ".join(rows)
    return (
        f"// Made by sine.py. sin(2 pi i / {STEPS}) * 2^15, i = 0 .. {STEPS // 4}.\n"
        f"static const uint16_t sine_q15[{len(values)}] = {{\n    {body},\n}};\n"
    )


if __name__ == "__main__":
    print(text(), end="")
