"""Files in checked, acknowledged blocks: models/FORMAT.md, section 4.

It imports nothing of the package, since a bare board gets this file first, and is
written to be small: 3 kB as .mpy.
"""

import os
from binascii import crc32
from hashlib import sha256
from io import BytesIO
from struct import pack, pack_into, unpack_from

try:
    from deflate import DeflateIO
except ImportError:
    DeflateIO = None


class Receiver:
    """Serves one host.

    read: fills a buffer and returns its length, or less where the host is gone. write: takes
    all of a buffer. root: the folder that no path leaves, "" for all there is. `does` says
    what is served: type of request -> function of (payload, flags) that returns the answer.
    """

    def __init__(self, read: "object", write: "object", root: str = ""):
        self._read, self._write, self._root = read, write, root
        self._buf = memoryview(bytearray(1044))
        self._file = self._path = self._answer = None
        self._number = 0
        self.does = {1: self._hello, 2: self._open, 3: self._data, 4: self._close,
                     5: self._get, 6: self._sums, 8: self._hello}

    def serve(self) -> None:
        """Answers requests until the host says BYE; what `read` and `write` raise ends it too."""
        self._reply(0x41, self._hello(b"", 0))
        try:
            while self._step() != 8:
                pass
        finally:
            self._shut()

    def place(self, name: "Buffer") -> str:
        """The path that a request names in UTF-8. ValueError for one outside the root."""
        name = str(name, "utf-8")
        steps = name.split("/")
        if not steps[-1] or "\0" in name or "\\" in name or ".." in steps:
            raise ValueError("outside the folder: %r" % name)
        return self._root + "/" + name.lstrip("/")

    def _step(self):
        n = self._take()
        if not n:
            return self._reply(0x7E, b"")  # damaged: the host repeats it at once
        kind, flags, number = unpack_from("<BBH", self._buf)
        if number != self._number or not self._answer:
            self._number = number
            try:
                self._answer = 0x40 + kind, self.does[kind](self._buf[4:n], flags)
            except Exception as e:
                text = "%s: %s" % (type(e).__name__, e)
                n = getattr(e, "errno", 0)  # a text where it was made with one
                n = pack("<i", n if isinstance(n, int) else 0)
                self._answer = 0x7F, n + text.encode()
        if self._answer[1] is None:
            self._answer = None  # sent already; where it is repeated, it is read again
        else:
            self._reply(*self._answer)
        return kind

    def _fill(self, buf):
        if self._read(buf) != len(buf):
            raise OSError(5)

    def _take(self):
        """Takes a frame apart in the buffer: its bytes without the CRC, 0 where it is damaged."""
        buf = self._buf
        one = buf[:1]
        last = 0
        while last != 0xA5 or buf[0] != 0x5A:
            last = buf[0]
            self._fill(one)
        self._fill(buf[:2])
        n = (buf[0] & 127) + ((buf[1] & 127) << 7)
        if not buf[0] & buf[1] & 128 or n > len(buf):
            return 0
        self._fill(buf[:n])
        to = at = 0
        while at < n:
            run = buf[at] or 3
            if at + run > n:
                return 0
            buf[to : to + run - 1] = buf[at + 1 : at + run]
            at += run
            to += run - (run == 255)
            if run < 255:
                buf[to - 1] = 3
        to -= 5
        if to < 4 or unpack_from("<I", buf, to)[0] != crc32(buf[:to]):
            return 0
        return to

    def _reply(self, flags, p):
        at = 0
        while at <= len(p):
            piece = p[at : at + 1020]
            self._buf[12 : 12 + len(piece)] = piece
            self._send(flags, at, len(piece))
            at += 1020

    def _send(self, flags, at, n):
        # n bytes that stand in the buffer from byte 12 on, which are those from `at` on.
        # flags: the type; bit 8 is set in the last piece.
        buf = self._buf
        if n < 1020:
            flags += 256
        pack_into("<HHHHI", buf, 0, 0x5AA5, flags, self._number, 4 + n, at)
        n += 12
        pack_into("<I", buf, n, crc32(buf[2:n]))
        self._write(buf[: n + 4])

    def _hello(self, p, flags):
        self._shut()
        return pack("<BBH", 1, DeflateIO is not None, 1024)

    def _shut(self):
        file = self._file
        self._file = self._path = None
        if file:
            file.close()

    def _open(self, p, flags):
        self._shut()
        self._size = unpack_from("<I", p)[0]
        self._sha = bytes(p[4:36])
        path = self.place(p[36:])
        self._part = part = path + ".part"
        same, there = False, bytes(8)
        try:
            same = os.stat(path)[6] == self._size and self._sum(path)[8:] == self._sha
        except OSError:
            pass
        try:
            there = self._sum(part)[:8]
            if same:
                os.remove(part)
        except OSError:
            pass
        if not same:
            self._path = path
        self._at = unpack_from("<I", there)[0]
        return bytes((same,)) + there

    def _data(self, p, flags):
        at = unpack_from("<I", p)[0]
        if not self._path or at != self._at and (at or self._file):
            raise ValueError("not open there")
        if not self._file:
            self._file = open(self._part, "ab" if at else "wb")
            self._at = at
        try:
            source = BytesIO(p[4:])
            if flags:
                source = DeflateIO(source, 1, 10)
            piece = source.read(256)
            while piece:
                self._at += len(piece)
                if self._at > self._size:
                    raise ValueError("too long")
                self._file.write(piece)
                piece = source.read(256)
            if (self._at ^ at) >> 14:  # every 16 KiB, so much is safe from a reset
                self._file.flush()
        except Exception:
            self._drop()
            raise
        return pack("<I", self._at)

    def _drop(self):
        try:
            self._shut()
        finally:
            os.remove(self._part)

    def _close(self, p, flags):
        path = self._path
        self._shut()
        if self._sum(self._part)[8:] != self._sha:
            self._drop()
            raise ValueError("another SHA-256")
        if hasattr(os, "sync"):
            os.sync()
        try:
            os.rename(self._part, path)
        except OSError as e:
            if e.errno != 17:  # EEXIST: FAT does not replace
                raise
            os.remove(path)
            os.rename(self._part, path)
        return b""

    def _sum(self, path, left=0x3FFFFFFF):
        """Bytes, CRC-32 and SHA-256 of a file's beginning; the buffer is used for it."""
        n = crc = 0
        sha = sha256()
        with open(path, "rb") as file:
            piece = self._buf
            while piece:
                piece = self._buf[: min(1024, left - n)]
                piece = piece[: file.readinto(piece)]
                crc = crc32(piece, crc)
                sha.update(piece)
                n += len(piece)
        return pack("<II", n, crc) + sha.digest()

    def _sums(self, p, flags):
        return self._sum(self.place(p[4:]), unpack_from("<I", p)[0])

    def _get(self, p, flags):
        at, left = unpack_from("<II", p)
        with open(self.place(p[8:]), "rb") as file:
            file.seek(at)
            n = 1020
            while n == 1020:
                n = file.readinto(self._buf[12 : 12 + min(1020, left)])
                left -= n
                self._send(0x45, at, n)
                at += n


def serve() -> None:
    """Serves the computer at the REPL until BYE, Ctrl-C, or ten seconds without a byte."""
    from select import poll
    from sys import stdin, stdout

    poll = poll()
    poll.register(stdin, 1)
    fill = stdin.buffer.readinto

    def read(buf):
        return poll.poll(10000) and fill(buf)

    try:
        Receiver(read, stdout.buffer.write).serve()
    except OSError:
        pass
