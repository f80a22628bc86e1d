"""A board on the network that runs tinysense.remote: tcp://host[:port].

Only its operations and files of models and recordings: no code runs there. Both
sides prove that they know the board's secret; every record carries a MAC. The
bytes are in models/FORMAT.md, section 5. Nothing is encrypted.
"""

from __future__ import annotations

import contextlib
import json
import secrets
import socket
import time
from hashlib import sha256
from hmac import compare_digest
from hmac import digest as hmac_digest
from typing import Any, NoReturn
from urllib.parse import urlsplit

from tinysense_host import keys
from tinysense_host.errors import TinysenseError
from tinysense_host.link.blocks import BlockClient
from tinysense_host.link.board_files import plain_path
from tinysense_host.link.transport import (
    BoardError,
    FileEntry,
    LinkError,
    Over,
    Progress,
    Sink,
    never,
)

__all__ = ["DEFAULT_PORT", "SCHEME", "RemoteTransport", "SecureLine"]

SCHEME = "tcp://"
DEFAULT_PORT = 8765
CONNECT_S = 5.0
LOGIN_S = 15.0          # a board that runs a pipeline answers between two windows
ANSWER_S = 10.0
BUSY_S = 3.0            # a board notices between two windows that a computer has gone
IDLE_S = 20.0           # the board lets a computer go that is silent; no config makes it sooner
_MAGIC, _GREETING, _BUSY = b"TSR1", 0, 1
_NONCE, _PROOF, _TAG = 16, 32, 16
_RECORD = 1100          # bytes of payload in a record, at most
_MOST_NAMES = 100_000
_CONFIG = "/ts/config.new"
_LONGEST_CALL = 900     # bytes of arguments that one request takes
ENOENT, ENOSPC = 2, 28


class _Busy(TinysenseError):
    """The board serves another computer."""


def _proof(secret: bytes, role: str, both: bytes) -> bytes:
    return hmac_digest(secret, f"tinysense remote 1 {role}".encode() + both, sha256)


class _Mac:
    """Tags of records in one direction."""

    def __init__(self, key: bytes) -> None:
        self._key, self._count = key, 0

    def tag(self, payload: bytes) -> bytes:
        head = self._count.to_bytes(4, "little") + len(payload).to_bytes(2, "little")
        self._count += 1
        return hmac_digest(self._key, head + payload, sha256)[:_TAG]


