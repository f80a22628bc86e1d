"""Signed models: a board that holds a key takes only models that were signed for it.

The key is /ts/key: one line, "ed25519" and the public key, or "hmac-sha256" and the
secret, in hex. A signature is made over MESSAGE, the model's name and the SHA-256 of
its file. No key, no check. A key that cannot be read refuses every model.

Verifying Ed25519 takes a small board seconds, so a signature that was found good
leaves a mark in /ts/signed, bound to key, name, file and signature; later loads
hash the file again and look for the mark. Who could forge a mark can write the
board's flash outside the model folders, and so could remove the key as well.
"""

import hashlib
from binascii import hexlify, unhexlify

from .errors import ModelError

KEY = "/ts/key"
MARKS = "/ts/signed"
SIDE = ".sig"  # beside a plain model file
MESSAGE = b"tinysense model 1"
_MARKS_KEPT = 8
_KEY_BYTES = 160  # longest line
_ABSENT = (2, 19, 20)  # no such file, no file system, no folder on the way


def check(name: str, sha256: "bytes | str", signature: "bytes | str | None") -> None:
    """ModelError unless this board has no key, or the signature is right.

    sha256 of the model file and signature: bytes, or text in hex.
    """
    key = _key()
    if key is None:
        return
    kind, secret = key
    if not signature:
        raise ModelError("model %s is not signed, and this board takes only models signed by key "
                         "%s: upload it from a computer that has this key" % (name, _print(key)))
    message = MESSAGE + name.encode() + _bytes(sha256, 32)
    given = _bytes(signature, 64 if kind == "ed25519" else 32)
    if kind == "hmac-sha256":
        good = same(hmac_sha256(secret, message), given)
    else:
        good = _good(secret, message, given)
    if not good:
        raise ModelError("model %s has a wrong signature: expected one by key %s; upload it again "
                         "from a computer that has this key" % (name, _print(key)))


def check_file(path: str, data: "Buffer") -> None:
    """check() of a plain model file, whose signature lies beside it."""
    if _key() is None:
        return
    try:
        with open(path + SIDE) as f:
            signature = f.read(_KEY_BYTES).strip()
    except OSError:
        signature = None
    check(plain_name(path), hashlib.sha256(data).digest(), signature)


def plain_name(path: str) -> str:
    """What a plain model file is signed as: its name without folders and .tsm."""
    name = path.rsplit("/", 1)[-1]
    return name[:-4] if name.endswith(".tsm") else name


def describe() -> "dict | None":
    """{"kind", "fingerprint"} of the board's key, None where it has none."""
    key = _key()
    return key and {"kind": key[0], "fingerprint": _print(key)}


def fingerprint(kind: str, secret: bytes) -> str:
    """16 hex digits that tell keys apart and say nothing of a secret."""
    digest = hashlib.sha256(b"tinysense key 1" + kind.encode() + secret).digest()
    return hexlify(digest[:8]).decode()


def hmac_sha256(key: "Buffer", message: "Buffer") -> bytes:
    """HMAC (RFC 2104) with SHA-256, 32 bytes."""
    if len(key) > 64:
        key = hashlib.sha256(key).digest()
    padded = bytes(key) + bytes(64 - len(key))
    inner = hashlib.sha256(bytes([x ^ 0x36 for x in padded]))
    inner.update(message)
    outer = hashlib.sha256(bytes([x ^ 0x5C for x in padded]))
    outer.update(inner.digest())
    return outer.digest()


def same(a: "Buffer", b: "Buffer") -> bool:
    """Whether two texts are equal, in a time that does not say where they differ."""
    if len(a) != len(b):
        return False
    differ = 0
    for i in range(len(a)):
        differ |= a[i] ^ b[i]
    return differ == 0


def _key():
    """(kind, bytes) of the board's key, None where there is none."""
    try:
        with open(KEY, "rb") as f:
            line = f.read(_KEY_BYTES).decode()
    except OSError as e:
        if e.errno in _ABSENT:
            return None
        raise
    except UnicodeError:
        line = ""
    kind, _, digits = line.strip().partition(" ")
    secret = _bytes(digits, 32)
    if kind not in ("ed25519", "hmac-sha256") or not secret:
        raise ModelError("%s holds no key: expected its kind and 64 hex digits; put it there "
                         "again: tinysense key put" % KEY)
    return kind, secret


def _print(key):
    return fingerprint(key[0], key[1])


def _bytes(given, n):
    """n bytes of a text in hex, or as they are; nothing if they are not so many."""
    if isinstance(given, str):
        try:
            given = unhexlify(given)
        except ValueError:
            return b""
    return bytes(given) if len(given) == n else b""


def _good(public, message, signature):
    """Whether an Ed25519 signature is right: by a mark left before, else by verifying it."""
    if not signature:
        return False
    seen = hashlib.sha256(b"tinysense mark 1" + public + signature + message).digest()
    mark = hexlify(seen[:16]).decode()
    marks = _marks()
    if mark in marks:
        return True
    from .ed25519 import verify

    if not verify(public, message, signature):
        return False
    try:
        with open(MARKS, "w") as f:
            f.write(" ".join((marks + [mark])[-_MARKS_KEPT:]))
    except OSError:
        pass  # a full disk: it is verified again next time
    return True


def _marks():
    try:
        with open(MARKS) as f:
            return f.read(40 * _MARKS_KEPT).split()
    except OSError:
        return []
