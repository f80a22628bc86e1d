"""What a computer may ask of a board, by name: the same at the REPL and over a network.

A row of OPS is name -> (module in the package, function in it), imported when it is
asked for. Arguments and results are what JSON holds. Over a network (see remote)
this table and files in a few folders (see places) are all there is: no code.
"""

import json
import sys
from binascii import crc32

OPS = {
    "info": ("operations", "info"),
    "reset": ("operations", "reset"),
    "models": ("installing", "models"),
    "ready": ("installing", "ready"),
    "driver": ("installing", "driver"),
    "prepare": ("installing", "prepare"),
    "install": ("installing", "install"),
    "trial": ("installing", "trial"),
    "use": ("installing", "use"),
    "rollback": ("installing", "rollback"),
    "remove": ("installing", "remove"),
    "report": ("installing", "report"),
    "key": ("signing", "describe"),
    "config_get": ("config_sync", "config_get"),
    "config_set": ("config_sync", "config_set"),
    "config_id": ("config_sync", "config_id"),
    "file_list": ("places", "listing"),
    "file_stat": ("places", "stat"),
    "file_remove": ("places", "remove"),
    "file_rename": ("places", "rename"),
    "folder_make": ("places", "mkdir"),
    "recorded_folders": ("places", "recorded"),
    "recorded": ("field.fetching", "segments"),
    "recorded_remove": ("field.fetching", "remove"),
    "recorded_time": ("field.fetching", "set_time"),
}

after = []  # functions to call once the answer has gone out


def answer(name: str, args: dict) -> "object":
    """What the operation returns; whatever it raises is raised. ValueError for no such name."""
    if name not in OPS:
        raise ValueError("expected an operation (%s), got %r" % (" ".join(sorted(OPS)), name))
    if not isinstance(args, dict):
        raise ValueError("%s: expected an object of arguments, got %r" % (name, args))
    module, function = OPS[name]
    found = __import__("tinysense." + module, None, None, (function,), 0)
    return getattr(found, function)(**args)


def told(name: str, text: str, sum: int) -> None:
    """Prints {"value": ..}, else {"error": kind, "text": ..}, as JSON for a computer at the REPL.

    text: the arguments, as JSON; sum: CRC-32 of name and text, since the REPL has none. A
    space and eight digits, the CRC-32 of the JSON, follow it.
    """
    try:
        if _sum(name + text) != sum:
            raise ValueError("%r came damaged: check the cable, then try again" % name[:20])
        said = json.dumps({"value": answer(name, json.loads(text))})
    except Exception as e:
        said = json.dumps({"error": type(e).__name__, "text": _words(e)})
    print("%s %08x" % (said, _sum(said)))
    settle()


def _sum(text):
    return crc32(text.encode()) & 0xFFFFFFFF


def settle() -> None:
    """Does what was to wait until the answer had gone out: a restart."""
    while after:
        after.pop(0)()


def _words(e):
    # An OSError's number as CPython writes it, which the computer reads.
    number = getattr(e, "errno", None)
    if isinstance(e, OSError) and isinstance(number, int) and len(e.args) < 2:
        return "[Errno %d]" % number if e.args == (number,) else str(e)
    return str(e)


# ---- Operations that have no other home ----


def info() -> dict:
    """What the board is and has now; bytes, -1 where it can't tell."""
    import os

    from . import __version__
    from .memory import free_bytes, largest_block

    here = sys.implementation
    out = {"mpy": getattr(here, "_mpy", 0), "name": here.name, "package": __version__,
           "version": ".".join([str(part) for part in here.version[:3]]),
           "machine": getattr(here, "_machine", sys.platform), "flash_free": -1}
    out["free"] = free_bytes()
    out["largest"] = max(largest_block(), 0)
    try:
        room = os.statvfs("/")
        out["flash_free"] = room[0] * room[3]
    except (OSError, AttributeError):
        pass
    try:
        import _tinysense as core

        out["core"] = "native" if hasattr(core, "__file__") else "built in"
        out["abi"], out["kernels"] = core.abi(), core.kernels()
    except ImportError:
        out["core"] = "absent"
    except Exception as e:
        out["core"] = "broken: " + str(e)
    return out


def reset() -> bool:
    """Restarts the board as its button does, once the answer has gone out."""
    import machine

    after.append(machine.reset)
    return True
