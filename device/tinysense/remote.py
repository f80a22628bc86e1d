"""tinysense's operations over TCP, for a board with Wi-Fi that nobody can reach with a cable.

    server = tinysense.remote.from_config(driver=pipeline.driver)   None where it is off
    while True:
        pipeline.step()
        server.poll()

Off unless the config's `remote` says a port and /ts/secret holds a secret of at least
16 bytes (`tinysense key secret`). Both sides prove that they know it, with HMAC-SHA256
over numbers drawn for this connection; every record after that carries a MAC under keys
of this connection, with a count. Nothing is encrypted: who listens sees what passes,
but can't take part, change it or play it again. What can be asked for is in
operations.py, files are those of places.py; no code ever. The bytes: models/FORMAT.md,
section 5.
"""

import json
import os

from . import places
from .errors import ConfigError
from .receiver import Receiver
from .records import PART_MS, Dropped, Incoming, Outgoing
from .signing import hmac_sha256, same
from .ticks import sleep_ms, ticks_diff, ticks_ms

OPTIONS = (
    ("port", int, None, (1, 65535), "TCP port, as 8765"),
    ("bind", str, "127.0.0.1", None, "address to listen at; 0.0.0.0: all there are"),
    ("idle_s", int, 60, (30, 3600), "a computer that says nothing for so long is let go"),
)
SECRET = "/ts/secret"
SECRET_BYTES = 16  # at least

_HELLO, _OPEN, _READ, _SUM, _CALL, _BYE = 1, 2, 5, 6, 7, 8
_MAGIC = b"TSR1"
_GREETING, _BUSY, _WAIT = 0, 1, 2
_NONCE, _PROOF = 16, 32
_LOGIN_MS = 5000
_FIRST_MS, _LONGEST_MS = 1000, 60000  # after a failed login; doubled each time
_FILE_BYTES = 1 << 22  # longest file that is taken


def from_config(config: "dict | str | None" = None, driver: "Driver" = None) -> "Remote | None":
    """A Remote as the config says; None where it says nothing of `remote`.

    driver: see Remote. ConfigError without a secret: better silent than open.
    """
    from .config import PATH, check, load, validate

    config = validate(config if isinstance(config, dict) else load(config or PATH))
    if not config["remote"]:
        return None
    options = check(OPTIONS, config["remote"], "remote")
    return Remote(secret(), options["port"], options["bind"], options["idle_s"], driver)


def secret(path: str = None) -> bytes:
    """The shared secret; ConfigError where there is none that can be used."""
    path = path or SECRET
    try:
        with open(path, "rb") as f:
            found = f.read(256).strip()
    except OSError:
        found = b""
    if len(found) < SECRET_BYTES:
        raise ConfigError("remote: expected a secret of at least %d bytes in %s, got %d: put one "
                          "there with `tinysense key secret`" % (SECRET_BYTES, path, len(found)))
    return found


