"""Random and hostile streams into the receiver: nothing but its own end, inside its folder only,
and no memory kept."""

import gc
import os
import struct

from expect import MICROPYTHON
from receiver_host import Memory, Stream, opening, request
from tinysense import receiver

ON_BOARD = MICROPYTHON and not hasattr(os, "getenv")
FULL = not ON_BOARD and os.getenv("TINYSENSE_FULL") == "1"
STREAMS = 100 if ON_BOARD else 10000 if MICROPYTHON or FULL else 1000
ROOM = 6000  # bytes of its file system
PATHS = (b"a", b"/a", b"..", b"../x", b"a/../../x", b"", b"/", b"a/", b"\0", b"a\0/../x",
         b"\xff\xfe", b"..\\x", b"c:/x", b"." * 300, b"a/" * 200 + b"b", b"/../" * 50,
         b"\xc0\xae\xc0\xae/x", b"~/x")
SIZES = (0, 1, 3, 255, 1020, 1024, 4096, 0x3FFFFFFF, 0x40000000, 0x7FFFFFFF, 0x80000000,
         0xFFFFFFFF)
CALLS = (b'["info", {}]', b"[1]", b"{}", b"[[[[[[", b'["a", [', b'["__import__", {}]', b"\x00")
DEFLATED = b"\xed\xc11\x01\x00\x00\x00\xc2\xa0\xac\xeb_\xc2\x14~@\x01\x00\x00\x00\x00o\x03"


class Random:
    """Xorshift in 30 bits, so that every Python draws the same."""

    def __init__(self, seed):
        self.state = seed * 2654435 % 1073741789 + 1

    def below(self, n):
        x = self.state
        x ^= x << 7 & 0x3FFFFFFF
        x ^= x >> 9
        x ^= x << 8 & 0x3FFFFFFF
        self.state = x
        return (x >> 3) % n

    def bytes(self, n):
        return bytes([self.below(256) for _ in range(n)])

    def one(self, choices):
        return choices[self.below(len(choices))]


def payload(random, kind):
    """What a host might send with a request, and what only an enemy would."""
    size, path = struct.pack("<I", random.one(SIZES)), random.one(PATHS)
    at = struct.pack("<I", random.one((0, 0, 0, 3, 900)))
    data = b"abc" * random.below(300)
    return random.one({
        2: (opening(data, random.one(("a", "b", "../a"))), size + random.bytes(32) + path),
        3: (at + data, at + data, size + data, at + DEFLATED),
        5: (size + at + path, at + size + path),
        6: (size + path,),
        7: CALLS,
    }.get(kind, (random.bytes(random.below(40)), b"")))


def frames(random):
    out = b""
    for number in range(1 + random.below(5)):
        kind = random.one((1, 2, 2, 3, 3, 3, 4, 5, 6, 7, 8, random.below(256)))
        out += request(kind, random.one((number, number, random.below(65536))),
                       payload(random, kind), random.one((0, 0, 1, 255)))
    return out


def mutated(random, data):
    data = bytearray(data)
    for _ in range(1 + random.below(4)):
        at, what = random.below(len(data)), random.below(4)
        if what == 0:
            data[at] ^= 1 << random.below(8)
        elif what == 1:
            data = data[:at] + data[at + random.below(60) :]
        elif what == 2:
            data = data[:at] + data[at : at + random.below(60)] + data[at:]
        else:
            data = data[:at] + random.bytes(random.below(20)) + data[at:]
        if not data:
            return b"\xa5"
    return bytes(data)


def stream(random):
    what = random.below(10)
    if what == 0:
        return random.bytes(random.below(400))
    if what == 1:
        n = random.below(1100)
        return b"\xa5\x5a" + bytes([128 | n & 127, 128 | n >> 7]) + random.bytes(random.below(300))
    if what < 6:
        return frames(random)
    return mutated(random, frames(random)) + frames(random)


def inside(path):
    return path[:3] == "/r/" and ".." not in path.split("/") and not set(path) & {"\\", "\0"}


def attack(random):
    files = Memory({"/r/a": b"abc" * 100, "/r/b.part": b"abc" * 7, "/x": b"theirs"}, ROOM)
    line = Stream(stream(random))
    receiver.os, receiver.open = files, files.open
    try:
        receiver.Receiver(line.read, line.write, "/r").serve()
    except OSError as e:
        assert e.args[0] == 5, e  # the end of the stream
    assert all(inside(path) for path in files.paths), files.paths
    assert files.held["/x"] == b"theirs"
    assert files.opened == files.closed
    assert sum(len(data) for data in files.held.values()) <= ROOM
    assert len(line.out) < 100000


def test_streams_from_hell():
    kept = receiver.os
    held = None
    try:
        for seed in range(STREAMS):
            try:
                attack(Random(seed))
            except BaseException:
                print("stream", seed)
                raise
            if seed % 100 == 50 and hasattr(gc, "mem_alloc"):
                gc.collect()
                held = held or gc.mem_alloc()
                assert gc.mem_alloc() < held + 4000
    finally:
        receiver.os = kept
        del receiver.open
