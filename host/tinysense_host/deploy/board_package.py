"""The package as it is on a board: one program to see it all, and the check before it is used."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from tinysense_host.boards import native_architecture
from tinysense_host.deploy.package import STAMP, Stamp, our_version, source_hash
from tinysense_host.device import Device
from tinysense_host.errors import TinysenseError
from tinysense_host.link.transport import BoardError, LinkError

__all__ = ["Look", "check_package", "listed", "look_at", "other_firmware", "stamped_names",
           "verified"]

# All that a setup has to know where nothing is to be done, in one program. The
# heap is as the board's own program left it: the package is imported, no more.
_LOOK_CODE = """
def _ts_look(stamp):
 import json, os, sys
 i = sys.implementation
 p = [p for p in sys.path if p.startswith("/")]
 base = "/lib" if "/lib" in p or not p else p[0]
 d = {{"mpy": getattr(i, "_mpy", 0), "machine": getattr(i, "_machine", sys.platform),
  "base": base, "where": None, "version": "", "core": "absent", "stamp": None, "native": -1,
  "fault": "", "abi": 0, "kernels": "", "configured": -1}}
 try:
  import tinysense as t
  d["where"] = getattr(t, "__file__", "") or ""
  d["version"] = t.__version__
 except (ImportError, AttributeError):
  pass
 try:
  import _tinysense as t
  d["core"] = "native" if hasattr(t, "__file__") else "built in"
 except ImportError:
  pass
 except Exception as e:
  d["core"] = "broken"
 try:
  from tinysense.native import core
  d["abi"], d["kernels"] = core.abi(), core.kernels()
 except Exception as e:
  d["fault"] = str(e) or "no reason given"
 try:
  with open(base + "/" + stamp) as f:
   d["stamp"] = f.readline()
 except OSError:
  pass
 for key, path in (("native", base + "/_tinysense.mpy"), ("configured", {config!r})):
  try:
   d[key] = os.stat(path)[6]
  except OSError:
   d[key] = -1
 print(json.dumps(d))
_ts_look({stamp!r})
del _ts_look
"""
_VERIFY_CODE = """
import json
import tinysense
from tinysense.native import core
print(json.dumps([tinysense.__version__, core.abi(), core.kernels()]))
"""
# Path under the folder, bytes and CRC-32 of every module there, and "end" when that was all.
_LIST_CODE = """
def _ts_walk(top, under):
 for f in os.ilistdir(top):
  p = top + "/" + f[0]
  if f[1] & 0x4000:
   _ts_walk(p, under + f[0] + "/")
  elif p[-3:] == ".py" or p[-4:] == ".mpy":
   c = n = 0
   with open(p, "rb") as file:
    while True:
     k = file.readinto(b)
     if not k:
      break
     c = crc32(m[:k], c)
     n += k
   print(json.dumps([under + f[0], n, c & 0xFFFFFFFF]))
import json, os
from binascii import crc32
b = bytearray(1024)
m = memoryview(b)
try:
 _ts_walk({folder!r}, {under!r})
except OSError as e:
 if e.errno != 2:
  raise
print('"end"')
del _ts_walk, b, m
"""
_NAMES_CODE = """
import json
with open({path!r}) as f:
 f.readline()
 for _ts_n in f:
  print(json.dumps(_ts_n.strip()))
"""
# Of the package that is imported: its version, whether it lies on flash, the line of its stamp.
_PACKAGE_CODE = """
def _ts_package():
 import json
 try:
  import tinysense as t
 except ImportError:
  return print("null")
 w = getattr(t, "__file__", "") or ""
 s = None
 try:
  with open(w.rpartition("/")[0] + "/" + {name!r}) as f:
   s = f.readline()
 except OSError:
  pass
 print(json.dumps([getattr(t, "__version__", ""), w[:1] == "/", s]))
