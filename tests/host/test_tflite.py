from __future__ import annotations

import struct
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tinysense_host import convert, tflite
from tinysense_host.errors import TinysenseError
from tinysense_host.tflite import flatbuf

CASES = Path(__file__).parents[1] / "golden" / "cases"
NAMES = ("conv_same", "fc", "keras_dilated1d", "keras_residual1d", "keras_float_edges", "mean",
         "pad")  # fmt: skip


def data_of(name: str) -> bytes:
    return (CASES / f"{name}.tflite").read_bytes()


def test_a_convolution_is_read_with_everything() -> None:
    graph = tflite.load(CASES / "conv_stride_unequal.tflite")
    (node,) = graph.nodes
    assert graph.name == "conv_stride_unequal"
    assert node.op == "CONV_2D"
    assert node.options == {"padding": 1, "stride_h": 3, "stride_w": 2, "activation": 0,
                            "dilation_h": 1, "dilation_w": 1}  # fmt: skip
    x, w, b = graph.operands(node)
    assert (x.dtype, x.shape, x.data) == ("int8", (1, 7, 6, 3), None)
    assert (w.dtype, w.shape, w.quant.axis) == ("int8", (4, 2, 3, 3), 0)
    assert w.quant.per_channel
    assert w.data.shape == w.shape
    assert (b.dtype, b.data.dtype.itemsize) == ("int32", 4)
    assert graph.describe(node) == "op 0 CONV_2D (layer 'y')"


def test_optional_operand_is_minus_one() -> None:
    assert tflite.load(CASES / "fc_no_bias.tflite").nodes[0].inputs[2] == -1


def test_missing_file_and_other_files(tmp_path: Path) -> None:
    with pytest.raises(TinysenseError, match=r"cannot read .*nothing\.tflite"):
        tflite.load(tmp_path / "nothing.tflite")
    for content in (b"", b"\0" * 7, b"\0" * 64, b"PK\x03\x04 a zip", b"TSM\x1a" + bytes(40)):
        with pytest.raises(TinysenseError, match="expected TFL3"):
            tflite.read(content)


def test_truncated_at_every_length() -> None:
    data = data_of("keras_residual1d")
    for size in range(0, len(data), 7):
        try:
            tflite.read(data[:size])  # trailing padding may be cut without harm
        except TinysenseError:
            continue
        assert size > len(data) - 64


def convert_or_refuse(data: bytes) -> None:
    """The only exception that may come out of a damaged model is TinysenseError."""
    try:
        blob = convert.convert(tflite.read(data))
    except TinysenseError as error:
        assert "\n" not in str(error)
        return
    assert blob[:4] == b"TSM\x1a"


mutations = st.lists(
    st.tuples(st.floats(0, 1), st.sampled_from(["byte", "word", "insert", "cut"]),
              st.integers(0, 2**32 - 1)),
    min_size=1, max_size=4,
)  # fmt: skip


@settings(max_examples=250, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.sampled_from(NAMES), mutations)
def test_mutated_models(name: str, changes: list[tuple[float, str, int]]) -> None:
    data = bytearray(data_of(name))
    for where, kind, value in changes:
        at = min(int(where * len(data)), len(data) - 4)
        if kind == "byte":
            data[at] = value & 255
        elif kind == "word":
            at &= ~3
            # Small numbers make plausible offsets, counts and shapes.
            data[at : at + 4] = struct.pack("<I", value if value & 1 else value % 97)
        elif kind == "insert":
            data[at:at] = bytes(value % 5)
        else:
            del data[at : at + value % 9]
        if len(data) < 8:
            break
    convert_or_refuse(bytes(data))


@pytest.mark.parametrize("name", ["fc", "keras_dilated1d"])
def test_every_byte_damaged_in_turn(name: str) -> None:
    data = data_of(name)
    for at in range(0, len(data), 3 if len(data) < 4000 else 7):
        damaged = bytearray(data)
        damaged[at] ^= 0xFF
        convert_or_refuse(bytes(damaged))


def test_axes_beyond_a_vector_are_mended() -> None:
    """What person_detect has: axis 3 on a bias of one dimension."""
    data = data_of("conv_same")
    bias = tflite.read(data).tensors[2]
    assert bias.shape == (4,)
    model = flatbuf.root(data, b"TFL3", "test")
    row = list(next(model.tables(2)).tables(0))[2]
    assert row.table(4).position(6) == 0  # axis 0 is the default and is not stored
    weights = list(next(model.tables(2)).tables(0))[1]
    assert weights.table(4) is not None
    assert tflite.with_valid_axes(data) == data


