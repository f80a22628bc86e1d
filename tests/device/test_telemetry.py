"""What a watched pipeline sends, byte by byte, and that sending takes no heap."""

import gc
import json
import struct

import tiny
import tiny_sound
from expect import MICROPYTHON, skip
from tinysense import link, telemetry
from tinysense.drivers.replay import Feed
from tinysense.model import load
from tinysense.pipeline import Pipeline

WINDOWS = 2000


class Out:
    """A REPL's output; keeps what is written."""

    def __init__(self):
        self.buffer = self
        self.data = b""

    def write(self, data):
        self.data += bytes(data)


class Nothing:
    """One that keeps nothing."""

    def __init__(self):
        self.buffer = self

    def write(self, data):
        pass


def messages(data):
    """[(type, payload)]; asserts that there is nothing else and no sequence number is missing."""
    found = []
    while data:
        sync, kind, _, sequence, size = struct.unpack("<2sBBHH", data[:8])
        assert sync == b"\xa5\x5a" and sequence == len(found)
        crc = struct.unpack("<I", data[8 + size : 12 + size])[0]
        assert crc == link.crc32(data[2 : 8 + size], 0)
        found.append((kind, data[8 : 8 + size]))
        data = data[12 + size :]
    return found


def fed(rows, gaps=(), model=None, **choice):
    """Watches rows of 3 numbers; gaps: (before which row, lost). (messages, pipeline)."""
    driver = Feed(25000, 3, "g", 4)
    begin = 0
    for at, lost in list(gaps) + [(len(rows), 0)]:
        part = rows[begin:at]
        driver.feed(b"".join(struct.pack("<3h", *row) for row in part))
        begin = at
        if lost:
            driver.feed(b"", dropped=lost)
            # A Feed knows of one gap at a time: the rest follows behind it.
            driver.feed(b"".join(struct.pack("<3h", *row) for row in rows[at:]))
            break
    driver.end()
    pipeline = Pipeline(driver, model or load(tiny.build()))
    out = Out()
    telemetry.watch(pipeline, link=link.Link(out), **choice)
    return messages(out.data), pipeline


ROWS = [(100 * i, -i, 3) for i in range(11)]


def of(found, kind):
    return [payload for k, payload in found if k == kind]


def test_only_what_is_asked_for():
    found, _ = fed(ROWS)
    assert {k for k, _ in found} == {link.HELLO, link.STATUS, link.SCORES, link.END}
    found, _ = fed(ROWS, scores=False)
    assert {k for k, _ in found} == {link.HELLO, link.STATUS, link.END}
    found, _ = fed(ROWS, scores=False, signal="signal", inputs=True)
    assert {k for k, _ in found} == {link.HELLO, link.STATUS, link.END, link.SIGNAL, link.INPUT}
    assert found[0][0] == link.HELLO and found[-1][0] == link.END


def test_hello_says_what_scores_are_compared_with():
    told = json.loads(fed(ROWS)[0][0][1])
    assert told["labels"] == ["rest", "ring", "wing"] and told["thresholds"] == [256, 128, 128]
    assert (told["background"], told["window"], told["hop"], told["row"]) == (["rest"], 4, 2, 0)


def test_many_labels_leave_no_room_for_thresholds():
    class Wordy:
        rate_mhz, channels, units, full_scale = 25000, 3, "g", 4
        name, window, hop = "wordy", 4, 2
        labels = ["label %d" % i for i in range(70)]
        threshold, background = [128] * 70, ()

    Wordy.driver = Wordy.model = Wordy.decision = Wordy
    Wordy.features = load(tiny.build()).features
    told = telemetry._described(Wordy)
    assert "thresholds" not in told and len(told["labels"]) == 70


def test_extremes_of_every_fifth_of_a_second():
    found, pipeline = fed(ROWS, signal="signal")
    got = of(found, link.SIGNAL)
    assert len(got) == 2  # of five frames each; the eleventh is alone
    for i, payload in enumerate(got):
        first, lost, n, channels = struct.unpack("<IIHB", payload[:11])
        assert (first, lost, n, channels) == (5 * i, 0, 5, 3)
        columns = list(zip(*ROWS[5 * i : 5 * i + 5]))
        expected = [f(column) for column in columns for f in (min, max)]
        assert list(struct.unpack("<6h", payload[12:])) == expected
    assert pipeline.frames == 11


def test_extremes_of_sound_are_those_of_several_blocks():
    model = load(tiny_sound.build())
    driver = Feed(16000000, 1, "pcm", 32768, 8000)
    values = [(i * 7919) % 20000 - 10000 for i in range(8000)]
    values[5000], values[5100], values[1], values[3100] = -32768, 32767, -20000, 20000
    driver.feed(struct.pack("<8000h", *values))
    driver.end()
    out = Out()
    telemetry.watch(Pipeline(driver, model), link=link.Link(out), signal="signal")
    got = of(messages(out.data), link.SIGNAL)
    assert [struct.unpack("<IIHB", p[:11]) for p in got] == [
        (3584 * i, 0, 3584, 1) for i in range(2)]  # blocks of 512, 200 ms at least
    assert [struct.unpack("<2h", p[12:]) for p in got] == [(-20000, 20000), (-32768, 32767)]


def raw(found):
    """[(number, row)] of all FRAMES."""
    rows = []
    for payload in of(found, link.FRAMES):
        first, _ = struct.unpack("<II", payload[:8])
        n, channels = struct.unpack("<HB", payload[16:19])
        assert channels == 3 and len(payload) == 20 + 6 * n
        rows += [(first + i, struct.unpack("<3h", payload[20 + 6 * i : 26 + 6 * i]))
                 for i in range(n)]
    return rows


