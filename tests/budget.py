"""How many instructions and arena bytes each model may take, and a sensor's frame: budget.toml.

A row is a model, an entry a core: [instructions of one inference, arena bytes]. Or a row
is a sensor, an entry a core: instructions of a frame from its FIFO to the window. Or it is
a front end for sound: instructions of a window.
More than 1 % above it, 4 % for frames, fails tests/host/test_budget.py.
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
from tinysense_host.training.sources import shared_folder

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

ROOT = Path(__file__).resolve().parent.parent
BUDGET = ROOT / "tests" / "budget.toml"
GROWTH = 0.01
# Names that come in anywhere in the package change where MicroPython's cache of attributes
# finds its entries: with 0 to 100 more of them a frame took up to 3 % more.
FRAME_GROWTH = 0.04
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
SAMPLING_HEAD = """
# What a frame costs from a sensor's FIFO to the window, in batches of 40 ms; by 3 or 6 axes.
# sound: 20 ms of it through the pipeline, features and model left out; by the hop in ms.
# watch: a window while a computer watches, by what is sent (tests/telemetry_on_board.py).
# Here 4 % are allowed: see FRAME_GROWTH in budget.py.
[sampling]
"""

FRONT_ENDS_HEAD = """
# What a window of sound costs from samples to a row of int8, in instructions.
[front_ends]
"""

Costs = dict[str, dict[str, Cost]]          # model -> core -> cost
Budget = dict[str, dict[str, list[int]]]    # model -> core -> [instructions, arena bytes]
Sampling = dict[str, dict[str, int]]        # sensor -> core -> instructions of a frame


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


def read_sampling() -> Sampling:
    """What sensors' frames may cost."""
    found: Sampling = tomllib.loads(BUDGET.read_text(encoding="utf-8")).get("sampling", {})
    return found


def read_front_ends() -> Sampling:
    """What front ends may cost a window of sound."""
    found: Sampling = tomllib.loads(BUDGET.read_text(encoding="utf-8")).get("front_ends", {})
    return found


def write(costs: Costs, sampling: Sampling | None = None,
          front_ends: Sampling | None = None) -> None:  # fmt: skip
    """Makes what was measured the budget; what was not measured keeps its own."""
    there = BUDGET.exists()
    kept, frames = (read()[1], read_sampling()) if there else ({}, {})
    windows = read_front_ends() if there else {}
    rows = kept | {model: {core: [cost.total, cost.arena_bytes] for core, cost in by_core.items()}
                   for model, by_core in costs.items()}
    text = HEAD.format(compiler=compiler()) + "\n".join(_lines(rows)) + "\n"
    text += SAMPLING_HEAD + "\n".join(_lines(frames | (sampling or {}))) + "\n"
    text += FRONT_ENDS_HEAD + "\n".join(_lines(windows | (front_ends or {}))) + "\n"
    BUDGET.write_text(text, encoding="utf-8")


def _lines(rows: Budget | Sampling) -> list[str]:
    return [f"{name} = {{ {', '.join(f'{core} = {value}' for core, value in rows[name].items())} }}"
            for name in sorted(rows)]


def sampling_overruns(costs: Sampling, budget: Sampling, growth: float = FRAME_GROWTH,
                      each: str = "frame") -> list[str]:  # fmt: skip
    """What is above the budget, or has none, in words."""
    found = []
    for sensor, by_core in costs.items():
        for core, now in by_core.items():
            most = budget.get(sensor, {}).get(core)
            if most is None:
                found.append(f"{sensor} on {core} has no budget")
            elif now > most * (1 + growth):
                found.append(f"{sensor} on {core}: {now} instructions a {each}, budget {most} "
                             f"({now / most - 1:+.1%})")
    return found


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
