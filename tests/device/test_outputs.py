"""Outputs on fake hardware."""

import json

import fakes
import tiny
from expect import Ticks, raises
from tinysense import outputs
from tinysense.decision import Event
from tinysense.drivers.replay import Feed
from tinysense.errors import ConfigError
from tinysense.model import load
from tinysense.outputs.buzzer import Buzzer
from tinysense.outputs.callback import Callback
from tinysense.outputs.led import Led
from tinysense.outputs.serial import Serial
from tinysense.outputs.servo import Servo
from tinysense.pipeline import Pipeline

RING, WING = Event("ring", 231, 4200), Event("wing", 140, 5000)


class Lines:
    def __init__(self):
        self.text = ""

    def write(self, text):
        self.text += text


class Watching:
    """Sees the scores of every window, events or not."""

    def __init__(self):
        self.labels = self.scores = None
        self.seen, self.events = [], []

    def watch(self, labels, scores):
        assert self.labels is None, "watch() is called once"
        self.labels, self.scores = list(labels), scores

    def poll(self):
        self.seen.append(bytes(self.scores))

    def emit(self, event):
        self.events.append((event.label, bytes(self.scores)))


def test_an_output_may_watch_the_scores():
    driver, out = Feed(25000, 3, "g", 4), Watching()
    p = Pipeline(driver, load(tiny.build()), [out, print])  # a function watches nothing
    assert out.labels == tiny.LABELS and len(out.scores) == 3 and out.seen == []
    windows = [tiny.window(100 * 256), tiny.window(40 * 256, 30 * 256), tiny.window(0, 100 * 256)]
    want = []
    for frames in windows:
        for part in (frames[:12], frames[12:]):
            driver.feed(bytes(part))
            p.step()
            p.step()
    want = [tiny.scores(frames) for frames in windows]
    for scores in want:
        assert scores in out.seen, (scores, out.seen)
    assert ("ring", want[0]) in out.events and ("wing", want[2]) in out.events


def test_callback():
    got = []
    Callback(got.append).emit(RING)
    assert got == [RING]


def test_serial_lines_are_json():
    out = Lines()
    s = Serial(out)
    for label in ("ring", 'a "b" \\c', "grün"):
        s.emit(Event(label, 231, 4200))
    lines = out.text.split("\n")
    assert lines[-1] == "" and len(lines) == 4
    assert [json.loads(line) for line in lines[:2]] == [
        {"label": "ring", "score": 231, "time": 4200},
        {"label": 'a "b" \\c', "score": 231, "time": 4200}]


def test_led_is_lit_for_a_while():
    pin, now = fakes.Pin(2), Ticks()
    led = Led(pin, "ring", 300, now=now)
    assert pin.level == 0
    led.emit(WING)
    assert pin.level == 0
    led.emit(RING)
    for at, level in ((0, 1), (299, 1), (300, 0), (301, 0)):
        now.now = at
        led.poll()
        assert pin.level == level, at
    led.emit(RING)
    led.close()
    assert pin.level == 0


def test_led_for_any_label_and_active_low():
    pin = fakes.Pin(2)
    led = Led(pin, active_low=True, now=Ticks())
    assert pin.level == 1
    led.emit(WING)
    assert pin.level == 0
    led.close()
    assert pin.level == 1


def test_a_second_event_keeps_the_led_lit():
    pin, now = fakes.Pin(2), Ticks()
    led = Led(pin, on_ms=300, now=now)
    led.emit(RING)
    now.now = 200
    led.emit(RING)
    now.now = 400
    led.poll()
    assert pin.level == 1


def test_servo_points_by_label():
    pwm = fakes.PWM(fakes.Pin(15))
    servo = Servo(pwm, {"ring": 0, "wing": 180, "slope": 90})
    assert (pwm.hertz, pwm.pulse_ns) == (50, None)
    for label, pulse_ns in (("ring", 1000000), ("wing", 2000000), ("slope", 1500000),
                            ("other", 1500000)):
        servo.emit(Event(label))
        assert pwm.pulse_ns == pulse_ns, label
    servo.close()
    assert not pwm.running


def test_servo_refuses_angles():
    for angle in (-1, 181, 1.5, "9"):
        raises(ConfigError, ("angle of ring", "0 to 180"), Servo, fakes.PWM(None), {"ring": angle})


def test_buzzer_sounds_by_label():
    pwm, now = fakes.PWM(fakes.Pin(14)), Ticks()
    buzzer = Buzzer(pwm, {"ring": 880, "wing": 440}, 150, now)
    assert pwm.duty == 0
    buzzer.emit(Event("rest"))
    assert pwm.duty == 0
    buzzer.emit(RING)
    assert (pwm.hertz, pwm.duty) == (880, 32768)
    for at, duty in ((149, 32768), (150, 0)):
        now.now = at
        buzzer.poll()
        assert pwm.duty == duty, at
    buzzer.emit(WING)
    assert (pwm.hertz, pwm.duty) == (440, 32768)
    buzzer.close()
    assert pwm.duty == 0 and not pwm.running


def test_buzzer_refuses_tones():
    for hertz in (19, 20001, "a"):
        raises(ConfigError, ("tone of ring", "20 to 20000"), Buzzer, fakes.PWM(None),
               {"ring": hertz})


def test_made_by_config():
    fakes.install()
    led = outputs.make({"kind": "led", "pin": 7, "label": "ring"})
    led.emit(RING)
    assert fakes.Pin.made[7].level == 1
    assert isinstance(outputs.make("serial"), Serial)
    assert isinstance(outputs.make({"kind": "servo", "pin": 1, "angles": {"ring": 9}}), Servo)
    assert isinstance(outputs.make({"kind": "buzzer", "pin": 1, "tones": {"ring": 900}}), Buzzer)


def test_config_mistakes():
    raises(ConfigError, ("led", "pin is missing"), outputs.make, "led")
    raises(ConfigError, ("unknown key 'pim'", "did you mean 'pin'"), outputs.make,
           {"kind": "led", "pim": 3})
    raises(ConfigError, ("outputs", "'lamp'"), outputs.make, "lamp")
    raises(ConfigError, "'callback'", outputs.make, "callback")
