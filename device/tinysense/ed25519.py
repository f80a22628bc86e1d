"""Ed25519 signatures (RFC 8032, section 5.1): verification only, on whole numbers of any size.

Stricter than the RFC where it leaves a choice: the equation is checked without the
factor 8, encodings must be the canonical ones, and a key of small order, under which
one signature would fit many messages, is refused. Nothing here is secret, so nothing
needs to take the same time for all numbers.
"""

import hashlib

_P = (1 << 255) - 19
_ORDER = (1 << 252) + 27742317777372353535851937790883648493
_D = 0x52036cee2b6ffe738cc740797779e89800700a4d4141d8ab75eb4dca135978a3  # -121665/121666
_ROOT = 0x2b8324804fc1df0b2b4d00993dfbd7a72f431806ad2fe478c4ee1b274a0ea0b0  # of -1
_BASE_X = 0x216936d3cd6e53fec0a4e231fdd6dc5c692cc7609525a7b2c9562d608f25d51a
_BASE_Y = 0x6666666666666666666666666666666666666666666666666666666666666658
_WORD = (1 << 64) - 1


def verify(key: "Buffer", message: "Buffer", signature: "Buffer") -> bool:
    """Whether a signature (64 bytes) of the message was made for the public key (32 bytes)."""
    if len(key) != 32 or len(signature) != 64:
        return False
    s = int.from_bytes(signature[32:], "little")
    public = _decoded(key)
    if s >= _ORDER or public is None or _small(public):
        return False
    k = sha512(bytes(signature[:32]) + bytes(key) + bytes(message))
    x, y, z, t = public
    found = _sum_of(int.from_bytes(k, "little") % _ORDER, (_P - x, y, z, _P - t), s)
    return _encoded(found) == bytes(signature[:32])


# ---- Points: (X, Y, Z, T) with x = X/Z, y = Y/Z, xy = T/Z ----


def _decoded(data):
    """The point of 32 bytes, None if they are no point's."""
    y = int.from_bytes(data, "little")
    sign = y >> 255
    y &= (1 << 255) - 1
    if y >= _P:
        return None
    u = (y * y - 1) % _P
    v = (_D * y * y + 1) % _P
    v3 = v * v * v % _P
    x = u * v3 * pow(u * v3 * v3 * v % _P, (_P - 5) // 8, _P) % _P
    if (v * x * x - u) % _P:
        x = x * _ROOT % _P
        if (v * x * x - u) % _P:
            return None
    if x == 0 and sign:
        return None
    if x & 1 != sign:
        x = _P - x
    return x, y, 1, x * y % _P


def _encoded(point):
    x, y, z, _ = point
    inverse = pow(z, _P - 2, _P)
    return ((x * inverse % _P & 1) << 255 | y * inverse % _P).to_bytes(32, "little")


def _small(point):
    """Whether eight times the point is the neutral one."""
    for _ in range(3):
        point = _doubled(point)
    return point[0] == 0 and (point[1] - point[2]) % _P == 0


def _added(one, two):
    x1, y1, z1, t1 = one
    x2, y2, z2, t2 = two
    a = (y1 - x1) * (y2 - x2) % _P
    b = (y1 + x1) * (y2 + x2) % _P
    c = 2 * _D * t1 * t2 % _P
    d = 2 * z1 * z2 % _P
    e, f, g, h = b - a, d - c, d + c, b + a
    return e * f % _P, g * h % _P, f * g % _P, e * h % _P


def _doubled(point):
    x, y, z, _ = point
    a = x * x % _P
    b = y * y % _P
    h = a + b
    e = h - (x + y) * (x + y) % _P
    g = a - b
    f = 2 * z * z % _P + g
    return e * f % _P, g * h % _P, f * g % _P, e * h % _P


def _sum_of(k, point, s):
    """k times the point and s times the base: two bits of both at a time."""
    table = [(0, 1, 1, 0)]
    for _ in range(3):
        table.append(_added(table[-1], point))
    base = _BASE_X, _BASE_Y, 1, _BASE_X * _BASE_Y % _P
    for i in range(12):
        table.append(_added(table[i], base))
    total = table[0]
    for shift in range(252, -1, -2):
        total = _doubled(_doubled(total))
        digit = (k >> shift & 3) + 4 * (s >> shift & 3)
        if digit:
            total = _added(total, table[digit])
    return total


# ---- SHA-512 (FIPS 180-4), where hashlib has none ----


def sha512(data: bytes) -> bytes:
    """The digest, 64 bytes."""
    if hasattr(hashlib, "sha512"):
        return hashlib.sha512(data).digest()
    return slow_sha512(data)


def slow_sha512(data: bytes) -> bytes:
    """The same without hashlib: for texts of some hundred bytes."""
    primes = _primes(80)
    keys = [_root(p << 192, 3) & _WORD for p in primes]
    state = [_root(p << 128, 2) & _WORD for p in primes[:8]]
    padded = data + b"\x80" + bytes(-(len(data) + 17) % 128)
    padded += (8 * len(data)).to_bytes(16, "big")
    for at in range(0, len(padded), 128):
        block = [int.from_bytes(padded[i : i + 8], "big") for i in range(at, at + 128, 8)]
        state = [(x + y) & _WORD for x, y in zip(state, _mixed(state, block, keys))]
    return b"".join([x.to_bytes(8, "big") for x in state])


def _mixed(state, w, keys):
    a, b, c, d, e, f, g, h = state
    for i in range(80):
        if i >= 16:
            x, y = w[i - 15], w[i - 2]
            w.append((w[i - 16] + (_turned(x, 1) ^ _turned(x, 8) ^ x >> 7) + w[i - 7]
                      + (_turned(y, 19) ^ _turned(y, 61) ^ y >> 6)) & _WORD)
        one = h + (_turned(e, 14) ^ _turned(e, 18) ^ _turned(e, 41)) + (g ^ e & (f ^ g))
        one += keys[i] + w[i]
        two = (_turned(a, 28) ^ _turned(a, 34) ^ _turned(a, 39)) + (a & b | c & (a | b))
        a, b, c, d, e, f, g, h = (one + two) & _WORD, a, b, c, (d + one) & _WORD, e, f, g
    return a, b, c, d, e, f, g, h


def _turned(x, n):
    return (x >> n | x << 64 - n) & _WORD


def _primes(n):
    found = []
    x = 2
    while len(found) < n:
        if all(x % p for p in found):
            found.append(x)
        x += 1
    return found


def _root(x, power):
    """The largest whole number whose power is at most x, which is below 2**(68 * power)."""
    root = 1 << 68
    while True:
        nearer = ((power - 1) * root + x // root ** (power - 1)) // power
        if nearer >= root:
            return root
        root = nearer
