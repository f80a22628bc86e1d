"""A TCP connection as records, each with a MAC under a key of this connection and a count.

u16 bytes, the bytes, 16 bytes of HMAC-SHA256 over u32 count, u16 bytes and the bytes. A
record that was changed, repeated, left out or made up is noticed before any of it is
used. Key and count are of one direction. See remote.
"""

from hashlib import sha256
from struct import pack_into

from .signing import same
from .ticks import sleep_ms, ticks_diff, ticks_ms

RECORD_BYTES = 1100  # of payload in a record, at most
PART_MS = 5000  # for the rest of a record or a frame that has begun
_TAG = 16
_SEND_MS = 10000
_NOT_YET = (11, 35, 115, 10035)  # EAGAIN and the like


class Dropped(OSError):
    """The connection is over; the text says why."""


class Mac:
    """HMAC-SHA256 of records in one direction, each with its number."""

    def __init__(self):
        self._head = bytearray(6)

    def key(self, key):
        self._inner = bytes([x ^ 0x36 for x in key + bytes(32)])
        self._outer = bytes([x ^ 0x5C for x in key + bytes(32)])
        self._count = 0

    def tag(self, payload):
        pack_into("<IH", self._head, 0, self._count, len(payload))
        self._count += 1
        inner, outer = sha256(self._inner), sha256(self._outer)
        inner.update(self._head)
        inner.update(payload)
        outer.update(inner.digest())
        return outer.digest()[:_TAG]


class Incoming(Mac):
    """Records from the computer, checked, as a stream of bytes."""

    def __init__(self):
        super().__init__()
        self._buf = memoryview(bytearray(2 + RECORD_BYTES + _TAG))
        self._at = self._end = self._have = 0

    def begin(self, peer):
        self._peer = peer
        self._into = getattr(peer, "recv_into", None) or peer.readinto
        self._at = self._end = self._have = 0
        self._heard = ticks_ms()

    def begun(self):
        """Whether a part of a record is here."""
        return self._have > 0

    def waits(self):
        """Whether bytes of a record have not been read yet."""
        return self._at < self._end

    def heard(self):
        """From here on silence counts."""
        self._heard = ticks_ms()

    def silent_ms(self):
        return ticks_diff(ticks_ms(), self._heard)

    def take(self, n):
        """Whether n bytes are here; takes what has come, never more than these."""
        if self._have < n:
            try:
                got = self._into(self._buf[self._have : n])
            except OSError as e:
                if e.errno in _NOT_YET:
                    return False
                raise
            if got is None:
                return False
            if got == 0:
                raise Dropped("closed by the computer")
            self._have += got
            self._heard = ticks_ms()
        return self._have >= n

    def taken(self, n, at=0):
        """A copy of n bytes taken."""
        if at + n >= self._have:
            self._have = 0
        return bytes(self._buf[at : at + n])

    def record(self):
        """Whether bytes of a record that is whole and genuine can be read."""
        if self.waits():
            return True
        if not self.take(2):
            return False
        n = self._buf[0] | self._buf[1] << 8
        if not 0 < n <= RECORD_BYTES:
            raise Dropped("a record of %d bytes" % n)
        if not self.take(2 + n + _TAG):
            return False
        if not same(self.tag(self._buf[2 : 2 + n]), self._buf[2 + n : 2 + n + _TAG]):
            raise Dropped("a record that the computer did not send")
        self._at, self._end, self._have = 2, 2 + n, 0
        return True

    def read(self, view):
        """Fills the view, for Receiver; Dropped if the rest does not come in time."""
        got, begin = 0, ticks_ms()
        while got < len(view):
            if not self.record():
                if ticks_diff(ticks_ms(), begin) > PART_MS:
                    raise Dropped("half a request")
                sleep_ms(1)
                continue
            n = min(len(view) - got, self._end - self._at)
            view[got : got + n] = self._buf[self._at : self._at + n]
            self._at += n
            got += n
        return got


class Outgoing(Mac):
    """Gathers what is written into records and sends them."""

    def __init__(self):
        super().__init__()
        self._buf = memoryview(bytearray(2 + RECORD_BYTES + _TAG))
        self._n = 0

    def begin(self, peer):
        self._peer, self._n = peer, 0

    def write(self, data):
        """Takes all of data, for Receiver."""
        if self._n + len(data) > RECORD_BYTES:
            self.flush()
        self._buf[2 + self._n : 2 + self._n + len(data)] = data
        self._n += len(data)
        return len(data)

    def flush(self):
        n = self._n
        if n:
            self._n = 0
            self._buf[0], self._buf[1] = n & 255, n >> 8
            self._buf[2 + n : 2 + n + _TAG] = self.tag(self._buf[2 : 2 + n])
            self.send(self._buf[: 2 + n + _TAG])

    def send(self, data):
        """Sends all of data; Dropped where the computer takes nothing for long."""
        data, begin = memoryview(data), ticks_ms()
        while data:
            try:
                n = self._peer.send(data)
            except OSError as e:
                if e.errno not in _NOT_YET:
                    raise
                n = 0
            if n:
                data, begin = data[n:], ticks_ms()
            elif ticks_diff(ticks_ms(), begin) > _SEND_MS:
                raise Dropped("the computer takes nothing")
            else:
                sleep_ms(2)
