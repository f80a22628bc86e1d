"""A program made smaller before its memory is planned; every step is exact to the bit."""

from __future__ import annotations

from tinysense_host.program import Program
from tinysense_host.rewriting.channels import remove_constant_channels
from tinysense_host.rewriting.constants import fold_constants
from tinysense_host.rewriting.fusing import drop_unread, fuse_pads, fuse_tables

__all__ = ["rewrite"]


def rewrite(program: Program, *, constant_channels: bool = True) -> None:
    """Fold, fuse and drop what gives the same bytes; ``program.rewrites`` says what was done.

    ``constant_channels``: also remove channels that never change.
    """
    fold_constants(program)
    fuse_tables(program)
    fuse_pads(program)
    drop_unread(program)
    if constant_channels:
        remove_constant_channels(program)
    program.compact()
