"""Recording from a board and watching its pipeline, over a real link."""

import json
import struct

import numpy as np
import pytest
import tiny

from tinysense import recording as tsr
from tinysense_host.dataset import Dataset, Gap, Recording
from tinysense_host.device import Device, connect
from tinysense_host.errors import TinysenseError
from tinysense_host.link import wire
from tinysense_host.link.session import Playback, explain, load_model, record, save, watch
from tinysense_host.link.transport import BoardError, LinkError
from tinysense_host.link.transport_fake import FakeTransport


def made(n=100, gaps=(), value=None):
    frames = np.arange(3 * n, dtype=np.int16).reshape(n, 3) if value is None else np.full(
        (n, 3), value, np.int16)
    return Recording(id="made", frames=frames, rate_mhz=25000, channels=("x", "y", "z"), units="g",
                     scale=4 / 32768, gaps=gaps)


def configure(flash, driver="replay", **options):
    (flash / "tinysense.json").write_text(json.dumps(
        {"model": "tiny.tsm", "driver": driver, "driver_options": options, "outputs": []}))


def put_tsr(path, frames, dropped=0):
    with tsr.Writer(str(path), 25000, 3, "g", 4, "ring") as writer:
        half = len(frames) // 2
        writer.write(frames[:half].tobytes(), half)
        writer.write(frames[half:].tobytes(), len(frames) - half, dropped)


@pytest.fixture
def board(repl_board):
    port, flash = repl_board()
    with connect(port) as device:
        device.flash = flash
        yield device


def test_a_recording_from_the_configured_driver(board):
    frames = made().frames
    put_tsr(board.flash / "a.tsr", frames)
    configure(board.flash, path="/a.tsr", realtime=False)
    take = record(board, 4.0)
    assert np.array_equal(take.frames, frames)
    assert take.gaps == () and take.end["why"] == "done"
    assert (take.hello.rate_mhz, take.hello.units) == (25000, "g")


def test_frames_lost_on_the_board_become_a_gap(board):
    frames = made().frames
    put_tsr(board.flash / "a.tsr", frames, dropped=9)
    configure(board.flash, path="/a.tsr", realtime=False)
    take = record(board, 109 / 25)
    assert np.array_equal(take.frames, frames)
    assert take.gaps == (Gap(50, 9),)
    assert (take.lost_on_board, take.lost_on_link) == (9, 0)


def test_a_played_recording_comes_back_with_its_gaps(board):
    source = made(gaps=(Gap(10, 3), Gap(11, 1), Gap(60, 40)))
    take = record(board, 144 / 25, playback=Playback(source))
    assert np.array_equal(take.frames, source.frames)
    assert take.gaps == source.gaps


def test_a_range_of_a_recording_is_played(board):
    source = made(gaps=(Gap(10, 3), Gap(50, 2)))
    take = record(board, 62 / 25, playback=Playback(source, 10, 70))
    assert np.array_equal(take.frames, source.frames[10:70])
    assert take.gaps == (Gap(40, 2),)


def test_a_take_is_saved_labelled_with_its_gaps(board, tmp_path):
    dataset = Dataset(tmp_path / "data")
    source = made(gaps=(Gap(10, 3),))
    take = record(board, 103 / 25, playback=Playback(source))
    names = [save(dataset, take, "círculo", "s1", "anna") for _ in range(2)]
    assert len(set(names)) == 2
    back = dataset.recording(names[0])
    assert np.array_equal(back.frames, source.frames)
    assert (back.gaps, back.rate_mhz, back.units, back.scale) == (
        source.gaps, 25000, "g", 4 / 32768)
    assert (back.person, back.session, back.source["lost_on_board"]) == ("anna", "s1", 3)
    assert back.time and [x.label for x in dataset.labels()] == ["círculo"] * 2


IMU = ("g",) * 3 + ("deg/s",) * 3


def test_six_axes_keep_their_units_and_ranges(board, tmp_path):
    frames = np.arange(6 * 40, dtype=np.int16).reshape(40, 6)
    source = Recording(id="imu", frames=frames, rate_mhz=25000, units=IMU,
                       channels=("x", "y", "z", "gx", "gy", "gz"),
                       scale=(4 / 32768,) * 3 + (1000 / 32768,) * 3)
    dataset = Dataset(tmp_path / "data")
    played = record(board, 40 / 25, playback=Playback(source))
    with tsr.Writer(str(board.flash / "a.tsr"), 25000, 6, IMU, (4,) * 3 + (1000,) * 3) as writer:
        writer.write(frames.tobytes(), 40)
    configure(board.flash, path="/a.tsr", realtime=False)
    for take in (played, record(board, 40 / 25)):
        assert (take.hello.units, take.hello.full_scale) == (IMU, (4.0,) * 3 + (1000.0,) * 3)
        back = dataset.recording(save(dataset, take, "spin"))
        assert (back.units, back.scale, back.channels) == (IMU, source.scale, source.channels)
        assert np.array_equal(back.frames, frames)


