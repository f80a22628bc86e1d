"""Rows: rings, segments, pushed inputs, sums, images, backward ops, and state.

What runs by rows must give what the same ops give on whole tensors.
"""

from __future__ import annotations

import ctypes

import core_build
import core_files as files
import numpy as np
import pytest


class Loaded:
    """A model in an arena of its own, for more than one run."""

    def __init__(self, data: bytes) -> None:
        self.lib, self.file, self.state = core_build.library(), core_build.aligned(data), core_build.State()
        need = core_build.check(data)[0]
        assert need > 0
        self.arena = np.full(need // 4 + 1, 0x55555555, np.uint32)
        load = self.lib.ts_model_load(self.ref, core_build.pointer(self.file), len(data),
                                      core_build.pointer(self.arena), need)  # fmt: skip
        assert load == 0

    @property
    def ref(self) -> object:
        return ctypes.byref(self.state)

    def bytes_of(self, i: int, n: int) -> np.ndarray:
        return np.frombuffer(ctypes.string_at(self.lib.ts_model_tensor(self.ref, i), n), np.int8)

    def run(self, x: np.ndarray, out: int) -> np.ndarray:
        ctypes.memmove(self.lib.ts_model_tensor(self.ref, 0), x.ctypes.data, x.nbytes)
        assert self.lib.ts_model_run(self.ref) == 0
        return self.bytes_of(1, out)

    def push(self, row: np.ndarray) -> int:
        row = np.ascontiguousarray(row)
        assert self.lib.ts_model_row_bytes(self.ref) == row.nbytes
        return int(self.lib.ts_model_push_row(self.ref, row.ctypes.data_as(ctypes.c_void_p)))


def noise(shape: tuple[int, ...], seed: int = 1) -> np.ndarray:
    return np.random.default_rng(seed).integers(-128, 128, shape).astype(np.int8)


STEPS = [(1, 1, 1), (1, 1, 2), (2, 1, 1), (2, 2, 2), (9, 5, 5)]


def wanted(x: np.ndarray) -> list[int]:
    return list(core_build.run(files.stream("plain"), [x]))


@pytest.mark.parametrize("steps", STEPS)
@pytest.mark.parametrize("seed", range(3))
def test_a_segment_gives_what_its_ops_give(steps: tuple[int, ...], seed: int) -> None:
    x = noise((9, 5, 3), seed)
    model = Loaded(files.stream("segment", steps, ring=9 if max(steps) > 2 else 5))
    for _ in range(2):      # progress begins anew
        assert list(model.run(x, 3)) == wanted(x)


@pytest.mark.parametrize("steps", STEPS)
def test_pushed_rows_give_what_the_whole_input_gives(steps: tuple[int, ...]) -> None:
    model = Loaded(files.stream("pushed", steps, ring=9 if max(steps) > 2 else 5))
    for seed in range(3):
        x = noise((9, 5, 3), seed)
        assert [model.push(row) for row in x] == [0] * 8 + [1]
        assert list(model.bytes_of(1, 3)) == wanted(x)


def test_begin_forgets_rows() -> None:
    model, x = Loaded(files.stream("pushed")), noise((9, 5, 3))
    for rows in range(9):
        for row in noise((rows, 5, 3), 9):
            model.push(row)
        assert model.lib.ts_model_begin(model.ref) == 0
        assert [model.push(row) for row in x] == [0] * 8 + [1]
        assert list(model.bytes_of(1, 3)) == wanted(x)


def test_run_and_push_are_not_mixed() -> None:
    pushed, whole = Loaded(files.stream("pushed")), Loaded(files.stream("segment"))
    rows = core_build.errors()["TS_ERR_ROWS"]
    assert pushed.lib.ts_model_run(pushed.ref) == rows
    assert whole.lib.ts_model_push_row(whole.ref, None) == rows
    assert (pushed.lib.ts_model_row_bytes(pushed.ref), whole.lib.ts_model_row_bytes(whole.ref)) == (15, 0)
    assert whole.lib.ts_model_begin(whole.ref) == 0


def test_a_ring_too_small_gives_other_numbers_and_no_crash() -> None:
    x = noise((9, 5, 3))
    assert list(Loaded(files.stream("segment", ring=0)).run(x, 3)) != wanted(x)


@pytest.mark.parametrize("name", ["AVERAGE_POOL_2D", "MEAN"])
@pytest.mark.parametrize(("h", "w", "c"), [(1, 1, 1), (1, 4, 3), (5, 1, 2), (7, 3, 17), (64, 64, 1)])
def test_sums_by_rows(name: str, h: int, w: int, c: int) -> None:
    x = noise((1, h, w, c), h)
    pool = name == "AVERAGE_POOL_2D"
    for columns in ({1, w} if pool else {False, True}):
        if pool:
            y = (1, 1, w - columns + 1, c)
            params, zeros = [1, 1, h, columns, 0, 0, -90, 99], (3, 3)
        else:
            y, zeros = ((1, c) if columns else (w, c)), (3, -7)
            params = [6 if columns else 2, 1 << 30, -2]
        by_rows = core_build.run(files.sums(name, x.shape, y, params, zeros), [x])
        whole = core_build.run(files.unary(name, x.shape, y, params, zero_points=zeros), [x])
        assert by_rows.tolist() == whole.tolist()


def test_a_pool_sums_every_image() -> None:
    x = noise((2, 4, 5, 3))
    params = [1, 2, 4, 3, 0, 0, -90, 99]
    by_rows = core_build.run(files.sums("AVERAGE_POOL_2D", x.shape, (2, 1, 2, 3), params, (3, 3)), [x])
    whole = core_build.run(files.unary("AVERAGE_POOL_2D", x.shape, (2, 1, 2, 3), params), [x])
    assert by_rows.tolist() == whole.tolist()


def test_backward_over_the_input() -> None:
    """y grows over x from its end: forward it would eat rows not yet read."""
    x = noise((1, 6, 4, 2))
    apart = core_build.run(files.backward(2), [np.concatenate([x, x])])
    assert apart[: 72].tolist() == apart[72:].tolist()
    assert core_build.run(files.backward(1), [x]).tolist() == apart[:72].tolist()


def test_state_is_kept_until_reset() -> None:
    model = Loaded(files.counter())
    for _ in range(2):
        for n in range(1, 5):
            assert model.run(np.full(6, 2, np.int8), 6).tolist() == [5 + 2 * n] * 6
        assert model.lib.ts_model_reset(model.ref) == 0


def test_ops_of_a_segment_run_one_by_one() -> None:
    model = Loaded(files.stream("segment", ring=9))
    assert [model.lib.ts_model_run_op(model.ref, i) for i in range(6)] == [0] * 5 + [-1]
