"""The Raspberry Pi Pico's real firmware on the emulated chip: USB, flash, buses, timers, modules."""

from __future__ import annotations

import contextlib
import json
import os
import random
import signal
import struct
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from virtual_pico import (
    BOARD,
    LSM6DSOX,
    MPU6050,
    MPY,
    OPEN_BUS,
    ROOT,
    Pico,
    disk_with_package,
    need_pico,
    started,
)

from tinysense_host.device import connect
from tinysense_host.emulator import Emulator, read_files, write_files
from tinysense_host.emulator.rp2040js import DISK_BYTES
from tinysense_host.errors import TinysenseError
from tinysense_host.link.transport import BoardError, LinkError


@pytest.fixture(scope="module", autouse=True)
def needed() -> None:
    need_pico()


@pytest.fixture(scope="module")
def pico(needed: None) -> Iterator[Pico]:
    """One for all tests that leave nothing behind but files."""
    with started() as board:
        yield board


# ---- What `make test` runs, too ----


def test_it_is_a_pico(pico: Pico) -> None:
    info = pico.device.info()
    assert (info.machine, info.version) == ("Raspberry Pi Pico with RP2040", "1.25.0")
    assert (info.architecture, info.mpy) == ("armv6m", MPY)
    assert 150_000 < info.ram_largest <= info.ram_free < 270_336
    assert pico.ask("import machine\nprint(machine.freq())") == 125_000_000


def test_our_core_is_in_the_firmware(pico: Pico) -> None:
    assert pico.run("import _tinysense\nprint(_tinysense.kernels())") == "armv6m\n"
    assert pico.device.info().core == "built in"


def test_both_chips_answer(pico: Pico) -> None:
    code = OPEN_BUS + """
import json
print(json.dumps([get(0x68, 0x75)[0], get(0x6a, 0x0f)[0], i2c.scan()]))
"""
    assert pico.ask(code) == [0x68, 0x6C, [MPU6050, LSM6DSOX]]


def test_a_chip_interrupts_by_its_pin(pico: Pico) -> None:
    """INT of the MPU6050 pulses once a sample: 200 Hz for half a second."""
    code = OPEN_BUS + """
import time
count = 0
def on(pin):
    global count
    count += 1
put(0x68, 0x6b, 0x01)
put(0x68, 0x1a, 1)
put(0x68, 0x19, 4)
put(0x68, 0x38, 1)
pin = Pin(6, Pin.IN)
pin.irq(on, Pin.IRQ_RISING, hard=True)
time.sleep_us(500000)
pin.irq(None)
put(0x68, 0x6b, 0x80)
print(count)
"""
    assert pico.ask(code) in (99, 100, 101)


# ---- Buses ----


@pytest.mark.full
def test_a_burst_is_of_one_sample(pico: Pico) -> None:
    """14 registers while the chip samples at 1 kHz: a number and what follows from it."""
    pico.tell(mpu6050={"motion": "count"})
    code = OPEN_BUS + """
import json, struct, time
put(0x68, 0x6b, 0x01)
put(0x68, 0x1a, 1)
rows = []
for _ in range(40):
    time.sleep_us(777)
    rows.append(struct.unpack('>7h', get(0x68, 0x3b, 14)))
print(json.dumps(rows))
"""
    rows = pico.ask(code)
    pico.tell(mpu6050={"motion": "sway"})
    for low, high, minus, temperature, after, _, minus_after in rows[2:]:
        assert (high, minus, temperature) == (0, -low, -3920)
        assert (after, minus_after) == (low + 1, -low - 1)
    lows = [row[0] for row in rows[2:]]
    assert lows == sorted(lows) and lows[-1] - lows[0] >= 38 * 0.7


@pytest.mark.full
@pytest.mark.parametrize("address", [0x08, 0x50, 0x69])
def test_nobody_there_is_eio(pico: Pico, address: int) -> None:
    """ENODEV where MicroPython moves the pins itself: writes of nothing."""
    for call, errno in ((f"get({address}, 0)", 5), (f"put({address}, 0, 0)", 5),
                        (f"i2c.writeto({address}, b'')", 19)):
        with pytest.raises(BoardError) as caught:
            pico.run(f"{OPEN_BUS}\n{call}")
        assert caught.value.errno == errno


