"""Sensors beyond motion and sound: a pipeline takes their frames as it takes any, and reading
them takes no heap."""

import gc
import struct

import tiny
from chips.apds9960 import APDS9960 as APDS9960Chip
from chips.bench import Sleeping
from chips.bme280 import BME280 as BME280Chip
from chips.bus import Bus
from chips.encoder import Shaft
from chips.hx711 import HX711 as HX711Chip
from chips.max30102 import MAX30102 as MAX30102Chip
from expect import MICROPYTHON, Ticks, numbers, path, raises, skip
from tinysense.channels import each
from tinysense.drivers.apds9960 import APDS9960
from tinysense.drivers.bme280 import BME280
from tinysense.drivers.camera import Camera
from tinysense.drivers.encoder import Edges, Encoder
from tinysense.drivers.hx711 import HX711
from tinysense.drivers.max30102 import MAX30102
from tinysense.errors import ModelError
from tinysense.model import load
from tinysense.pipeline import Pipeline
from tinysense.recording import Reader, Writer
from tinysense.sensing.pictures import GRAY, RGB565

READS = 3000
WEATHER = [(400000 + 4000 * k, 415148 - 2000 * k, 20000 + 500 * k) for k in range(40)]


class Screen:
    """A source of pictures that allocates nothing."""

    start, ended = 0, False

    def __init__(self, layout, width=4, height=4):
        self.layout, self.width, self.height = layout, width, height
        self.stride = width * (1 if layout == GRAY else 2)
        self.data = bytearray((37 * i) % 256 for i in range(self.stride * height))

    def grab(self):
        return self.data

    def release(self):
        for i in range(len(self.data)):
            self.data[i] = self.data[i] + 13 * i + 5 & 0xFF

    def close(self):
        self.ended = True


def bme280(now):
    return BME280(Bus(BME280Chip(WEATHER, now)), 25000, reference_pa=100000, now=now)


def apds9960(now):
    chip = APDS9960Chip([(k, 3 * k, 2 * k, k, k) for k in range(50)], now)
    with Sleeping(now):
        return APDS9960(Bus(chip), 25000, now=now)


def max30102(now):
    chip = MAX30102Chip([(k * 900, 262143 - k * 900) for k in range(250)], now)
    with Sleeping(now):
        return MAX30102(Bus(chip), 100000, now=now)


def hx711(now):
    chip = HX711Chip([k * 7919 - 400000 for k in range(100)], now, 12500)
    with Sleeping(now):
        return HX711(chip.sck, chip.dout, 80000, now=now)


def encoder(now, shaft=None):
    shaft = shaft or Shaft()
    return Encoder(Edges(shaft.a, shaft.b), 400, 25000, now=now)


def gray_camera(now):
    return Camera(Screen(GRAY), 2, 2, False, 25000, now=now)


def color_camera(now):
    return Camera(Screen(RGB565, 8, 4), 2, 2, True, 6250, True, now=now)


ALL = (bme280, apds9960, max30102, hx711, encoder, gray_camera, color_camera)


def heap_of(make, step_us):
    """Bytes that many reads take, with the clock moved between them."""
    if not MICROPYTHON:
        skip("the heap is watched on MicroPython")
    now = Ticks()
    driver = make(now)
    buf = bytearray(2 * driver.channels * 8)
    frames = read_all(driver, buf, now, step_us, 300)
    gc.collect()
    gc.disable()
    try:
        start = gc.mem_alloc()
        frames = read_all(driver, buf, now, step_us, READS)
        used = gc.mem_alloc() - start
    finally:
        gc.enable()
    assert frames > READS // 20, frames
    return used


def read_all(driver, buf, now, step_us, reads):
    frames = 0
    for _ in range(reads):
        now.now = now.now + step_us & 0x1FFFFFFF
        frames += driver.read_into(buf)
    return frames


def test_reading_takes_no_heap():
    for make in ALL:
        assert heap_of(make, 4000) == 0, make


def test_interrupts_of_an_encoder_take_no_heap():
    shaft = Shaft()

    def make(now):
        return encoder(now, shaft)

    def turned():
        driver = make(now)
        buf = bytearray(8)
        for i in range(2 * READS):
            now.now = now.now + 4000 & 0x1FFFFFFF
            shaft.turn(7 if i % 100 < 60 else -9)
            driver.read_into(buf)
            if i == 20:
                gc.collect()
                gc.disable()
                start[0] = gc.mem_alloc()
        start[1] = gc.mem_alloc()
        gc.enable()

    if not MICROPYTHON:
        skip("the heap is watched on MicroPython")
    now, start = Ticks(), [0, 0]
    turned()
    assert start[0] == start[1]


