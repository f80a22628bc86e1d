"""The planner: every plan is executed in an arena that knows whose each byte is."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from layouts import Graph, chance, mobile, residual

from tinysense_host.errors import TinysenseError
from tinysense_host.modelparts import BACKWARD, Op, Tensor
from tinysense_host.planning import Layout, plan, track
from tinysense_host.planning.access import Promise, access_of
from tinysense_host.planning.lifetimes import lifetimes
from tinysense_host.planning.place import least_bytes, lower_bound
from tinysense_host.planning.segments import execute, members_of, segment
from tinysense_host.planning.turned import turned
from tinysense_host.planning.units import single_units

HOW = [{"stream": False}, {}, {"feed": True}]


def one_op(name: str, **how) -> Layout:
    """One op on an image of 6 x 5 pixels."""
    g = Graph((how.pop("batch", 1), 6, 5, how.pop("channels", 3)))
    return g.layout(getattr(g, name)(0, **how))


def placed(layout: Layout, x: int, y: int, backward: bool = False) -> Layout:
    """One op's layout with its input and output at these places."""
    rows = [dataclasses.replace(r, offset=[x, y][i]) if i < 2 else r
            for i, r in enumerate(layout.rows)]
    ops = [dataclasses.replace(layout.ops[0], flags=BACKWARD if backward else 0)]
    end = max(r.offset + r.nbytes for r in rows[:2])
    return dataclasses.replace(layout, rows=rows, ops=ops, arena_bytes=end)


def safe(layout: Layout, promises: dict[int, Promise] | None = None) -> bool:
    """Whether the tracker finds nothing wrong."""
    try:
        track(layout, promises)
    except TinysenseError as error:
        assert "unsafe memory plan" in error.message
        return False
    return True


OPS = {
    "conv 3x3": ("conv", {"out": 3}),
    "conv 3x3 valid": ("conv", {"out": 3, "same": False}),
    "conv 3x3 stride 2": ("conv", {"out": 4, "stride": (2, 2)}),
    "conv 3x3 wider": ("conv", {"out": 7}),
    "conv 3x3 narrower": ("conv", {"out": 1}),
    "conv dilated": ("conv", {"out": 3, "dilation": 2}),
    "conv stride beyond kernel": ("conv", {"out": 2, "kernel": (1, 1), "stride": (3, 3),
                                           "same": False}),
    "conv 1x1": ("conv", {"out": 3, "kernel": (1, 1)}),
    "conv 1x1 wider": ("conv", {"out": 5, "kernel": (1, 1)}),
    "conv column": ("conv", {"out": 2, "kernel": (5, 1), "same": False}),
    "conv batch 2": ("conv", {"out": 3, "batch": 2}),
    "depthwise": ("depthwise", {}),
    "pool": ("pool", {}),
    "pool whole": ("average", {}),
    "pad": ("pad", {"top": 2, "bottom": 1, "left": 1}),
    "pad below": ("pad", {"top": 0, "bottom": 2}),
    "lut": ("lut", {}),
    "lut batch 2": ("lut", {"batch": 2}),
    "softmax": ("softmax", {}),
    "mean": ("mean", {}),
    "dense": ("dense", {"units": 4}),
}


@pytest.mark.parametrize("name", OPS)
def test_gaps_are_exactly_the_distances_that_lose_bytes(name: str) -> None:
    layout = one_op(OPS[name][0], **OPS[name][1])
    x, y = layout.rows[0].nbytes, layout.rows[1].nbytes
    for unit in single_units(lifetimes(layout), 0):     # forward, and backward where that differs
        gaps = unit.gaps[0, 1]
        for d in range(-y - 2, x + 3):
            allowed = not any(low < d < high for low, high in gaps)
            found = safe(placed(layout, max(0, -d), max(0, d), unit.backward))
            # Rows that a stride steps over count as needed until the step is done.
            assert found == allowed or (found and "beyond" in name), (d, unit.backward)


