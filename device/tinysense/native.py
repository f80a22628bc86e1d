"""The one place that imports the compiled core: ``from .native import core``."""

from .errors import NativeError

ABI = 4  # the version of device/native/exports.def that this package speaks

try:
    import _tinysense as core
except ImportError:
    raise NativeError("no module _tinysense on this board: run `tinysense setup` on the computer")
except ValueError:  # MicroPython: an .mpy of another architecture or version
    raise NativeError("_tinysense.mpy is for another board: run `tinysense setup` on the computer")

if core.abi() != ABI:
    raise NativeError(
        "_tinysense speaks version %d, this package %d: run `tinysense setup` on the computer"
        % (core.abi(), ABI)
    )
