"""Fold the exporter's detour for dilated convolutions back into one op.

TensorFlow writes a dilated convolution as SPACE_TO_BATCH_ND, a dense VALID
convolution and BATCH_TO_SPACE_ND, with an EXPAND_DIMS and a RESHAPE inside
for one dimension. The core has dilation, so the detour is only cost. Exact:
the padding it inserts is the zero point, as a convolution's own padding is.
"""

from __future__ import annotations

import dataclasses

import numpy as np

from tinysense_host.graph import Graph, Node, OptionValue
from tinysense_host.graph.shape_rules import EXPLICIT, VALID

__all__ = ["fold_dilation"]


def fold_dilation(graph: Graph) -> Graph:
    """The graph with every such detour replaced; others are left as they are."""
    nodes = list(graph.nodes)
    for start in graph.nodes:
        if start.op == "SPACE_TO_BATCH_ND" and start in nodes and start.inputs:
            chain = _chain(graph, nodes, start)
            replacement = _replace(graph, chain) if chain else None
            if chain and replacement:
                at = nodes.index(chain[0])
                nodes = [n for n in nodes if n not in chain]
                nodes[at:at] = replacement
    return dataclasses.replace(graph, nodes=tuple(nodes))


def _next(graph: Graph, nodes: list[Node], node: Node) -> Node | None:
    """The only reader of the node's output, if there is just one."""
    if len(node.outputs) != 1 or node.outputs[0] in graph.outputs:
        return None
    readers = [n for n in nodes if node.outputs[0] in n.inputs]
    return readers[0] if len(readers) == 1 and len(readers[0].outputs) == 1 else None


_CONV = ("CONV_2D", "DEPTHWISE_CONV_2D")
_PATTERNS = (
    (_CONV, ("BATCH_TO_SPACE_ND",)),
    (("EXPAND_DIMS",), _CONV, ("RESHAPE", "SQUEEZE"), ("BATCH_TO_SPACE_ND",)),
)


def _chain(graph: Graph, nodes: list[Node], start: Node) -> list[Node]:
    """[space-to-batch, (expand), conv, (reshape), batch-to-space], or nothing."""
    chain = [start]
    while len(chain) < 5:
        node = _next(graph, nodes, chain[-1])
        if node is None or node in chain or node.inputs[0] != chain[-1].outputs[0]:
            return []
        chain.append(node)
        if node.op == "BATCH_TO_SPACE_ND":
            break
    fits = any(
        len(chain) == len(pattern) + 1
        and all(n.op in ops for n, ops in zip(chain[1:], pattern, strict=True))
        for pattern in _PATTERNS
    )
    return chain if fits else []


def _constant(graph: Graph, node: Node, operand: int) -> np.ndarray | None:
    if operand >= len(node.inputs) or node.inputs[operand] < 0:
        return None
    tensor = graph.tensors[node.inputs[operand]]
    return tensor.data if tensor.dtype in ("int32", "int64") else None


def _replace(graph: Graph, chain: list[Node]) -> list[Node]:
    first, last = chain[0], chain[-1]
    conv = next(n for n in chain if n.op in _CONV)
    axes = _axes(graph, chain)
    values = [_constant(graph, n, i) for n in (first, last) for i in (1, 2)]
    if not axes or any(v is None or v.size != len(axes) * k for v, k in zip(
            values, (1, 2, 1, 2), strict=True)):  # fmt: skip
        return []
    options = _options(conv, axes, [np.asarray(v).reshape(-1).tolist() for v in values])
    if not options:
        return []
    if len(chain) == 3:
        return [dataclasses.replace(conv, inputs=(first.inputs[0], *conv.inputs[1:]),
                                    outputs=last.outputs, options=options)]  # fmt: skip
    expand = dataclasses.replace(chain[1], inputs=(first.inputs[0], *chain[1].inputs[1:]))
    squeeze = Node(chain[3].index, "SQUEEZE", conv.outputs, last.outputs,
                   {"axis": 1 if axes == "w" else 2})  # fmt: skip
    return [expand, dataclasses.replace(conv, options=options), squeeze]


def _axes(graph: Graph, chain: list[Node]) -> str:
    """The dilated axes of the convolution, "hw", "w" or "h"; "" for a form not known."""
    if len(chain) == 3:
        return "hw"
    axis = _constant(graph, chain[1], 1)
    place = {1: "w", -3: "w", 2: "h", -2: "h"}
    return place.get(int(axis.reshape(-1)[0]), "") if axis is not None and axis.size else ""


def _options(conv: Node, axes: str, values: list[list[int]]) -> dict[str, OptionValue]:
    block, pads, block_back, crops = values
    plain = all(conv.options[k] == 1 for k in ("stride_h", "stride_w", "dilation_h", "dilation_w"))
    if not plain or conv.options["padding"] != VALID or block != block_back:
        return {}
    options = dict(conv.options) | {"padding": EXPLICIT}
    for axis in "hw":
        i = axes.find(axis)
        before, after = (pads[2 * i], pads[2 * i + 1]) if i >= 0 else (0, 0)
        cut, cut_after = (crops[2 * i], crops[2 * i + 1]) if i >= 0 else (0, 0)
        options[f"dilation_{axis}"] = int(block[i]) if i >= 0 else 1
        options[f"before_{axis}"] = int(before - cut)
        options[f"extra_{axis}"] = int(before + after - cut - cut_after)
        if before < cut or int(options[f"dilation_{axis}"]) < 1:
            return {}
    return options
