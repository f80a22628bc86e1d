"""A board without firmware: MicroPython's raw REPL on a pty, code run by CPython.

    python repl_board.py FOLDER [FAULT]

FOLDER is its flash, seen as `/`. The name of the port is printed first.
FAULT: `silent` answers nothing, `chatty` is no REPL but never stops talking,
`full=N` holds N bytes, `text` has standard input for text only, so that no
receiver runs there; `text,full=N` both. The board's code may call machine.reset(), which prints
a boot banner and waits at the friendly prompt, as a board that browned out.
`main=FILE` is a program that runs from the start, `id=HEX` its machine.unique_id;
several faults are separated by commas, these last.
"""

import builtins
import errno
import io
import json
import os
import pathlib
import queue
import signal
import sys
import threading
import time
import tty
import types
import zlib

RAW = b"raw REPL; CTRL-B to exit\r\n>"
FRIENDLY = b'\r\nMicroPython v1.25.0 on 2025-04-15; repl_board with CPython\r\n' \
           b'Type "help()" for more information.\r\n>>> '
WINDOW = 128


class Reset(BaseException):
    """machine.reset()."""


class Console:
    """The board's end of the cable: Ctrl-C while code runs becomes a signal."""

    def __init__(self):
        self.fd, self.other = os.openpty()
        tty.setraw(self.other)
        self.name = os.ttyname(self.other)
        self._bytes = queue.Queue()
        self.running = False
        threading.Thread(target=self._listen, daemon=True).start()

    def _listen(self):
        while True:
            for byte in os.read(self.fd, 1024):
                if byte == 3 and self.running:
                    self._bytes.queue.clear()
                    os.kill(os.getpid(), signal.SIGINT)
                else:
                    self._bytes.put(byte)

    def read(self):
        # In small steps, so that a signal is taken between them.
        while True:
            try:
                return self._bytes.get(timeout=0.02)
            except queue.Empty:
                continue

    def unread(self, byte):
        self._bytes.queue.appendleft(byte)

    def poll(self, wait_ms):
        """MicroPython's poll.poll(), of the one stream there is."""
        end = time.monotonic() + wait_ms / 1000
        while self._bytes.empty() and time.monotonic() < end:
            time.sleep(0.001)
        return [] if self._bytes.empty() else [self]

    def write(self, data):
        view = memoryview(data)
        while view:
            view = view[os.write(self.fd, view):]
        return len(data)


class Output(io.TextIOBase):
    """sys.stdout of the board's code: text is cooked, `buffer` is not."""

    def __init__(self, console):
        self.buffer = console

    def write(self, text):
        self.buffer.write(text.replace("\n", "\r\n").encode())
        return len(text)


class Binary:
    """sys.stdin.buffer of the board's code."""

    def __init__(self, console):
        self._console = console

    def readinto(self, buf):
        for i in range(len(buf)):
            buf[i] = self._console.read()
        return len(buf)


class Input(io.TextIOBase):
    """sys.stdin of the board's code."""

    def __init__(self, console, binary):
        self._console = console
        if binary:
            self.buffer = Binary(console)

    def readline(self):
        line = bytearray()
        while not line.endswith(b"\n"):
            line.append(self._console.read())
        return line.decode()


class Flash:
    """Gives the board's code a file system of its own."""

    def __init__(self, root, limit):
        self._root, self._limit = root, limit
        self._open, self._stat = open, os.stat
        for name in ("remove", "rmdir", "mkdir", "stat", "statvfs", "listdir"):
            setattr(os, name, self._at_root(getattr(os, name)))
        rename = os.rename
        os.rename = lambda a, b: rename(self._path(a), self._path(b))
        os.ilistdir = self._ilistdir
        builtins.open = self._opened

    def _path(self, path):
        return os.path.join(self._root, str(path).lstrip("/")) if isinstance(path, str) else path

    def _at_root(self, function):
        return lambda path, *rest, **more: function(self._path(path), *rest, **more)

    def _ilistdir(self, path="/"):
        for name in os.listdir(path):
            found = os.stat(f"{path}/{name}")
            yield name, found[0], 0, found[6]

    def _opened(self, path, mode="r", *rest, **more):
        file = self._open(self._path(path), mode, *rest, **more)
        if ("w" in mode or "a" in mode) and self._limit:
            write = file.write

            def limited(data):
                if file.tell() + len(data) > self._limit:
                    raise OSError(28, "ENOSPC")
                return write(data)

            return types.SimpleNamespace(write=limited, close=file.close, flush=file.flush)
        return file


class Inflater:
    """MicroPython's deflate.DeflateIO, of raw deflate."""

    def __init__(self, stream, kind, window_bits):
        self._data = io.BytesIO(zlib.decompress(stream.read(), -window_bits))

    def read(self, n):
        return self._data.read(n)


