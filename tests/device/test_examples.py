"""Every file in device/examples runs, on a chip and pins that are not there, until Ctrl-C."""

import gc
import os
import sys

import fakes
import tiny
import tiny_sound
from chips.bus import Bus
from chips.i2s import Bench as I2SBench
from chips.mpu6050 import MPU6050 as Chip
from chips.ssd1306 import SSD1306
from expect import numbers, path, read, skip, write
from fakes import broker, lights, radio, screen, sound, wires
from tinysense import config, pipeline, remote, ticks
from tinysense.recording import Reader
from tinysense.sensing import clock, fifo, timebase

HERE = __file__.replace("\\", "/").rsplit("/", 1)[0] if "/" in __file__ else "."
if HERE[0] != "/":
    HERE = os.getcwd() + "/" + HERE
EXAMPLES = HERE + "/../../device/examples"
MOTION = [(0, 0, 0)] * 8 + [(2500, 0, 0)] * 8 + [(0, 0, 0)] * 8 + [(0, 2500, 0)] * 8
TRANSFERS = 1000
CLIP = (b"RIFF\x34\0\0\0WAVEfmt \x10\0\0\0\1\0\1\0\x80\x3e\0\0\0\x7d\0\0\2\0\x10\0"
        b"data\x10\0\0\0" + bytes(range(16)))  # eight frames of 16 kHz mono


class Time:
    """Some microseconds pass at every look at the clock."""

    def __init__(self, step_us):
        self.us, self._step_us = 0, step_us

    def __call__(self):
        self.us += self._step_us
        return self.us

    def ms(self):
        return self() // 1000


class Stage:
    """Fake hardware and time, and a folder with the files that examples open."""

    def __init__(self, step_us=1000, motion=MOTION):
        self._step_us, self._motion = step_us, motion

    def __enter__(self):
        sound.I2S.made = None  # what an example before left
        gc.collect()
        time = Time(self._step_us)
        self.display = SSD1306()
        self.bus = Bus(Chip(self._motion, time), self.display)
        self.bus.interrupt_after = TRANSFERS
        self.machine = fakes.install(self.bus, I2S=Instant, UART=wires.UART)
        self.modules = modules()
        self.modules.__enter__()
        self.kept = (clock.ticks_us, pipeline.sleep_ms, ticks.sleep_ms, config.PATH, os.getcwd())
        self.kept_ms = timebase.ticks_ms
        clock.ticks_us = fifo.ticks_us = timebase.ticks_us = time
        timebase.ticks_ms = time.ms
        timebase._shared.clear()
        pipeline.sleep_ms = ticks.sleep_ms = lambda ms: None
        folder = path("gesture.tsm").rsplit("/", 1)[0] or "/"
        write(path("gesture.tsm"), tiny.build())
        write(path("bare.tsm"), tiny.build(tiny.meta(sensor=None, decision=None), features=False))
        config.PATH = path("tinysense.json")
        os.chdir(folder)
        return self

    def __exit__(self, *exc):
        del sys.modules["machine"]
        self.modules.__exit__()
        clock.ticks_us, pipeline.sleep_ms, ticks.sleep_ms, config.PATH = self.kept[:4]
        fifo.ticks_us = timebase.ticks_us = self.kept[0]
        timebase.ticks_ms = self.kept_ms
        timebase._shared.clear()
        os.chdir(self.kept[4])

    def run(self, name, old="", new=""):
        """The example's names after it has ended, by itself or by Ctrl-C; one text changed."""
        names = {"__name__": "__main__"}
        source = read(EXAMPLES + "/" + name).decode()
        if old:
            source = source.replace(old, new)
        try:
            exec(compile(source, name, "exec"), names)
            self.interrupted = False
        except KeyboardInterrupt:
            self.interrupted = True
        return names


class Instant(sound.I2S):
    """Has room for everything at once, and keeps only how much it was."""

    def __init__(self, number, **options):
        super().__init__(number, **options)
        self.keeps = False
        self.sizes = set()

    def write(self, data, size=None):
        self.sizes.add(size)
        super().write(data, size)
        self.taken()


class Module:
    """A module with one name in it."""


