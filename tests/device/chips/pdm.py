"""A PDM microphone: a sigma-delta modulator of second order, in integers.

``modulate(signal, n)``: n bytes of its bits, the first one uppermost.
``signal(i)`` is the sound at bit i, full scale +-32768.
"""

FULL = 32768


def modulate(signal, n, lsb_first=False):
    out = bytearray(n)
    first = second = 0
    for at in range(n):
        byte = 0
        for bit in range(8):
            y = FULL if second >= 0 else -FULL
            first += signal(8 * at + bit) - y
            second += first - y
            if y > 0:
                byte |= 1 << bit if lsb_first else 0x80 >> bit
        out[at] = byte
    return out


def sine(amplitude, period):
    """signal(i): a tone of ``period`` bits, by table."""
    import math

    table = [int(amplitude * math.sin(2 * math.pi * i / period)) for i in range(period)]
    return lambda i: table[i % period]


def amplitude_of(frames, period):
    """Of a tone of ``period`` frames in whole periods of them, and the rest's RMS."""
    import math

    n = len(frames) // period * period
    s = c = mean = 0.0
    for i in range(n):
        s += frames[i] * math.sin(2 * math.pi * i / period)
        c += frames[i] * math.cos(2 * math.pi * i / period)
        mean += frames[i]
    s, c, mean = 2 * s / n, 2 * c / n, mean / n
    rest = 0.0
    for i in range(n):
        angle = 2 * math.pi * i / period
        rest += (frames[i] - mean - s * math.sin(angle) - c * math.cos(angle)) ** 2
    return math.sqrt(s * s + c * c), math.sqrt(rest / n)
