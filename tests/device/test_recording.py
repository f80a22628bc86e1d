"""Recordings: written, read, damaged."""

import gc
import struct
from binascii import crc32

from expect import MICROPYTHON, exists, frames, numbers, path, raises, read, skip, write
from tinysense.errors import RecordingError
from tinysense.recording import BLOCK, HEADER, UNITS, Reader, Writer

ROOM = (BLOCK - HEADER) // 2  # frames of one channel in a block
IMU = ("g", "g", "g", "deg/s", "deg/s", "deg/s")
RANGES = (4, 4, 4, 1000, 1000, 1000)


def record(name, counts, channels=3, **options):
    full = path(name)
    with Writer(full, options.pop("rate_mhz", 25000), channels, "g", 4, "circle") as w:
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
    with Writer(full, 25000, 1, "deg/s", 250, "grün", 10**15, "am Tor") as w:
        w.measured_rate_mhz = 24900
        w.write(frames(1, 2), 2, time_us=5000000)
        w.write(frames(3), 1, dropped=10)
    with Reader(full) as r:
        b = next(r)
        assert (b.rate_mhz, b.measured_rate_mhz, b.channels, b.units) == (25000, 24900, 1, "deg/s")
        assert (b.full_scale, b.scale, b.label, b.note) == (250, 250 / 32768, "grün", "am Tor")
        assert (b.lost, b.time_us, b.utc_us, b.version, b.boot) == (0, 5000000, 10**15, 2, 0)
        first = b.id
        b = next(r)
        assert (b.lost, b.first, b.missing, b.id) == (10, 12, 10, first)
        span = 12 * 1000000000 // 24900  # by the measured rate
        assert (b.time_us, b.utc_us) == (5000000 + span, 10**15 + span)
        assert (r.gaps, r.missing) == (1, 10)


def test_device_time_goes_on_by_the_rate():
    full = path("time.tsr")
    with Writer(full, 1000, 1, "g", 1.0) as w:
        w.write(frames(*range(2500)), 2500, time_us=7)
    with Reader(full) as r:
        assert [b.time_us for b in r] == [7, ROOM * 1000000 + 7]


def test_device_time_is_that_of_the_chunk_a_block_begins_in():
    for stamped in (False, True):
        full = path("chunks.tsr")
        with Writer(full, 1000, 1, "g", 1.0, utc_us=10**15) as w:
            for i in range(4):  # the clock says 1.1 s a frame, the rate 1 s
                us = (1 << 40) + 1100000 * 1000 * i
                if stamped:
                    w.write(frames(*range(1000)), 1000, stamp=struct.pack("<Q", us))
                else:
                    w.write(frames(*range(1000)), 1000, time_us=us)
        with Reader(full) as r:
            got = [(b.first, b.time_us - (1 << 40), b.utc_us - 10**15) for b in r]
        one = 1100000 * 1000 + (ROOM - 1000) * 1000000
        two = 1100000 * 3000 + (2 * ROOM - 3000) * 1000000
        assert got == [(0, 0, 0), (ROOM, one, one), (2 * ROOM, two, two)], got


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
    assert len(blocks(full + ".part")) == 1  # of the 3000: the whole blocks


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
    for data, header in ((read(record("flip.tsr", [20])), HEADER), (version_1(20), 96)):
        full = path("flip.tsr")
        for at in range(header + 20 * 6):
            damaged = bytearray(data)
            damaged[at] ^= 1 << at % 8
            write(full, damaged)
            raises(RecordingError, "block 0", blocks, full)


def version_1(count, **changes):
    """A recording of version 1, as it was written then: one block of three channels."""
    fields = {"version": 1, "scale": 4 / 32768, "channels": 3, "units": 1, "label": b"circle"}
    fields.update(changes)
    data = bytearray(BLOCK)
    struct.pack_into("<4sHHIIQQQIIfIHBB32s", data, 0, b"TSR\x1a", fields["version"], 96, 77, 0, 0,
                     5, 10**15, 25000, 24900, fields["scale"], 0, count, fields["channels"],
                     fields["units"], fields["label"])
    data[96 : 96 + 6 * count] = frames(*range(3 * count))
    struct.pack_into("<I", data, 92, crc32(data[96 : 96 + 6 * count], crc32(data[:92])))
    return data


