"""Build small .tflite files by hand, with every quantisation parameter chosen.

Uses the schema classes that ship with TensorFlow, loaded without TensorFlow
itself; only the generator of the golden cases needs this.
"""

from __future__ import annotations

import importlib.util
from types import ModuleType

import flatbuffers
import numpy as np

__all__ = ["Builder"]


def _load_schema() -> ModuleType:
    found = importlib.util.find_spec("tensorflow")
    if found is None or not found.submodule_search_locations:
        raise SystemExit("TensorFlow is needed to build golden cases: make setup")
    path = f"{found.submodule_search_locations[0]}/lite/python/schema_py_generated.py"
    spec = importlib.util.spec_from_file_location("tflite_schema_classes", path)
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


S = _load_schema()
_OPTIONS = {
    "CONV_2D": "Conv2D", "DEPTHWISE_CONV_2D": "DepthwiseConv2D", "AVERAGE_POOL_2D": "Pool2D",
    "MAX_POOL_2D": "Pool2D", "FULLY_CONNECTED": "FullyConnected", "SOFTMAX": "Softmax",
    "ADD": "Add", "MEAN": "Reducer", "REDUCE_MAX": "Reducer", "RESHAPE": "Reshape",
    "PAD": "Pad", "PADV2": "PadV2", "SQUEEZE": "Squeeze", "EXPAND_DIMS": "ExpandDims",
    "QUANTIZE": "Quantize", "DEQUANTIZE": "Dequantize", "SUB": "Sub", "MUL": "Mul",
    "MINIMUM": "MaximumMinimum", "MAXIMUM": "MaximumMinimum", "CONCATENATION": "Concatenation",
    "SPLIT": "Split", "SPLIT_V": "SplitV", "PACK": "Pack", "UNPACK": "Unpack",
    "STRIDED_SLICE": "StridedSlice", "SLICE": "Slice", "TRANSPOSE": "Transpose",
    "HARD_SWISH": "HardSwish", "LEAKY_RELU": "LeakyRelu", "SUM": "Reducer", "ARG_MAX": "ArgMax",
    "RESIZE_NEAREST_NEIGHBOR": "ResizeNearestNeighbor", "TRANSPOSE_CONV": "TransposeConv",
    "SVDF": "SVDF", "UNIDIRECTIONAL_SEQUENCE_LSTM": "UnidirectionalSequenceLSTM",
    "CALL_ONCE": "CallOnce", "VAR_HANDLE": "VarHandle", "READ_VARIABLE": "ReadVariable",
    "ASSIGN_VARIABLE": "AssignVariable",
}  # fmt: skip


def _bytes(data, dtype) -> bytes:
    """As the file has them: int4 two to a byte, the lower half first."""
    if dtype != "int4":
        return np.asarray(data, dtype).tobytes()
    halves = np.asarray(data, np.int8).reshape(-1) & 15
    halves = np.append(halves, [0] * (halves.size % 2)).astype(np.uint8)
    return (halves[0::2] | halves[1::2] << 4).tobytes()


class Builder:
    """Tensors and ops are appended; finish() gives the bytes."""

    def __init__(self) -> None:
        self.model = S.ModelT()
        self.model.version = 3
        self.model.operatorCodes = []
        self.model.buffers = [S.BufferT()]
        self.model.description = "golden case of tinysense"
        self.model.subgraphs = []
        self.begin_graph()

    def begin_graph(self) -> None:
        """What is appended from here on belongs to another graph; the first is the model."""
        self.graph = S.SubGraphT()
        self.graph.tensors, self.graph.operators = [], []
        self.graph.inputs, self.graph.outputs = [], []
        self.model.subgraphs.append(self.graph)

    def tensor(self, name, shape, dtype="int8", scale=None, zero_point=0, data=None, axis=0,
               variable=False):  # fmt: skip
        """Index of a new tensor; ``scale`` a number, a list (per channel), or None."""
        t = S.TensorT()
        t.name, t.shape, t.type = name, list(shape), getattr(S.TensorType, dtype.upper())
        t.buffer, t.isVariable = 0, variable
        if scale is not None:
            t.quantization = S.QuantizationParametersT()
            t.quantization.scale = np.atleast_1d(np.asarray(scale, np.float32))
            zero = np.zeros(len(t.quantization.scale), np.int64)
            t.quantization.zeroPoint = zero + zero_point
            t.quantization.quantizedDimension = axis
        if data is not None:
            buffer = S.BufferT()
            buffer.data = np.frombuffer(_bytes(data, dtype), np.uint8)
            self.model.buffers.append(buffer)
            t.buffer = len(self.model.buffers) - 1
        self.graph.tensors.append(t)
        return len(self.graph.tensors) - 1

    def op(self, name, inputs, outputs, intermediates=None, **options):
        """Append an op; options are named as in the schema (strideW, padding, ...)."""
        code = S.OperatorCodeT()
        code.builtinCode = getattr(S.BuiltinOperator, name)
        code.deprecatedBuiltinCode = min(code.builtinCode, 127)
        code.version = {
            "CONV_2D": 3, "DEPTHWISE_CONV_2D": 3, "FULLY_CONNECTED": 4, "HARD_SWISH": 1, "PRELU": 1,
            "RELU_N1_TO_1": 1, "RESHAPE": 1, "TILE": 3, "CALL_ONCE": 1, "VAR_HANDLE": 1, "READ_VARIABLE": 1,
            "ASSIGN_VARIABLE": 1,
            "TRANSPOSE_CONV": 3, "RESIZE_NEAREST_NEIGHBOR": 3, "SPLIT_V": 1, "STRIDED_SLICE": 2,
        }.get(name, 2)  # fmt: skip
        self.model.operatorCodes.append(code)
        node = S.OperatorT()
        node.opcodeIndex = len(self.model.operatorCodes) - 1
        node.inputs, node.outputs = list(inputs), list(outputs)
        node.intermediates = intermediates
        if name in _OPTIONS:
            kind = f"{_OPTIONS[name]}Options"
            node.builtinOptionsType = getattr(S.BuiltinOptions, kind)
            node.builtinOptions = getattr(S, f"{kind}T")()
            for key, value in options.items():
                if not hasattr(node.builtinOptions, key):
                    raise AttributeError(f"{kind} has no {key}")
                setattr(node.builtinOptions, key, value)
        self.graph.operators.append(node)

    def finish(self, inputs, outputs) -> bytes:
        """The .tflite file."""
        first = self.model.subgraphs[0]
        first.inputs, first.outputs = list(inputs), list(outputs)
        packer = flatbuffers.Builder(1024)
        packer.Finish(self.model.Pack(packer), b"TFL3")
        return bytes(packer.Output())
