#!/usr/bin/env python3
"""Bytes of flash that the core needs, as tables.

    sizes.py [--json]

For sets of ops on Cortex-M4 and Cortex-M0+, packed kernels included: code and
constants of the core and of what it pulls from the compiler's and the C
library, linked as `tinysense export-c` does, by object. And the native module
of each architecture, which lies in RAM on the board.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "host"))

from tinysense_host import convert, tflite  # noqa: E402
from tinysense_host.barecore import load_core  # noqa: E402
from tinysense_host.corefiles import target_numbers  # noqa: E402
from tinysense_host.coresources import Config, all_blocks, all_ops, needs_of  # noqa: E402
from tinysense_host.errors import TinysenseError  # noqa: E402
from tinysense_host.firmware import ensure_native_module  # noqa: E402
from tinysense_host.flash import flash_of  # noqa: E402
from tinysense_host.modelfile import ModelFile  # noqa: E402
from tinysense_host.packing import pack  # noqa: E402
from tinysense_host.training.sources import shared_folder  # noqa: E402

CORES = ("cortex-m4", "cortex-m0plus")
ARCHITECTURES = ("armv6m", "armv7m", "armv7emsp", "armv7emdp", "rv32imc", "x64")
# A model for each set of ops that matters; those of others where they are.
MODELS = {
    "dense": ROOT / "tests" / "golden" / "cases" / "keras_dense.tflite",
    "gesture": ROOT / "models" / "gesture" / "gesture.tflite",
    "kws": shared_folder() / "models" / "mlperf_tiny" / "kws_ref_model.tflite",
    "resnet": shared_folder() / "models" / "mlperf_tiny" / "pretrainedResnet_quant.tflite",
}


@dataclass(frozen=True)
class Row:
    """Flash of one set of ops on one core."""

    what: str
    core: str
    code: int
    constants: int
    objects: dict[str, tuple[int, int]]


def rows() -> Iterator[Row]:
    """What each set takes."""
    for core_name in CORES:
        core = load_core(core_name)
        number = target_numbers()[core.target]
        known = {name: ModelFile.read(convert.convert(tflite.load(path)))
                 for name, path in MODELS.items() if path.is_file()}
        sets = {name: needs_of(pack(model, core.target)) for name, model in known.items()}
        sets["all ops"] = Config(all_ops(number), frozenset(), number)
        sets["all ops, feature programs"] = Config(all_ops(number),
                                                   frozenset(all_blocks().values()), number)
        for what, config in sets.items():
            found = flash_of(known["dense"], core, config)
            yield Row(what, core_name, found.code, found.constants, dict(found.objects))


def natives() -> dict[str, int]:
    """Bytes of the native modules."""
    sizes = {}
    for arch in ARCHITECTURES:
        sizes[arch] = ensure_native_module(arch).stat().st_size
        sizes[f"{arch}-small"] = ensure_native_module(arch, small=True).stat().st_size
    return sizes


def show(flash: list[Row], modules: dict[str, int]) -> None:
    """The tables."""
    print(f"{'flash':<44}{'code':>8}{'const':>8}{'bytes':>8}")
    for row in flash:
        print(f"  {row.what + ', ' + row.core:<42}{row.code:>8}{row.constants:>8}"
              f"{row.code + row.constants:>8}")
    largest = next(row for row in flash if row.what == "all ops, feature programs")
    print(f"\n{'of which, ' + largest.core:<44}{'code':>8}{'const':>8}")
    for name, (code, constants) in largest.objects.items():
        print(f"  {name:<42}{code:>8}{constants:>8}")
    print(f"\n{'native module':<44}{'bytes':>8}, in RAM on the board")
    for name, size in modules.items():
        print(f"  {name:<42}{size:>8}")


def main() -> int:
    try:
        flash, modules = list(rows()), natives()
    except (TinysenseError, subprocess.SubprocessError) as e:
        print(e, file=sys.stderr)
        return 1
    if "--json" in sys.argv[1:]:
        print(json.dumps({"flash": [asdict(row) for row in flash], "natmods": modules}))
    else:
        show(flash, modules)
    return 0


if __name__ == "__main__":
    sys.exit(main())
