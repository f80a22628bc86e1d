"""What the receiver of files takes of a board: flash as .mpy, RAM on an emulated Cortex-M4F."""

import hashlib
import json
import os
import struct
import zlib
from pathlib import Path

import pytest

from tinysense_host.boards import boards_folder
from tinysense_host.deploy.package import find_mpy_cross, package_files
from tinysense_host.device import connect
from tinysense_host.emulator import Emulator, write_files
from tinysense_host.link.stuffing import request

FLASH, RAM = 3000, 6144
BOARD = "QEMU_M4F"


@pytest.fixture(scope="module")
def files():
    if find_mpy_cross() is None:
        pytest.skip("no mpy-cross: make firmware BOARD=QEMU_M4F builds it")
    files, compiled = package_files(7942)       # sys.implementation._mpy of a Cortex-M4F
    assert compiled
    return files


def requests():
    """A put of deflated and plain blocks, a read, a sum."""
    text, noise = b"some text that is pressed well " * 140, os.urandom(1020)
    packer = zlib.compressobj(9, zlib.DEFLATED, -10)
    packed = packer.compress(text) + packer.flush()
    sha, path = hashlib.sha256(text + noise).digest(), b"/a"
    size = struct.pack("<I", len(text) + len(noise))
    return b"".join([
        request(2, 1, size + sha + path), request(3, 2, bytes(4) + packed, 1),
        request(3, 3, struct.pack("<I", len(text)) + noise), request(4, 4),
        request(5, 5, bytes(4) + size + path), request(6, 6, size + path)])


def test_flash(files):
    assert len(files["tinysense/receiver.mpy"]) <= FLASH


def test_ram(files, tmp_path):
    if not (boards_folder().parent / "build/firmware" / BOARD / "firmware.elf").is_file():
        pytest.skip(f"no firmware: make firmware BOARD={BOARD}")
    image = tmp_path / "flash.img"
    needed = ("tinysense/__init__.mpy", "tinysense/receiver.mpy")
    program = Path(__file__).with_name("receiver_ram.py").read_bytes()
    write_files(image, {f"/lib/{name}": files[name] for name in needed}
                | {"/lib/receiver_ram.py": program, "/requests": requests()})
    with Emulator(BOARD, fs=image) as emulator, connect(emulator.port) as device:
        code, beside, kinds = json.loads(device.exec("import receiver_ram\nreceiver_ram.run()",
                                                     timeout=60))
    assert kinds == [0x41, 0x42, 0x43, 0x43, 0x44] + [0x45] * 6 + [0x46]
    assert 2000 < beside <= RAM
    assert code <= 5000         # nothing of it where the package is frozen
