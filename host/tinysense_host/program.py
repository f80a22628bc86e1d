"""What lowering produces: rows and ops of a .tsm whose memory is not yet planned."""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass, field

import numpy as np

from tinysense_host.errors import TinysenseError
from tinysense_host.graph import Graph, Node
from tinysense_host.graph import Tensor as GraphTensor
from tinysense_host.modelparts import Op, Tensor, storage_dtype
from tinysense_host.quantize import Affine

__all__ = ["Program", "affine"]

_SMALLEST_SCALE = float(np.finfo(np.float32).tiny)
_LIMITS = {"int8": (-128, 127), "uint8": (0, 255), "int16": (-32768, 32767)}


def affine(tensor: GraphTensor) -> Affine:
    """Per-tensor quantisation of an activation; refuses what no kernel can use."""
    if tensor.quant is None:
        raise TinysenseError(
            f"tensor '{tensor.name}' is {tensor.dtype} without scale and zero point",
            "Quantise the model with tf.lite.TFLiteConverter",
        )
    scales(tensor)
    if tensor.quant.per_channel:
        raise TinysenseError(
            f"activation '{tensor.name}' has one scale per channel, expected one for the tensor"
        )
    zero_point = int(tensor.quant.zero_point[0])
    low, high = _LIMITS.get(tensor.dtype, (0, 0))
    if not low <= zero_point <= high:
        raise TinysenseError(
            f"tensor '{tensor.name}' has zero point {zero_point}: expected {low} to {high}"
        )
    return Affine(float(tensor.quant.scale[0]), zero_point)


def scales(tensor: GraphTensor) -> np.ndarray:
    """All scales of a tensor, float32, each an ordinary positive number."""
    assert tensor.quant is not None
    found = tensor.quant.scale
    good = np.isfinite(found) & (found >= _SMALLEST_SCALE)
    if not good.all():
        at = int(np.argmin(good))
        where = f" of channel {at}" if len(found) > 1 else ""
        raise TinysenseError(
            f"tensor '{tensor.name}' has scale {found[at]}{where}: "
            "expected a positive ordinary number",
            "Quantise again with representative data that reaches this layer",
        )
    return found


@dataclass
class Program:
    """Rows and ops in the making.

    ``storage[i]`` is the row whose bytes row i lives in: itself, or another
    for an alias (RESHAPE). ``origin[k]`` is the graph node that op k came from.
    """

    graph: Graph
    rows: list[Tensor] = field(default_factory=list)
    storage: list[int] = field(default_factory=list)
    ops: list[Op] = field(default_factory=list)
    origin: list[Node] = field(default_factory=list)
    n_inputs: int = 0
    n_outputs: int = 0
    n_init: int = 0         # ops that set the state, in front of those of one inference
    rewrites: list[str] = field(default_factory=list)   # what was fused or left out, in words
    _row_of: dict[int, int] = field(default_factory=dict)

    def add(self, row: Tensor, storage: int | None = None) -> int:
        """Append a row; ``storage`` names the row whose bytes it shares."""
        self.rows.append(row)
        self.storage.append(len(self.rows) - 1 if storage is None else self.storage[storage])
        return len(self.rows) - 1

    def constant(self, values: np.ndarray, dtype: str) -> int:
        """A constant row with these values."""
        return self.add(Tensor(dtype, values.shape, data=values.astype(storage_dtype(dtype))))

    def row(self, index: int) -> int:
        """The row of graph tensor ``index``, made when first asked for."""
        if index not in self._row_of:
            tensor = self.graph.tensors[index]
            self._row_of[index] = self.add(_as_row(tensor))
        return self._row_of[index]

    def alias(self, index: int, source: int) -> None:
        """Graph tensor ``index`` is the same bytes as graph tensor ``source``."""
        row, shared = _as_row(self.graph.tensors[index]), self.row(source)
        data = self.rows[shared].data
        if data is not None:
            row = dataclasses.replace(row, data=data.reshape(row.shape))
        self._row_of[index] = self.add(row, None if row.constant else shared)

    def view(self, row: int, shape: tuple[int, ...]) -> int:
        """A row of another shape over the same bytes."""
        source = self.rows[row]
        if source.data is not None:
            data = source.data.reshape(shape)
            return self.add(dataclasses.replace(source, shape=shape, data=data))
        return self.add(dataclasses.replace(source, shape=shape), row)

    def emit(
        self, node: Node, name: str, inputs: list[int], output: int, params: tuple[int, ...] = ()
    ) -> None:
        """Append an op over rows."""
        self.ops.append(Op(name, tuple(inputs), (output,), tuple(int(p) for p in params)))
        self.origin.append(node)

    def finish(self) -> None:
        """Bring rows into the order of the file: inputs, outputs, the rest."""
        inputs = [self.row(i) for i in self.graph.inputs]
        outputs = [self._output_row(i, inputs) for i in self.graph.outputs]
        if len(set(outputs)) < len(outputs):
            outputs = [
                self.add(self.rows[r], r) if r in outputs[:k] else r for k, r in enumerate(outputs)
            ]
        for what, rows in (("input", inputs), ("output", outputs)):
            if len(rows) > 8 or len(set(rows)) < len(rows):
                raise TinysenseError(
                    f"the model has {len(rows)} {what}s: expected 1 to 8, all different"
                )
        self.n_inputs, self.n_outputs = len(inputs), len(outputs)
        self._permute(inputs + outputs)

    def compact(self) -> None:
        """Leave out rows that no op uses any more; inputs and outputs stay."""
        self._permute(list(range(self.n_inputs + self.n_outputs)))

    def _output_row(self, index: int, inputs: list[int]) -> int:
        """A row of its own for an output that is a constant or an input as it stands."""
        row = self.row(index)
        if self.rows[row].constant:
            copy = self.add(dataclasses.replace(self.rows[row], data=None))
            self.emit(Node(-1, "COPY", (index,), (index,)), "COPY", [row], copy)
            return copy
        return self.add(self.rows[row], row) if row in inputs else row

    def _permute(self, first: list[int]) -> None:
        used = set(first) | {i for op in self.ops for i in (*op.inputs, *op.outputs)}
        order = first + [i for i in range(len(self.rows)) if i in used and i not in first]
        place = {old: new for new, old in enumerate(order)}
        group: dict[int, int] = {}
        self.storage = [group.setdefault(self.storage[old], place[old]) for old in order]
        self.rows = [self.rows[old] for old in order]
        self.ops = [
            dataclasses.replace(
                op,
                inputs=tuple(place[i] for i in op.inputs),
                outputs=tuple(place[i] for i in op.outputs),
            )
            for op in self.ops
        ]


def _as_row(tensor: GraphTensor) -> Tensor:
    """More than four dimensions become four: ops that allow them look at the bytes only."""
    if any(d < 1 for d in tensor.shape):
        raise TinysenseError(
            f"tensor '{tensor.name}' has shape {list(tensor.shape)}: no dimension may be 0"
        )
    if tensor.dtype not in ("int8", "uint8", "int16", "int32", "int64", "float32"):
        raise TinysenseError(f"tensor '{tensor.name}' is {tensor.dtype}: expected int8 or int16")
    plain = tensor.dtype == "float32" or (
        tensor.dtype in ("int32", "int64") and tensor.quant is None
    )
    quant = Affine(0.0, 0) if plain else affine(tensor)
    shape = tensor.shape
    if len(shape) > 4:
        shape = (math.prod(shape[:-3]), *shape[-3:])
    data = None if tensor.data is None else tensor.data.reshape(shape)
    return Tensor(tensor.dtype, shape, 0, quant.zero_point, quant.scale, data)
