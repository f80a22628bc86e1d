"""What a computer may ask of a board, by name: the same at the REPL and over a network.

A row of OPS is name -> (module in the package, function in it), imported when it is
asked for. Arguments and results are what JSON holds. Over a network (see remote)
this table and files in a few folders (see places) are all there is: no code.
"""

# Written by device/files.py.
from typing import Any

OPS: dict[str, Any]
after: list[Any]

def answer(name: str, args: dict[str, Any]) -> object:
    """What the operation returns; whatever it raises is raised. ValueError for no such name."""

def told(name: str, text: str, sum: int) -> None:
    """Prints {"value": ..}, else {"error": kind, "text": ..}, as JSON for a computer at the REPL.

    text: the arguments, as JSON; sum: CRC-32 of name and text, since the REPL has none. A
    space and eight digits, the CRC-32 of the JSON, follow it.
    """

def settle() -> None:
    """Does what was to wait until the answer had gone out: a restart."""

def info() -> dict[str, Any]:
    """What the board is and has now; bytes, -1 where it can't tell."""

def reset() -> bool:
    """Restarts the board as its button does, once the answer has gone out."""
