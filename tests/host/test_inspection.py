"""What inspect finds: who reads whom, what lies where, what was fused, and the picture."""

from __future__ import annotations

import json
from pathlib import Path
from xml.etree import ElementTree

import pytest
from typer.testing import CliRunner

from tinysense_host import convert, inspection, tflite
from tinysense_host.cli import app
from tinysense_host.memorymap import draw
from tinysense_host.modelfile import ModelFile
from tinysense_host.modelparts import Op, Tensor
from tinysense_host.planning import Object

CASES = Path(__file__).parents[1] / "golden" / "cases"
SVG = "{http://www.w3.org/2000/svg}"


def model_of(name: str) -> ModelFile:
    return ModelFile.read(convert.convert(tflite.load(CASES / f"{name}.tflite")))


def changes_of(name: str) -> list[str]:
    graph = tflite.load(CASES / f"{name}.tflite")
    return list(inspection.changes(graph, convert.compile_graph(graph)))


def named(model: ModelFile) -> list[tuple[str, list[str]]]:
    """Each op but SEGMENT with the names of the ops it reads from."""
    return [(op.name, ["input" if k < 0 else model.ops[k].name for k in sources])
            for op, sources in zip(model.ops, inspection.readers(model), strict=True)
            if op.name != "SEGMENT"]  # fmt: skip


def test_who_reads_whom() -> None:
    assert named(model_of("keras_dense")) == [
        ("FULLY_CONNECTED", ["input"]), ("FULLY_CONNECTED", ["FULLY_CONNECTED"]),
        ("FULLY_CONNECTED", ["FULLY_CONNECTED"]), ("SOFTMAX", ["FULLY_CONNECTED"]),
    ]  # fmt: skip
    assert ("ADD", ["CONV_2D", "input"]) in named(model_of("keras_residual1d"))
    assert named(model_of("add_to_itself")) == [("ADD", ["input", "input"])]


@pytest.mark.parametrize(("name", "said"), [
    ("keras_dense", ["RELU is part of op 4 5", "SHAPE", "computed when converted",
                     "needs no op: the same bytes"]),
    ("conv_relu6", ["RELU6 is part of op 0"]),
    ("keras_dilated2d", ["SPACE_TO_BATCH_ND", "BATCH_TO_SPACE_ND"]),
    ("fc", []),
])
def test_what_was_fused(name: str, said: list[str]) -> None:
    told = "\n".join(changes_of(name))
    assert all(words in told for words in said), told
    assert bool(told) == bool(said)


@pytest.mark.parametrize("name", ["keras_conv1d", "keras_residual1d", "mean", "add"])
def test_memory_holds_every_operand(name: str) -> None:
    model = model_of(name)
    memory = inspection.memory_of(model)
    for k, op in enumerate(model.ops):
        alive = memory.alive(k)
        assert max(o.offset + o.bytes for o in alive) <= model.arena_bytes
        for i in op.operands:
            t = model.tensors[i]
            assert t.constant or any(o.offset <= t.offset and t.offset + t.stored_bytes
                                     <= o.offset + o.bytes for o in alive), (k, i)  # fmt: skip
    tops = [max(o.offset + o.bytes for o in memory.alive(k)) for k in range(len(model.ops))]
    assert tops[memory.busiest] == max(tops)


OBJECTS = [Object(0, "input", 0, 40, -1, 0), Object(1, "output", 64, 64, 2, 3),
           Object(2, "tensor", 40, 24, 0, 2, ring=3), Object(3, "scratch", 64, 1, 1, 1)]  # fmt: skip
TENSORS = [Tensor("int8", (1, 5, 2, 4)), Tensor("int8", (64,)), Tensor("int8", (1, 9, 2, 4), ring=3),
           Tensor("uint8", (1, 1, 1, 1))]  # fmt: skip
OPS = [Op("SEGMENT", (), (3,), (2,)), Op("CONV_2D", (0,), (2,)), Op("A<&>B", (2,), (1,))]


def test_the_picture() -> None:
    root = ElementTree.fromstring(draw(OBJECTS, TENSORS, OPS, 128, "a <model> & more"))
    height, width = float(root.attrib["height"]), float(root.attrib["width"])
    boxes = {g[0].text: g[1].attrib for g in root.iter(f"{SVG}g")}
    assert len(boxes) == 4
    ring = boxes["tensor 2: int8 1 x 9 x 2 x 4, 3 rows held; 24 bytes at 40, ops 0 to 2"]
    given = boxes["input 0: int8 1 x 5 x 2 x 4; 40 bytes at 0, ops -1 to 0"]
    scratch = boxes["scratch 3: uint8 1 x 1 x 1 x 1; 1 bytes at 64, ops 1 to 1"]
    for box in boxes.values():
        assert 0 <= float(box["x"]) < float(box["x"]) + float(box["width"]) <= width
        assert 0 <= float(box["y"]) < float(box["y"]) + float(box["height"]) <= height
    assert float(given["height"]) / float(ring["height"]) == pytest.approx(40 / 24, rel=0.01)
    assert float(given["y"]) == pytest.approx(float(ring["y"]) + float(ring["height"]), abs=0.1)
    assert float(ring["width"]) + 1 == pytest.approx(3 * (float(scratch["width"]) + 1))
    words = [text.text for text in root.iter(f"{SVG}text")]
    assert "a <model> & more" in words
    assert "2 A<&>B" in words
    assert "128" in words


def test_the_command(tmp_path: Path) -> None:
    picture = tmp_path / "map.svg"
    source = str(CASES / "keras_conv1d.tflite")
    done = CliRunner().invoke(app, ["inspect", source, "--svg", str(picture)])
    assert done.exit_code == 0, done.output
    assert ElementTree.parse(picture).getroot().tag == f"{SVG}svg"
    done = CliRunner().invoke(app, ["inspect", source, "--json"])
    told = json.loads(done.stdout)
    model = model_of("keras_conv1d")
    assert told["arena_bytes"] == model.arena_bytes
    assert [op["op"] for op in told["ops"]] == [op.name for op in model.ops]
    assert {o["what"] for o in told["memory"]} >= {"input", "output"}
    packed = tmp_path / "packed.tsm"
    packed.write_bytes(model.write())
    assert CliRunner().invoke(app, ["inspect", str(packed)]).exit_code == 0
