"""Doctor's checks that ask the board: firmware, memory, package, config, model, sensor, link."""

from __future__ import annotations

import json
import os
import statistics
import time

import numpy as np

from tinysense_host.device import connect
from tinysense_host.doctor.checks import (
    FAIL,
    OK,
    SKIPPED,
    WARN,
    Check,
    Finding,
    Found,
    Patient,
    SkipError,
    described,
)
from tinysense_host.errors import TinysenseError
from tinysense_host.link.enquiry import LoggerRunsError
from tinysense_host.link.session import (
    MODEL_GLOBAL,
    Take,
    driver_facts,
    explain,
    load_model,
    record,
)
from tinysense_host.link.transport import BoardError, LinkError

__all__ = ["board_checks"]

OLDEST = (1, 25)            # MicroPython that the package runs on
FLASH_LEAST = 16_384        # bytes: room for a config, its backup and a small model
PIECES = 0.5                # a largest block of less than this much of the free RAM
RATE_OFF = 0.05             # as device/tinysense/features.py allows
CLOCK_OFF_S = 60.0
ECHO_BYTES = 4096
SAMPLE_S = 1.0
_ECHO_PATH = "/doctor.tmp"
_FULL = 32767

_CLOCK = """
import time, json
_y = time.gmtime(0)[0]
print(json.dumps(time.time() + (946684800 if _y == 2000 else 0)))
"""
_MODEL = """
def _ts_look(m):
 import json
 try:
  g = m.selftest(quiet=True)
 except ValueError as e:
  g = [-1, str(e)]
 s = m.sensor
 print(json.dumps({{"name": m.name, "file": m.file_bytes, "arena": m.arena_bytes, "golden": g,
  "rate_mhz": s.rate_mhz if s else 0}}))
_ts_look({model})
del _ts_look
"""


def _prompt(patient: Patient) -> Found:
    begin = time.monotonic()
    try:
        patient.device = connect(patient.target, patient.board, patient.kind, patient.interrupt)
    except LoggerRunsError as e:
        return [Finding("prompt", WARN, e.message, e.hint), Finding(
            "prompt", SKIPPED, "the board is left alone")]
    except LinkError as e:
        return [Finding("prompt", FAIL, f"{described(patient.where)}: {e.message}",
                        f"{e.hint}; a cable may be for charging only, try another")]
    spent, port = time.monotonic() - begin, patient.device.port
    return [Finding("prompt", OK, f"MicroPython answers on {port} after {spent:.1f} s")]


def _firmware(patient: Patient) -> Found:
    device = patient.connected()
    if not device.remote:
        device.soft_reset()         # what ran before is not what the model will meet
    info = patient.info = device.info()
    known = f"{info.firmware} {info.version} on {info.machine}"
    number = tuple(int(part) for part in info.version.split(".")[:2] if part.isdigit())
    if info.firmware == "micropython" and number < OLDEST:
        return [Finding("firmware", FAIL, f"{known}: expected MicroPython 1.25 or newer",
                        "put a newer firmware on the board; make firmware builds one")]
    return [Finding("firmware", OK, known)]


def _memory(patient: Patient) -> Found:
    info = patient.told()
    if info.ram_free < 0:
        raise SkipError("the board can't tell")
    said = f"{info.ram_free} bytes of RAM free, largest block {info.ram_largest}"
    if info.ram_largest < PIECES * info.ram_free:
        return [Finding("memory", WARN, f"{said}: in pieces", "press its reset button; a main.py "
                        "that takes memory early should load the model first")]
    return [Finding("memory", OK, said)]


def _flash(patient: Patient) -> Found:
    info = patient.told()
    if info.flash_free < 0:
        raise SkipError("the board can't tell")
    said = f"{info.flash_free} bytes of flash free"
    if info.flash_free < FLASH_LEAST:
        return [Finding("flash", FAIL, said, "remove files from the board; recordings: "
                        "tinysense pull --delete")]
    return [Finding("flash", OK, said)]


