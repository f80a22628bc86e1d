"""FIFO sensors on the emulated Pico: the chips by hand, the drivers, and a pipeline, nothing lost."""

from __future__ import annotations

import json
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from virtual_pico import OPEN_BUS, ROOT, Pico, disk_with_package, need_pico, started

from tinysense_host.link.transport import BoardError

# driver, its interrupt's pin on this board, a rate of the chip's, Hz
CHIPS = {"mpu6050": (6, 200), "lsm6dsox": (7, 208)}
# follow(ms) reads for so long; a frame's number is in its first two channels (motion "count").
FOLLOW = """
import json, time
from tinysense import drivers
def make(**options):
    return drivers.make(NAME, dict(bus=0, scl=5, sda=4, rate_mhz=RATE_MHZ, range_g=4, **options))
def number(buf, at):
    return buf[at] | buf[at + 1] << 8 | (buf[at + 2] | buf[at + 3] << 8) << 15
def follow(driver, ms, between=None):
    "[frames, [[missing, told as dropped], ...]] of so many milliseconds"
    buf = bytearray(6 * 64)
    frames, gaps, last, told = 0, [], None, driver.dropped
    began = time.ticks_ms()
    while time.ticks_diff(time.ticks_ms(), began) < ms:
        n = driver.read_into(buf)
        for i in range(n):
            now = number(buf, 6 * i)
            if last is not None and (now != last + 1 or i == 0 and driver.dropped != told):
                gaps.append([now - last - 1, driver.dropped - told])
            last = now
        if n:
            told = driver.dropped
        frames += n
        if between is not None:
            between()
        elif n == 0:
            time.sleep_ms(1)
    return [frames, gaps]
"""


@pytest.fixture(scope="module", autouse=True)
def needed() -> None:
    need_pico()


@pytest.fixture(scope="module")
def pico(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pico]:
    image = disk_with_package(tmp_path_factory.mktemp("pico") / "flash.img")
    with started(image, mpu6050={"motion": "count"}, lsm6dsox={"motion": "count"}) as board:
        yield board


@pytest.fixture(params=CHIPS)
def chip(request: pytest.FixtureRequest, pico: Pico) -> Iterator[str]:
    """A driver's name; the chip is whole again afterwards."""
    if not (ROOT / "device" / "tinysense" / "drivers" / f"{request.param}.py").is_file():
        pytest.skip(f"no driver {request.param} yet")
    pico.device.soft_reset()
    yield request.param
    pico.tell(bus={"stuck": False, "error_every": 0},
              **{request.param: {"absent": False, "who_am_i": None, "odr": 1}})


def code_for(chip: str, code: str) -> str:
    """FOLLOW and a program that uses it."""
    pin, hz = CHIPS[chip]
    return f"NAME, PIN, RATE_MHZ = {chip!r}, {pin}, {hz * 1000}\n{FOLLOW}\n{code}"


# ---- The chips, by hand ----


@pytest.mark.full
def test_mpu6050_fifo_and_its_overflow(pico: Pico) -> None:
    """Whole frames in order; after 1024 bytes the flag is up and the oldest bytes are gone."""
    code = OPEN_BUS + """
import json, struct, time
put(0x68, 0x6b, 0x80)
time.sleep_ms(5)
put(0x68, 0x6b, 0x01)
put(0x68, 0x1a, 1)
put(0x68, 0x19, 9)
put(0x68, 0x23, 0x08)
put(0x68, 0x6a, 0x04)
put(0x68, 0x6a, 0x40)
get(0x68, 0x3a)
time.sleep_ms(200)
count = struct.unpack('>H', get(0x68, 0x72, 2))[0]
frames = struct.unpack('>%dh' % (count // 2), get(0x68, 0x74, count))
status = get(0x68, 0x3a)[0]
put(0x68, 0x19, 0)
time.sleep_ms(400)
numbers = [frames[i] for i in range(0, len(frames), 3)]
print(json.dumps([count, numbers, status & 16, get(0x68, 0x72, 2).hex(), get(0x68, 0x3a)[0] & 16,
                  get(0x68, 0x3a)[0] & 16]))
put(0x68, 0x6b, 0x80)
"""
    count, numbers, early, full, overflow, cleared = pico.ask(code)
    assert count % 6 == 0 and 19 * 6 <= count <= 21 * 6
    assert numbers == list(range(numbers[0], numbers[0] + len(numbers)))
    assert (early, full, overflow, cleared) == (0, "0400", 16, 0)


