"""The model file .tsm: its parts in memory, and the bytes of models/FORMAT.md.

    model      ModelFile: read, write, check
    sections   header, META, TENS, PROG, DATA, GOLD: bytes and back

The parts themselves (Tensor, Op, ...) are in modelparts.py, which needs no core.
"""

from tinysense_host.modelfile.model import Fault, ModelFile, core_fault
from tinysense_host.modelfile.sections import VERSION, section_offset
from tinysense_host.modelparts import ABSENT, BACKWARD, DTYPES, Geometry, Golden, Op, Tensor

__all__ = ["ABSENT", "BACKWARD", "DTYPES", "VERSION", "Fault", "Geometry", "Golden", "ModelFile",
           "Op", "Tensor", "core_fault", "section_offset"]  # fmt: skip