class Remote:
    """Listens, and serves one computer at a time.

    All buffers are made here. poll() returns at once when there is nothing to do, and
    allocates nothing while nobody is connected. driver: that of the pipeline which runs
    meanwhile; new models are compared with it, where they else would make one and close it.
    """

    def __init__(self, secret: bytes, port: int = 8765, bind: str = "127.0.0.1",
                 idle_s: int = 60, driver: "Driver" = None):
        if len(secret) < SECRET_BYTES:
            raise ConfigError("remote: expected a secret of at least %d bytes, got %d"
                              % (SECRET_BYTES, len(secret)))
        import select
        import socket

        self._secret, self._idle_ms = secret, 1000 * idle_s
        self.logins = self.refused = 0
        self._in, self._out = Incoming(), Outgoing()
        self._served = _Served(self._in.read, self._out.write)
        self._served.driver = driver
        self._peer = None
        self._failed_ms, self._wait_ms, self._closed = ticks_ms(), 0, False
        self._listener = socket.socket()
        self._listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self._listener.bind(socket.getaddrinfo(bind, port)[0][-1])
        self._listener.listen(2)
        self._listener.setblocking(False)
        self._poller = select.poll()
        self._poller.register(self._listener, select.POLLIN)
        self._ipoll = getattr(self._poller, "ipoll", self._poller.poll)

    def poll(self) -> bool:
        """Does what waits: a login's step or one request. Whether a computer is connected."""
        if self._peer is not None:
            try:
                self._step()
            except Exception:  # whatever a computer does, the program goes on
                self._drop()
            if self._peer is None:
                self._settle()
        if self._closed and ticks_diff(ticks_ms(), self._failed_ms) > self._wait_ms:
            self._closed = False
        for _ in self._ipoll(0):
            self._accept()
            break
        return self._peer is not None

    def serve(self) -> None:
        """poll() for ever: for a board that does nothing else."""
        while True:
            if not self.poll():
                sleep_ms(20)
            elif not self._in.waits():
                sleep_ms(2)

    def close(self) -> None:
        """Ends the connection and listens no more."""
        self._drop()
        self._poller.unregister(self._listener)
        self._listener.close()

    # ---- Connections ----

    def _accept(self):
        try:
            peer = self._listener.accept()[0]
        except OSError:
            return
        if self._closed:
            left = self._wait_ms - ticks_diff(ticks_ms(), self._failed_ms)
            _send_away(peer, _WAIT, left // 1000 + 1)
        elif self._peer is not None:
            _send_away(peer, _BUSY, 0)
        else:
            self._begin(peer)

    def _begin(self, peer):
        peer.setblocking(False)
        self._peer, self._open = peer, False
        self._in.begin(peer)
        self._out.begin(peer)
        self._nonce = os.urandom(_NONCE)
        self._began = ticks_ms()
        try:
            self._out.send(_MAGIC + bytes([_GREETING]) + self._nonce)
        except OSError:
            self._drop()

    def _drop(self):
        if self._peer is not None:
            self._peer.close()
        self._peer = None
        self._served.end()

    def _settle(self):
        from .operations import settle

        settle()  # a restart waits until its answer is out and the connection closed

    def _step(self):
        if not self._open:
            self._login()
        elif self._in.record():
            kind = self._served.one()
            self._out.flush()
            self._in.heard()
            if kind == _BYE or self._served.restarts():
                self._drop()
        elif self._in.silent_ms() > (PART_MS if self._in.begun() else self._idle_ms):
            raise Dropped("silent")

    def _login(self):
        """Waits for the computer's proof, checks it, and gives the board's own."""
        if not self._in.take(_NONCE + _PROOF):
            if ticks_diff(ticks_ms(), self._began) > _LOGIN_MS:
                raise Dropped("no proof in time")
            return
        theirs, proof = self._in.taken(_NONCE), self._in.taken(_PROOF, _NONCE)
        both = self._nonce + theirs
        if not same(hmac_sha256(self._secret, b"tinysense remote 1 computer" + both), proof):
            self._wait_ms = min(2 * self._wait_ms, _LONGEST_MS) or _FIRST_MS
            self._failed_ms, self._closed = ticks_ms(), True
            self.refused += 1
            raise Dropped("wrong proof")
        self._wait_ms = 0
        self.logins += 1
        self._open = True
        self._out.send(hmac_sha256(self._secret, b"tinysense remote 1 board" + both))
        self._in.key(hmac_sha256(self._secret, b"tinysense remote 1 to board" + both))
        self._out.key(hmac_sha256(self._secret, b"tinysense remote 1 to computer" + both))
        self._served.begin()
        self._out.flush()


def _send_away(peer, status, seconds):
    try:
        peer.setblocking(False)
        peer.send(_MAGIC + bytes([status, seconds]) + bytes(_NONCE - 1))
    except OSError:
        pass
    peer.close()


class _Served(Receiver):
    """The receiver of blocks, kept within places.py and the table of operations."""

    def __init__(self, read, write):
        super().__init__(read, write)
        self._may = None
        self._opens = self.does[_OPEN]
        self.does[_OPEN] = self._within(places.may_write, self._opened)
        for kind in (_SUM, _READ):
            self.does[kind] = self._within(places.may_read, self.does[kind])
        self.does[_CALL] = self._call

    def begin(self):
        self._number, self._answer = 0, None
        self._reply(0x40 + _HELLO, self.does[_HELLO](b"", 0))

    def one(self):
        """Serves a request; its type."""
        return self._step()

    def end(self):
        self._shut()

    def restarts(self):
        """Whether the request asked for a restart."""
        from .operations import after

        return bool(after)

    def place(self, name):
        path = super().place(name)
        if self._may is None or not self._may(path):
            raise ValueError("%r can't be reached over a network: expected a model in %s, or a "
                             "recording" % (path[:60], places.MODELS))
        return path

    def _within(self, may, does):
        def within(payload, flags):
            self._may = may
            return does(payload, flags)

        return within

    def _opened(self, payload, flags):
        size = int.from_bytes(payload[:4], "little")
        if size > _FILE_BYTES:
            raise ValueError("a file of %d bytes: expected at most %d" % (size, _FILE_BYTES))
        return self._opens(payload, flags)

    def _call(self, payload, flags):
        from .operations import answer

        asked = json.loads(str(payload, "utf-8"))
        if not (isinstance(asked, list) and len(asked) == 2 and isinstance(asked[1], dict)):
            raise ValueError("expected [name, arguments], got %r" % (asked,))
        name, args = asked
        if name == "trial" and not places.may_read(args.get("path")):
            raise ValueError("trial: expected the path of a model in %s" % places.MODELS)
        if name in ("driver", "install", "trial"):
            from . import installing

            installing.in_use = self.driver
        if name == "config_set":
            args = {"config": _new_config(args)}
        return json.dumps(answer(name, args)).encode()


def _new_config(args):
    """A config that the computer gives, or has put into a file; `remote` in it as it was."""
    from .config_sync import config_get

    config = args.get("config")
    if config is None:
        with open(places.CONFIG) as f:
            config = json.loads(f.read())
        os.remove(places.CONFIG)
    if not isinstance(config, dict) or config.get("remote") != (config_get() or {}).get("remote"):
        raise ConfigError("config: remote is changed with the board in hand only, over its cable")
    return config