def test_version_1_can_still_be_read():
    full = path("old.tsr")
    write(full, version_1(9))
    with Reader(full) as r:
        b = next(r)
        assert (b.version, b.id, b.rate_mhz, b.measured_rate_mhz, b.time_us, b.utc_us) == (
            1, 77, 25000, 24900, 5, 10**15)
        assert (b.channels, b.units, b.full_scale, b.scale) == (3, "g", 4, 4 / 32768)
        assert (b.label, b.note, b.boot, b.count) == ("circle", "", 0, 9)
        assert numbers(b.frames) == list(range(27))
    for changes in ({"units": len(UNITS)}, {"scale": 0.0}, {"scale": float("nan")}, {"channels": 0},
                    {"channels": 17}, {"label": b"\xff"}):
        write(full, version_1(9, **changes))
        raises(RecordingError, "block 0", blocks, full)


def test_channels_of_different_units():
    full = path("imu.tsr")
    with Writer(full, 100000, 6, IMU, RANGES, boot=0xFFFFFFFE) as w:
        w.write(frames(1, 2, 3, -4, -5, -6), 1)
    with Reader(full) as r:
        b = next(r)
        assert (b.units, b.full_scale, b.boot) == (IMU, RANGES, 0xFFFFFFFE)
        assert b.scale == tuple([v / 32768 for v in RANGES])
        assert numbers(b.frames) == [1, 2, 3, -4, -5, -6]
    assert read(full)[59:76] == bytes((2, 3, 1, 0, 0)) + struct.pack("<fBBHf", 4, 3, 3, 0, 1000)


def test_at_most_four_runs():
    four = ("g", "degC", "Pa", "%RH")
    with Writer(path("four.tsr"), 1000, 4, four, 8) as w:
        w.write(frames(1, 2, 3, 4), 1)
    with Reader(w.path) as r:
        b = next(r)
        assert (b.units, b.full_scale) == (four, 8)
    raises(RecordingError, ("at most 4 runs", "got 5", "side by side"), Writer, path("no.tsr"),
           1000, 5, ("g", "degC", "g", "degC", "g"), 8)
    raises(RecordingError, "got 5", Writer, path("no.tsr"), 1000, 5, "g", (1, 2, 3, 4, 5))
    raises(RecordingError, ("5 values", "got 2"), Writer, path("no.tsr"), 1000, 5, ("g", "g"), 8)


def sealed(data, at, layout, *values):
    """The block with some bytes changed and a checksum that fits."""
    out = bytearray(data[:BLOCK])
    struct.pack_into(layout, out, at, *values)
    end = HEADER + 2 * out[58] * struct.unpack("<H", out[56:58])[0]
    struct.pack_into("<I", out, 188, crc32(out[HEADER:end], crc32(out[:188])))
    return out


def test_hostile_headers():
    full = path("hostile.tsr")
    with Writer(full, 25000, 4, ("g", "g", "g", "degC"), 4, "circle", 0, "here") as w:
        w.write(frames(1, 2, 3, 4), 1)
    data = read(full)
    assert sealed(data, 124, "<4s", b"here") == data
    for at, layout, value, parts in (
            (58, "<B", 0, "damaged"), (58, "<B", 17, "damaged"), (58, "<B", 5, "expected 5"),
            (59, "<B", 0, "0 channels, expected 4"), (59, "<B", 1, "3 channels"),
            (59, "<B", 3, "full scale"), (59, "<B", 5, "damaged"), (59, "<B", 255, "damaged"),
            (60, "<B", 0, "expected 4"), (60, "<B", 4, "expected 4"), (60, "<B", 255, "expected 4"),
            (61, "<B", len(UNITS), "update"), (61, "<B", 255, "update"),
            (64, "<f", 0.0, "full scale"), (64, "<f", -1.0, "full scale"),
            (64, "<f", float("nan"), "full scale"), (64, "<f", float("inf"), "full scale"),
            (40, "<I", 0, "damaged"),
            (56, "<H", 489, "damaged"), (56, "<H", 65535, "damaged"), (6, "<H", 96, "damaged"),
            (6, "<H", 4096, "damaged"), (92, "<B", 0xFF, "label is not UTF-8"),
            (124, "<B", 0xC3, "note is not UTF-8"), (4, "<H", 3, "expected .tsr version 2, got 3"),
            (4, "<H", 0, "got 0"), (4, "<H", 65535, "got 65535"), (0, "<B", 0, "not a .tsr")):
        write(full, sealed(data, at, layout, value))
        raises(RecordingError, ("block 0", parts), blocks, full)


