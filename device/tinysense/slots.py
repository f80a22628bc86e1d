"""Slots: a model has two files on the board, and the one before stays until the new one has run.

    /ts/models/<name>/a.tsm, b.tsm    the files
    /ts/models/<name>/slots.json      which of them is active, and what is known of both
    /ts/models/current                name of the model that a config without `model` runs

A new file is "on trial" (trials.py) until it is "good", or "bad". This is what the
start of a good one needs; installing.py puts files there.
"""

import json
import os

from .errors import ModelError
from .replacing import PART

ROOT = "/ts/models"
SLOTS = ("a", "b")
PLAIN = "model.tsm"  # what runs where no slotted model is the current one


def is_name(text: str) -> bool:
    """Whether a text can be the name of a model with slots: it becomes a folder's."""
    return (isinstance(text, str) and 0 < len(text) <= 32
            and all(c in "abcdefghijklmnopqrstuvwxyz0123456789-_" for c in text))


def checked(name: str) -> str:
    """The name; ModelError where it is none."""
    if not is_name(name):
        raise ModelError("model %r: expected a name of at most 32 small letters, digits, - and _, "
                         "or the path of a .tsm file" % (name,))
    return name


def file_of(name: str, slot: str) -> str:
    """Path of the file in a slot."""
    if slot not in SLOTS:
        raise ModelError("slot %r: expected a or b" % (slot,))
    return "%s/%s/%s.tsm" % (ROOT, checked(name), slot)


def current() -> str:
    """Name of the current model, "" where there is none."""
    name = _text(ROOT + "/current").strip()
    return name if is_name(name) else ""


def read(name: str) -> "dict | None":
    """What slots.json of a model says, None where it has none."""
    text = _text("%s/%s/slots.json" % (ROOT, checked(name)))
    try:
        state = json.loads(text)
    except (ValueError, RuntimeError):
        return None
    if not isinstance(state, dict) or not isinstance(state.get(state.get("active")), dict):
        return None
    known = fresh("a")
    known.update(state)
    return known


def fresh(slot: str) -> dict:
    """slots.json of a model without files."""
    return {"active": slot, "a": None, "b": None, "left": 0, "tries": 0, "pending": False,
            "before": None, "reports": []}


def load(name: str = "", check: bool = True, selftest: bool = False) -> "Model":
    """The Model in the active slot; "" for the current model. See tinysense.model.load.

    A file that fails, or has failed too often, is replaced by the one before it.
    """
    asked = name or current()
    if not asked:
        return plain(check, selftest)
    state = read(asked)
    if state is not None and state[state["active"]]["state"] == "good":
        try:
            return opened(asked, state, check, selftest)
        except (ModelError, OSError):
            pass
    from .trials import load

    return load(name, check, selftest)


def plain(check: bool, selftest: bool) -> "Model":
    """The Model of a board without slots."""
    from .model import Model

    model = Model(PLAIN, check)
    if selftest:
        model.selftest(quiet=True)
    return model


def opened(name: str, state: dict, check: bool, selftest: bool) -> "Model":
    """The Model in the active slot, whatever its state."""
    slot = state["active"]
    model = opened_file(file_of(name, slot), check, name, state[slot]["signature"])
    if selftest:
        model.selftest(quiet=True)
    return model


def opened_file(path: str, check: bool, name: str, signature: str) -> "Model":
    """A Model from a slot's file; where the board has a key, its signature must be right."""
    from .model import Model, key_is_set, read_file

    data = read_file(path)
    if key_is_set():
        from hashlib import sha256

        from .signing import check as check_signature

        check_signature(name, sha256(data).digest(), signature)
    return Model(data, check, path)


def exists(path: str) -> bool:
    """Whether there is such a file or folder."""
    try:
        os.stat(path)
    except OSError:
        return False
    return True


def _text(path):
    """A small file of one line, "" where there is none or it was cut.

    FAT can't rename over a file: between removing the old one and renaming, the new one
    is there under the name it was written to.
    """
    for name in (path, path + PART):
        try:
            with open(name) as f:
                text = f.read()
        except OSError:
            continue
        except UnicodeError:
            return ""
        return text if text.endswith("\n") else ""
    return ""
