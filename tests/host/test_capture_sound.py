"""tinysense capture --mic: the level of what a board hears, what is lost, a link that is too slow."""

import json

import numpy as np
import pytest
from rich.status import Status
from typer.testing import CliRunner

from tinysense import recording as tsr
from tinysense_host.boards import boards_folder
from tinysense_host.cli import app
from tinysense_host.commands import capture as command
from tinysense_host.dataset import Dataset
from tinysense_host.deploy.setup_board import set_up
from tinysense_host.device import connect
from tinysense_host.link import session, wire

# A microphone on an I2S bus that a program plays, on the board's own clock.
PLAYED = b'''
from chips.i2s import Bench
from chips.played import PlayedI2S
from tinysense.drivers.i2s_microphone import I2SMicrophone
from tinysense.ticks import ticks_us

OPTIONS = (("stall", bool, False, None, ""),)

def build(options, sensor=None):
    PlayedI2S.period, PlayedI2S.words = 256, None
    with Bench(ticks_us, lambda k: (k % 64 - 32) * 128 * 256) as bench:
        bench.machine.I2S = PlayedI2S
        mic = I2SMicrophone({"sck": 16, "ws": 17, "sd": 18, "settle_ms": 0, "dc": False,
                             "buffer_ms": 2000}, 16000000, platform="rp2")
    return mic
'''


def tone(seconds, level=8000, hz=440):
    t = np.arange(round(seconds * 16000)) / 16000
    return np.clip(np.round(level * np.sin(2 * np.pi * hz * t)), -32768, 32767).astype("<i2")


def put_sound(flash, samples, dropped=0, units="pcm", full_scale=32768):
    with tsr.Writer(str(flash / "a.tsr"), 16000000, 1, units, full_scale, "") as writer:
        half = len(samples) // 2
        writer.write(samples[:half].tobytes(), half)
        writer.write(samples[half:].tobytes(), len(samples) - half, dropped)
    (flash / "tinysense.json").write_text(json.dumps(
        {"model": "none.tsm", "driver": "replay", "outputs": [],
         "driver_options": {"path": "/a.tsr", "realtime": False}}))


@pytest.fixture
def mic(repl_board, tmp_path, monkeypatch):
    """capture --mic of a board that plays sound: (exit status, stdout, stderr)."""
    port, flash = repl_board()
    monkeypatch.chdir(tmp_path)

    def run(*words):
        done = CliRunner().invoke(app, ["capture", "--mic", "--port", port, "--label", "word",
                                        "--pause", "0", *words])
        return done.exit_code, done.stdout, done.stderr

    run.flash = flash
    return run


def test_sound_is_recorded_with_its_level(mic, tmp_path):
    samples = tone(1.0)
    put_sound(mic.flash, samples)
    status, out, err = mic("--seconds", "1")
    assert (status, err.strip().splitlines()[1:]) == (0, []), err
    assert "word, 16000 frames, 1.00 s at 16000 Hz" in out and "LOST" not in out
    assert "peak -12.2 dBFS, RMS -15.3 dBFS" in out
    kept = Dataset(tmp_path / "data").segments()[0].recording
    assert np.array_equal(kept.frames[:, 0], samples)
    assert (kept.units, kept.rate_mhz, kept.full_scale) == ("pcm", 16000000, 32768)


def test_lost_blocks_are_told_and_marked(mic, tmp_path):
    put_sound(mic.flash, tone(1.0), dropped=160)
    status, out, _ = mic("--seconds", "1")
    assert status == 0 and "LOST 160 on the board, 0 on the link: 1 gaps marked" in out
    gaps = Dataset(tmp_path / "data").segments()[0].recording.gaps
    assert [(gap.start, gap.lost) for gap in gaps] == [(8000, 160)]


def test_clipped_and_silent_sound_is_told(mic):
    put_sound(mic.flash, tone(0.5, level=60000))
    status, _, err = mic("--seconds", "0.5")
    assert status == 0 and "clipped: " in err and "lower the gain" in err
    put_sound(mic.flash, np.zeros(8000, "<i2"))
    assert "silent: all samples equal" in mic("--seconds", "0.5")[2]


def test_a_driver_that_is_no_microphone_is_refused(mic):
    put_sound(mic.flash, tone(0.1), units="g", full_scale=4)
    status, _, err = mic()
    assert status == 1
    assert "driver is Replay, whose frames are in g: no microphone" in " ".join(err.split())


