"""`make upload` of what is on the board already: how often the board is asked, and what it takes."""

from __future__ import annotations

import resource
import time
from collections import Counter
from collections.abc import Callable

import pytest
from virtual_bench import ROOT, Bench

from tinysense_host.deploy.package import STAMP, Stamp, package_files
from tinysense_host.deploy.setup_board import set_up
from tinysense_host.deploy.upload import upload
from tinysense_host.device import connect
from tinysense_host.link.raw_transport import RawReplTransport

MODEL = ROOT / "models" / "gesture" / "gesture.tsm"
MPY = 0x1F06        # of QEMU_M4F's firmware
PROCESSOR_S = 4.0   # of the whole command; what other programs do at the time does not count


@pytest.fixture(scope="module")
def bench(new_bench: Callable[..., Bench]) -> Bench:
    files, _ = package_files(MPY)
    stamp = Stamp.ours(MPY).text(files)
    made = new_bench(files={f"/lib/{name}": data for name, data in {**files, STAMP: stamp}.items()})
    made.tinysense("upload", MODEL, "--setup", "--verify", "--trial", "0")
    return made


def test_the_board_is_asked_a_few_times_and_not_restarted(bench: Bench,
                                                          monkeypatch: pytest.MonkeyPatch) -> None:
    calls: Counter[str] = Counter()

    def counted(name: str) -> None:
        real = getattr(RawReplTransport, name)

        def call(self: RawReplTransport, *rest: object) -> object:
            calls[name] += 1
            return real(self, *rest)

        monkeypatch.setattr(RawReplTransport, name, call)

    for name in ("exec", "exec_stream", "soft_reset", "put", "get"):
        counted(name)
    with connect(bench.tinysense.environment["TINYSENSE_PORT"]) as device:
        connecting = calls["exec"]
        assert not set_up(device).written
        assert calls["exec"] == connecting + 1
        assert upload(device, MODEL).skipped
        assert calls["exec"] == connecting + 2
    assert set(calls) == {"exec"} and connecting <= 3, calls


def test_what_the_command_takes(bench: Bench, capsys: pytest.CaptureFixture[str]) -> None:
    """As `make upload` runs it, the board running already."""
    before, begin = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
    said = bench.tinysense("upload", MODEL, "--setup", "--verify")
    took, after = time.monotonic() - begin, resource.getrusage(resource.RUSAGE_CHILDREN)
    assert "unchanged" in said and "was there already" in said
    processor = (after.ru_utime + after.ru_stime) - (before.ru_utime + before.ru_stime)
    with capsys.disabled():
        print(f"\nunchanged upload: {took:.2f} s, {processor:.2f} s of it this computer's processor")
    assert processor < PROCESSOR_S
