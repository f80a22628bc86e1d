"""The C part of the host package: the core as the CPython extension _tinysense.

Everything else about the package stands in pyproject.toml.
"""

import os
from pathlib import Path

from setuptools import Extension, setup

HERE = Path(__file__).resolve().parent


def files(*patterns: str) -> list[str]:
    """Files under device/, relative to this folder as setuptools wants them."""
    device = HERE.parent / "device"
    found = sorted(path for pattern in patterns for path in device.glob(pattern))
    return [os.path.relpath(path, HERE) for path in found]


setup(ext_modules=[Extension(
    "_tinysense",
    sources=files("native/modtinysense.c", "core/*.c", "core/arch/*.c"),
    depends=files("native/*.h", "native/*.def", "core/*.h", "core/*.def", "core/arch/*.h"),
    # TS_CPU_CHECK: an x86-64 with AVX2 is found out when the core runs.
    define_macros=[("TINYSENSE_CPYTHON", "1"), ("TS_CPU_CHECK", "1")],
    # A fused multiply-add would round once where boards round twice.
    extra_compile_args=[] if os.name == "nt" else ["-std=c99", "-O2", "-ffp-contract=off"],
)])
