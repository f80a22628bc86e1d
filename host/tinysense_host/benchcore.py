"""What a model costs on a bare core: instructions counted without a board's interpreter around.

The core, the flags and the C sources are those of the board's firmware; only
MicroPython is missing, and so is the time it takes to start.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from tinysense_host import bench
from tinysense_host.barecore import BareCore
from tinysense_host.corefiles import target_numbers
from tinysense_host.errors import TinysenseError
from tinysense_host.modelfile import ModelFile
from tinysense_host.packing import pack
from tinysense_host.trial import Case, Outcome, try_cases
from tinysense_host.vectors import materialise, random

__all__ = ["costs_on_core", "fit"]

_INPUTS = 3


def costs_on_core(core: BareCore, models: Sequence[tuple[str, bytes, bytes | None]],
                  ) -> Iterator[bench.Cost | TinysenseError]:  # fmt: skip
    """The cost of each model, given as (name, .tsm for the core, portable .tsm or None).

    Every model runs on random inputs; where the portable file is given, its
    outputs must be equal. What cannot run gives the error instead.
    """
    cases = []
    for name, blob, portable in models:
        model = ModelFile.read(blob)
        size = sum(t.nbytes for t in model.inputs)
        inputs = tuple(materialise(v, size) for v in random(model, _INPUTS))
        files = (blob,) if portable is None else (portable, blob)
        cases.append(Case(name, files, inputs))
    for result in try_cases(core, cases, per_op=True):
        if result.problem:
            yield TinysenseError(f"{core.name}: {result.problem}")
        else:
            blob = result.case.models[-1]
            yield _cost(ModelFile.read(blob), len(blob), result.outcomes[-1])


def fit(blob: bytes, target: str) -> tuple[bytes, bytes | None]:
    """(the model packed for a target, the portable file it was made from or None).

    One that is packed already stays as it is; packed for another target it is refused.
    """
    model = ModelFile.read(blob)
    numbers = target_numbers()
    if model.target == 0:
        packed = pack(model, target)
        return packed.write(), blob
    if model.target != numbers[target]:
        names = {number: name for name, number in numbers.items()}
        raise TinysenseError(
            f"the model is packed for {names.get(model.target, model.target)}, not for {target}",
            "Give the .tflite or the portable .tsm that it was made from",
        )
    return blob, None


def _cost(model: ModelFile, model_bytes: int, outcome: Outcome) -> bench.Cost:
    return bench.Cost("instructions", outcome.run, 0, model.arena_bytes, model_bytes,
                      bench.op_costs(model, outcome.ops), outcome.load)  # fmt: skip
