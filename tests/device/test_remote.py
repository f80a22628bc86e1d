"""The network server, over this computer's own sockets: who gets in, and what is dropped."""

import gc
import json
import os
from hashlib import sha256
from struct import pack

import tiny
from expect import MICROPYTHON, Ticks, path, raises, skip, write
from tinysense import config, installing, operations, places, records, remote, signing, slots
from tinysense.errors import ConfigError

try:
    import socket
except ImportError:
    socket = None
try:
    from binascii import crc32
except ImportError:
    from _tinysense import crc32

SECRET = b"sixteen bytes or more"


class Server:
    """A Remote whose clock stands still unless a test moves it."""

    def __init__(self, **options):
        if socket is None:
            skip("no sockets here")
        self.clock = Ticks(1000)
        self._kept = remote.ticks_ms, remote.sleep_ms
        remote.ticks_ms = records.ticks_ms = self.clock
        remote.sleep_ms = records.sleep_ms = self._sleep
        for _ in range(20):
            self.port = 20000 + int.from_bytes(os.urandom(2), "little") % 40000
            try:
                self.remote = remote.Remote(SECRET, self.port, **options)
                return
            except OSError:
                continue
        raise OSError("no port is free")

    def _sleep(self, ms):
        self.clock.now += ms

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self.remote.close()
        remote.ticks_ms, remote.sleep_ms = self._kept
        records.ticks_ms, records.sleep_ms = self._kept

    def polls(self, n=20):
        for _ in range(n):
            self.remote.poll()
        return self.remote.poll()

    def client(self, secret=SECRET, proof=None):
        """A computer that has shaken hands, or tried to."""
        c = Client(self)
        if c.greeting[4] == 0:
            c.log_in(secret, proof)
        return c


class Client:
    """The other end, written on its own, to see that both mean the same."""

    def __init__(self, server):
        self.server = server
        self.s = socket.socket()
        self.s.connect(socket.getaddrinfo("127.0.0.1", server.port)[0][-1])
        self.s.settimeout(2)
        self.greeting = self.take(21)
        self.counts = [0, 0]
        self.number = 0

    def take(self, n):
        """n bytes, fewer where the server ended."""
        data = b""
        while len(data) < n:
            self.server.polls(5)
            try:
                piece = self.s.recv(n - len(data))
            except OSError:
                piece = b""
            if not piece:
                break
            data += piece
        return data

    def log_in(self, secret, proof=None):
        ours = os.urandom(16)
        self.both = self.greeting[5:] + ours
        self.sent = proof or ours + self.of("computer", secret)
        self.s.send(self.sent)
        self.proof = self.take(32)
        self.out, self.into = self.of("to board", secret), self.of("to computer", secret)

    def of(self, role, secret):
        return signing.hmac_sha256(secret, b"tinysense remote 1 " + role.encode() + self.both)

    def record(self, payload, key=None, count=None):
        head = pack("<IH", self.counts[0] if count is None else count, len(payload))
        self.counts[0] += 1
        tag = signing.hmac_sha256(key or self.out, head + payload)[:16]
        return head[4:] + payload + tag

    def answer(self):
        """A record's payload; None where the server ended."""
        head = self.take(2)
        if len(head) < 2:
            return None
        rest = self.take(head[0] + 256 * head[1] + 16)
        payload, tag = rest[:-16], rest[-16:]
        whole = pack("<I", self.counts[1]) + head + payload
        self.counts[1] += 1
        assert tag == signing.hmac_sha256(self.into, whole)[:16]
        return payload

    def ask(self, kind, payload):
        self.number += 1
        self.s.send(self.record(frame(kind, payload, self.number)))
        return self.answer()

    def call(self, name, **args):
        """(type of the answer, its text)."""
        told = self.ask(7, json.dumps([name, args]).encode())
        return told[2], bytes(told[12:-4])

    def close(self):
        self.s.close()


def frame(kind, payload, number):
    body = pack("<BBH", kind, 0, number) + payload
    body += pack("<I", crc32(body) & 0xFFFFFFFF)
    out = b""
    for part in body.split(b"\3"):
        n = len(part) + 1  # below 255: the test's requests are short
        out += bytes([0 if n == 3 else n]) + part
    return b"\xa5\x5a" + bytes([0x80 | len(out) & 127, 0x80 | len(out) >> 7]) + out


def test_login_is_mutual_and_operations_answer():
    with Server() as server:
        c = server.client()
        assert c.proof == c.of("board", SECRET) and server.remote.logins == 1
        assert c.answer()[2] == 0x41  # HELLO of the block protocol
        kind, text = c.call("info")
        assert kind == 0x47 and json.loads(text)["package"]
        kind, text = c.call("no_such_thing")
        assert kind == 0x7F and b"ValueError: expected an operation" in text
        c.ask(8, b"")
        assert not server.polls() and server.client().proof
        c.close()


def test_a_wrong_secret_gets_nothing():
    with Server() as server:
        c = server.client(b"another of sixteen bytes")
        assert c.proof == b"" and server.remote.refused == 1 and not server.polls()
        c.close()


