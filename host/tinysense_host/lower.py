"""Lower graph nodes to the core's ops: one function per op, one row each in LOWERINGS."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from tinysense_host import quantize as q
from tinysense_host.errors import TinysenseError
from tinysense_host.graph import Graph, Node
from tinysense_host.graph import Tensor as GraphTensor
from tinysense_host.program import Program, affine, scales
from tinysense_host.shapes import EXPLICIT, conv_geometry
from tinysense_host.tflite_schema import ACTIVATIONS

__all__ = ["LOWERINGS", "QUANTISE_HINT", "lower"]

QUANTISE_HINT = (
    "Quantise it to full int8: converter.optimizations = [tf.lite.Optimize.DEFAULT]; "
    "converter.representative_dataset = ...; converter.target_spec.supported_ops = "
    "[tf.lite.OpsSet.TFLITE_BUILTINS_INT8]; converter.inference_input_type = "
    "converter.inference_output_type = tf.int8 (`tinysense train` does this)"
)
_SUPPORTED_HINT = "Replace the layer or train a model without it; what runs: {}"


def lower(graph: Graph) -> Program:
    """All nodes as ops of the core; one error that names every node that has no op."""
    _refuse_unsupported(graph)
    program = Program(graph)
    for index in graph.inputs:
        program.row(index)
    problems: list[TinysenseError] = []
    made = set(graph.inputs) | {t.index for t in graph.tensors if t.data is not None}
    for node in graph.nodes:
        try:
            _expect_operands(graph, node, made)
            LOWERINGS[node.op](program, node)
        except TinysenseError as error:
            problems.append(error)
        made.update(node.outputs)
    if problems:
        messages = dict.fromkeys(problem.message for problem in problems)
        raise TinysenseError("; ".join(messages), problems[0].hint)
    program.finish()
    return program


def _refuse_unsupported(graph: Graph) -> None:
    missing = [n for n in graph.nodes if n.op not in LOWERINGS]
    if missing:
        names = ", ".join(sorted(LOWERINGS))
        raise TinysenseError(
            f"{len(missing)} op{'s' if len(missing) > 1 else ''} cannot run on the device: "
            + "; ".join(graph.describe(n) for n in missing),
            _SUPPORTED_HINT.format(names),
        )
    if graph.subgraphs > 1:
        raise TinysenseError(
            f"the .tflite has {graph.subgraphs} subgraphs: expected one",
            "Export one model without loops, conditions and variables",
        )
    edges = ("QUANTIZE", "DEQUANTIZE")
    floats = [n for n in graph.nodes if n.op not in edges and _is_float(graph, n)]
    if floats:
        raise TinysenseError(
            f"the model is not quantised: {len(floats)} of {len(graph.nodes)} ops are float32, "
            f"first {graph.describe(floats[0])}",
            QUANTISE_HINT,
        )


def _is_float(graph: Graph, node: Node) -> bool:
    return any(graph.tensors[i].dtype.startswith("float") for i in (*node.inputs[:1], *node.outputs)
               if i >= 0)  # fmt: skip


def _expect_operands(graph: Graph, node: Node, made: set[int]) -> None:
    least, most = _OPERANDS.get(node.op, (1, 1))
    if not least <= len(node.inputs) <= most or len(node.outputs) != 1 or -1 in node.inputs[:least]:
        raise TinysenseError(
            f"{graph.describe(node)} has {len(node.inputs)} inputs and {len(node.outputs)} "
            f"outputs: expected {least} to {most} and 1",
            "The file is damaged: export the model again",
        )
    for i in node.inputs[:least]:
        if i not in made:
            raise TinysenseError(
                f"{graph.describe(node)} reads '{graph.tensors[i].name}', which no op makes",
                "Models that keep state between runs are not supported",
            )


def _fail(p: Program, node: Node, what: str, hint: str = "") -> TinysenseError:
    return TinysenseError(f"{p.graph.describe(node)} {what}", hint)


# ---- operands ----


def _operand(p: Program, node: Node, i: int) -> GraphTensor:
    return p.graph.tensors[node.inputs[i]]


def _out(p: Program, node: Node) -> GraphTensor:
    return p.graph.tensors[node.outputs[0]]


def _expect_type(p: Program, node: Node, tensor: GraphTensor, *dtypes: str) -> None:
    if tensor.dtype not in dtypes:
        wanted = " or ".join(dtypes)
        raise _fail(p, node, f"has '{tensor.name}' as {tensor.dtype}: expected {wanted}",
                    QUANTISE_HINT)  # fmt: skip


def _int8(p: Program, node: Node, tensor: GraphTensor) -> q.Affine:
    _expect_type(p, node, tensor, "int8")
    return affine(tensor)


def _pair(p: Program, node: Node) -> tuple[q.Affine, q.Affine]:
    """Quantisation of the first input and of the output, both int8."""
    return _int8(p, node, _operand(p, node, 0)), _int8(p, node, _out(p, node))


def _rows(p: Program, node: Node, n: int = 1) -> tuple[list[int], int]:
    return [p.row(i) for i in node.inputs[:n]], p.row(node.outputs[0])


def _expect_same_quant(p: Program, node: Node) -> None:
    x, y = _pair(p, node)
    if x != y:
        raise _fail(
            p, node, f"changes the quantisation from {_words(x)} to {_words(y)}: expected the same",
            "Export the model again with TensorFlow's own quantiser",
        )  # fmt: skip


def _words(a: q.Affine) -> str:
    return f"scale {a.scale:g} zero point {a.zero_point}"


def _activation(p: Program, node: Node, out: q.Affine) -> tuple[int, int]:
    code = int(node.options["activation"])
    name = ACTIVATIONS[code] if 0 <= code < len(ACTIVATIONS) else f"activation {code}"
    try:
        low, high = q.activation_range(name, out)
    except KeyError:
        raise _fail(p, node, f"has {name} fused: expected NONE, RELU, RELU6 or RELU_N1_TO_1",
                    "Make it a layer of its own or leave it out") from None  # fmt: skip
    if low > high:
        raise _fail(p, node, f"has {name} fused, which its output range {_words(out)} cannot hold")
    return low, high


def _multipliers(p: Program, node: Node, reals: list[float]) -> tuple[list[int], list[int]]:
    pairs = [q.quantize_multiplier(real) for real in reals]
    for mult, shift in pairs:
        if not -31 <= shift <= 30 or not 0 <= mult < 2**31:
            raise _fail(
                p, node, "scales its result by more than 2^30",
                "Its scales are damaged or its output hardly varies: quantise again",
            )  # fmt: skip
    return [m for m, _ in pairs], [s for _, s in pairs]


def _weights(p: Program, node: Node, axis: int) -> tuple[GraphTensor, np.ndarray]:
    """Constant int8 weights and one float64 scale per output channel (or just one)."""
    w = _operand(p, node, 1)
    _expect_type(p, node, w, "int8")
    if w.data is None or w.quant is None:
        raise _fail(p, node, f"has weights '{w.name}' that are not a quantised constant")
    if np.any(w.quant.zero_point != 0):
        raise _fail(p, node, "has weights with a zero point: expected 0",
                    "Quantise again with TensorFlow 2: int8 weights are symmetric")  # fmt: skip
    found, channels = scales(w).astype(np.float64), w.shape[axis]
    if len(found) not in (1, channels):
        raise _fail(p, node, f"has {len(found)} weight scales for {channels} output channels")
    # Old exporters name another axis where only one has that many entries (person_detect):
    # the length decides.
    named = w.quant.axis
    other = len(found) > 1 and named != axis and 0 <= named < len(w.shape)
    if other and w.shape[named] == channels:
        raise _fail(p, node, f"has its weights quantised along axis {named}: expected {axis}")
    return w, found


def _bias(p: Program, node: Node, channels: int) -> int:
    if len(node.inputs) < 3 or node.inputs[2] < 0:
        return p.constant(np.zeros(channels, np.int32), "int32")
    b = _operand(p, node, 2)
    _expect_type(p, node, b, "int32")
    if b.data is None or b.elements != channels:
        raise _fail(p, node, f"has a bias of {b.elements} values, constant: {b.data is not None}; "
                    f"expected {channels} constants")  # fmt: skip
    return p.constant(b.data.reshape(-1), "int32")


def _weighted(
    p: Program, node: Node, name: str, w: np.ndarray, reals: list[float], channels: int,
    params: tuple[int, ...],
) -> None:  # fmt: skip
    mult, shift = _multipliers(p, node, reals)
    (x,), y = _rows(p, node)
    constants = [
        p.constant(w, "int8"),
        _bias(p, node, channels),
        p.constant(np.array(mult), "int32"),
        p.constant(np.array(shift), "int8"),
    ]
    p.emit(node, name, [x, *constants], y, params)


# ---- ops with weights ----


def _window(
    p: Program, node: Node, kernel: tuple[int, int]
) -> tuple[tuple[int, int], tuple[int, int], tuple[int, int]]:
    """(stride, dilation, padding before), each (h, w); the output's shape is the file's truth."""
    x, y, options = _operand(p, node, 0), _out(p, node), node.options
    if len(x.shape) != 4 or len(y.shape) != 4:
        raise _fail(p, node, f"has the input {list(x.shape)}: expected 4 dimensions")
    strides, dilations, pads = [], [], []
    for axis, size, taps, out in zip("hw", x.shape[1:3], kernel, y.shape[1:3], strict=True):
        stride = int(options[f"stride_{axis}"])
        dilation = int(options.get(f"dilation_{axis}", 1))
        if stride < 1 or dilation < 1 or taps < 1 or options["padding"] not in (0, 1, EXPLICIT):
            raise _fail(p, node, f"has stride {stride}, dilation {dilation}, kernel {taps}, "
                        f"padding {options['padding']}: not possible")  # fmt: skip
        if options["padding"] == EXPLICIT:
            wanted, pad = out, int(options[f"before_{axis}"])
        else:
            wanted, pad = conv_geometry(size, taps, stride, dilation, int(options["padding"]))
        if wanted != out:
            raise _fail(p, node, f"declares {out} outputs along {axis}, its window gives {wanted}")
        strides.append(stride)
        dilations.append(dilation)
        pads.append(pad)
    return (strides[0], strides[1]), (dilations[0], dilations[1]), (pads[0], pads[1])


def _conv(p: Program, node: Node) -> None:
    x, y = _pair(p, node)
    depthwise = node.op == "DEPTHWISE_CONV_2D"
    w, w_scales = _weights(p, node, 3 if depthwise else 0)
    if len(w.shape) != 4:
        raise _fail(p, node, f"has weights {list(w.shape)}: expected 4 dimensions")
    stride, dilation, pad = _window(p, node, (w.shape[1], w.shape[2]))
    channels = w.shape[3] if depthwise else w.shape[0]
    depth = _operand(p, node, 0).shape[3]
    fits = (w.shape[0] == 1 and channels % depth == 0) if depthwise else depth % w.shape[3] == 0
    if not fits or _out(p, node).shape[3] != channels:
        raise _fail(p, node, f"has weights {list(w.shape)} for an input of {depth} channels and an "
                    f"output of {_out(p, node).shape[3]}")  # fmt: skip
    reals = [x.scale * float(s) / y.scale for s in np.broadcast_to(w_scales, (channels,))]
    assert w.data is not None
    params = (*stride, *dilation, *pad, *_activation(p, node, y))
    _weighted(p, node, node.op, w.data, reals, channels, params)


def _fully_connected(p: Program, node: Node) -> None:
    x, y = _pair(p, node)
    w, w_scales = _weights(p, node, 0)
    if len(w.shape) != 2 or node.options["weights_format"] != 0:
        raise _fail(p, node, f"has weights {list(w.shape)}: expected (units, inputs), not shuffled")
    units, depth = w.shape
    given, made = _operand(p, node, 0).elements, _out(p, node).elements
    if given % depth or given // depth * units != made:
        raise _fail(p, node, f"has weights {list(w.shape)} for {given} inputs and {made} outputs")
    reals = [x.scale * float(s) / y.scale for s in w_scales]
    assert w.data is not None
    _weighted(p, node, "FULLY_CONNECTED", w.data, reals, units, _activation(p, node, y))


# ---- ops without weights ----


def _pool(p: Program, node: Node) -> None:
    _expect_same_quant(p, node)
    kernel = (int(node.options["filter_h"]), int(node.options["filter_w"]))
    stride, _, pad = _window(p, node, kernel)
    _, y = _pair(p, node)
    (x,), out = _rows(p, node)
    p.emit(node, node.op, [x], out, (*stride, *kernel, *pad, *_activation(p, node, y)))


def _axes(p: Program, node: Node) -> list[int]:
    """Axes of a reduction as indices of the padded four dimensions."""
    x, axes = _operand(p, node, 0), _operand(p, node, 1)
    if axes.data is None or axes.dtype not in ("int32", "int64") or len(x.shape) > 4:
        raise _fail(p, node, "has axes that are not constant")
    rank = len(x.shape)
    found = sorted({int(a) for a in axes.data.reshape(-1)})
    if not found or any(not -rank <= a < rank for a in found):
        raise _fail(p, node, f"reduces axes {found} of an input with {rank} dimensions")
    return sorted({a % rank + 4 - rank for a in found})


def _mean(p: Program, node: Node) -> None:
    x, y = _pair(p, node)
    axes = _axes(p, node)
    padded = (1,) * (4 - len(_operand(p, node, 0).shape)) + _operand(p, node, 0).shape
    count = int(np.prod([padded[a] for a in axes]))
    mult, shift = q.mean_multiplier(x.scale, y.scale, count)
    (row,), out = _rows(p, node)
    p.emit(node, "MEAN", [row], out, (sum(1 << a for a in axes), mult, shift))


def _reduce_max(p: Program, node: Node) -> None:
    """A maximum over whole rows and columns is a pool as large as its input."""
    _expect_same_quant(p, node)
    shape = _operand(p, node, 0).shape
    axes = [a - 4 + len(shape) for a in _axes(p, node)]
    if axes != list(range(1, len(shape) - 1)) or len(shape) not in (3, 4):
        raise _fail(p, node, f"takes the maximum over axes {axes} of {list(shape)}: "
                    "expected all but batch and channels")  # fmt: skip
    kernel = (1, shape[1]) if len(shape) == 3 else (shape[1], shape[2])
    (x,), y = _rows(p, node)
    view = p.view(x, (shape[0], *kernel, shape[-1]))
    target = p.view(y, (shape[0], 1, 1, shape[-1]))
    p.emit(node, "MAX_POOL_2D", [view], target, (1, 1, *kernel, 0, 0, q.INT8_MIN, q.INT8_MAX))


def _add(p: Program, node: Node) -> None:
    a, b = (_int8(p, node, _operand(p, node, i)) for i in (0, 1))
    y = _int8(p, node, _out(p, node))
    shapes = [_operand(p, node, i).shape for i in (0, 1)]
    try:
        fits = np.broadcast_shapes(*shapes) == _out(p, node).shape
    except ValueError:
        fits = False
    if not fits:
        raise _fail(p, node, f"adds {list(shapes[0])} and {list(shapes[1])}: they do not broadcast "
                    f"to {list(_out(p, node).shape)}")  # fmt: skip
    left_shift, twice_max = 20, 2.0 * max(a.scale, b.scale)
    reals = [a.scale / twice_max, b.scale / twice_max, twice_max / ((1 << left_shift) * y.scale)]
    mult, shift = _multipliers(p, node, reals)
    inputs, out = _rows(p, node, 2)
    scaling = [v for pair in zip(mult, shift, strict=True) for v in pair]
    p.emit(node, "ADD", inputs, out, (left_shift, *scaling, *_activation(p, node, y)))


def _pad(p: Program, node: Node) -> None:
    _expect_same_quant(p, node)
    x, amounts, y = _operand(p, node, 0), _operand(p, node, 1), _out(p, node)
    whole = amounts.dtype in ("int32", "int64") and len(x.shape) <= 4
    if amounts.data is None or not whole or amounts.data.size != 2 * len(x.shape):
        raise _fail(p, node, "has paddings that are not constant, two per dimension")
    table = amounts.data.reshape(-1, 2).astype(np.int64)
    if (table < 0).any() or tuple(table.sum(axis=1) + x.shape) != y.shape:
        raise _fail(p, node, f"pads {list(x.shape)} by {table.tolist()} but makes {list(y.shape)}")
    value = affine(y).zero_point
    if node.op == "PADV2":
        fill = _operand(p, node, 2)
        one = fill.data is not None and fill.dtype == "int8" and fill.elements == 1
        if not one or affine(fill) != affine(y):
            raise _fail(p, node, "pads with something else than one int8 constant of its own scale")
        assert fill.data is not None
        value = int(fill.data.reshape(-1)[0])
    full = np.zeros((4, 2), np.int64)
    full[4 - len(x.shape) :] = table
    (row,), out = _rows(p, node)
    p.emit(node, "PAD", [row], out, (*full.reshape(-1), value))


def _expect_score_range(p: Program, node: Node) -> None:
    y = affine(_out(p, node))
    if y != q.Affine(1 / 256, -128):
        raise _fail(p, node, f"has the output {_words(y)}: expected scale 1/256 zero point -128",
                    "Export the model again with TensorFlow 2")  # fmt: skip


def _softmax(p: Program, node: Node) -> None:
    x, _ = _pair(p, node)
    _expect_score_range(p, node)
    beta = float(node.options["beta"])
    if not 0.0 < beta < 1e6:
        raise _fail(p, node, f"has beta {beta}: expected a positive number")
    (row,), out = _rows(p, node)
    p.emit(node, "SOFTMAX", [row], out, q.softmax_parameters(x.scale, beta))


def _emit_table(p: Program, node: Node, values: list[int]) -> None:
    (row,), out = _rows(p, node)
    table = p.constant(np.array(values), _out(p, node).dtype)
    p.emit(node, "LUT", [row, table], out)


def _logistic(p: Program, node: Node) -> None:
    x, _ = _pair(p, node)
    _expect_score_range(p, node)
    _emit_table(p, node, q.logistic_table(x))


def _relu(p: Program, node: Node) -> None:
    x, y = _pair(p, node)
    _multipliers(p, node, [x.scale / y.scale])
    _emit_table(p, node, q.relu_table(x, y, node.op))


def _quantize(p: Program, node: Node) -> None:
    source, out = _operand(p, node, 0), _out(p, node)
    _expect_type(p, node, source, "float32", "int8", "uint8")
    if source.dtype == "float32":
        _int8(p, node, out)
        (row,), target = _rows(p, node)
        p.emit(node, "QUANTIZE", [row], target)
        return
    _expect_type(p, node, out, "int8", "uint8")
    x, y = affine(source), affine(out)
    _multipliers(p, node, [x.scale / y.scale])
    _emit_table(p, node, q.requantize_table(x, source.dtype, y, out.dtype))


def _dequantize(p: Program, node: Node) -> None:
    _int8(p, node, _operand(p, node, 0))
    _expect_type(p, node, _out(p, node), "float32")
    (row,), out = _rows(p, node)
    p.emit(node, "DEQUANTIZE", [row], out)


def _reshape(p: Program, node: Node) -> None:
    source, out = _operand(p, node, 0), _out(p, node)
    if source.dtype != out.dtype or source.elements != out.elements:
        raise _fail(
            p, node, f"makes {out.dtype} {list(out.shape)} of {source.dtype} {list(source.shape)}",
            "Export the model with a fixed batch size of 1",
        )  # fmt: skip
    p.alias(out.index, source.index)


LOWERINGS: dict[str, Callable[[Program, Node], None]] = {
    "ADD": _add,
    "AVERAGE_POOL_2D": _pool,
    "CONV_2D": _conv,
    "DEPTHWISE_CONV_2D": _conv,
    "DEQUANTIZE": _dequantize,
    "EXPAND_DIMS": _reshape,
    "FULLY_CONNECTED": _fully_connected,
    "LOGISTIC": _logistic,
    "MAX_POOL_2D": _pool,
    "MEAN": _mean,
    "PAD": _pad,
    "PADV2": _pad,
    "QUANTIZE": _quantize,
    "REDUCE_MAX": _reduce_max,
    "RELU": _relu,
    "RELU6": _relu,
    "RESHAPE": _reshape,
    "SOFTMAX": _softmax,
    "SQUEEZE": _reshape,
}

# Fewest and most inputs; (1, 1) where not listed.
_OPERANDS = {
    "ADD": (2, 2), "CONV_2D": (2, 3), "DEPTHWISE_CONV_2D": (2, 3), "EXPAND_DIMS": (1, 2),
    "FULLY_CONNECTED": (2, 3), "MEAN": (2, 2), "PAD": (2, 2), "PADV2": (3, 3),
    "REDUCE_MAX": (2, 2), "RESHAPE": (1, 2),
}  # fmt: skip