_ts_package()
del _ts_package
"""



@dataclass(frozen=True)
class Look:
    """What a board is and has, as far as its package goes."""

    mpy: int
    machine: str
    base: str               # the library folder
    frozen: bool            # the package is part of the firmware
    version: str            # of the package that it imports, "" for none
    core: str               # "built in", "native", "absent" or "broken"
    stamp: Stamp | None
    native_bytes: int       # size of _tinysense.mpy, -1 for none
    fault: str              # why package and core can't be imported, "" if they can
    abi: int
    kernels: str
    configured: bool        # it has a config

    @property
    def architecture(self) -> str:
        """Of native modules."""
        return native_architecture(self.mpy)


def _nonsense(device: Device, told: Any) -> LinkError:
    return LinkError(f"the board on {device.port} answered {json.dumps(told)[:60]} when asked for "
                     "its package", "reset the board and try again")


def look_at(device: Device) -> Look:
    """One look at a board, in the state that its last program left it in."""
    from tinysense_host.sync import config_path

    code = _LOOK_CODE.format(config=config_path(), stamp=STAMP)
    try:
        told = device.ask(code, timeout=60.0)
    except BoardError:      # no room on the heap, or a program that changed what it was made of
        device.soft_reset()
        told = device.ask(code, timeout=60.0)
    try:
        where = told["where"]
        return Look(int(told["mpy"]), str(told["machine"]), str(told["base"]),
                    isinstance(where, str) and not where.startswith("/"), str(told["version"]),
                    str(told["core"]), Stamp.read(told["stamp"]), int(told["native"]),
                    str(told["fault"]), int(told["abi"]), str(told["kernels"]),
                    int(told["configured"]) >= 0)
    except (KeyError, TypeError, ValueError) as e:
        raise _nonsense(device, told) from e


def verified(device: Device) -> tuple[str, int, str]:
    """(version, ABI, kernels) of the package and core that the board imports now."""
    told = device.ask(_VERIFY_CODE, timeout=60.0)
    try:
        version, abi, kernels = told
        return str(version), int(abi), str(kernels)
    except (TypeError, ValueError) as e:
        raise _nonsense(device, told) from e


def listed(device: Device, base: str) -> dict[str, tuple[int, int]]:
    """{path under the library folder: (bytes, CRC-32)} of the package's modules on the board."""
    code = _LIST_CODE.format(folder=f"{base}/tinysense", under="tinysense/")
    text = device.exec(code, timeout=180.0)
    try:
        *rows, end = [json.loads(line) for line in text.splitlines() if line.strip()]
        if end != "end":
            raise ValueError
        return {str(name): (int(size), int(crc)) for name, size, crc in rows}
    except (ValueError, TypeError) as e:
        raise _nonsense(device, text[-60:]) from e


def stamped_names(device: Device, base: str) -> set[str]:
    """Files that the board's stamp says are of the package, theirs or ours."""
    text = device.exec(_NAMES_CODE.format(path=f"{base}/{STAMP}"), timeout=30.0)
    names = set()
    for line in text.splitlines():
        try:
            name = json.loads(line)
        except ValueError as e:
            raise _nonsense(device, line) from e
        if isinstance(name, str) and name.startswith("tinysense/"):
            names.add(name)
    return names


# ---- the check before a board's package is used ----


def other_firmware(version: str) -> TinysenseError | None:
    """Why a package of that version in a board's firmware is refused, None if it is not."""
    if version == our_version():
        return None
    return TinysenseError(f"the board's firmware holds tinysense {version or '?'}, this computer "
                          f"{our_version()}", "put a firmware of this one on it: make firmware")


def check_package(device: Device) -> None:
    """TinysenseError unless the board's package is whole and the same as here.

    A package that came otherwise than by `tinysense setup` has no stamp, as one in
    firmware has none: of these the version is compared. Over a network every answer
    is checked by itself.
    """
    if device.remote:
        return
    told = device.ask(_PACKAGE_CODE.format(name=STAMP.rpartition("/")[2]), timeout=30.0)
    if told is None:
        raise TinysenseError("the board has no tinysense", "put it there: tinysense setup")
    if not (isinstance(told, list) and len(told) == 3):
        raise _nonsense(device, told)
    version, on_flash, line = told
    if not on_flash:
        fault = other_firmware(str(version))
        if fault is not None:
            raise fault
        return
    stamp = Stamp.read(line if isinstance(line, str) else None)
    if stamp is not None and stamp.unfinished:
        raise TinysenseError("the board's tinysense is not whole: a setup was broken off",
                             "put the rest there: tinysense setup")
    if str(version) != our_version():
        raise TinysenseError(f"the board has tinysense {version}, this computer {our_version()}",
                             "put this one there: tinysense setup")
    if stamp is not None and stamp.hash != source_hash():
        raise TinysenseError(f"the board's tinysense {version} is not of the same sources as this "
                             "computer's", "put this one there: tinysense setup")
