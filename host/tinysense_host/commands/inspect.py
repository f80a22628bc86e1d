"""tinysense inspect."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.table import Table

from tinysense_host.commands.options import Json
from tinysense_host.commands.screen import console, size

if TYPE_CHECKING:
    from tinysense_host.bench import OpCost
    from tinysense_host.inspection import Memory
    from tinysense_host.modelfile import ModelFile, Tensor

__all__ = ["inspect"]


def inspect(
    source: Annotated[Path, typer.Argument(metavar="IN", help="A .tflite or a .tsm.")],
    core: Annotated[str | None, typer.Option(
        help="Pack for this core (cortex-m4 ...) and count its instructions.")] = None,
    svg: Annotated[Path | None, typer.Option(
        metavar="FILE", help="Write the memory over time as a picture.")] = None,
    as_json: Json = False,
) -> None:
    """Show a model's graph, what each op costs, and what lies in memory when.

    Of a .tflite it also tells what became of ops that the board does not run:
    fused, computed beforehand, or only another shape of the same bytes.
    """
    from tinysense_host import bench, convert, inspection, tflite, verify
    from tinysense_host.barecore import load_core
    from tinysense_host.benchcore import costs_on_core, fit
    from tinysense_host.errors import TinysenseError
    from tinysense_host.files import write_atomically
    from tinysense_host.memorymap import draw
    from tinysense_host.modelfile import ModelFile

    opened = verify.open_model(source)
    blob = opened.blob
    costs, total = None, None
    if core is not None:
        chosen = load_core(core)
        blob, portable = fit(blob, chosen.target)
        found = next(iter(costs_on_core(chosen, [(source.stem, blob, portable)])))
        if isinstance(found, TinysenseError):
            raise found
        costs, total = found.ops, found.total
    model = ModelFile.read(blob)
    ops = costs or bench.op_costs(model, [0] * len(model.ops))
    memory = inspection.memory_of(model)
    fused: list[str] = []
    if opened.tflite is not None:
        graph = tflite.read(opened.tflite, source.stem)
        fused = list(inspection.changes(graph, convert.compile_graph(graph)))
    if svg is not None:
        title = f"{model.name}: arena {model.arena_bytes} bytes"
        picture = draw(memory.objects, model.tensors, model.ops, model.arena_bytes, title)
        write_atomically(svg, picture.encode())
    if as_json:
        print(json.dumps(_as_dict(model, ops, total, memory, fused)))
    else:
        _show(model, ops, total, memory, fused)


def _as_dict(model: ModelFile, ops: tuple[OpCost, ...], total: int | None, memory: Memory,
             fused: list[str]) -> dict[str, Any]:
    from tinysense_host import inspection

    sources = inspection.readers(model)
    return {
        "name": model.name, "target": model.target, "arena_bytes": model.arena_bytes,
        "instructions": total,
        "inputs": [_tensor(t) for t in model.inputs],
        "outputs": [_tensor(t) for t in model.outputs],
        "ops": [{"op": op.name, "reads": sources[k], "shape": list(op.shape), "macs": op.macs,
                 "constant_bytes": op.constant_bytes, "inside": op.inside,
                 "instructions": op.cost if total is not None else None}
                for k, op in enumerate(ops)],
        "memory": [vars(o) for o in memory.objects],
        "busiest": memory.busiest, "fused": fused,
    }  # fmt: skip


def _tensor(t: Tensor) -> dict[str, Any]:
    return {"dtype": t.dtype, "shape": list(t.shape), "scale": t.scale,
            "zero_point": t.zero_point}  # fmt: skip


def _show(model: ModelFile, ops: tuple[OpCost, ...], total: int | None, memory: Memory,
          fused: list[str]) -> None:
    from tinysense_host.packing import target_name

    console.print(f"{model.name}: {target_name(model.target)}, {len(model.ops)} ops, "
                  f"{len(model.labels)} labels")
    for what, tensors in (("input", model.inputs), ("output", model.outputs)):
        for t in tensors:
            shape = " x ".join(map(str, t.shape)) or "1"
            console.print(f"{what}: {t.dtype} {shape}, scale {t.scale:.6g}, zero point "
                          f"{t.zero_point}{', pushed row by row' if t.ring else ''}")
    _ops_table(model, ops, total)
    worst = memory.busiest
    console.print(f"\narena {size(model.arena_bytes)}, most of it needed at op {worst} "
                  f"{model.ops[worst].name if model.ops else ''}:")
    for o in memory.alive(worst):
        shape = " x ".join(map(str, model.tensors[o.tensor].shape))
        held = f", {o.ring} row{'s' * (o.ring > 1)} of it" if o.ring else ""
        console.print(f"  {o.offset:>8} + {o.bytes:<8} {o.what} {o.tensor} ({shape}{held})")
    if fused:
        console.print("\nops of the .tflite that became something else:")
        for line in fused:
            console.print(f"  {line}")


def _ops_table(model: ModelFile, ops: tuple[OpCost, ...], total: int | None) -> None:
    from tinysense_host import inspection

    table = Table(box=None, pad_edge=False)
    for title in ("op", "reads", "output"):
        table.add_column(title)
    for title in ("multiply-adds", "constant bytes", *(["instructions"] if total else [])):
        table.add_column(title, justify="right")
    table.add_column("")
    sources = inspection.readers(model)
    for k, op in enumerate(ops):
        reads = " ".join("input" if i < 0 else str(i) for i in sources[k])
        counted = [str(op.cost)] if total else []
        table.add_row(f"{'  ' * op.inside}{k} {op.name}", reads, " x ".join(map(str, op.shape)),
                      str(op.macs or ""), str(op.constant_bytes or ""), *counted,
                      inspection.remarks(model, model.ops[k]))
    console.print(table)
    macs = sum(op.macs for op in ops)
    console.print(f"{macs} multiply-adds" + (f", {total} instructions" if total else ""))
