"""Boards behind a network: URLs for a port, as pyserial opens them.

    socket://host:port      TCP: a bridge to a serial port, an emulator
    rfc2217://host:port     a bridge that sets baud rate and lines, too
    ws://host[:8266]        MicroPython's WebREPL

Each is a class in the shape of pyserial's ports, so that mpremote, and our
lines on top of it, treat all ports alike; register() makes pyserial find them.
The first two are pyserial's own, mended where a peer that answers nothing
would break our promise that every call ends.

WebREPL sends its password and all else in the clear: for networks of your own.
"""

from __future__ import annotations

import contextlib
import os
import select
import socket
import sys
import time
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import serial
from serial.rfc2217 import Serial as _Rfc2217
from serial.serialutil import SerialBase, SerialException
from serial.urlhandler.protocol_socket import Serial as _Socket

from tinysense_host.errors import TinysenseError

__all__ = ["BURST_BYTES", "CONNECT_S", "PASSWORD_VARIABLE", "Rfc2217Port", "SocketPort",
           "WebReplPort", "register"]

PASSWORD_VARIABLE = "TINYSENSE_WEBREPL_PASSWORD"
WEBREPL_PORT = 8266
CONNECT_S = 5.0
GOODBYE_S = 1.0
RETRY_S = 0.2
_CLOSE = 8                  # opcode of a WebSocket's last frame
BURST_BYTES = 255           # an ESP32 drops what its REPL has not read beyond 259
FRAME_BYTES = 128           # of a frame to a board
LARGEST_FRAME = 0xFFFF      # from a board: MicroPython's frames have two bytes of length
_FOR_EVER_S = 1e6
_FULL_BYTES = 1 << 16       # so many bytes that nobody has taken yet are enough
_HANDLERS = "tinysense_host.link.urls"


def register() -> None:
    """Makes pyserial, and so mpremote, open these URLs with the classes here."""
    if _HANDLERS not in serial.protocol_handler_packages:
        serial.protocol_handler_packages.insert(0, _HANDLERS)


class SocketPort(_Socket):  # type: ignore[misc]
    """socket://: small packets go at once, else each question waits for the last answer's ACK."""

    def open(self) -> None:
        """Connects."""
        super().open()
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)


class Rfc2217Port(_Rfc2217):  # type: ignore[misc]
    """rfc2217://: takes a time-out for writes, and does not wait for the lines' answers."""

    def _reconfigure_port(self) -> None:
        # pyserial refuses write_timeout here; the socket's own, 5 s, is the one that works.
        wait: float | None = self._write_timeout
        self._write_timeout: float | None = None
        try:
            super()._reconfigure_port()
        except ValueError as e:
            raise SerialException(str(e)) from e
        finally:
            self._write_timeout = wait

    def rfc2217_set_control(self, value: bytes) -> None:
        """Sends what a line shall be; a bridge that is gone is told nothing."""
        with contextlib.suppress(OSError):
            self._rfc2217_options["control"].set(value)

    def read(self, size: int = 1) -> bytes:
        """At least a byte if one comes in time, and all that is there."""
        data = bytearray(super().read(1))
        while data and len(data) < size and self.in_waiting:
            data += super().read(1)
        return bytes(data)