def test_feeding_a_model_takes_no_heap():
    if not MICROPYTHON:
        skip("the heap is watched on MicroPython")
    for m, width, height in ((load(tiny.pushed()), 3, 4), (load(tiny.build(features=False)), 4, 3)):
        d = Camera(Screen(RGB565, 8, 8), width, height, False, 0)
        d.feed(m)
        gc.collect()
        gc.disable()
        try:
            start = gc.mem_alloc()
            for _ in range(100):
                d.feed(m)
            assert gc.mem_alloc() == start
        finally:
            gc.enable()


def small_integers():
    """A kind of int that fails where a board would take heap; for computers only."""

    class Small(int):
        pass

    def checked(name):
        plain = getattr(int, name)

        def operation(*operands):
            value = plain(*operands)
            if not -(1 << 30) <= value < 1 << 30:
                raise OverflowError("%s of %r" % (name, list(operands)))
            return Small(value)

        setattr(Small, name, operation)

    for name in ("add", "sub", "mul", "floordiv", "mod", "lshift", "rshift", "and", "or"):
        checked("__%s__" % name)
        checked("__r%s__" % name)
    checked("__neg__")
    return Small


def test_arithmetic_stays_within_a_boards_small_integers():
    if MICROPYTHON:
        skip("int has no subclasses here")
    small = small_integers()
    raises(OverflowError, "mul", lambda: small(1 << 20) * 1024)
    d = bme280(Ticks())
    for t in range(330000, 702000, 3000):  # -38 to 87 degC
        fine = d._fine(small(t))
        for p in range(150000, 760000, 30000):
            d._pressure(fine, small(p))
        for h in (0, 15000, 20000, 30000, 45000, 65535):
            d._humidity(fine, small(h))
    d = Encoder(Edges(Shaft().a, Shaft().b), 80, 25000, 3600)
    for steps in (1, -1, 7, -300, 40000, -3000000):
        for passed in (900, 20000, 32767, 32768, 999999, 500000000):
            d._speed(small(steps), small(passed))


def sensor_of(driver):
    """A model's sensor for this driver's frames."""
    return {"kind": "other", "units": list(each(driver.units, driver.channels)),
            "channels": list(driver.axes), "rate_mhz": driver.rate_mhz,
            "full_scale": list(each(driver.full_scale, driver.channels))}


def windows_of(make, hop, step_us, steps):
    """(windows the model scored, their scores as computed here from the driver's own frames)."""
    now = Ticks()
    driver, twin_now = make(now), Ticks()
    twin = make(twin_now)
    m = load(tiny.build(tiny.meta(sensor=sensor_of(driver)), hop=hop))
    seen, events = [], []
    p = Pipeline(driver, m, [events.append])
    for _ in range(steps):
        now.now += step_us
        before = p.windows
        p.step()
        if p.windows > before:
            seen.append(bytes(m.scores))
    frames, buf = b"", bytearray(2 * 3 * 8)
    while len(frames) < 6 * (hop * len(seen) + tiny.WINDOW):
        twin_now.now += step_us
        n = -1
        while n != 0:
            n = twin.read_into(buf)
            frames += bytes(buf[: 6 * n])
    want = [tiny.scores(frames[6 * hop * i : 6 * (hop * i + tiny.WINDOW)])
            for i in range(len(seen))]
    assert p.dropped == twin.dropped == 0
    return seen, want


def test_a_pipeline_on_the_weather():
    seen, want = windows_of(bme280, tiny.HOP, 10000, 400)
    assert len(seen) > 20 and seen == want and len(set(seen)) > 5


def test_a_pipeline_on_pictures():
    seen, want = windows_of(color_camera, tiny.WINDOW, 160000, 50)  # a window is a picture
    assert len(seen) > 20 and seen == want and len(set(seen)) > 5


def test_a_model_of_motion_refuses_them():
    for make in (bme280, color_camera):
        raises(ModelError, ("frames in g", "another driver"), Pipeline, make(Ticks()),
               load(tiny.build()))


def test_all_can_be_recorded():
    for make in ALL:
        now = Ticks()
        driver = make(now)
        full, got, buf = path("sensors.tsr"), [], bytearray(2 * driver.channels * 8)
        with Writer(full, driver.rate_mhz, driver.channels, driver.units, driver.full_scale) as w:
            for _ in range(300):
                now.now += 5000
                n = driver.read_into(buf)
                w.write(buf, n)
                got += numbers(buf)[: n * driver.channels]
        with Reader(full) as reader:
            block = next(reader)
            count = block.count * driver.channels
            assert list(struct.unpack("<%dh" % count, block.frames)) == got[:count], make
            assert each(block.units, driver.channels) == each(driver.units, driver.channels)
