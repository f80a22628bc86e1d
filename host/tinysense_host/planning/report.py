"""The memory map as text: for each op what lies in the arena while it runs."""

from __future__ import annotations

from tinysense_host.planning.objects import Layout, Object, objects_of

__all__ = ["describe", "memory_table"]


def memory_table(layout: Layout) -> list[tuple[str, str, str, str]]:
    """(op, how it runs, its result, all that is alive) for each op.

    Results and what is alive are "name@offset+bytes"; a ring says how many
    rows. What is alive in a segment is told once, with its SEGMENT.
    """
    objects = objects_of(layout)
    table = []
    left = 0
    for k, op in enumerate(layout.ops):
        alive = sorted((o for o in objects if o.first <= k <= o.last),
                       key=lambda o: (o.offset, o.tensor))  # fmt: skip
        how = "backward" if op.backward else "in rows" if left else ""
        left = op.params[0] if op.name == "SEGMENT" else max(0, left - 1)
        made = [o for o in alive if op.outputs and o.tensor == layout.storage[op.outputs[0]]]
        told = "" if how == "in rows" else " ".join(map(describe, alive))
        table.append((f"{k} {op.name}", how, " ".join(map(describe, made)), told))
    return table


def describe(o: Object) -> str:
    """An object in a word, such as "t7@384+8000" or "t9@492+960(3 rows)"."""
    name = f"t{o.tensor}" if o.what == "tensor" else f"{o.what} t{o.tensor}"
    rows = f"({o.ring} row{'s' if o.ring > 1 else ''})" if o.ring else ""
    return f"{name}@{o.offset}+{o.bytes}{rows}"
