"""What one inference costs on every virtual core: build/bench/bench.json and bench.md.

    python tests/bench.py [--accept] [CORE ...]

Models: those in the tree, and those of others where TINYSENSE_SHARED or
../shared has them, each packed for the core and compared with its portable
file there. Counts are executed instructions, exact and the same in every run,
of the core of the firmware without MicroPython around it. And what a sensor's frame costs on its
way to the model, on an emulated board with MicroPython. --accept makes the
results the budget (tests/budget.toml).
"""

from __future__ import annotations

import argparse
import json
import math
import sys
import textwrap
from collections.abc import Callable
from typing import Any

import budget
import front_ends
import sampling

from tinysense_host import verify
from tinysense_host.barecore import load_core
from tinysense_host.bench import Cost
from tinysense_host.benchcore import fit
from tinysense_host.flash import flash_of
from tinysense_host.modelfile import ModelFile

MLPERF_TINY = ("kws_ref_model", "pretrainedResnet_quant", "vww_96_int8", "ad01_int8",
               "str_ww_ref_model")  # fmt: skip
COLUMNS = ("model", "multiply-adds", "instructions", "per MAC", "TFLM + CMSIS-NN",
           "ours / theirs", "load", "arena", "their arena", "ours / theirs", "file")  # fmt: skip

Row = dict[str, Any]


def table_row(model: str, cost: Cost, theirs: Row) -> list[str]:
    """Cells of a model's row."""
    arena, count = theirs.get("arena_bytes"), theirs.get("instructions")
    return [
        model, f"{cost.macs:,}", f"{cost.total:,}",
        f"{cost.total / cost.macs:.2f}" if cost.macs else "",
        f"{count:,}" if count else "", f"{cost.total / count:.2f}" if count else "",
        f"{cost.load:,}", f"{cost.arena_bytes:,}", f"{arena:,}" if arena else "",
        f"{cost.arena_bytes / arena:.2f}" if arena else "", f"{cost.model_bytes:,}",
    ]  # fmt: skip


def mean_row(costs: dict[str, Cost], theirs: dict[str, Row]) -> list[str] | None:
    """Geometric means over those of MLPerf Tiny's five that have the peers' figures; with all
    their channels, since removing those that are constant is not the kernels' doing."""
    names = [name for name in MLPERF_TINY if name in costs and name in theirs]
    if len(names) < len(MLPERF_TINY) - 1:
        return None

    def mean(key: str, ours: Callable[[Cost], int]) -> str:
        ratios = [ours(costs.get(name + budget.WHOLE, costs[name])) / theirs[name][key]
                  for name in names]  # fmt: skip
        return f"{math.prod(ratios) ** (1 / len(ratios)):.3f}"

    row = [""] * len(COLUMNS)
    row[0] = f"geometric mean of MLPerf Tiny's {len(names)}, all channels"
    row[5] = mean("instructions", lambda c: c.total)
    row[9] = mean("arena_bytes", lambda c: c.arena_bytes)
    return row


def table(core: str, costs: dict[str, Cost], theirs: dict[str, Row]) -> list[str]:
    """One core's part of the page."""
    firsts = [name + end for name in MLPERF_TINY for end in ("", budget.WHOLE)]
    names = [name for name in firsts if name in costs]
    names += [name for name in costs if name not in names]
    rows = [table_row(name, costs[name], theirs.get(name.removesuffix(budget.WHOLE), {}))
            for name in names]
    mean = mean_row(costs, theirs)
    rows += [mean] if mean else []
    lines = [f"## {load_core(core).title}", "", f"| {' | '.join(COLUMNS)} |",
             f"|---|{'---:|' * (len(COLUMNS) - 1)}"]  # fmt: skip
    return [*lines, *(f"| {' | '.join(row)} |" for row in rows), ""]


def flash_table(theirs: dict[str, Row]) -> list[str]:
    """What the core takes of flash on a Cortex-M4 for each model whose peers' figure is known."""
    lines = ["## Flash, Cortex-M4F", "", "Code and constants of the core and of the libraries' "
             "parts it needs, packed kernels of the model's ops only.", "",
             "| model | bytes | TFLM + CMSIS-NN | ours / theirs |", "|---|---:|---:|---:|"]  # fmt: skip
    core = load_core("cortex-m4")
    for path in budget.shared_models():
        known = theirs.get(path.stem, {}).get("flash_bytes")
        if known:
            packed = fit(verify.open_model(path).blob, core.target)[0]
            ours = flash_of(ModelFile.read(packed), core).total
            lines.append(f"| {path.stem} | {ours:,} | {known:,} | {ours / known:.2f} |")
    return [*lines, ""]


def page(costs: budget.Costs, cores: list[str], baseline: dict[str, dict[str, Row]],
         refused: dict[str, str]) -> str:
    """The Markdown page."""
    lines = ["# One inference", "", "Executed instructions under -icount on emulated cores, not "
             "cycles; arena and file in bytes; load: instructions from the file to the first "
             "inference. The converter removes channels that never change; -all-channels is "
             "the model with them, for a comparison of kernels.", ""]
    for core in cores:
        chosen = {model: by_core[core] for model, by_core in costs.items() if core in by_core}
        lines += table(core, chosen, baseline.get(core, {}))
    if "cortex-m4" in cores:
        lines += flash_table(baseline["cortex-m4"])
    if refused:
        lines += ["## Not measured", ""]
        lines += [f"- {name}: {textwrap.shorten(why, 120)}" for name, why in refused.items()]
    return "\n".join(lines) + "\n"


def main() -> int:
    """Measures, writes, says where."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--accept", action="store_true", help="make the results the budget")
    parser.add_argument("cores", nargs="*", metavar="CORE", default=[],
                        help=f"default: all of {', '.join(budget.CORES)}")
    given = parser.parse_args()
    cores = given.cores or list(budget.CORES)
    baseline = budget.tomllib.loads(
        (budget.ROOT / "tests" / "bench_baseline.toml").read_text(encoding="utf-8"))
    refused: dict[str, str] = {}
    ours = [path for path in budget.small_models() if path.suffix == ".tsm"]
    costs = budget.measured([*ours, *budget.shared_models()], cores, refused, whole=True)
    folder = budget.ROOT / "build" / "bench"
    folder.mkdir(parents=True, exist_ok=True)
    told = {model: {core: cost.as_dict() for core, cost in by_core.items()}
            for model, by_core in costs.items()}
    (folder / "bench.json").write_text(json.dumps(told, indent=1) + "\n", encoding="utf-8")
    frames = sampling.measured() if sampling.CORE in cores else {}
    text = page(costs, cores, baseline, refused)
    if frames:
        text += "\n" + "\n".join(sampling.table(frames))
    windows = front_ends.measured(core for core in cores if core in front_ends.CORES)[0]
    if any(windows.values()):
        text += "\n" + "\n".join(front_ends.table(windows))
    (folder / "bench.md").write_text(text, encoding="utf-8")
    print(text)
    print(f"written: {folder}/bench.json and bench.md", file=sys.stderr)
    if given.accept:
        small = [path for path in budget.small_models() if path.suffix != ".tsm"]
        budget.write(costs | budget.measured(small, cores), frames, windows)
    return 0


if __name__ == "__main__":
    sys.exit(main())
