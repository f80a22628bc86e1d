"""Models packed for one core: what is replaced, what is refused, and that memory stays safe."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tinysense_host import convert, packing, tflite
from tinysense_host.corefiles import target_numbers
from tinysense_host.errors import TinysenseError
from tinysense_host.modelfile import ModelFile
from tinysense_host.packing import Packed, fit, pack, target_name
from tinysense_host.planning import layout_of, track
from tinysense_host.planning.unplanned import storage_of, unplanned

CASES = Path(__file__).parents[1] / "golden" / "cases"
TARGETS = [name for name in target_numbers() if name != "portable"]
MODELS = ["conv_same", "conv_1x1", "depthwise_same", "fc", "add", "keras_dilated2d",
          "keras_residual1d", "keras_conv1d", "mean", "softmax"]  # fmt: skip


def portable(name: str, **how) -> ModelFile:
    return ModelFile.read(convert.convert(tflite.load(CASES / f"{name}.tflite"), **how))


def wide(op, tensors) -> Packed | None:
    """A packer that takes convolutions and keeps their weights as they are."""
    if op.name != "CONV_2D":
        return None
    weights = tensors[op.inputs[1]]
    return Packed("PACKED_CONV_2D", op.inputs[:1], (*op.params, *weights.dims[1:3], 3, 0),
                  weights.data.reshape(-1).astype(np.int32), scratch_bytes=64)


@pytest.fixture
def wide_only(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(packing, "_packer", lambda target: wide)


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("name", MODELS)
def test_packed_models_are_whole_files(name: str, target: str) -> None:
    model = portable(name)
    made = pack(model, target)
    if made is model:
        return      # no kernel for any of its ops
    assert made.target == target_numbers()[target]
    again = ModelFile.read(made.write())
    assert again.write() == made.write()
    assert any(op.name.startswith("PACKED_") for op in again.ops)
    assert [(t.dtype, t.shape, t.scale, t.zero_point) for t in again.inputs + again.outputs] == \
        [(t.dtype, t.shape, t.scale, t.zero_point) for t in model.inputs + model.outputs]


@pytest.mark.usefixtures("wide_only")
def test_what_a_packer_offers_takes_the_place_of_the_op() -> None:
    model = portable("keras_dilated2d")
    made = pack(model, "armv7em")
    before = [op for op in unplanned(model).ops if op.name == "CONV_2D"]
    after = [op for op in unplanned(made).ops if op.name == "PACKED_CONV_2D"]
    assert len(after) == len(before) > 0
    assert not any(op.name == "CONV_2D" for op in made.ops)
    packed = after[0]
    rows = unplanned(made).rows
    assert rows[packed.inputs[1]].dtype == "int32"
    assert rows[packed.outputs[1]].shape == (1, 1, 1, 64)
    assert packed.params[8:] == (*rows_of_kernel(model), 3, 0)


def rows_of_kernel(model: ModelFile) -> tuple[int, int]:
    op = next(op for op in model.ops if op.name == "CONV_2D")
    return model.tensors[op.inputs[1]].dims[1:3]


@pytest.mark.usefixtures("wide_only")
def test_constants_that_no_op_names_any_more_are_gone() -> None:
    made = pack(portable("conv_same"), "mve")
    assert sum(t.constant for t in made.tensors) == 1
    assert len(made.tensors) == 4       # x, y, the packed constant, scratch


@pytest.mark.usefixtures("wide_only")
def test_metadata_and_golden_vectors_stay() -> None:
    model = portable("conv_same", labels=[f"class {i}!" for i in range(168)])
    made = pack(model, "armv6m")
    assert (made.meta, made.gold, made.feat) == (model.meta, model.gold, model.feat)


def test_without_kernels_a_model_stays_portable(monkeypatch: pytest.MonkeyPatch) -> None:
    model = portable("softmax")
    assert pack(model, "portable") is model
    monkeypatch.setattr(packing, "_packer", lambda target: None)
    assert pack(portable_conv := portable("conv_same"), "armv7em") is portable_conv
    monkeypatch.setattr(packing, "_packer", lambda target: lambda op, tensors: None)
    assert pack(portable_conv, "armv7em") is portable_conv


@pytest.mark.usefixtures("wide_only")
def test_a_model_fits_its_own_core_and_no_other() -> None:
    model = portable("conv_same")
    for_m4 = fit(model, "armv7em")
    assert target_name(for_m4.target) == "armv7em"
    assert fit(for_m4, "armv7em") is for_m4
    with pytest.raises(TinysenseError, match="packed for armv7em, the core there is mve") as caught:
        fit(for_m4, "mve")
    assert "portable .tsm" in caught.value.hint
    assert fit(model, "a core of tomorrow") is model
    with pytest.raises(TinysenseError, match="expected a portable one"):
        pack(for_m4, "armv7em")


def test_unknown_targets_are_named_with_the_known_ones() -> None:
    with pytest.raises(TinysenseError, match="no target 'm4'") as caught:
        pack(portable("conv_same"), "m4")
    assert all(name in caught.value.hint for name in TARGETS)


@pytest.mark.usefixtures("wide_only")
def test_a_pushed_input_stays_pushed() -> None:
    model = portable("conv_same", rows=True)
    made = pack(model, "armv7em")
    assert made.ops[0].name == "SEGMENT"
    assert made.tensors[0].ring > 0


# ---- from a file back to what was planned ----


@pytest.mark.parametrize("path", sorted(CASES.glob("*.tflite")), ids=lambda p: p.stem)
def test_a_file_tells_which_tensors_share_bytes(path: Path) -> None:
    """Views are found again: the same plan comes out of the file as out of the program."""
    program = convert.compile_graph(tflite.load(path))
    model = ModelFile.read(convert.convert(tflite.load(path)))
    kept = len(program.rows)        # the plan's own rows come behind
    views = [(i, s) for i, s in enumerate(program.storage)
             if s != i and not program.rows[i].constant]  # fmt: skip
    found = storage_of(model)
    for i, s in views:
        assert found[i] == found[s]
    distinct = {i for i in range(kept) if program.storage[i] == i}
    state = {i for op in program.ops[: program.n_init] for i in op.outputs}
    for i in distinct - state:
        assert found[i] == i or program.storage[found[i]] == program.storage[i]
    track(layout_of(model))


@pytest.mark.parametrize("target", ["armv6m", "armv7em"])
@pytest.mark.parametrize("name", ["conv_int4", "depthwise_int4"])
def test_int4_weights_are_widened_for_kernels(name: str, target: str) -> None:
    """What is packed is the layer with the same weights in int8."""
    (made,) = pack(portable(name), target).ops
    assert made.name.startswith("PACKED_")
    (kept,) = pack(portable(name.replace("int4", "int16")), target).ops
    assert kept.name.startswith("MIXED_")       # int16 activations have no packed kernel


def test_widened_weights_are_the_same(wide_only: None) -> None:
    model = portable("conv_int4")
    made = pack(model, "armv6m")
    given, packed = model.tensors[model.ops[0].inputs[1]], made.tensors[made.ops[0].inputs[1]]
    assert given.dtype == "int4" and given.nbytes * 2 == given.elements
    np.testing.assert_array_equal(packed.data, given.data.reshape(-1))
