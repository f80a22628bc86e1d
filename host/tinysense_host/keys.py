"""Keys of signed models and secrets of boards on a network: kept here, never shown.

They are files of the user's configuration folder (XDG_CONFIG_HOME/tinysense, else
~/.config/tinysense), readable by the user alone: keys/PROJECT.json, secrets/BOARD.
What leaves this module of an Ed25519 key is its public half; of an HMAC key, the
secret itself, to the board that is to check with it.
"""

from __future__ import annotations

import json
import os
import re
import secrets
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from tinysense_host.errors import TinysenseError

if TYPE_CHECKING:
    from tinysense_host.device import Device

__all__ = ["KEY_VARIABLE", "KINDS", "SECRET_VARIABLE", "ProjectKey", "config_folder", "load_key",
           "make_secret", "new_key", "secret_for", "secret_names", "signature_for", "stored_keys"]

KEY_VARIABLE = "TINYSENSE_KEY"              # name of the project whose key signs
SECRET_VARIABLE = "TINYSENSE_SECRET_FILE"   # a file that holds a board's secret
ED25519, HMAC = "ed25519", "hmac-sha256"
KINDS = (ED25519, HMAC)
SECRET_LEAST_BYTES = 16
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,62}\Z")
_OPEN_TO_OTHERS = 0o077


@dataclass(frozen=True)
class ProjectKey:
    """A key that signs a project's models. secret: 32 bytes, in no text made of this."""

    name: str
    kind: str
    secret: bytes = field(repr=False)

    @property
    def checking(self) -> bytes:
        """What a board checks with: the public key, or the secret of an HMAC key."""
        if self.kind == HMAC:
            return self.secret
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

        return Ed25519PrivateKey.from_private_bytes(self.secret).public_key().public_bytes_raw()

    @property
    def fingerprint(self) -> str:
        """16 hex digits that tell keys apart."""
        from tinysense.signing import fingerprint

        return str(fingerprint(self.kind, self.checking))

    def line(self) -> bytes:
        """What the board's /ts/key holds."""
        return f"{self.kind} {self.checking.hex()}\n".encode()

    def sign(self, model: str, sha256: bytes) -> str:
        """A model's signature, in hex. model: the name it is to run under."""
        from tinysense.signing import MESSAGE, hmac_sha256

        message = MESSAGE + model.encode() + sha256
        if self.kind == HMAC:
            return bytes(hmac_sha256(self.secret, message)).hex()
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

        return Ed25519PrivateKey.from_private_bytes(self.secret).sign(message).hex()


def config_folder() -> Path:
    """The user's folder for tinysense's settings."""
    named = os.environ.get("XDG_CONFIG_HOME")
    return (Path(named) if named else Path.home() / ".config") / "tinysense"


# ---- Keys ----


def new_key(name: str, kind: str = ED25519) -> ProjectKey:
    """Draws a key and keeps it; TinysenseError where there is one of that name."""
    if kind not in KINDS:
        raise TinysenseError(f"no kind of key {kind!r}", f"expected {' or '.join(KINDS)}")
    key = ProjectKey(_checked(name), kind, secrets.token_bytes(32))
    text = json.dumps({"kind": kind, "secret": key.secret.hex()})
    _keep(_keys() / f"{name}.json", text, f"a key {name}")
    return key


def stored_keys() -> list[ProjectKey]:
    """All keys of this computer, by name."""
    return [load_key(path.stem) for path in sorted(_keys().glob("*.json"))]


def load_key(name: str) -> ProjectKey:
    """The key of that name."""
    path = _keys() / f"{_checked(name)}.json"
    text = _private(path, f"key {name}", "make one: tinysense key new --name " + name)
    try:
        told = json.loads(text)
        kind, secret = told["kind"], bytes.fromhex(told["secret"])
        if kind not in KINDS or len(secret) != 32:
            raise ValueError
    except (ValueError, TypeError, KeyError):
        # The cause would quote what the file holds.
        raise TinysenseError(f"{path} holds no key of this version",
                             "restore it, or make another: tinysense key new") from None
    return ProjectKey(name, kind, secret)


