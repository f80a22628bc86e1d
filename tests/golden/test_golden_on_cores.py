"""Every golden case on emulated cores, without MicroPython: the same bytes as TFLite's."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tinysense_host import convert, tflite
from tinysense_host.barecore import list_cores, load_core
from tinysense_host.errors import TinysenseError
from tinysense_host.trial import Case, try_cases
from tinysense_host.verify import join_outputs

CASES = sorted((Path(__file__).parent / "cases").glob("*.npz"))


def load(path: Path) -> tuple[Case, list[bytes]]:
    """The portable model with its inputs, and the outputs that TFLite gave."""
    blob = convert.convert(tflite.load(path.with_suffix(".tflite")))
    with np.load(path) as found:
        count = sum(name.startswith("in") for name in found.files)
        rows = zip(*(found[f"in{i}"] for i in range(count)), strict=True)
        inputs = tuple(b"".join(x.tobytes() for x in row) for row in rows)
        outputs = [found[f"out{i}"] for i in range(len(found.files) - count)]
    return Case(path.stem, (blob,), inputs), join_outputs(outputs)


@pytest.mark.full
@pytest.mark.parametrize("core", list_cores())
def test_golden_cases(core: str) -> None:
    loaded = [load(path) for path in CASES]
    try:
        results = list(try_cases(load_core(core), [case for case, _ in loaded], keep_outputs=True))
    except TinysenseError as error:
        if "not installed" not in error.message:
            raise
        pytest.skip(error.message)
    for result, (case, wanted) in zip(results, loaded, strict=True):
        assert not result.problem, result.problem
        assert list(result.outcomes[0].outputs) == wanted, case.name
