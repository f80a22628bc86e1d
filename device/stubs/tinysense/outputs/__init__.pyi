"""Outputs: what an event does.

An output is an object with

    emit(event)   event.label, event.score (0..255), event.time (ms); the object
                  is used again for the next event
    poll()        called at every step, for what ends by itself (a tone, a light)
                  or goes out bit by bit; optional
    watch(labels, scores)
                  called once, when a pipeline is made: the model's labels in their
                  order, and the buffer in which the latest scores always are, a
                  byte per label; optional
    window(model, frames)
                  called after every window: model.scores are of these frames, int16
                  (window, channels), which are the pipeline's; optional
    close()       leaves the hardware at rest; optional

None of them waits, and none takes heap once it is made; where an output cannot
promise that (serial, ble, mqtt) its docstring says what it takes.

One file per output here, with OPTIONS (rows as in tinysense.config) and
``build(options)``. Nothing imports ``machine`` before it is built. Besides them
stand line.py and wire.py, of which some are made.
"""

# Written by device/files.py.
from ..types import Output
from typing import Any

def make(entry: str | dict[str, Any]) -> Output:
    """The output a config names: "serial", or {"kind": "led", "pin": 25}."""

def parts(entry: str | dict[str, Any]) -> tuple[Any, ...]:
    """(name, options) of an output in the config."""
