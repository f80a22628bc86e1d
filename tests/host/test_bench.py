from __future__ import annotations

import json
from pathlib import Path

import pytest

from tinysense_host import bench, convert, tflite
from tinysense_host.errors import TinysenseError
from tinysense_host.modelfile import ModelFile

CASES = Path(__file__).parents[1] / "golden" / "cases"


def blob_of(name: str) -> bytes:
    return convert.convert(tflite.load(CASES / f"{name}.tflite"))


MACS = {
    "conv_valid": [5 * 4 * 4 * 3 * 3 * 3],
    "conv_groups": [5 * 5 * 4 * 3 * 3 * 3],
    "depthwise_multiplier2": [7 * 6 * 6 * 3 * 3],
    "fc_rows": [3 * 9 * 4],
    "max_pool": [0],
    "add": [0],
}


@pytest.mark.parametrize("name", MACS)
def test_macs(name: str) -> None:
    model = ModelFile.read(blob_of(name))
    assert [bench.op_macs(model, op) for op in model.ops] == MACS[name]


class ScriptedBoard:
    """Answers what a board would: free memory, loaded, measured."""

    def __init__(self, answer: str) -> None:
        self.answer = answer
        self.sent: list[str] = []

    def exec(self, code: str, timeout: float = 10.0) -> str:
        self.sent.append(code)
        if "mem_free" in code:
            return "1000000"
        if "_tr = " in code:
            return "0 1"
        return self.answer if code.startswith("_t_measure(") else ""

    def put(self, data: bytes, path: str) -> None: ...

    def get(self, path: str) -> bytes:
        return b""


def test_the_cost_of_the_call_is_taken_off() -> None:
    answer = json.dumps(["instructions", 100, 5100, [1100, 2100, 100, 90, 600, 700]])
    board = ScriptedBoard(answer)
    blob = blob_of("keras_conv1d")
    cost = bench.measure(board, blob)
    assert cost.total == 5000
    assert [op.cost for op in cost.ops] == [1000, 2000, 0, 0, 500, 600]
    told = cost.as_dict()
    assert list(told) == ["instructions", "arena_bytes", "model_bytes", "macs", "call_overhead",
                          "load", "ops"]  # fmt: skip
    assert told["instructions"] == 5000
    assert told["model_bytes"] == len(blob)
    assert told["macs"] == sum(op["macs"] for op in told["ops"])
    assert told["ops"][0]["macs"] == 32 * 8 * 5 * 3
    assert told["ops"][0] == {
        "op": "CONV_2D", "instructions": 1000, "macs": 3840, "shape": [1, 1, 32, 8],
        "constant_bytes": 8 * 5 * 3 + 8 * 9, "tensor_bytes": 32 * 6 + 32 * 8, "inside": False,
    }  # fmt: skip
    assert "os.remove" in board.sent[-1]


def test_a_board_without_a_counter_gives_microseconds() -> None:
    board = ScriptedBoard(json.dumps(["us", 10, 2010, [1010] * 6]))
    told = bench.measure(board, blob_of("keras_conv1d")).as_dict()
    assert told["microseconds"] == 2000
    assert told["instructions"] is None
    assert told["ops"][0]["microseconds"] == 1000


@pytest.mark.parametrize("answer", ["[]", '["us", 1, 2, [3]]', '["us", null, 2, [1,2,3,4,5,6]]'])
def test_an_answer_that_is_none(answer: str) -> None:
    with pytest.raises(TinysenseError, match="expected its measurements"):
        bench.measure(ScriptedBoard(answer), blob_of("keras_conv1d"))
