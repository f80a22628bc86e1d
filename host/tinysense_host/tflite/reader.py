"""Read a .tflite file into a Graph. Nothing in the file is trusted.

The schema's tables are read directly (flatbuf.py): the PyPI package
``tflite`` lags behind TensorFlow and raises struct.error on damaged files,
and TensorFlow's own reader needs all of TensorFlow.
"""

from __future__ import annotations

import dataclasses
import math
from pathlib import Path

import numpy as np

from tinysense_host.errors import TinysenseError
from tinysense_host.graph import Graph, Node, OptionValue, Quant, Tensor
from tinysense_host.tflite import schema
from tinysense_host.tflite.flatbuf import Table, root

__all__ = ["load", "read", "read_bytes", "with_valid_axes"]

_KIND = ".tflite file"
_MAX_ELEMENTS = 2**31 - 1
_NUMPY = {"float32", "float16", "float64", "bool", "int8", "int16", "int32", "int64",
          "uint8", "uint16", "uint32", "uint64"}  # fmt: skip


def load(path: str | Path) -> Graph:
    """Read the file at ``path``; TinysenseError where it is missing or damaged."""
    return read(read_bytes(Path(path)), Path(path).stem)


def read_bytes(path: Path) -> bytes:
    """The bytes of a file, or an error that says why not."""
    try:
        return path.read_bytes()
    except OSError as error:
        raise TinysenseError(f"cannot read {path}: {error.strerror}") from error


def read(data: bytes, name: str = "model") -> Graph:
    """The first subgraph of a .tflite file, the others behind it."""
    model = root(data, schema.IDENTIFIER, _KIND)
    version = model.integer(0, "I")
    if version != 3:
        raise TinysenseError(f"expected .tflite schema version 3, got {version}")
    op_names = [_op_name(row) for row in model.tables(1)]
    subgraphs = list(model.tables(2))
    if not subgraphs:
        raise TinysenseError("the .tflite has no subgraph: expected one")
    buffers = [_buffer(row, data) for row in model.tables(4)]
    graph, *others = (_subgraph(row, op_names, buffers, name) for row in subgraphs)
    _check_references(graph)
    return dataclasses.replace(graph, others=tuple(others))


def _op_name(row: Table) -> str:
    # The byte is what old writers filled; ops above 127 only fit the newer field.
    code = max(row.integer(0, "b"), row.integer(3, "i"))
    if not 0 <= code < len(schema.OP_NAMES):
        return f"UNKNOWN_{code}"
    name = schema.OP_NAMES[code]
    version, newest = row.integer(2, "i", 1), schema.VERSIONS.get(name)
    if newest is not None and not 1 <= version <= newest:
        raise TinysenseError(
            f"the .tflite uses {name} version {version}: known are 1 to {newest}",
            "Update tinysense, or export the model with an older TensorFlow",
        )
    return f"CUSTOM:{row.text(1)}" if name == "CUSTOM" else name


def _buffer(row: Table, data: bytes) -> np.ndarray:
    """The bytes of one buffer; large models keep them behind the flatbuffer."""
    inside = row.array(0, "u1")
    if inside is not None:
        return inside
    offset, size = row.integer(1, "Q"), row.integer(2, "Q")
    if offset <= 1 or size == 0:
        return np.zeros(0, np.uint8)
    if offset + size > len(data):
        raise TinysenseError(
            f"damaged {_KIND}: a buffer of {size} bytes at {offset} does not fit {len(data)} bytes"
        )
    return np.frombuffer(data, np.uint8, size, offset)


def _subgraph(row: Table, op_names: list[str], buffers: list[np.ndarray], name: str) -> Graph:
    tensors = tuple(_tensor(i, t, buffers) for i, t in enumerate(row.tables(0)))
    nodes = tuple(_node(i, n, op_names) for i, n in enumerate(row.tables(3)))
    return Graph(name, tensors, nodes, _indices(row, 1), _indices(row, 2))


def _indices(row: Table, slot: int) -> tuple[int, ...]:
    found = row.array(slot, "<i4")
    return () if found is None else tuple(int(i) for i in found)


def _tensor(index: int, row: Table, buffers: list[np.ndarray]) -> Tensor:
    name = row.text(3) or f"tensor {index}"
    shape = _indices(row, 0)
    if len(shape) > 8 or any(d < 0 for d in shape) or math.prod(shape) > _MAX_ELEMENTS:
        raise TinysenseError(
            f"tensor {index} '{name}' has shape {list(shape)}: expected at most 8 fixed dimensions",
            "Export the model with a fixed input shape and batch size 1",
        )
    code = row.integer(1, "b")
    dtype = schema.DTYPES[code] if 0 <= code < len(schema.DTYPES) else f"type {code}"
    buffer = row.integer(2, "I")
    if buffer >= len(buffers):
        raise TinysenseError(
            f"damaged {_KIND}: tensor '{name}' uses buffer {buffer} of {len(buffers)}"
        )
    if row.table(6) is not None:
        raise TinysenseError(
            f"tensor {index} '{name}' is stored sparse", "Export the model with dense weights"
        )
    data = _constant(buffers[buffer], dtype, shape, name)
    variable = bool(row.integer(5, "b"))
    return Tensor(
        index, name, dtype, shape, _quant(row, index, name), data, _indices(row, 7), variable
    )


def _constant(raw: np.ndarray, dtype: str, shape: tuple[int, ...], name: str) -> np.ndarray | None:
    if len(raw) == 0:
        return None
    if dtype == "int4":
        return _nibbles(raw, shape, name)
    if dtype not in _NUMPY:
        return None
    kind = np.dtype(dtype).newbyteorder("<")
    expected = math.prod(shape) * kind.itemsize
    if len(raw) != expected:
        raise TinysenseError(
            f"damaged {_KIND}: constant '{name}' {dtype} {list(shape)} needs {expected} bytes, "
            f"got {len(raw)}"
        )
    return np.frombuffer(raw.tobytes(), kind).reshape(shape)


