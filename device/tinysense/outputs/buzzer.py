"""A tone by label."""

from ..errors import ConfigError
from ..ticks import ticks_diff, ticks_ms

HALF_DUTY = 32768  # of 65536: the loudest a square wave gets

OPTIONS = (
    ("pin", (int, str), None, (0, 255), "pin number or name, must do PWM"),
    ("tones", dict, None, (20, 20000), "label: Hz"),
    ("on_ms", int, 150, (1, 10000), "how long"),
)


def build(options: dict) -> "Buzzer":
    import machine

    return Buzzer(machine.PWM(machine.Pin(options["pin"])), options["tones"], options["on_ms"])


class Buzzer:
    """``Buzzer(PWM(Pin(14)), {"ring": 880, "wing": 440})``: silent for labels not named."""

    def __init__(self, pwm: "PWM", tones: dict, on_ms: int = 150,
                 now: "Callable[[], int]" = ticks_ms):
        for label, hertz in tones.items():
            if not isinstance(hertz, int) or not 20 <= hertz <= 20000:
                raise ConfigError("buzzer: tone of %s: expected 20 to 20000 Hz, got %r"
                                  % (label, hertz))
        self._pwm, self._tones, self._on_ms, self._now = pwm, dict(tones), on_ms, now
        self._sounds = False
        self._since = 0
        pwm.duty_u16(0)

    def emit(self, event: "Event") -> None:
        hertz = self._tones.get(event.label)
        if hertz is None:
            return
        self._pwm.freq(hertz)
        self._pwm.duty_u16(HALF_DUTY)
        self._sounds = True
        self._since = self._now()

    def poll(self) -> None:
        if self._sounds and ticks_diff(self._now(), self._since) >= self._on_ms:
            self._sounds = False
            self._pwm.duty_u16(0)

    def close(self) -> None:
        self._sounds = False
        self._pwm.duty_u16(0)
        self._pwm.deinit()
