"""The device test files once more under MicroPython's unix port."""

import os
import subprocess

import pytest

from micropython_homes import BUILD, FILES, HERE, ROOT, native_module

HEAP = "640k"  # of a 64-bit interpreter, where everything takes twice what it takes on a board


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("board", ["UNIX", "UNIX_NATIVE"])
def test_unix(board, name, tmp_path):
    binary = BUILD / "firmware" / board / "micropython"
    if not binary.is_file():
        pytest.skip(f"no {binary}: build it with `make firmware BOARD={board}`")
    folders = [HERE, ROOT / "device", *native_module(board), ".frozen"]
    environment = dict(os.environ, TMPDIR=str(tmp_path),
                       MICROPYPATH=":".join(str(folder) for folder in folders))
    done = subprocess.run([binary, "-X", f"heapsize={HEAP}", HERE / "run.py", name],
                          capture_output=True, text=True, timeout=120, cwd=tmp_path,
                          env=environment, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"{name}: " in done.stdout and ", 0 failed, " in done.stdout
