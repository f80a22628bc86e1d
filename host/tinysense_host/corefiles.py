"""Lists that core and host share: read from device/core, never typed twice."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from tinysense_host.errors import TinysenseError

__all__ = ["OpRow", "error_texts", "op_rows", "target_numbers"]

_CORE = Path(__file__).resolve().parents[2] / "device" / "core"


@dataclass(frozen=True)
class OpRow:
    """One row of ops.def.

    ``rows``: the op makes its output row by row. ``optional``: operands that
    may be absent, bit i for operand i, inputs first, then outputs.
    """

    name: str
    opcode: int
    n_in: int
    n_out: int
    n_params: int
    rows: bool
    optional: int = 0


def _read(name: str) -> str:
    path = _CORE / name
    try:
        return path.read_text(encoding="utf-8")
    except OSError as error:
        raise TinysenseError(
            f"cannot read {path}: {error.strerror}",
            "The host tools run from a checkout of tinysense: pip install -e host",
        ) from error


@cache
def op_rows() -> dict[str, OpRow]:
    """name -> row, of device/core/ops.def; packed ops, which only some cores have, too."""
    pattern = r"^X\(\s*(\w+),\s*(\d+),\s*(\d+),\s*(\d+),\s*(\d+),\s*([01])\)"
    found = re.findall(pattern, _read("ops.def"), re.MULTILINE)
    optional = _optional_operands()
    rows = {}
    for name, *numbers in found:
        opcode, n_in, n_out, n_params, by_rows = map(int, numbers)
        rows[name] = OpRow(name, opcode, n_in, n_out, n_params, bool(by_rows),
                           optional.get(name, 0))  # fmt: skip
    return rows


def _optional_operands() -> dict[str, int]:
    """name -> mask, of device/core/optional.def: `1 << 2 | 1 << 3` or a number."""
    found = re.findall(r"^X\(\s*(\w+),\s*([^)]*)\)", _read("optional.def"), re.MULTILINE)
    masks: dict[str, int] = {}
    for name, mask in found:
        masks[name] = 0
        for term in mask.split("|"):
            one, _, shift = term.partition("<<")
            masks[name] |= int(one, 0) << int(shift or "0")
    return masks


@cache
def target_numbers() -> dict[str, int]:
    """name -> number, of device/core/targets.def: the cores that models are packed for."""
    found = re.findall(r"^X\(\s*(\w+),\s*(\d+)\)", _read("targets.def"), re.MULTILINE)
    return {name: int(number) for name, number in found}


@cache
def error_texts() -> dict[int, str]:
    """code -> message, of device/core/errors.def."""
    pattern = r'^X\(\s*\w+,\s*(-?\d+),\s*"([^"]*)"\)'
    return {int(code): text for code, text in re.findall(pattern, _read("errors.def"), re.M)}
