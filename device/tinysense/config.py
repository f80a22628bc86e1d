"""The device's config: one JSON file, one table of what may stand in it.

A row is (name, type, default, range, doc). ``type``: a type, or a tuple of
two; ``range``: (lowest, highest) for numbers and for the numbers in an object,
a tuple of allowed texts for texts, "file" for a file's path, for an object the
module whose OPTIONS it takes, None for no limit; a default of None means that
the key must be given. Drivers and outputs keep rows of the same kind for their
options, and the computer's `tinysense sync` makes a JSON Schema of them all.
"""

import json

from .errors import ConfigError
from .replacing import PART, put_in_place

PATH = "/tinysense.json"
VERSION = 1  # of the rows; what a config of a later one holds besides is passed over and kept

ROWS = (
    ("model", str, "", "file", "name of the model, or path of its file; else the current one"),
    ("driver", str, "mpu6050", None, "module in tinysense/drivers"),
    ("driver_options", dict, {}, None, "see the driver's OPTIONS"),
    ("recorder", dict, {}, "field.recorder", "see OPTIONS of tinysense/field/recorder.py"),
    ("remote", dict, {}, "remote", "see OPTIONS of tinysense/remote.py"),
    ("axes", str, "", None, "driver axis for each of the model's channels, as 'y -x z'"),
    ("outputs", list, ["serial"], None, "names in tinysense/outputs, or objects: kind, options"),
    ("smooth", int, -1, (-1, 255), "windows to average over, -1: as the model says"),
    ("threshold", dict, {}, (0, 256), "label: 0..256, where it differs from the model's"),
    ("refractory_ms", int, -1, (-1, 3600000), "pause after an event, -1: as the model says"),
    ("version", int, 1, (1, 1 << 24), "of the rows that it was written for"),
)

_NAMES = {str: "text", int: "whole number", bool: "true or false", dict: "object", list: "list",
          (int, str): "pin number or name"}


def defaults(rows: tuple = ROWS) -> dict:
    """A new dict of all defaults."""
    return {name: _copy(default) for name, _, default, _, _ in rows}


def validate(config: dict) -> dict:
    """The whole config, defaults filled in; ConfigError names key, expected and got.

    The options of driver and outputs are left to check_options(). Of a config
    of a later version what is not known here is left out.
    """
    if newer(config):
        from .config_sync import understood

        config = understood(config)
    out = check(ROWS, config, "config")
    for i, entry in enumerate(out["outputs"]):
        good = isinstance(entry, str) or isinstance(entry, dict) and "kind" in entry
        if not good:
            raise ConfigError("config: outputs[%d]: expected a name or an object with kind, got %r"
                              % (i, entry))
    return out


def newer(config: dict) -> bool:
    """Whether it was written for later rows than these."""
    version = config.get("version", 1) if isinstance(config, dict) else 1
    return _whole(version) and version > VERSION


def check_options(config: dict) -> None:
    """ConfigError unless driver and outputs are here and their options fit; recorder's too.

    Imports their modules; a pipeline does not need it, since it checks each
    that it makes.
    """
    from .outputs import parts

    config = validate(config)
    _check_inside(ROWS, config, "")
    choose("drivers", config["driver"], config["driver_options"])
    for entry in config["outputs"]:
        choose("outputs", *parts(entry))


def choose(folder: str, name: str, given: dict) -> tuple:
    """(module, options checked and filled in) of the driver or output of that name."""
    module = plugin(folder, name)
    where = "driver_options of " if folder == "drivers" else "options of output "
    return module, check(module.OPTIONS, given, where + name)


def rows_of(name: str) -> tuple:
    """The OPTIONS of a module of the package."""
    return __import__("tinysense." + name, None, None, ("OPTIONS",), 0).OPTIONS


def _check_inside(rows, config, where):
    """Objects whose keys are another module's rows; an empty one stands for none."""
    for name, kind, _, limits, _ in rows:
        if kind is dict and isinstance(limits, str) and config[name]:
            inside = rows_of(limits)
            _check_inside(inside, check(inside, config[name], where + name), name + ": ")


def path_fault(path: str) -> str:
    """What is wrong with a path on the board, "" if nothing is."""
    if not path:
        return "expected the path of a file, got nothing"
    if "\0" in path:
        return "expected a path without NUL, got %r" % path
    if ".." in path.split("/"):
        return "expected a path without .., got %r" % path
    return ""


