"""Replay of recordings, and frames that are pushed in."""

import struct
from binascii import crc32

from expect import frames, numbers, path, raises, write
from tinysense.drivers.replay import Feed, Replay
from tinysense.errors import RecordingError
from tinysense.recording import BLOCK, Writer


def recording(name, parts, channels=2, rate_mhz=25000):
    """parts: (count, dropped before); frame i holds (i, -i), dropped ones counted."""
    full = path(name)
    at = 0
    with Writer(full, rate_mhz, channels, "g", 4, "ring") as w:
        for count, dropped in parts:
            at += dropped
            data = frames(*[v for i in range(at, at + count) for v in (i, -i)])
            w.write(data, count, dropped)
            at += count
    return full


def drain(driver, room=7, reads=1000000):
    """The first number of every frame until the driver gives none."""
    buf = bytearray(2 * driver.channels * room)
    out = []
    while reads > 0:
        n = driver.read_into(buf)
        if n == 0:
            break
        out += numbers(buf[: 2 * driver.channels * n])[:: driver.channels]
        reads -= 1
    return out


def test_replay_gives_all_frames():
    for count in (1, 6, 7, 8, 975, 976, 977, 1000, 1001, 2500):  # 976 frames of 2 fill a block
        d = Replay(recording("all.tsr", [(count, 0)]), realtime=False)
        assert drain(d) == list(range(count)), count
        assert d.done and d.dropped == 0


def test_replay_says_what_was_recorded():
    d = Replay(recording("what.tsr", [(5, 0)]))
    assert (d.rate_mhz, d.channels, d.units, d.full_scale, d.label) == (25000, 2, "g", 4, "ring")


def test_replay_of_version_1_and_of_two_units():
    full = path("old.tsr")
    write(full, version_1(0, 9, 0) + version_1(1, 5, 4))
    d = Replay(full, realtime=False)
    assert (d.units, d.full_scale, d.scale) == ("g", 4, 4 / 32768)
    assert drain(d) == list(range(9)) + list(range(13, 18)) and d.dropped == 4
    with Writer(path("two.tsr"), 25000, 2, ("g", "degC"), (4, 128)) as w:
        w.write(frames(1, 2, 3, 4), 2)
    d = Replay(w.path, realtime=False)
    assert (d.units, d.full_scale, d.scale) == (("g", "degC"), (4, 128), (4 / 32768, 128 / 32768))
    assert drain(d) == [1, 3]


def version_1(index, count, lost):
    """One block of one channel as version 1 had it."""
    data = bytearray(BLOCK)
    first = 9 * index + lost
    struct.pack_into("<4sHHIIQQQIIfIHBB32s", data, 0, b"TSR\x1a", 1, 96, 7, index, first, 0, 0,
                     25000, 0, 4 / 32768, lost, count, 1, 1, b"ring")
    data[96 : 96 + 2 * count] = frames(*range(first, first + count))
    struct.pack_into("<I", data, 92, crc32(data[96 : 96 + 2 * count], crc32(data[:92])))
    return data


def test_gaps_become_dropped_frames():
    d = Replay(recording("gaps.tsr", [(10, 0), (10, 5), (10, 7)]), realtime=False)
    buf = bytearray(2 * 2 * 100)
    seen = [(d.read_into(buf), d.dropped) for _ in range(4)]
    # the frames before a gap come alone, the gap is told with those after it
    assert seen == [(10, 0), (10, 5), (10, 12), (0, 12)]


def test_frames_never_mix_across_a_gap():
    d = Replay(recording("mix.tsr", [(10, 0), (10, 5)]), realtime=False)
    buf = bytearray(2 * 2 * 100)
    n = d.read_into(buf)
    assert numbers(buf[: 4 * n])[::2] == list(range(10))
    n = d.read_into(buf)
    assert numbers(buf[: 4 * n])[::2] == list(range(15, 25))


def test_loop_begins_again():
    d = Replay(recording("loop.tsr", [(10, 0), (3, 2)]), loop=True, realtime=False)
    once = list(range(10)) + [12, 13, 14]
    assert drain(d, 4, 12)[:39] == (once * 3)[:39]
    assert not d.done
    d.close()
    assert drain(d) == []
    assert d.done


def test_realtime_is_paced():
    d = Replay(recording("pace.tsr", [(50, 0)], rate_mhz=1000))
    assert drain(d) == [0]  # one frame per second: the second one is far off


def test_damage_is_found_when_it_opens():
    full = recording("bad.tsr", [(2500, 0)])
    with open(full, "rb") as f:
        data = bytearray(f.read())
    data[BLOCK + 904] ^= 1
    write(full, data)
    raises(RecordingError, ("bad.tsr", "block 1", "checksum"), Replay, full)
    write(full, b"")
    raises(RecordingError, "empty", Replay, full)


def test_feed_is_a_ring():
    for room in (1, 2, 3, 5):
        d = Feed(25000, 1, "g", 4, capacity=5)
        sent, got = 0, []
        for chunk in (1, 4, 2, 5, 3, 1, 5, 4) * 3:
            taken = d.feed(frames(*range(sent, sent + chunk)))
            sent += taken
            got += drain(d, room, 2)
        d.end()
        got += drain(d, room)
        assert got == list(range(sent)), room
        assert d.done


def test_feed_takes_what_there_is_room_for():
    d = Feed(25000, 2, "g", 4, capacity=3)
    assert d.feed(frames(1, 1, 2, 2)) == 2
    assert d.feed(frames(3, 3, 4, 4)) == 1
    assert d.feed(frames(9, 9)) == 0
    assert d.waiting == 3
    assert drain(d) == [1, 2, 3]
    assert not d.done
    d.end()
    assert d.done


def test_feed_tells_a_gap_where_it_was():
    d = Feed(25000, 1, "g", 4, capacity=9)
    buf = bytearray(2 * 9)
    d.feed(frames(1, 2))
    d.feed(frames(5, 6), dropped=2)
    d.feed(frames(10), dropped=3)
    assert (d.read_into(buf), d.dropped) == (2, 0)
    assert (d.read_into(buf), d.dropped) == (3, 5)
    d.feed(b"", dropped=4)
    assert (d.read_into(buf), d.dropped) == (0, 9)


def test_feed_of_two_units():
    d = Feed(25000, 2, ("g", "degC"), (4, 128))
    assert (d.units, d.full_scale, d.scale) == (("g", "degC"), (4, 128), (4 / 32768, 128 / 32768))
    raises(RecordingError, ("2 values", "got 3"), Feed, 25000, 2, ("g", "g", "g"), 4)


def test_feed_refuses_unknown_units():
    raises(RecordingError, ("units", "'furlong'"), Feed, 25000, 1, "furlong", 4)
