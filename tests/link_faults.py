"""One upload, one fault: what the board holds afterwards, and how long it all took."""

from __future__ import annotations

import contextlib
import json
import random
import signal
import socket
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from hashlib import sha256
from pathlib import Path

import link_relay
from link_relay import TO_BOARD, TO_HOST, Place, Relay

from tinysense_host.deploy.package import package_files
from tinysense_host.deploy.upload import upload
from tinysense_host.device import BoardInfo, connect
from tinysense_host.emulator import Emulator, emulator, read_files, write_files
from tinysense_host.emulator.qemu import Qemu
from tinysense_host.errors import TinysenseError
from tinysense_host.modelfile import ModelFile
from tinysense_host.packing import fit

DISK_BYTES = 2 << 20
# Stated: a request is tried 5 times for 2 s, a connection 3 times for 2 s, a program 10 s.
# Generous: two cores for all tests at once.
LIMIT_S = 90.0
HERE = Path(__file__).resolve().parent


@lru_cache
def facts(board: str) -> BoardInfo:
    """What a virtual board says of itself."""
    with Emulator(board) as emulator, connect(emulator.port) as device:
        return device.info()


class _Resettable(Qemu):
    """QEMU with the channel over which its reset button is pressed."""

    def _command(self, firmware: Path, fs: str) -> list[str]:
        return [*super()._command(firmware, fs), "-qmp", f"unix:{fs}.qmp,server=on,wait=off"]


def press_reset(image: Path) -> None:
    """The reset button of the QEMU board on that image."""
    with socket.socket(socket.AF_UNIX) as link:
        link.settimeout(10)
        link.connect(f"{image}.qmp")
        link.sendall(b'{"execute":"qmp_capabilities"}\n{"execute":"system_reset"}\n')
        with link.makefile() as lines:
            for line in lines:
                if json.loads(line).get("event") == "RESET":
                    return


@dataclass
class Uploading:
    """Files that take turns, so that none is on the board in any slot, and how to upload one."""

    contents: tuple[bytes, bytes, bytes]
    upload: Callable[[str, Path], None]         # to a port, a file here; TinysenseError
    active: Callable[[dict[str, bytes]], bytes | None]      # of a board's files, the one in use
    command: Callable[[str, Path], list[str]]   # the same as a process
    leaves: tuple[str, ...]                     # files that are there after an upload
    proof: str = "print('ok')"                  # code that prints "ok" on a board that works


@dataclass
class Outcome:
    """Of one combination. seconds: of the upload with the fault, and of the one after it."""

    fault: str
    place: Place
    struck: bool
    left_new: bool
    failed: str
    seconds: tuple[float, float]

    def __str__(self) -> str:
        what = "new" if self.left_new else "old"
        return (f"{self.fault:12} {self.place!s:22} {what} {self.seconds[0]:5.1f} "
                f"{self.seconds[1]:5.1f} {'' if self.struck else '(not reached) '}{self.failed}")