def check(rows: tuple, given: dict, where: str) -> dict:
    """``given`` against a table of rows; returns it with defaults filled in."""
    if not isinstance(given, dict):
        raise ConfigError("%s: expected an object, got %r" % (where, given))
    names = [row[0] for row in rows]
    for key in given:
        if key not in names:
            raise ConfigError("%s: unknown key %r%s" % (where, key, _suggestion(key, names)))
    out = defaults(rows)
    for row in rows:
        if row[0] in given:
            out[row[0]] = _check_value(row, given[row[0]], where)
        elif row[2] is None:
            raise ConfigError("%s: %s is missing: %s" % (where, row[0], row[4]))
    return out


def load(path: str = PATH) -> dict:
    """The config in a file, validated. A file that is not there gives the defaults."""
    try:
        with open(path) as f:
            text = f.read()
    except OSError as e:
        if e.errno != 2:
            raise
        return defaults()
    return validate(parsed(text, path))


def save(config: dict, path: str = PATH) -> None:
    """Validates, then replaces the file in one step: a power cut leaves the old or the new.

    What the file holds for a later version than this one stays in it.
    """
    check_options(config)
    if newer(config):
        from .config_sync import carried

        config = carried(config, path)
    write(config, path)


def write(config: dict, path: str) -> None:
    """Replaces a file in one step; what is to go there was checked."""
    with open(path + PART, "w") as f:
        f.write(json.dumps(config))
        f.flush()
    put_in_place(path)


def parsed(text: str, path: str) -> dict:
    """What a config file holds, not checked; ConfigError where that is no JSON."""
    try:
        # MicroPython's json takes a text that was cut for a whole one.
        if text.count("{") != text.count("}"):
            raise ValueError
        return json.loads(text)
    except (ValueError, RuntimeError):
        raise ConfigError("%s: not JSON, or cut short: write it again with `tinysense sync`" % path)


def plugin(folder: str, name: str) -> "Module":
    """The module tinysense.<folder>.<name>, for a name that came from outside."""
    if not isinstance(name, str) or not all(c.islower() or c.isdigit() or c == "_" for c in name):
        raise ConfigError("%s: expected a module's name in small letters, got %r" % (folder, name))
    try:
        module = __import__("tinysense.%s.%s" % (folder, name), None, None, ("build",), 0)
    except ImportError:
        module = None
    if not (hasattr(module, "OPTIONS") and hasattr(module, "build")):
        raise ConfigError("%s: no %r here: expected the name of a file in tinysense/%s"
                          % (folder, name, folder))
    return module


def _check_value(row, value, where):
    name, kind, default, limits, _ = row
    if limits == "file" and isinstance(value, str):
        fault = "" if value == default else path_fault(value)
        if fault:
            raise ConfigError("%s: %s: %s" % (where, name, fault))
        limits = None
    if kind is int or isinstance(kind, tuple):
        value = int(value) if _whole(value) else value
    good = isinstance(value, kind) and (kind is bool or not isinstance(value, bool))
    if not good:
        raise ConfigError("%s: %s: expected %s, got %r" % (where, name, _NAMES[kind], value))
    if limits is not None and isinstance(value, int) and not limits[0] <= value <= limits[1]:
        raise ConfigError("%s: %s: expected %d to %d, got %d" % (where, name, limits[0], limits[1],
                                                               value))
    if isinstance(limits, tuple) and isinstance(value, dict):
        value = {key: _check_value((name + "." + str(key), int, 0, limits, ""), value[key], where)
                 for key in value}
    if limits is not None and kind is str and value not in limits:
        raise ConfigError("%s: %s: expected one of %s, got %r" % (where, name, " ".join(limits),
                                                                 value))
    return value


def _whole(value):
    """Whether it is a whole number; 3.0 is one, as JSON has no other name for it."""
    try:
        return not isinstance(value, (bool, str)) and value == int(value)
    except (TypeError, ValueError, OverflowError):
        return False


def _suggestion(key, names):
    """", did you mean ...?" where a name is at most two edits away."""
    best = min(names, key=lambda name: distance(str(key), name)) if names else ""
    if names and distance(str(key), best) <= 2:
        return ": did you mean %r?" % best
    return ": expected one of " + " ".join(names)


def distance(a: str, b: str) -> int:
    """How many letters must be put in, left out or changed to make a into b."""
    row = list(range(len(b) + 1))
    for i, letter in enumerate(a):
        before, row[0] = row[0], i + 1
        for j, other in enumerate(b):
            before, row[j + 1] = row[j + 1], min(row[j + 1] + 1, row[j] + 1,
                                                 before + (letter != other))
    return row[-1]


def _copy(value):
    if isinstance(value, dict):
        return dict(value)
    return list(value) if isinstance(value, list) else value
