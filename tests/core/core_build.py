"""Compiles the core for tests, and calls it from Python without any binding.

The binding has its own tests; here the C functions are called as they are.
"""

from __future__ import annotations

import ctypes
import functools
import re
import shutil
import subprocess
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parents[2]
CORE = ROOT / "device" / "core"
BUILD = ROOT / "build" / "core-tests"
STRICT = ["-std=c99", "-Wall", "-Wextra", "-Wconversion", "-Werror"]
SANITISED = ["-fsanitize=address,undefined", "-fno-sanitize-recover=all", "-g", "-O1"]


def sources() -> list[Path]:
    return sorted([*CORE.glob("*.c"), *CORE.glob("arch/*.c")])


def _newest() -> float:
    files = [*CORE.rglob("*"), *Path(__file__).parent.rglob("*.[ch]")]
    return max(f.stat().st_mtime for f in files)


def build(name: str, extra: list[Path], flags: list[str], compiler: str = "gcc") -> Path:
    """The core and ``extra`` sources as build/core-tests/``name``; kept while nothing changed."""
    target = BUILD / name
    if target.exists() and target.stat().st_mtime > _newest():
        return target
    BUILD.mkdir(parents=True, exist_ok=True)
    inputs = [str(p) for p in [*extra, *sources()]]
    command = [compiler, *STRICT, *flags, f"-I{CORE}", *inputs, "-o", str(target)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{' '.join(command)}\n{done.stderr[:3000]}"
    return target


def errors() -> dict[str, int]:
    """Names and codes of errors.def."""
    rows = re.findall(r"^X\((\w+),\s*(-\d+),", (CORE / "errors.def").read_text(), re.MULTILINE)
    return {name: int(code) for name, code in rows}


class State(ctypes.Structure):
    """ts_model_t."""

    _fields_ = [
        ("file", ctypes.c_void_p), ("arena", ctypes.c_void_p),
        ("file_bytes", ctypes.c_uint32), ("arena_bytes", ctypes.c_uint32),
        ("tensors", ctypes.c_void_p), ("program", ctypes.c_void_p),
        ("inference", ctypes.c_void_p), ("end", ctypes.c_void_p),
        ("n_ops", ctypes.c_uint16), ("n_inputs", ctypes.c_uint8),
        ("n_outputs", ctypes.c_uint8), ("pushed", ctypes.c_uint8),
        ("fault_op", ctypes.c_int32), ("fault_tensor", ctypes.c_int32),
    ]  # fmt: skip


@functools.cache
def library() -> ctypes.CDLL:
    """The core as a shared library."""
    lib = ctypes.CDLL(str(build("libts.so", [], ["-O2", "-shared", "-fPIC"])))
    lib.ts_error_text.restype = ctypes.c_char_p
    lib.ts_model_tensor.restype = ctypes.c_void_p
    lib.ts_crc32.restype = ctypes.c_uint32
    return lib


def aligned(data: bytes) -> np.ndarray:
    """A copy of ``data`` at a multiple of 4."""
    buffer = np.zeros(len(data) // 4 + 1, np.uint32)
    buffer.view(np.uint8)[: len(data)] = np.frombuffer(data, np.uint8)
    return buffer


def pointer(array: np.ndarray, offset: int = 0) -> ctypes.c_void_p:
    return ctypes.c_void_p(array.ctypes.data + offset)


def check(data: bytes) -> tuple[int, int, int]:
    """(result of ts_model_check, op, tensor)."""
    fault = (ctypes.c_int32 * 2)(9, 9)
    buffer = aligned(data)
    code = library().ts_model_check(pointer(buffer), ctypes.c_size_t(len(data)), fault)
    return int(code), fault[0], fault[1]


def run(data: bytes, inputs: list[np.ndarray], dtype: str = "i1") -> np.ndarray:
    """Output tensor 0, flat, of a model file for these inputs."""
    return sequence(data, [inputs], dtype)[0]


def sequence(data: bytes, runs: list[list[np.ndarray]], dtype: str = "i1") -> list[np.ndarray]:
    """Output tensor 0, flat, of one run after another: state is kept between them."""
    lib, file, state = library(), aligned(data), State()
    code, op, tensor = check(data)
    assert code >= 0, f"{lib.ts_error_text(code).decode()} (op {op}, tensor {tensor})"
    arena = np.zeros(code // 4 + 1, np.uint32)
    load = lib.ts_model_load(ctypes.byref(state), pointer(file), ctypes.c_size_t(len(data)),
                             pointer(arena), ctypes.c_size_t(code))  # fmt: skip
    assert load == 0
    row = np.frombuffer(ctypes.string_at(state.tensors + 32 * state.n_inputs, 32), "<u4")
    size = int(np.prod(row[2:6].astype(np.int64))) * np.dtype(dtype).itemsize
    outputs = []
    for inputs in runs:
        for i, x in enumerate(inputs):
            source = np.ascontiguousarray(x)
            target = lib.ts_model_tensor(ctypes.byref(state), i)
            ctypes.memmove(target, source.ctypes.data, source.nbytes)
        lib.ts_model_run(ctypes.byref(state))
        output = lib.ts_model_tensor(ctypes.byref(state), int(state.n_inputs))
        outputs.append(np.frombuffer(ctypes.string_at(output, size), dtype))
    return outputs


def features_info(feat: bytes) -> tuple[int, list[int]]:
    """(result of ts_features_check, [channels, window, hop, outputs, work bytes, rows, row stride,
    row outputs])."""
    info, buffer = np.zeros(8, np.uint32), aligned(feat)
    code = library().ts_features_check(pointer(buffer), ctypes.c_size_t(len(feat)), pointer(info))
    return int(code), info.tolist()


def features(feat: bytes, frames: np.ndarray, quantised: bool = False) -> np.ndarray:
    """Values (int32), or int8 outputs, of a FEAT section for a window (window, channels)."""
    code, (channels, window, _, outputs, work_bytes, *_) = features_info(feat)
    assert code == 0, library().ts_error_text(code).decode()
    frames = np.ascontiguousarray(frames, np.int16)
    assert frames.shape == (window, channels)
    work, buffer = np.zeros(work_bytes // 4 + 1, np.uint32), aligned(feat)
    out = np.zeros(outputs, np.int8 if quantised else np.int32)
    function = library().ts_features_run if quantised else library().ts_features_values
    code = function(pointer(buffer), ctypes.c_size_t(len(feat)), pointer(frames), pointer(work),
                    pointer(out))  # fmt: skip
    assert code == int(quantised)
    return out


def compiler(name: str) -> str | None:
    return shutil.which(name)