class FaultBench:
    """A virtual board behind a relay, with the first of some files on it."""

    def __init__(self, board: str, folder: Path, uploading: Uploading) -> None:
        self.board, self.folder, self.uploading = board, folder, uploading
        self.flash = folder / ("flash.img" if board != "UNIX" else "flash")
        if board == "UNIX":
            self.flash.mkdir()
        package, _ = package_files(facts(board).mpy)
        write_files(self.flash, {f"/lib/{name}": data for name, data in package.items()},
                    disk_bytes=DISK_BYTES)
        self.sources = [folder / f"{i}.tsm" for i in range(len(uploading.contents))]
        for source, data in zip(self.sources, uploading.contents, strict=True):
            source.write_bytes(data)
        self.there = 0                  # which of them the board uses
        self._child: subprocess.Popen[bytes] | None = None
        self.emulator: Emulator | None = None
        self.relay = Relay(folder, self.power_on(), {
            "reset": self.reset, "power": self.power_cycle, "kill": self._kill})
        self._upload(0)

    # ---- power ----

    def power_on(self) -> str:
        """Starts the emulator; its port."""
        self.emulator = Emulator(self.board, fs=self.flash)
        return self.emulator.port

    def power_cycle(self) -> str:
        """kill -9, and on again: the board's new port."""
        assert self.emulator is not None
        self.emulator.power_cut()
        return self.power_on()

    def reset(self) -> str | None:
        """The reset button; the port stays, but where the board is a process of this computer."""
        if self.board == "UNIX":
            return self.power_cycle()
        press_reset(self.flash)
        return None

    def close(self) -> None:
        """Ends all."""
        self.relay.__exit__()
        if self.emulator is not None:
            self.emulator.stop()

    # ---- uploads ----

    def _upload(self, which: int) -> None:
        self.uploading.upload(self.relay.port, self.sources[which])

    def _kill(self) -> None:
        if self._child is not None:
            self._child.send_signal(signal.SIGKILL)

    def _in_time(self, attempt: Callable[[], str]) -> tuple[str, float]:
        """(what an attempt said, seconds it took); AssertionError where it does not end."""
        said: list[str] = []

        def run() -> None:
            try:
                said.append(attempt())
            except TinysenseError as e:
                said.append(str(e))
            except BaseException as e:      # a bug: told by the caller
                said.append(f"BUG {type(e).__name__}: {e}")
                raise

        begin = time.monotonic()
        thread = threading.Thread(target=run, daemon=True)
        thread.start()
        thread.join(LIMIT_S)
        assert said, f"not done after {LIMIT_S:g} s"
        assert not said[0].startswith("BUG"), said[0]
        return said[0], time.monotonic() - begin

    def _killed(self, which: int) -> str:
        """The attempt as a process of its own, which may be killed."""
        self._child = subprocess.Popen(
            self.uploading.command(self.relay.port, self.sources[which]),
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        said = self._child.communicate(timeout=LIMIT_S)[0].decode()
        return f"status {self._child.returncode} {said[-200:]}" if self._child.returncode else ""

    def mend(self) -> None:
        """After what should not have been: a board that works, for what comes next."""
        self.relay.arm("", Place(TO_BOARD, -1))
        self.wait_for_port()
        self.relay.attach(self.power_cycle())
        self._upload(self.there)

    def wait_for_port(self) -> None:
        """Until the relay has given the port back."""
        end = time.monotonic() + 20
        while not Path(self.relay.port).exists() and time.monotonic() < end:
            time.sleep(0.02)

    def active(self) -> bytes | None:
        """The file in use, read from the board's flash."""
        return self.uploading.active(read_files(self.flash))

    def measure(self) -> dict[str, int]:
        """Bytes of an undisturbed upload, by direction, and its phases."""
        self.relay.arm("", Place(TO_BOARD, -1))
        self._upload(self._next())
        self.there = self._next()
        return dict(self.relay.passed)

    def _next(self) -> int:
        return (self.there + 1) % len(self.sources)

    def combination(self, fault: str, place: Place, restart: bool) -> Outcome:
        """An upload with a fault, a restart or none, an upload without. AssertionErrors tell."""
        new = self._next()
        contents = self.uploading.contents
        self.relay.arm(fault, place)
        said, first = self._in_time(
            lambda: (self._killed if fault == "kill" else self._upload_said)(new))
        struck = self.relay.struck.is_set()
        self.relay.arm("", Place(TO_BOARD, -1))
        self.wait_for_port()
        left = self.active()
        assert left in (contents[self.there], contents[new]), "a mixture" if left else "no file"
        if restart:
            port = self.reset()
            if port is not None:
                self.relay.attach(port)
            self._prove()
            # A board that was only cut off may have gone on with what it had been told.
            assert self.active() in (left, contents[new]), "another file after a restart"
        said_again, second = self._in_time(lambda: self._upload_said(new))
        assert not said_again, f"the second upload failed: {said_again}"
        files = read_files(self.flash)
        assert self.uploading.active(files) == contents[new], "the second upload left another file"
        strays = [name for name in files
                  if not name.startswith("/lib/") and name not in self.uploading.leaves]
        assert not strays, f"what is left besides: {strays}"
        self.there = new
        assert said or left == contents[new], "it succeeded, with the old file in place"
        return Outcome(fault, place, struck, left == contents[new], said, (first, second))

    def _prove(self) -> None:
        """The board boots, and what it should do it does."""
        with connect(self.relay.port) as device:
            said = device.exec(self.uploading.proof, timeout=60)
        assert said == "ok\n", said

    def _upload_said(self, which: int) -> str:
        self._upload(which)
        return ""


@contextlib.contextmanager
def bench(board: str, folder: Path, uploading: Uploading) -> Iterator[FaultBench]:
    """A FaultBench, ended afterwards."""
    kinds = dict(emulator.KINDS)
    emulator.KINDS["qemu"] = _Resettable
    made = None
    try:
        made = FaultBench(board, folder, uploading)
        yield made
    finally:
        if made is not None:
            made.close()
        emulator.KINDS.update(kinds)


def put_file(contents: tuple[bytes, bytes, bytes]) -> Uploading:
    """A plain file through the block protocol."""
    path = "/m.bin"

    def upload(port: str, source: Path) -> None:
        with connect(port) as device:
            device.put(source.read_bytes(), path)

    def command(port: str, source: Path) -> list[str]:
        return [sys.executable, "-c",
                "import sys; from pathlib import Path; from tinysense_host.device import connect\n"
                f"with connect({port!r}) as d: d.put(Path({str(source)!r}).read_bytes(), {path!r})"]

    return Uploading(contents, upload, lambda files: files.get(path), command, (path,))


def packed(board: str, model: bytes, folder: Path) -> bytes:
    """A model as that board takes it."""
    path = folder / "portable.tsm"
    path.write_bytes(model)
    return fit(ModelFile.load(path), facts(board).kernels).write()


def upload_model(contents: tuple[bytes, bytes, bytes]) -> Uploading:
    """Packed models of one name, by `tinysense upload`, to a board with slots."""
    def send(port: str, source: Path) -> None:
        with connect(port) as device:
            upload(device, source)

    def active(files: dict[str, bytes]) -> bytes | None:
        name = files["/ts/models/current"].decode().strip()
        state = json.loads(files[f"/ts/models/{name}/slots.json"])
        slot = state["active"]
        data = files[f"/ts/models/{name}/{slot}.tsm"]
        assert sha256(data).hexdigest() == state[slot]["sha256"], "slots.json tells of another file"
        return data

    def command(port: str, source: Path) -> list[str]:
        return [str(Path(sys.executable).parent / "tinysense"), "upload", str(source),
                "--port", port]

    folder = "/ts/models/tiny/"
    return Uploading(contents, send, active, command,
                     ("/ts/models/current", *(folder + n for n in ("a.tsm", "b.tsm", "slots.json"))),
                     "import tinysense\n_n, _m = tinysense.load().selftest(quiet=True)\n"
                     "print('ok' if _n == _m > 0 else (_n, _m))")


# A receiver greets by itself; only the host calls for the switch.
_ONE_WAY = {(TO_BOARD, "HELLO"), (TO_HOST, link_relay.SWITCH)}
PHASES = [Place(way, phase) for way in (TO_BOARD, TO_HOST) for phase in (
    link_relay.BEFORE, "HELLO", "OPEN", "DATA first", "DATA middle", "DATA last", "CLOSE", "BYE",
    link_relay.AFTER, link_relay.SWITCH) if (way, phase) not in _ONE_WAY]


def offsets(passed: dict[str, int], count: int, seed: int) -> list[Place]:
    """Random bytes of an upload, in both directions."""
    chance = random.Random(seed)
    ways = [TO_BOARD if chance.random() < 0.6 else TO_HOST for _ in range(count)]
    return [Place(way, chance.randrange(passed[way])) for way in ways]


def summary(outcomes: list[Outcome]) -> str:
    """What a matrix came to."""
    if not outcomes:
        return "nothing tried"
    news = Counter(o.left_new for o in outcomes)
    failed = sum(bool(o.failed) for o in outcomes)
    slowest = max(outcomes, key=lambda o: max(o.seconds))
    return (f"{len(outcomes)} combinations: {news[True]} left the new file, {news[False]} the old; "
            f"{failed} uploads failed, {sum(not o.struck for o in outcomes)} never met the fault; "
            f"the longest: {slowest}")
