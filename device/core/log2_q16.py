"""Writes log2_q16.h: how far log2 lies above the chord of an octave, for the micro front end.

Run in this folder: ``python log2_q16.py > log2_q16.h``. tests/core compares the two.
"""

import math

SEGMENTS = 128


def table():
    """(log2(1 + i / SEGMENTS) - i / SEGMENTS) * 2^16 for i = 0 .. SEGMENTS, rounded."""
    return [
        round((math.log2(1 + i / SEGMENTS) - i / SEGMENTS) * 65536) for i in range(SEGMENTS + 1)
    ]


def text():
    values = table()
    rows = [", ".join(str(v) for v in values[i : i + 12]) for i in range(0, len(values), 12)]
    body = ",\n    ".join(rows)
    return (
        f"// Made by log2_q16.py. (log2(1 + i / {SEGMENTS}) - i / {SEGMENTS}) * 2^16, "
        f"i = 0 .. {SEGMENTS}.\n"
        f"static const uint16_t log2_q16[{len(values)}] = {{\n    {body},\n}};\n"
    )


if __name__ == "__main__":
    print(text(), end="")
