"""Putting the device package, and the native module where it is needed, on a board."""

from __future__ import annotations

import binascii
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Protocol

from tinysense_host.boards import native_candidates
from tinysense_host.deploy.board_package import (
    Look,
    listed,
    look_at,
    other_firmware,
    stamped_names,
    verified,
)
from tinysense_host.deploy.package import STAMP, Stamp, package_files
from tinysense_host.device import Device
from tinysense_host.errors import TinysenseError
from tinysense_host.link.board_files import BoardFiles
from tinysense_host.link.transport import BoardError

if TYPE_CHECKING:
    from tinysense_host.modelfile import ModelFile

__all__ = ["SetupResult", "native_module", "set_up"]

NATIVE = "_tinysense.mpy"
# Files go faster through the receiver, and only one of this version is trusted: it goes first.
_FIRST = ("tinysense/__init__", "tinysense/receiver")


class _Board(Protocol):
    """What decides which native module a board gets."""

    @property
    def machine(self) -> str: ...
    @property
    def architecture(self) -> str: ...
    @property
    def mpy(self) -> int: ...


@dataclass
class SetupResult:
    """What was done: files written and removed, files that stayed, and what the board says now."""

    written: list[str] = field(default_factory=list)
    removed: list[str] = field(default_factory=list)
    unchanged: int = 0
    frozen: bool = False
    compiled: bool = False
    native: str = ""        # architecture of the native module put there
    machine: str = ""       # what the firmware calls the board
    version: str = ""
    abi: int = 0
    kernels: str = ""
    configured: bool = False    # it has a config


def native_module(info: _Board, model: ModelFile | None = None) -> tuple[str, bytes]:
    """(architecture, contents) of the native module for a board; built where missing.

    model: what is to run there. The small module is taken where it has all that
    the model needs once it is packed for the architecture.
    """
    from tinysense_host.firmware import ensure_native_module

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


def _native_for(device: Device, look: Look, model: ModelFile | None) -> tuple[str, bytes]:
    """native_module(), but a full one stays: models that lie on the board may need it."""
    name, module = native_module(look, model)
    if name.endswith(_SMALL) and look.native_bytes >= 0 and not _has(device, look, module):
        return native_module(look)
    return name, module


def _has(device: Device, look: Look, module: bytes, thorough: bool = False) -> bool:
    """Whether the native module on the board is this one: by the stamp, else by its contents."""
    if look.native_bytes != len(module):
        return False
    crc = binascii.crc32(module)
    if not thorough and look.stamp is not None and look.stamp.native_crc == crc:
        return True
    return device.transport.crc32(f"{look.base}/{NATIVE}") == crc


class _Setup:
    """One setup of one board."""

    def __init__(self, device: Device, look: Look, stamp: Stamp, result: SetupResult,
                 on_file: Callable[[str], None]) -> None:
        self.device, self.base, self.mpy = device, look.base, look.mpy
        self.stamp, self.result, self.on_file = stamp, result, on_file
        self.names: set[str] = set()

    def _put(self, name: str, data: bytes, plainly: bool = False) -> None:
        path = f"{self.base}/{name}"
        self.on_file(path)
        self._send(data, path, plainly)
        self.result.written.append(path)

    def _send(self, data: bytes, path: str, plainly: bool) -> None:
        """plainly: not through the board's receiver, which may be of another version."""
        transport = self.device.transport
        if plainly and isinstance(transport, BoardFiles):
            BoardFiles.put(transport, data, path)
        else:
            self.device.put(data, path)

    def package(self, stamped: bool) -> None:
        """Writes the files that differ; then removes what would hide them or is of none."""
        files, _ = package_files(self.mpy)
        self.names = set(files)
        there = listed(self.device, self.base)
        before = stamped_names(self.device, self.base) if stamped else set()
        changed = [name for name, data in files.items()
                   if there.get(name) != (len(data), binascii.crc32(data))]
        gone = sorted(({_twin(name) for name in files} | (before - self.names)) & set(there))
        self.result.unchanged = len(files) - len(changed)
        first = [name for name in changed if name.rpartition(".")[0] in _FIRST]
        if changed or gone:
            self._folders(there)
            unfinished = replace(self.stamp, unfinished=True).text(before | self.names)
            self._send(unfinished, f"{self.base}/{STAMP}", bool(first))
        for name in first:
            self._put(name, files[name], plainly=True)
        if first:
            self.device.soft_reset()
        for name in changed:
            if name not in first:
                self._put(name, files[name])
        # Last, so that every module is there at any moment.
        for name in gone:
            self.device.transport.remove(f"{self.base}/{name}")
            self.result.removed.append(f"{self.base}/{name}")

    def _folders(self, there: dict[str, tuple[int, int]]) -> None:
        wanted = {name.rpartition("/")[0] for name in self.names}
        for folder in sorted(wanted - {name.rpartition("/")[0] for name in there}):
            self.device.transport.mkdir(f"{self.base}/{folder}")

    def native(self, module: bytes, there: bool) -> None:
        """Writes the native module if it is another."""
        if there:
            self.result.unchanged += 1
            return
        self.device.transport.mkdir(self.base)
        self._put(NATIVE, module)

    def end(self, frozen: bool) -> None:
        """The stamp, once the board has imported what it has now."""
        self.device.soft_reset()
        try:
            done = verified(self.device)
        except BoardError as e:
            from tinysense_host.link.session import explain

            raise explain(e) from e
        self.result.version, self.result.abi, self.result.kernels = done
        if not frozen:
            self.device.put(self.stamp.text(self.names), f"{self.base}/{STAMP}")


def _twin(name: str) -> str:
    stem, _, suffix = name.rpartition(".")
    return f"{stem}.{'py' if suffix == 'mpy' else 'mpy'}"


def set_up(device: Device, on_file: Callable[[str], None] = lambda path: None,
           native: bool = False, model: ModelFile | None = None,
           thorough: bool = False) -> SetupResult:
    """Puts on the board what it lacks; writes nothing that is there already.

    A board whose stamp is that of the package here is left as it is after one
    program. on_file is told each path before it is written. native: put the
    native module there even where the firmware has the core built in. model:
    what is to run there; then the small native module is taken if that will do
    and no full one is there. thorough: every file is compared, whatever the stamp says.
    """
    if device.remote:
        raise TinysenseError("a package can't be put on a board over a network",
                             "connect its cable, or use its prompt over WebREPL")
    look = look_at(device)
    fault = other_firmware(look.version) if look.frozen else None
    if fault is not None:
        raise fault
    stamp = Stamp.ours(look.mpy)
    result = SetupResult(frozen=look.frozen, compiled=stamp.mpy > 0 and not look.frozen,
                         machine=look.machine, version=look.version, abi=look.abi,
                         kernels=look.kernels, configured=look.configured)
    module, has = None, True
    if look.core != "built in" or native:
        result.native, module = _native_for(device, look, model)
        has = _has(device, look, module, thorough)
        stamp = replace(stamp, native=result.native, native_crc=binascii.crc32(module))
    whole = look.frozen or look.stamp is not None and look.stamp.same_package(stamp)
    if whole and has and not look.fault and not thorough:
        return result
    device.soft_reset()
    setup = _Setup(device, look, stamp, result, on_file)
    if not look.frozen:
        setup.package(look.stamp is not None)
    if module is not None:
        setup.native(module, has)
    setup.end(look.frozen)
    return result