class SecureLine:
    """A connection after its login, as a Line (see raw_repl); its records carry MACs.

    Raises TinysenseError where the board refuses, or is not the one that knows the secret.
    """

    def __init__(self, port: str, host: str, number: int, secret: bytes) -> None:
        self.port = port
        try:
            self._socket = socket.create_connection((host, number), CONNECT_S)
        except OSError as e:
            raise TinysenseError(
                f"nothing listens at {port}: {e.strerror or e}",
                "is the board on and in this network, `remote` in its config, and its program "
                "calling poll()?") from e
        try:
            self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._held = bytearray()        # read from the socket
            self._open = bytearray()        # of records that were genuine
            self._out, self._in = self._login(secret)
        except BaseException:
            self._socket.close()
            raise

    def _login(self, secret: bytes) -> tuple[_Mac, _Mac]:
        end = time.monotonic() + LOGIN_S
        greeting = self._exactly(len(_MAGIC) + 1 + _NONCE, end, "greeted nobody")
        status = greeting[len(_MAGIC)]
        if greeting[:len(_MAGIC)] != _MAGIC:
            raise TinysenseError(f"what answers at {self.port} is no tinysense.remote",
                                 "check the address; a serial bridge is socket://host:port")
        if status == _BUSY:
            raise _Busy(f"the board at {self.port} serves another computer",
                        "try again when that is done")
        if status != _GREETING:
            raise TinysenseError(f"the board at {self.port} lets nobody in for "
                                 f"{greeting[len(_MAGIC) + 1]} s: somebody gave a wrong secret",
                                 "wait, and try again with the right one")
        ours = secrets.token_bytes(_NONCE)
        both = greeting[-_NONCE:] + ours
        self._send(ours + _proof(secret, "computer", both))
        proof = self._exactly(_PROOF, end, "refused the secret that is kept here for it")
        if not compare_digest(proof, _proof(secret, "board", both)):
            raise TinysenseError(f"what answers at {self.port} does not know the board's secret",
                                 "it is another board, or somebody poses as yours")
        return (_Mac(_proof(secret, "to board", both)),
                _Mac(_proof(secret, "to computer", both)))

    def _exactly(self, n: int, end: float, otherwise: str) -> bytes:
        while len(self._held) < n:
            try:
                self._fill(end - time.monotonic())
            except LinkError as e:
                raise TinysenseError(f"the board at {self.port} {otherwise}",
                                     "put a secret on it over its cable: tinysense key secret"
                                     ) from e
            if time.monotonic() >= end:
                raise LinkError(f"the board at {self.port} gave no answer in {LOGIN_S:g} s",
                                "does its program call poll()?")
        taken = bytes(self._held[:n])
        del self._held[:n]
        return taken

    def _fill(self, wait: float) -> None:
        """Takes what comes within `wait` seconds."""
        try:
            self._socket.settimeout(max(wait, 0.001))
            data = self._socket.recv(4096)
        except TimeoutError:
            return
        except OSError as e:
            raise self._lost() from e
        if not data:
            raise self._lost()
        self._held += data

    def _lost(self) -> LinkError:
        return LinkError(f"the board at {self.port} ended the connection",
                         "try again; it lets a computer go that is silent for long")

    def _send(self, data: bytes) -> None:
        try:
            self._socket.settimeout(ANSWER_S)
            self._socket.sendall(data)
        except OSError as e:
            raise self._lost() from e

    def _record(self) -> bool:
        """Moves a whole record's bytes to those that can be read."""
        if len(self._held) < 2:
            return False
        n = int.from_bytes(self._held[:2], "little")
        if not 0 < n <= _RECORD:
            raise self._forged(f"a record of {n} bytes")
        if len(self._held) < 2 + n + _TAG:
            return False
        payload = bytes(self._held[2:2 + n])
        if not compare_digest(self._in.tag(payload), bytes(self._held[2 + n:2 + n + _TAG])):
            raise self._forged("a record with a wrong MAC")
        del self._held[:2 + n + _TAG]
        self._open += payload
        return True

    def _forged(self, what: str) -> LinkError:
        self._socket.close()
        return LinkError(f"{self.port} sent {what}, which is not from the board",
                         "somebody in between changes what passes: use another network")

    def some(self, wait: float) -> bytes:
        """See Line."""
        end = time.monotonic() + wait
        while not self._open and not self._record():
            left = end - time.monotonic()
            if left <= 0:
                return b""
            self._fill(left)
        data = bytes(self._open)
        self._open.clear()
        return data

    def unread(self, data: bytes) -> None:
        """See Line."""
        self._open[:0] = data

    def write(self, data: bytes) -> int:
        """See Line."""
        records = bytearray()
        for at in range(0, len(data), _RECORD):
            piece = data[at:at + _RECORD]
            records += len(piece).to_bytes(2, "little") + piece + self._out.tag(piece)
        self._send(bytes(records))
        return len(data)

    def close(self) -> None:
        """Ends the connection."""
        self._socket.close()