@pytest.mark.full
def test_lsm6dsox_words_watermark_and_overflow(pico: Pico) -> None:
    """Tagged words with even parity and a slot counter; INT1 is high from the watermark on."""
    code = OPEN_BUS + """
import json, time
put(0x6a, 0x12, 0x01)
put(0x6a, 0x12, 0x44)
put(0x6a, 0x07, 20)
put(0x6a, 0x09, 0x55)
put(0x6a, 0x0d, 0x08)
pin = Pin(7, Pin.IN)
put(0x6a, 0x0a, 0x06)
put(0x6a, 0x10, 0x50)
put(0x6a, 0x11, 0x50)
before = pin.value()
began = time.ticks_us()
while not pin.value():
    pass
took = time.ticks_diff(time.ticks_us(), began)
level = get(0x6a, 0x3a, 2)
words = get(0x6a, 0x78, 7 * 20)
after = pin.value()
time.sleep_ms(1500)
late = get(0x6a, 0x3a, 2)
again = get(0x6a, 0x3b)[0]
print(json.dumps([before, took, list(level), words.hex(), after, list(late), again]))
put(0x6a, 0x12, 0x01)
"""
    before, took, level, text, after, late, again = pico.ask(code)
    words = [struct.unpack("<Bhhh", bytes.fromhex(text)[7 * i:7 * i + 7]) for i in range(20)]
    assert (before, after) == (0, 0)
    assert took == pytest.approx(10 * 1e6 / 208.3, rel=0.05)
    assert level[0] == 20 and level[1] & 0x80
    tags = [word[0] for word in words]
    assert all(bin(tag).count("1") % 2 == 0 for tag in tags)
    assert [tag >> 3 for tag in tags] == [1, 2] * 10
    slots = [tag >> 1 & 3 for tag in tags[::2]]
    assert slots == [(slots[0] + i) % 4 for i in range(10)] == [tag >> 1 & 3 for tag in tags[1::2]]
    numbers = [word[1] for word in words[1::2]]
    assert numbers == list(range(numbers[0], numbers[0] + 10))
    assert [word[1] for word in words[::2]] == [n + 1 for n in numbers]
    assert late[0] == 0 and late[1] & 0xEB == 0xEA      # 512 words; all flags, also the latched one
    assert again & 0x48 == 0x40


# ---- Drivers ----


def test_nothing_is_lost(pico: Pico, chip: str) -> None:
    """Two seconds by interrupt: every frame, in order; the true rate, 3 % off, is measured."""
    pico.tell(**{chip: {"odr": 0.97}})
    before = pico.tell()[chip]
    frames, gaps, errors, measured = pico.ask(code_for(chip, """
with make(int_pin=PIN) as driver:
    frames, gaps = follow(driver, 2000)
    print(json.dumps([frames, gaps, driver.errors, driver.measured_mhz]))
"""))
    hz = CHIPS[chip][1] * 0.97
    assert frames == pytest.approx(2 * hz, abs=0.06 * hz)
    assert gaps == [] and errors == 0
    assert measured == pytest.approx(1000 * hz, rel=0.004)
    taken = pico.tell()[chip]
    assert taken["overflows"] == before["overflows"]


@pytest.mark.full
def test_nothing_is_lost_without_the_interrupt(pico: Pico, chip: str) -> None:
    frames, gaps = pico.ask(code_for(chip, """
with make() as driver:
    print(json.dumps(follow(driver, 1500)))
"""))
    assert frames == pytest.approx(1.5 * CHIPS[chip][1], rel=0.06) and gaps == []


