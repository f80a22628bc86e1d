"""What every lowering asks of its node: operands, types, quantisation, activation."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from tinysense_host import quantize as q
from tinysense_host.errors import TinysenseError
from tinysense_host.graph import Node
from tinysense_host.graph import Tensor as GraphTensor
from tinysense_host.program import Program, affine
from tinysense_host.tflite.schema import ACTIVATIONS

__all__ = ["QUANTISE_HINT", "Lowering", "activation", "expect_same_quant", "expect_type", "fail",
           "integers", "int8", "multipliers", "operand", "output", "pair", "rows", "same_kind",
           "words"]  # fmt: skip

QUANTISE_HINT = (
    "`tinysense convert MODEL --calibrate DATA` quantises a float model with typical inputs (a "
    ".npy, a .npz, a recipe or a folder of recordings); in TensorFlow: converter.optimizations = "
    "[tf.lite.Optimize.DEFAULT]; converter.representative_dataset = ...; "
    "converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]; "
    "converter.inference_input_type = converter.inference_output_type = tf.int8"
)


@dataclass(frozen=True)
class Lowering:
    """How one op of the graph becomes ops of the core; fewest and most operands it has.

    ``any_rank``: its tensors may have more than four dimensions, since it only views them.
    """

    run: Callable[[Program, Node], None]
    inputs: tuple[int, int] = (1, 1)
    outputs: tuple[int, int] = (1, 1)
    any_rank: bool = False


def fail(p: Program, node: Node, what: str, hint: str = "") -> TinysenseError:
    """An error that names the node; ``what`` is the rest of the sentence."""
    return TinysenseError(f"{p.graph.describe(node)} {what}", hint)


def operand(p: Program, node: Node, i: int) -> GraphTensor:
    """The graph tensor that is operand i."""
    return p.graph.tensors[node.inputs[i]]


def output(p: Program, node: Node) -> GraphTensor:
    """The first output."""
    return p.graph.tensors[node.outputs[0]]


def expect_type(p: Program, node: Node, tensor: GraphTensor, *dtypes: str) -> None:
    """Refuse a tensor of another type."""
    if tensor.dtype not in dtypes:
        wanted = " or ".join(dtypes)
        raise fail(p, node, f"has '{tensor.name}' as {tensor.dtype}: expected {wanted}",
                    QUANTISE_HINT)  # fmt: skip


def int8(p: Program, node: Node, tensor: GraphTensor) -> q.Affine:
    """Quantisation of a tensor that must be int8."""
    expect_type(p, node, tensor, "int8")
    return affine(tensor)


def pair(p: Program, node: Node) -> tuple[q.Affine, q.Affine]:
    """Quantisation of the first input and of the output, both int8."""
    return int8(p, node, operand(p, node, 0)), int8(p, node, output(p, node))


def rows(p: Program, node: Node, n: int = 1) -> tuple[list[int], int]:
    """Rows of the first n inputs, and of the output."""
    return [p.row(i) for i in node.inputs[:n]], p.row(node.outputs[0])


def expect_same_quant(p: Program, node: Node) -> None:
    """Refuse an op that keeps bytes but changes what they stand for."""
    x, y = pair(p, node)
    if x != y:
        raise fail(
            p, node, f"changes the quantisation from {words(x)} to {words(y)}: expected the same",
            "Export the model again with TensorFlow's own quantiser",
        )  # fmt: skip


def words(a: q.Affine) -> str:
    """Scale and zero point, for messages."""
    return f"scale {a.scale:g} zero point {a.zero_point}"


def activation(p: Program, node: Node, out: q.Affine) -> tuple[int, int]:
    """Bounds of the fused activation in output steps."""
    code = int(node.options["activation"])
    name = ACTIVATIONS[code] if 0 <= code < len(ACTIVATIONS) else f"activation {code}"
    try:
        low, high = q.activation_range(name, out, output(p, node).dtype)
    except KeyError:
        raise fail(p, node, f"has {name} fused: expected NONE, RELU, RELU6 or RELU_N1_TO_1",
                    "Make it a layer of its own or leave it out") from None  # fmt: skip
    if low > high:
        raise fail(p, node, f"has {name} fused, which its output range {words(out)} cannot hold")
    return low, high


def multipliers(p: Program, node: Node, reals: list[float]) -> tuple[list[int], list[int]]:
    """Multipliers and shifts of real factors, each within what the core takes."""
    pairs = [q.quantize_multiplier(real) for real in reals]
    for mult, shift in pairs:
        if not -31 <= shift <= 30 or not 0 <= mult < 2**31:
            raise fail(
                p, node, "scales its result by more than 2^30",
                "Its scales are damaged or its output hardly varies: quantise again",
            )  # fmt: skip
    return [m for m, _ in pairs], [s for _, s in pairs]


def integers(p: Program, node: Node, i: int, what: str) -> list[int]:
    """The values of operand i, a constant of whole numbers; ``what`` names it in the error."""
    tensor = operand(p, node, i)
    if tensor.data is None or tensor.dtype not in ("int32", "int64"):
        raise fail(p, node, f"has {what} that are not constant",
                   "Export the model with fixed shapes and batch size 1")  # fmt: skip
    return [int(v) for v in tensor.data.reshape(-1)]


def same_kind(p: Program, node: Node, tensors: list[GraphTensor]) -> None:
    """All have one type and one quantisation, as ops that only move elements keep them."""
    first = tensors[0]
    expect_type(p, node, first, "int8", "uint8", "int16")
    wanted = affine(first)
    for tensor in tensors[1:]:
        expect_type(p, node, tensor, first.dtype)
        if affine(tensor) != wanted:
            raise fail(
                p, node, f"has '{first.name}' with {words(wanted)} and '{tensor.name}' with "
                f"{words(affine(tensor))}: expected the same",
                "Export the model again with TensorFlow's own quantiser",
            )  # fmt: skip
