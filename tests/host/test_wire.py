"""Wire frames: what the board's link.py writes, wire.py reads, whatever happens on the way."""

import contextlib
import io
import json

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tinysense import link as board
from tinysense_host.link import wire
from tinysense_host.link.transport import LinkError


class BinaryOut:
    """A REPL's output with `buffer`."""

    def __init__(self):
        self.buffer = io.BytesIO()

    def taken(self):
        return self.buffer.getvalue()


class TextOut(io.StringIO):
    """One without."""

    def taken(self):
        return self.getvalue().encode()


def read_all(data, sizes=(4096,)):
    """(frames, text, reader) of data fed in pieces of these sizes, over and over."""
    reader, frames, text, at, i = wire.FrameReader(), [], b"", 0, 0
    while at < len(data):
        some, more = reader.feed(data[at : at + sizes[i % len(sizes)]])
        frames += some
        text += more
        at += sizes[i % len(sizes)]
        i += 1
    return frames, text, reader


@pytest.mark.parametrize("out", [BinaryOut, TextOut])
def test_every_message_comes_back_as_it_was_sent(out):
    sink = out()
    link = board.Link(sink)
    samples = np.arange(6, dtype="<i2") - 3
    link.hello({"rate_mhz": 25000, "channels": ["x", "y", "z"], "units": "g", "full_scale": 0.5})
    link.frames(samples.tobytes(), 2, 3, 7, 5, (4, 3, 2, 1))
    link.scores(9, 5, bytes([0, 128, 255]))
    link.event(9, 2, 255, "círculo", 5_000_000)
    link.ready(33)
    link.log("hello")
    link.signal(np.array([[-5, 7], [-32768, 32767], [0, 0]], "<i2").tobytes(), 300, 3, 9, 2)
    link.input(4, 3000, 2000, bytes([0, 255, 128, 127]))
    link.input(5, 1000, 0, bytes(1000))
    link.status(1, 2, 3, 4, 5, 6, 26000)
    link.end({"frames": 2, "why": "done"})
    frames, text, reader = read_all(sink.taken())
    hello, got, scores, event, ready, log, signal, part, whole, status, end = map(
        wire.parse, frames)
    assert (hello.rate_mhz, hello.channels, hello.units, hello.full_scale) == (
        25000, ("x", "y", "z"), "g", 0.5)
    assert (got.first, got.lost, got.time_us) == (7, 5, 1 << 48 | 2 << 32 | 3 << 16 | 4)
    assert got.samples.tolist() == [[-3, -2, -1], [0, 1, 2]]
    assert (scores.window, scores.lost, scores.scores.tolist()) == (9, 5, [0, 128, 255])
    assert (event.window, event.label, event.score, event.name, event.time_us) == (
        9, 2, 255, "círculo", 5_000_000_000)
    assert (ready.frames, log.text, end.facts) == (33, "hello", {"frames": 2, "why": "done"})
    assert (signal.first, signal.lost, signal.frames) == (9, 2, 300)
    assert signal.extremes.tolist() == [[-5, 7], [-32768, 32767], [0, 0]]
    assert (part.window, part.size, part.at, part.values.tolist()) == (
        4, 3000, 2000, [0, -1, -128, 127])
    assert (whole.window, len(whole.values)) == (5, 1000)
    assert (status.frames, status.lost, status.windows, status.inferences, status.events,
            status.errors, status.rate_mhz) == (1, 2, 3, 4, 5, 6, 26000)
    assert [f.sequence for f in frames] == list(range(11))
    assert (text, reader.missing, reader.damaged) == (b"", 0, 0)


@pytest.mark.parametrize("size", [0, 1, 2, 1003, 1004, 1023, 1024])
def test_payload_sizes_up_to_the_limit(size):
    frames, text, _ = read_all(wire.encode_frame(6, 0, b"a" * size))
    assert [len(f.payload) for f in frames] == [size]
    assert text == b""


def test_a_payload_beyond_the_limit_is_text():
    frames, _, reader = read_all(wire.encode_frame(6, 0, b"a" * 1025) + b"\x04\x04>")
    assert frames == [] and reader.damaged == 1


def test_the_board_refuses_text_beyond_the_limit():
    with pytest.raises(ValueError, match="at most 1024 bytes"):
        board.Link(BinaryOut()).end({"why": "x" * 1024})


