"""What one inference costs on the virtual boards: a table, and build/bench.json.

    python tests/bench.py [BOARD ...]

Models: ours, and the five of MLPerf Tiny where TINYSENSE_SHARED or ../shared
has them. Counts are executed instructions, exact and the same in every run.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tinysense_host import bench, verify
from tinysense_host.benchboard import open_board
from tinysense_host.boards import tomllib
from tinysense_host.errors import TinysenseError
from tinysense_host.sources import shared_folder

ROOT = Path(__file__).resolve().parent.parent
BOARDS = ("QEMU_M4F", "QEMU_M0", "QEMU_M7", "QEMU_M55", "QEMU_RV32")
MLPERF_TINY = ("kws_ref_model", "pretrainedResnet_quant", "vww_96_int8", "ad01_int8",
               "str_ww_ref_model")  # fmt: skip
COLUMNS = ("model", "board", "instructions", "per MAC", "TFLM + CMSIS-NN", "ours / theirs", "arena",
           "their arena", "model bytes")  # fmt: skip

Row = dict[str, Any]


def models() -> list[Path]:
    """What there is to measure; says what is not."""
    ours = sorted((ROOT / "models").glob("*/*.tsm"))
    folder = shared_folder() / "models" / "mlperf_tiny"
    others = [folder / f"{name}.tflite" for name in MLPERF_TINY]
    for path in others:
        if not path.is_file():
            skipped(f"{path} is absent (set TINYSENSE_SHARED)")
    return ours + [path for path in others if path.is_file()]


def skipped(why: str) -> None:
    print(f"skipped: {why}", file=sys.stderr)


def measured(board: str, paths: list[Path], baseline: dict[str, Row]) -> Iterator[Row]:
    """One row per model on one board."""
    with open_board(board, icount=True) as device:
        for path in paths:
            print(f"{path.stem} on {board}", file=sys.stderr)
            try:
                cost = bench.measure(device, verify.open_model(path).blob)
            except TinysenseError as error:
                skipped(f"{path.stem} on {board}: {error}")
                continue
            known = {"baseline": baseline[path.stem]} if path.stem in baseline else {}
            yield {"model": path.stem, "board": board} | cost.as_dict() | known


def cells(row: Row) -> list[str]:
    """A row of the table."""
    theirs = row.get("baseline", {})
    count = row["instructions"]
    return [
        row["model"], row["board"], f"{count:,}",
        f"{count / row['macs']:.2f}" if row["macs"] else "",
        f"{theirs['instructions']:,}" if theirs else "",
        f"{count / theirs['instructions']:.2f}" if theirs else "",
        f"{row['arena_bytes']:,}", f"{theirs['arena_bytes']:,}" if theirs else "",
        f"{row['model_bytes']:,}",
    ]  # fmt: skip


def main(boards: list[str]) -> None:
    """Measures, prints, writes."""
    baseline = tomllib.loads((ROOT / "tests" / "bench_baseline.toml").read_text(encoding="utf-8"))
    paths = models()
    rows: list[Row] = []
    for board in boards or BOARDS:
        try:
            rows += measured(board, paths, baseline.get(board, {}))
        except TinysenseError as error:
            skipped(f"{board}: {error}")
    print(f"| {' | '.join(COLUMNS)} |\n|---|---|{'---:|' * (len(COLUMNS) - 2)}")
    for row in sorted(rows, key=lambda r: r["model"]):
        print(f"| {' | '.join(cells(row))} |")
    out = ROOT / "build" / "bench.json"
    out.parent.mkdir(exist_ok=True)
    out.write_text(json.dumps(rows, indent=1) + "\n", encoding="utf-8")
    print(f"written: {out}", file=sys.stderr)


if __name__ == "__main__":
    main(sys.argv[1:])
