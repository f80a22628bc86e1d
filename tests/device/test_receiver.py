"""The receiver of blocks: files in and out, repeats, damage, and what it refuses."""

import struct
from binascii import crc32
from hashlib import sha256

from expect import skip
from receiver_host import (
    BYE,
    CALL,
    CLOSE,
    DAMAGED,
    DATA,
    FAULT,
    HELLO,
    OPEN,
    READ,
    SUM,
    Memory,
    answers,
    opening,
    request,
    serve,
)
from tinysense import receiver

DATA_3 = bytes(range(256)) * 5 + b"\x03" * 300  # all bytes, and many of the one that is stuffed
ALL = (0xFFFFFFFF).to_bytes(4, "little")


def u32(n):
    return struct.pack("<I", n)


def put(data, path, first=1, begin=0, size=1000):
    """The frames of a whole put from byte `begin` on."""
    out, number = request(OPEN, first, opening(data, path)), first + 1
    for at in range(begin, max(len(data), 1), size):
        out += request(DATA, number, u32(at) + data[at : at + size])
        number += 1
    return out + request(CLOSE, number)


def last(found):
    return found[-1][0], found[-1][4]


def test_it_greets_with_what_it_is():
    found = serve(Memory(), b"")
    assert found[0][:4] == (0x40 + HELLO, 1, 0, 0)
    version, inflates, most = struct.unpack("<BBH", found[0][4])
    assert (version, most) == (1, 1024) and inflates in (0, 1)


def test_a_file_gets_its_name_when_it_is_whole():
    for data in (b"", b"x", DATA_3):
        files = Memory()
        found = serve(files, put(data, "a"))
        assert files.held == {"/r/a": data}
        assert [f[0] for f in found[1:]] == [0x40 + k for k in [OPEN] + [DATA] * (len(found) - 3)
                                             + [CLOSE]]
        assert struct.unpack("<I", found[-2][4])[0] == len(data)


