"""A recorder's files out of a littlefs image, in a process of their own.

The file system's own code reads the image, and a damaged one may make it stop
or never end; what it cannot read is left to images.py.

    python -m tinysense_host.field.littlefs_files IMAGE FOLDER
"""

from __future__ import annotations

import json
import struct
import subprocess
import sys
import tempfile
from pathlib import Path

from ..emulator.filesystem import read_files
from ..errors import TinysenseError
from .times import CLOCK_FILE

__all__ = ["littlefs_files", "main"]

_BLOCK = 4096
_TIMEOUT_S = 120.0
_LIST = "list.json"


def littlefs_files(image: Path, begin: int = 0) -> dict[str, bytes] | None:
    """Segments and clock files by path on the board; None where nothing can be mounted.

    begin: where in the image the file system begins.
    """
    with tempfile.TemporaryDirectory(prefix="tinysense-") as folder:
        out = Path(folder)
        own = _own(image, begin, out)
        try:
            done = subprocess.run([sys.executable, "-m", __name__, str(own), folder],
                                  capture_output=True, timeout=_TIMEOUT_S, check=False)
            names = json.loads((out / _LIST).read_text()) if done.returncode == 0 else None
        except (subprocess.TimeoutExpired, OSError, ValueError):
            return None
        if names is None:
            return None
        return {name: (out / str(i)).read_bytes() for i, name in enumerate(names)}


def _own(image: Path, begin: int, folder: Path) -> Path:
    """The file system alone: an image of all flash has more around it."""
    data = image.read_bytes()
    head = data[begin : begin + 2 * _BLOCK]
    blocks = 0
    for at in (8, _BLOCK + 8):
        if head[at : at + 8] == b"littlefs" and len(head) >= at + 24:
            # The name's tag is followed by version, block size and count (SPEC.md, "Superblock").
            _, _, size, blocks = struct.unpack_from("<IIII", head, at + 8)
            blocks = blocks if size == _BLOCK else 0
    if not begin and blocks * _BLOCK in (0, len(data)):
        return image
    own = folder / "image"
    own.write_bytes(data[begin : begin + blocks * _BLOCK] if blocks else data[begin:])
    return own


def main() -> None:
    """Reads the image, writes what is wanted of it into the folder; status 1 if it cannot."""
    image, folder = Path(sys.argv[1]), Path(sys.argv[2])
    try:
        files = read_files(image)
    except TinysenseError:
        sys.exit(1)
    wanted = {name: data for name, data in files.items()
              if name.endswith((".tsr", ".tsr.part")) or name.endswith("/" + CLOCK_FILE)}
    for i, data in enumerate(wanted.values()):
        (folder / str(i)).write_bytes(data)
    (folder / _LIST).write_text(json.dumps(list(wanted)))


if __name__ == "__main__":
    main()
