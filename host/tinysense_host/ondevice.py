"""Run a model file on a board: the same vectors as on the host, made there where possible."""

from __future__ import annotations

import binascii
import itertools
import textwrap
from collections.abc import Sequence
from typing import Protocol

from tinysense_host.errors import TinysenseError
from tinysense_host.modelfile import ModelFile, section_offset
from tinysense_host.vectors import SUM_BYTES, Vector, materialise

__all__ = ["GIVEN", "BoardModel", "Link"]

# Files on the board while a model is tried; removed by close().
_MODEL, GIVEN, _MADE = _FILES = ("ts_model.tmp", "ts_in.tmp", "ts_out.tmp")

# Vectors per call: few enough that a slow board answers within the timeout.
_CHUNK = 16
_TIMEOUT_S = 300.0
# Answers up to this size come back as text, larger ones as a file.
_TEXT_BYTES = 64
# What the interpreter needs beside model and arena.
_SPARE_BYTES = 6000


class Link(Protocol):
    """What is needed of a connected board (device.Device has it)."""

    def exec(self, code: str, timeout: float = 10.0) -> str:
        """Runs code, returns what it printed."""

    def put(self, data: bytes, path: str) -> None:
        """Writes a file."""

    def get(self, path: str) -> bytes:
        """Reads a file."""


_OPEN = """
import gc, os, _tinysense as _tc
try:
    import hashlib as _th
    _th.sha256
except (ImportError, AttributeError):
    _th = None
def _t_read(path):
    data = bytearray(os.stat(path)[6])
    with open(path, 'rb') as f:
        f.readinto(data)
    return data
_tf = _t_read({model!r})
_ta = bytearray({arena})
_ts = bytearray(_tc.model_state_bytes())
_tr = _tc.model_load(_ts, _tf, _ta)
_tv = memoryview(_ta)
_ti, _to = {inputs}, {outputs}
_tp = _tc.model_row_bytes(_ts, _tf, _ta) if _tr >= 0 else 0
if len(_ti) == 1 and not _tp:
    _tb = _tv[_ti[0][0]:_ti[0][0] + _ti[0][1]]
else:
    _tb = memoryview(bytearray({size}))
_tx = memoryview(_tf)[{feat_at}:{feat_at} + {feat_bytes}]
_tw = bytearray({work})
_ty = bytearray({window})
def _t_reset():
    _tc.model_reset(_ts, _tf, _ta)
    if len(_tx):
        _tc.features_reset(_tx, _tw)
def _t_features(at, f):
    for _ in range({windows}):
        f.seek(at)
        f.readinto(_ty)
        if _tc.features_run(_tx, _ty, _tw, _tb) < 0:
            raise ValueError('features refused')
        at += {step}
    if {rows} > 1:
        _tc.features_rows(_tx, _tw, _tb)
    said = _tc.crc32(_tb[-{new}:], 0).to_bytes(4, 'little')
    if {new} < len(_tb):
        f.seek(at - {step} + len(_ty))
        f.readinto(_tb)
    return said
def _t_fill(kind, data, f):
    n, i, said = len(_tb), 0, b''
    if kind == 0:
        f.seek(data)
        f.readinto(_tb)
    elif kind == 1:
        while i < n:
            k = min(n - i, len(data))
            _tb[i:i + k] = data[:k]
            i += k
    elif kind == 2:
        while i < n:
            k = min(n - i, 32)
            _tb[i:i + k] = _th.sha256(data + (i // 32).to_bytes(4, 'little')).digest()[:k]
            i += 32
    else:
        said = _t_features(data, f)
    if len(_ti) > 1:
        i = 0
        for at, size in _ti:
            _tv[at:at + size] = _tb[i:i + size]
            i += size
    return said
def _t_infer():
    if not _tp:
        return _tc.model_run(_ts, _tf, _ta)
    r, i = _tc.model_begin(_ts, _tf, _ta), 0
    while r >= 0 and i < len(_tb):
        r, i = _tc.model_push_row(_ts, _tf, _ta, _tb[i:i + _tp]), i + _tp
    return r
def _t_run(todo, text):
    import binascii
    f = open({given!r}, 'rb') if any(kind in (0, 3) for kind, _ in todo) else None
    out = None if text else open({made!r}, 'wb')
    for kind, data in todo:
        said = _t_fill(kind, data, f)
        if text:
            print(binascii.hexlify(said).decode(), end='')
        else:
            out.write(said)
        if _t_infer() < 0:
            raise ValueError('model refused')
        for at, size in _to:
            if text:
                print(binascii.hexlify(_tv[at:at + size]).decode(), end='')
            else:
                out.write(_tv[at:at + size])
        if text:
            print()
    for x in (f, out):
        if x:
            x.close()
if _tr >= 0:
    _t_reset()
print(_tr, 0 if _th is None else 1)
"""

_CLOSE = """
import gc, os
for _t in {files!r}:
    try:
        os.remove(_t)
    except OSError:
        pass
for _t in ('_tf', '_ta', '_ts', '_tv', '_tb', '_tx', '_tw', '_ty', '_t_fill', '_t_run', '_t_read',
           '_t_infer', '_t_features', '_t_reset', '_tp'):
    globals().pop(_t, None)
gc.collect()
"""