class RemoteTransport:
    """A Transport (see there) without code: exec and the like raise TinysenseError."""

    remote = True
    running = None

    def __init__(self, port: str, secret: bytes | None = None) -> None:
        self.port = port
        where = urlsplit(port)
        try:
            host, number = where.hostname or "", where.port or DEFAULT_PORT
        except ValueError:
            host, number = "", 0
        if not host or where.path.strip("/"):
            raise TinysenseError(f"{port!r} is no address", "expected tcp://host or tcp://host:port")
        self._where = host, number
        self._secret = secret or keys.secret_for(host)
        self._arrive()

    def _arrive(self) -> None:
        self._line = self._line_when_free()
        self._blocks = BlockClient(self._line, timeout_s=ANSWER_S, tries=1)
        self._used = time.monotonic()
        try:
            self._blocks.greeted(LOGIN_S)
        except BaseException:
            self._line.close()
            raise

    def _line_when_free(self) -> SecureLine:
        """The line; waits where the board is busy: perhaps with one that has just gone."""
        end = time.monotonic() + BUSY_S
        while True:
            try:
                return SecureLine(self.port, *self._where, self._secret)
            except _Busy:
                if time.monotonic() > end:
                    raise
            time.sleep(0.1)

    @property
    def _client(self) -> BlockClient:
        """The client, after a new login where the last request was long ago."""
        if time.monotonic() - self._used > IDLE_S:
            self.close()
            self._arrive()
        self._used = time.monotonic()
        return self._blocks

    # ---- what can't be done ----

    def _no_code(self) -> NoReturn:
        raise TinysenseError(
            f"{self.port}: over the network only tinysense's own operations run there, no code",
            "use a cable for this")

    def exec(self, code: str, timeout: float = 10.0, rest: float | None = None) -> bytes:
        """See Transport.exec: refused."""
        self._no_code()

    def exec_stream(self, code: str, sink: Sink, silence: float = 10.0,
                    over: Over = never) -> None:
        """See Transport.exec_stream: refused."""
        self._no_code()

    def send(self, data: bytes) -> None:
        """See Transport.send: refused."""
        self._no_code()

    def soft_reset(self) -> None:
        """Nothing: what runs on the board goes on beside what is asked."""

    def interrupt(self) -> None:
        """Nothing, likewise."""

    # ---- operations and files ----

    def call(self, name: str, args: dict[str, Any], timeout: float) -> Any:
        """The result of an operation; BoardError for what it raised."""
        if name == "config_set" and len(json.dumps(args)) > _LONGEST_CALL:
            self._client.put(json.dumps(args["config"]).encode(), _CONFIG)
            args = {}
        return self._client.call(name, args, timeout)

    def put(self, data: bytes, path: str, progress: Progress | None = None) -> bool:
        """See Transport.put."""
        try:
            return self._client.put(data, plain_path(path), progress).sent
        except BoardError as e:
            if e.errno == ENOSPC:
                raise LinkError(f"no room on the board for {path}: {len(data)} bytes needed",
                                "remove models there: tinysense models --remove NAME") from e
            raise

    def get(self, path: str, progress: Progress | None = None) -> bytes:
        """See Transport.get."""
        return self._client.get(plain_path(path), progress)

    def read(self, path: str, at: int, n: int) -> bytes:
        """Bytes [at, at + n) of a file, fewer where it ends."""
        return self._client.read(plain_path(path), at, n)

    def prefix_crc(self, path: str, n: int) -> int:
        """CRC-32 of a file's first n bytes."""
        return self._client.sum(plain_path(path), n).crc32

    def remove(self, path: str) -> None:
        """See Transport.remove."""
        self.call("file_remove", {"path": path}, ANSWER_S)

    def rename(self, source: str, target: str) -> None:
        """See Transport.rename."""
        self.call("file_rename", {"source": source, "target": target}, ANSWER_S)

    def mkdir(self, path: str) -> None:
        """See Transport.mkdir."""
        self.call("folder_make", {"path": path}, ANSWER_S)

    def stat(self, path: str) -> FileEntry | None:
        """See Transport.stat."""
        row = self.call("file_stat", {"path": path}, ANSWER_S)
        return None if row is None else self._entry(row)

    def list(self, path: str) -> list[FileEntry]:
        """See Transport.list."""
        return [self._entry(row) for row in self.rows("file_list", path)]

    def crc32(self, path: str) -> int | None:
        """See Transport.crc32."""
        try:
            return self._client.sum(plain_path(path)).crc32
        except BoardError as e:
            if e.errno == ENOENT:
                return None
            raise

    def rows(self, operation: str, folder: str) -> tuple[Any, ...]:
        """All rows of an operation that gives a part of a folder at a time."""
        found: tuple[Any, ...] = ()
        after = ""
        while len(found) < _MOST_NAMES:
            rows = self.call(operation, {"folder": folder, "after": after}, ANSWER_S)
            if not isinstance(rows, list):
                raise self._odd(rows)
            if not rows:
                return found
            last = rows[-1]
            if not (isinstance(last, list) and last and isinstance(last[0], str)
                    and last[0] > after):
                raise self._odd(rows)
            found, after = found + tuple(rows), last[0]
        raise self._odd(f"more than {_MOST_NAMES} names")

    def _entry(self, row: Any) -> FileEntry:
        if not (isinstance(row, list) and len(row) == 3 and isinstance(row[0], str)
                and type(row[1]) is int and isinstance(row[2], bool)):
            raise self._odd(row)
        return FileEntry(row[0], row[1], row[2])

    def _odd(self, told: Any) -> LinkError:
        return LinkError(f"the board at {self.port} answered {json.dumps(told)[:60]} where its "
                         "files were expected", "put the same tinysense on it: tinysense setup")

    def close(self) -> None:
        """See Transport.close."""
        with contextlib.suppress(TinysenseError):
            self._blocks.bye()
        self._line.close()