@pytest.mark.parametrize("out", [1, 2, 3, 5])
def test_gaps_of_a_convolution_that_goes_pixel_by_pixel(out: int) -> None:
    layout = one_op("conv", out=out, kernel=(1, 1))
    gaps = single_units(_promised(layout), 0)[0].gaps[0, 1]
    for d in range(-layout.rows[1].nbytes - 2, layout.rows[0].nbytes + 3):
        allowed = not any(low < d < high for low, high in gaps)
        tried = placed(_packed(layout), max(0, -d), max(0, d))
        assert safe(tried, {0: Promise(2)}) == allowed, d
    assert any(low < 0 < high for low, high in gaps) == (out > 3)


@pytest.mark.parametrize("how", [
    {"out": 7}, {"out": 1}, {"out": 3, "same": False}, {"out": 9, "stride": (2, 2)},
    {"out": 4, "kernel": (2, 3), "stride": (3, 1), "same": False}, {"out": 5, "dilation": 2}])
def test_gaps_of_a_convolution_that_copies_rows_ahead(how: dict) -> None:
    layout = _packed(one_op("conv", **how))
    promises = {0: Promise(ahead=True)}
    forward, *_ = single_units(lifetimes(layout, promises), 0)
    plain, *_ = single_units(lifetimes(layout), 0)
    for d in range(-layout.rows[1].nbytes - 2, layout.rows[0].nbytes + 3):
        allowed = not any(low < d < high for low, high in forward.gaps[0, 1])
        found = safe(placed(layout, max(0, -d), max(0, d)), promises)
        # Rows that a stride steps over count as needed until the step is done.
        assert found == allowed or (found and how.get("stride", (1, 1))[0] > 2), d
    assert forward.gaps[0, 1][0][0] >= plain.gaps[0, 1][0][0]
    backward = placed(layout, 0, 0, backward=True)
    assert safe(backward, promises) == safe(backward)


def test_copies_ahead_do_not_outlive_a_call_of_a_segment() -> None:
    g = Graph((1, 12, 4, 2))
    layout = _packed(g.layout(g.depthwise(g.conv(0, 2, stride=(2, 1)))))
    promises = {0: Promise(ahead=True)}
    assert single_units(lifetimes(layout, promises), 0)[0].gaps != single_units(
        lifetimes(layout), 0)[0].gaps
    streamed = [segment(lifetimes(layout, p), 0, 1) for p in (promises, {})]
    assert streamed[0].gaps == streamed[1].gaps


def _fully_connected(depth: int, units: int, pixels: int = 1) -> Layout:
    g = Graph((pixels, depth))
    scratch = g.row((1, 1, 1, 2 * depth), "uint8")
    y = g.op("PACKED_FULLY_CONNECTED", [0, g.constant((4,), "int32")], (pixels, units),
             (-128, 127, 1, depth))
    g.ops[0] = dataclasses.replace(g.ops[0], outputs=(y, scratch))
    return g.layout(y)


def test_one_pixel_may_be_made_over_what_it_is_made_of() -> None:
    once = {0: Promise(pixels=1)}
    assert plan(_fully_connected(16, 40), promises=once).arena_bytes == 40 + 32
    assert plan(_fully_connected(16, 40)).arena_bytes == 16 + 40 + 32
    assert plan(_fully_connected(16, 40, 2), promises=once).arena_bytes == 2 * (16 + 40) + 32


@pytest.mark.parametrize("y", range(0, 44, 4))
def test_the_end_of_a_result_lies_under_scratch_no_further_than_promised(y: int) -> None:
    layout, promises = _fully_connected(16, 40), {0: Promise(pixels=1, under=16)}
    planned = plan(layout, promises=promises)
    assert planned.arena_bytes == planned.bound == 40 - 16 + 32
    scratch = next(i for i, row in enumerate(layout.rows) if row.dtype == "uint8")
    rows = [dataclasses.replace(row, offset={1: y, scratch: 40}.get(i, 0))
            for i, row in enumerate(layout.rows)]
    tried = dataclasses.replace(layout, rows=rows, arena_bytes=96)
    assert safe(tried, promises) == (y <= 16)
    assert safe(tried, {0: Promise(pixels=1)}) == (y == 0)


