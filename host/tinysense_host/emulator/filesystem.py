"""What a board keeps while it is off: littlefs images, and folders of UNIX boards."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from typing import Any

from tinysense_host.errors import TinysenseError

__all__ = ["make_image", "read_files", "write_files"]

_DISK_BYTES = 4 << 20           # of a new image, where nothing else is asked for
_BLOCK_BYTES = 4096
_LITTLEFS_VERSION = 0x00020001  # what MicroPython 1.25 reads and writes


def make_image(path: Path, size: int) -> None:
    """Makes an empty file system of that many bytes, where there is none."""
    if not path.exists() or path.stat().st_size == 0:
        path.parent.mkdir(parents=True, exist_ok=True)
        _store(_littlefs(None, size), path)


def _littlefs(data: bytes | None, size: int = _DISK_BYTES) -> Any:
    """A littlefs in memory: over an image's bytes, or a new one of that size."""
    try:
        from littlefs import LittleFS  # noqa: PLC0415 (an extra)
        from littlefs.errors import LittleFSError  # noqa: PLC0415
    except ImportError as e:
        raise TinysenseError("littlefs-python is not installed",
                             "install it: pip install 'tinysense[boards]'") from e
    blocks = (size if data is None else len(data)) // _BLOCK_BYTES
    files = LittleFS(block_size=_BLOCK_BYTES, block_count=blocks, prog_size=256, read_size=256,
                     lookahead_size=256, cache_size=1024, disk_version=_LITTLEFS_VERSION,
                     mount=False)
    if data is None:
        files.format()
    else:
        files.context.buffer[:] = data
    try:
        files.mount()
    except LittleFSError as e:
        raise ValueError(str(e)) from e
    return files


def _store(files: Any, image: Path) -> None:
    """Replaces the image in one step: a board never sees half of one."""
    part = image.with_name(image.name + ".part")
    part.write_bytes(bytes(files.context.buffer))
    part.replace(image)


def _load(image: Path) -> Any:
    try:
        return _littlefs(image.read_bytes())
    except (OSError, ValueError) as e:
        raise TinysenseError(f"{image} holds no file system that can be read: {e}",
                             "remove it, and a board makes a new one") from e


def write_files(fs: str | Path, files: Mapping[str, bytes],
                disk_bytes: int = _DISK_BYTES) -> None:
    """Puts files into the file system of a board that does not run.

    fs: an image or a folder, as Emulator's; an image is made where there is
    none, of disk_bytes (a folder must exist). files: absolute path on the
    board -> bytes.
    """
    path = Path(fs)
    if path.is_dir():
        for name, data in files.items():
            target = path / name.lstrip("/")
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(data)
        return
    image = _load(path) if path.exists() and path.stat().st_size else \
        _littlefs(None, disk_bytes)
    for name, data in files.items():
        parent = str(PurePosixPath(name).parent)
        if parent not in ("/", "."):
            image.makedirs(parent, exist_ok=True)
        with image.open(name, "wb") as f:
            f.write(data)
    _store(image, path)


def read_files(fs: str | Path) -> dict[str, bytes]:
    """All files of a board's file system: absolute path on the board -> bytes.

    The board should not run: it writes while it does.
    """
    path = Path(fs)
    if path.is_dir():
        return {"/" + str(p.relative_to(path)): p.read_bytes()
                for p in sorted(path.rglob("*")) if p.is_file()}
    if not path.exists():
        raise TinysenseError(f"no file system {path}", "start a board with it first")
    image = _load(path)
    out = {}
    for folder, _, names in image.walk("/"):
        for name in names:
            full = str(PurePosixPath(folder) / name)
            with image.open(full, "rb") as f:
                out[full] = f.read()
    return out

