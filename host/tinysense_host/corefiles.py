"""Lists that core and host share: read from device/core, never typed twice."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from tinysense_host.errors import TinysenseError

__all__ = ["OpRow", "error_texts", "op_rows"]

_CORE = Path(__file__).resolve().parents[2] / "device" / "core"


@dataclass(frozen=True)
class OpRow:
    """One row of ops.def."""

    name: str
    opcode: int
    n_in: int
    n_out: int
    n_params: int


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
    """name -> row, of device/core/ops.def."""
    pattern = r"^X\(\s*(\w+),\s*(\d+),\s*(\d+),\s*(\d+),\s*(\d+)\)"
    rows = re.findall(pattern, _read("ops.def"), re.MULTILINE)
    return {name: OpRow(name, *(int(n) for n in numbers)) for name, *numbers in rows}


@cache
def error_texts() -> dict[int, str]:
    """code -> message, of device/core/errors.def."""
    pattern = r'^X\(\s*\w+,\s*(-?\d+),\s*"([^"]*)"\)'
    return {int(code): text for code, text in re.findall(pattern, _read("errors.def"), re.M)}