def _nibbles(raw: np.ndarray, shape: tuple[int, ...], name: str) -> np.ndarray:
    """4-bit integers, two to a byte, the lower half first, as int8."""
    count = math.prod(shape)
    if len(raw) != (count + 1) // 2:
        raise TinysenseError(
            f"damaged {_KIND}: constant '{name}' int4 {list(shape)} needs {(count + 1) // 2} "
            f"bytes, got {len(raw)}"
        )
    halves = np.stack([raw & 15, raw >> 4], axis=1).reshape(-1)[:count].astype(np.int8)
    return ((halves ^ 8) - 8).reshape(shape)


def _quant(row: Table, index: int, name: str) -> Quant | None:
    table = row.table(4)
    scale = table.array(2, "<f4") if table else None
    if table is None or scale is None or len(scale) == 0:
        return None
    zero_point = table.array(3, "<i8")
    if zero_point is None or len(zero_point) == 0:
        zero_point = np.zeros(len(scale), np.int64)
    if len(zero_point) == 1:
        zero_point = np.repeat(zero_point, len(scale))
    if len(zero_point) != len(scale):
        raise TinysenseError(
            f"tensor {index} '{name}' has {len(scale)} scales and {len(zero_point)} zero points: "
            "expected as many of both"
        )
    return Quant(scale, zero_point, table.integer(6, "i"))


def _node(index: int, row: Table, op_names: list[str]) -> Node:
    code = row.integer(0, "I")
    if code >= len(op_names):
        raise TinysenseError(f"damaged {_KIND}: op {index} uses op code {code} of {len(op_names)}")
    op = op_names[code]
    return Node(
        index, op, _indices(row, 1), _indices(row, 2), _options(index, op, row), _indices(row, 8)
    )


def _options(index: int, op: str, row: Table) -> dict[str, OptionValue]:
    if op not in schema.OPTIONS:
        return {}
    member, fields = schema.OPTIONS[op]
    kind, table = row.integer(3, "B"), row.table(4)
    if table is None or kind == 0:
        return {name: default for name, _, _, default in fields}
    if kind != member:
        raise TinysenseError(f"damaged {_KIND}: op {index} {op} carries another op's options")
    options = {name: _option(table, slot, code, default) for name, slot, code, default in fields}
    if options.get("padding", 0) not in (0, 1):
        raise TinysenseError(
            f"damaged {_KIND}: op {index} {op} has padding {options['padding']}, expected 0 or 1"
        )
    return options


def _option(table: Table, slot: int, code: str, default: OptionValue) -> OptionValue:
    if code == "f":
        return table.real(slot, float(default))
    if code == "s":
        return table.text(slot)
    value = table.integer(slot, "b" if code == "?" else code, int(default))
    return bool(value) if code == "?" else value


def _check_references(graph: Graph) -> None:
    """Every index in range, every tensor made before it is used, made once."""
    known = {t.index for t in graph.tensors if t.data is not None}
    count = len(graph.tensors)
    for i in (*graph.inputs, *graph.outputs):
        _expect_tensor(i, count, "the graph")
    if not graph.inputs or not graph.outputs:
        raise TinysenseError("the model has no inputs or no outputs: expected at least one of each")
    known.update(graph.inputs)
    for node in graph.nodes:
        where = f"op {node.index} {node.op}"
        for i in node.inputs:
            if i != -1:
                _expect_tensor(i, count, where)
        for i in node.outputs:
            _expect_tensor(i, count, where)
        _expect_order(graph, node, known)
    missing = [graph.tensors[i].name for i in graph.outputs if i not in known]
    if missing:
        raise TinysenseError(f"no op makes the model's output '{missing[0]}'")


def _expect_tensor(index: int, count: int, where: str) -> None:
    if not 0 <= index < count:
        raise TinysenseError(f"damaged {_KIND}: {where} names tensor {index} of {count}")


def _expect_order(graph: Graph, node: Node, known: set[int]) -> None:
    for i in node.inputs:
        # A variable tensor (state) is never made; the op that uses it is refused by name later.
        if i != -1 and i not in known and _made_later(graph, node, i):
            raise TinysenseError(
                f"{graph.describe(node)} reads '{graph.tensors[i].name}' before any op makes it",
                "The graph has a cycle or its ops are out of order: export the model again",
            )
    for i in node.outputs:
        if i in known:
            raise TinysenseError(
                f"{graph.describe(node)} writes '{graph.tensors[i].name}', "
                "which is a constant, an input or another op's output",
                "Export the model again",
            )
    known.update(node.outputs)


def _made_later(graph: Graph, node: Node, tensor: int) -> bool:
    return any(tensor in n.outputs for n in graph.nodes[node.index :])


def with_valid_axes(data: bytes) -> bytes:
    """The same model, with quantisation axes that lie inside their tensors.

    Exporters of 2019 wrote axis 3 on biases of one dimension (person_detect).
    A vector has only one axis, so nothing is lost; but TensorFlow 2.21 refuses
    to load the file as it stands.
    """
    fixed = bytearray(data)
    for subgraph in root(data, schema.IDENTIFIER, _KIND).tables(2):
        for row in subgraph.tables(0):
            quant = row.table(4)
            if quant and len(_indices(row, 0)) == 1 and quant.integer(6, "i") != 0:
                at = quant.position(6)
                fixed[at : at + 4] = bytes(4)
    return bytes(fixed)
