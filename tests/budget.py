"""How many instructions and arena bytes each model may take: tests/budget.toml.

A row is a model, an entry a core: [instructions of one inference, arena bytes].
More than 1 % above it fails tests/host/test_budget.py.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

from tinysense_host import convert, tflite, verify
from tinysense_host.barecore import list_cores, load_core
from tinysense_host.bench import Cost
from tinysense_host.benchcore import costs_on_core, fit
from tinysense_host.errors import TinysenseError
from tinysense_host.sources import shared_folder

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

ROOT = Path(__file__).resolve().parent.parent
BUDGET = ROOT / "tests" / "budget.toml"
GROWTH = 0.01
WHOLE = "-all-channels"
CORES = tuple(name for name in list_cores() if load_core(name).counts)
# mlperf_tiny first: the order of tables.
SHARED = ("mlperf_tiny", "mlonmcu", "emlearn", "tflm", "microwakeword_esphome")
HEAD = """\
# What one inference may cost: [instructions, arena bytes] per model and core. A test fails where
# one of them grows by more than 1 %. Where it has to grow, say why in the commit and run
#     make bench ACCEPT=yes
# which measures anew and writes this file. Instructions depend on the compiler:
compiler = "{compiler}"

[models]
"""

Costs = dict[str, dict[str, Cost]]          # model -> core -> cost
Budget = dict[str, dict[str, list[int]]]    # model -> core -> [instructions, arena bytes]


def compiler() -> str:
    """Version of the compiler for Arm, as counts depend on it."""
    said = subprocess.run(["arm-none-eabi-gcc", "-dumpversion"], capture_output=True, text=True,
                          check=False)
    return said.stdout.strip()


def small_models() -> list[Path]:
    """Those in the tree: models/ and the golden cases."""
    return [*sorted((ROOT / "models").glob("*/*.tsm")),
            *sorted((ROOT / "tests" / "golden" / "cases").glob("*.tflite"))]


def shared_models() -> list[Path]:
    """Models of others, where they are."""
    found = []
    for folder in SHARED:
        found += sorted((shared_folder() / "models" / folder).glob("*.tflite"))
    return found


def measured(paths: Iterable[Path], cores: Iterable[str] = CORES,
             refused: dict[str, str] | None = None, whole: bool = False) -> Costs:
    """Costs of models, packed for each core and compared with the portable file on it.

    A model that does not convert, or does not run, is left out and noted in ``refused``.
    whole: where the converter removes constant channels, the model with all of them
    is there too, as <name>-all-channels.
    """
    costs: Costs = {}
    refused = {} if refused is None else refused
    portable = dict(_converted(paths, refused, whole))
    packed: dict[str, list[tuple[str, bytes, bytes | None]]] = {}
    for name in cores:
        core = load_core(name)
        if core.target not in packed:
            packed[core.target] = [(stem, *fit(blob, core.target))
                                   for stem, blob in portable.items()]
        rows = packed[core.target]
        for (stem, _, _), cost in zip(rows, costs_on_core(core, rows), strict=True):
            if isinstance(cost, TinysenseError):
                refused[stem] = str(cost)
            else:
                costs.setdefault(stem, {})[name] = cost
    return costs


def _converted(paths: Iterable[Path], refused: dict[str, str],
               whole: bool) -> Iterator[tuple[str, bytes]]:  # fmt: skip
    for path in paths:
        try:
            blob = verify.open_model(path).blob
            yield path.stem, blob
            if whole and path.suffix == ".tflite":
                other = convert.convert(tflite.load(path), constant_channels=False)
                if len(other) > len(blob):
                    yield path.stem + WHOLE, other
        except TinysenseError as error:
            refused[path.stem] = str(error)


def read() -> tuple[str, Budget]:
    """(compiler, budget)."""
    found = tomllib.loads(BUDGET.read_text(encoding="utf-8"))
    return found["compiler"], found["models"]


def write(costs: Costs) -> None:
    """Makes what was measured the budget; models that were not measured keep theirs."""
    kept = read()[1] if BUDGET.exists() else {}
    rows = kept | {model: {core: [cost.total, cost.arena_bytes] for core, cost in by_core.items()}
                   for model, by_core in costs.items()}
    lines = [f"{model} = {{ {', '.join(f'{core} = {pair}' for core, pair in rows[model].items())} }}"
             for model in sorted(rows)]
    BUDGET.write_text(HEAD.format(compiler=compiler()) + "\n".join(lines) + "\n", encoding="utf-8")


def overruns(costs: Costs, budget: Budget) -> list[str]:
    """What is above the budget, or has none, in words."""
    found = []
    for model, by_core in costs.items():
        for core, cost in by_core.items():
            allowed = budget.get(model, {}).get(core)
            if allowed is None:
                found.append(f"{model} on {core} has no budget")
                continue
            pairs = zip(("instructions", "arena bytes"), (cost.total, cost.arena_bytes), allowed,
                        strict=True)
            found += [f"{model} on {core}: {now} {what}, budget {most} ({now / most - 1:+.1%})"
                      for what, now, most in pairs if now > most * (1 + GROWTH)]
    return found
