"""What a computer does with the models on a board: see, put, choose, go back, remove.

Every function takes and returns what JSON holds (tinysense.operations names them).
A file is tried on this board's core before it becomes a model's active one, which
is one rename of its slots.json (tinysense.slots).
"""

import os

from . import config, slots, trials
from .errors import ModelError
from .model import Model, key_is_set
from .native import core

# The driver of a pipeline that runs meanwhile: making another would reset its sensor.
in_use: "Driver | None" = None


def models() -> dict:
    """What is there: {"models": [..], "current", "config", "note", "kernels", "key"}.

    Of each: name, active, left, tries, before, a and b (None where empty; see install()).
    "config": what the config calls its model, "" for the current one; None where it
    can't be read, and why in "note". "kernels": of this core; "key": whether models must
    be signed.
    """
    wanted, note = None, ""
    try:
        wanted = config.load()["model"]
    except (ValueError, OSError) as e:
        note = str(e)
    found = []
    for name in _names():
        state = slots.read(name)
        if state is not None:
            del state["reports"]
            state["name"] = name
            found.append(state)
    return {"models": found, "current": slots.current(), "config": wanted, "note": note,
            "kernels": core.kernels(), "key": key_is_set()}


def ready() -> dict:
    """Imports all that a running pipeline needs: the free memory after it is what a model finds."""
    from . import drivers, pipeline

    return {"imported": [drivers.__name__, pipeline.__name__]}


def driver(sensor: dict) -> dict:
    """What the configured driver gives, made for such a sensor (of a model's META).

    {"driver", "axes": of the config, "facts": None where it can't be made, "note": why}
    """
    from .features import Sensor
    from .link import facts

    wanted = config.load()
    told = {"driver": wanted["driver"], "axes": wanted["axes"], "facts": None, "note": ""}
    made, told["note"] = _made(wanted, Sensor(sensor))
    if made is not None:
        try:
            told["facts"] = facts(made)
        finally:
            _let_go(made)
    return told


def prepare(name: str, sha256: str = "") -> dict:
    """{"slot", "path"}: where a model's next file goes, the folder made.

    That is the slot which holds the same file already, else the one that is not active.
    While the active file is on trial, or bad, and the other is good, the other becomes
    active, so that the good one is not overwritten.
    """
    state = slots.read(name)
    if state is None:
        folder = "%s/%s" % (slots.ROOT, slots.checked(name))
        parts = folder.split("/")
        for i in range(2, len(parts) + 1):
            if not slots.exists("/".join(parts[:i])):
                os.mkdir("/".join(parts[:i]))
        return {"slot": "a", "path": slots.file_of(name, "a")}
    active = state["active"]
    slot = trials.other(active)
    same = [each for each in slots.SLOTS if state[each] and state[each]["sha256"] == sha256]
    if same:
        slot = active if active in same else same[0]
    elif state[active]["state"] != "good" and _good(name, state, slot):
        state.update(active=slot, pending=False, tries=0)
        trials.write(name, state)
        slot = active
    return {"slot": slot, "path": slots.file_of(name, slot)}


def install(name: str, slot: str, sha256: str, uploaded: str = "", signature: str = "",
            golden: bool = True, windows: int = trials.WINDOWS, source: str = "") -> dict:
    """Tries the file of a slot, then makes it the active one of the current model, on trial.

    Returns as trial() does. Raises, with nothing changed, where it is another file than
    ``sha256`` says, is not signed as this board wants, can't be loaded, gives other
    golden outputs or does not fit the configured driver. ``uploaded``: when, UTC;
    ``windows``: that it is on trial for, 0 for none; ``source``: SHA-256 of the file that
    it was packed from. slots.json keeps of the file: size, sha256, source, kernels of the
    core that it was tried on, golden [equal, all], uploaded, signature, and state: trial,
    good or bad.
    """
    path = slots.file_of(name, slot)
    found = trials.sha256(path)
    if found != sha256:
        raise ModelError("%s: expected a file with SHA-256 %s, got %s: upload it again"
                         % (path, sha256[:12], found[:12]))
    told = _tried(slots.opened_file(path, True, name, signature), golden)
    state = slots.read(name)
    state = state or slots.fresh(slot)
    before, old = slots.current(), state[slot]
    if state["active"] == slot and old and old["sha256"] == sha256 and old["state"] == "good":
        windows = 0
    state[slot] = {"size": os.stat(path)[6], "sha256": sha256, "uploaded": uploaded,
                   "signature": signature, "golden": told["golden"], "source": source,
                   "kernels": core.kernels(),
                   "state": "trial" if windows else "good"}
    if windows and before != name:
        state["before"] = before
    state.update(active=slot, pending=False, tries=0, left=windows)
    trials.write(name, state)
    if before != name:
        trials.set_current(name)
    return told