@pytest.mark.full
def test_nothing_is_lost_while_flash_is_written(pico: Pico, chip: str) -> None:
    """Erasing stops the core for 45 ms a sector, interrupts and all; the FIFO bridges it."""
    written, frames, gaps = pico.ask(code_for(chip, """
written = 0
with make(int_pin=PIN) as driver, open('/filler', 'wb') as f:
    block = bytes(2048)
    def between():
        global written
        if written < 65536:
            f.write(block)
            written += 2048
    frames, gaps = follow(driver, 4000, between)
print(json.dumps([written, frames, gaps]))
"""), timeout=120)
    assert written == 65536
    assert frames == pytest.approx(4 * CHIPS[chip][1], rel=0.06) and gaps == []


@pytest.mark.full
def test_an_overflow_is_seen_and_counted(pico: Pico, chip: str) -> None:
    gaps = pico.ask(code_for(chip, """
with make(int_pin=PIN) as driver:
    follow(driver, 2000)
    buf, last = bytearray(6 * 64), 0
    n = driver.read_into(buf)
    while n == 0:
        n = driver.read_into(buf)
    last, told = number(buf, 6 * n - 6), driver.dropped
    time.sleep_ms(3500)
    lost = []
    while not lost:
        n = driver.read_into(buf)
        if n:
            missing = number(buf, 0) - last - 1
            if missing:
                lost = [missing, driver.dropped - told]
            last = number(buf, 6 * n - 6)
    print(json.dumps([lost] + follow(driver, 500)[1]))
"""), timeout=120)
    assert gaps[0][0] > 100
    missing, dropped = (sum(gap[i] for gap in gaps) for i in (0, 1))
    assert abs(missing - dropped) <= 1 + missing // 80     # as good as the rate is known by now


@pytest.mark.full
def test_refused_transfers_are_counted_and_cost_no_frame_that_is_not_told(pico: Pico, chip: str) -> None:
    """One transfer in 25 is not acknowledged: the chip itself loses nothing by that."""
    before = pico.tell(bus={"error_every": 25})["bus"]["refused"]
    frames, gaps, errors = pico.ask(code_for(chip, """
with make(int_pin=PIN) as driver:
    frames, gaps = follow(driver, 3000)
    print(json.dumps([frames, gaps, driver.errors]))
"""), timeout=120)
    refused = pico.tell(bus={"error_every": 0})["bus"]["refused"] - before
    assert refused > 5 and 0 < errors <= refused
    assert all(missing == dropped for missing, dropped in gaps)
    assert frames > 2.5 * CHIPS[chip][1]


@pytest.mark.full
def test_a_stuck_bus_is_clocked_free(pico: Pico, chip: str) -> None:
    """SDA held low for five clocks in mid-run: some errors, then it goes on."""
    code = code_for(chip, """
with make(int_pin=PIN) as driver:
    follow(driver, 1500)
    print('READY')
    sda = machine.Pin(4)
    errors = driver.errors
    end = time.ticks_add(time.ticks_ms(), 8000)
    buf = bytearray(6 * 64)
    while driver.errors == errors and time.ticks_diff(end, time.ticks_ms()) > 0:
        driver.read_into(buf)
    failed = driver.errors - errors
    frames, gaps = follow(driver, 1500)
    print(json.dumps([failed, frames, gaps, driver.errors - errors]))
""").replace("import json, time", "import json, machine, time")
    output = bytearray()

    def sink(data: bytes) -> bytes:
        if b"READY" not in output and b"READY" in output + data:
            pico.tell(bus={"stuck": 5})
        output.extend(data)
        return data

    pico.device.stream(code, sink, silence=60)
    failed, frames, gaps, errors = json.loads(output.split(b"\x04")[0].splitlines()[-1])
    assert failed >= 1 and errors < 10
    assert frames > CHIPS[chip][1]
    assert all(abs(missing - dropped) <= 1 for missing, dropped in gaps)
    assert not pico.tell()["bus"]["stuck"]


@pytest.mark.full
def test_a_chip_that_goes_away(pico: Pico, chip: str) -> None:
    pico.tell(**{chip: {"absent": True}})
    with pytest.raises(BoardError, match="DriverError.*no chip answers") as caught:
        pico.run(code_for(chip, "make()"))
    assert "0x68" in caught.value.text or "0x6a" in caught.value.text
    pico.tell(**{chip: {"absent": False}})
    output = bytearray()

    def sink(data: bytes) -> bytes:
        if b"READY" not in output and b"READY" in output + data:
            pico.tell(**{chip: {"absent": True}})
        output.extend(data)
        return data

    with pytest.raises(BoardError, match="DriverError.*stopped answering"):
        pico.device.stream(code_for(chip, """
driver = make(int_pin=PIN)
follow(driver, 200)
print('READY')
follow(driver, 30000)
"""), sink, silence=60)


