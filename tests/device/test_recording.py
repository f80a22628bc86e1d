"""Recordings: written, read, damaged."""

import struct

from expect import exists, frames, numbers, path, raises, read, write
from tinysense.errors import RecordingError
from tinysense.recording import BLOCK, HEADER, Reader, Writer


def record(name, counts, channels=3, **options):
    full = path(name)
    with Writer(full, options.pop("rate_mhz", 25000), channels, "g", 4 / 32768, "circle") as w:
        for key, value in options.items():
            setattr(w, key, value)
        at = 0
        for count in counts:
            w.write(frames(*range(at, at + count * channels)), count)
            at += count * channels
    return full


def blocks(source, **options):
    """(index, first, count, missing, numbers) of every block."""
    with Reader(source, **options) as r:
        return [(b.index, b.first, b.count, b.missing, numbers(b.frames)) for b in r]


def test_blocks_hold_what_was_written():
    room = (BLOCK - HEADER) // 6
    for total in (1, room - 1, room, room + 1, 2 * room, 2 * room + 5):
        for chunk in (1, 7, total):
            counts = [chunk] * (total // chunk) + ([total % chunk] if total % chunk else [])
            full = record("hold.tsr", counts)
            got = blocks(full)
            assert [n for b in got for n in b[4]] == [i & 0xFFFF for i in range(3 * total)]
            assert [b[0] for b in got] == list(range(len(got)))
            assert [b[1] for b in got] == [room * i for i in range(len(got))]
            assert len(read(full)) == BLOCK * len(got)


def test_block_fields():
    full = path("fields.tsr")
    with Writer(full, 25000, 1, "deg/s", 0.5, "grün", utc_us=10**15) as w:
        w.measured_rate_mhz = 24900
        w.write(frames(1, 2), 2, time_us=5000000)
        w.write(frames(3), 1, dropped=10)
    with Reader(full) as r:
        b = next(r)
        assert (b.rate_mhz, b.measured_rate_mhz, b.channels, b.units) == (25000, 24900, 1, "deg/s")
        assert (b.scale, b.label, b.lost, b.time_us, b.utc_us) == (0.5, "grün", 0, 5000000, 10**15)
        first = b.id
        b = next(r)
        assert (b.lost, b.first, b.missing, b.id) == (10, 12, 10, first)
        assert (b.time_us, b.utc_us) == (5000000 + 12 * 40000, 10**15 + 12 * 40000)
        assert (r.gaps, r.missing) == (1, 10)


def test_device_time_goes_on_by_the_rate():
    full = path("time.tsr")
    with Writer(full, 1000, 1, "g", 1.0) as w:
        w.write(frames(*range(2500)), 2500, time_us=7)
    with Reader(full) as r:
        assert [b.time_us for b in r] == [7, 2000 * 1000000 + 7]


def test_the_name_comes_last():
    full = path("late.tsr")
    w = Writer(full, 25000, 1, "g", 1.0)
    w.write(frames(1), 1)
    assert not exists(full) and exists(full + ".part")
    w.close()
    w.close()
    assert exists(full) and not exists(full + ".part")


def test_an_exception_leaves_the_part():
    full = path("broken.tsr")
    try:
        with Writer(full, 25000, 1, "g", 1.0) as w:
            w.write(frames(*range(3000)), 3000)
            raise KeyError
    except KeyError:
        pass
    assert not exists(full)
    assert len(blocks(full + ".part")) == 1  # 2000 of the 3000: the whole blocks


def test_a_recording_replaces_an_older_one():
    record("again.tsr", [1])
    with open(record("again2.tsr", [2]), "rb") as f:
        assert len(f.read()) == BLOCK
    full = record("again.tsr", [5])
    assert blocks(full)[0][2] == 5


def test_truncated():
    full = record("cut.tsr", [1500])
    data = read(full)
    for n in (1, HEADER - 1, BLOCK - 1, BLOCK + 1, 2 * BLOCK - 1):
        write(full, data[:n])
        raises(RecordingError, ("block %d" % (n // BLOCK), "cut short", "4096"), blocks, full)
        with Reader(full, skip_damaged=True) as r:
            assert len(list(r)) == n // BLOCK
            assert r.damaged == 1
    write(full, b"")
    raises(RecordingError, ("cut.tsr", "empty"), blocks, full)


def test_every_flipped_bit_is_found():
    full = record("flip.tsr", [20])
    data = read(full)
    for at in list(range(HEADER + 20 * 6)):
        damaged = bytearray(data)
        damaged[at] ^= 1 << at % 8
        write(full, damaged)
        raises(RecordingError, "block 0", blocks, full)


def test_damaged_blocks_are_skipped_and_counted():
    full = record("skip.tsr", [666 * 4])
    data = bytearray(read(full))
    data[BLOCK + 200] ^= 4
    write(full, data)
    raises(RecordingError, ("block 1", "checksum"), blocks, full)
    with Reader(full, skip_damaged=True) as r:
        got = [(b.index, b.missing) for b in r]
        assert got[:2] == [(0, 0), (2, 666)]
        assert (r.damaged, r.gaps, r.missing) == (1, 1, 666)


def test_future_version():
    full = record("future.tsr", [1])
    data = bytearray(read(full))
    struct.pack_into("<H", data, 4, 2)
    write(full, data)
    raises(RecordingError, ("version 1, got 2", "update tinysense"), blocks, full)


def test_not_a_recording():
    full = path("text.tsr")
    write(full, b"x,y,z\n" * 1000)
    raises(RecordingError, "not a .tsr", blocks, full)


def test_blocks_of_two_recordings():
    one, two = record("one.tsr", [1500]), record("two.tsr", [1500])
    data = read(one)[:BLOCK] + read(two)[BLOCK:]
    write(one, data)
    raises(RecordingError, ("block 1", "another recording"), blocks, one)


def test_blocks_in_the_wrong_order():
    full = record("order.tsr", [1500])
    data = read(full)
    write(full, data[BLOCK : 2 * BLOCK] + data[:BLOCK])
    raises(RecordingError, ("block 1", "back in time"), blocks, full)


def test_rewind():
    with Reader(record("rewind.tsr", [1500])) as r:
        first = [b.first for b in r]
        r.rewind()
        assert [b.first for b in r] == first


def test_writer_refuses():
    for rate_mhz, channels, units, label in ((0, 1, "g", ""), (25000, 0, "g", ""),
                                             (25000, 17, "g", ""), (25000, 1, "G", ""),
                                             (25000, 1, "g", "x" * 33), (1 << 32, 1, "g", "")):
        raises(RecordingError, (), Writer, path("no.tsr"), rate_mhz, channels, units, 1.0, label)
        assert not exists(path("no.tsr"))
    with Writer(path("no.tsr"), 25000, 2, "g", 1.0) as w:
        raises(RecordingError, ("2 frames of 4 bytes", "got 6"), w.write, bytearray(6), 2)
