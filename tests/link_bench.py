"""How fast files go to an emulated board: ours, without its receiver, mpremote's cp, ampy's put.

    python tests/link_bench.py [FILE ...]

Each way brings the same file to the same board, in this run, so that the ratios
do not depend on the computer; `cp` and `put` are commands, whose start counts, and
is taken off once more by itself. The bytes that ours and mpremote's take are counted by a
relay, in a second go. Without FILE: real weights, the models in the tree one after the
other, and the first 100 kB of two of others where they are (TINYSENSE_SHARED or ../shared).
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from link_relay import Relay

from tinysense_host.boards import boards_folder
from tinysense_host.deploy.package import package_files
from tinysense_host.device import connect
from tinysense_host.emulator import Emulator, write_files
from tinysense_host.link.board_files import BoardFiles

ROOT = boards_folder().parent
BOARD = "QEMU_M4F"
BIN = Path(sys.executable).parent
NEEDED = ("tinysense/__init__", "tinysense/receiver")
BYTES = 100_000
_PUT = """
import sys
from pathlib import Path
from tinysense_host.device import connect
with connect(sys.argv[1]) as device:
    device.put(Path(sys.argv[2]).read_bytes(), "/ours")
"""


def seconds(work: Callable[[], object]) -> float:
    begin = time.perf_counter()
    work()
    return time.perf_counter() - begin


def run(*words: object) -> None:
    done = subprocess.run([str(w) for w in words], capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{words[:2]}: {done.stdout}{done.stderr}")


def board_image(folder: Path) -> Path:
    """A flash with the receiver and nothing else."""
    with connect(board=BOARD) as device:
        mpy = device.info().mpy
    files, _ = package_files(mpy)
    image = folder / "flash.img"
    write_files(image, {f"/lib/{name}": data for name, data in files.items()
                        if name.rpartition(".")[0] in NEEDED})
    return image


def measured(path: Path, image: Path, ampy: bool = True) -> dict[str, float]:
    """Seconds of each way: `ours` and `mpremote` with their start, `... transfer` without."""
    data = path.read_bytes()
    took: dict[str, float] = {}
    with Emulator(BOARD, fs=image) as emulator:
        port = emulator.port
        mpremote = [BIN / "mpremote", "connect", port]
        took["ours"] = seconds(lambda: run(sys.executable, "-c", _PUT, port, path))
        with connect(port) as device:
            took["ours transfer"] = seconds(lambda: device.put(data, "/again"))
            took["ours unchanged"] = seconds(lambda: device.put(data, "/again"))
            took["ours back"] = seconds(lambda: device.get("/again"))
            plain = device.transport
            assert isinstance(plain, BoardFiles)
            took["fallback transfer"] = seconds(lambda: BoardFiles.put(plain, data, "/plain"))
        start = seconds(lambda: run(*mpremote, "exec", "pass"))
        took["mpremote"] = seconds(lambda: run(*mpremote, "cp", path, ":theirs"))
        took["mpremote transfer"] = took["mpremote"] - start
        if ampy:
            took["ampy"] = seconds(lambda: run(BIN / "ampy", "-p", port, "put", path, "/ampy"))
    return took


def line_bytes(path: Path, image: Path) -> dict[str, int]:
    """Bytes on the line, both ways together: a put in an open session, and mpremote's cp."""
    with Emulator(BOARD, fs=image) as emulator, Relay(image.parent, emulator.port) as relay:
        def passed(work: Callable[[], object]) -> int:
            before = sum(relay.passed.values())
            work()
            return sum(relay.passed.values()) - before

        with connect(relay.port) as device:
            ours = passed(lambda: device.put(path.read_bytes(), "/counted"))
        return {"ours": ours, "mpremote": passed(lambda: run(
            BIN / "mpremote", "connect", relay.port, "cp", path, ":counted_too"))}


def models(folder: Path) -> list[Path]:
    """Files of about 100 kB of real weights."""
    tree = b"".join((ROOT / "models" / n / f"{n}.tsm").read_bytes()
                    for n in ("gesture", "keyword", "wakeword"))
    found = {"models of the tree": tree}
    shared = Path(os.environ.get("TINYSENSE_SHARED", ROOT.parent / "shared")) / "models"
    for name in ("pretrainedResnet_quant", "ad01_int8"):
        file = shared / "mlperf_tiny" / f"{name}.tflite"
        if file.is_file():
            found[name] = file.read_bytes()[:BYTES]
    for name, data in found.items():
        (folder / name).write_bytes(data)
    return [folder / name for name in found]


def main() -> None:
    with tempfile.TemporaryDirectory(prefix="tinysense-") as temporary:
        folder = Path(temporary)
        os.environ["TINYSENSE_RUN"] = str(folder / "run")
        image = board_image(folder)
        for path in [Path(a) for a in sys.argv[1:]] or models(folder):
            size = path.stat().st_size
            took = measured(path, image)
            print(f"{path.name}, {size} bytes, {BOARD}:")
            for way, time_s in took.items():
                print(f"  {way:18} {time_s:7.2f} s  {size / time_s:9.0f} bytes/s")
            print(f"  mpremote's cp takes {took['mpremote'] / took['ours']:.1f} times as long as "
                  f"ours, {took['mpremote transfer'] / took['ours transfer']:.1f} times without "
                  f"the start of both")
            count = line_bytes(path, image)
            print("  bytes on the line for one of the file: " + ", ".join(
                f"{way} {n / size:.2f}" for way, n in count.items())
                + f"; {count['mpremote'] / count['ours']:.1f} times as many")


if __name__ == "__main__":
    main()
