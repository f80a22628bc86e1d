"""A board in memory that says what package it has: worked out of its files."""

import binascii
import json

from tinysense_host.deploy.package import STAMP
from tinysense_host.link.transport import BoardError
from tinysense_host.link.transport_fake import FakeTransport

LIB = "/lib"


class StampedBoard(FakeTransport):
    """mpy, core: as the board has them. frozen: the version in its firmware, "" for none."""

    def __init__(self, core="built in", mpy=7942, frozen="", fault=""):
        super().__init__()
        self.core, self.mpy, self.frozen, self.fault = core, mpy, frozen, fault
        self.puts, self.removed = [], []

    def exec(self, code, timeout=10.0, rest=None):
        if "json.dumps([tinysense.__version__" in code and self.fault:
            super().exec(code, timeout)
            raise BoardError(self.fault)
        super().exec(code, timeout)
        for part, answer in (("def _ts_look", self._look), ("def _ts_walk", self._walk),
                             ("f.readline()\n for", self._names), ("def _ts_package", self._package),
                             ("json.dumps([tinysense.__version__", self._verified)):
            if part in code:
                return answer().encode()
        return b""

    def version(self):
        if self.frozen:
            return self.frozen
        return "0.1.0" if any(self.files.get(f"{LIB}/tinysense/__init__.{end}")
                              for end in ("py", "mpy")) else ""

    def stamp(self):
        return self.files.get(f"{LIB}/{STAMP}")

    def _line(self):
        return self.stamp().decode().splitlines()[0] if self.stamp() else None

    def _look(self):
        native = self.files.get(f"{LIB}/_tinysense.mpy")
        where = "tinysense/__init__.py" if self.frozen else f"{LIB}/tinysense/__init__.mpy"
        fault = self.fault or ("" if self.version() else "no module named 'tinysense'")
        return json.dumps({
            "mpy": self.mpy, "machine": "fake board", "base": LIB, "core": self.core,
            "where": where if self.version() else None, "version": self.version(),
            "stamp": self._line(), "native": -1 if native is None else len(native),
            "fault": fault, "abi": 4, "kernels": "portable",
            "configured": len(self.files.get("/tinysense.json", b"")) or -1})

    def _walk(self):
        prefix = f"{LIB}/"
        rows = [[path.removeprefix(prefix), len(data), binascii.crc32(data)]
                for path, data in self.files.items()
                if path.startswith(f"{LIB}/tinysense/") and path.endswith((".py", ".mpy"))]
        return "\n".join(map(json.dumps, [*rows, "end"]))

    def _names(self):
        return "\n".join(json.dumps(line) for line in self.stamp().decode().splitlines()[1:])

    def _package(self):
        told = [self.version(), not self.frozen, self._line()] if self.version() else None
        return json.dumps(told)

    def _verified(self):
        return json.dumps([self.version(), 4, "portable"])

    def put(self, data, path, progress=None):
        super().put(data, path, progress)
        self.puts.append(path)

    def remove(self, path):
        super().remove(path)
        self.removed.append(path)
