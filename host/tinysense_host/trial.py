"""Models tried on a bare core, thousands in one start: outputs compared, instructions counted.

    for result in try_cases(load_core("cortex-m4"), cases):
        assert not result.problem, result.problem

boards/bare/trial.c is the other end. cases.bin holds, for each case, 16 words
(magic, flags, models, bytes of one set of inputs, sets of inputs, bytes of up
to eight files, zeros), then the files and the inputs. results.bin holds what
reading the clock costs (u64 ns) and then, for each case, its 16 words again
and an outcome per model, followed by u64 ns per op and by outputs if asked.
"""

from __future__ import annotations

import struct
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from tinysense_host.barecore import INSTRUCTION_NS, BareCore, build_program, run_program
from tinysense_host.corefiles import error_texts
from tinysense_host.errors import TinysenseError

__all__ = ["Case", "Outcome", "Result", "try_cases"]

_CASE = struct.Struct("<16I")
_OUTCOME = struct.Struct("<4i3I2iIQQ")
_MAGIC = 0x45534143
_PER_OP, _KEEP_OUTPUTS = 1, 2
_MODELS_MAX = 8
_BATCH_BYTES = 64 << 20


@dataclass(frozen=True)
class Case:
    """Model files that shall give the same outputs; sets of inputs, each all tensors' bytes."""

    name: str
    models: tuple[bytes, ...]
    inputs: tuple[bytes, ...]


@dataclass(frozen=True)
class Outcome:
    """What one model did. Instructions are of ts_model_load, of the last ts_model_run, and
    of each op run alone (ts_model_run_op; 0 for records that do not run by themselves).
    ``mismatch``: (set of inputs, byte of the outputs) of the first difference from the
    first model; byte -2: outputs of another size."""

    error: int
    op: int
    tensor: int
    arena_bytes: int
    output_bytes: int
    guard_broken: bool
    mismatch: tuple[int, int] | None
    pushed: bool
    load: int
    run: int
    ops: tuple[int, ...] = ()
    outputs: tuple[bytes, ...] = ()

    @property
    def problem(self) -> str:
        """What is wrong, in words; empty where nothing is."""
        if self.error:
            text = error_texts().get(self.error, f"error {self.error}")
            return f"{text} (op {self.op}, tensor {self.tensor})"
        if self.guard_broken:
            return "bytes outside the arena were written"
        if self.mismatch is not None:
            return "outputs differ: inputs {}, byte {}".format(*self.mismatch)
        return ""


@dataclass(frozen=True)
class Result:
    """The outcomes of a case's models; none, and ``crash``, where the core fell over."""

    case: Case
    outcomes: tuple[Outcome, ...]
    crash: str = ""

    @property
    def problem(self) -> str:
        """The first problem, with the names of case and model; empty where there is none."""
        if self.crash:
            return f"{self.case.name}: {self.crash}"
        for i, outcome in enumerate(self.outcomes):
            if outcome.problem:
                return f"{self.case.name}, model {i}: {outcome.problem}"
        return ""


def try_cases(core: BareCore, cases: Iterable[Case], *, per_op: bool = False,
              keep_outputs: bool = False, timeout_s: float = 300.0,
              elf: Path | None = None) -> Iterator[Result]:
    """One result per case, in order. A case that crashes the core, or is running when the
    emulator's ``timeout_s`` are over, is reported as such and the others go on. elf: a trial
    program built before."""
    program = elf or build_program(core)
    flags = _PER_OP * per_op | _KEEP_OUTPUTS * keep_outputs
    for batch in _batches(cases):
        waiting: Sequence[Case] = batch
        while waiting:
            done = _run(core, program, waiting, flags, timeout_s)
            yield from done
            waiting = waiting[len(done):]


def _batches(cases: Iterable[Case]) -> Iterator[list[Case]]:
    batch: list[Case] = []
    size = 0
    for case in cases:
        batch.append(case)
        size += sum(map(len, case.models)) + sum(map(len, case.inputs))
        if size > _BATCH_BYTES:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch


def _pack(case: Case, flags: int) -> bytes:
    sizes = {len(x) for x in case.inputs} or {0}
    if len(sizes) > 1 or not 1 <= len(case.models) <= _MODELS_MAX:
        raise ValueError(f"case {case.name}: {len(case.models)} models, inputs of {sizes} bytes")
    files = [len(m) for m in case.models] + [0] * (_MODELS_MAX + 3 - len(case.models))
    head = _CASE.pack(_MAGIC, flags, len(case.models), sizes.pop(), len(case.inputs), *files)
    return b"".join((head, *case.models, *case.inputs))


def _run(core: BareCore, elf: Path, cases: Sequence[Case], flags: int,
         timeout_s: float) -> list[Result]:
    """Results of as many cases as one start of the core gave, at least one."""
    with tempfile.TemporaryDirectory(prefix="tinysense-trial-") as name:
        folder = Path(name)
        with (folder / "cases.bin").open("wb") as file:
            for case in cases:
                file.write(_pack(case, flags))
        status, said = run_program(core, elf, folder, timeout_s)
        path = folder / "results.bin"
        raw = path.read_bytes() if path.exists() else b""
    results = list(_read(raw, cases))
    if status == 0 and len(results) == len(cases):
        return results
    if not raw or status == 2:
        raise TinysenseError(f"the trial on {core.name} failed at case "
                             f"{cases[min(len(results), len(cases) - 1)].name}: {said or status}")
    if len(results) == len(cases):
        results.pop()
    return [*results, Result(cases[len(results)], (), said or f"ended with status {status}")]


class _Reader:
    """Fields of results.bin, one after another; EOFError where it ends."""

    def __init__(self, raw: bytes) -> None:
        self._raw, self._at = raw, 0

    def take(self, size: int) -> bytes:
        part = self._raw[self._at : self._at + size]
        if len(part) < size:
            raise EOFError
        self._at += size
        return part

    def unpack(self, layout: struct.Struct) -> tuple[int, ...]:
        return layout.unpack(self.take(layout.size))


def _read(raw: bytes, cases: Sequence[Case]) -> Iterator[Result]:
    reader = _Reader(raw)
    try:
        (reading,) = struct.unpack("<Q", reader.take(8))
        for case in cases:
            _, flags, n_models, _, runs, *_ = reader.unpack(_CASE)
            outcomes = [_outcome(reader, flags, runs, reading) for _ in range(n_models)]
            yield Result(case, tuple(outcomes))
    except EOFError:
        return


def _outcome(reader: _Reader, flags: int, runs: int, reading: int) -> Outcome:
    (error, op, tensor, guard, n_ops, output_bytes, arena_bytes, run, byte, pushed, load_ns,
     run_ns) = reader.unpack(_OUTCOME)  # fmt: skip

    def instructions(ns: int) -> int:
        return max(0, round((ns - reading) / INSTRUCTION_NS))

    ops = struct.unpack(f"<{n_ops}Q", reader.take(8 * n_ops))
    kept = error == 0 and flags & _KEEP_OUTPUTS
    return Outcome(
        error, op, tensor, arena_bytes, output_bytes, bool(guard),
        None if run == byte == -1 else (run, byte), bool(pushed), instructions(load_ns),
        instructions(run_ns), tuple(instructions(ns) for ns in ops),
        tuple(reader.take(output_bytes) for _ in range(runs)) if kept else (),
    )  # fmt: skip