def stand_ins(console):
    """What MicroPython has and CPython lacks, or has otherwise."""
    import select

    select.poll = lambda: types.SimpleNamespace(register=lambda *_: None, poll=console.poll,
                                                ipoll=console.poll)
    sys.modules["deflate"] = types.SimpleNamespace(DeflateIO=Inflater)
    sys.modules["machine"] = machine_module()
    os.sync = lambda: None      # of the whole computer


def machine_module():
    module = types.ModuleType("machine")

    def reset():
        raise Reset

    module.reset = reset
    return module


def as_micropython(e):
    """The last line of its traceback."""
    if isinstance(e, OSError) and e.errno:
        own = e.filename is None and e.strerror != errno.errorcode.get(e.errno)
        text = str(e.args) if own else f"[Errno {e.errno}] {errno.errorcode[e.errno]}"
        return f"OSError: {text}"
    return f"{type(e).__name__}: {e}"


class Repl:
    def __init__(self, console):
        self.console = console
        self.names = {"__name__": "__main__"}

    def friendly(self):
        self.console.write(FRIENDLY)
        while True:
            byte = self.console.read()
            if byte == 1:
                return
            if byte == 3:
                self.console.write(b"\r\nKeyboardInterrupt\r\n>>> ")

    def start(self, program):
        """Runs a program as main.py, until Ctrl-C."""
        try:
            self.console.running = True
            exec(compile(program, "main.py", "exec"), self.names)
        except BaseException as e:
            self.console.write(f"Traceback\r\n{as_micropython(e)}\r\n".encode())
        finally:
            self.console.running = False

    def serve(self):
        try:
            while True:
                self.friendly()
                self.console.write(RAW)
                self.raw()
        except Reset:
            self.names = {"__name__": "__main__"}
            self.serve()

    def raw(self):
        """The raw REPL until Ctrl-B."""
        line = bytearray()
        while True:
            byte = self.console.read()
            if byte == 1:
                line.clear()
                self.console.write(RAW)
            elif byte == 2:
                return
            elif byte == 3:
                line.clear()
            elif byte == 5 and not line:
                self.paste()
            elif byte == 4 and not line:
                self.names = {"__name__": "__main__"}
                for name in [n for n in sys.modules if n.startswith("tinysense")]:
                    del sys.modules[name]
                self.console.write(b"OK\r\nMPY: soft reboot\r\n" + RAW)
            elif byte == 4:
                self.console.write(b"OK")
                self.run(bytes(line))
                line.clear()
            else:
                line.append(byte)

    def paste(self):
        """Raw-paste with flow control."""
        after = self.console.read()
        if after != ord("A"):           # a byte 5 that stands alone begins no paste
            self.console.unread(after)
            return None
        assert self.console.read() == 1
        self.console.write(b"R\x01" + WINDOW.to_bytes(2, "little"))
        code, left = bytearray(), WINDOW
        while True:
            byte = self.console.read()
            if byte == 3:
                self.console.write(b"\x04\x04KeyboardInterrupt: \r\n\x04>")
                return None
            if byte == 4:
                self.console.write(b"\x04")
                return self.run(bytes(code))
            code.append(byte)
            left -= 1
            if left == 0:
                self.console.write(b"\x01")
                left = WINDOW

    def run(self, code):
        error = b""
        try:
            self.console.running = True
            exec(compile(code, "<stdin>", "exec"), self.names)
        except Reset:
            self.console.running = False
            self.console.write(b"\r\nets Jan 1 1970 rst:0xf\r\n")
            raise
        except BaseException as e:
            error = f"Traceback (most recent call last):\r\n{as_micropython(e)}\r\n".encode()
        finally:
            self.console.running = False
        self.console.write(b"\x04" + error + b"\x04>")


def main():
    folder, fault = sys.argv[1], (sys.argv[2:] or [""])[0]
    console = Console()
    print(console.name, flush=True)
    if fault == "silent":
        signal.pause()
    while fault == "chatty":
        console.write(b"temperature 21.5\r\n")
        time.sleep(0.005)
    import binascii  # noqa: F401 - before the file system changes
    import gc

    json.dumps({})
    gc.mem_free = lambda: 200_000
    fault, _, board_id = fault.partition("id=")
    fault, _, main = fault.partition("main=")
    program = pathlib.Path(main.rstrip(",")).read_bytes() if main else b""
    Flash(folder, int(fault.partition("full=")[2].rstrip(",") or 0))
    stand_ins(console)
    if board_id:
        sys.modules["machine"].unique_id = lambda: bytes.fromhex(board_id)
    sys.stdout, sys.stdin = Output(console), Input(console, not fault.startswith("text"))
    repl = Repl(console)
    repl.start(program)
    repl.serve()


if __name__ == "__main__":
    main()
