"""Boards for the host tests: one without firmware, and the emulated ones where they are built."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
sys.path += [str(HERE), str(ROOT / "tests" / "device")]


@pytest.fixture
def repl_board(tmp_path):
    """Starts boards without firmware: repl_board(fault) -> (port, folder of its flash)."""
    started = []
    ports = {}

    def start(fault: str = "") -> tuple[str, Path]:
        flash = tmp_path / f"flash{len(started)}"
        flash.mkdir()
        path = os.pathsep.join([str(ROOT / "device"), str(ROOT / "host")])
        process = subprocess.Popen(
            [sys.executable, str(HERE / "repl_board.py"), str(flash), fault],
            stdout=subprocess.PIPE, text=True, env=os.environ | {"PYTHONPATH": path})
        started.append(process)
        port = process.stdout.readline().strip()
        ports[port] = process
        return port, flash

    def kill(port: str) -> None:
        """A pulled plug."""
        ports[port].kill()
        ports[port].wait()

    start.kill = kill
    yield start
    for process in started:
        process.kill()
        process.wait()
