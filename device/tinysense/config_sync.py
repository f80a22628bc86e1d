"""Configs of later versions than this, and what a computer asks to merge configs."""

import os

from .config import PATH, ROWS, check_options, newer, parsed, plugin, rows_of, validate, write
from .errors import ConfigError
from .replacing import PART, put_in_place

BACKUP = ".bak"  # after the name of the config before the last one
ID = "/ts/id"


def understood(config: dict, passed: "list | None" = None) -> dict:
    """A config of a later version without the keys that are not known here.

    Any other is returned as it is, for check() to refuse what it does not know.
    ``passed`` collects the keys that were left out, dotted.
    """
    if not newer(config):
        return config
    passed = [] if passed is None else passed
    out = _known(ROWS, config, "", passed)
    name = out.get("driver", "mpu6050")
    if "driver_options" in out:
        out["driver_options"] = _of_plugin("drivers", name, out["driver_options"],
                                           "driver_options.", passed)
    if isinstance(out.get("outputs"), list):
        out["outputs"] = [_output(entry, i, passed) for i, entry in enumerate(out["outputs"])]
    return out


def _known(rows, given, prefix, passed, more=()):
    if not isinstance(given, dict):
        return given
    inside = {row[0]: row[3] if row[1] is dict else None for row in rows}
    out = {}
    for key in given:
        if key in inside:
            module = inside[key]
            out[key] = given[key]
            if isinstance(module, str) and given[key]:
                out[key] = _known(rows_of(module), given[key], prefix + key + ".", passed)
        elif key in more:
            out[key] = given[key]
        else:
            passed.append(prefix + key)
    return out


def _of_plugin(folder, name, given, prefix, passed, more=()):
    try:
        rows = plugin(folder, name).OPTIONS
    except ConfigError:  # check() says so
        return given
    return _known(rows, given, prefix, passed, more)


def _output(entry, i, passed):
    if not isinstance(entry, dict):
        return entry
    return _of_plugin("outputs", entry.get("kind"), entry, "outputs[%d]." % i, passed, ("kind",))


def carried(config: dict, path: str) -> dict:
    """``config``, and besides it what the file of a later version holds and load() left out."""
    try:
        old = _read(path)
    except ConfigError:
        return config
    return _carried(config, old, validate(old)) if newer(old) else config


def _carried(new, old, known):
    if new == known:
        return old
    if not (isinstance(new, dict) and isinstance(old, dict) and isinstance(known, dict)):
        return new
    out = {key: _carried(new[key], old[key], known[key]) if key in old and key in known
           else new[key] for key in new}
    for key in old:
        if key not in known and key not in out:
            out[key] = old[key]
    return out


def _read(path):
    try:
        with open(path) as f:
            return parsed(f.read(), path)
    except OSError as e:
        if e.errno != 2:
            raise
        return None


# ---- What a computer asks for (see operations) ----


def config_get() -> "dict | None":
    """The config as it stands in the file, None where there is none; defaults not filled in."""
    return _read(PATH)


def config_set(config: dict) -> bool:
    """Checks a config and puts it in the place of the old one, which is kept as a backup."""
    check_options(config)
    try:
        with open(PATH, "rb") as f:
            old = f.read()
        with open(PATH + BACKUP + PART, "wb") as f:
            f.write(old)
        put_in_place(PATH + BACKUP)
    except OSError as e:
        if e.errno != 2:
            raise
    write(config, PATH)
    return True


def config_id(make: bool = True) -> str:
    """A text that this flash keeps, and no other: what was agreed with it is found by it.

    Not the chip's number alone: an erased flash has agreed on nothing. ``make``: one
    where there is none yet, else "".
    """
    try:
        with open(ID) as f:
            text = f.read(17)
    except (OSError, ValueError):
        text = ""
    if len(text) != 16 or not all(letter in "0123456789abcdef" for letter in text):
        if not make:
            return ""
        from .recording import new_id

        text = "%08x%08x" % (new_id(), new_id())
        try:
            os.mkdir(ID.rsplit("/", 1)[0])
        except OSError:  # it is there; where it can't be, open() says why
            pass
        with open(ID + PART, "w") as f:
            f.write(text)
        put_in_place(ID)
    return text + _chip()


def _chip():
    try:
        import machine

        return "-" + "".join("%02x" % byte for byte in machine.unique_id())
    except (ImportError, AttributeError):
        return ""
