"""Putting a model on a board: checked before, on the way, and after."""

from __future__ import annotations

import contextlib
import os
from binascii import crc32
from dataclasses import dataclass
from datetime import datetime, timezone
from hashlib import sha256
from pathlib import Path
from typing import Any

from tinysense_host.deploy.preflight import fits_driver, fits_firmware, preflight
from tinysense_host.deploy.slots import BoardModels, ask, checked_name, models, slot_name
from tinysense_host.device import BoardInfo, Device
from tinysense_host.errors import TinysenseError
from tinysense_host.link.transport import LinkError, Progress
from tinysense_host.modelfile import ModelFile

__all__ = ["TRIAL", "UploadResult", "read_model", "upload"]

TRIAL = 20              # windows that a new model runs on trial
_TRIAL_S = 300.0        # golden vectors of a large model on a small core


@dataclass(frozen=True)
class UploadResult:
    """What an upload did."""

    name: str
    path: str               # on the board
    file_bytes: int
    arena_bytes: int        # 0 where nothing was to be done
    target: str             # the core it was packed for, or "portable"
    skipped: bool           # the same bytes were there already
    golden_equal: int
    golden_count: int
    driver: str             # the configured driver it was compared with, "" for none
    note: str               # why that comparison could not be made, "" if it was
    info: BoardInfo | None  # None where nothing was to be done
    on_trial: int           # windows until it is good, 0 where it is, or is a plain file
    runs: str               # what the board's config runs instead, "" where it runs this


def read_model(path: Path, golden: bool = False) -> ModelFile:
    """A model file, checked by the core's own loader.

    golden: refuse one without golden vectors, on which a board could not be checked.
    """
    if not path.is_file():
        raise TinysenseError(f"no model file {path}", "make one: tinysense train or convert")
    model = ModelFile.load(path)
    if golden and not (model.gold and len(model.gold)):
        raise TinysenseError(f"{path} holds no golden vectors, so nothing could be verified",
                             "convert the model again, or upload it without --verify")
    return model


def upload(device: Device, model_path: Path, to: str | None = None,
           progress: Progress | None = None, *, name: str | None = None, windows: int = TRIAL,
           trust: bool = True) -> UploadResult:
    """Packs a model for the board's core, checks it against the board, puts it there, tries it.

    It goes to the slot that does not run, and runs from the next start on, once the
    board loaded it, its golden vectors came out equal, and the configured driver fits;
    the one before stays. name: of the model on the board, else its own. to: path of a
    plain file instead, as where the board's config names one. windows: how long the
    model is on trial. trust: a model that is there, and good, is not tried again.
    """
    given = read_model(model_path)
    raw = model_path.read_bytes()
    wanted = checked_name(name) if name is not None else ""
    if trust and to is None:
        there = _was_there(device, given.name, wanted or slot_name(given.name), raw)
        if there is not None:
            return there
    from tinysense_host.packing import fit  # slow to import, and seldom needed so far

    if not device.remote:
        device.soft_reset()
    ask(device, "ready", timeout=30.0)
    info = device.info()
    fits_firmware(info)
    seen = models(device)
    model = fit(given, info.kernels)
    data = raw if model is given else model.write()
    plan = _Upload(device, model, data, info, seen, progress)
    if to is None and not _plain(seen):
        return plan.to_slot(wanted or slot_name(given.name), windows, sha256(raw).hexdigest())
    if wanted:
        raise TinysenseError(f"--name {wanted} is of a model with slots, but it is to go to the "
                             f"file {to or seen.config}",
                             "leave one out; or take the file's name out of the board's config: "
                             "tinysense sync --set model=")
    return plan.to_file(to or str(seen.config))


