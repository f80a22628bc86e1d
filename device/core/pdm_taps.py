"""Writes pdm_taps.h: the filters of pdm.c, and what four bits add to its integrators.

Run in this folder: ``python pdm_taps.py > pdm_taps.h``. tests/core compares the two.
"""

import math

ORDERS = (3, 4, 5)      # of the CIC
FACTORS = (2, 4)        # decimation behind it
TAPS = 64               # of the last filter, which runs at twice the output's rate
PASS, STOP = 0.4375, 0.5625  # of the output's rate: 7 and 9 kHz of 16
STOP_WEIGHT = 20.0
HALF_TAPS, HALF_PASS = 4, 0.11  # of the half-band: taps on one side, of its input's rate
ONE = 1 << 14
CIC = 16                # the droop is that of decimation by 16; of 8 and 64 it differs by 0.02 dB


def droop(f, order):
    """Gain of the CIC at f of its output's rate."""
    x = math.pi * f
    return 1.0 if f == 0 else (math.sin(x) / (CIC * math.sin(x / CIC))) ** order


def least_squares(rows, wanted):
    """The h that brings the sum of rows * h nearest to wanted: normal equations, Cholesky."""
    n = len(rows[0])
    a = [[sum(r[i] * r[j] for r in rows) for j in range(i + 1)] for i in range(n)]
    b = [sum(r[i] * w for r, w in zip(rows, wanted)) for i in range(n)]
    for i in range(n):
        for j in range(i + 1):
            rest = a[i][j] - sum(a[i][k] * a[j][k] for k in range(j))
            a[i][j] = math.sqrt(rest) if i == j else rest / a[j][j]
        b[i] = (b[i] - sum(a[i][k] * b[k] for k in range(i))) / a[i][i]
    for i in range(n - 1, -1, -1):
        b[i] = (b[i] - sum(a[k][i] * b[k] for k in range(i + 1, n))) / a[i][i]
    return b


def grid(low, high, n):
    return [low + (high - low) * i / (n - 1) for i in range(n)]


def last_taps(factor, order):
    """Half of the symmetric filter that undoes the droop, cuts at half the output's rate and
    halves the rate; from its end to its middle, Q14."""
    rows, wanted = [], []
    for f in grid(0.0, PASS / 2, 80):
        rows.append([2 * math.cos(2 * math.pi * f * (k + 0.5)) for k in range(TAPS // 2)])
        wanted.append(1 / droop(f * 2 / factor, order))
    for f in grid(STOP / 2, 0.5, 240):
        rows.append([2 * STOP_WEIGHT * math.cos(2 * math.pi * f * (k + 0.5))
                     for k in range(TAPS // 2)])
        wanted.append(0.0)
    return [round(h * ONE) for h in reversed(least_squares(rows, wanted))]


def half_taps():
    """The half-band's taps at odd distances from its middle, which is one half; Q14."""
    rows = [[2 * math.cos(2 * math.pi * f * (2 * k + 1)) for k in range(HALF_TAPS)]
            for f in grid(0.0, HALF_PASS, 120)]
    return [round(h * ONE) for h in least_squares(rows, [0.5] * len(rows))]


# ---- What bits add to chained integrators ----


def added(bits):
    """To each of five integrators in a row, by bits that come one after another."""
    sums = [0] * 5
    for bit in bits:
        sums[0] += bit
        for i in range(1, 5):
            sums[i] += sums[i - 1]
    return sums


FIELDS = (22, 16, 9, 0)  # where the first four lie in a word: their sums over a byte stay apart


def nibbles(lsb_first, high):
    """For each value of the low or high four bits of a byte: (word, fifth sum)."""
    out = []
    for value in range(16):
        bits = [value >> (i if lsb_first else 3 - i) & 1 for i in range(4)]
        sums = added([0] * 4 + bits if high == lsb_first else bits + [0] * 4)
        out.append((sum(s << at for s, at in zip(sums, FIELDS)), sums[4]))
    return out


def table(kind, name, dims, values):
    rows = [", ".join(str(v) for v in values[i : i + 12]) for i in range(0, len(values), 12)]
    body = ",\n    ".join(rows)
    return f"static const {kind} {name}{dims} = {{\n    {body},\n}};\n"


def text():
    halves = [nibbles(lsb, high) for lsb in (False, True) for high in (False, True)]
    taps = [last_taps(factor, order) for factor in FACTORS for order in ORDERS]
    assert all(2 * sum(abs(h) for h in row) < 3 * ONE for row in taps)  # so that sums fit 32 bits
    return "".join([
        "// Made by pdm_taps.py, which says what the numbers are.\n",
        f"enum {{ LAST_TAPS = {TAPS}, HALF_TAPS = {HALF_TAPS} }};\n",
        f"// Decimation by {FACTORS[0]} and {FACTORS[1]} behind CICs of order "
        f"{ORDERS[0]} to {ORDERS[-1]}; from an end to the middle, Q14.\n",
        f"static const int16_t last_taps[{len(taps)}][LAST_TAPS / 2] = {{\n",
        "".join("    {" + ", ".join(str(h) for h in row) + "},\n" for row in taps), "};\n",
        "// At distances 1, 3, 5, 7 from the middle, Q14.\n",
        table("int16_t", "half_taps", "[HALF_TAPS]", half_taps()),
        "// At 32 * (least significant bit first) + 16 * (upper half of a byte) + four bits.\n",
        table("uint32_t", "nibble_sums", "[64]", [w for half in halves for w, _ in half]),
        table("uint16_t", "nibble_fifth", "[64]", [s for half in halves for _, s in half]),
    ])


if __name__ == "__main__":
    print(text(), end="")
