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


def make(entry: "str | dict") -> "Output":
    """The output a config names: "serial", or {"kind": "led", "pin": 25}."""
    from ..config import check, plugin

    kind = entry if isinstance(entry, str) else entry["kind"]
    module = plugin("outputs", kind)
    given = {} if isinstance(entry, str) else {k: v for k, v in entry.items() if k != "kind"}
    return module.build(check(module.OPTIONS, given, "options of output " + kind))
