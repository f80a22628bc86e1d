"""One line of JSON or CSV per event on a UART: for a second controller, a gateway, a logger."""

from .line import Line
from .wire import UART_OPTIONS, Wire, open_uart

OPTIONS = UART_OPTIONS + (
    ("form", str, "json", ("json", "csv"), "csv: label,score,time"),
)


def build(options: dict) -> "Uart":
    return Uart(open_uart(options, "uart"), options["form"])


class Uart:
    """``Uart(UART(1, 115200))``: {"label": "ring", "score": 231, "time": 4200}

    Where the UART has a transmit buffer nothing waits for the wire. ``lost``: lines
    that came while an earlier one was still going out.
    """

    def __init__(self, uart: "UART", form: str = "json"):
        self._line = Line(form)
        self._wire = Wire(uart)

    @property
    def lost(self) -> int:
        return self._wire.lost

    def watch(self, labels: "Sequence[str]", scores: "Buffer") -> None:
        self._line.watch(labels)

    def emit(self, event: "Event") -> None:
        if self._wire.free():
            size = self._line.write(event)
            self._wire.send(self._line.buf, size)

    def poll(self) -> None:
        self._wire.poll()

    def close(self) -> None:
        self._wire.close()