def _moved(promises: dict[int, Promise], planned) -> dict[int, Promise]:
    """The promises by record of the plan."""
    return {k: promises[given] for k, given in enumerate(planned.origin) if given in promises}


def _packed(layout: Layout) -> Layout:
    """The same with packed convolutions."""
    ops = [Op("PACKED_CONV_2D", op.inputs[:2], op.outputs,
              (*op.params, *layout.rows[op.inputs[1]].dims[1:3], 0, 0))
           if op.name == "CONV_2D" else op for op in layout.ops]
    return dataclasses.replace(layout, ops=ops)


def _promised(layout: Layout):
    return lifetimes(_packed(layout), dict.fromkeys(range(len(layout.ops)), Promise(2)))


@pytest.mark.parametrize("how", HOW, ids=["whole", "streamed", "fed"])
@pytest.mark.parametrize("program", [mobile, residual])
def test_plans_are_safe_and_each_way_is_smaller(program, how: dict) -> None:
    planned = plan(program(), **how)
    track(planned)
    assert least_bytes(lifetimes(program()), True) <= planned.bound <= planned.arena_bytes
    assert planned.arena_bytes <= 1.1 * planned.bound
    assert any(op.name == "SEGMENT" for op in planned.ops) == (how != HOW[0])
    if how != HOW[0]:
        assert planned.arena_bytes < plan(program(), stream=False).arena_bytes


@pytest.mark.parametrize("seed", range(150))
def test_programs_by_chance(seed: int) -> None:
    program = chance(seed)
    sizes = []
    for how in HOW:
        try:
            planned = plan(program, **how)
        except TinysenseError as error:
            assert how.get("feed") and "cannot be pushed" in error.message
            continue
        track(planned)
        assert planned.bound <= planned.arena_bytes
        sizes.append(planned.arena_bytes)
    assert sizes[1] <= sizes[0]
    packed = _packed(program)
    promises = {k: Promise(2) for k, op in enumerate(packed.ops) if op.name == "PACKED_CONV_2D"}
    planned = plan(packed, promises=promises)
    track(planned, _moved(promises, planned))


# ---- the tracker can fail ----


def with_shorter_rings(planned: Layout):
    """The plan with a row less in one of its rings."""
    for i, row in enumerate(planned.rows):
        if row.ring > 1 and planned.storage[i] == i:
            rows = [dataclasses.replace(r, ring=r.ring - 1)
                    if planned.storage[k] == i else r for k, r in enumerate(planned.rows)]
            yield f"ring of {i}", dataclasses.replace(planned, rows=rows)


@pytest.mark.parametrize("program", [mobile, residual])
@pytest.mark.parametrize("how", HOW[1:], ids=["streamed", "fed"])
def test_a_ring_short_by_one_row_is_caught(program, how: dict) -> None:
    tried = list(with_shorter_rings(plan(program(), **how)))
    assert len(tried) >= 2
    for what, broken in tried:
        assert not safe(broken), what


def test_a_distance_short_by_four_bytes_is_caught() -> None:
    tried = 0
    for name, how in OPS.values():
        layout = one_op(name, **{**how, "channels": 4})
        for unit in single_units(lifetimes(layout), 0):
            for low, high in unit.gaps[0, 1]:
                for edge, nearer in ((low, low + 4), (high, high - 4)):
                    if any(a < nearer < b for a, b in unit.gaps[0, 1]) and low < 0 < high:
                        good, bad = (placed(layout, max(0, -d), max(0, d), unit.backward)
                                     for d in (edge, nearer))
                        assert safe(good)
                        assert not safe(bad)
                        tried += 1
    assert tried > 40