def test_flatbuffer_offsets_are_checked() -> None:
    data = bytearray(64)
    data[4:8] = b"TFL3"
    for root in (60, 64, 2**31, 2**32 - 1):
        data[0:4] = struct.pack("<I", root)
        with pytest.raises(TinysenseError, match="damaged test file"):
            flatbuf.root(bytes(data), b"TFL3", "test file")


def test_vectors_longer_than_the_file_are_refused() -> None:
    # root table at 16; its field list at 8 has one field, a vector at 24 of 2^30 words
    data = bytearray(32)
    data[0:8] = struct.pack("<I", 16) + b"TFL3"
    struct.pack_into("<HHH", data, 8, 6, 8, 4)
    struct.pack_into("<iII", data, 16, 8, 4, 2**30)
    table = flatbuf.root(bytes(data), b"TFL3", "test file")
    with pytest.raises(TinysenseError, match="a vector of 1073741824"):
        table.array(0, "<i4")


def test_constants_keep_their_values() -> None:
    graph = tflite.load(CASES / "mean_apart.tflite")
    axes = next(t for t in graph.tensors if t.name == "axes")
    np.testing.assert_array_equal(axes.data, [1, 3])


# ---- graphs that are none ----


def element(data: bytes, table: flatbuf.Table, slot: int, i: int) -> int:
    """Where in the file element i of a vector of 32-bit words lies."""
    at = table.position(slot)
    return at + struct.unpack_from("<I", data, at)[0] + 4 + 4 * i


def patched(data: bytes, at: int, value: int) -> bytes:
    return data[:at] + struct.pack("<i", value) + data[at + 4 :]


def op_of(data: bytes, number: int) -> flatbuf.Table:
    graph = next(flatbuf.root(data, b"TFL3", "test").tables(2))
    return list(graph.tables(3))[number]


INPUTS, OUTPUTS = 1, 2


@pytest.fixture(scope="module")
def chain() -> bytes:
    """conv -> add (of the input) -> ... with two outputs."""
    return data_of("keras_residual1d")


def test_a_cycle_is_refused(chain: bytes) -> None:
    graph = tflite.read(chain)
    later = graph.nodes[3].outputs[0]
    broken = patched(chain, element(chain, op_of(chain, 0), INPUTS, 0), later)
    with pytest.raises(TinysenseError, match="before any op makes it") as caught:
        tflite.read(broken)
    assert "cycle" in caught.value.hint


def test_a_tensor_that_two_ops_make(chain: bytes) -> None:
    graph = tflite.read(chain)
    broken = patched(chain, element(chain, op_of(chain, 1), OUTPUTS, 0), graph.nodes[0].outputs[0])
    with pytest.raises(TinysenseError, match="another op's output"):
        tflite.read(broken)


@pytest.mark.parametrize("index", [-2, 10**6, -(2**31), 2**31 - 1])
@pytest.mark.parametrize("slot", [INPUTS, OUTPUTS])
def test_tensors_that_are_not_there(chain: bytes, slot: int, index: int) -> None:
    with pytest.raises(TinysenseError, match=f"names tensor {index} of"):
        tflite.read(patched(chain, element(chain, op_of(chain, 0), slot, 0), index))


def test_an_op_that_writes_a_constant(chain: bytes) -> None:
    weights = tflite.read(chain).nodes[0].inputs[1]
    with pytest.raises(TinysenseError, match="which is a constant, an input or another op's"):
        tflite.read(patched(chain, element(chain, op_of(chain, 0), OUTPUTS, 0), weights))


def test_an_output_beyond_the_file() -> None:
    data = data_of("relu")
    table = next(flatbuf.root(data, b"TFL3", "test").tables(2))
    with pytest.raises(TinysenseError, match="the graph names tensor 99 of"):
        tflite.read(patched(data, element(data, table, OUTPUTS, 0), 99))


def test_dims_beyond_31_bits() -> None:
    data = data_of("fc")
    tensor = list(next(flatbuf.root(data, b"TFL3", "test").tables(2)).tables(0))[0]
    for dim in (-1, 2**31 - 1):
        broken = patched(data, element(data, tensor, 0, 1), dim)
        broken = patched(broken, element(broken, tensor, 0, 0), 3)
        with pytest.raises(TinysenseError, match=r"has shape \[3, .*at most 8 fixed dimensions"):
            tflite.read(broken)


def test_schema_versions() -> None:
    data = data_of("fc")
    at = flatbuf.root(data, b"TFL3", "test").position(0)
    for version in (0, 2, 4, -1):
        with pytest.raises(TinysenseError, match="expected .tflite schema version 3"):
            tflite.read(patched(data, at, version))