@pytest.mark.full
def test_another_chip_at_the_address(pico: Pico, chip: str) -> None:
    pico.tell(**{chip: {"who_am_i": 0xA5}})
    with pytest.raises(BoardError, match="DriverError.*expected.*0xa5"):
        pico.run(code_for(chip, "make()"))


# ---- A pipeline ----


PIPELINE = """
import json, tinysense
from tinysense import drivers
class Tap:
    "The driver, and a copy of what it gave."
    def __init__(self, driver):
        self.driver, self.taken = driver, bytearray()
    def __getattr__(self, name):
        return getattr(self.driver, name)
    def read_into(self, buf):
        n = self.driver.read_into(buf)
        self.taken.extend(buf[:6 * n])
        return n
model = tinysense.load('/gesture.tsm')
tap = Tap(drivers.make('mpu6050', dict(bus=0, scl=5, sda=4, int_pin=6), model.sensor))
events = []
pipeline = tinysense.Pipeline(tap, model, [lambda e: events.append([e.label, e.time, e.score])])
print('READY')
pipeline.run(SECONDS)
tap.close()
print(json.dumps([events, pipeline.windows, tap.dropped, tap.taken.hex()]))
"""


class Frames:
    """Frames as a driver of this computer."""

    rate_mhz, channels, axes, units, full_scale = 25000, 3, ("x", "y", "z"), "g", 4
    scale = full_scale / 32768
    dropped = errors = 0
    done = False

    def __init__(self, frames: bytes) -> None:
        self.left = frames

    def read_into(self, buf: bytearray) -> int:
        n = min(len(buf), len(self.left)) // 6
        buf[:6 * n], self.left = self.left[:6 * n], self.left[6 * n:]
        self.done = not self.left
        return n

    def close(self) -> None:
        pass


def gestures() -> list[list[int]]:
    """A ring, a slope and a wing of one simulated person, in counts of 4 g at 25 Hz."""
    from tinysense_host.simulate import simulate

    rows: dict[str, list[list[int]]] = {}
    for recording, label in simulate(people=1, per_label=1, seed=2):
        rows.setdefault(label.label, recording.frames.tolist())
    return rows["ring"] + rows["slope"] + rows["wing"]


@pytest.mark.full
def test_a_pipeline_says_what_it_says_here(tmp_path: Path) -> None:
    """The frames of a file through chip, FIFO, driver and pipeline, and through the pipeline here."""
    import tinysense

    rows = gestures()
    frames = tmp_path / "frames.csv"
    frames.write_text("x,y,z\n" + "\n".join(",".join(map(str, row)) for row in rows) + "\n")
    model = ROOT / "models" / "gesture" / "gesture.tsm"
    image = disk_with_package(tmp_path / "flash.img", {"/gesture.tsm": model.read_bytes()})
    output = bytearray()
    with started(image, mpu6050={"motion": "still"}) as board:
        def sink(data: bytes) -> bytes:
            if b"READY" not in output and b"READY" in output + data:
                board.tell(mpu6050={"frames_once": str(frames)}, machine={"paced": False})
            output.extend(data)
            return data

        seconds = len(rows) // 25 + 4
        board.device.stream(PIPELINE.replace("SECONDS", str(seconds)), sink, silence=120)
    events, windows, dropped, taken = json.loads(output.split(b"\x04")[0].splitlines()[-1])
    data = bytes.fromhex(taken)
    played = np.array(rows, "<i2").tobytes()
    assert played in data and dropped == 0
    here: list[list[Any]] = []
    pipeline = tinysense.Pipeline(Frames(data), tinysense.load(str(model)),
                                  [lambda e: here.append([e.label, e.time, e.score])])
    pipeline.run()
    assert events and windows > 15
    assert events == here and windows == pipeline.windows
