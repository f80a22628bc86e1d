"""What ``import tinysense`` gives."""

import sys

import tiny
import tinysense
from expect import MICROPYTHON, raises


def test_names():
    for name in ("Model", "Window", "Features", "Decision", "Event", "Pipeline", "TinysenseError",
                 "ModelError", "ConfigError", "RecordingError", "DriverError", "NativeError",
                 "Sensor"):
        assert getattr(tinysense, name).__name__ == name
    for name in ("config", "drivers", "outputs", "recording"):
        assert getattr(tinysense, name) is sys.modules["tinysense." + name]


def test_unknown_name():
    raises(AttributeError, ("'modle'", "tinysense.help()"), getattr, tinysense, "modle")
    raises(AttributeError, "'__wrapped__'", getattr, tinysense, "__wrapped__")


def test_load_and_help():
    assert tinysense.load(tiny.build()).name == "tiny"
    tinysense.help()
    assert tinysense.__version__.count(".") == 2


def test_errors_are_a_tree():
    for name in ("ModelError", "ConfigError", "RecordingError"):
        assert issubclass(getattr(tinysense, name), tinysense.TinysenseError)
        assert issubclass(getattr(tinysense, name), ValueError)
    assert issubclass(tinysense.DriverError, OSError)
    assert issubclass(tinysense.NativeError, ImportError)


class Without:
    """The package imported anew, with something else as _tinysense."""

    def __init__(self, native):
        self.native = native

    def __enter__(self):
        self.saved = {name: module for name, module in sys.modules.items()
                      if name.startswith("tinysense") or name == "_tinysense"}
        for name in self.saved:
            del sys.modules[name]
        if self.native is not None:
            sys.modules["_tinysense"] = self.native

    def __exit__(self, *exc):
        for name in [n for n in sys.modules if n.startswith("tinysense") or n == "_tinysense"]:
            del sys.modules[name]
        sys.modules.update(self.saved)


class OldCore:
    @staticmethod
    def abi():
        return 0


def test_another_version_of_the_compiled_part():
    if MICROPYTHON:
        return  # modules that are built in cannot be hidden there
    with Without(OldCore()):
        import tinysense as again

        assert again.__version__ == tinysense.__version__  # importing it needs no core
        raises(ImportError, ("speaks version 0", "this package 4", "setup"), again.load, "x.tsm")


def test_no_compiled_part():
    if MICROPYTHON:
        return
    with Without(None):
        sys.modules["_tinysense"] = None  # CPython: import fails
        import tinysense as again

        again.help()
        raises(ImportError, ("_tinysense", "setup"), again.load, "x.tsm")
        raises(ImportError, "_tinysense", getattr, again, "Window")
