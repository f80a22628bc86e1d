"""Models for one core: ops replaced by those whose constants lie as that core reads them.

One module for each target, with ``pack_op(op, tensors) -> Packed | None``; a
target without a module runs portable models.
"""

from __future__ import annotations

import dataclasses
import importlib
from collections.abc import Callable, Sequence

from tinysense_host.corefiles import target_numbers
from tinysense_host.errors import TinysenseError
from tinysense_host.modelfile import ModelFile
from tinysense_host.modelparts import Op, Tensor
from tinysense_host.packing.packed import Packed
from tinysense_host.planning.access import Promise
from tinysense_host.planning.objects import Layout
from tinysense_host.planning.plan import plan
from tinysense_host.planning.tracker import track
from tinysense_host.planning.unplanned import input_is_pushed, unplanned, without_unused

__all__ = ["PORTABLE", "Packed", "fit", "pack", "target_name", "target_number"]

PORTABLE = 0
_PackOp = Callable[[Op, Sequence[Tensor]], Packed | None]


def target_number(name: str) -> int:
    """The number of a target core that `--target` names."""
    numbers = target_numbers()
    if name not in numbers:
        raise TinysenseError(f"there is no target {name!r}", f"targets: {', '.join(numbers)}")
    return numbers[name]


def target_name(number: int) -> str:
    """What a number in the header of a .tsm means."""
    names = {n: name for name, n in target_numbers().items()}
    return names.get(number, f"number {number}")


def fit(model: ModelFile, target: str) -> ModelFile:
    """The model as the core ``target`` takes it: packed for it, if it is portable.

    A core whose name is not known here takes portable models.
    """
    if model.target == PORTABLE:
        return pack(model, target) if target in target_numbers() else model
    if target_name(model.target) != target:
        raise TinysenseError(
            f"the model is packed for {target_name(model.target)}, the core there is {target}",
            "Give the portable .tsm, or the .tflite, that it was made from",
        )
    return model


def pack(
    model: ModelFile, target: str, *, stream: bool = True, smallest: bool = False
) -> ModelFile:
    """A portable model for the core ``target``: its layouts, and memory planned for its kernels.

    The portable model itself where the target has no kernel for any of its ops.
    ``stream`` and ``smallest`` are those of plan().
    """
    number = target_number(target)
    if model.target != PORTABLE:
        raise TinysenseError(
            f"the model is packed for {target_name(model.target)}: expected a portable one",
            "Give the .tsm that `tinysense convert` makes without --target",
        )
    pack_op = _packer(target)
    if pack_op is None:
        return model
    task, promises = _with_packed(unplanned(model), pack_op)
    if not promises:
        return model
    planned = plan(task, stream=stream, feed=input_is_pushed(model), smallest=smallest,
                   promises=promises)  # fmt: skip
    track(planned, {k: promises[given] for k, given in enumerate(planned.origin)
                    if given in promises})  # fmt: skip
    return dataclasses.replace(
        model, tensors=planned.rows, ops=planned.ops, arena_bytes=planned.arena_bytes,
        target=number, n_init=planned.n_init, data=b"",
    )  # fmt: skip


def _packer(target: str) -> _PackOp | None:
    name = f"{__name__}.{target}"
    try:
        found: _PackOp = importlib.import_module(name).pack_op
    except ModuleNotFoundError as error:
        if error.name != name:
            raise
        return None
    return found


def _widened(op: Op, rows: Sequence[Tensor], add: Callable[[Tensor], int]) -> Op:
    """A convolution of int8 with int4 weights as one with int8 weights: kernels take no others."""
    kind = op.name.removeprefix("MIXED_")
    if kind not in ("CONV_2D", "DEPTHWISE_CONV_2D") or kind == op.name:
        return op
    x, w = (rows[i] for i in op.inputs[:2])
    if x.dtype != "int8" or w.dtype != "int4":
        return op
    wide = add(dataclasses.replace(w, dtype="int8"))
    return dataclasses.replace(op, name=kind, inputs=(op.inputs[0], wide, *op.inputs[2:]))


def _with_packed(task: Layout, pack_op: _PackOp) -> tuple[Layout, dict[int, Promise]]:
    """(the task with packed ops, op number -> promise of those); its unused rows are gone."""
    rows, storage, ops = list(task.rows), list(task.storage), list(task.ops)
    promises: dict[int, Promise] = {}

    def add(row: Tensor) -> int:
        rows.append(row)
        storage.append(len(rows) - 1)
        return len(rows) - 1

    for k, op in enumerate(task.ops):
        packed = pack_op(_widened(op, task.rows, add), rows)
        if packed is None:
            continue
        inputs, outputs = list(packed.inputs), list(op.outputs[:1])
        if packed.words is not None:
            words = packed.words.reshape(-1)
            inputs.append(add(Tensor("int32", words.shape, data=words)))
        if packed.scratch_bytes:
            outputs.append(add(Tensor("uint8", (1, 1, 1, packed.scratch_bytes))))
        ops[k] = Op(packed.name, tuple(inputs), tuple(outputs), packed.params)
        promises[k] = packed.promise
    made = Layout(rows, storage, ops, task.n_inputs, task.n_outputs, task.n_init)
    return without_unused(made), promises