def _package(patient: Patient) -> Found:
    from tinysense_host.deploy.board_package import check_package

    info = patient.told()
    if info.package is None:
        return [Finding("package", FAIL, "the board has no tinysense",
                        "put it there: tinysense setup")]
    check_package(patient.connected())
    return [Finding("package", OK, f"tinysense {info.package}")]


def _board_core(patient: Patient) -> Found:
    from tinysense.native import ABI

    info = patient.told()
    if info.core in ("absent", "") or info.core.startswith("broken"):
        return [Finding("board core", FAIL, f"the board's compiled core is {info.core or 'absent'}",
                        "put it there: tinysense setup --native")]
    if info.abi != ABI:
        return [Finding("board core", FAIL, f"the board's core speaks version {info.abi}, this "
                        f"tinysense {ABI}", "tinysense setup --native, or a new firmware")]
    return [Finding("board core", OK, f"{info.core}, ABI {info.abi}, kernels {info.kernels}")]


def _config(patient: Patient) -> Found:
    from tinysense_host.sync import board_config

    try:
        patient.config = board_config(patient.connected())
    except TinysenseError as e:
        if isinstance(e, LinkError):
            raise
        return [Finding("config", FAIL, e.message, "show and mend it: tinysense sync")]
    if patient.config is None:
        return [Finding("config", WARN, "the board has no config: defaults hold",
                        "name its sensor: tinysense sync --set driver=...")]
    driver = patient.config.get("driver", "the default one")
    return [Finding("config", OK, f"valid, driver {driver}")]


def _model(patient: Patient) -> Found:
    device = patient.connected()
    if device.remote:
        raise SkipError("not over a network")
    try:
        load_model(device)
        told = device.ask(_MODEL.format(model=MODEL_GLOBAL), timeout=120.0)
    except LinkError:
        raise
    except TinysenseError as e:
        return [_refused("model", e, "put one there: tinysense upload")]
    if not isinstance(told, dict) or not isinstance(told.get("golden"), list):
        raise LinkError(f"the board answered {json.dumps(told)[:60]} about its model",
                        "put the same tinysense on it: tinysense setup")
    patient.model = told
    equal, count = told["golden"][:2]
    said = f"{told.get('name')}, {told.get('file')} bytes, arena {told.get('arena')}"
    if equal == -1:
        if "holds no golden" in str(count):
            return [Finding("model", WARN, f"{said}: without golden vectors, so not proven here",
                            "convert it again: tinysense convert")]
        return [Finding("model", FAIL, str(count), "tinysense setup --native, or a new firmware")]
    return [Finding("model", OK, f"{said}, {equal}/{count} golden outputs equal")]


def _refused(check: str, e: TinysenseError, remedy: str) -> Finding:
    """What the board raised, in one line; remedy: where the error names none."""
    told = explain(e) if isinstance(e, BoardError) else e
    text = f"{told.kind}: {told.text}" if isinstance(told, BoardError) else told.message
    return Finding(check, FAIL, text, told.hint or remedy)


def _rolled_back(patient: Patient) -> Found:
    from tinysense_host.deploy.slots import take_reports

    device = patient.connected()
    lines = [*device.reports, *take_reports(device)]    # at the prompt, and since
    if not lines:
        return [Finding("rollbacks", OK, "no model has failed")]
    return [Finding("rollbacks", WARN, line, "see tinysense models, and upload another: "
                    "tinysense upload") for line in lines]


def _sensor(patient: Patient) -> Found:
    device, fitted = patient.connected(), bool(patient.model.get("rate_mhz"))
    if device.remote:
        raise SkipError("not over a network")
    try:
        facts = driver_facts(device, fitted)
        take = record(device, SAMPLE_S, for_model=fitted)
    except LinkError:
        raise
    except TinysenseError as e:
        return [_refused("sensor", e, "check wiring and power; its settings: tinysense sync")]
    return list(_heard(take, str(facts.get("driver"))))


