"""Files on a board, done with nothing but code run at its prompt.

Shared by the transports that speak to a raw REPL. A file is written under a
name ending in `.part`, checked by a CRC that the board computes over what it
reads back, and only then renamed: a cut at any moment leaves either the old
file or the new one under the final name.
"""

from __future__ import annotations

import ast
import base64
import binascii
import contextlib
from typing import Any, Protocol

from tinysense_host.errors import TinysenseError
from tinysense_host.link.transport import BoardError, FileEntry, LinkError, Progress, Sink

__all__ = ["BoardFiles", "CHUNK_BYTES", "plain_path"]

# Bytes per write. Each write is compiled by the board, which takes about four
# times this much heap for a moment; larger chunks gained nothing.
CHUNK_BYTES = 2048

ENOENT, EEXIST, ENOSPC = 2, 17, 28

# CRC-32 with whatever the board has: binascii's, the core's, or a nibble table.
_CRC_CODE = """
def _ts_crc(p):
 try:
  from binascii import crc32
 except ImportError:
  try:
   from _tinysense import crc32
  except ImportError:
   t=[]
   for i in range(16):
    for _ in range(4):
     i=(i>>1)^0xEDB88320 if i&1 else i>>1
    t.append(i)
   def crc32(d,c):
    c^=0xFFFFFFFF
    for x in d:
     c^=x
     c=(c>>4)^t[c&15]
     c=(c>>4)^t[c&15]
    return c^0xFFFFFFFF
 b=bytearray(512)
 m=memoryview(b)
 c=n=0
 with open(p,'rb') as f:
  while True:
   k=f.readinto(b)
   if not k:
    break
   c=crc32(m[:k],c)
   n+=k
 return c&0xFFFFFFFF,n
"""

_GET_CODE = """
def _ts_get(p):
 from binascii import b2a_base64 as e
 b=bytearray(384)
 m=memoryview(b)
 with open(p,'rb') as f:
  while True:
   k=f.readinto(b)
   if not k:
    break
   print(e(m[:k]).decode(),end='')
"""


def plain_path(path: str) -> str:
    """A path on the board as it is; TinysenseError where it could leave the board's folder."""
    from tinysense.config import path_fault

    fault = path_fault(path)
    if fault:
        raise TinysenseError(f"a path on the board: {fault}", "give a plain path, such as /m.tsm")
    return path


class _Executes(Protocol):
    port: str

    def exec(self, code: str, timeout: float = 10.0) -> bytes: ...

    def exec_stream(self, code: str, sink: Sink, silence: float = 10.0) -> None: ...