def test_failed_logins_slow_down_more_and_more():
    with Server() as server:
        waited = []
        for _ in range(9):
            server.client(b"another of sixteen bytes").close()
            c = server.client()
            assert c.greeting[4] == 2  # the right secret has to wait as well
            seconds = c.greeting[5]
            c.close()
            waited.append(seconds)
            server.clock.now += 1000 * (seconds - 1) - 1
            again = server.client()
            assert again.greeting[4] == 2
            again.close()
            server.clock.now += 1001
        assert waited == [2, 3, 5, 9, 17, 33, 61, 61, 61], waited
        c = server.client()
        assert c.proof and server.remote.logins == 1
        c.ask(8, b"")
        server.polls()
        server.client(b"another of sixteen bytes").close()
        assert server.client().greeting[5] == 2  # from the beginning


def test_a_proof_is_good_for_one_connection():
    with Server() as server:
        c = server.client()
        proof = c.sent
        c.close()
        server.polls()
        replayed = server.client(proof=proof)
        assert replayed.proof == b"" and server.remote.refused == 1
        replayed.close()


def test_the_board_s_proof_is_none_of_the_computer_s():
    with Server() as server:
        c = Client(server)
        ours = os.urandom(16)
        c.both = c.greeting[5:] + ours
        c.s.send(ours + c.of("board", SECRET))
        assert c.take(32) == b""
        c.close()


def test_a_record_that_the_computer_did_not_send_ends_it():
    good = frame(7, b'["info", {}]', 7)
    for forge in (lambda c: c.record(good, key=bytes(32)), lambda c: c.record(good, count=1),
                  lambda c: c.record(good)[:-1] + b"x", lambda c: b"\0\0" + bytes(16),
                  lambda c: b"\x4d\x04" + bytes(1200),
                  lambda c: c.record(good, key=c.into), lambda c: good + bytes(40)):
        with Server() as server:
            c = server.client()
            c.answer()
            operations.OPS["probe"] = ("remote", "no_function")
            try:
                c.s.send(forge(c))
                assert c.answer() is None and not server.polls()
            finally:
                del operations.OPS["probe"]
            c.close()


def test_a_record_counts_once():
    with Server() as server:
        c = server.client()
        c.answer()
        record = c.record(frame(7, b'["key", {}]', 7))
        c.s.send(record)
        assert c.answer()[2] == 0x47
        c.s.send(record)
        assert c.answer() is None
        c.close()


def test_who_is_silent_is_let_go():
    with Server() as server:
        c = Client(server)  # connected, nothing more
        server.clock.now += 5001
        assert not server.polls() and server.remote.refused == 0
        c.close()
        c = server.client()  # logged in, then silent
        c.answer()
        server.clock.now += 59000
        assert server.polls()
        server.clock.now += 2000
        assert not server.polls()
        c.close()
        c = server.client()  # half a record
        c.answer()
        c.s.send(c.record(b"x" * 100)[:50])
        assert server.polls()
        server.clock.now += 5001
        assert not server.polls()
        c.close()
        c = server.client()  # a whole record with half a request
        c.answer()
        c.s.send(c.record(b"\xa5\x5a\xff\x87"))
        assert not server.polls()  # waits its time inside, by the test's clock
        c.close()
        assert server.client().proof  # and the next one is served


def test_one_at_a_time():
    with Server() as server:
        c = server.client()
        other = Client(server)
        assert other.greeting[4] == 1 and other.take(1) == b""
        c.answer()
        assert c.call("key")[0] == 0x47
        c.close()
        other.close()
        server.polls()
        assert server.client().proof


def test_files_outside_are_out_of_reach():
    with Server() as server:
        c = server.client()
        c.answer()
        for name in ("/main.py", "main.py", "/ts/key", "/ts/secret", "/ts/models/../x.tsm",
                     "/ts/models/x/slots.json", "/ts/models/current", "/lib/tinysense/x.tsm",
                     "/ts/models/a/b/c.tsm", "\xff", "/ts/models/\0/a.tsm", ""):
            told = c.ask(2, pack("<I", 4) + sha256(b"data").digest() + name.encode())
            assert told[2] == 0x7F, name
            c.ask(1, b"")
        for name in ("/main.py", "/ts/secret", "/ts/key", "/rec/../ts/secret", "/rec/1.tsr.py"):
            assert c.ask(5, pack("<II", 0, 100) + name.encode())[2] == 0x7F, name
            assert c.ask(6, pack("<I", 100) + name.encode())[2] == 0x7F, name
        # No file is open: what would go on with one is refused.
        assert c.ask(3, pack("<I", 0) + b"data")[2] == 0x7F
        assert c.ask(4, b"")[2] == 0x7F
        assert c.ask(99, b"")[2] == 0x7F
        c.close()


def test_oversized_files_are_refused():
    with Server() as server:
        c = server.client()
        c.answer()
        told = c.ask(2, pack("<I", 1 << 23) + bytes(32) + b"/ts/models/ring/a.tsm")
        assert told[2] == 0x7F and b"8388608 bytes" in told
        c.close()


