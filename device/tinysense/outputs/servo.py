"""A hobby servo that points to an angle by label."""

from ..errors import ConfigError

PERIOD_HZ = 50
LEFT_NS, RIGHT_NS = 1000000, 2000000  # 1 ms and 2 ms: the pulse of nearly every servo

OPTIONS = (
    ("pin", (int, str), None, (0, 255), "pin number or name, must do PWM"),
    ("angles", dict, None, (0, 180), "label: 0..180"),
)


def build(options: dict) -> "Servo":
    import machine

    return Servo(machine.PWM(machine.Pin(options["pin"])), options["angles"])


class Servo:
    """``Servo(PWM(Pin(15)), {"ring": 0, "wing": 180})``. Labels not named leave it where it is."""

    def __init__(self, pwm: "PWM", angles: dict):
        for label, angle in angles.items():
            if not isinstance(angle, int) or not 0 <= angle <= 180:
                raise ConfigError("servo: angle of %s: expected 0 to 180, got %r" % (label, angle))
        # In whole microseconds and back: the numbers stay small integers on a board.
        self._pulse_ns = {label: LEFT_NS + (RIGHT_NS - LEFT_NS) // 1000 * angle // 180 * 1000
                          for label, angle in angles.items()}
        self._pwm = pwm
        pwm.freq(PERIOD_HZ)

    def emit(self, event: "Event") -> None:
        pulse_ns = self._pulse_ns.get(event.label)
        if pulse_ns is not None:
            self._pwm.duty_ns(pulse_ns)

    def close(self) -> None:
        """Stops the pulses: the servo goes limp."""
        self._pwm.deinit()
