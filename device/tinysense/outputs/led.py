"""A light for one label or for all."""

from ..ticks import ticks_diff, ticks_ms

OPTIONS = (
    ("pin", (int, str), None, (0, 255), "pin number or name"),
    ("label", str, "", None, "the label it shows, empty: any"),
    ("on_ms", int, 300, (1, 3600000), "how long"),
    ("active_low", bool, False, None, "lights when the pin is low"),
)


def build(options: dict) -> "Led":
    import machine

    pin = machine.Pin(options["pin"], machine.Pin.OUT)
    return Led(pin, options["label"], options["on_ms"], options["active_low"])


class Led:
    """``Led(Pin(25, Pin.OUT), "ring")``: on for ``on_ms`` after each event of that label."""

    def __init__(self, pin: "Pin", label: str = "", on_ms: int = 300, active_low: bool = False,
                 now: "Callable[[], int]" = ticks_ms):
        self._pin, self._label, self._on_ms, self._now = pin, label, on_ms, now
        self._on = 0 if active_low else 1
        self._lit = False
        self._since = 0
        pin.value(1 - self._on)

    def emit(self, event: "Event") -> None:
        if self._label and event.label != self._label:
            return
        self._pin.value(self._on)
        self._lit = True
        self._since = self._now()

    def poll(self) -> None:
        if self._lit and ticks_diff(self._now(), self._since) >= self._on_ms:
            self.close()

    def close(self) -> None:
        self._lit = False
        self._pin.value(1 - self._on)