def test_a_line_that_goes_away_leaves_the_old_file_and_a_part():
    files = Memory({"/r/a": b"old"})
    whole = put(DATA_3, "/a")
    serve(files, whole[: len(whole) * 3 // 4])
    assert files.held["/r/a"] == b"old"
    assert files.held["/r/a.part"] == DATA_3[:1000]


def test_a_part_is_gone_on_from():
    for begin in (0, 1, 700):
        files = Memory({"/r/a.part": DATA_3[:700]})
        first = serve(files, request(OPEN, 1, opening(DATA_3, "a")))[-1]
        assert struct.unpack("<BII", first[4]) == (0, 700, crc32(DATA_3[:700]) & 0xFFFFFFFF)
        found = serve(files, put(DATA_3, "a", begin=begin))
        if begin == 1:  # nothing ends there
            assert last(found)[0] == FAULT and "/r/a" not in files.held
        else:
            assert files.held == {"/r/a": DATA_3}


def test_the_same_file_is_known_by_its_hash():
    files = Memory({"/r/a": DATA_3, "/r/a.part": b"left"})
    found = serve(files, request(OPEN, 1, opening(DATA_3, "a")))
    assert found[-1][4][0] == 1
    assert files.held == {"/r/a": DATA_3}
    changed = DATA_3[:-1] + b"x"
    assert serve(files, request(OPEN, 1, opening(changed, "a")))[-1][4][0] == 0


def test_what_has_another_hash_is_not_given_the_name():
    files = Memory({"/r/a": b"old"})
    found = serve(files, request(OPEN, 1, opening(b"good", "a"))
                  + request(DATA, 2, u32(0) + b"evil") + request(CLOSE, 3))
    assert last(found)[0] == FAULT and b"SHA-256" in last(found)[1]
    assert files.held == {"/r/a": b"old"}


def test_a_repeat_is_answered_again_and_not_done_twice():
    files = Memory()
    block = request(DATA, 2, u32(0) + b"abc")
    found = serve(files, request(OPEN, 1, opening(b"abcabc", "a")) + block + block + block)
    assert [f[4] for f in found[2:]] == [u32(3)] * 3
    assert files.held["/r/a.part"] == b"abc"
    end = request(CLOSE, 9)
    found = serve(files, put(b"abcabc", "a", size=3)[: -len(end)] + end + end)
    assert [f[0] for f in found[-2:]] == [0x40 + CLOSE] * 2


def test_a_repeat_after_damage_is_still_the_same_request():
    block = request(DATA, 2, u32(0) + b"abc")
    files = Memory()
    found = serve(files, request(OPEN, 1, opening(b"abcabc", "a")) + block
                  + block[:-1] + bytes([block[-1] ^ 1]) + b"\xff" * 50 + block)
    assert [f[0] for f in found[2:]] == [0x40 + DATA, DAMAGED, 0x40 + DATA]
    assert files.held["/r/a.part"] == b"abc"


def test_every_flipped_bit_is_noticed():
    begin = request(OPEN, 1, opening(b"abc", "a"))
    block = request(DATA, 2, u32(0) + b"a\x03c")
    for i in range(8 * len(block)):
        bad = bytearray(block)
        bad[i // 8] ^= 1 << i % 8
        files = Memory()
        serve(files, begin + bytes(bad))
        assert files.held.get("/r/a.part", b"") == b""


def test_filler_ends_what_a_damaged_length_promised():
    block = bytearray(request(DATA, 2, u32(0) + b"abc"))
    block[3] |= 7  # 900 bytes more than there are
    files = Memory()
    found = serve(files, request(OPEN, 1, opening(b"abc", "a")) + bytes(block) + b"\xff" * 1060
                  + request(DATA, 2, u32(0) + b"abc") + request(CLOSE, 3))
    assert [f[0] for f in found[2:]] == [DAMAGED, 0x40 + DATA, 0x40 + CLOSE]
    assert files.held == {"/r/a": b"abc"}


def test_paths_stay_inside():
    for bad in ("..", "../x", "a/../../x", "/../x", "", "/", "a/", "a\0b", "..\\x", "a\\b"):
        files = Memory({"/x": b"theirs"})
        name = bad.encode()
        stream = (request(OPEN, 1, opening(b"abc", bad)) + request(DATA, 2, u32(0) + b"abc")
                  + request(CLOSE, 3) + request(READ, 4, u32(0) + ALL + name)
                  + request(SUM, 5, ALL + name))
        found = serve(files, stream)
        assert [f[0] for f in found[1:]] == [FAULT] * 5, bad
        assert files.held == {"/x": b"theirs"} and not files.paths
    assert serve(Memory(), request(SUM, 1, ALL + b"\xff\xfe"))[-1][0] == FAULT  # no UTF-8
    found = serve(Memory({"/r/a..b": b"fine"}), request(SUM, 1, ALL + b"a..b"))
    assert found[-1][0] == 0x40 + SUM


def test_a_full_flash_is_told_by_its_number_and_leaves_nothing():
    files = Memory({"/r/a": b"old"}, room=1500)
    found = serve(files, put(DATA_3, "a"))
    faults = [f for f in found if f[0] == FAULT]
    assert struct.unpack("<I", faults[0][4][:4])[0] == 28
    assert files.held == {"/r/a": b"old"}


def test_more_than_was_said_is_refused():
    files = Memory()
    found = serve(files, request(OPEN, 1, opening(b"ab", "a")) + request(DATA, 2, u32(0) + b"abc"))
    assert last(found)[0] == FAULT and files.held == {}


def test_blocks_may_come_deflated():
    if receiver.DeflateIO is None:
        skip("no deflate in this Python")
    # Raw deflate of 5000 times "a", with zlib.compressobj(9, DEFLATED, -10).
    packed = b"\xed\xc11\x01\x00\x00\x00\xc2\xa0\xac\xeb_\xc2\x14~@\x01\x00\x00\x00\x00o\x03"
    data = b"a" * 5000
    files = Memory()
    found = serve(files, request(OPEN, 1, opening(data, "a"))
                  + request(DATA, 2, u32(0) + packed, flags=1) + request(CLOSE, 3))
    assert struct.unpack("<I", found[2][4])[0] == 5000 and files.held == {"/r/a": data}
    for bad in (packed[:-9], b"\x07junk", b""):
        found = serve(Memory(), request(OPEN, 1, opening(data, "a"))
                      + request(DATA, 2, u32(0) + bad, flags=1) + request(CLOSE, 3))
        assert last(found)[0] == FAULT
    files = Memory()  # a few bytes that would be many
    serve(files, request(OPEN, 1, opening(b"a" * 600, "a"))
          + request(DATA, 2, u32(0) + packed, flags=1))
    assert files.held == {}


def test_a_file_is_read_in_pieces():
    files = Memory({"/r/a": DATA_3})
    for at, n in ((0, 5000), (0, 1020), (0, 1021), (7, 9), (1020, 560), (5000, 10), (0, 0)):
        found = serve(files, request(READ, 5, u32(at) + u32(n) + b"a"))[1:]
        assert b"".join(f[4] for f in found) == DATA_3[at : at + n]
        where = at
        for i, (kind, flags, number, offset, piece) in enumerate(found):
            assert (kind, number, offset) == (0x40 + READ, 5, where)
            assert flags == (i == len(found) - 1)
            where += len(piece)


def test_sums_of_a_beginning():
    files = Memory({"/r/a": DATA_3})
    for n in (0, 1, 1024, 1025, len(DATA_3), 0xFFFFFFFF):
        part = DATA_3[: min(n, len(DATA_3))]
        found = serve(files, request(SUM, 1, u32(n) + b"a"))
        assert last(found)[1] == (u32(len(part)) + u32(crc32(part) & 0xFFFFFFFF)
                                  + sha256(part).digest())
    assert struct.unpack("<I", last(serve(files, request(SUM, 1, u32(1) + b"b")))[1][:4])[0] == 2


def test_a_beginning_is_safe_every_16_kib():
    files = Memory()
    serve(files, put(bytes(40000), "a"))
    assert files.flushes == 2


def test_fat_does_not_replace_and_nothing_else_may_be_removed():
    files = Memory({"/r/a": b"old"}, fat=True)
    serve(files, put(b"new", "a"))
    assert files.held == {"/r/a": b"new"}

    class Broken(Memory):
        def rename(self, old, new):
            raise OSError(5, "")

    files = Broken({"/r/a": b"old"})
    assert last(serve(files, put(b"new", "a")))[0] == FAULT
    assert files.held == {"/r/a": b"old", "/r/a.part": b"new"}


def test_further_types_of_request_may_have_long_answers():
    def repeated(p, flags):
        return bytes(p) * flags

    for n in (0, 1019, 1020, 1021, 5000):
        found = serve(Memory(), request(CALL, 1, b"x" * (n // 5), 5) * 2, does={CALL: repeated})[1:]
        assert found[: len(found) // 2] == found[len(found) // 2 :]  # a repeat, answered again
        assert len(b"".join(f[4] for f in found)) == n // 5 * 10
        assert [f[1] for f in found].count(1) == 2 and found[-1][:3] == (0x40 + CALL, 1, 1)
        assert all(f[3] == i * 1020 for i, f in enumerate(found[: len(found) // 2]))


def test_what_it_does_not_know_is_refused_and_bye_ends_it():
    found = serve(Memory(), request(99, 1, b"x") + request(BYE, 2) + request(HELLO, 3))
    assert [f[0] for f in found] == [0x40 + HELLO, FAULT, 0x40 + BYE]


def test_close_without_a_file_does_nothing():
    files = Memory({"/r/a": b"old", "/r/a.part": b"left"})
    assert last(serve(files, request(CLOSE, 1)))[0] == FAULT
    found = serve(files, request(OPEN, 1, opening(b"old", "a")) + request(CLOSE, 2))
    assert last(found)[0] == FAULT and files.held == {"/r/a": b"old"}
    assert last(serve(files, request(DATA, 1, u32(0) + b"abc")))[0] == FAULT


def test_a_short_request_is_refused():
    for kind in (OPEN, DATA, READ, SUM):
        for n in range(4):
            assert serve(Memory(), request(kind, 1, b"a" * n))[-1][0] == FAULT


def test_answers_are_whole_frames():
    assert answers(b"") == []