def _heard(take: Take, driver: str) -> list[Finding]:
    """What a second of frames shows."""
    nominal, measured = take.hello.rate_mhz, take.measured_rate_mhz
    rate = f", {measured / 1000:.1f} of {nominal / 1000:g} Hz" if measured else ""
    said = f"{driver}: {len(take.frames)} frames{rate}"
    found = []
    if driver == "Replay":
        return [Finding("sensor", OK, f"{said}; a recording is played, no sensor is asked")]
    if measured and abs(measured - nominal) > RATE_OFF * nominal:
        found.append(Finding("sensor", WARN, f"{said}: off by more than {RATE_OFF:.0%}",
                             "set a rate that the sensor has: tinysense sync"))
    if take.lost_on_board:
        found.append(Finding("sensor", WARN, f"{take.lost_on_board} frames lost on the board",
                             "a faster bus or a lower rate: tinysense sync"))
    wide = take.frames.astype(np.int32)
    names = np.array(take.hello.channels)
    flat = names[wide.max(axis=0) == wide.min(axis=0)]
    clipped = names[(np.abs(wide) >= _FULL).mean(axis=0) > 0.01]
    if len(flat):
        found.append(Finding("sensor", WARN, f"{', '.join(flat)}: the same number all the time",
                             "check its wiring and power, and that it is not muted"))
    if len(clipped):
        found.append(Finding("sensor", WARN, f"{', '.join(clipped)}: at full scale",
                             "set a larger range or a lower gain: tinysense sync"))
    return found or [Finding("sensor", OK, said)]


def _clock(patient: Patient) -> Found:
    if patient.connected().remote:
        raise SkipError("not over a network")
    before = time.time()
    there = patient.connected().ask(_CLOCK)
    if not isinstance(there, int | float):
        raise SkipError("the board can't tell")
    off = float(there) - before
    if abs(off) > CLOCK_OFF_S:
        return [Finding("clock", WARN, f"the board's clock is off by {abs(off):.0f} s",
                        "nothing to do for recordings: tinysense pull finds their true times")]
    return [Finding("clock", OK, "set, within a minute of this computer's")]


def _link(patient: Patient) -> Found:
    device = patient.connected()
    if device.remote:
        raise SkipError("not over a network")
    rounds = []
    for _ in range(5):
        begin = time.monotonic()
        device.exec("pass")
        rounds.append(time.monotonic() - begin)
    data = os.urandom(ECHO_BYTES)
    begin = time.monotonic()
    try:
        device.put(data, _ECHO_PATH)
        back = device.get(_ECHO_PATH)
    finally:
        _forget(patient)
    spent = time.monotonic() - begin
    if back != data:
        return [Finding("link", FAIL, f"{ECHO_BYTES} bytes came back changed",
                        "try another cable, without a hub")]
    return [Finding("link", OK, f"{statistics.median(rounds) * 1000:.0f} ms there and back, "
                    f"{ECHO_BYTES} bytes and back in {spent:.1f} s without an error")]


def _forget(patient: Patient) -> None:
    for path in (_ECHO_PATH, _ECHO_PATH + ".part"):
        try:
            patient.connected().transport.remove(path)
        except TinysenseError:
            continue


def board_checks() -> tuple[Check, ...]:
    """The checks of the board, in order."""
    prompt, firmware = ("prompt",), ("firmware",)
    usable = ("package", "board core")
    return (
        Check("prompt", ("mpremote", "port", "rights", "busy"), _prompt),
        Check("firmware", prompt, _firmware), Check("memory", firmware, _memory),
        Check("flash", firmware, _flash), Check("package", firmware, _package),
        Check("board core", firmware, _board_core), Check("config", prompt, _config),
        Check("model", (*usable, "config"), _model),
        Check("rollbacks", usable, _rolled_back), Check("sensor", (*usable, "config"), _sensor),
        Check("clock", prompt, _clock), Check("link", prompt, _link))
