"""The host's end of the block protocol and a file system in memory, for tests of the receiver."""

import struct
from binascii import crc32
from hashlib import sha256

from tinysense import receiver

HELLO, OPEN, DATA, CLOSE, READ, SUM, CALL, BYE = range(1, 9)
DAMAGED, FAULT = 0x7E, 0x7F


def stuffed(data):
    """COBS for the value 3: what a frame carries of its body."""
    out, run = bytearray(), bytearray()
    for byte in data:
        if byte != 3:
            run.append(byte)
        if byte == 3 or len(run) == 254:
            out.append({2: 0}.get(len(run), len(run) + 1))
            out.extend(run)
            run = bytearray()
    out.append({2: 0}.get(len(run), len(run) + 1))
    return bytes(out + run)


def request(kind, number, payload=b"", flags=0):
    """A frame as the host sends it."""
    body = struct.pack("<BBH", kind, flags, number) + payload
    coded = stuffed(body + struct.pack("<I", crc32(body) & 0xFFFFFFFF))
    assert 3 not in coded
    return b"\xa5\x5a" + bytes([128 | len(coded) & 127, 128 | len(coded) >> 7]) + coded


def answers(data):
    """[(type, flags, number, offset, bytes)] of what the receiver sent, which must be frames."""
    found, at = [], 0
    while at < len(data):
        sync, kind, flags, number, n = struct.unpack("<HBBHH", data[at : at + 8])
        assert sync == 0x5AA5 and n <= 1024, (at, sync, n)
        body = data[at + 2 : at + 8 + n]
        assert struct.unpack("<I", data[at + 8 + n : at + 12 + n])[0] == crc32(body) & 0xFFFFFFFF
        found.append((kind, flags, number, struct.unpack("<I", body[6:10])[0], bytes(body[10:])))
        at += 12 + n
    return found


def opening(data, path):
    """The payload of OPEN for a file that is to hold data."""
    return struct.pack("<I", len(data)) + sha256(data).digest() + path.encode()


class Stream:
    """What the host sends, all of it there from the beginning; then the line is gone."""

    def __init__(self, data=b""):
        self.data, self.at, self.out = data, 0, bytearray()

    def read(self, buf):
        n = min(len(buf), len(self.data) - self.at)
        buf[:n] = self.data[self.at : self.at + n]
        self.at += n
        return n

    def write(self, data):
        self.out.extend(data)
        return len(data)


class File:
    """An open file of Memory."""

    def __init__(self, files, path, mode):
        self.files, self.path = files, path
        if mode == "rb":
            files.stat(path)
        elif mode == "wb" or path not in files.held:
            files.held[path] = bytearray()
        self.at = 0

    def readinto(self, buf):
        piece = self.files.held[self.path][self.at : self.at + len(buf)]
        buf[: len(piece)] = piece
        self.at += len(piece)
        return len(piece)

    def write(self, data):
        if sum(len(d) for d in self.files.held.values()) + len(data) > self.files.room:
            raise OSError(28, "")
        self.files.held[self.path].extend(data)
        return len(data)

    def seek(self, at):
        self.at = at

    def flush(self):
        self.files.flushes += 1

    def close(self):
        self.files.closed += 1

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


class Memory:
    """A file system; `paths` are all that were touched. fat: a rename replaces nothing."""

    def __init__(self, held=None, room=100000, fat=False):
        self.held = {name: bytearray(data) for name, data in (held or {}).items()}
        self.room, self.fat = room, fat
        self.paths, self.opened, self.closed, self.flushes = set(), 0, 0, 0

    def open(self, path, mode):
        self.paths.add(path)
        file = File(self, path, mode)
        self.opened += 1
        return file

    def stat(self, path):
        self.paths.add(path)
        if path not in self.held:
            raise OSError(2, "")
        return (0x8000, 0, 0, 0, 0, 0, len(self.held[path]), 0, 0, 0)

    def remove(self, path):
        self.stat(path)
        del self.held[path]

    def rename(self, old, new):
        self.stat(old)
        self.paths.add(new)
        if self.fat and new in self.held:
            raise OSError(17, "")
        self.held[new] = self.held.pop(old)


def serve(files, data, root="/r", does=None):
    """What a receiver answers to a stream of bytes; it must end with the stream, or with BYE.

    does: further types of request.
    """
    stream = Stream(data)
    kept = receiver.os
    receiver.os, receiver.open = files, files.open
    try:
        serving = receiver.Receiver(stream.read, stream.write, root)
        serving.does.update(does or {})
        serving.serve()
    except OSError as e:
        assert e.args[0] == 5, e
    finally:
        receiver.os = kept
        del receiver.open
    assert files.opened == files.closed
    return answers(stream.out)
