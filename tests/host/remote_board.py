"""A board on the network: MicroPython's unix firmware, its / a folder, serving tinysense.remote."""

import contextlib
import json
import os
import socket
import subprocess
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
FIRMWARE = ROOT / "build" / "firmware" / "UNIX" / "micropython"
SECRET = b"a secret of more than sixteen bytes"

# VfsPosix of this firmware cannot rename under a root: see boards/unix/modules/board_start.py.
PROGRAM = """
import os, sys, vfs
class Disk:
    def __init__(self, root):
        self._root, self._plain, self._disk = root, vfs.VfsPosix(), vfs.VfsPosix(root)
    def __getattr__(self, name):
        return getattr(self._disk, name)
    def rename(self, old, new):
        self._plain.rename(self._root + old, self._root + new)
vfs.umount("/")
vfs.mount(Disk({root!r}), "/")
vfs.mount(vfs.VfsPosix({device!r}), "/device")
os.chdir("/")
sys.path[:] = ["/device", ".frozen"]
from tinysense import remote
{serve}
"""
SERVE = """
server = remote.from_config()
print("ready")
server.serve()
"""
# As device/examples/remote_board.py; each line: windows and frames lost while a computer is there.
PIPELINE = """
import tinysense
from tinysense.ticks import sleep_ms
pipeline = tinysense.from_config()
server = remote.from_config(driver=pipeline.driver)
print("ready")
told = 0
while True:
    pipeline.step()
    there = server.poll()
    if there and pipeline.windows >= told + 20:
        told = pipeline.windows
        print(told, pipeline.dropped)
    sleep_ms(pipeline.pause_ms())
"""


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


class RemoteBoard:
    """``folder`` is the board's /; ``url`` where it listens."""

    def __init__(self, folder, config=None, secret=SECRET, serve=SERVE):
        if not FIRMWARE.is_file():
            pytest.skip(f"no {FIRMWARE}: build it with `make firmware BOARD=UNIX`")
        self.folder, self.port, self.said = Path(folder), free_port(), ""
        self.serve = serve
        self.url = f"tcp://127.0.0.1:{self.port}"
        (self.folder / "ts").mkdir(parents=True, exist_ok=True)
        (self.folder / "device").mkdir(exist_ok=True)
        (self.folder / "ts" / "secret").write_bytes(secret)
        full = {"driver": "replay", "driver_options": {"path": "/x.tsr"}} | (config or {})
        full["remote"] = {"port": self.port} | full.get("remote", {})
        (self.folder / "tinysense.json").write_text(json.dumps(full))

    def __enter__(self):
        program = PROGRAM.format(root=str(self.folder), device=str(ROOT / "device"),
                                 serve=self.serve)
        self.process = subprocess.Popen([FIRMWARE, "-X", "heapsize=4m", "-c", program],
                                        stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        line = self.process.stdout.readline()
        assert line == b"ready\n", line + self.process.stdout.read()
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.said = self.process.stdout.read().decode()
        print(self.said[-2000:])
        self.process.wait()

    def connect(self):
        """A plain connection."""
        return socket.create_connection(("127.0.0.1", self.port), 5)

    def ended(self, within=5.0):
        """The exit status, once it has ended."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            return self.process.wait(within)
        return None


def use_secret(monkeypatch, tmp_path, secret=SECRET):
    """Makes it the secret of every board."""
    path = tmp_path / "secret-for-boards"
    path.write_bytes(secret)
    os.chmod(path, 0o600)
    monkeypatch.setenv("TINYSENSE_SECRET_FILE", str(path))
    return path


def wait_for(condition, seconds=5.0):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if condition():
            return True
        time.sleep(0.01)
    return False