def test_every_tensor_that_touches_another_is_needed_where_it_is() -> None:
    """Negative control over whole plans: a tensor moved onto its neighbour is noticed."""
    planned = plan(residual(), stream=False)
    moved = caught = 0
    for o in planned.objects:
        if o.offset < 4 or o.first < 0:
            continue
        rows = [dataclasses.replace(r, offset=r.offset - 4)
                if planned.storage[k] == o.tensor else r for k, r in enumerate(planned.rows)]
        moved += 1
        caught += not safe(dataclasses.replace(planned, rows=rows))
    assert moved > 3
    assert caught >= moved / 2      # those with room below them are no fault


def test_state_that_an_inference_writes_over_is_caught() -> None:
    layout = _with_state()
    planned = plan(layout)
    track(planned)
    (state,) = [o for o in planned.objects if o.what == "state"]
    rows = [dataclasses.replace(r, offset=state.offset) if i == 0 else r
            for i, r in enumerate(planned.rows)]
    assert not safe(dataclasses.replace(planned, rows=rows))


def test_scratch_is_noise() -> None:
    """Working memory that lies on a tensor in use."""
    g = Graph((1, 4, 4, 4))
    y = g.conv(0, 4, kernel=(1, 1))
    scratch = g.row((1, 1, 1, 32), "uint8")
    g.ops[0] = dataclasses.replace(g.ops[0], outputs=(y, scratch))
    planned = plan(g.layout(y))
    track(planned)
    at = planned.ops[0].outputs[1]
    for onto in (planned.rows[0].offset, planned.rows[1].offset):
        rows = [dataclasses.replace(r, offset=onto) if i == at else r
                for i, r in enumerate(planned.rows)]
        assert not safe(dataclasses.replace(planned, rows=rows))


# ---- what the plan is made of ----


def _with_state() -> Layout:
    """y = x + state; state = lut(y)."""
    g = Graph((1, 8))
    state = g.row((1, 8))
    g.ops.append(Op("FILL", (), (state,), (0,)))
    g.n_init = 1
    y = g.add(0, state)
    table = g.constant((256,))
    g.ops.append(Op("LUT", (y, table), (state,)))
    return g.layout(y)


def test_state_is_alive_throughout_and_apart() -> None:
    planned = plan(_with_state())
    state, = (o for o in planned.objects if o.what == "state")
    assert (state.first, state.last) == (-1, len(planned.ops))
    assert planned.n_init == 1
    assert planned.arena_bytes == 16        # x and y share their bytes, the state has its own


def test_rows_needed_by_a_window() -> None:
    layout = one_op("conv", out=2, kernel=(3, 3), stride=(2, 1))
    access = access_of(layout.ops[0], layout.rows)
    first, last = access.needs(layout.rows[0])
    assert first.tolist() == [0, 2, 4]
    assert last.tolist() == [2, 4, 5]
    assert (access.stride, access.lead) == (2, 2)


def test_padding_rows_need_nothing() -> None:
    layout = one_op("pad", top=2, bottom=1)
    first, last = access_of(layout.ops[0], layout.rows).needs(layout.rows[0])
    assert [(a, b) for a, b in zip(first.tolist(), last.tolist(), strict=True) if a <= b] == \
        [(r, r) for r in range(6)]
    assert len(first) == 9


def test_the_last_op_asks_and_the_others_answer() -> None:
    """conv 3x3 (padded) after conv 3x3: rows 0 and 1 of the first, then row by row."""
    g = Graph((1, 5, 4, 2))
    layout = g.layout(g.conv(g.conv(0, 2), 2))
    members = members_of(lifetimes(layout), 0, 1)
    made, pushes = execute(members)
    assert made == [[0, 1, 3, 5, 7], [2, 4, 6, 8, 9]]
    assert pushes == []
    unit = segment(lifetimes(layout), 0, 1)
    assert list(unit.rings.values()) == [3]


