"""Ed25519: RFC 8032's vectors, and what must be refused."""

from binascii import unhexlify

from expect import MICROPYTHON
from tinysense import ed25519

# RFC 8032, section 7.1: public key, message, signature.
ABC = ("ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a"
       "2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f")
VECTORS = (
    ("d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a", "",
     "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555"
     "fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b"),
    ("3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c", "72",
     "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da"
     "085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00"),
    ("fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025", "af82",
     "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac"
     "18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a"),
    ("ec172b93ad5e563bf4932c70e1245034c35467ef2efd4d64ebf819683467e2bf", ABC,
     "dc2a4459e7369633a52b1bf277839a00201009a3efbf3ecb69bea2186c26b589"
     "09351fc9ac90b3ecfdfbc7c66431e0303dca179c138ac17ad9bef1177331a704"),
)
# The points whose order divides eight, and encodings that are not the canonical ones.
SMALL = (
    "0000000000000000000000000000000000000000000000000000000000000000",
    "0000000000000000000000000000000000000000000000000000000000000080",
    "0100000000000000000000000000000000000000000000000000000000000000",
    "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
    "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85",
    "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
    "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa",
    "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
)
NO_POINTS = (
    "0100000000000000000000000000000000000000000000000000000000000080",  # x = 0, but its sign is 1
    "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",  # y = p
    "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",  # y = p + 1
    "ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
    "0200000000000000000000000000000000000000000000000000000000000000",  # no x to this y
)
ORDER = (1 << 252) + 27742317777372353535851937790883648493


def bits(data, i):
    """The data with one bit of it turned."""
    out = bytearray(data)
    out[i // 8] ^= 1 << i % 8
    return out


def first():
    return tuple(unhexlify(part) for part in VECTORS[1])


def test_the_rfc_s_vectors():
    for vector in VECTORS:
        key, message, signature = [unhexlify(part) for part in vector]
        assert ed25519.verify(key, message, signature)
        assert not ed25519.verify(key, message + b"x", signature)


def test_no_bit_can_be_turned():
    key, message, signature = first()
    for i in range(0, 512, 173 if MICROPYTHON else 7):
        assert not ed25519.verify(key, message, bits(signature, i)), i
    for i in range(0, 256, 101 if MICROPYTHON else 13):
        assert not ed25519.verify(bits(key, i), message, signature), i


def test_s_must_be_below_the_order():
    key, message, signature = first()
    s = int.from_bytes(signature[32:], "little")
    while s + ORDER < 1 << 256:
        s += ORDER
        assert not ed25519.verify(key, message, signature[:32] + s.to_bytes(32, "little"))


def test_keys_of_small_order_and_no_points_are_refused():
    # With s = 0 and R the neutral point, a key of small order would sign every 8th message.
    neutral = unhexlify(SMALL[2])
    for key in SMALL + NO_POINTS:
        for message in (b"a",) if MICROPYTHON else (b"", b"a", b"b"):
            assert not ed25519.verify(unhexlify(key), message, neutral + bytes(32)), key


def test_a_point_has_one_encoding():
    for key in NO_POINTS:
        assert ed25519._decoded(unhexlify(key)) is None, key
    for y in range(19):  # these fit once more between p and 2**255
        for sign in (0, 1 << 255):
            assert ed25519._decoded(((1 << 255) - 19 + y | sign).to_bytes(32, "little")) is None, y


def test_other_lengths_are_refused():
    key, message, signature = first()
    assert not ed25519.verify(key[:31], message, signature)
    assert not ed25519.verify(key + b"\0", message, signature)
    assert not ed25519.verify(key, message, signature[:63])
    assert not ed25519.verify(key, message, signature + b"\0")


def test_sha512():
    assert ed25519.slow_sha512(b"abc") == unhexlify(ABC) == ed25519.sha512(b"abc")
    if not MICROPYTHON:
        import hashlib

        for n in range(0, 300, 5):
            data = bytes(7 * i & 255 for i in range(n))
            assert ed25519.slow_sha512(data) == hashlib.sha512(data).digest(), n