def test_calls_that_are_none():
    with Server() as server:
        c = server.client()
        c.answer()
        for text in (b"", b"{", b"[]", b"[1]", b'["info"]', b'["info", []]',
                     b'[["info"], {}]', b'[null, {}]', b'"info"', b"\xff\xfe",
                     b'["told", {"name": "info", "text": "{}"}]',
                     b'["trial", {"path": "/main.py"}]', b'["trial", {}]',
                     b'["config_set", {"config": 3}]',
                     b'["file_remove", {"path": "/main.py"}]',
                     b'["recorded_remove", {"path": "/x", "size": 1, "crc": 1}]'):
            told = c.ask(7, text)
            assert told is not None and told[2] == 0x7F, text
            if b"trial" in text:
                assert b"expected the path of a model" in told, text
        c.close()


def test_any_bytes_at_all():
    """Nothing that comes breaks the server; its memory does not grow."""
    with Server() as server:
        state = 12345
        for turn in range(60):
            c = Client(server)
            inside = turn % 3 == 0
            if inside:
                c.log_in(SECRET)
                c.answer()
            state = (state * 1103515245 + 12345) & 0x7FFFFFFF
            junk = bytes([(state >> i % 23) * (i + 7) & 255 for i in range(state % 700)])
            try:
                c.s.send(c.record(junk[:400] or b"x") if inside else junk)
            except OSError:
                pass
            c.close()
            server.polls()
            server.clock.now += 70000
            assert not server.polls()
        assert server.client().proof


def test_waiting_costs_no_memory():
    if not MICROPYTHON:
        skip("CPython counts no allocations")
    with Server() as server:
        server.polls()
        gc.collect()
        before = gc.mem_alloc()
        poll = server.remote.poll
        for _ in range(100):
            poll()
        assert gc.mem_alloc() - before <= 64, gc.mem_alloc() - before


def test_off_unless_configured():
    config = {"driver": "replay"}
    assert remote.from_config(config) is None
    kept = remote.SECRET
    remote.SECRET = path("secret")
    try:
        config["remote"] = {"port": 8765}
        raises(ConfigError, ("at least 16 bytes", "got 0"), remote.from_config, config)
        write(remote.SECRET, b"fifteen bytes..\n")
        raises(ConfigError, ("at least 16 bytes", "got 15"), remote.from_config, config)
        raises(ConfigError, "got 3", remote.Remote, b"abc")
        for bad, part in (({"port": 0}, "1 to 65535"), ({"bind": "0.0.0.0"}, "port is missing"),
                          ({"port": 1, "secret": "x"}, "unknown key")):
            raises(ConfigError, part, remote.from_config, {"remote": bad})
    finally:
        remote.SECRET = kept


def test_loopback_unless_told():
    assert {row[0]: row[2] for row in remote.OPTIONS}["bind"] == "127.0.0.1"
    if MICROPYTHON:
        return
    with Server() as server:
        assert server.remote._listener.getsockname()[0] == "127.0.0.1"


class Running:
    """The driver of a pipeline that runs."""

    rate_mhz, channels, axes = 25000, 3, ("x", "y", "z")
    units, full_scale, scale = "g", 4, 4 / 32768

    def close(self):
        raise AssertionError("closed while it is in use")


def test_the_driver_of_the_pipeline_stays():
    sensor = dict(tiny.META["sensor"])
    kept = config.PATH
    config.PATH = path("config.json")
    try:
        with Server(driver=Running()) as server:
            c = server.client()
            c.answer()
            kind, text = c.call("driver", sensor=sensor)
            assert kind == 0x47 and json.loads(text)["facts"]["driver"] == "Running", text
            sensor["rate_mhz"] = 50000
            told = json.loads(c.call("driver", sensor=sensor)[1])
            assert told["facts"] is None and "in use at 25000 mHz" in told["note"]
            c.close()
    finally:
        config.PATH = kept
        installing.in_use = None


def test_places():
    for good in ("/ts/models/ring/a.tsm", "/ts/models/ring/b.tsm", "/ts/config.new"):
        assert places.may_write(good) and places.may_read(good)
    for name in ("/rec/000001.tsr", "/near/123456.tsr", "/rec/clock.txt",
                 "/ts/models/ring/slots.json"):
        assert places.may_read(name) and not places.may_write(name)
    for bad in ("/ts/secret", "/ts/key", "/ts/models", "rec/000001.tsr", "/rec/1.tsr", "/x/a.tsr",
                "/ts/models/./a.tsm", None, 3, "/rec/00000a.tsr", "/ts/signed", "/ts/id"):
        assert not places.may_read(bad), bad


def test_the_file_that_runs_is_not_overwritten():
    state = slots.fresh("b")
    state["b"] = {"state": "good"}
    kept = slots.read
    slots.read = lambda name: state if name == "ring" else None
    try:
        assert not places.may_write("/ts/models/ring/b.tsm")
        assert places.may_read("/ts/models/ring/b.tsm")
        assert places.may_write("/ts/models/ring/a.tsm")
        assert places.may_write("/ts/models/wing/b.tsm")
        raises(ValueError, "may be reached", places.remove, "/ts/models/ring/b.tsm")
    finally:
        slots.read = kept
