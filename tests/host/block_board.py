"""The device's receiver in a thread of this process, behind a line whose faults tests choose."""

import queue
import sys
import threading
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "device"))

from tinysense import receiver


class BlockBoard:
    """A Line to a receiver that serves `root`.

    spoil: called with each piece on its way to the board (`to_board` True) and
    from it, with the piece; gives what arrives of it.
    """

    port = "a board in a thread"

    def __init__(self, root, spoil=lambda to_board, data: data):
        self.spoil = spoil
        self._to_board, self._from_board = queue.Queue(), queue.Queue()
        self._held = b""
        self._left = b""
        self._alive = True
        self.failure = None
        self._thread = threading.Thread(target=self._run, args=(str(root),), daemon=True)
        self._thread.start()

    def _run(self, root):
        try:
            receiver.Receiver(self._read, self._write, root).serve()
        except OSError:
            pass
        except BaseException as e:
            self.failure = e

    def _read(self, buf):
        while len(self._left) < len(buf):
            if not self._alive:
                return 0
            try:
                self._left += self._to_board.get(timeout=0.02)
            except queue.Empty:
                continue
        buf[:], self._left = self._left[:len(buf)], self._left[len(buf):]
        return len(buf)

    def _write(self, data):
        self._from_board.put(self.spoil(False, bytes(data)))
        return len(data)

    def write(self, data):
        self._to_board.put(self.spoil(True, bytes(data)))
        return len(data)

    def some(self, wait):
        if self._held:
            data, self._held = self._held, b""
            return data
        try:
            return self._from_board.get(timeout=max(wait, 0.0001))
        except queue.Empty:
            return b""

    def unread(self, data):
        self._held = data + self._held

    def stop(self):
        self._alive = False
        self._thread.join(5)
        assert not self._thread.is_alive() and self.failure is None, self.failure


def wait_for(condition, seconds=5.0):
    end = time.monotonic() + seconds
    while not condition() and time.monotonic() < end:
        time.sleep(0.005)
    assert condition()
