"""What the device tests need on every interpreter: these files run under pytest and
under MicroPython (run.py), so they use plain functions and assert."""

import os
import sys

MICROPYTHON = sys.implementation.name == "micropython"


class Skipped(Exception):
    """A test that cannot run here; the text says why."""


def raises(kind, parts, function, *args):
    """Calls function(*args); expects an exception of ``kind`` whose text has every part."""
    try:
        result = function(*args)
    except kind as e:
        text = str(e)
        for part in (parts,) if isinstance(parts, str) else parts:
            assert part in text, "expected %r in: %s" % (part, text)
        assert "\n" not in text, "more than one line: " + text
        return e
    raise AssertionError("expected %s, got %r" % (kind.__name__, result))


def skip(reason):
    """Ends the test as skipped."""
    if MICROPYTHON:
        raise Skipped(reason)
    import pytest

    pytest.skip(reason)


def path(name):
    """A path for a file that a test writes; what an earlier test left there is gone."""
    full = _scratch() + "/" + name
    for old in (full, full + ".part"):
        try:
            os.remove(old)
        except OSError:
            pass
    return full


def exists(name):
    try:
        os.stat(name)
    except OSError:
        return False
    return True


def read(name):
    with open(name, "rb") as f:
        return f.read()


def write(name, data):
    with open(name, "wb") as f:
        f.write(data)


def frames(*values):
    """int16 little-endian bytes, as a bytearray."""
    out = bytearray(2 * len(values))
    for i, value in enumerate(values):
        out[2 * i], out[2 * i + 1] = value & 0xFF, value >> 8 & 0xFF
    return out


def numbers(data):
    """The int16 numbers in bytes."""
    out = []
    for i in range(0, len(data), 2):
        value = data[i] | data[i + 1] << 8
        out.append(value - 65536 if value >= 32768 else value)
    return out


class Ticks:
    """A clock for tests: calling it gives microseconds (or any unit) that only tests move."""

    def __init__(self, now=0):
        self.now = now

    def __call__(self):
        return self.now


_folder = None


def _scratch():
    global _folder
    if _folder is None:
        if MICROPYTHON:
            _folder = os.getenv("TMPDIR", "/tmp") if hasattr(os, "getenv") else ""  # a board's root
        else:
            import tempfile

            _folder = tempfile.mkdtemp(prefix="tinysense-test-")
    return _folder
