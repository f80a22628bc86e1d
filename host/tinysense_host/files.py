"""Writing files whole or not at all, and never over something that is no file."""

from __future__ import annotations

import os
import secrets
from pathlib import Path

from .errors import TinysenseError

__all__ = ["write_atomically"]


def write_atomically(path: Path, content: bytes) -> None:
    """Writes beside ``path``, syncs, then renames: never half a file under its final name.

    A symbolic link stays one: what it points to is written. TinysenseError
    where a folder, device or pipe has that name, and where the system refuses.
    """
    target = _target(path)
    # A name of its own: two that write the same file do not meet in the half-written one.
    part = target.with_name(f"{target.name[:200]}.{secrets.token_hex(4)}.part")
    try:
        try:
            with open(part, "xb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            os.replace(part, target)
        finally:
            part.unlink(missing_ok=True)
    except OSError as error:
        raise TinysenseError(f"cannot write {path}: {error.strerror or error}") from error


def _target(path: Path) -> Path:
    """Where the bytes go: behind links, and only where a file is or may be."""
    try:
        target = path.resolve()
        if target.is_dir():
            raise TinysenseError(f"{path} is a folder", "give the name of a file")
        if os.path.lexists(target) and not target.is_file():
            raise TinysenseError(f"{path} is no regular file and is left alone",
                                 "give the name of a file")  # fmt: skip
    except (OSError, RuntimeError, ValueError) as error:  # too long, a loop of links, a NUL
        said = error.strerror if isinstance(error, OSError) else str(error)
        raise TinysenseError(f"cannot write {path}: {said}") from error
    return target
