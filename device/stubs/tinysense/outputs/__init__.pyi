"""Outputs: what an event does.

An output is an object with

    emit(event)   event.label, event.score (0..255), event.time (ms); the object
                  is used again for the next event
    poll()        called at every step, for what ends by itself (a tone, a light);
                  optional
    close()       leaves the hardware at rest; optional

One file per output here, with OPTIONS (rows as in tinysense.config) and
``build(options)``. Nothing imports ``machine`` before it is built.
"""

# Written by device/files.py.
from typing import Any
from ..types import Output

def make(entry: str | dict[str, Any]) -> Output:
    """The output a config names: "serial", or {"kind": "led", "pin": 25}."""

def parts(entry: str | dict[str, Any]) -> tuple[Any, ...]:
    """(name, options) of an output in the config."""