class WebReplPort(SerialBase):  # type: ignore[misc]
    """ws://: the REPL in WebSocket text frames, behind a password."""

    burst_bytes = BURST_BYTES
    _ws: Any = None
    _lost: SerialException | None = None
    _secret: str | None = None

    def open(self) -> None:
        """Connects and gives the password; TinysenseError where that fails."""
        url, where = _checked(self.port)
        self._held, self._lost = bytearray(), None
        with _explained(where):
            self._ws = _connected(url)
        try:
            with _explained(where):
                self._log_in(where)
        except BaseException:
            self._ws.shutdown()
            raise
        self.is_open = True

    def reopen(self, wait: float) -> None:
        """Connects once more, after a soft reset of the board, which ends the connection:
        SerialException where nobody serves within `wait` seconds."""
        end = time.monotonic() + wait
        self._ws.shutdown()
        while True:
            try:
                self.open()
                return
            except TinysenseError as e:
                if time.monotonic() >= end:
                    raise SerialException(str(e)) from e
            time.sleep(RETRY_S)

    def _log_in(self, where: str) -> None:
        asked = self._until((b"Password: ",))
        if not asked:
            raise TinysenseError(f"{where} did not ask for WebREPL's password",
                                 "check that it is a board, and that nobody else is connected")
        if self._secret is None:
            self._secret = _password(where)
        self._ws.send(self._secret.encode() + b"\r")
        answer = self._until((b"WebREPL connected\r\n>>> ", b"Access denied"))
        if answer == b"Access denied":
            raise TinysenseError(f"{where} refused the password", f"set {PASSWORD_VARIABLE}")
        if not answer:
            raise TinysenseError(f"{where} did not answer to the password in {CONNECT_S:g} s",
                                 "reset the board and try again")

    def _until(self, endings: tuple[bytes, ...]) -> bytes:
        """Waits for one of these; which came, b"" if none does. All up to it is forgotten."""
        end = time.monotonic() + CONNECT_S
        while True:
            for ending in endings:
                if ending in self._held:
                    del self._held[:self._held.index(ending) + len(ending)]
                    return ending
            left = end - time.monotonic()
            if left <= 0 or not self._ready(left):
                return b""
            self._take()

    def _ready(self, wait: float) -> bool:
        return bool(self._lost or select.select([self._ws.sock], [], [], wait)[0])

    def _take(self) -> None:
        """Takes the frames that have come, without waiting for the rest of one.

        What ends the connection is raised once all before it has been read.
        """
        if self._lost is None:
            try:
                with _as_serial():
                    self._frames()
            except SerialException as e:
                self._lost = e
        if self._lost is not None and not self._held:
            raise self._lost

    def _frames(self) -> None:
        self._ws.settimeout(0)
        with contextlib.suppress(BlockingIOError):
            while len(self._held) < _FULL_BYTES and self._ready(0):
                frame = self._ws.recv_frame()
                if frame.opcode == _CLOSE:
                    raise SerialException("the board closed the connection")
                if frame.opcode < _CLOSE:
                    self._held += frame.data

    def fileno(self) -> int:
        """The socket, to wait for."""
        return int(self._ws.sock.fileno())

    @property
    def in_waiting(self) -> int:
        """Bytes ready to read."""
        self._take()
        return len(self._held)

    def read(self, size: int = 1) -> bytes:
        """What has come, `size` bytes at most; waits for a byte as long as `timeout` says."""
        self._take()
        end = time.monotonic() + (_FOR_EVER_S if self._timeout is None else self._timeout)
        while not self._held and (left := end - time.monotonic()) > 0:
            if self._ready(left):
                self._take()
        data = bytes(self._held[:size])
        del self._held[:size]
        return data

    def write(self, data: bytes) -> int:
        """Sends all of it, or SerialException once a frame takes longer than write_timeout."""
        with _as_serial():
            self._ws.settimeout(self._write_timeout)
            for start in range(0, len(data), FRAME_BYTES):
                self._ws.send(bytes(data[start:start + FRAME_BYTES]))
        return len(data)

    def close(self) -> None:
        """Says goodbye, so that the board takes the next one, and disconnects. Never raises."""
        if not self.is_open:
            return
        self.is_open = False
        with contextlib.suppress(Exception):    # the peer may be gone, whatever that raises
            self._ws.settimeout(GOODBYE_S)
            # Without a status: MicroPython would read its first byte as Ctrl-C.
            self._ws.send(b"", _CLOSE)
            end = time.monotonic() + GOODBYE_S
            while time.monotonic() < end and self._ws.recv_frame().opcode != _CLOSE:
                pass
        with contextlib.suppress(OSError):
            self._ws.shutdown()

    def reset_input_buffer(self) -> None:
        """Forgets what has come."""
        self._take()
        self._held.clear()

    def reset_output_buffer(self) -> None:
        """Nothing waits."""

    def _reconfigure_port(self) -> None:
        """There is no baud rate to set, and there are no lines."""

    _update_rts_state = _update_dtr_state = _update_break_state = _reconfigure_port


def _checked(url: str) -> tuple[str, str]:
    """A ws:// URL with its port, and how to name it; one that holds a password is refused."""
    parts = urlsplit(url)
    if parts.username is not None or parts.password is not None:
        raise TinysenseError("a password in a URL is seen by others: in the list of processes, in "
                             "the shell's history", f"give it in {PASSWORD_VARIABLE}")
    try:
        port = parts.port or WEBREPL_PORT
    except ValueError as e:
        raise TinysenseError(f"{url}: {e}", "expected ws://host or ws://host:8266") from e
    if not parts.hostname:
        raise TinysenseError(f"{url} names no host", "expected ws://host or ws://host:8266")
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    return f"ws://{host}:{port}/", f"ws://{host}:{port}"


def _password(where: str) -> str:
    """From the environment, else asked for at the terminal."""
    given = os.environ.get(PASSWORD_VARIABLE)
    if given is not None:
        return given
    if not sys.stdin.isatty():
        raise TinysenseError(f"{where} asks for WebREPL's password", f"set {PASSWORD_VARIABLE}")
    import getpass

    return getpass.getpass(f"WebREPL password of {where}: ")


def _connected(url: str) -> Any:
    """A WebSocket to a board, of which nothing is expected but frames of bytes."""
    import websocket

    class Bounded(websocket.WebSocket):
        """Refuses a frame longer than a board can make, before memory is spent on it."""

        def _recv(self, bufsize: int) -> bytes:
            if (self.frame_buffer.length or 0) > LARGEST_FRAME:
                raise websocket.WebSocketProtocolException("a frame of more than 64 kB")
            return bytes(super()._recv(bufsize))  # type: ignore[no-untyped-call]

    # A board knows two frames, of text and of bytes; it takes text for its REPL, bytes or not.
    ws = Bounded(skip_utf8_validation=True,
                 sockopt=[(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)])
    ws.settimeout(CONNECT_S)
    ws.connect(url, suppress_origin=True,  # type: ignore[no-untyped-call]
               redirect_limit=0, http_no_proxy=["*"])
    return ws


@contextlib.contextmanager
def _as_serial() -> Iterator[None]:
    """The library's exceptions as pyserial's, which are OSErrors."""
    import websocket

    try:
        yield
    except (SerialException, BlockingIOError):
        raise
    except (websocket.WebSocketException, OSError, AttributeError) as e:
        # AttributeError: the library drops its socket when the peer closes.
        raise SerialException(f"the connection failed: {e}") from e


@contextlib.contextmanager
def _explained(where: str) -> Iterator[None]:
    """What goes wrong while connecting, as one line."""
    import websocket

    try:
        yield
    except (websocket.WebSocketException, OSError, AttributeError) as e:
        raise TinysenseError(f"no WebREPL at {where}: {e}",
                             "start it on the board, with nobody else connected: "
                             "import webrepl; webrepl.start()") from e
