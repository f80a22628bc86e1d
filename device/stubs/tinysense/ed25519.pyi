"""Ed25519 signatures (RFC 8032, section 5.1): verification only, on whole numbers of any size.

Stricter than the RFC where it leaves a choice: the equation is checked without the
factor 8, encodings must be the canonical ones, and a key of small order, under which
one signature would fit many messages, is refused. Nothing here is secret, so nothing
needs to take the same time for all numbers.
"""

# Written by device/files.py.
from .types import Buffer

def verify(key: Buffer, message: Buffer, signature: Buffer) -> bool:
    """Whether a signature (64 bytes) of the message was made for the public key (32 bytes)."""

def sha512(data: bytes) -> bytes:
    """The digest, 64 bytes."""

def slow_sha512(data: bytes) -> bytes:
    """The same without hashlib: for texts of some hundred bytes."""
