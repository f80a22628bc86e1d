"""Records from emulated chips on virtual time, as case.json says, and prints what happened as JSON.

Runs on emulated boards (test_sampling_targets.py), not under pytest. The whole
package runs by a clock that this program moves: for waiting, for bytes on the bus,
for flash that stalls, for garbage collections.
"""

import gc
import json
import sys
from array import array
from struct import unpack_from

from tinysense import ticks

BYTE_TENTHS_US = 225  # nine clocks of I2C at 400 kHz
PAUSE_US = 1047  # of Recorder.run() while nothing waits, and the step itself
STEP_US = 137  # to read and keep 32 frames
MHZ = 64  # one instruction a clock: the slowest Cortex-M4F that makers use, nRF52840
AXES = 6


class Clock:
    """Ticks that wrap as the board's do; ``total_ms`` does not."""

    def __init__(self):
        self.now = self.now_ms = self.total_ms = self._rest = 0

    def us(self):
        return self.now

    def ms(self):
        return self.now_ms

    def move(self, us):
        self.now = ticks.ticks_add(self.now, us)
        ms, self._rest = divmod(self._rest + us, 1000)
        self.now_ms = ticks.ticks_add(self.now_ms, ms)
        self.total_ms += ms

    def move_ms(self, ms):
        self.move(1000 * ms)


clock = Clock()
# Before any module takes them from there.
ticks.ticks_us, ticks.ticks_ms = clock.us, clock.ms
ticks.sleep_us, ticks.sleep_ms = clock.move, clock.move_ms

from chips.bus import Bus  # noqa: E402
from chips.i2s import I2S, Bench  # noqa: E402
from chips.played import PlayedI2S, PlayedLSM6DSOX  # noqa: E402

from tinysense import recording  # noqa: E402
from tinysense.drivers.i2s_microphone import I2SMicrophone  # noqa: E402
from tinysense.drivers.lsm6dsox import LSM6DSOX  # noqa: E402
from tinysense.field.recorder import Recorder  # noqa: E402
from tinysense.sensing.timebase import device_clock  # noqa: E402