def modules():
    """What the examples import beside machine."""
    screen.install()
    leds, package = Module(), broker.Package()
    leds.NeoPixel = lights.NeoPixel
    broker.MQTTClient.broker = broker.Broker()
    wanted = {"neopixel": leds, "bluetooth": radio.Bluetooth(), "umqtt": package,
              "umqtt.simple": package}
    return fakes.Modules(**wanted)


def watched(name, step_us=1000):
    """Runs an example with a pipeline until Ctrl-C; returns it with the stage."""
    with Stage(step_us) as stage:
        names = stage.run(name)
    p = names["pipeline"]
    assert stage.interrupted and p.driver.done, name
    assert p.windows > 80 and p.events > 10 and p.dropped == 0, (name, p)
    return p, stage, names


def test_gesture_serial():
    watched("gesture_serial.py")


def test_gesture_led():
    watched("gesture_led.py")
    assert fakes.Pin.made[25].level == 0  # closed


def test_gesture_servo():
    p, _, _ = watched("gesture_servo.py")
    assert not p.outputs[0]._pwm.running and p.outputs[0]._pwm.pulse_ns in (1000000, 2000000)


def test_gesture_buzzer():
    p, _, _ = watched("gesture_buzzer.py")
    assert not p.outputs[0]._pwm.running and p.outputs[0]._pwm.hertz in (440, 880)


def test_gesture_sound():
    write(path("wing.wav"), CLIP)
    p, _, _ = watched("gesture_sound.py")
    i2s = sound.I2S.made
    assert len(CLIP[44:]) in i2s.sizes and i2s.bytes > 10 * 4096 and not i2s.running


def test_gesture_neopixel():
    p, _, names = watched("gesture_neopixel.py")
    chain = names["lights"]._chain
    assert chain.writes > 10 and chain.shown(7) == (0, 0, 0)


def test_gesture_display():
    p, stage, _ = watched("gesture_display.py")
    assert stage.display.data_bytes >= 128 * (8 + 10) and not stage.display.on
    assert p.outputs[0].errors == 0


def test_gesture_ble():
    p, _, names = watched("gesture_ble.py")
    radio_ = p.outputs[0]._radio
    assert radio_.name == "bracelet" and radio_.value[6:] in (b"ring", b"wing")


def test_gesture_mqtt():
    p, _, names = watched("gesture_mqtt.py")
    messages = names["client"].broker.messages
    assert len(messages) == p.events and messages[0][0] == b"home/bracelet"


def test_gesture_can():
    p, _, names = watched("gesture_can.py")
    frames = names["can"]._port._wire._uart.text.split(b"\r")
    assert len([f for f in frames if f[:5] == b"t5107"]) == p.events
    lines = names["log"]._wire._uart.text.split(b"\n")
    assert len(lines) == p.events + 1 and lines[0][:5] in (b"ring,", b"wing,")


def test_field_recorder():
    with Stage(2000, [frame + (0, 0, 0) for frame in MOTION]) as stage:
        try:
            os.remove("rec/000001.tsr")
        except OSError:
            pass
        stage.run("field_recorder.py", "/rec", "rec")
    with Reader(path("rec") + "/000001.tsr") as reader:
        blocks = [(b.label, b.count, b.lost) for b in reader]
    assert stage.interrupted and blocks[0][1] > 200
    assert {b[0] for b in blocks} == {"walk"} and blocks[-1][2] == 0


def test_near_misses():
    p, stage, names = watched("near_misses.py")
    assert names["keeper"].missed == 0


def test_gesture_asyncio():
    watched("gesture_asyncio.py", 20000)  # asyncio itself waits by the true clock
    assert fakes.Pin.made[25].level in (0, 1)


def test_gesture_callback():
    p, _, names = watched("gesture_callback.py")
    assert sum(names["counts"].values()) == p.events


def test_gesture_config():
    with Stage() as stage:
        config.save({"model": "gesture.tsm", "outputs": [{"kind": "led", "pin": 3}]}, config.PATH)
        names = stage.run("gesture_config.py")
    assert stage.interrupted and names["pipeline"].events > 10


