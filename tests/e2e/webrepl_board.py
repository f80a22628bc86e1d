# For MicroPython: what its WebREPL does between a WebSocket and the REPL, with the firmware's own
# WebSocket. webrepl_board.py SOCKET PTY PASSWORD; the first two are descriptors, the pty's one of
# those that never block.
import select
import sys

import websocket

SOCKET, REPL = [open(int(number), "r+b") for number in sys.argv[1:3]]  # noqa: SIM115
PASSWORD = sys.argv[3].encode()
# Bytes kept for the REPL; what comes on top of them is dropped. An ESP32's firmware has 259 and
# asks for 256 at once, this board's 2048.
RING = 2051
ws = websocket.websocket(SOCKET)


def log_in():
    ws.write(b"Password: ")
    given = b""
    while True:
        byte = ws.read(1)
        if not byte:
            return False
        if byte in b"\r\n":
            break
        given += byte
    ok = given[:10] == PASSWORD
    ws.write(b"\r\nWebREPL connected\r\n>>> " if ok else b"\r\nAccess denied\r\n")
    return ok


def serve():
    more, poll = select.poll(), select.poll()
    more.register(SOCKET, select.POLLIN)
    poll.register(SOCKET, select.POLLIN)
    poll.register(REPL, select.POLLIN)
    while True:
        for stream, _ in poll.poll():
            if stream is REPL:
                said = (REPL.read(1000) or b"").split(b"MPY: soft reboot")
                ws.write(said[0])
                if said[1:]:
                    return          # the heap goes, and with it all sockets
                continue
            ring = b""
            while more.poll(0):
                byte = ws.read(1)       # as MicroPython's terminals ask
                if not byte:
                    return
                ring += byte
            ring = ring[:RING]
            while ring:
                ring = ring[REPL.write(ring) or 0 :]


if log_in():
    serve()