def test_pushed_rows_come_when_nothing_can_be_made_without() -> None:
    g = Graph((1, 5, 4, 2))
    layout = g.layout(g.conv(0, 2, stride=(2, 1), same=False))
    made, pushes = execute(members_of(lifetimes(layout), 0, 0, pushed=True), 5)
    assert (made, pushes) == ([[3, 6]], [0, 1, 2, 4, 5])


def test_a_residual_keeps_the_rows_its_branch_is_behind() -> None:
    """Three convolutions of 3 rows beside the identity: rows y .. y + 3 are in use."""
    g = Graph((1, 20, 4, 4))
    x = g.conv(0, 4)
    y = g.add(x, g.conv(g.conv(g.conv(x, 4), 4), 4))
    planned = plan(g.layout(g.average(y)), feed=True)
    skipped = next(op for op in planned.ops if op.name == "CONV_2D").outputs[0]
    assert planned.rows[skipped].ring == 4


def test_an_average_takes_its_rows_as_they_come() -> None:
    g = Graph((1, 20, 6, 4))
    planned = plan(g.layout(g.dense(g.average(g.conv(0, 8)), 3)))
    average = next(op for op in planned.ops if op.name == "AVERAGE_POOL_2D")
    assert planned.rows[average.outputs[1]].nbytes == 4 * 8
    assert planned.rows[average.inputs[0]].ring == 1
    assert planned.arena_bytes < 20 * 6 * 4 + 100


def test_an_addition_writes_over_the_row_it_reads() -> None:
    g = Graph((1, 16, 4, 4))
    x = g.conv(0, 4)
    y = g.conv(x, 4)
    planned = plan(g.layout(g.average(g.conv(g.add(x, y), 4))), feed=True)
    add = next(op for op in planned.ops if op.name == "ADD")
    places = [(planned.rows[i].offset, planned.rows[i].ring) for i in (*add.inputs, *add.outputs)]
    assert places[2] in places[:2]
    assert places[2][1] == 3


def test_inputs_that_cannot_be_pushed_are_refused() -> None:
    g = Graph((1, 8))
    with pytest.raises(TinysenseError, match="cannot be pushed row by row"):
        plan(g.layout(g.dense(0, 3)), feed=True)
    two = Graph((1, 4, 4, 1), inputs=2)
    with pytest.raises(TinysenseError, match="cannot be pushed row by row"):
        plan(two.layout(two.add(0, 1)), feed=True)


def test_a_pushed_input_takes_the_shape_it_is_read_in() -> None:
    g = Graph((1, 48))
    planned = plan(g.layout(g.conv(g.reshape(0, (1, 6, 4, 2)), 2)), feed=True)
    assert planned.rows[0].shape == (1, 6, 4, 2)
    assert planned.rows[0].ring == 3


def test_equal_programs_give_equal_plans() -> None:
    for program in (mobile, residual):
        one, other = plan(program()), plan(program())
        assert [(r.offset, r.ring) for r in one.rows] == [(r.offset, r.ring) for r in other.rows]
        assert one.ops == other.ops


def test_a_program_of_no_ops() -> None:
    rows = [Tensor("int8", (4,)), Tensor("int8", (4,))]
    planned = plan(Layout(rows, [0, 0], [], 1, 1, 0))
    assert planned.arena_bytes == 4
    assert [r.offset for r in planned.rows] == [0, 0]


def test_dense_layers_need_the_two_largest_neighbours() -> None:
    g = Graph((1, 40))
    planned = plan(g.layout(g.dense(g.dense(g.dense(0, 16), 100), 8)))
    assert planned.arena_bytes == 116
    assert planned.bound == 116


def test_the_bound_is_that_of_the_worst_moment() -> None:
    life = lifetimes(mobile())
    units = {k: single_units(life, k) for k in range(len(life.steps))}
    assert lower_bound(life, units) == max(u.peak for row in units.values() for u in row[:1])