def test_remote_board():
    if not sockets():
        skip("no sockets here")
    with Stage() as stage:
        kept, remote.SECRET = remote.SECRET, path("secret")
        write(remote.SECRET, b"sixteen bytes or more")
        port = 20000 + int.from_bytes(os.urandom(2), "little") % 40000
        config.save({"model": "gesture.tsm", "remote": {"port": port}}, config.PATH)
        with fakes.Modules(network=Network):
            names = stage.run("remote_board.py")
        remote.SECRET = kept
    assert stage.interrupted and names["pipeline"].events > 10
    assert Network.joined and names["server"].logins == 0


class Network:
    """The module network: a WLAN that is there at once."""

    STA_IF = 0
    joined = False

    class WLAN:
        def __init__(self, side):
            assert side == 0

        def active(self, on):
            assert on

        def connect(self, name, password):
            Network.joined = True


def sockets():
    try:
        import socket
    except ImportError:
        return False
    return bool(socket)


def test_record_and_replay():
    with Stage() as stage:
        stage.bus.interrupt_after = -1
        assert not stage.run("record.py")["lost"]
        with Reader("ring.tsr") as reader:
            blocks = [(b.count, b.label, b.rate_mhz, b.units) for b in reader]
        assert blocks == [(200, "ring", 100000, "g")]
        write("gesture.tsm", tiny.build(at_rate(100000)))
        p = stage.run("replay.py")["pipeline"]
        assert not stage.interrupted
        assert p.windows == 99 and p.events > 10


def test_record_sound():
    with Stage(200) as stage:
        with I2SBench(timebase.ticks_us, lambda frame: (frame % 64 - 32) * 2560):
            names = stage.run("record_sound.py")
        assert os.stat("sound.wav")[6] == 44 + 32000 and not stage.interrupted
        with open("sound.wav", "rb") as f:
            assert f.read(4) == b"RIFF"
            f.seek(10044)
            loudest = max(numbers(f.read(200)))
    assert (names["frames"], names["microphone"].dropped) == (16000, 0)
    assert 1100 < loudest < 1320  # 310 and 12 dB, less what the high pass takes


def played(name, labels, level, seconds):
    """Runs an example that hears ``level(frame)`` so long, then Ctrl-C; its names."""

    def signal(frame):
        if frame >= seconds * 16000:
            raise KeyboardInterrupt
        return level(frame) * 256

    with Stage(200) as stage:
        write(path(name.split("_")[0] + ".tsm"), tiny_sound.build(4, 2, labels=labels))
        Pins = sys.modules["machine"].Pin
        with I2SBench(timebase.ticks_us, signal) as bench:
            bench.machine.Pin = Pins
            names = stage.run(name)
    assert stage.interrupted and names["pipeline"].dropped == 0, names["pipeline"]
    return names


def loud(frame):
    """Half a second of quiet, half a second of a square wave."""
    return (20000 if frame % 32 < 16 else -20000) if frame % 16000 >= 8000 else frame % 3


def test_keyword_neopixel():
    names = played("keyword_neopixel.py", ["rest", "yes", "no"], loud, 2)
    p = names["pipeline"]
    assert p.events > 5 and names["lights"]._chain.writes >= 2 and p.driver.done


def test_wakeword_record():
    names = played("wakeword_record.py", ["rest", "hey pico", "other"], loud, 5)
    assert names["recordings"] == 2
    whole = read(path("wakeword.tsm").rsplit("/", 1)[0] + "/1.wav")
    assert len(whole) == 44 + 6 * 16000 and whole[:4] == b"RIFF"
    assert max(numbers(whole[-3000:])) > 10000


def at_rate(rate_mhz):
    sensor = dict(tiny.META["sensor"])
    sensor["rate_mhz"] = rate_mhz
    return tiny.meta(sensor=sensor)


def test_bare_tensors():
    with Stage() as stage:
        names = stage.run("bare_tensors.py")
    assert bytes(names["scores"]) == bytes((120, 128, 0))


def test_all_examples_are_run_and_short():
    found = sorted(name for name in os.listdir(EXAMPLES) if name.endswith(".py"))
    text = read(HERE + "/test_examples.py").decode()
    for name in found:
        assert '("%s"' % name in text, name
        assert read(EXAMPLES + "/" + name).count(b"\n") <= 30, name
    assert len(found) >= 10
