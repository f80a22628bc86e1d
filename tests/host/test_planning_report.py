"""What a plan tells of itself."""

from __future__ import annotations

from layouts import mobile

from tinysense_host.planning import objects_of, plan
from tinysense_host.planning.report import memory_table


def test_the_memory_map_tells_what_is_alive() -> None:
    planned = plan(mobile(blocks=2), feed=True)
    objects = objects_of(planned)
    kinds = {o.what for o in objects}
    assert {"input", "output", "tensor", "progress", "sums"} <= kinds
    assert max(o.offset + o.bytes for o in objects) <= planned.arena_bytes
    table = memory_table(planned)
    assert len(table) == len(planned.ops)
    assert any("rows)" in alive for _, _, _, alive in table)
    final = table[-1]
    assert final[0].endswith("SOFTMAX")
    assert "output t1@" in final[2]