@pytest.mark.full
def test_soft_i2c_on_the_same_pins(pico: Pico) -> None:
    code = """
import json
from machine import SoftI2C, I2C, Pin
soft = SoftI2C(sda=Pin(4), scl=Pin(5), freq=100000)
one = soft.readfrom_mem(0x68, 0x75, 1)[0]
soft.writeto_mem(0x68, 0x19, b'\\x2a\\x03\\x08\\x10')
four = list(soft.readfrom_mem(0x68, 0x19, 4))
found = soft.scan()
hard = I2C(0, sda=Pin(4), scl=Pin(5), freq=400000)
print(json.dumps([one, four, found, list(hard.readfrom_mem(0x68, 0x19, 4))]))
"""
    four = [0x2A, 0x03, 0x08, 0x10]
    assert pico.ask(code) == [0x68, four, [MPU6050, LSM6DSOX], four]


@pytest.mark.full
def test_the_bus_takes_its_time(pico: Pico) -> None:
    """100 bytes of 9 bits: 9 ms at 100 kHz, 2.25 ms at 400 kHz, and a little for the rest."""
    code = """
import json, time
from machine import I2C, Pin
buf = bytearray(100)
took = []
for freq in (100000, 400000):
    i2c = I2C(0, sda=Pin(4), scl=Pin(5), freq=freq)
    began = time.ticks_us()
    i2c.readfrom_mem_into(0x68, 0x74, buf)
    took.append(time.ticks_diff(time.ticks_us(), began))
print(json.dumps(took))
"""
    slow, fast = pico.ask(code)
    assert 9_000 < slow < 10_500 and 2_250 < fast < 3_200


# ---- Time and arithmetic ----


@pytest.mark.full
def test_timers_and_asyncio(pico: Pico) -> None:
    code = """
import asyncio, json, time
from machine import Timer
beats = []
timer = Timer(period=10, mode=Timer.PERIODIC, callback=lambda t: beats.append(time.ticks_us()))
async def wait():
    await asyncio.sleep_ms(505)
asyncio.run(wait())
timer.deinit()
gaps = [time.ticks_diff(b, a) for a, b in zip(beats, beats[1:])]
print(json.dumps([len(beats), min(gaps), max(gaps)]))
"""
    beats, shortest, longest = pico.ask(code)
    assert beats == 50
    assert 9_000 < shortest <= 10_000 <= longest < 11_000


@pytest.mark.full
def test_the_same_program_takes_the_same_time(pico: Pico) -> None:
    """Emulated time is the chip's clock alone. Interrupts of USB may fall into one of three runs."""
    code = """
import time
def spin():
    began = time.ticks_us()
    for i in range(20000):
        pass
    return time.ticks_diff(time.ticks_us(), began)
print([spin() for _ in range(3)])
"""
    with started() as another:
        runs = [sorted(map(int, board.run(code).strip("[]\n").split(","))) for board in (pico, another)]
    assert runs[0][0] == pytest.approx(runs[1][0], abs=100)
    assert runs[0][0] == pytest.approx(runs[0][1], abs=100)


@pytest.mark.full
def test_floats_are_those_of_ieee_754(pico: Pico) -> None:
    """The boot ROM's arithmetic, which the firmware calls, bit for bit."""
    rng = random.Random(1)
    numbers = [0.0, 1.0, -1.0, 3.0, 1e-20, -7.5e10, float("inf"), 16777217.0]
    numbers += [struct.unpack("f", struct.pack("f", rng.uniform(-1, 1) * 10 ** rng.uniform(-15, 15)))[0]
                for _ in range(24)]
    code = f"""
import struct
v = struct.unpack('<{len(numbers)}f', {struct.pack(f"<{len(numbers)}f", *numbers)!r})
out = []
for a in v:
    for b in v[:12]:
        out += [a + b, a - b, a * b]
        if b:
            out.append(a / b)
out += [float(int(a)) for a in v if a - a == 0]
print(struct.pack('<%df' % len(out), *out).hex())
"""
    got = np.frombuffer(bytes.fromhex(pico.run(code).strip()), "<f4")
    want: list[float] = []
    with np.errstate(all="ignore"):
        values = np.array(numbers, np.float32)
        for a in values:
            for b in values[:12]:
                want += [a + b, a - b, a * b] + ([a / b] if b else [])
        want += [np.float32(int(a)) for a in values if np.isfinite(a)]
    # Numbers below the normal ones included, which the chip's own ROM takes for nothing.
    assert np.array_equal(got, np.array(want, np.float32), equal_nan=True)