def test_a_board_without_a_driver_says_so(mic):
    assert mic()[0] == 1


def test_a_slow_link_is_refused_before_anything_is_lost(mic, monkeypatch):
    put_sound(mic.flash, tone(0.1))
    monkeypatch.setattr(command, "link_speed", lambda device: 11_000.0)
    status, out, err = mic()
    said = " ".join(err.split())
    assert status == 1 and out == ""
    assert "sound at 16 kHz needs 36 kB/s, the link to the board carries 11: of every second " \
           "69% would be lost" in said
    assert "use the board's own USB port" in said
    monkeypatch.setattr(command, "link_speed", lambda device: 40_000.0)
    status, _, err = mic("--seconds", "0.1")
    assert status == 0 and "the link carries 40 kB/s, sound needs 36" in " ".join(err.split())


def test_replay_and_mic_do_not_go_together(mic):
    status, _, err = mic("--replay", "data")
    assert status == 1 and "give one of the two" in err


def test_what_the_stream_needs_is_what_it_takes():
    class Many:
        rate_mhz, channels, dropped, errors, done = 16000000, 1, 0, 0, False
        units, full_scale, left, pause_ms = "pcm", 32768, 16000, 20

        def read_into(self, buf):
            n = min(len(buf) // 2, self.left)
            self.left -= n
            self.done = self.left == 0
            return n

    import io

    from tinysense import link

    class Out:
        buffer = io.BytesIO()

    link.capture(Many(), 1.0, link.Link(Out()))
    frames, _ = wire.FrameReader().feed(Out.buffer.getvalue())
    sent = sum(len(f.payload) + wire.FRAME_BYTES for f in frames if f.type == wire.FRAMES)
    assert sent == session.stream_bytes(16000000, 1)


def test_the_meter_shows_peaks_and_clipping(monkeypatch):
    status, clock = Status(""), [0.0]
    monkeypatch.setattr(command.time, "monotonic", lambda: clock[0])
    shown = []
    monkeypatch.setattr(status, "update", lambda line: shown.append(line.plain))
    meter = command._SoundMeter("word 1/1", status)
    for value, lost in ((1000, 0), (32767, 5)):
        clock[0] += 0.1
        samples = np.full((800, 1), value, np.int16)
        samples[::2] *= -1
        meter(wire.Frames(0, lost, 0, samples if lost == 0 else np.full((800, 1), 32767, np.int16)))
    assert "word 1/1: level" in shown[0] and "-30.3 dBFS" in shown[0]
    assert "CLIPPED" in shown[1] and "5 lost" in shown[1]


@pytest.fixture(scope="module")
def unix_board(tmp_path_factory):
    if not (boards_folder().parent / "build" / "firmware" / "UNIX" / "micropython").is_file():
        pytest.skip("no firmware: make firmware BOARD=UNIX")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TINYSENSE_RUN", str(tmp_path_factory.mktemp("run")))
        with connect(board="UNIX") as device:
            set_up(device)
            yield device


def test_a_played_microphone_on_a_board(unix_board, tmp_path, monkeypatch):
    device = unix_board
    if not device.ask("import json, tinysense\nprint(json.dumps(tinysense.__file__))").startswith("/lib"):
        pytest.skip("the package is frozen into this firmware: nobody adds drivers to it")
    chips = boards_folder().parent / "tests" / "device" / "chips"
    device.transport.mkdir("/lib/chips")
    for name in ("__init__", "i2s", "played", "lsm6dsox", "lsm6", "chip", "bus", "motion"):
        device.put((chips / f"{name}.py").read_bytes(), f"/lib/chips/{name}.py")
    device.transport.mkdir("/lib/tinysense/drivers")
    device.put(PLAYED, "/lib/tinysense/drivers/played.py")
    device.put(json.dumps({"model": "none.tsm", "driver": "played", "outputs": [],
                           "driver_options": {}}).encode(), "/tinysense.json")
    facts = session.driver_facts(device)
    assert (facts["driver"], facts["units"], facts["rate_mhz"]) == ("I2SMicrophone", "pcm", 16000000)
    assert session.link_speed(device) > session.stream_bytes(16000000, 1)
    take = session.record(device, 2.0)
    assert len(take.frames) + take.lost_on_board == 32000 and take.lost_on_link == 0
    if not take.gaps:
        expected = (np.arange(32000) % 256 % 64 - 32) * 128
        assert np.array_equal(take.frames[:, 0], expected)
