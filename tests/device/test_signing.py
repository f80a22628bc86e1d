"""Signed models: what a board with a key takes."""

from binascii import hexlify, unhexlify
from hashlib import sha256

import tiny
from expect import exists, path, raises, read, write
from tinysense import ed25519, signing
from tinysense.errors import ModelError
from tinysense.model import Model

# RFC 4231, cases 1 to 3 and 6: key, data, HMAC-SHA-256.
RFC4231 = (
    (b"\x0b" * 20, b"Hi There",
     "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"),
    (b"Jefe", b"what do ya want for nothing?",
     "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"),
    (b"\xaa" * 20, b"\xdd" * 50,
     "773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe"),
    (b"\xaa" * 131, b"Test Using Larger Than Block-Size Key - Hash Key First",
     "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54"),
)
# Made with the secret key of RFC 8032's first vector, for model "ring" of DIGEST.
PUBLIC = "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a"
DIGEST = sha256(b"a model").digest()
SIGNED = ("4b6ee7f570f0bdd7c54aee7fd2b30c431c0ad09d336dfcc0c59064631c44f3cc"
          "9693d94fe0f4c90d81f3ac8b1d1d310765529004485bff226a8d21d733382e0d")
SECRET = bytes(range(32))


class Board:
    """A board whose key and marks are files of the test."""

    def __init__(self, line):
        self._line = line

    def __enter__(self):
        self._kept = signing.KEY, signing.MARKS, ed25519.verify
        signing.KEY, signing.MARKS = path("key"), path("signed")
        if self._line is not None:
            write(signing.KEY, self._line)
        return self

    def __exit__(self, *exc):
        signing.KEY, signing.MARKS, ed25519.verify = self._kept


def by_hmac(name, digest, secret=SECRET):
    return hexlify(signing.hmac_sha256(secret, signing.MESSAGE + name.encode() + digest)).decode()


def hmac_line(secret=SECRET):
    return b"hmac-sha256 " + hexlify(secret) + b"\n"


def test_hmac():
    for key, data, expected in RFC4231:
        assert signing.hmac_sha256(key, data) == unhexlify(expected)


def test_a_board_without_a_key_takes_all():
    with Board(None):
        signing.check("ring", DIGEST, None)
        signing.check("ring", DIGEST, "nonsense")
        assert signing.describe() is None


def test_hmac_signatures():
    with Board(hmac_line()):
        good = by_hmac("ring", DIGEST)
        signing.check("ring", DIGEST, good)
        signing.check("ring", hexlify(DIGEST).decode(), unhexlify(good))
        for name, digest, signature in (
                ("wing", DIGEST, good), ("ring", sha256(b"another").digest(), good),
                ("ring", DIGEST, by_hmac("ring", DIGEST, bytes(32))), ("ring", DIGEST, good[:-2]),
                ("ring", DIGEST, good + "00"), ("ring", DIGEST, "zz" * 32),
                ("ring", DIGEST[:31], good), ("rin", b"g" + DIGEST[:31], good)):
            raises(ModelError, "wrong signature", signing.check, name, digest, signature)
        for nothing in (None, "", b""):
            raises(ModelError, ("not signed", "signed by key"), signing.check, "ring", DIGEST,
                   nothing)


def test_ed25519_signatures():
    with Board(b"ed25519 " + PUBLIC.encode() + b"\n"):
        signing.check("ring", DIGEST, SIGNED)
        raises(ModelError, "wrong signature", signing.check, "wing", DIGEST, SIGNED)
        raises(ModelError, "wrong signature", signing.check, "ring", DIGEST, SIGNED[:64] * 2)
        raises(ModelError, "not signed", signing.check, "ring", DIGEST, "")


def test_a_good_signature_is_verified_once():
    with Board(b"ed25519 " + PUBLIC.encode() + b"\n"):
        calls = []
        verify = ed25519.verify
        ed25519.verify = lambda *args: calls.append(1) or verify(*args)
        for _ in range(3):
            signing.check("ring", DIGEST, SIGNED)
        assert len(calls) == 1
        # The mark is of this key, name, file and signature only.
        raises(ModelError, "wrong signature", signing.check, "wing", DIGEST, SIGNED)
        write(signing.KEY, b"ed25519 " + PUBLIC.encode().replace(b"d7", b"d6") + b"\n")
        raises(ModelError, "wrong signature", signing.check, "ring", DIGEST, SIGNED)
        assert len(calls) == 3


def test_marks_are_few():
    with Board(b"ed25519 " + PUBLIC.encode() + b"\n"):
        ed25519.verify = lambda *args: True
        for i in range(20):
            signing.check("model%d" % i, DIGEST, SIGNED)
        assert len(read(signing.MARKS).split()) == 8


def test_a_damaged_key_lets_nothing_in():
    for line in (b"", b"ed25519", b"hmac-sha256 00", b"rsa " + b"00" * 32, b"\xff\xfe" * 40,
                 b"ed25519 " + b"zz" * 32, b"ed25519 " + b"00" * 33):
        with Board(line):
            raises(ModelError, "holds no key", signing.check, "ring", DIGEST, SIGNED)
            raises(ModelError, "holds no key", signing.describe)


def test_plain_files_have_theirs_beside_them():
    data, name = tiny.build(), path("ring.tsm")
    write(name, data)
    path("ring.tsm.sig")
    with Board(hmac_line()):
        raises(ModelError, "not signed", signing.check_file, name, data)
        write(name + ".sig", by_hmac("ring", sha256(data).digest()).encode())
        signing.check_file(name, data)
        raises(ModelError, "wrong signature", signing.check_file, name, data + b"x")
        assert Model(data).name == "tiny"  # what a program made itself needs none
    path("ring.tsm.sig")
    with Board(None):
        signing.check_file(name, data)
    assert exists(name)


def test_fingerprints_tell_keys_apart_and_no_secret():
    one = signing.fingerprint("hmac-sha256", SECRET)
    assert len(one) == 16 and one != signing.fingerprint("ed25519", SECRET)
    assert one not in hexlify(SECRET).decode()
    with Board(hmac_line()):
        assert signing.describe() == {"kind": "hmac-sha256", "fingerprint": one}
