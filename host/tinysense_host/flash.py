"""Flash that the core takes: code and constants by object, from the linker's own map.

What is linked is an export (exportc.py) with the flags of its Makefile: the
core's files, the compiler's and the C library's parts that they pull in; the
model, its main and start-up code are not counted.
"""

from __future__ import annotations

import re
import subprocess
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from tinysense_host.barecore import BareCore
from tinysense_host.coresources import Config, needs_of
from tinysense_host.errors import TinysenseError
from tinysense_host.exportc import export
from tinysense_host.modelfile import ModelFile

__all__ = ["Flash", "flash_of", "read_map"]

# A line of the linker's map: section, address, size, object. Long section names
# stand on a line of their own.
_MAP_LINE = re.compile(r"^ \.(text|rodata|srodata)\S*\s+0x[0-9a-f]+\s+0x([0-9a-f]+) (\S.*)$", re.M)
_ARCHIVED = re.compile(r"/lib([\w+]+)\.a\(([\w.-]+)\.o\)$")
_NOT_COUNTED = ("main", "model_data")


@dataclass(frozen=True)
class Flash:
    """Object -> (code, constants) in bytes, as linked; the library's under its name."""

    objects: Mapping[str, tuple[int, int]]

    @property
    def code(self) -> int:
        """Bytes of code."""
        return sum(code for code, _ in self.objects.values())

    @property
    def constants(self) -> int:
        """Bytes of constants."""
        return sum(constants for _, constants in self.objects.values())

    @property
    def total(self) -> int:
        """Both together."""
        return self.code + self.constants


def flash_of(model: ModelFile, core: BareCore, config: Config | None = None) -> Flash:
    """What the core needs to run a model, or with all that ``config`` switches on."""
    with tempfile.TemporaryDirectory(prefix="tinysense-flash-") as name:
        folder = Path(name)
        chosen = config or needs_of(model)
        export(model, folder, core, chosen)
        wanted = " -Wl,-uts_features_run" if chosen.blocks else ""
        done = subprocess.run(
            ["make", "-s", "-C", name,
             f"LDFLAGS=-nostartfiles -Wl,-emain -Wl,-Map=model.map{wanted}"],
            capture_output=True, text=True, check=False)  # fmt: skip
        if done.returncode:
            raise TinysenseError(f"the export does not build for {core.name}:\n"
                                 f"{done.stderr[-2000:]}")
        found = read_map((folder / "model.map").read_text(encoding="utf-8"))
    return Flash({name: size for name, size in found.items() if name not in _NOT_COUNTED})


def read_map(text: str) -> dict[str, tuple[int, int]]:
    """Object -> (code, constants) of everything a map of GNU ld says was linked."""
    linked = text[text.index("Linker script and memory map"):]
    linked = re.sub(r"^( \.\S+)\n\s+", r"\1 ", linked, flags=re.M)
    sizes: dict[str, tuple[int, int]] = {}
    for kind, digits, path in _MAP_LINE.findall(linked):
        archived = _ARCHIVED.search(path)
        name = f"lib{archived[1]}" if archived else path.removesuffix(".o")
        code, constants = sizes.get(name, (0, 0))
        n = int(digits, 16)
        sizes[name] = (code + n, constants) if kind == "text" else (code, constants + n)
    return {name: size for name, size in sorted(sizes.items()) if any(size)}
