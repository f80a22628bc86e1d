"""A Recorder from the config: its driver, triggers and signs."""

from ..config import PATH, check, load, validate
from ..errors import ConfigError
from . import signs, triggers
from .recorder import OPTIONS


def from_config(kind: "type", config: "dict | str | None") -> "Recorder":
    """``kind``: the class to make."""
    from ..drivers import make

    config = validate(config if isinstance(config, dict) else load(config or PATH))
    options = check(OPTIONS, config["recorder"], "recorder")
    if options["sd"]:
        from .sdcard import mount

        mount(options["sd"])

    def remake():
        return make(config["driver"], config["driver_options"])

    return kind(remake(), options["folder"], options["labels"], _triggers(options),
                _signs(options), options["segment_kb"], options["keep_free_kb"],
                options["overwrite"], options["note"], options["sleep_ms"],
                options["before_ms"], options["start"], remake)


def _triggers(options):
    out = []
    if options["button"] != -1:
        out.append(triggers.Button(_input(options["button"], "PULL_UP")))
    if options["level_pin"] != -1:
        out.append(triggers.Level(_input(options["level_pin"], "PULL_DOWN")))
    if options["every_s"]:
        if options["for_s"] > options["every_s"]:
            raise ConfigError("recorder: expected for_s of at most every_s (%d), got %d"
                              % (options["every_s"], options["for_s"]))
        out.append(triggers.Schedule(options["for_s"], options["every_s"]))
    if options["wake_mg"]:
        out.append(triggers.Wake(options["wake_mg"], options["motion"] or 500, options["still_s"]))
    elif options["motion"]:
        out.append(triggers.Motion(options["motion"], options["still_s"]))
    return out


def _signs(options):
    import machine

    out = []
    if options["led"] != -1:
        pin = machine.Pin(options["led"], machine.Pin.OUT)
        out.append(signs.Light(pin, options["led_active_low"]))
    if options["display"]:
        from ..outputs import ssd1306

        shown = check(ssd1306.OPTIONS, options["display"], "recorder: display")
        out.append(signs.Lines(ssd1306.build(shown)))
    return out


def _input(number, pull):
    import machine

    return machine.Pin(number, machine.Pin.IN, getattr(machine.Pin, pull))