class BoardFiles:
    """The file half of a Transport, over its `exec` and `exec_stream`."""

    def put(self: _Executes, data: bytes, path: str,
            progress: Progress | None = None) -> bool | None:
        """See Transport.put."""
        part = plain_path(path) + ".part"
        try:
            _write(self, data, part, progress)
            _check(self, data, part)
            _rename(self, part, path)
            return True
        except BaseException as e:
            # Also on Ctrl-C: nothing half-written stays, whatever the cause.
            with contextlib.suppress(BoardError, LinkError):
                self.exec("try:\n _tsf.close()\nexcept Exception:\n pass\n"
                          f"import os\nos.remove({part!r})")
            if isinstance(e, BoardError) and e.errno == ENOSPC:
                raise LinkError(f"no room on the board for {path}: {len(data)} bytes needed",
                                "remove files there; `tinysense boards` shows what is free") from e
            raise

    def get(self: _Executes, path: str, progress: Progress | None = None) -> bytes:
        """See Transport.get."""
        expected, total = _stat_crc(self, plain_path(path))
        text = bytearray()

        def collect(piece: bytes) -> bytes:
            text.extend(piece)
            if progress is not None and piece:
                progress(min(len(text) * 3 // 4, total), total)
            return piece

        self.exec_stream(f"{_GET_CODE}\n_ts_get({path!r})\ndel _ts_get", collect)
        body = bytes(text).split(b"\x04")[0]
        try:
            data = b"".join(binascii.a2b_base64(line) for line in body.splitlines())
        except binascii.Error as e:
            raise LinkError(f"{path} came damaged from {self.port}: {e}", "try again") from e
        if len(data) != total or binascii.crc32(data) != expected:
            raise LinkError(f"{path} came damaged from {self.port}: {len(data)} of {total} bytes "
                            f"with CRC {binascii.crc32(data):08x}, expected {expected:08x}",
                            "try again")
        return data

    def remove(self: _Executes, path: str) -> None:
        """See Transport.remove."""
        plain_path(path)
        self.exec(f"import os\ntry:\n os.remove({path!r})\nexcept OSError:\n os.rmdir({path!r})")

    def rename(self: _Executes, source: str, target: str) -> None:
        """See Transport.rename."""
        _rename(self, plain_path(source), plain_path(target))

    def mkdir(self: _Executes, path: str) -> None:
        """See Transport.mkdir."""
        steps = [p for p in plain_path(path).split("/") if p]
        made = ["/" * path.startswith("/") + "/".join(steps[:i + 1]) for i in range(len(steps))]
        self.exec(f"import os\nfor _p in {made!r}:\n try:\n  os.mkdir(_p)\n"
                  f" except OSError as _e:\n  if _e.errno!={EEXIST}: raise")

    def stat(self: _Executes, path: str) -> FileEntry | None:
        """See Transport.stat."""
        plain_path(path)
        try:
            mode, size = _literal(self, f"import os\n_s=os.stat({path!r})\nprint((_s[0],_s[6]))")
        except BoardError as e:
            if e.errno == ENOENT:
                return None
            raise
        is_dir = bool(mode & 0x4000)
        return FileEntry(path.rsplit("/", maxsplit=1)[-1], 0 if is_dir else size, is_dir)

    def list(self: _Executes, path: str) -> list[FileEntry]:
        """See Transport.list."""
        plain_path(path)
        rows = _literal(self, "import os\nprint([(f[0],f[1],f[3] if len(f)>3 else 0)"
                              f" for f in os.ilistdir({path!r})])")
        return sorted((FileEntry(n, 0 if m & 0x4000 else s, bool(m & 0x4000)) for n, m, s in rows),
                      key=lambda entry: entry.name)

    def crc32(self: _Executes, path: str) -> int | None:
        """See Transport.crc32."""
        try:
            return _stat_crc(self, plain_path(path))[0]
        except BoardError as e:
            if e.errno == ENOENT:
                return None
            raise


def _literal(board: _Executes, code: str) -> Any:
    """What the code printed, as a Python literal: what a board says is never evaluated."""
    text = board.exec(code).decode("utf-8", "replace").strip()
    try:
        return ast.literal_eval(text)
    except (ValueError, SyntaxError) as e:
        raise LinkError(f"{board.port} answered {text[:60]!r} where numbers were expected",
                        "try again; if it stays, reset the board") from e


def _stat_crc(board: _Executes, path: str) -> tuple[int, int]:
    """(CRC-32, bytes) of a file on the board."""
    code = f"{_CRC_CODE}\nprint(_ts_crc({path!r}))\ndel _ts_crc"
    text = board.exec(code, timeout=120.0).decode("utf-8", "replace").strip()
    try:
        crc, size = ast.literal_eval(text)
        return int(crc), int(size)
    except (ValueError, SyntaxError, TypeError) as e:
        raise LinkError(f"{board.port} answered {text[:60]!r} where a CRC was expected",
                        "try again; if it stays, reset the board") from e


def _write(board: _Executes, data: bytes, part: str, progress: Progress | None) -> None:
    board.exec("from binascii import a2b_base64 as _tsa\n"
               f"_tsf=open({part!r},'wb')\n_tsw=_tsf.write")
    for start in range(0, len(data), CHUNK_BYTES):
        piece = base64.b64encode(data[start:start + CHUNK_BYTES]).decode()
        board.exec(f"_tsw(_tsa('{piece}'))", timeout=30.0)
        if progress is not None:
            progress(min(start + CHUNK_BYTES, len(data)), len(data))
    board.exec("_tsf.close()\ndel _tsf,_tsw,_tsa", timeout=30.0)


def _check(board: _Executes, data: bytes, part: str) -> None:
    crc, size = _stat_crc(board, part)
    if size != len(data) or crc != binascii.crc32(data):
        raise LinkError(f"{part} was damaged on the way: {size} bytes with CRC {crc:08x}, expected "
                        f"{len(data)} with {binascii.crc32(data):08x}", "try again")


def _rename(board: _Executes, source: str, target: str) -> None:
    # FAT does not replace on rename, littlefs and POSIX do.
    board.exec(f"import os\ntry:\n os.rename({source!r},{target!r})\n"
               f"except OSError as _e:\n if _e.errno!={EEXIST}: raise\n"
               f" os.remove({target!r})\n os.rename({source!r},{target!r})", timeout=30.0)