def test_frames_themselves_each_once():
    found, _ = fed(ROWS, signal="frames")
    assert raw(found) == list(enumerate(ROWS))


def test_frames_behind_a_gap_have_their_numbers():
    for at in range(1, 11):
        found, pipeline = fed(ROWS, [(at, 7)], signal="frames")
        expected = [(i + 7 * (i >= at), row) for i, row in enumerate(ROWS)]
        assert raw(found) == expected, at
        assert pipeline.dropped == 7


def test_frames_are_those_of_the_driver_not_of_the_model():
    """Axes and range are the pipeline's business: what is recorded is what came."""
    driver = Feed(25000, 3, "g", 8)
    driver.feed(b"".join(struct.pack("<3h", *row) for row in ROWS))
    driver.end()
    pipeline = Pipeline(driver, load(tiny.build()), (), {"axes": "-y x z"})
    out = Out()
    telemetry.watch(pipeline, link=link.Link(out), signal="frames")
    assert raw(messages(out.data)) == list(enumerate(ROWS))


def test_inputs_are_what_features_made():
    found, _ = fed([(256 * i, 0, -256) for i in range(4)], inputs=True)
    (payload,) = of(found, link.INPUT)
    window, size = struct.unpack("<II", payload[:8])
    at, zero = struct.unpack("<HH", payload[16:20])
    assert (window, size, at, zero) == (1, 12, 0, 0)
    assert struct.unpack("<12b", payload[20:]) == (0, 0, -1, 1, 0, -1, 2, 0, -1, 3, 0, -1)


def test_a_large_input_is_cut():
    model = load(tiny.build(window=400, hop=2))
    found, _ = fed([(256, 0, 0)] * 240, model=model, inputs=True)
    assert not of(found, link.INPUT)
    driver = Feed(25000, 3, "g", 4, 500)
    driver.feed(struct.pack("<3h", 256, 0, 0) * 400)
    driver.end()
    out = Out()
    telemetry.watch(Pipeline(driver, model), link=link.Link(out), inputs=True)
    (payload,) = of(messages(out.data), link.INPUT)
    assert struct.unpack("<II", payload[:8]) == (1, 1200) and len(payload) == 1024


def test_scores_do_not_depend_on_what_is_sent():
    rows = [(i * 997 % 30000, i * 331 % 20000, 5) for i in range(60)]
    plain = of(fed(rows)[0], link.SCORES)
    tapped, pipeline = fed(rows, signal="signal", inputs=True)
    assert [p[20:] for p in of(tapped, link.SCORES)] == [p[20:] for p in plain]
    assert len(plain) == 29
    before = pipeline.features.run
    assert before == pipeline.model.features.run  # nothing is left behind
    assert not isinstance(getattr(before, "__self__", pipeline.features), telemetry.Tap)


def test_without_the_block_of_extremes_frames_come():
    kept = telemetry._extremes
    telemetry._extremes = lambda channels, n: None
    try:
        assert raw(fed(ROWS, signal="signal")[0]) == list(enumerate(ROWS))
    finally:
        telemetry._extremes = kept


def test_counters():
    found, pipeline = fed(ROWS, [(6, 7)])
    last = of(found, link.STATUS)[-1]
    assert struct.unpack("<II", last[:8]) == (11, 7)
    assert struct.unpack("<5I", last[16:]) == (pipeline.windows, pipeline.inferences,
                                               pipeline.events, 0, 0)
    assert json.loads(of(found, link.END)[0])["why"] == "done"


def test_a_break_is_told_and_taps_are_taken_out():
    class Pressed(Feed):
        def read_into(self, buf):
            if self.waiting == 0:
                raise KeyboardInterrupt
            return Feed.read_into(self, buf)

    driver = Pressed(25000, 3, "g", 4)
    driver.feed(b"".join(struct.pack("<3h", *row) for row in ROWS[:3]))
    out = Out()
    telemetry.watch(Pipeline(driver, load(tiny.build())), link=link.Link(out), signal="frames")
    found = messages(out.data)
    assert json.loads(of(found, link.END)[0])["why"] == "stopped"
    assert raw(found) == list(enumerate(ROWS[:3]))


def test_sending_takes_no_heap():
    """But for a checksum beyond 30 bits, 32 bytes on boards whose integers end there."""
    if not MICROPYTHON:
        skip("the heap is watched on MicroPython")
    for choice in (("", False), ("signal", False), ("frames", True), ("signal", True)):
        driver = Feed(25000, 3, "g", 4)
        data = bytes(tiny.window(9000)[:12])
        pipeline = Pipeline(driver, load(tiny.build()))
        sender = link.Link(Nothing())
        tap = telemetry.Tap(pipeline, sender, *choice) if choice != ("", False) else None
        sent = 0
        for windows in (20, 20 + WINDOWS):
            gc.collect()
            gc.disable()
            start, before = gc.mem_alloc(), sender._sequence
            while pipeline.windows < windows:
                driver.feed(data)
                pipeline.step()
                sender.scores(pipeline.windows, pipeline.dropped, pipeline.model.scores)
            taken, sent = gc.mem_alloc() - start, sender._sequence - before
            gc.enable()
        assert sent >= WINDOWS
        assert taken <= (64 * sent if link.crc32(b"1", 0) > 0x3FFFFFFF and big() else 0), (
            choice, taken, sent)
        if tap:
            tap.close()


def big():
    """Whether an integer of 32 bits lives on the heap here."""
    gc.collect()
    before = gc.mem_alloc()
    kept = [1 << (30 + i % 2) for i in range(20)]
    return gc.mem_alloc() - before > 20 * 12 and len(kept) == 20