@dataclass
class _Upload:
    """A model, packed for a board, on its way there."""

    device: Device
    model: ModelFile
    data: bytes
    info: BoardInfo
    seen: BoardModels
    progress: Progress | None

    def to_slot(self, name: str, windows: int, source: str) -> UploadResult:
        """Into the slot that does not run, then active."""
        digest = sha256(self.data)
        known = self.seen.named(name)
        there = known is not None and any(
            slot.sha256 == digest.hexdigest() for slot in known.slots.values())
        self._check(0 if there else len(self.data))
        place = ask(self.device, "prepare", name=name, sha256=digest.hexdigest())
        # Over a network the file that runs can't be written; install() says if it is another.
        if not (self.device.remote and known is not None and known.active == place["slot"]):
            self.device.put(self.data, str(place["path"]), self.progress)
        told = self._tried("install", name=name, slot=str(place["slot"]),
                           sha256=digest.hexdigest(), uploaded=_now(), windows=windows,
                           signature=self._signature(name), source=source)
        active = known.running if known is not None else None
        good = active is not None and (active.sha256, active.state) == (digest.hexdigest(), "good")
        runs = "" if self.seen.config in ("", name) else str(self.seen.config)
        return self._result(str(place["path"]), there, told, 0 if good else windows, runs)

    def to_file(self, path: str) -> UploadResult:
        """Beside the file of that name, tried, then renamed."""
        _needs_folder(self.device, path)
        old = self.device.stat(path)
        if old is not None and old.is_dir:
            raise TinysenseError(f"{path} is a folder on the board", "give a file's path with --to")
        same = (old is not None and old.size == len(self.data)
                and self.device.transport.crc32(path) == crc32(self.data))
        self._check(0 if same else len(self.data), old.size if old else 0)
        if same:
            return self._result(path, True, self._tried("trial", path=path), 0, "")
        new = path + ".new"
        signed = self._wants_signature()
        self.device.put(self.data, new, self.progress)
        try:
            if signed:
                self._put_signature(new)
            told = self._tried("trial", path=new)
            if signed:
                self._put_signature(path)
            self.device.transport.rename(new, path)
        except BaseException:
            _forget(self.device, new)
            raise
        finally:
            if signed:
                _forget(self.device, new + ".sig")
        return self._result(path, False, told, 0, "")

    def _check(self, file_bytes: int, replaced_bytes: int = 0) -> None:
        """All that can be known before anything is sent. file_bytes: 0 where it is there."""
        if file_bytes:
            preflight(self.model, file_bytes, self.info, replaced_bytes)
        sensor = self.model.meta.get("sensor")
        if sensor is not None and self.model.feat is not None:
            fits_driver(self.model, ask(self.device, "driver", sensor=sensor))

    def _wants_signature(self) -> bool:
        from tinysense_host.keys import KEY_VARIABLE

        return self.seen.key or bool(os.environ.get(KEY_VARIABLE))

    def _signature(self, name: str) -> str:
        from tinysense_host.keys import signature_for

        if not self._wants_signature():
            return ""
        return signature_for(self.device, name, sha256(self.data).digest())

    def _put_signature(self, path: str) -> None:
        """Beside a plain file: it is signed under its own name."""
        from tinysense.signing import plain_name

        self.device.put(self._signature(plain_name(path)).encode(), path + ".sig")

    def _tried(self, operation: str, **args: Any) -> dict[str, Any]:
        """What a new heap makes of the model."""
        if not self.device.remote:
            self.device.soft_reset()
        return ask(self.device, operation, timeout=_TRIAL_S, golden=self.model.gold is not None,
                   **args)

    def _result(self, path: str, skipped: bool, told: dict[str, Any], on_trial: int,
                runs: str) -> UploadResult:
        from tinysense_host.packing import target_name

        try:
            equal, count = (int(n) for n in told["golden"])
            driver, note = str(told["driver"]), str(told["note"])
        except (KeyError, TypeError, ValueError) as e:
            raise LinkError(f"the board answered {str(told)[:60]} to the trial of the model",
                            "run `tinysense setup`") from e
        return UploadResult(self.model.name, path, len(self.data), self.model.arena_bytes,
                            target_name(self.model.target), skipped, equal, count, driver, note,
                            self.info, on_trial, runs)


def _plain(seen: BoardModels) -> bool:
    """Whether the board's config names a file, so that a slot would not run."""
    return bool(seen.config) and not seen.runs


def _was_there(device: Device, title: str, name: str, raw: bytes) -> UploadResult | None:
    """The file that runs, where it was made from these bytes for this core and is good."""
    try:
        seen = models(device)
    except LinkError:
        raise
    except TinysenseError:
        return None         # the heap of what ran before may be too full; a new one tells
    model = seen.named(name) if seen.runs == name else None
    if model is None or model.running.state != "good":
        return None
    slot = model.running
    if (slot.source, slot.kernels) != (sha256(raw).hexdigest(), seen.kernels):
        return None
    return UploadResult(title, f"/ts/models/{name}/{model.active}.tsm", slot.size, 0, "portable",
                        True, *slot.golden, "", "", None, 0, "")


def _needs_folder(device: Device, path: str) -> None:
    folder = path.rpartition("/")[0]
    if not folder:
        return
    found = device.stat(folder)
    if found is None or not found.is_dir:
        raise TinysenseError(f"the board has no folder {folder} to put {path} in",
                             "name one that is there, such as /, with --to")


def _now() -> str:
    return datetime.now(timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")


def _forget(device: Device, path: str) -> None:
    # Where the link is gone too: a .new file is never loaded.
    with contextlib.suppress(TinysenseError):
        device.transport.remove(path)