def sequence(steps: int = 40) -> Layout:
    """Convolutions over time as Keras lays them out: one row of many columns."""
    g = Graph((1, steps, 3))
    x = g.conv(g.reshape(0, (1, 1, steps, 3)), 8, kernel=(1, 5))
    x = g.conv(x, 8, kernel=(1, 3), stride=(1, 2))
    x = g.pool_row(g.add(x, g.lut(x)), 2)
    return g.layout(g.softmax(g.dense(x, 4)))


def test_sequences_are_turned_where_memory_is_all() -> None:
    program = sequence()
    usual, least, fed = (plan(program, **how) for how in ({}, {"smallest": True}, {"feed": True}))
    for planned in (usual, least, fed):
        track(planned)
    assert [op.params for op in usual.ops] == [op.params for op in program.ops]
    assert least.arena_bytes < 0.6 * usual.arena_bytes
    conv = next(op for op in least.ops if op.name == "CONV_2D")
    weights = least.rows[conv.inputs[1]]
    assert (least.rows[conv.inputs[0]].dims, weights.dims) == ((1, 40, 1, 3), (8, 5, 1, 3))
    assert conv.params[4:6] == (2, 0)
    assert fed.rows[0].shape == (1, 40, 1, 3)
    assert fed.rows[0].ring == 5


def test_turning_exchanges_rows_and_columns_of_weights() -> None:
    g = Graph((1, 1, 9, 2))
    y = g.conv(0, 2, kernel=(3, 5))
    weights = g.ops[0].inputs[1]
    values = np.arange(60, dtype=np.int8).reshape(2, 3, 5, 2)
    g.rows[weights] = dataclasses.replace(g.rows[weights], data=values)
    over = turned(g.layout(y))
    made = over.rows[over.ops[0].inputs[1]].data
    assert np.array_equal(made, values.transpose(0, 2, 1, 3))
    assert over.ops[0].params == (1, 1, 1, 1, 2, 1, -128, 127)
    assert turned(one_op("conv", out=2)) is None


@pytest.mark.parametrize(("columns", "block", "step"), [
    (5, 2, 2), (6, 2, 1), (5, 4, 1), (6, 4, 2), (2, 4, 2), (5, 0, 1), (4, 4, 1)])
def test_two_rows_at_once_where_they_fill_blocks_of_pixels(
    columns: int, block: int, step: int
) -> None:
    g = Graph((1, 20, columns, 4))
    x = g.depthwise(0)
    x = g.conv(x, 4, kernel=(1, 1))
    layout = _packed(g.layout(g.average(g.depthwise(x))))
    promises = {1: Promise(block)}
    life = lifetimes(layout, promises)
    assert [m.step for m in members_of(life, 0, 3)] == [1, step, 1, 1]
    assert [m.step for m in members_of(life, 0, 3, smallest=True)] == [1, 1, 1, 1]
    planned = plan(layout, feed=True, promises=promises)
    track(planned, _moved(promises, planned))
    made = next(op for op in planned.ops if op.name == "PACKED_CONV_2D").outputs[0]
    assert planned.rows[made].ring == (4 if step == 2 else 3)


def test_dense_layers_share_no_byte_with_what_is_alive() -> None:
    g = Graph((1, 12))
    planned = plan(g.layout(g.dense(g.dense(g.dense(0, 7), 20), 3)))
    for a in planned.objects:
        for b in planned.objects:
            meet = a.first <= b.last and b.first <= a.last and a != b
            apart = a.offset + a.bytes <= b.offset or b.offset + b.bytes <= a.offset
            assert not meet or apart


def test_names_of_bytes_are_those_of_numpy() -> None:
    """The tracker's index of a byte is its place in the tensor, ring or not."""
    row = Tensor("int8", (1, 6, 2, 2), offset=8, ring=2)
    assert (row.row_bytes, row.stored_bytes, row.nbytes) == (4, 8, 24)
    assert np.dtype(row.dtype).itemsize == 1
