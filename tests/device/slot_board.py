"""A board's folder of models, with file operations that can be counted, and cut as power is."""

import os
import sys
from binascii import hexlify
from hashlib import sha256

import tiny
from expect import exists, path, write
from tinysense import installing, model, replacing, slots, trials

_open = open
made = installing._made  # what Board replaces, since making a driver takes long


class Cut(BaseException):
    """The power fails."""


class Machine:
    """machine, as far as the cause of a restart goes."""

    PWRON_RESET, HARD_RESET, WDT_RESET, DEEPSLEEP_RESET, SOFT_RESET = range(1, 6)
    cause = PWRON_RESET

    def reset_cause(self):
        return self.cause


class _Os:
    """os, its changing functions counted; ``fat``: no renaming over a file."""

    def __init__(self, board):
        self._board = board
        self.stat, self.listdir = os.stat, os.listdir

    def rename(self, old, new):
        self._board.operation()
        if self._board.fat and exists(new):
            raise OSError(17, "EEXIST")
        os.rename(old, new)

    def remove(self, name):
        self._board.operation()
        os.remove(name)

    def mkdir(self, name):
        self._board.operation()
        os.mkdir(name)

    def rmdir(self, name):
        self._board.operation()
        os.rmdir(name)


class _File:
    def __init__(self, board, file):
        self._board, self._file = board, file

    def write(self, data):
        if self._board.operation(len(data)):
            self._file.write(data[: len(data) // 2])
            self._file.close()
            raise Cut
        self._file.write(data)

    def flush(self):
        self._file.flush()

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self._file.close()


class Board:
    """``with Board() as board``; slots and installing work in a new folder meanwhile.

    The power fails before the operation of number ``cut_at``; where ``torn``, in the
    middle of it, if it is a write.
    """

    def __init__(self, machine=None, fat=False):
        self.fat, self.machine = fat, machine
        self.sizes, self.cut_at, self.torn = [], None, False  # bytes of a write, else 0

    def __enter__(self):
        self._kept = (slots.ROOT, slots.PLAIN, sys.modules.get("machine"))
        self._folder = path("board")
        self._wipe(self._folder)
        os.mkdir(self._folder)
        slots.ROOT, slots.PLAIN = self._folder + "/ts/models", self._folder + "/model.tsm"
        replacing.os = slots.os = trials.os = installing.os = _Os(self)
        slots.open = trials.open = self.open
        trials._here.clear()
        installing._made = lambda wanted, sensor: (None, "no driver")
        if self.machine is not None:
            sys.modules["machine"] = self.machine
        return self

    def __exit__(self, *exc):
        slots.ROOT, slots.PLAIN, machine = self._kept
        replacing.os = slots.os = trials.os = installing.os = os
        slots.open = trials.open = _open
        installing._made = made
        if self.machine is not None:
            del sys.modules["machine"]
            if machine is not None:
                sys.modules["machine"] = machine
        self._wipe(self._folder)

    @property
    def operations(self):
        """How many so far."""
        return len(self.sizes)

    def wiped(self):
        """An empty board again."""
        self._wipe(self._folder)
        os.mkdir(self._folder)
        trials._here.clear()

    def operation(self, size=0):
        """Counts; True where a write is to be torn."""
        number = len(self.sizes)
        self.sizes.append(size)
        if self.cut_at is None or number < self.cut_at:
            return False
        self.cut_at = None
        if self.torn and size:
            return True
        raise Cut

    def open(self, name, mode="r"):
        if "w" not in mode:
            return _open(name, mode)
        self.operation()
        return _File(self, _open(name, mode))

    def put(self, name, slot_name="tiny", windows=trials.WINDOWS):
        """As `tinysense upload` does: to the free slot, tried, made active. The model's name
        tells its versions apart."""
        data = named(name)
        place = installing.prepare(slot_name, self.sha(name))
        with self.open(place["path"] + ".part", "wb") as f:
            f.write(data)
        replacing.put_in_place(place["path"])
        return installing.install(slot_name, place["slot"], self.sha(name), "2026-01-02T03:04:05Z",
                                  windows=windows)

    def good(self, name, slot_name="tiny"):
        """put() without a trial."""
        self.put(name, slot_name, 0)

    def plain(self, name):
        """A board set up without slots."""
        write(slots.PLAIN, named(name))

    def sha(self, name):
        """SHA-256 of such a model."""
        if name not in _sums:
            _sums[name] = hexlify(sha256(named(name)).digest()).decode()
        return _sums[name]

    def state(self, slot_name="tiny"):
        """slots.json."""
        return slots.read(slot_name)

    def restarted(self, slot_name=""):
        """The Model that runs after a restart."""
        trials._here.clear()
        return model.load(slot_name)

    def _wipe(self, folder):
        if not exists(folder):
            return
        for leaf in os.listdir(folder):
            inside = folder + "/" + leaf
            if os.stat(inside)[0] & 0x4000:
                self._wipe(inside)
            else:
                os.remove(inside)
        os.rmdir(folder)


class signed_in:
    """A board with a key: ``check`` is asked for every model."""

    def __init__(self, check):
        self._check = check

    def __enter__(self):
        from tinysense import signing

        self._signing, self._kept = signing, (signing.check, model.key_is_set)
        signing.check, model.key_is_set = self._check, lambda: True

    def __exit__(self, *exc):
        self._signing.check, model.key_is_set = self._kept


_made, _sums = {}, {}


def named(name):
    """The bytes of a tiny model of that name."""
    if name not in _made:
        _made[name] = bytes(tiny.build(tiny.meta(name=name)))
    return _made[name]


