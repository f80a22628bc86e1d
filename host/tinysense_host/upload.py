"""Putting a model on a board: checked before, on the way, and after."""

from __future__ import annotations

import binascii
import contextlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tinysense_host.device import BoardInfo, Device
from tinysense_host.errors import TinysenseError
from tinysense_host.link.session import explain
from tinysense_host.link.transport import BoardError, LinkError, Progress
from tinysense_host.modelfile import ModelFile
from tinysense_host.packing import fit, target_name

__all__ = ["UploadResult", "needs", "preflight", "read_model", "upload"]

FLASH_SLACK_BYTES = 8192        # what a file system takes for its own
RAM_SLACK_BYTES = 6144          # objects of model, window and pipeline

# Everything a running pipeline needs is imported, so that the free memory
# that is measured next is what the model will find.
_IMPORT_CODE = """
import json
from tinysense import config, drivers, features, model, pipeline, window
print(json.dumps(config.load()["model"]))
"""

# Loads the new file beside the old one, runs its golden vectors, and compares
# its sensor with the configured driver.
_TRIAL_CODE = """
def _ts_trial(path):
 import json
 from tinysense import config, drivers
 from tinysense.model import load
 m = load(path)
 golden = m.selftest(quiet=True) if {golden} else (0, 0)
 driver, note = "", ""
 if m.features is not None and m.sensor is not None:
  c = config.load()
  driver = c["driver"]
  try:
   d = drivers.make(driver, c["driver_options"], m.sensor)
  except Exception as e:
   d, note = None, "%s: %s" % (type(e).__name__, e)
  if d is not None:
   try:
    m.features.connect(d, c["axes"])
   finally:
    d.close()
 print(json.dumps([golden[0], golden[1], driver, note]))
_ts_trial({path!r})
del _ts_trial
"""


@dataclass(frozen=True)
class UploadResult:
    """What an upload did."""

    name: str
    path: str               # on the board
    file_bytes: int
    arena_bytes: int
    target: str             # the core it was packed for, or "portable"
    skipped: bool           # the same bytes were there already
    golden_equal: int
    golden_count: int
    driver: str             # the configured driver it was compared with, "" for none
    note: str               # why that comparison could not be made, "" if it was
    info: BoardInfo


def needs(model: ModelFile, file_bytes: int) -> tuple[int, int]:
    """(RAM in all, largest single block) that a board needs for a model, in bytes."""
    work = 0
    if model.feat is not None and len(model.feat) >= 16:
        channels, window, hop = (int.from_bytes(model.feat[i:i + 2], "little") for i in (0, 2, 4))
        ring = 2 * channels * (2 * window + hop)
        work = int.from_bytes(model.feat[12:16], "little") + ring
    return file_bytes + model.arena_bytes + work, max(file_bytes, model.arena_bytes)


def preflight(model: ModelFile, file_bytes: int, info: BoardInfo, replaced_bytes: int = 0) -> None:
    """Refuses, with numbers, what the board could not hold or run.

    replaced_bytes: size of the file of that name on the board; it stays until
    the new one is whole, so it does not count as room.
    """
    if info.core == "absent" or info.package is None:
        raise TinysenseError(f"the board has no {'core' if info.core == 'absent' else 'tinysense'}",
                             "put it there: tinysense setup")
    if info.core.startswith("broken"):
        raise TinysenseError(f"the board's _tinysense is {info.core}", "run `tinysense setup`")
    flash = file_bytes + FLASH_SLACK_BYTES
    if 0 <= info.flash_free < flash:
        raise TinysenseError(
            f"too little flash: {flash} bytes needed for {model.name} ({file_bytes} and "
            f"{FLASH_SLACK_BYTES} spare), {info.flash_free} free"
            + (f"; the old model keeps its {replaced_bytes} until the new one is whole"
               if replaced_bytes else ""),
            "remove files from the board")
    total, block = needs(model, file_bytes)
    if info.ram_free < 0:
        return
    if info.ram_free < total + RAM_SLACK_BYTES or info.ram_largest < block:
        raise TinysenseError(
            f"too little RAM for {model.name}: {total + RAM_SLACK_BYTES} bytes needed (model "
            f"{file_bytes}, arena {model.arena_bytes}, work "
            f"{total - file_bytes - model.arena_bytes}, spare {RAM_SLACK_BYTES}), {info.ram_free} "
            f"free; largest block {block} needed, {info.ram_largest} there",
            "train a smaller model, or use a firmware with tinysense frozen in: make firmware")


def _prepare(device: Device) -> tuple[BoardInfo, str]:
    """What the board has with everything imported, and where its config wants the model."""
    device.soft_reset()
    try:
        path = device.ask(_IMPORT_CODE, timeout=30.0)
    except BoardError as e:
        raise explain(e) from e
    return device.info(), str(path)


def _trial(device: Device, path: str, golden: bool) -> list[Any]:
    device.soft_reset()
    try:
        told = device.ask(_TRIAL_CODE.format(path=path, golden=golden), timeout=300.0)
    except BoardError as e:
        raise explain(e) from e
    if not isinstance(told, list) or len(told) != 4:
        raise LinkError(f"the board answered {json.dumps(told)[:60]} to the trial of the model",
                        "run `tinysense setup`")
    return told


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


def _needs_folder(device: Device, path: str) -> None:
    folder = path.rpartition("/")[0]
    if not folder:
        return
    found = device.stat(folder)
    if found is None or not found.is_dir:
        raise TinysenseError(f"the board has no folder {folder} to put {path} in",
                             "name one that is there, such as /, with --to")


def upload(device: Device, model_path: Path, to: str | None = None,
           progress: Progress | None = None) -> UploadResult:
    """Packs a model for the board's core, checks it against the board, puts it there, tries it.

    The file gets its name only after the board loaded it, its golden vectors
    came out equal, and the configured driver fits; else the old one stays.
    to: path on the board, else the one in its config.
    """
    given = read_model(model_path)
    info, configured = _prepare(device)
    model = fit(given, info.kernels)
    data = model_path.read_bytes() if model is given else model.write()
    path = to or configured
    _needs_folder(device, path)
    old = device.stat(path)
    if old is not None and old.is_dir:
        raise TinysenseError(f"{path} is a folder on the board", "give a file's path with --to")
    same = (old is not None and old.size == len(data)
            and device.transport.crc32(path) == binascii.crc32(data))
    if not same:
        preflight(model, len(data), info, old.size if old else 0)
        device.put(data, path + ".new", progress)
    try:
        tried = _trial(device, path if same else path + ".new", model.gold is not None)
        if not same:
            device.transport.rename(path + ".new", path)
    except BaseException:
        if not same:
            _forget(device, path + ".new")
        raise
    return UploadResult(model.name, path, len(data), model.arena_bytes, target_name(model.target),
                        same, tried[0], tried[1], tried[2], tried[3], info)


def _forget(device: Device, path: str) -> None:
    # Where the link is gone too: a .new file is never loaded.
    with contextlib.suppress(TinysenseError):
        device.transport.remove(path)
