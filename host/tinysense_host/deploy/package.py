"""The device package as it goes on a board: which files, compiled where that can be, and a stamp.

The stamp is the last file that a setup writes and the first that it changes: a
board whose stamp is ours has the whole package, one whose stamp says
`unfinished` has some of it.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tinysense_host.boards import boards_folder
from tinysense_host.errors import TinysenseError
from tinysense_host.files import write_atomically

__all__ = ["STAMP", "Stamp", "compiled_for", "device_package", "find_mpy_cross", "our_version",
           "package_files", "source_hash"]

STAMP = "tinysense/stamp.txt"       # under the library folder: a line of JSON, then names
_KEPT = 600                         # compiled files in the cache, of some versions


def device_package() -> Path:
    """The folder of the device package."""
    try:
        return boards_folder().parent / "device" / "tinysense"
    except TinysenseError:          # this package is a copy of its own
        import tinysense

        return Path(tinysense.__file__).parent


def _sources() -> dict[str, bytes]:
    """Every source file, by its path under the library folder."""
    folder = device_package()
    paths = sorted(p for p in folder.rglob("*.py") if "__pycache__" not in p.parts)
    return {f"tinysense/{p.relative_to(folder).as_posix()}": p.read_bytes() for p in paths}


def our_version() -> str:
    """The version of the device package here."""
    import tinysense

    return str(tinysense.__version__)


def source_hash() -> str:
    """Of all names and contents of the package here, before they are compiled."""
    made = hashlib.sha256()
    for name, data in _sources().items():
        made.update(f"{name} {len(data)}\n".encode() + data)
    return made.hexdigest()[:16]


# ---- the stamp ----


@dataclass(frozen=True)
class Stamp:
    """What a board's package is, as the setup that put it there wrote it down."""

    version: str
    hash: str               # source_hash()
    mpy: int                # version of compiled files, 0 where they are sources
    native: str = ""        # native module beside it, and its CRC-32
    native_crc: int = 0
    unfinished: bool = False

    @classmethod
    def ours(cls, mpy: int) -> Stamp:
        """Of the package here; mpy: the board's sys.implementation._mpy."""
        return cls(our_version(), source_hash(), compiled_for(mpy))

    @classmethod
    def read(cls, line: str | None) -> Stamp | None:
        """From the first line of a board's stamp; None where there is none that can be read."""
        with contextlib.suppress(ValueError, TypeError, KeyError):
            told: Any = json.loads(line or "")
            return cls(str(told["version"]), str(told["hash"]), int(told["mpy"]),
                       str(told["native"]), int(told["native_crc"]),
                       told["unfinished"] is not False)
        return None

    def text(self, names: Iterable[str]) -> bytes:
        """The file's contents. names: of the package's files there, or some of them."""
        return "\n".join([json.dumps(vars(self)), *sorted(names), ""]).encode()

    def same_package(self, other: Stamp) -> bool:
        """Whether the package is the same; native modules apart."""
        return (self.version, self.hash, self.mpy, self.unfinished) == (
            other.version, other.hash, other.mpy, other.unfinished)


# ---- compiled files ----


def find_mpy_cross() -> Path | None:
    """MicroPython's cross compiler: MPY_CROSS, the pinned source's, or the one in PATH."""
    named = os.environ.get("MPY_CROSS")
    if named:
        return Path(named)
    built = sorted(_cache().glob("micropython-*/mpy-cross/build/mpy-cross"))
    if built:
        return built[0]
    found = shutil.which("mpy-cross")
    return Path(found) if found else None


def _cache() -> Path:
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "tinysense"


def _told_version(compiler: Path) -> str:
    done = subprocess.run([str(compiler), "--version"], capture_output=True, text=True, check=False)
    return done.stdout.strip()


def compiled_for(mpy: int) -> int:
    """The version of .mpy that the package is compiled to for a board; 0: it gets sources."""
    compiler = find_mpy_cross() if mpy else None
    if compiler is None:
        return 0
    # "...; mpy-cross emitting mpy v6.3": the second number concerns native code only.
    version = _told_version(compiler).rpartition("mpy v")[2].partition(".")[0]
    return mpy & 0xFF if version == str(mpy & 0xFF) else 0


def package_files(mpy: int) -> tuple[dict[str, bytes], bool]:
    """({path under the library folder: contents}, whether they are compiled).

    mpy: the board's sys.implementation._mpy; 0 where it takes no .mpy.
    """
    plain = _sources()
    compiler = find_mpy_cross()
    if compiler is None or not compiled_for(mpy):
        return plain, False
    told = _told_version(compiler)
    with tempfile.TemporaryDirectory() as temporary, ThreadPoolExecutor(4) as pool:
        compiled = pool.map(
            lambda name: _compiled(compiler, told, name, plain[name], Path(temporary)), plain)
        files = {name.removesuffix(".py") + ".mpy": data
                 for name, data in zip(plain, compiled, strict=True)}
    _tidy(_cache() / "mpy")
    return files, True


def _compiled(compiler: Path, told: str, name: str, source: bytes, temporary: Path) -> bytes:
    """The .mpy of a source: from the cache, else made and kept there."""
    key = hashlib.sha256(f"{told}\n{name}\n".encode() + source).hexdigest()[:32]
    kept = _cache() / "mpy" / f"{key}.mpy"
    with contextlib.suppress(OSError):
        data = kept.read_bytes()
        if data[:1] == b"M":
            os.utime(kept)
            return data
    data = _compile(compiler, name, source, temporary / key)
    with contextlib.suppress(OSError, TinysenseError):     # a folder that can't be written
        kept.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(kept, data)
    return data


def _compile(compiler: Path, name: str, source: bytes, path: Path) -> bytes:
    path.with_suffix(".py").write_bytes(source)
    made = path.with_suffix(".mpy")
    done = subprocess.run([str(compiler), "-s", name, "-o", str(made),
                           str(path.with_suffix(".py"))], capture_output=True, text=True,
                          check=False)
    if done.returncode:
        raise TinysenseError(f"mpy-cross refused {name}: {done.stderr.strip()}",
                             "this is a bug of tinysense; MPY_CROSS= names another compiler")
    return made.read_bytes()


def _tidy(folder: Path) -> None:
    """Of the cache the files stay that were used last."""
    with contextlib.suppress(OSError):
        files = sorted(folder.glob("*.mpy"), key=lambda p: p.stat().st_mtime, reverse=True)
        for old in files[_KEPT:]:
            old.unlink(missing_ok=True)
