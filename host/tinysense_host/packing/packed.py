"""What a target's packer offers for one op."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tinysense_host.planning.access import Promise

__all__ = ["Packed"]


@dataclass(frozen=True, eq=False)
class Packed:
    """An op of one core in place of a portable one: the same numbers, to the bit.

    ``inputs`` are the op's activations; ``words`` (int32) the constant in the
    layout that the kernel reads, None where it takes none. ``scratch_bytes``
    is working memory, 0 for none. ``pixel_block`` P > 0 promises that the
    kernel reads blocks of P pixels, ascending, before it writes them: then a
    layer that looks at one pixel at a time may write over its input. ``ahead``
    and ``under`` are promises, too: see ``Promise``.
    """

    name: str
    inputs: tuple[int, ...]
    params: tuple[int, ...]
    words: np.ndarray | None = None
    scratch_bytes: int = 0
    pixel_block: int = 0
    ahead: bool = False
    under: int = 0

    @property
    def promise(self) -> Promise:
        """What the planner may count on."""
        return Promise(self.pixel_block, self.ahead, self.under)
