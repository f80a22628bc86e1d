"""Putting the device package, and the native module where it is needed, on a board."""

from __future__ import annotations

import binascii
import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from tinysense_host.boards import boards_folder, native_candidates
from tinysense_host.device import BoardInfo, Device
from tinysense_host.errors import TinysenseError
from tinysense_host.firmware import ensure_native_module
from tinysense_host.link.session import explain
from tinysense_host.link.transport import BoardError

if TYPE_CHECKING:
    from tinysense_host.modelfile import ModelFile

__all__ = ["SetupResult", "device_package", "find_mpy_cross", "native_module", "package_files",
           "set_up"]

_PATH_CODE = """
import json, sys
_p = [p for p in sys.path if p.startswith("/")]
print(json.dumps("/lib" if "/lib" in _p or not _p else _p[0]))
"""
_WHERE_CODE = """
import json
try:
 import tinysense as _t
 print(json.dumps(getattr(_t, "__file__", "")))
except ImportError:
 print("null")
"""
_VERIFY_CODE = """
import json
import tinysense
from tinysense.native import core
print(json.dumps([tinysense.__version__, core.abi(), core.kernels()]))
"""


@dataclass
class SetupResult:
    """What was done: files written, files that were the same, and what the board says now."""

    written: list[str] = field(default_factory=list)
    unchanged: int = 0
    frozen: bool = False
    compiled: bool = False
    native: str = ""        # architecture of the native module put there
    machine: str = ""       # what the firmware calls the board
    version: str = ""
    abi: int = 0
    kernels: str = ""


def _root() -> Path | None:
    """The source tree, None where this package is a copy of its own."""
    try:
        return boards_folder().parent
    except TinysenseError:
        return None


def device_package() -> Path:
    """The folder of the device package."""
    root = _root()
    if root is not None:
        return root / "device" / "tinysense"
    import tinysense

    return Path(tinysense.__file__).parent


def find_mpy_cross() -> Path | None:
    """MicroPython's cross compiler: MPY_CROSS, the pinned source's, or the one in PATH."""
    named = os.environ.get("MPY_CROSS")
    if named:
        return Path(named)
    cache = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "tinysense"
    built = sorted(cache.glob("micropython-*/mpy-cross/build/mpy-cross"))
    if built:
        return built[0]
    found = shutil.which("mpy-cross")
    return Path(found) if found else None


def _compile(compiler: Path, source: Path, name: str, folder: Path, mpy: int) -> bytes | None:
    """The .mpy of a source file; None if the board's firmware takes another version."""
    target = folder / "out.mpy"
    done = subprocess.run([str(compiler), "-s", name, "-o", str(target), str(source)],
                          capture_output=True, text=True, check=False)
    if done.returncode:
        raise TinysenseError(f"mpy-cross refused {source}: {done.stderr.strip()}",
                             "this is a bug of tinysense; MPY_CROSS= names another compiler")
    data = target.read_bytes()
    return data if data[0:1] == b"M" and data[1] == mpy & 0xFF else None


def package_files(mpy: int) -> tuple[dict[str, bytes], bool]:
    """({path under the library folder: contents}, whether they are compiled).

    mpy: the board's sys.implementation._mpy; 0 where it takes no .mpy.
    """
    folder = device_package()
    sources = sorted(p for p in folder.rglob("*.py") if "__pycache__" not in p.parts)
    compiler = find_mpy_cross() if mpy else None
    plain = {f"tinysense/{p.relative_to(folder).as_posix()}": p.read_bytes() for p in sources}
    if compiler is None:
        return plain, False
    files: dict[str, bytes] = {}
    with tempfile.TemporaryDirectory() as temporary:
        for source, name in zip(sources, plain, strict=True):
            data = _compile(compiler, source, name, Path(temporary), mpy)
            if data is None:
                return plain, False
            files[name.removesuffix(".py") + ".mpy"] = data
    return files, True