class Wire(Bus):
    """A bus that takes its time."""

    def readfrom_mem_into(self, address, register, buf):
        clock.move((len(buf) + 3) * BYTE_TENTHS_US // 10)
        super().readfrom_mem_into(address, register, buf)

    def writeto_mem(self, address, register, data):
        clock.move((len(data) + 2) * BYTE_TENTHS_US // 10)
        super().writeto_mem(address, register, data)


class Motion:
    """Frames of a file: int32 (frames, 6), thousandths of g and deg/s."""

    def __init__(self, path):
        with open(path, "rb") as f:
            self._data = f.read()

    def __len__(self):
        return len(self._data) // (4 * AXES)

    def __getitem__(self, k):
        return unpack_from("<6i", self._data, 4 * AXES * k)


class Flash:
    """A file whose writes stall everything, one in ``every``, each with a garbage collection."""

    stall_us, every = 0, 1
    counts = None  # of instructions
    seen = None  # what to note before each stall
    writes = stalls = collected_us = longest_us = 0

    def __init__(self, path, mode):
        self._file = open(path, mode)  # noqa: SIM115 (the Writer closes it)
        self.flush, self.close = self._file.flush, self._file.close

    def write(self, data):
        n = self._file.write(data)
        Flash.writes += 1
        if Flash.writes % Flash.every:
            return n
        if Flash.stall_us:
            if Flash.seen is not None:
                Flash.seen()
            Flash.stalls += 1
        clock.move(Flash.stall_us)
        if Flash.counts is not None:
            before = Flash.counts()
            gc.collect()
            took = (Flash.counts() - before) // MHZ
            Flash.collected_us += took
            Flash.longest_us = max(Flash.longest_us, took)
            clock.move(took)
        return n


def motion(case):
    """(driver, what the chip says, faults of the bus) of six axes at 416 Hz."""
    chip = PlayedLSM6DSOX(Motion(case["played"]), clock.us, odr_ppm=case.get("odr_ppm", 0))
    bus = Wire(chip)
    driver = LSM6DSOX(bus, 416000, 4, gyro=True, batch_ms=case.get("batch_ms", 40))
    before = chip.sample - chip.held
    sampled_ns = chip.run_ns()
    stamp = bytearray(8)
    device_clock().stamp(stamp)
    began_us = int.from_bytes(stamp, "little") - sampled_ns // 1000
    bus.faults.every, bus.faults.cut = case.get("every", 0), case.get("cut", -1)

    def account():
        chip.advance()
        return {"before": before, "sampled": chip.sample, "waiting": chip.held,
                "overwritten": chip.overwritten, "period_ns": chip.true_period_ns(),
                "began_us": began_us, "faults": bus.faults.faults,
                "transfers": bus.faults.transfers}

    return driver, account, bus.faults


def sound(case):
    """The same of a microphone at 16 kHz."""
    with open(case["played"], "rb") as f:
        played = f.read()
    PlayedI2S.period = len(played) // 2
    with Bench(clock.us, lambda k: unpack_from("<h", played, 2 * k)[0] * 256) as bench:
        bench.machine.I2S = PlayedI2S
        driver = I2SMicrophone({"sck": 16, "ws": 17, "sd": 18, "settle_ms": 0, "dc": False,
                                "buffer_ms": case["buffer_ms"]}, 16000000, platform="rp2")
    i2s = I2S.made
    # A list would grow between garbage; where garbage is collected all the time, memory counts.
    stalls = array("i", bytearray(0 if case["collect"] else 8 * 10 * case["seconds"]))

    def see():
        i2s._advance()
        at = 2 * Flash.stalls
        stalls[at], stalls[at + 1] = clock.now, i2s.held

    Flash.seen = None if case["collect"] else see

    def account():
        i2s._advance()
        for i in range(len(stalls) and Flash.stalls):
            print("stall", stalls[2 * i], stalls[2 * i + 1])
        return {"before": 0, "sampled": i2s.sampled, "arrived": i2s._arrived, "waiting": i2s.held,
                "overwritten": i2s.lost}

    return driver, account, None


def play(recorder, seconds):
    """So much virtual time."""
    until = clock.total_ms + 1000 * seconds
    while clock.total_ms < until:
        clock.move(STEP_US if recorder.step() else PAUSE_US)


def run(path):
    with open(path) as f:
        case = json.load(f)
    for _ in range(case.get("awake_s", 0)):
        clock.move(1000000)
    Flash.stall_us, Flash.every = case["stall_us"], case.get("stall_every", 1)
    if case.get("collect"):
        import emulated

        Flash.counts = emulated.instructions
    recording.open = Flash
    driver, account, faults = {"motion": motion, "sound": sound}[case["driver"]](case)
    recorder = Recorder(driver, case["folder"], ("walk",), start="always", keep_free_kb=16,
                        segment_kb=case.get("segment_kb", 256), overwrite="warm_s" in case)
    assert recorder.recording, recorder.error
    told = {}
    if "warm_s" in case:
        play(recorder, case["warm_s"])
        # What keeps memory keeps more in each half; what a stale word of the stack seems to
        # point at, which no run repeats, is kept in one.
        grown = []
        for _ in range(2):
            gc.collect()
            start = gc.mem_alloc()
            play(recorder, case["seconds"] // 2)
            gc.collect()
            grown.append(gc.mem_alloc() - start)
        told["grown"] = min(grown)
    else:
        play(recorder, case["seconds"])
    if faults is not None:
        faults.every = 0
    Flash.stall_us, Flash.counts = 0, None
    play(recorder, 2)  # what was lost is told with the frames behind it
    frames, lost = recorder.frames, driver.dropped
    told.update(account())
    recorder.close()
    told.update({
        "frames": frames, "dropped": lost, "errors": driver.errors, "recorder": recorder.error,
        "measured_mhz": driver.measured_mhz, "ms": clock.total_ms,
        "writes": Flash.writes, "stalls": Flash.stalls,
        "collected_us": Flash.collected_us, "longest_us": Flash.longest_us,
    })
    print("told " + json.dumps(told))


if __name__ == "__main__":
    run(sys.argv[1] if len(sys.argv) > 1 else "/case.json")
