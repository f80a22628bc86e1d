"""What a board could not hold or run is refused before anything is sent to it."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from tinysense_host.device import BoardInfo
from tinysense_host.errors import TinysenseError
from tinysense_host.modelfile import ModelFile

__all__ = ["FLASH_SLACK_BYTES", "OLDEST", "RAM_SLACK_BYTES", "fits_driver", "fits_firmware",
           "needs", "preflight"]

FLASH_SLACK_BYTES = 8192        # what a file system takes for its own
RAM_SLACK_BYTES = 6144          # objects of model, window and pipeline
OLDEST = (1, 25)                # MicroPython


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
    fits_firmware(info)
    flash = file_bytes + FLASH_SLACK_BYTES
    if 0 <= info.flash_free < flash:
        raise TinysenseError(
            f"too little flash: {flash} bytes needed for {model.name} ({file_bytes} and "
            f"{FLASH_SLACK_BYTES} spare), {info.flash_free} free"
            + (f"; the old model keeps its {replaced_bytes} until the new one is whole"
               if replaced_bytes else ""),
            "remove files from the board; `tinysense models --remove NAME` removes a model")
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


def fits_firmware(info: BoardInfo) -> None:
    """Refuses a firmware, a package or a core that this tinysense does not speak with."""
    from tinysense.native import ABI

    if info.firmware not in ("micropython", "cpython"):
        raise TinysenseError(f"the board runs {info.firmware or 'another firmware'} "
                             f"{info.version}, expected MicroPython", "flash MicroPython")
    if info.firmware == "micropython" and _numbers(info.version) < OLDEST:
        raise TinysenseError(
            f"the board's MicroPython is {info.version}, expected {OLDEST[0]}.{OLDEST[1]} or "
            "newer", "flash a newer one: tinysense boards shows which board it is")
    if info.core == "absent" or info.package is None:
        raise TinysenseError(f"the board has no {'core' if info.core == 'absent' else 'tinysense'}",
                             "put it there: tinysense setup")
    if info.core.startswith("broken"):
        raise TinysenseError(f"the board's _tinysense is {info.core}", "run `tinysense setup`")
    if info.abi != ABI:
        built_in = info.core == "built in"
        raise TinysenseError(
            f"the board's core speaks version {info.abi}, this tinysense {ABI}",
            "build and flash a firmware of this version: make firmware; or put the native module "
            "there: tinysense setup --native" if built_in else "run `tinysense setup`")


def fits_driver(model: ModelFile, told: dict[str, Any]) -> tuple[str, str]:
    """(the configured driver, why it could not be compared), by the device package's own rule.

    told: what the operation `driver` on the board answered. TinysenseError where
    rate, channels, units, range or axes do not fit the model.
    """
    from tinysense.errors import ModelError
    from tinysense.features import Features, Sensor

    name, facts = str(told.get("driver", "")), told.get("facts")
    if not isinstance(facts, dict) or model.feat is None:
        return name, str(told.get("note", ""))[:300]
    try:
        driver = SimpleNamespace(
            rate_mhz=int(facts["rate_mhz"]), channels=len(facts["channels"]),
            axes=tuple(facts["channels"]), units=_fixed(facts["units"]),
            full_scale=_fixed(facts["full_scale"]))
    except (KeyError, TypeError, ValueError) as e:
        raise TinysenseError(f"the board's driver {name!r} did not say what it gives: {e!r}",
                             "put the same tinysense on it: tinysense setup") from e
    try:
        Features(bytes(model.feat), Sensor(model.meta["sensor"])).connect(
            driver, str(told.get("axes", "")))
    except ModelError as e:
        raise TinysenseError(f"{e}", "tinysense sync shows and sets the board's config") from e
    except (TypeError, ValueError) as e:
        raise TinysenseError(f"the board's driver {name!r} gives what can't be compared: {e}",
                             "put the same tinysense on it: tinysense setup") from e
    return name, ""


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) if part.isdigit() else 0 for part in version.split(".")[:2])


def _fixed(value: object) -> object:
    return tuple(value) if isinstance(value, list) else value