def test_watching_gives_scores_and_events(board):
    (board.flash / "tiny.tsm").write_bytes(tiny.build())
    configure(board.flash)
    load_model(board)
    source = made(8, value=100 * 256)
    messages = []
    seen = watch(board, playback=Playback(source), on_message=messages.append)
    scores = [m.scores.tolist() for m in messages if isinstance(m, wire.Scores)]
    expected = list(tiny.scores(source.frames[:4].tobytes()))
    assert scores == [expected] * 3         # windows of 4, hop 2, in 8 frames
    assert seen.windows == 3 and seen.end["windows"] == 3
    # Where each window ends, by the frame clock: 40 ms a frame.
    assert [(e.name, e.window, e.time_us) for e in seen.events] == [
        ("ring", i, 80_000 * (i + 1)) for i in (1, 2, 3)]


def test_watching_twice_uses_the_model_that_was_loaded(board):
    (board.flash / "tiny.tsm").write_bytes(tiny.build())
    configure(board.flash)
    load_model(board)
    (board.flash / "tiny.tsm").unlink()
    for _ in range(2):
        assert watch(board, playback=Playback(made(8)), scores=False).end["windows"] == 3


def test_watching_a_model_for_another_rate_is_refused(board):
    (board.flash / "tiny.tsm").write_bytes(tiny.build(tiny.meta(sensor=tiny.META["sensor"] | {
        "rate_mhz": 50000})))
    configure(board.flash)
    load_model(board)
    with pytest.raises(TinysenseError, match="model wants 50 Hz .*runs at 25 Hz"):
        watch(board, playback=Playback(made(8)))


def test_an_unknown_key_in_the_boards_config_is_told(board):
    (board.flash / "tinysense.json").write_text('{"modell": 1}')
    with pytest.raises(TinysenseError, match="unknown key 'modell': did you mean 'model'"):
        record(board, 1.0)


# ---- what a board may say wrongly, from a fake one ----

HELLO = wire.encode_frame(1, 0, json.dumps({"rate_mhz": 25000, "channels": ["x"], "units": "g",
                                            "full_scale": 4, "device": "d"}).encode())


def frames_of(sequence, first, values, lost=0, channels=1):
    head = struct.pack("<IIQHBB", first, lost, 40_000 * first, len(values) // channels, channels, 0)
    return wire.encode_frame(2, sequence, head + struct.pack(f"<{len(values)}h", *values))


def ending(sequence, frames, lost=0):
    return wire.encode_frame(5, sequence, json.dumps({"frames": frames, "lost": lost}).encode())


def told(*stream):
    return record(Device(FakeTransport(stream=stream)), 1.0)


def test_a_message_lost_on_the_link_becomes_a_gap():
    take = told(HELLO, frames_of(1, 0, [1, 2]), frames_of(3, 5, [6]), ending(4, 6))
    assert take.frames[:, 0].tolist() == [1, 2, 6]
    assert take.gaps == (Gap(2, 3),)
    assert (take.lost_on_board, take.lost_on_link) == (0, 3)


def test_the_last_message_lost_is_a_gap_at_the_end():
    take = told(HELLO, frames_of(1, 0, [1, 2]), ending(3, 5))
    assert take.gaps == (Gap(2, 3),)


def test_the_rate_by_the_boards_clock():
    take = told(HELLO, frames_of(1, 0, [1, 2]), frames_of(2, 2, [3]), ending(3, 3))
    assert take.measured_rate_mhz == 25000


@pytest.mark.parametrize(("stream", "message"), [
    ([HELLO, ending(1, 0)], "no frames"),
    ([HELLO, frames_of(1, 0, [1])], "without a last message"),
    ([frames_of(0, 0, [1]), ending(1, 1)], "did not announce"),
    ([HELLO, frames_of(1, 0, [1, 2], channels=2), ending(2, 1)], "did not announce"),
    ([HELLO, frames_of(1, 4, [1]), frames_of(2, 1, [1]), ending(3, 2)], "went back"),
    ([HELLO, wire.encode_frame(7, 1, b"\x05\x00")], "asked for frames"),
    ([LinkError("the board on fake reset in the middle")], "reset in the middle"),
    ([HELLO, BoardError("OSError: [Errno 5] EIO")], "EIO"),
    ([wire.encode_frame(1, 0, b"no json")], "no JSON")])
def test_streams_that_break_off_or_make_no_sense(stream, message):
    with pytest.raises(TinysenseError, match=message):
        told(*stream)


@pytest.mark.parametrize(("traceback", "message"), [
    ("ImportError: no module named 'tinysense'", "the board has no tinysense. put it there"),
    ("ModelError: model wants 25 Hz", "model wants 25 Hz"),
    ("MemoryError: memory allocation failed, allocating 9 bytes", "ran out of memory"),
    ("KeyError: x", "the board raised KeyError: x")])
def test_a_boards_exception_in_the_users_words(traceback, message):
    assert message in str(explain(BoardError("Traceback\n" + traceback)))
