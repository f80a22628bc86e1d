"""`make upload`: package, native module where it is needed, and the trained model, on a new board."""

from __future__ import annotations

import re

import pytest

from tinysense_host.boards import load_board


@pytest.mark.parametrize(("board", "core"), [
    ("QEMU_M4F", "core built into the firmware"), ("QEMU_M0", "core native module armv6m")])
def test_set_up_upload_verify_and_again(new_bench, root, board, core):
    profile = load_board(board)
    module = root / "build" / "natmod" / profile.native_arch / "_tinysense.mpy"
    if not profile.user_module and not module.is_file():
        pytest.skip(f"no native module: make natmod ARCH={profile.native_arch}")
    bench = new_bench(board)
    model = root / "models" / "gesture" / "gesture.tsm"
    first = bench.tinysense("upload", model, "--setup", "--verify")
    written = int(re.search(r"(\d+) files written, 0 unchanged", first)[1])
    assert written > 20 and core in first
    equal, tried = re.search(r"(\d+)/(\d+) golden outputs equal on the board", first).groups()
    assert equal == tried != "0"
    place, packed = re.search(r"gesture uploaded: (\S+), packed for \w+, (\d+ bytes)", first).groups()
    assert place == "/ts/models/gesture/a.tsm" and "on trial for 20 windows" in first
    again = bench.tinysense("upload", model, "--setup", "--verify")
    assert f"0 files written, {written} unchanged" in again or "unchanged" in again
    assert "gesture was there already: " in again and packed in again
    assert f"{equal}/{tried} golden outputs equal on the board" in again
    assert bench.names() == {"lib", "ts"}
    assert "gesture" in bench.exec("import tinysense\ntinysense.load().info()")
    bench.tinysense("upload", model, "--trial", "0")
    last = bench.tinysense("upload", model, "--setup", "--verify")
    assert f"gesture was there already: {place}, {packed}\n" in last     # and nothing tried anew
    assert f"{equal}/{tried} golden outputs equal on the board" in last
