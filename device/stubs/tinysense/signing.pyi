"""Signed models: a board that holds a key takes only models that were signed for it.

The key is /ts/key: one line, "ed25519" and the public key, or "hmac-sha256" and the
secret, in hex. A signature is made over MESSAGE, the model's name and the SHA-256 of
its file. No key, no check. A key that cannot be read refuses every model.

Verifying Ed25519 takes a small board seconds, so a signature that was found good
leaves a mark in /ts/signed, bound to key, name, file and signature; later loads
hash the file again and look for the mark. Who could forge a mark can write the
board's flash outside the model folders, and so could remove the key as well.
"""

# Written by device/files.py.
from .types import Buffer
from typing import Any

KEY: str
MARKS: str
SIDE: str
MESSAGE: bytes

def check(name: str, sha256: bytes | str, signature: bytes | str | None) -> None:
    """ModelError unless this board has no key, or the signature is right.

    sha256 of the model file and signature: bytes, or text in hex.
    """

def check_file(path: str, data: Buffer) -> None:
    """check() of a plain model file, whose signature lies beside it."""

def plain_name(path: str) -> str:
    """What a plain model file is signed as: its name without folders and .tsm."""

def describe() -> dict[str, Any] | None:
    """{"kind", "fingerprint"} of the board's key, None where it has none."""

def fingerprint(kind: str, secret: bytes) -> str:
    """16 hex digits that tell keys apart and say nothing of a secret."""

def hmac_sha256(key: Buffer, message: Buffer) -> bytes:
    """HMAC (RFC 2104) with SHA-256, 32 bytes."""

def same(a: Buffer, b: Buffer) -> bool:
    """Whether two texts are equal, in a time that does not say where they differ."""