# ---- USB ----


@pytest.mark.full
def test_large_transfers_both_ways(pico: Pico) -> None:
    """Bytes of all values: up in one file, down in one print without a pause."""
    data = os.urandom(20_000) + bytes(range(256)) * 4
    pico.device.put(data, "/large.bin")
    assert pico.device.get("/large.bin") == data
    line = "0123456789abcdef" * 8
    assert pico.run(f"for i in range(800): print({line!r})") == (line + "\n") * 800


@pytest.mark.full
def test_ctrl_c(pico: Pico) -> None:
    with pytest.raises(LinkError, match="silent for|not done after"):
        pico.device.exec("while True: pass", timeout=1.0)
    assert pico.run("print('back')") == "back\n"


@pytest.mark.full
def test_a_second_client_waits_then_is_let_go(pico: Pico) -> None:
    import socket

    host, port = pico.emulator.port.removeprefix("socket://").split(":")
    with socket.create_connection((host, int(port)), timeout=10) as second:
        assert second.recv(1) == b""
    assert pico.run("print('undisturbed')") == "undisturbed\n"


# ---- The command ----


@pytest.mark.full
def test_emulate_is_found_told_and_ended(tmp_path: Path) -> None:
    tinysense = Path(sys.executable).parent / "tinysense"
    environment = dict(os.environ, TINYSENSE_RUN=str(tmp_path))

    def call(*words: str) -> tuple[int, str]:
        done = subprocess.run([tinysense, *words], capture_output=True, text=True, timeout=120,
                              check=False, env=environment)
        return done.returncode, done.stdout + done.stderr

    request = json.dumps({"mpu6050": {"odr": 0.95, "who_am_i": 0x70}})
    with subprocess.Popen([tinysense, "emulate", BOARD, "--set", request], stdout=subprocess.PIPE,
                          text=True, env=environment) as emulate:
        assert emulate.stdout is not None
        assert f"{BOARD} on socket://127.0.0.1:" in emulate.stdout.readline()
        assert json.loads(call("emulate", BOARD, "--tell", "{}")[1])["mpu6050"]["samples"] == 0
        code, said = call("emulate", BOARD, "--tell", '{"mpu6050": {"odr": 3}}')
        assert code == 1 and "odr expected 0.8 to 1.2" in said and said.count("\n") == 1
        code, said = call("emulate", BOARD)
        assert code == 1 and "runs already" in said
        boards = json.loads(call("boards", "--json")[1])
        assert [b["machine"] for b in boards if "127.0.0.1" in b["port"]] \
            == ["Raspberry Pi Pico with RP2040"]
        emulate.send_signal(signal.SIGINT)
        assert emulate.wait(30) == 0
    code, said = call("emulate", BOARD, "--tell", "{}")
    assert code == 1 and f"{BOARD} does not run" in said


@pytest.mark.full
@pytest.mark.parametrize(("request_", "message"), [
    ({"mpu6050": {"frames": "/nowhere.csv"}}, "no such file"),
    ({"gyro": {}}, "gyro: expected machine, bus, flash, mpu6050 or lsm6dsox"),
    ({"bus": {"noise": 1}}, "noise: expected one of stuck, error_every"),
    ({"lsm6dsox": {"who_am_i": 256}}, "expected a whole number from 0 to 255, got 256"),
    ({"mpu6050": {"motion": "run"}}, "motion expected one of still, sway, count, got run")])
def test_bad_requests_are_one_line(request_: dict[str, object], message: str) -> None:
    with pytest.raises(TinysenseError, match=f"VIRTUAL_PICO did not start: .*{message}"):
        Emulator(BOARD, requests=(request_,))


@pytest.mark.full
def test_a_flash_image_of_another_board_is_refused(tmp_path: Path) -> None:
    image = tmp_path / "flash.img"
    write_files(image, {"/a": b"1"})        # 4 MiB, as QEMU boards have
    with pytest.raises(TinysenseError, match="no file system of a Pico"):
        Emulator(BOARD, fs=image)


# ---- Flash and resets ----


