"""Bridges from a network to a virtual board's port, as the boxes and boards one meets have them."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import os
import select
import signal
import socket
import subprocess
import threading
import tty
from pathlib import Path

import serial
import serial.rfc2217

HERE = Path(__file__).resolve().parent
WEBSOCKET_KEY = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"     # RFC 6455
PASSWORD = "treehouse"


class Bridge:
    """Listens on this computer, one client after another. TCP as it is: socket://"""

    scheme = "socket"

    def __init__(self, board: str) -> None:
        self.board = board
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self.url = f"{self.scheme}://127.0.0.1:{self.port}"
        self._frozen, self._ended = threading.Event(), threading.Event()
        self._client: socket.socket | None = None
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def __enter__(self) -> Bridge:
        return self

    def __exit__(self, *error: object) -> None:
        self._ended.set()
        self.hang_up()
        self._thread.join(10)
        self._listener.close()

    def freeze(self) -> None:
        """From now on it forwards nothing, and keeps the connection: a peer that is gone."""
        self._frozen.set()

    def hang_up(self) -> None:
        """Ends the connection."""
        if self._client is not None:
            with contextlib.suppress(OSError):
                self._client.shutdown(socket.SHUT_RDWR)

    def _run(self) -> None:
        while not self._ended.is_set():
            if not select.select([self._listener], [], [], 0.05)[0]:
                continue
            self._client, _ = self._listener.accept()
            with contextlib.suppress(OSError), self._client:
                self._serve(self._client)

    def _serve(self, client: socket.socket) -> None:
        board = os.open(self.board, os.O_RDWR | os.O_NOCTTY)
        try:
            tty.setraw(board)
            while not self._ended.is_set():
                ready, _, _ = select.select([client, board], [], [], 0.05)
                if self._frozen.is_set():
                    self._ended.wait(0.05)
                    continue
                if client in ready:
                    data = client.recv(4096)
                    if not data:
                        return
                    os.write(board, data)
                if board in ready:
                    client.sendall(os.read(board, 4096))
        finally:
            os.close(board)


class _Port(serial.Serial):
    """A pty has no lines."""

    cts = dsr = ri = cd = True

    def _update_rts_state(self) -> None:
        pass

    def _update_dtr_state(self) -> None:
        pass


class Rfc2217(Bridge):
    """rfc2217://, by pyserial's server."""

    scheme = "rfc2217"

    def _serve(self, client: socket.socket) -> None:
        lock = threading.Lock()

        class Connection:
            def write(self, data: bytes) -> None:
                with lock:
                    client.sendall(data)

        connection = Connection()
        with _Port(self.board, 115200, timeout=0) as board:
            manager = serial.rfc2217.PortManager(board, connection)
            while not self._ended.is_set():
                ready, _, _ = select.select([client, board], [], [], 0.05)
                if self._frozen.is_set():
                    self._ended.wait(0.05)
                    continue
                if client in ready:
                    data = client.recv(4096)
                    if not data:
                        return
                    board.write(b"".join(manager.filter(data)))
                if board in ready:
                    connection.write(b"".join(manager.escape(board.read(4096))))


class WebRepl(Bridge):
    """ws://: what webrepl.py does with a connection, then MicroPython's own WebSocket.

    mode: "" to serve, "busy" to refuse a second client, "page" for its answer to what is
    no WebSocket, "silent" to ask for no password, "huge" to announce an endless frame.
    """

    scheme = "ws"

    def __init__(self, board: str, micropython: Path, mode: str = "") -> None:
        self.micropython, self.mode = micropython, mode
        self._process: subprocess.Popen[bytes] | None = None
        super().__init__(board)

    def freeze(self) -> None:
        """See Bridge."""
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP)

    def _serve(self, client: socket.socket) -> None:
        if self.mode == "page" or not self._handshake(client):
            client.sendall(b'HTTP/1.0 200 OK\r\n\r\n<base href="/"></base>\r\n')
        elif self.mode == "huge":
            client.sendall(b"\x81\x7f" + (1 << 62).to_bytes(8, "big") + b"x" * 4096)
            self._ended.wait(10)
        elif self.mode == "silent":
            self._ended.wait(10)
        elif not self.mode:
            self._relay(client)

    def _handshake(self, client: socket.socket) -> bool:
        head = b""
        while not head.endswith(b"\r\n\r\n"):
            head += client.recv(1) or b"\r\n\r\n"
        # Names and values are compared to the letter there, too.
        told = dict(line.split(b": ", 1) for line in head.split(b"\r\n")[1:] if b": " in line)
        if told.get(b"Upgrade") != b"websocket" or b"Upgrade" not in told.get(b"Connection", b""):
            return False
        key = base64.b64encode(hashlib.sha1(told[b"Sec-WebSocket-Key"] + WEBSOCKET_KEY).digest())
        client.sendall(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n"
                       b"Connection: Upgrade\r\nSec-WebSocket-Accept: " + key + b"\r\n\r\n")
        return True

    def _relay(self, client: socket.socket) -> None:
        board = os.open(self.board, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK)
        numbers = client.fileno(), board
        with subprocess.Popen([str(self.micropython), str(HERE / "webrepl_board.py"),
                               *map(str, numbers), PASSWORD], pass_fds=numbers) as relay:
            os.close(board)
            self._process = relay
            while relay.poll() is None and not self._ended.wait(0.02):
                pass
            relay.kill()
