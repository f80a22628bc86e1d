"""TensorFlow, loaded once for a whole run of tests, in a process that forks for every model.

The host's reference kernels and its quantiser start a process for each model, which loads
TensorFlow for four seconds to compute for a few milliseconds. Here each still has a process of
its own, a fork of one that has loaded it. test_reference.py and test_calibrate.py do without.
"""

from __future__ import annotations

import contextlib
import json
import os
import runpy
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

MODULES = ("tinysense_host.tflite.reference", "tinysense_host.calibrate")


class Loaded:
    """In place of the module subprocess in MODULES: run() alone, answered by the process."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[str] | None = None

    def run(self, command: Sequence[Any], *, env: dict[str, str], **_: Any) -> Any:
        """What subprocess.run(python -m module ..., capture_output=True, text=True) returns."""
        words = [str(word) for word in command]
        assert words[:2] == [sys.executable, "-m"] and words[2] in MODULES, words
        if self._process is None:
            self._process = subprocess.Popen([sys.executable, __file__], env=env, text=True,
                                             stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        assert self._process.stdin is not None and self._process.stdout is not None
        print(json.dumps(words[2:]), file=self._process.stdin, flush=True)
        line = self._process.stdout.readline()
        assert line, f"the process with TensorFlow ended: {self._process.wait()}"
        code, said = json.loads(line)
        return subprocess.CompletedProcess(words, code, "", said)

    def close(self) -> None:
        """Ends the process."""
        if self._process is not None:
            self._process.communicate()


def _forked(module: str, arguments: Sequence[str]) -> tuple[int, str]:
    """(exit status, stderr) of a module run in a fork of this process."""
    with tempfile.TemporaryFile() as said:
        child = os.fork()
        if child == 0:
            os.dup2(said.fileno(), 2)
            os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
            os._exit(_status(lambda: runpy.run_module(module, run_name="__main__"),
                             [module, *arguments]))
        code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        said.seek(0)
        return code, said.read().decode("utf-8", "replace")


def _status(program: Callable[[], Any], argv: list[str]) -> int:
    """As what the interpreter would exit with: 1 and a trace for what is not caught."""
    sys.argv = argv
    try:
        program()
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else int(end.code is not None)
    except BaseException:
        sys.excepthook(*sys.exc_info())
        return 1
    finally:
        sys.stderr.flush()
    return 0


def main() -> None:
    """Answers lines [module, argument, ...] until there are no more."""
    sys.path[0] = str(Path(__file__).resolve().parents[1] / "host")
    with contextlib.suppress(ImportError):      # the modules say so themselves
        import tensorflow  # noqa: F401

        import tinysense_host.modelfile
        import tinysense_host.tflite  # noqa: F401
    for line in sys.stdin:
        module, *arguments = json.loads(line)
        print(json.dumps(_forked(module, arguments)), flush=True)


if __name__ == "__main__":
    main()