def native_module(info: BoardInfo, model: ModelFile | None = None) -> tuple[str, bytes]:
    """(architecture, contents) of the native module for a board; built where missing.

    model: what is to run there. The small module is taken where it has all that
    the model needs once it is packed for the architecture.
    """
    candidates = native_candidates(info.mpy)
    if not candidates:
        raise TinysenseError(
            f"the firmware of {info.machine} lacks _tinysense and takes no native modules "
            f"(architecture {info.architecture or 'none'})",
            "put a firmware on it that has tinysense built in: make firmware BOARD=...")
    architecture = candidates[0]
    small = model is not None and _small_will_do(model, architecture)
    contents = ensure_native_module(architecture, small).read_bytes()
    return architecture + _SMALL * small, contents


def _may_be_small(device: Device, base: str, module: bytes) -> bool:
    """A full module stays: models that lie on the board already may need it."""
    names = {entry.name for entry in device.transport.list(base)}
    return "_tinysense.mpy" not in names or (
        device.transport.crc32(f"{base}/_tinysense.mpy") == binascii.crc32(module))


_SMALL = "-small"      # after the architecture: the module with a few ops only
# Whose packed models a native module runs; of other architectures portable ones.
_TARGETS = {"armv6m": "armv6m", "armv7emsp": "armv7em", "armv7emdp": "armv7em",
            "rv32imc": "rv32imc"}  # fmt: skip


def _small_will_do(model: ModelFile, architecture: str) -> bool:
    from tinysense_host.coresources import needs_of, small_config
    from tinysense_host.packing import fit, target_number

    if model.meta.get("sensor", {}).get("units") == "pcm":
        return False        # it lacks what microphones need
    target = _TARGETS.get(architecture, "portable")
    fitted = fit(model, target)
    return small_config(target_number(target)).covers(needs_of(fitted))


def _put_changed(device: Device, files: dict[str, bytes], base: str, result: SetupResult,
                 on_file: Callable[[str], None]) -> None:
    """Writes the files that differ, and removes the .py or .mpy that would hide them."""
    listed: dict[str, set[str]] = {}
    for name, data in files.items():
        path = f"{base}/{name}"
        folder, _, leaf = path.rpartition("/")
        if folder not in listed:
            device.transport.mkdir(folder)
            listed[folder] = {entry.name for entry in device.transport.list(folder)}
        stem, _, suffix = leaf.rpartition(".")
        twin = f"{stem}.{'py' if suffix == 'mpy' else 'mpy'}"
        if leaf in listed[folder] and device.transport.crc32(path) == binascii.crc32(data):
            result.unchanged += 1
        else:
            on_file(path)
            device.put(data, path)
            result.written.append(path)
        # Last, so that a module is there at any moment: setup may be interrupted.
        if twin in listed[folder]:
            device.transport.remove(f"{folder}/{twin}")


def set_up(device: Device, on_file: Callable[[str], None] = lambda path: None,
           native: bool = False, model: ModelFile | None = None) -> SetupResult:
    """Puts on the board what it lacks; writes nothing that is there already.

    on_file is told each path before it is written. native: put the native
    module there even where the firmware has the core built in. model: what is
    to run there; then the small native module is taken if that will do and no
    full one is there.
    """
    device.soft_reset()
    info = device.info()
    result = SetupResult(machine=info.machine)
    where = device.ask(_WHERE_CODE)
    base = str(device.ask(_PATH_CODE))
    result.frozen = isinstance(where, str) and not where.startswith("/")
    if not result.frozen:
        files, result.compiled = package_files(info.mpy)
        _put_changed(device, files, base, result, on_file)
    if info.core != "built in" or native:
        architecture, module = native_module(info, model)
        if architecture.endswith(_SMALL) and not _may_be_small(device, base, module):
            architecture, module = native_module(info)
        _put_changed(device, {"_tinysense.mpy": module}, base, result, on_file)
        result.native = architecture
    device.soft_reset()
    try:
        result.version, result.abi, result.kernels = device.ask(_VERIFY_CODE)
    except BoardError as e:
        raise explain(e) from e
    return result
