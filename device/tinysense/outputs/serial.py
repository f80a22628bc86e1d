"""One line of JSON per event, on the REPL's port or any stream.

Each line is a new text on the heap; uart.py sends the same without any.
"""

import sys

OPTIONS = ()


def build(options: dict) -> "Serial":
    return Serial()


class Serial:
    """``Serial()`` or ``Serial(uart)``: {"label": "ring", "score": 231, "time": 4200}"""

    def __init__(self, stream: "TextIO | None" = None):
        self._stream = stream or sys.stdout

    def emit(self, event: "Event") -> None:
        label = event.label.replace("\\", "\\\\").replace('"', '\\"')
        self._stream.write('{"label": "%s", "score": %d, "time": %d}\n'
                           % (label, event.score, event.time))