PAYLOADS = st.binary(max_size=60)
SIZES = st.lists(st.integers(1, 40), min_size=1, max_size=8)


@given(st.lists(st.tuples(st.binary(max_size=30), PAYLOADS), max_size=8), SIZES)
@example([(b"\xa5", b"\xa5\x5a"), (b"\xa5\x5a", b"")], [1])
@example([(b"~pV", b""), (b"~p\n", b"\n")], [1])
@settings(deadline=None)
def test_frames_survive_any_text_around_them_and_any_split(parts, sizes):
    # Text that claims to be the beginning of a frame may swallow a real one, so it is left out.
    parts = [(t.replace(b"\xa5\x5a", b"").replace(b"~", b"").rstrip(b"\xa5"), p) for t, p in parts]
    data = b"".join(t + wire.encode_frame(6, i, p) for i, (t, p) in enumerate(parts))
    frames, text, reader = read_all(data, sizes)
    assert [f.payload for f in frames] == [p for _, p in parts]
    assert text == b"".join(t for t, _ in parts)
    assert (reader.missing, reader.damaged) == (0, 0)


@given(st.lists(PAYLOADS, min_size=3, max_size=8), st.data(), SIZES)
@settings(deadline=None)
def test_one_flipped_bit_costs_one_frame_and_is_counted(payloads, data, sizes):
    sent = [wire.encode_frame(6, i, p) for i, p in enumerate(payloads)]
    hurt = data.draw(st.integers(1, len(sent) - 2))
    bit = data.draw(st.integers(0, 8 * len(sent[hurt]) - 1))
    broken = bytearray(sent[hurt])
    broken[bit // 8] ^= 1 << bit % 8
    # Enough bytes behind it for any length that the damaged header may claim.
    tail = [wire.encode_frame(6, i, b"x" * 200) for i in range(len(sent), len(sent) + 8)]
    stream = b"".join(sent[:hurt]) + bytes(broken) + b"".join(sent[hurt + 1 :] + tail)
    frames, _, reader = read_all(stream, sizes)
    assert [f.sequence for f in frames] == [i for i in range(len(sent) + 8) if i != hurt]
    assert reader.missing == 1


@given(st.binary(max_size=6000), SIZES)
@example(b"\xa5\x5a\x01\x00\x00\x00\xff\x03" * 300, [7])
@example(b"~pV" * 700, [11])
@settings(deadline=None)
def test_noise_never_raises_and_memory_stays_bounded(noise, sizes):
    reader, at, i, seen = wire.FrameReader(), 0, 0, 0
    while at < len(noise):
        frames, text = reader.feed(noise[at : at + sizes[i % len(sizes)]])
        for frame in frames:
            with contextlib.suppress(LinkError):
                wire.parse(frame)
        seen += len(text)
        at += sizes[i % len(sizes)]
        i += 1
        assert len(reader._held) <= wire.MAX_LINE + 40
    assert seen <= len(noise)


@given(st.integers(1, 10), st.binary(max_size=80))
@settings(deadline=None)
def test_any_payload_of_any_type_parses_or_is_refused(kind, payload):
    try:
        wire.parse(wire.Frame(kind, 0, 0, payload))
    except LinkError as e:
        assert "\n" not in str(e)


def test_an_unknown_type_is_passed_over():
    assert wire.parse(wire.Frame(99, 0, 0, b"new")) is None


def test_missing_frames_are_counted_across_the_wrap():
    data = wire.encode_frame(6, 65534, b"") + wire.encode_frame(6, 2, b"")
    assert read_all(data)[2].missing == 3


def test_a_new_hello_is_no_gap():
    hello = wire.encode_frame(1, 0, b"{}")
    assert read_all(wire.encode_frame(6, 500, b"") + hello)[2].missing == 0


def test_a_frame_cut_by_an_exception_gives_way_to_the_text_behind_it():
    cut = wire.encode_frame(2, 0, b"x" * 100)[:50]
    reader = wire.FrameReader()
    assert reader.feed(cut + b"\x04Traceback\x04>") == ([], b"")
    frames, text = reader.feed(b"")
    assert frames == [] and text.endswith(b"\x04Traceback\x04>")
    assert reader.damaged == 1


GOOD = {"rate_mhz": 1, "channels": ["x"], "full_scale": 1}


@pytest.mark.parametrize("facts", [
    {}, [], GOOD | {"rate_mhz": 0}, GOOD | {"rate_mhz": True}, GOOD | {"rate_mhz": 2**32},
    GOOD | {"channels": []}, GOOD | {"channels": ["x"] * 17}, GOOD | {"channels": [1]},
    GOOD | {"units": ["g", "g"]}, GOOD | {"units": []}, GOOD | {"units": [1]}, GOOD | {"units": {}},
    GOOD | {"units": None}, GOOD | {"full_scale": []}, GOOD | {"full_scale": [4, 4]},
    GOOD | {"full_scale": [True]}, GOOD | {"full_scale": {}}, GOOD | {"full_scale": ["4"]},
    GOOD | {"full_scale": 0}, GOOD | {"full_scale": "4"}, GOOD | {"full_scale": float("nan")}])
def test_hello_with_nonsense_is_refused(facts):
    with pytest.raises(LinkError):
        wire.parse(wire.Frame(1, 0, 0, json.dumps(facts).encode()))


def test_hello_of_channels_that_differ():
    driver = Scripted([])
    driver.units, driver.full_scale = ("g", "deg/s"), (4, 500.5)
    out = BinaryOut()
    board.Link(out).hello(board.facts(driver))
    hello = wire.parse(read_all(out.taken())[0][0])
    assert (hello.units, hello.full_scale) == (("g", "deg/s"), (4.0, 500.5))
    same = GOOD | {"channels": ["x", "y"], "units": ["g", "g"], "full_scale": [4, 4]}
    hello = wire.parse(wire.Frame(1, 0, 0, json.dumps(same).encode()))
    assert (hello.units, hello.full_scale) == ("g", 4.0)


def test_clock_carries_into_all_limbs():
    clock = board.Clock()
    for i, value in enumerate((0xFFFF, 0xFFFF, 0xFFFF, 0)):
        clock._now[i] = value
    clock._last -= 5
    late = clock.now()
    assert late[3] == 1 and late[1] == late[2] == 0 and late[0] >= 4


def test_clock_before_its_beginning_is_its_beginning():
    clock = board.Clock()
    limbs = clock.before(10**9)
    assert limbs[2] == limbs[3] == 0


@pytest.mark.parametrize(("line", "why"), [
    (b"\n", "empty"), (b"AAAA\n", "too short"), (b"!!!!\n", "no base64"),
    (wire.encode_line(np.zeros((2, 3), np.int16))[:-6] + b"\n", "cut"),
    (wire.encode_line(np.zeros((2, 2), np.int16)), "other channels"),
    (wire.encode_line(np.zeros((97, 3), np.int16)), "more than asked for")])
def test_host_driver_asks_again_for_a_damaged_line(line, why):
    good = wire.encode_line(np.array([[1, 2, 3]], np.int16), 4)
    out = BinaryOut()
    stdin = io.StringIO((line + good).decode())
    driver = board.HostDriver(board.Link(out), 25000, ("x", "y", "z"), "g", 0.1, stdin)
    buf = bytearray(24)
    assert driver.read_into(buf) == 1, why
    assert buf[:6] == b"\x01\x00\x02\x00\x03\x00"
    assert (driver.dropped, driver.errors) == (4, 1)
    assert len(read_all(out.taken())[0]) == 2


@pytest.mark.parametrize("chunk", [1, 7, 8, 95, 96, 97])
def test_host_driver_asks_for_whole_lines_and_hands_them_out_in_parts(chunk):
    frames = np.arange(3 * 100, dtype=np.int16).reshape(100, 3)
    lines = [wire.encode_line(frames[:96]), wire.encode_line(frames[96:], 5),
             wire.encode_line(frames[:0], 5)]
    out = BinaryOut()
    driver = board.HostDriver(board.Link(out), 25000, ("x", "y", "z"), "g", 0.1,
                              io.StringIO(b"".join(lines).decode()))
    buf, came, dropped = bytearray(6 * chunk + 5), b"", []
    while not driver.done:
        n = driver.read_into(buf)
        came += buf[:6 * n]
        dropped += [driver.dropped] * n
    assert came == frames.tobytes()
    assert dropped == [0] * 96 + [5] * 4
    assert [wire.parse(f) for f in read_all(out.taken())[0]] == [wire.Ready(96)] * 3


def test_host_driver_gives_nothing_after_close():
    line = wire.encode_line(np.zeros((9, 1), np.int16))
    driver = board.HostDriver(board.Link(BinaryOut()), 25000, ("x",), "g", 0.1,
                              io.StringIO(line.decode()))
    assert driver.read_into(bytearray(8)) == 4
    driver.close()
    assert driver.read_into(bytearray(8)) == 0


def test_host_driver_gives_up_after_three():
    stdin = io.StringIO("bad\n" * 4)
    driver = board.HostDriver(board.Link(BinaryOut()), 25000, ("x",), "g", 0.1, stdin)
    with pytest.raises(OSError, match="three damaged"):
        driver.read_into(bytearray(8))


def test_host_driver_ends_with_an_empty_line_of_frames():
    stdin = io.StringIO(wire.encode_line(np.zeros((0, 1), np.int16)).decode())
    driver = board.HostDriver(board.Link(BinaryOut()), 25000, ("x",), "g", 0.1, stdin)
    assert driver.read_into(bytearray(8)) == 0 and driver.done


class Scripted:
    """A driver that gives what it is told: numbers of frames, and ("lost", n)."""

    channels, units, full_scale, errors = 2, "g", 4, 0
    axes = ("x", "y")

    def __init__(self, steps, rate_mhz=1_000_000):
        self.steps, self.rate_mhz, self.dropped, self.count = list(steps), rate_mhz, 0, 0

    @property
    def done(self):
        return not self.steps

    def read_into(self, buf):
        if not self.steps:
            return 0
        step = self.steps.pop(0)
        if isinstance(step, tuple):
            self.dropped += step[1]
            self.count += step[1]
            return self.read_into(buf)
        n = min(step, len(buf) // 4)
        if step > n:
            self.steps.insert(0, step - n)
        buf[: 4 * n] = np.array([[i, -i] for i in range(self.count, self.count + n)],
                                "<i2").tobytes()
        self.count += n
        return n


@pytest.mark.parametrize("steps", [
    [5], [32], [33], [1] * 40, [3, ("lost", 2), 4], [("lost", 1), 31, 1, ("lost", 7), 33],
    [31, ("lost", 1), 5], [200]])
def test_capture_sends_every_frame_once_with_its_number(steps):
    out = BinaryOut()
    board.capture(Scripted(steps), 10.0, board.Link(out))
    messages = [wire.parse(f) for f in read_all(out.taken())[0]]
    pieces = [m for m in messages if isinstance(m, wire.Frames)]
    numbers = [p.first + i for p in pieces for i in range(len(p.samples))]
    assert [s for p in pieces for s in p.samples[:, 0].tolist()] == numbers
    sent = sum(s for s in steps if isinstance(s, int))
    lost = sum(s[1] for s in steps if isinstance(s, tuple))
    assert len(numbers) == sent
    assert messages[-1].facts == {"frames": sent, "lost": lost, "errors": 0, "why": "done"}
    times = [p.time_us for p in pieces]
    assert times == sorted(times)


@pytest.mark.parametrize("wanted", [1, 31, 32, 33, 64, 100])
def test_capture_stops_at_the_time_asked_for(wanted):
    out = BinaryOut()
    board.capture(Scripted([7] * 100), wanted / 1000, board.Link(out))
    pieces = [m for m in map(wire.parse, read_all(out.taken())[0]) if isinstance(m, wire.Frames)]
    assert sum(len(p.samples) for p in pieces) == wanted


def test_capture_says_why_it_broke_off():
    class Broken(Scripted):
        def read_into(self, buf):
            raise OSError("bus hangs")

    out = BinaryOut()
    with pytest.raises(OSError, match="bus hangs"):
        board.capture(Broken([1]), 1.0, board.Link(out))
    assert wire.parse(read_all(out.taken())[0][-1]).facts["why"] == "OSError: bus hangs"


def test_capture_names_a_driver_that_gives_nothing(monkeypatch):
    class Mute(Scripted):
        done = False

        def read_into(self, buf):
            return 0

    monkeypatch.setattr(board, "SILENT_MS", 20)
    with pytest.raises(OSError, match="driver Mute gave no frame for 20 ms"):
        board.capture(Mute([]), 1.0, board.Link(BinaryOut()))


def test_capture_stopped_by_ctrl_c_still_ends_properly():
    class Pressed(Scripted):
        def read_into(self, buf):
            raise KeyboardInterrupt

    out = BinaryOut()
    board.capture(Pressed([1]), 1.0, board.Link(out))
    assert wire.parse(read_all(out.taken())[0][-1]).facts["why"] == "stopped"
