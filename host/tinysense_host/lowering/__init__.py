"""Graph -> Program: every op of the graph as ops of the core."""

from __future__ import annotations

from tinysense_host.lowering.operands import QUANTISE_HINT
from tinysense_host.lowering.registry import LOWERINGS, lower

__all__ = ["LOWERINGS", "QUANTISE_HINT", "lower"]