def test_sync_says_what_is_durable():
    full = path("sync.tsr")
    with Writer(full, 25000, 1, "g", 1.0) as w:
        assert w.sync() == 0
        w.write(frames(*range(ROOM)), ROOM - 1)
        assert w.sync() == 0  # a block is never appended to
        w.write(frames(1), 1)
        assert w.sync() == 1 and len(read(full + ".part")) == BLOCK
        w.write(frames(1), 1, dropped=1)
        assert w.sync() == 1
    assert len(read(full)) == 2 * BLOCK


def test_a_short_block_after_a_full_one_is_padded_with_zeros():
    full = path("padded.tsr")
    with Writer(full, 25000, 1, "g", 1.0) as w:
        for count, dropped in ((ROOM, 0), (5, 1), (900, 1), (2, 1)):
            w.write(frames(*[-1] * count), count, dropped)
    data = read(full)
    for i, count in enumerate((ROOM, 5, 900, 2)):
        payload = data[i * BLOCK + HEADER : (i + 1) * BLOCK]
        assert payload == b"\xff" * (2 * count) + bytes(2 * (ROOM - count)), i


def test_small_chunks_take_no_heap():
    if not MICROPYTHON:
        skip("the heap is watched on MicroPython")
    chunk, stamp = frames(*range(60)), bytearray(8)
    with Writer(path("heap.tsr"), 25000, 6, IMU, RANGES) as w:
        w.write(chunk, 10, 0, -1, stamp)
        gc.collect()
        gc.disable()
        try:
            start = gc.mem_alloc()
            for i in range(30):
                w.write(chunk, 1 + i % 10, 0, -1, stamp)
            assert gc.mem_alloc() == start
        finally:
            gc.enable()


def test_damaged_blocks_are_skipped_and_counted():
    full = record("skip.tsr", [650 * 4])
    data = bytearray(read(full))
    data[BLOCK + 300] ^= 4
    write(full, data)
    raises(RecordingError, ("block 1", "checksum"), blocks, full)
    with Reader(full, skip_damaged=True) as r:
        got = [(b.index, b.missing) for b in r]
        assert got[:2] == [(0, 0), (2, 650)]
        assert (r.damaged, r.gaps, r.missing) == (1, 1, 650)


def test_future_version():
    full = record("future.tsr", [1])
    data = bytearray(read(full))
    struct.pack_into("<H", data, 4, 3)
    write(full, data)
    raises(RecordingError, ("version 2, got 3", "update tinysense"), blocks, full)


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
    for full_scale in (0, -1, 1e30, float("nan"), float("inf")):
        raises(RecordingError, "full_scale", Writer, path("no.tsr"), 25000, 1, "g", full_scale)
    for label, note, boot in (("ü" * 17, "", 0), ("", "x" * 61, 0), ("", "", 1 << 32),
                              ("", "", -1)):
        raises(RecordingError, (), Writer, path("no.tsr"), 25000, 1, "g", 1.0, label, 0, note, boot)
        assert not exists(path("no.tsr"))
    with Writer(path("no.tsr"), 25000, 2, "g", 1.0) as w:
        raises(RecordingError, ("2 frames of 4 bytes", "got 6"), w.write, bytearray(6), 2)
