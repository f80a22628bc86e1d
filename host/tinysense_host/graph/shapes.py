"""Know every shape before lowering: fold shape arithmetic, infer the rest.

Keras models keep their batch dimension open, and the exporter then writes
SHAPE, STRIDED_SLICE, PACK, GATHER, REDUCE_PROD and CONCATENATION in front of
a RESHAPE, with stand-ins for the shapes behind it. With batch 1 all of that
is constant.
"""

from __future__ import annotations

import dataclasses

from tinysense_host.errors import TinysenseError
from tinysense_host.graph import Graph, Node
from tinysense_host.graph.shape_folding import FOLDERS
from tinysense_host.graph.shape_rules import EXPLICIT, RULES, Scope, Shape, UnknownShape

__all__ = ["resolve_shapes"]

_ELEMENTS_MAX = 2**31 - 1


def resolve_shapes(graph: Graph) -> Graph:
    """The same graph with true shapes, and without the ops that only compute shapes."""
    scope = Scope(graph)
    _fix_inputs(graph)
    kept = []
    for node in graph.nodes:
        try:
            if _fold(scope, node):
                continue
            if node.op in RULES:
                _set_shapes(scope, graph, node, RULES[node.op](scope, node))
        except UnknownShape:
            pass  # a dynamic shape: lowering refuses the node by name
        except (ValueError, IndexError, TypeError, OverflowError, ZeroDivisionError) as error:
            raise TinysenseError(
                f"{graph.describe(node)}: operands do not fit each other", "Export the model again"
            ) from error
        kept.append(node)
    return dataclasses.replace(graph, tensors=tuple(scope.tensors), nodes=tuple(kept))


def _fix_inputs(graph: Graph) -> None:
    for i in graph.inputs:
        tensor = graph.tensors[i]
        if any(d < 0 for d in tensor.signature[1:]):
            raise TinysenseError(
                f"input '{tensor.name}' has an open shape {list(tensor.signature)}",
                "Export the model with every dimension but the batch fixed",
            )


def _fold(scope: Scope, node: Node) -> bool:
    """Whether the node's output is whole numbers known now; it needs no op then."""
    if node.op not in FOLDERS or len(node.outputs) != 1:
        return False
    if node.op != "SHAPE" and any(i not in scope.values for i in node.inputs if i >= 0):
        return False
    value = FOLDERS[node.op](scope, node)
    out = scope.tensors[node.outputs[0]]
    scope.values[out.index] = value
    scope.tensors[out.index] = dataclasses.replace(out, shape=value.shape, data=value)
    return True


def _set_shapes(scope: Scope, graph: Graph, node: Node, shapes: list[Shape]) -> None:
    if len(shapes) != len(node.outputs):
        raise ValueError
    for i, shape in zip(node.outputs, shapes, strict=True):
        _set_shape(scope, graph, node, i, shape)


def _set_shape(scope: Scope, graph: Graph, node: Node, index: int, shape: Shape) -> None:
    tensor = scope.tensors[index]
    if any(d < 1 for d in shape):
        raise TinysenseError(
            f"{graph.describe(node)} would have the empty output {list(shape)}",
            "Its kernel is larger than its input: check padding and sizes",
        )
    if shape == tensor.shape:
        return
    open_ended = any(d < 0 for d in tensor.signature) or node.options.get("padding") == EXPLICIT
    if not open_ended and not _downstream_of_open(scope, node):
        raise TinysenseError(
            f"{graph.describe(node)} declares the output {list(tensor.shape)}, "
            f"its operands give {list(shape)}",
            "The file is damaged: export the model again",
        )
    resized = dataclasses.replace(tensor, shape=shape, signature=(-1,))
    if resized.elements > _ELEMENTS_MAX:
        raise TinysenseError(
            f"{graph.describe(node)} would have the output {list(shape)}: more than "
            f"{_ELEMENTS_MAX} elements", "Make the layer smaller",
        )  # fmt: skip
    # Marked open: whatever reads this tensor may have been given a stand-in too.
    scope.tensors[index] = resized


def _downstream_of_open(scope: Scope, node: Node) -> bool:
    return any(i >= 0 and -1 in scope.tensors[i].signature for i in node.inputs)
