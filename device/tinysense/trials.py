"""Trials: a new file of a model is good once it has run for so many windows, else it is bad.

Each start of a file on trial is written down before it is loaded. One that can't be
loaded, or with which the board restarts again and again, is bad: the file before it
becomes active, and a report is kept for the computer. slots.py says where all lies.
"""

import json
import os
from binascii import hexlify

from . import slots
from .errors import ModelError
from .replacing import PART, put_in_place
from .slots import checked, current, exists, file_of, opened, plain, read

WINDOWS = 20  # with scores, until a file is good
_TRIES = 4  # restarts: a cable or a battery that fails is nobody's fault
_WATCHDOG_TRIES = 2  # where the watchdog did it
_REPORTS = 4  # as many are kept

_here = set()  # names that were started since this interpreter began


def load(name: str, check: bool, selftest: bool) -> "Model":
    """slots.load() of what may be on trial, bad, or not there."""
    by_current = not name
    name = name or current()
    while name:
        state = read(name)
        if state is None:
            raise OSError(2, "no model %s here: put it there with `tinysense upload`, or choose "
                             "another with `tinysense models --use`" % name)
        why = _count(name, state)
        back = go_back(name, state, why, by_current) if why else None
        if back is None:
            try:
                return _open(name, state, check, selftest)
            except (ModelError, OSError, MemoryError) as e:
                # A good file that finds no memory is not to blame.
                short = isinstance(e, MemoryError) and state[state["active"]]["state"] == "good"
                back = None if short or why else go_back(name, state, str(e), by_current)
                if back is None:
                    raise
        by_current, name = by_current and back == name, back
    return plain(check, selftest)


def go_back(name: str, state: dict, why: str, by_current: bool) -> "str | None":
    """Ends the trial of an active file badly: name of the model that runs then, or None.

    That is the file in the other slot; or, where the name is there because it is the
    current one since this trial, the model that was current before ("": the plain file).
    """
    slot = state["active"]
    back = None
    if whole(name, state, other(slot)):
        back, state["active"], state["left"] = name, other(slot), WINDOWS
    before = state["before"]
    if by_current and before is not None and before != name and _runs(before):
        back = before
        try:
            set_current(back)
        except OSError:
            pass  # it runs now, and the next start finds the same
    state["pending"], state["tries"] = False, 0
    if state[slot]["state"] != "bad":
        state[slot]["state"] = "bad"
        report = {"name": name, "slot": slot, "sha256": state[slot]["sha256"], "why": why[:300],
                  "uploaded": state[slot]["uploaded"], "to": back,
                  "to_slot": state["active"] if back == name else ""}
        state["reports"] = (state["reports"] + [report])[-_REPORTS:]
        _keep(name, state)
    return back


class Trial:
    """What a Model on trial carries: begin(), then scored() for every window, then pause()."""

    def __init__(self, name: str, state: dict):
        self._name = name
        self._slot = state["active"]
        self._sha256 = state[self._slot]["sha256"]
        self._left = state["left"]
        self._begun = self._failed = False

    def begin(self) -> None:
        """From here on a restart speaks against the file."""
        if not self._begun:
            self._begun = True
            _here.add(self._name)
            self._note(True)

    def scored(self, model: "Model") -> None:
        """A window gave scores; one more than the trial has proves that its last was got over."""
        if self._left > 0:
            self._left -= 1
        else:
            model.trial = None
            self._note(False)

    def failed(self) -> None:
        """The model raised: what ends now is no ordinary end."""
        self._failed = True

    def pause(self) -> None:
        """An ordinary end: no restart was this file's, and the windows so far count."""
        if self._begun and not self._failed:
            self._begun = False
            self._note(False)

    def _state(self):
        """slots.json, None where another file was put there meanwhile."""
        state = read(self._name)
        if state is None or state["active"] != self._slot:
            return None
        return state if state[self._slot]["sha256"] == self._sha256 else None

    def _note(self, pending):
        state = self._state()
        if state is None or state[self._slot]["state"] != "trial":
            return
        state["pending"], state["left"] = pending, self._left
        if not pending:
            state["tries"] = 0
            if self._left == 0:
                state[self._slot]["state"] = "good"
                state["before"] = None
        _keep(self._name, state)


def whole(name: str, state: dict, slot: str) -> bool:
    """Whether a slot holds the file that slots.json says, and that file has not failed."""
    entry = state.get(slot)
    if not entry or entry["state"] == "bad":
        return False
    try:
        return sha256(file_of(name, slot)) == entry["sha256"]
    except OSError:
        return False


def other(slot: str) -> str:
    """The other slot."""
    return slots.SLOTS[slot == "a"]


def set_current(name: str) -> None:
    """Makes a model the current one; "" for none."""
    path = slots.ROOT + "/current"
    if name:
        _replace(path, checked(name))
    else:
        for old in (path + PART, path):
            if exists(old):
                os.remove(old)


def write(name: str, state: dict) -> None:
    """Replaces slots.json in one step."""
    _replace("%s/%s/slots.json" % (slots.ROOT, checked(name)), json.dumps(state))


def sha256(path: str) -> str:
    """SHA-256 of a file, in hex."""
    from hashlib import sha256

    total, piece = sha256(), memoryview(bytearray(1024))
    with open(path, "rb") as f:
        while True:
            n = f.readinto(piece)
            if not n:
                return hexlify(total.digest()).decode()
            total.update(piece[:n])


def _runs(name):
    return read(name) is not None if name else exists(slots.PLAIN)


def _count(name, state):
    """Notes a start of a file on trial, before anything of it is touched; why it may not start."""
    kind = state[state["active"]]["state"]
    if kind != "trial":
        return "it failed before" if kind == "bad" else ""
    if state["pending"] and name not in _here:
        watchdog, wanted = _cause()
        state["tries"] += not wanted
        if state["tries"] >= (_WATCHDOG_TRIES if watchdog else _TRIES):
            return ("the board restarted %d times before the first %d windows were done"
                    % (state["tries"], state["left"]))
    state["pending"] = True
    _here.add(name)
    _keep(name, state)
    return ""


def _open(name, state, check, selftest):
    on_trial = state[state["active"]]["state"] == "trial"
    try:
        model = opened(name, state, check, selftest)
    except KeyboardInterrupt:
        _loaded(name, state, on_trial)
        raise
    _loaded(name, state, on_trial)
    if on_trial:
        model.trial = Trial(name, state)
    return model


def _loaded(name, state, on_trial):
    """Loading alone is no start."""
    if on_trial:
        state["pending"] = False
        _keep(name, state)


def _cause():
    """(whether the watchdog restarted the board, whether that was wanted: from deep sleep)."""
    try:
        import machine

        cause = machine.reset_cause()
    except (ImportError, AttributeError):
        return False, False
    return (cause == getattr(machine, "WDT_RESET", None),
            cause == getattr(machine, "DEEPSLEEP_RESET", None))


def _keep(name, state):
    """write() where a flash that is full or can't be written must not keep a model from running."""
    try:
        write(name, state)
    except OSError:
        pass


def _replace(path, line):
    with open(path + PART, "w") as f:
        f.write(line + "\n")
        f.flush()
        if hasattr(os, "fsync"):  # CPython
            os.fsync(f.fileno())
    if not hasattr(os, "fsync") and hasattr(os, "sync"):  # FAT
        os.sync()
    put_in_place(path)
