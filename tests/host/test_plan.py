from __future__ import annotations

import random
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tinysense_host import convert, tflite
from tinysense_host.errors import TinysenseError
from tinysense_host.plan import Block, check, lower_bound, place, plan, storage_blocks

blocks = st.lists(
    st.builds(
        lambda size, first, length: Block(4 * size, first, first + length),
        st.integers(1, 50), st.integers(-1, 12), st.integers(0, 6),
    ),
    min_size=1, max_size=24,
)  # fmt: skip


@settings(max_examples=200, deadline=None)
@given(blocks)
def test_every_plan_is_safe_and_not_below_the_bound(given_blocks: list[Block]) -> None:
    offsets, arena = place(given_blocks)
    check(given_blocks, offsets, arena)
    assert lower_bound(given_blocks) <= arena <= sum(b.size for b in given_blocks)


def test_a_chain_needs_its_two_largest_neighbours() -> None:
    chain = [Block(size, i, i + 1) for i, size in enumerate([100, 400, 300, 8])]
    assert place(chain)[1] == 700


def test_blocks_that_never_meet_share_everything() -> None:
    assert place([Block(64, i, i) for i in range(5)])[1] == 64


UNSAFE = [
    ("share bytes", [Block(8, 0, 2), Block(8, 1, 3)], [0, 4], 12),
    ("share bytes", [Block(8, 0, 1), Block(4, 1, 1)], [0, 4], 8),  # the last op of one is the
    # first of the other: read and written by the same op
    ("arena 12", [Block(8, 0, 1)], [8], 12),
    ("at -4", [Block(8, 0, 1)], [-4], 12),
    ("at 2", [Block(4, 0, 1)], [2], 12),
]


@pytest.mark.parametrize(("says", "given_blocks", "offsets", "arena"), UNSAFE)
def test_unsafe_plans_are_refused(
    says: str, given_blocks: list[Block], offsets: list[int], arena: int
) -> None:
    with pytest.raises(TinysenseError, match=f"unsafe memory plan.*{says}"):
        check(given_blocks, offsets, arena)


def test_moving_any_block_down_is_noticed() -> None:
    """Negative control: tight plans have no slack that the checker could overlook."""
    rng = random.Random(1)
    chain = [Block(4 * rng.randint(1, 30), i, i + 1) for i in range(12)]
    offsets, arena = place(chain)
    caught = moved = 0
    for i, offset in enumerate(offsets):
        if offset == 0:
            continue
        moved += 1
        try:
            check(chain, [*offsets[:i], offset - 4, *offsets[i + 1 :]], arena)
        except TinysenseError:
            caught += 1
    assert moved > 0
    assert caught == moved


CASES = Path(__file__).parents[1] / "golden" / "cases"


@pytest.mark.parametrize("name", ["relu", "logistic", "softmax", "add", "quantize_float"])
def test_elementwise_ops_run_in_place(name: str) -> None:
    program = convert.compile_graph(tflite.load(CASES / f"{name}.tflite"))
    offsets, arena = plan(program)
    assert offsets[program.ops[0].outputs[0]] == offsets[program.ops[0].inputs[0]]
    assert arena == sum(-(-r.nbytes // 4) * 4 for r in program.rows[: program.n_inputs])


@pytest.mark.parametrize("name", ["add_rows", "add_both_repeat", "dequantize", "conv_1x1", "mean"])
def test_other_ops_keep_their_operands_apart(name: str) -> None:
    program = convert.compile_graph(tflite.load(CASES / f"{name}.tflite"))
    offsets, arena = plan(program)
    blocks_ = list(storage_blocks(program, program.storage).values())
    assert arena == sum(b.size for b in blocks_)
    assert len(set(offsets[: program.n_inputs + 1])) == program.n_inputs + 1


def test_an_operand_read_later_is_not_written_over() -> None:
    """keras_residual1d returns the convolution and adds it too: ADD must spare it."""
    program = convert.compile_graph(tflite.load(CASES / "keras_residual1d.tflite"))
    offsets, _ = plan(program)
    add = next(op for op in program.ops if op.name == "ADD")
    kept = next(i for i in (1, 2) if program.rows[i].elements == 64)
    assert offsets[kept] in [offsets[i] for i in add.inputs]
    assert offsets[add.outputs[0]] != offsets[kept]
