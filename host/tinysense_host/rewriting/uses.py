"""Who writes and who reads each stretch of memory of a program."""

from __future__ import annotations

import dataclasses

from tinysense_host.program import Program

__all__ = ["Uses"]


class Uses:
    """Ops by the storage they touch. Changes to the program make it stale: build it anew."""

    def __init__(self, program: Program) -> None:
        self.program = program
        n = program.n_inputs
        self.inputs = set(program.storage[:n])
        self.outputs = set(program.storage[n : n + program.n_outputs])
        self.readers: dict[int, list[int]] = {}
        self.writers: dict[int, list[int]] = {}
        for k, op in enumerate(program.ops):
            for rows, users in ((op.inputs, self.readers), (op.outputs, self.writers)):
                for i in rows:
                    found = users.setdefault(program.storage[i], [])
                    if k not in found:
                        found.append(k)

    def writer(self, row: int) -> int | None:
        """The op that makes the row's bytes; None for inputs, constants, and what has several."""
        storage = self.program.storage[row]
        found = self.writers.get(storage, [])
        if len(found) != 1 or found[0] < self.program.n_init or storage in self.inputs:
            return None
        return found[0]

    def read_by(self, row: int) -> list[int]:
        """The ops that read the row's bytes, under whatever shape."""
        return self.readers.get(self.program.storage[row], [])

    def private(self, row: int) -> bool:
        """Whether one op makes these bytes and only ops read them: no input, output or state."""
        return self.writer(row) is not None and self.program.storage[row] not in self.outputs

    def shifted(self, row: int) -> int | None:
        """The prologue op that sets the row's bytes, where a SHIFT_IN alone changes them later."""
        p, storage = self.program, self.program.storage[row]
        found = self.writers.get(storage, [])
        if len(found) != 2 or not found[0] < p.n_init <= found[1] or storage in self.outputs:
            return None
        return found[0] if p.ops[found[1]].name == "SHIFT_IN" else None

    def remove(self, dead: set[int]) -> None:
        """Drop ops by number; this object is stale afterwards."""
        p = self.program
        keep = [k for k in range(len(p.ops)) if k not in dead]
        p.n_init -= sum(k < p.n_init for k in dead)
        p.ops, p.origin = [p.ops[k] for k in keep], [p.origin[k] for k in keep]

    def replace(self, k: int, **fields: object) -> None:
        """Change fields of op k."""
        self.program.ops[k] = dataclasses.replace(self.program.ops[k], **fields)  # type: ignore[arg-type]
