"""A UART that is never waited for."""

from ..errors import ConfigError

TXBUF = 256  # bytes; what fits is sent by interrupts

UART_OPTIONS = (
    ("uart", int, 1, (0, 8), "number of the UART"),
    ("baudrate", int, 115200, (300, 5000000), "bits per second"),
    ("tx", (int, str), -1, (-1, 255), "pin, -1: the UART's own"),
    ("rx", (int, str), -1, (-1, 255), "pin, -1: the UART's own"),
)


def open_uart(options: dict, name: str) -> "UART":
    """The UART that a config's rows UART_OPTIONS name; ``name``: of the output."""
    import machine

    number, baudrate = options["uart"], options["baudrate"]
    try:
        pins = {key: machine.Pin(options[key]) for key in ("tx", "rx") if options[key] != -1}
        try:
            return machine.UART(number, baudrate, txbuf=TXBUF, **pins)
        except TypeError:  # stm32 has no such buffer: a line takes its time on the wire there
            return machine.UART(number, baudrate, **pins)
    except (AttributeError, TypeError, ValueError, OSError) as e:
        raise ConfigError("%s: expected a UART, got uart %d, tx %s, rx %s: %s: name the pins: "
                          "tx, rx" % (name, number, options["tx"], options["rx"], e))


class Wire:
    """``Wire(UART(1, 115200))``: what the UART does not take at once goes out by poll().

    One piece is on its way at a time; one that comes meanwhile is ``lost``, whole.
    """

    def __init__(self, uart: "UART"):
        self._uart = uart
        self._buf = b""
        self._at = self._size = 0
        self.lost = 0

    def free(self) -> bool:
        """Whether send() may be called; counts a loss if not."""
        self.poll()
        if self._at < self._size:
            self.lost += 1
            return False
        return True

    def send(self, buf: "Buffer", size: int) -> None:
        """The first ``size`` bytes of buf, which must stay as they are until free() again."""
        self._buf, self._at, self._size = buf, 0, size
        self.poll()

    def poll(self) -> None:
        if self._at < self._size:
            # None where not one byte fits
            self._at += self._uart.write(self._buf, self._at, self._size - self._at) or 0

    def close(self) -> None:
        if hasattr(self._uart, "deinit"):
            self._uart.deinit()