class BoardModel:
    """A model loaded on a board until close(). Also a verify.Runner."""

    def __init__(self, link: Link, blob: bytes) -> None:
        self.file = ModelFile.read(blob)
        self._link = link
        self._outputs = [t.nbytes for t in self.file.outputs]
        self._size = sum(t.nbytes for t in self.file.inputs)
        self._geometry = self.file.feature_geometry()
        self._expect_room(len(blob))
        link.put(blob, _MODEL)
        answer = self._ask(self._open_code(blob)).split()
        if not answer or int(answer[0]) < 0:
            raise TinysenseError(
                f"the board's core refuses the model: {' '.join(answer)}",
                "Run `tinysense setup`, so that board and computer have the same core",
            )
        self._has_hash = answer[1] == "1"

    def _open_code(self, blob: bytes) -> str:
        sides = (self.file.inputs, self.file.outputs)
        places = [[(t.offset, t.nbytes) for t in rows] for rows in sides]
        feat_at, geometry = section_offset(blob, b"FEAT"), self._geometry
        frame_bytes = 2 * geometry.channels
        return _OPEN.format(
            model=_MODEL, given=GIVEN, made=_MADE, arena=max(4, self.file.arena_bytes),
            inputs=places[0], outputs=places[1], size=self._size, feat_at=feat_at,
            feat_bytes=len(self.file.feat or b""), work=max(4, geometry.work_bytes),
            window=frame_bytes * geometry.window, windows=geometry.row_stride,
            step=frame_bytes * geometry.hop, rows=geometry.rows, new=geometry.new_bytes,
        )  # fmt: skip

    def _expect_room(self, model_bytes: int) -> None:
        code = "import gc\ngc.collect()\nprint(getattr(gc, 'mem_free', lambda: -1)())"
        free = int(self._ask(code))
        parts = [model_bytes, self.file.arena_bytes, _SPARE_BYTES]
        names = "model and arena"
        if self.file.feat is not None:
            frames = 2 * self._geometry.channels * self._geometry.window
            parts.insert(2, self._geometry.work_bytes + frames)
            names = "model, arena and features"
        need = sum(parts)
        if 0 <= free < need:
            raise TinysenseError(
                f"the board has {free} bytes of RAM free, {names} need {need} "
                f"({' + '.join(map(str, parts))})",
                "Reset the board and try again, or use a smaller model or a larger board",
            )

    def run(self, given: Sequence[Vector]) -> list[bytes]:
        """See verify.Runner."""
        answers: list[bytes] = []
        starts = [i for i, vector in enumerate(given) if vector.fresh or i == 0]
        for start, end in itertools.pairwise([*starts, len(given)]):
            if given[start].fresh:
                self._ask("_t_reset()")
            for at in range(start, end, _CHUNK):
                answers += self._run_chunk(given[at : min(end, at + _CHUNK)])
        return answers

    def recipe(self, vector: Vector) -> tuple[int, int | bytes]:
        """What _t_fill on the board takes to make the vector; its file is put there."""
        todo, kept = self._recipes([vector])
        if kept:
            self._link.put(kept, GIVEN)
        return todo[0]

    def call(self, code: str) -> str:
        """Runs code that uses _ts, _tf, _ta (state, file, arena) and _tc (the core)."""
        return self._ask(code)

    def close(self) -> None:
        """Frees the board's memory and removes the files."""
        self._ask(_CLOSE.format(files=_FILES))

    def _run_chunk(self, given: Sequence[Vector]) -> list[bytes]:
        todo, kept = self._recipes(given)
        if kept:
            self._link.put(kept, GIVEN)
        sizes = [sum(self._outputs) + (SUM_BYTES if v.kind == "window" else 0) for v in given]
        text = max(sizes) <= _TEXT_BYTES
        printed = self._ask(f"_t_run({todo!r}, {text})")
        if text:
            rows = [binascii.unhexlify(line.strip()) for line in printed.split()]
        else:
            whole = self._link.get(_MADE)
            ends = list(itertools.accumulate(sizes))
            rows = [whole[end - size : end] for end, size in zip(ends, sizes, strict=True)]
        if [len(row) for row in rows] != sizes:
            raise TinysenseError(f"the board answered {len(rows)} outputs, expected {len(given)}",
                                 "Reset the board and try again")  # fmt: skip
        return rows

    def _recipes(self, given: Sequence[Vector]) -> tuple[list[tuple[int, int | bytes]], bytes]:
        """(kind, data or place in the file) per vector, and the file's content."""
        todo: list[tuple[int, int | bytes]] = []
        kept = bytearray()
        for vector in given:
            if vector.kind == "fill" and len(vector.data) <= 256:
                todo.append((1, vector.data))
            elif vector.kind == "noise" and self._has_hash:
                todo.append((2, vector.data))
            elif vector.kind == "window":
                todo.append((3, len(kept)))
                kept += vector.data + vector.whole
            else:
                todo.append((0, len(kept)))
                kept += materialise(vector, self._size)
        return todo, bytes(kept)

    def _ask(self, code: str) -> str:
        return self._link.exec(textwrap.dedent(code), _TIMEOUT_S)