def signature_for(device: Device, model: str, sha256: bytes) -> str:
    """The signature for a board, in hex; "" where neither board nor user wants one.

    The key: that of the board, else the one that TINYSENSE_KEY names. Refuses
    where the board has a key that is not here.
    """
    wanted = device.call("key")
    named = os.environ.get(KEY_VARIABLE)
    if wanted is None:
        return load_key(named).sign(model, sha256) if named else ""
    mark = wanted.get("fingerprint") if isinstance(wanted, dict) else None
    for key in [load_key(named)] if named else stored_keys():
        if key.fingerprint == mark:
            return key.sign(model, sha256)
    what = f"key {named} is another" if named else "it is not on this computer"
    raise TinysenseError(
        f"the board on {device.port} takes only models signed by key {str(mark)[:16]!r}; {what}",
        "upload from the computer that has it, or take the key off the board: tinysense key remove")


# ---- Secrets ----


def make_secret(name: str) -> bytes:
    """The secret of that name, drawn if there is none yet: a text of 64 bytes."""
    path = _secrets() / _checked(name)
    if not path.exists():
        _keep(path, secrets.token_hex(32), f"a secret {name}")
    return _long_enough(_private(path, f"secret {name}", ""), path)


def secret_for(host: str) -> bytes:
    """The secret of the board at an address.

    TINYSENSE_SECRET_FILE, else the one kept under the address or its first part,
    else the only one there is.
    """
    named = os.environ.get(SECRET_VARIABLE)
    if named:
        return _long_enough(_private(Path(named), f"secret in {SECRET_VARIABLE}", "name a file"),
                            Path(named))
    for name in (host, host.split(".", maxsplit=1)[0]):
        path = _secrets() / name
        if _NAME.match(name) and path.is_file():
            return _long_enough(_private(path, "secret", ""), path)
    names = secret_names()
    if len(names) == 1:
        path = _secrets() / names[0]
        return _long_enough(_private(path, "secret", ""), path)
    raise TinysenseError(
        f"no secret for the board at {host}" + (f"; there are {', '.join(names)}" if names else ""),
        f"put one there over its cable: tinysense key secret --name {host}; or name the file of "
        f"one in {SECRET_VARIABLE}")


def secret_names() -> list[str]:
    """Names that secrets are kept under."""
    return sorted(path.name for path in _secrets().glob("*") if _NAME.match(path.name))


# ---- Files that only the user can read ----


def _keys() -> Path:
    return config_folder() / "keys"


def _secrets() -> Path:
    return config_folder() / "secrets"


def _checked(name: str) -> str:
    if not _NAME.match(name):
        raise TinysenseError(f"{name!r} is no name of a key or a secret",
                             "expected letters, digits, . - and _, 63 at most")
    return name


def _keep(path: Path, text: str, what: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        raise TinysenseError(f"there is {what} already, in {path}",
                             "use it, or give another --name") from None
    with os.fdopen(descriptor, "w") as file:
        file.write(text)


def _private(path: Path, what: str, remedy: str) -> str:
    """A file's text; TinysenseError where it is missing or others may read it."""
    try:
        mode = path.stat().st_mode
        if os.name == "posix" and mode & _OPEN_TO_OTHERS:
            raise TinysenseError(f"others can read {path} (mode {mode & 0o777:o}, expected 600)",
                                 f"chmod 600 {path}, or make a new one if somebody has read it")
        return path.read_text(errors="replace")
    except FileNotFoundError:
        raise TinysenseError(f"no {what} here: {path} is missing", remedy) from None


def _long_enough(text: str, path: Path) -> bytes:
    found = text.strip().encode()
    if len(found) < SECRET_LEAST_BYTES:
        raise TinysenseError(f"{path} holds {len(found)} bytes, expected a secret of at least "
                             f"{SECRET_LEAST_BYTES}", "make one: tinysense key secret")
    return found
