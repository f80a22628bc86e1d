"""Writes root.h: square roots in Q15, between which magnitudes are interpolated.

Run in this folder: ``python root.py > root.h``. tests/core compares the two.
"""

import math

FIRST, LAST = 32, 128


def table():
    """sqrt(i / LAST) * 2^15 for i = FIRST .. LAST, rounded."""
    return [round(math.sqrt(i / LAST) * 32768) for i in range(FIRST, LAST + 1)]


def text():
    values = table()
    rows = [", ".join(str(v) for v in values[i : i + 12]) for i in range(0, len(values), 12)]
    body = ",\n    ".join(rows)
    return (
        f"// Made by root.py. sqrt(i / {LAST}) * 2^15, i = {FIRST} .. {LAST}.\n"
        f"static const uint16_t root_q15[{len(values)}] = {{\n    {body},\n}};\n"
    )


if __name__ == "__main__":
    print(text(), end="")