@pytest.mark.full
def test_a_new_flash_is_formatted_and_kept(tmp_path: Path) -> None:
    image = tmp_path / "flash.img"
    with started(image) as board:
        size = board.ask("import json, os\ns = os.statvfs('/')\nprint(json.dumps([s[0], s[2]]))")
        assert size[0] * size[1] == DISK_BYTES == image.stat().st_size
        board.run("with open('kept.txt', 'w') as f: f.write('safe')")
        board.device.put(b"\x00\xff" * 3000, "/deep.bin")
    assert read_files(image)["/kept.txt"] == b"safe"
    write_files(image, {"/from/outside.txt": b"hello"})
    with started(image) as board:
        assert board.run("print(open('kept.txt').read(), open('/from/outside.txt').read())") \
            == "safe hello\n"
        assert board.device.get("/deep.bin") == b"\x00\xff" * 3000


@pytest.mark.full
def test_kill_keeps_what_was_closed(tmp_path: Path) -> None:
    image = tmp_path / "flash.img"
    with started(image) as board:
        board.run("f = open('kept', 'w'); f.write('safe'); f.close()\n"
                  "g = open('open', 'w'); g.write('x' * 9)")
        board.emulator.power_cut()
        assert not board.emulator.running
    with started(image) as board:
        assert board.run("print(open('kept').read())") == "safe\n"


@pytest.mark.full
def test_power_lost_within_a_flash_operation(tmp_path: Path) -> None:
    """Whichever erase or program is cut in half, the file is the old one or the new one."""
    image = tmp_path / "flash.img"
    write_files(image, {"/state": b"old" * 500}, DISK_BYTES)
    whole = image.read_bytes()
    seen = set()
    for operation in range(1, 40):
        image.write_bytes(whole)
        with Emulator(BOARD, fs=image, requests=({"flash": {"cut_in": operation}},)) as emulator:
            code = "f = open('state', 'w'); f.write('new' * 700); f.close()"
            with contextlib.suppress(TinysenseError), connect(emulator.port) as device:
                device.exec(code, 20)
            ended = not emulator.running
        state = read_files(image)["/state"]
        assert state in (b"old" * 500, b"new" * 700)
        seen.add(state[:3])
        if not ended:
            break
    assert seen == {b"old", b"new"} and operation > 5


@pytest.mark.full
def test_soft_reset_empties_the_heap_only(pico: Pico) -> None:
    pico.run("x = bytearray(100000)\nwith open('file', 'w') as f: f.write('here')")
    pico.device.soft_reset()
    assert pico.run("print('x' in globals(), open('file').read())") == "False here\n"


@pytest.mark.full
def test_machine_reset_boots_anew(tmp_path: Path) -> None:
    image = tmp_path / "flash.img"
    write_files(image, {"/boot.py": b"import machine\nbooted = machine.reset_cause()\n"}, DISK_BYTES)
    with started(image) as board:
        assert board.run("import machine\nprint(machine.reset_cause() == machine.PWRON_RESET)") \
            == "True\n"
        with pytest.raises(LinkError):
            board.device.exec("import machine\nmachine.reset()", timeout=2)
        end = time.monotonic() + 30
        while time.monotonic() < end:
            try:
                board.device.transport.interrupt()
                break
            except LinkError:
                continue
        code = "import machine\nprint(machine.reset_cause() == machine.WDT_RESET, 'booted' in globals())"
        board.device.soft_reset()
        assert board.run(code) == "True True\n"


# ---- Modules and models ----


@pytest.mark.full
def test_a_native_module_from_the_file_system(pico: Pico) -> None:
    from tinysense_host.firmware import ensure_native_module

    module = ensure_native_module("armv6m")
    pico.device.put(module.read_bytes(), "/from_file.mpy")
    code = "import _tinysense, from_file\nprint(from_file.kernels(), from_file.abi() == _tinysense.abi()," \
           " from_file.__file__)"
    assert pico.run(code) == "armv6m True from_file.mpy\n"
    pico.device.transport.remove("/from_file.mpy")
    pico.device.soft_reset()


@pytest.mark.full
def test_a_model_gives_its_golden_outputs(tmp_path: Path) -> None:
    from tinysense_host.deploy.upload import upload

    with started(disk_with_package(tmp_path / "flash.img")) as board:
        model = ROOT / "models" / "gesture" / "gesture.tsm"
        upload(board.device, model)
        code = "import json, tinysense\nm = tinysense.load('model.tsm')\nprint(json.dumps(list(m.selftest())))"
        passed, tried = board.ask(code)
        assert passed == tried > 0
