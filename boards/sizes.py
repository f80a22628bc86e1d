#!/usr/bin/env python3
"""Bytes of flash and RAM that the core needs, as tables.

    sizes.py [--json]

Code and constants of each object of the core in the QEMU_M4F firmware, what
the module adds to that firmware, and the native module of each architecture
(which lies in RAM on the board). Builds what is missing.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "host"))

from tinysense_host.boards import load_board  # noqa: E402
from tinysense_host.errors import TinysenseError  # noqa: E402
from tinysense_host.firmware import ensure_firmware, ensure_native_module  # noqa: E402

ARCHITECTURES = ("armv6m", "armv7m", "armv7emsp", "armv7emdp", "rv32imc", "x64")
# A line of the linker's map: section, address, size, object. Long section names
# stand on a line of their own.
MAP_LINE = re.compile(r"^ \.(text|rodata)\S*\s+0x[0-9a-f]+\s+0x([0-9a-f]+) (\S+)$", re.M)


def core_objects(elf: Path) -> dict[str, tuple[int, int]]:
    """Object of core or binding -> (code, constants) in bytes, as linked."""
    text = elf.with_name("firmware.map").read_text()
    linked = text[text.index("Linker script and memory map"):]
    linked = re.sub(r"^( \.\S+)\n\s+", r"\1 ", linked, flags=re.M)
    sizes: dict[str, tuple[int, int]] = {}
    for kind, size, name in MAP_LINE.findall(linked):
        found = re.search(r"/((?:core|native)/[\w/]+)\.o$", name)
        if found:
            code, constants = sizes.get(found[1], (0, 0))
            n = int(size, 16)
            sizes[found[1]] = (code + n, constants) if kind == "text" else (code, constants + n)
    return {name: size for name, size in sorted(sizes.items()) if any(size)}


def data() -> dict[str, object]:
    """Everything as numbers."""
    objects = core_objects(ensure_firmware(load_board("QEMU_M4F")))
    natives = {arch: ensure_native_module(arch).stat().st_size for arch in ARCHITECTURES}
    return {"board": "QEMU_M4F", "objects": objects, "natmods": natives,
            "code": sum(code for code, _ in objects.values()),
            "constants": sum(constants for _, constants in objects.values())}


def show(found: dict[str, object]) -> None:
    objects, natives = found["objects"], found["natmods"]
    assert isinstance(objects, dict)
    assert isinstance(natives, dict)
    print(f"{'in firmware, Cortex-M4F':<32}{'code':>8}{'const':>8}  bytes of flash")
    for name, (code, constants) in objects.items():
        print(f"  {name:<30}{code:>8}{constants:>8}")
    print(f"  {'together':<30}{found['code']:>8}{found['constants']:>8}")
    print(f"\n{'native module':<32}{'file':>8}  bytes, in RAM on the board")
    for arch, size in natives.items():
        print(f"  {arch:<30}{size:>8}")


def main() -> int:
    try:
        found = data()
    except (TinysenseError, subprocess.SubprocessError) as e:
        print(e, file=sys.stderr)
        return 1
    if "--json" in sys.argv[1:]:
        print(json.dumps(found))
    else:
        show(found)
    return 0


if __name__ == "__main__":
    sys.exit(main())
