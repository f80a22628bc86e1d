"""State kept between runs: how a graph names it, how it begins, and how it becomes ops."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from tinysense_host.convert import compile_graph
from tinysense_host.errors import TinysenseError
from tinysense_host.graph import Graph, Node, Quant, Tensor
from tinysense_host.graph.states import fold_states

QUANT = Quant(np.array([0.5], np.float32), np.array([3]))
SHAPE = (1, 4, 1, 2)


def tensor(i: int, name: str, shape: tuple[int, ...] = SHAPE, **more: object) -> Tensor:
    return Tensor(i, name, "int8", shape, QUANT, **more)  # type: ignore[arg-type]


def handle(i: int, name: str = "handle") -> Tensor:
    return Tensor(i, name, "resource", ())


def var(k: int, out: int, name: str = "rows") -> Node:
    return Node(k, "VAR_HANDLE", (), (out,), {"container": "", "shared_name": name})


def setter(value: np.ndarray | None = None, name: str = "rows") -> Graph:
    """The graph that CALL_ONCE runs."""
    data = np.full(SHAPE, 3, np.int8) if value is None else value
    tensors = (handle(0), tensor(1, "first", data.shape, data=data))
    nodes = (var(0, 0, name), Node(1, "ASSIGN_VARIABLE", (0, 1), ()))
    return Graph("init", tensors, nodes, (), ())


def graph(*nodes: Node, others: tuple[Graph, ...] | None = None, call: bool = True) -> Graph:
    """x 0, y 1, handle 2, old 3, new 4; CALL_ONCE and VAR_HANDLE, then ``nodes``."""
    tensors = (tensor(0, "x"), tensor(1, "y"), handle(2), tensor(3, "old"), tensor(4, "new"))
    once = (Node(0, "CALL_ONCE", (), (), {"subgraph": 1}),) if call else ()
    return Graph("g", tensors, (*once, var(1, 2), *nodes), (0,), (1,),
                 others=(setter(),) if others is None else others)  # fmt: skip


READ = Node(2, "READ_VARIABLE", (2,), (3,))
ADD = Node(3, "MAXIMUM", (0, 3), (4,))
ASSIGN = Node(4, "ASSIGN_VARIABLE", (2, 4), ())
GIVE = Node(5, "MAXIMUM", (4, 0), (1,))


def ops(g: Graph) -> list[str]:
    return [op.name for op in compile_graph(g).ops]


def test_variables_become_states() -> None:
    folded = fold_states(graph(READ, ADD, ASSIGN, GIVE))
    assert [n.op for n in folded.nodes] == [
        "READ_VARIABLE", "MAXIMUM", "ASSIGN_VARIABLE", "MAXIMUM"]
    assert folded.others == ()
    ((index, value),) = folded.states.items()
    assert folded.tensors[index].name == "rows" and (value == 3).all()


def test_an_update_is_made_in_the_state_itself() -> None:
    """Reading is a view; MAXIMUM(x, old) may write over old, so nothing is copied."""
    program = compile_graph(graph(READ, ADD, ASSIGN, GIVE))
    assert [op.name for op in program.ops] == ["FILL", "MAXIMUM", "COPY", "MAXIMUM"]
    assert program.n_init == 1 and program.ops[0].params == (3,)


def test_what_is_made_after_the_last_read_goes_straight_into_the_state() -> None:
    other = Node(5, "MAXIMUM", (0, 0), (4,))
    give = Node(3, "MAXIMUM", (0, 3), (1,))
    program = compile_graph(graph(READ, give, other, ASSIGN))
    assert [op.name for op in program.ops] == ["FILL", "MAXIMUM", "MAXIMUM"]
    (state,), (made,) = program.ops[0].outputs, program.ops[2].outputs
    assert program.storage[made] == program.storage[state]


def test_the_input_itself_is_copied() -> None:
    assign = Node(4, "ASSIGN_VARIABLE", (2, 0), ())
    assert ops(graph(READ, Node(3, "MAXIMUM", (0, 3), (1,)), assign)) == ["FILL", "MAXIMUM", "COPY"]


def test_an_old_value_needed_later_is_kept() -> None:
    late = Node(5, "MAXIMUM", (3, 4), (1,))
    assert ops(graph(READ, ADD, ASSIGN, late)) == ["FILL", "COPY", "MAXIMUM", "MAXIMUM"]


def test_values_that_differ_are_stored() -> None:
    value = np.arange(8, dtype=np.int8).reshape(SHAPE)
    program = compile_graph(graph(READ, ADD, ASSIGN, GIVE, others=(setter(value),)))
    assert program.ops[0].name == "COPY"
    np.testing.assert_array_equal(program.rows[program.ops[0].inputs[0]].data, value)


def test_two_variables_of_one_name_are_one() -> None:
    g = graph(READ, ADD, ASSIGN, GIVE)
    tensors = (*g.tensors, handle(5), tensor(6, "again"))
    nodes = (*g.nodes[:-1], var(9, 5), Node(10, "READ_VARIABLE", (5,), (6,)),
             Node(11, "MAXIMUM", (6, 0), (1,)))  # fmt: skip
    folded = fold_states(dataclasses.replace(g, tensors=tensors, nodes=nodes))
    assert len(folded.states) == 1


def test_an_ops_own_state_begins_at_its_zero_point() -> None:
    tensors = (tensor(0, "x"), tensor(1, "y"), tensor(2, "kept", variable=True),
               Tensor(3, "cell", "int16", (1, 5), QUANT, variable=True))  # fmt: skip
    g = Graph("g", tensors, (Node(0, "MAXIMUM", (0, 2), (1,)),), (0,), (1,))
    states = fold_states(g).states
    assert (states[2] == 3).all() and not states[3].any() and states[3].dtype == np.int16


BODY = Graph("body", (tensor(0, "x"),), (Node(0, "MAXIMUM", (0, 0), (0,)),), (0,), (0,))
COMPUTED = dataclasses.replace(setter(), tensors=(handle(0), tensor(1, "first")))
REFUSED = {
    "no initial value": (graph(READ, ADD, ASSIGN, GIVE, call=False, others=()),
                         r"state 'rows' has no initial value"),
    "another variable set": (graph(READ, ADD, ASSIGN, GIVE, others=(setter(name="else"),)),
                             r"state 'rows' has no initial value"),
    "a loop": (graph(READ, ADD, ASSIGN, GIVE, others=(setter(), BODY)),
               r"graph 2 does more than set variables"),
    "computes its state": (graph(READ, ADD, ASSIGN, GIVE, others=(BODY,)),
                           r"runs op 0 MAXIMUM"),
    "not a constant": (graph(READ, ADD, ASSIGN, GIVE, others=(COMPUTED,)),
                       r"begins as 'first', which is not a constant"),
    "graph out of range": (graph(READ, ADD, ASSIGN, GIVE, others=()), r"runs graph 1 of 1"),
    "another shape": (graph(READ, ADD, ASSIGN, GIVE, others=(setter(np.zeros((1, 9), np.int8)),)),
                      r"state 'rows' is int8 \[1, 9\], 'old' is int8 \[1, 4, 1, 2\]"),
    "no handle": (graph(Node(2, "READ_VARIABLE", (0,), (3,)), ADD, GIVE),
                  r"names no variable"),
    "assigns nothing": (graph(READ, Node(4, "ASSIGN_VARIABLE", (2, 99), ())), r"assigns no tensor"),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_refused(name: str) -> None:
    g, message = REFUSED[name]
    with pytest.raises(TinysenseError, match=message):
        compile_graph(g)