def trial(path: str, golden: bool = True) -> dict:
    """Loads a model file, runs its golden vectors, compares it with the configured driver.

    {"golden": [equal, all], "driver": "" where the model has no sensor, "note": why that
    could not be made}
    """
    return _tried(Model(path), golden)


def use(name: str) -> dict:
    """Makes a model the current one; "" for none, so that model.tsm runs. As models()."""
    if name and slots.read(name) is None:
        raise ModelError("no model %s here: expected one of: %s" % (name, " ".join(_names())))
    trials.set_current(name)
    return models()


def rollback(name: str = "") -> dict:
    """Goes back to the file in the other slot: {"name", "from", "to", "sha256"}."""
    name = name or slots.current()
    state = slots.read(name) if name else None
    if state is None:
        raise ModelError("no model %s here with a file to go back to: expected one of: %s"
                         % (name, " ".join(_names())))
    old = state["active"]
    new = trials.other(old)
    entry = state[new]
    if entry and entry["state"] == "bad":
        raise ModelError("model %s: the other file failed before: upload another one" % name)
    if not trials.whole(name, state, new):
        raise ModelError("model %s has no other whole file to go back to" % name)
    state.update(active=new, pending=False, tries=0,
                 left=trials.WINDOWS if entry["state"] == "trial" else 0)
    trials.write(name, state)
    return {"name": name, "from": old, "to": new, "sha256": entry["sha256"]}


def remove(name: str) -> dict:
    """Removes a model that does not run, with both its files. As models()."""
    folder = "%s/%s" % (slots.ROOT, slots.checked(name))
    if name not in _names():
        raise ModelError("no model %s here: expected one of: %s" % (name, " ".join(_names())))
    if name == slots.current() or name == config.load()["model"]:
        raise ModelError("model %s is the one that runs: choose another first, with `tinysense "
                         "models --use NAME`" % name)
    files = os.listdir(folder)
    files.sort(key=lambda leaf: leaf != "slots.json.part")  # it would count as slots.json
    for leaf in files:
        os.remove(folder + "/" + leaf)
    os.rmdir(folder)
    return models()


def report(forget: bool = False) -> list:
    """What went wrong with models and is not told yet: [{name, slot, sha256, why, to, ..}].

    forget: it is told now.
    """
    found = []
    for name in _names():
        state = slots.read(name)
        if state is not None and state["reports"]:
            found += state["reports"]
            if forget:
                state["reports"] = []
                trials.write(name, state)
    return found


def _good(name, state, slot):
    return trials.whole(name, state, slot) and state[slot]["state"] == "good"


def _names():
    try:
        return sorted(leaf for leaf in os.listdir(slots.ROOT)
                      if slots.is_name(leaf) and os.stat(slots.ROOT + "/" + leaf)[0] & 0x4000)
    except OSError:
        return []


def _tried(model, golden):
    told = {"golden": [0, 0], "driver": "", "note": ""}
    if golden:
        told["golden"] = list(model.selftest(quiet=True))
    if model.features is not None and model.sensor is not None:
        wanted = config.load()
        told["driver"] = wanted["driver"]
        made, told["note"] = _made(wanted, model.sensor)
        if made is not None:
            try:
                model.features.connect(made, wanted["axes"])
            finally:
                _let_go(made)
    return told


def _made(wanted, sensor):
    """(the configured driver, ""), or (None, why there is none): it may be wired up later."""
    from . import drivers

    if in_use is not None:
        if in_use.rate_mhz == sensor.rate_mhz:
            return in_use, ""
        return None, "it is in use at %d mHz, the model wants %d" % (in_use.rate_mhz,
                                                                      sensor.rate_mhz)
    try:
        return drivers.make(wanted["driver"], wanted["driver_options"], sensor), ""
    except Exception as e:
        return None, "%s: %s" % (type(e).__name__, e)


def _let_go(driver):
    if driver is not in_use:
        driver.close()
