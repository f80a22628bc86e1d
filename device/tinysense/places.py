"""Which files a computer may reach by operations and over a network, and doing it.

Written: models in /ts/models but the one that runs, their signatures, and a config on its
way to being checked. Read: these, and what recorders wrote. Nothing that runs (/lib, main.py), no
key and no secret. The names decide, whatever folder a config says: a recorder's folder
set to /ts would show nothing.
"""

import os

MODELS = "/ts/models"
CONFIG = "/ts/config.new"  # taken by the operation config_set
_ROWS = 24  # of one answer
_OWN = ("clock.txt", "state.txt")


def may_write(path: str) -> bool:
    """Whether a file may be put there, renamed and removed."""
    if path == CONFIG:
        return True
    steps = _steps(path)
    inside = len(steps) == 4 and steps[:2] == ["ts", "models"]
    return inside and steps[3].rsplit(".", 1)[-1] in ("tsm", "sig", "new") and not _runs(*steps[2:])


def may_read(path: str) -> bool:
    """Whether a file may be read."""
    steps = _steps(path)
    inside = len(steps) > 2 and steps[:2] == ["ts", "models"]
    return inside or may_write(path) or _is_recorded(path)


def recorded() -> list:
    """The folders that recordings go to, by the config."""
    from .config import load
    from .outputs import parts

    config = load()
    found = [config["recorder"].get("folder", "/rec")]
    for entry in config["outputs"]:
        kind, options = parts(entry)
        if kind == "near_misses":
            found.append(options.get("folder", "/near"))
    return found


def listing(folder: str, after: str = "") -> list:
    """[name, bytes, is a folder] of the first so many names behind ``after``, in order."""
    _expect(_steps(folder)[:2] == ["ts", "models"], folder)
    return [[name] + _facts(folder + "/" + name)[1:] for name in some(folder, after)]


def stat(path: str) -> "list | None":
    """[name, bytes, is a folder], None where there is none."""
    _expect(may_read(path) or path in ("/ts", MODELS), path)
    return _facts(path)


def remove(path: str) -> bool:
    """Removes a model's file, its ``.part``, or an empty folder of models."""
    steps = _steps(path)
    folder = len(steps) == 3 and steps[:2] == ["ts", "models"]
    _expect(folder or may_write(path[:-5] if path.endswith(".part") else path), path)
    (os.rmdir if folder and _facts(path)[2] else os.remove)(path)
    return True


def rename(source: str, target: str) -> bool:
    """Renames a model's file, whatever stood there before."""
    _expect(may_write(source) and source != CONFIG, source)
    _expect(may_write(target) and target != CONFIG, target)
    try:
        os.rename(source, target)
    except OSError as e:
        if e.errno != 17:  # FAT refuses to rename over a file
            raise
        os.remove(target)
        os.rename(source, target)
    return True


def mkdir(path: str) -> bool:
    """Makes a model's folder and those above it; it may exist."""
    steps = _steps(path)
    _expect(steps[:2] == ["ts", "models"] and len(steps) <= 3, path)
    for i in range(len(steps)):
        try:
            os.mkdir("/" + "/".join(steps[: i + 1]))
        except OSError as e:
            if e.errno != 17:
                raise
    return True


def some(folder: str, after: str) -> list:
    """The first names behind ``after`` in a folder, in order: a bounded part of it."""
    found = []
    for entry in os.ilistdir(folder):
        name = entry[0]
        if name > after and (len(found) < _ROWS or name < found[-1]):
            found.append(name)
            found.sort()
            del found[_ROWS:]
    return found


def _steps(path):
    """The names in a path, [] unless it is a plain one from the root on."""
    if not isinstance(path, str) or path[:1] != "/" or "\0" in path or "\\" in path:
        return []
    steps = path[1:].split("/")
    plain = all([step and step[0] != "." for step in steps])
    return steps if plain else []


def _runs(name, file):
    """Whether it is the file of an active slot: only an install, which tries it, puts one there."""
    from .slots import is_name, read

    state = read(name) if is_name(name) else None
    return state is not None and file == state["active"] + ".tsm"


def _is_recorded(path):
    steps = _steps(path)
    name = steps[-1] if steps else ""
    return name in _OWN or len(name) == 10 and name[:6].isdigit() and name[6:] == ".tsr"


def _facts(path):
    try:
        found = os.stat(path)
    except OSError as e:
        if e.errno != 2:
            raise
        return None
    folder = bool(found[0] & 0x4000)
    return [path.rsplit("/", 1)[-1], 0 if folder else found[6], folder]


def _expect(good, path):
    if not good:
        raise ValueError("%s is not among the files that may be reached: expected a model in %s "
                         "or a recording" % (repr(path)[:60], MODELS))
