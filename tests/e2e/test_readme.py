"""README.md is true: its table is the command's own, its steps and its snippet run.

`python tests/e2e/test_readme.py` writes the table anew.
"""

from __future__ import annotations

import json
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile
from virtual_bench import PRODUCTS, TINYSENSE, WAIT_S, Command

from tinysense_host.cli import COMMANDS
from tinysense_host.dataset import Dataset
from tinysense_host.emulator import write_files
from tinysense_host.modelfile import ModelFile

README = Path(__file__).resolve().parents[2] / "README.md"
BOARD = "QEMU_M4F"
# Where a step takes long: fewer recordings, the recipe's [quick] values.
SHORTER = {"capture": ["--count", "2", "--pause", "0"], "train": ["--quick"]}
CONFIG = ["driver=replay", "driver_options=" + json.dumps({"path": "/a.tsr", "realtime": False})]


def table() -> str:
    """The commands as Markdown."""
    rows = [f"| {row.group} | `tinysense {row.name}` | {row.help} |" for row in COMMANDS]
    return "\n".join(["| | command | what it does |", "|---|---|---|", *rows])


def block(name: str) -> str:
    """What stands between `<!-- name: ... -->` and `<!-- /name -->`."""
    found = re.search(rf"<!-- {name}: [^\n]* -->\n(.*?)<!-- /{name} -->",
                      README.read_text(encoding="utf-8"), re.DOTALL)
    assert found, f"README.md has no block {name}"
    return found[1]


def write_table() -> None:
    text = README.read_text(encoding="utf-8")
    README.write_text(text.replace(block("commands") + "<!-- /commands", table()
                                   + "\n<!-- /commands"), encoding="utf-8")


def test_the_table_is_the_commands_own():
    assert block("commands").strip() == table(), (
        "README.md is out of step: run .venv/bin/python tests/e2e/test_readme.py")


def steps(name: str = "steps") -> list[list[str]]:
    lines = block(name).replace("```sh\n", "").replace("```", "").splitlines()
    return [shlex.split(line) for line in lines if line and not line.startswith("#")]


def test_every_command_that_is_named_exists():
    named = set(re.findall(r"(?:bin/|`)tinysense ([\w-]+)", README.read_text(encoding="utf-8")))
    blocks = ("steps", "model", "field", "hearing", "boards")
    assert {words[1] for name in blocks for words in steps(name)} <= named
    assert named <= {row.name for row in COMMANDS}


def test_make_targets_that_are_named_exist():
    makefile = (README.parent / "Makefile").read_text(encoding="utf-8")
    for target in set(re.findall(r"make ([a-z-]+)", README.read_text(encoding="utf-8"))):
        assert re.search(rf"^{target}:", makefile, re.MULTILINE), f"no make {target}"


@pytest.fixture
def project(tmp_path):
    """A folder that looks like the project from inside, with a virtual board that runs."""
    if not (README.parent / "build" / "firmware" / PRODUCTS[BOARD]).is_file():
        pytest.skip(f"no firmware: make firmware BOARD={BOARD}")
    (tmp_path / ".venv").symlink_to(TINYSENSE.parents[1])
    (tmp_path / "models").symlink_to(README.parent / "models")
    tinysense = Command(tmp_path)
    tinysense("simulate", "--people", 1, "--per-label", 1, "-o", "played", "--format", "tsr")
    longest = max((tmp_path / "played").rglob("*.tsr"), key=lambda p: p.stat().st_size)
    flash = tmp_path / "run" / f"{BOARD}.flash"
    flash.parent.mkdir()
    write_files(flash, {"/a.tsr": longest.read_bytes(), "/rec/000001.tsr": longest.read_bytes()})
    emulator = tinysense.start("emulate", BOARD)
    told = emulator.stdout.readline()
    tinysense.environment["TINYSENSE_PORT"] = re.search(r" on (\S+)", told)[1]
    yield tinysense
    emulator.terminate()
    emulator.communicate(timeout=WAIT_S)


def test_steps_and_snippet(project):
    pytest.importorskip("tensorflow", reason="training needs pip install 'tinysense[train]'")
    told = {}
    for command, name, *words in steps():
        assert command == ".venv/bin/tinysense"
        if name == "train":     # the other labels
            project("simulate", "--people", 3, "--per-label", 2, "-o", "data")
        told[name] = project(name, *words, *SHORTER.get(name, []))
        if name == "sync":      # no sensor on a virtual board: a recording instead
            project("sync", *(w for setting in CONFIG for w in ("--set", setting)))
    assert project.environment["TINYSENSE_PORT"] in told["boards"]
    assert told["capture"].count("50 frames, 2.00 s at 25 Hz") == 2
    assert "examples from data" in told["train"]
    assert re.search(r"(\d+)/\1 golden outputs equal", told["upload"])
    assert re.search(r"[1-9]\d* windows, \d+ events", told["run"])
    assert "gesture" in snippet(project)


def test_steps_with_a_model(tmp_path):
    (tmp_path / "models").symlink_to(README.parent / "models")
    tinysense = Command(tmp_path)
    told = {name: tinysense(name, *words) for _, name, *words in steps("model")}
    assert (tmp_path / "memory.svg").read_text(encoding="utf-8").startswith("<svg")
    assert "arena" in told["inspect"]
    assert re.search(r"[1-9]\d* instructions per inference on cortex-m0plus", told["bench"])
    assert (tmp_path / "gesture_c" / "Makefile").is_file()


@pytest.mark.skipif(shutil.which("espeak-ng") is None, reason="no espeak-ng: apt install espeak-ng")
def test_hearing(tmp_path):
    (tmp_path / "models").symlink_to(README.parent / "models")
    tinysense, told = Command(tmp_path), {}
    for _, name, *words in steps("hearing"):
        told[name] = tinysense(name, *words)
        if name == "synth":
            spoken = sorted((tmp_path / "clips" / "hey_pico").glob("*.wav"))
            assert len(spoken) == 40
            said, rate = soundfile.read(spoken[0], dtype="int16")
            noise = np.random.default_rng(1).normal(0, 30, 3 * rate + len(said))
            noise[2 * rate : 2 * rate + len(said)] += said
            soundfile.write(tmp_path / "mine.wav", np.rint(noise).astype(np.int16), rate)
    assert (tmp_path / "heard.png").read_bytes().startswith(b"\x89PNG")
    assert (tmp_path / "tuned.tsm").is_file()
    assert "hey_pico" in told["evaluate"] and "per hour" in told["tune"]


def test_recordings_from_the_field(project, tmp_path):
    image = tmp_path / "run" / f"{BOARD}.flash"
    (tmp_path / "card.img").write_bytes(image.read_bytes())
    for _, name, *words in steps("field"):
        project(name, *words)
    for folder in ("data", "saved"):
        (recording,) = Dataset(tmp_path / folder).recordings()
        assert len(recording.frames) > 1000 and recording.units == "g"
    assert len(list((tmp_path / "tables").glob("*.csv"))) == 1
    assert "000001.tsr" not in project("pull", "--out", "data")


def test_boards_out_there(project):
    project("setup")
    project("sync", *(w for setting in CONFIG for w in ("--set", setting)))
    project("sync", "--pull")
    newer = ModelFile.load(README.parent / "models" / "gesture" / "gesture.tsm")
    newer.meta["made"] = "another time"
    trained = project.folder / "build" / "gesture" / "gesture.tsm"
    trained.parent.mkdir(parents=True)
    trained.write_bytes(newer.write())
    told = {}
    for _, name, *words in steps("boards"):
        told[name] = told.get(name, "") + project(name, *words)
    assert "field-3" in told["models"] and "b.tsm" in told["upload"]
    assert "gesture" in told["rollback"] and "windows" in told["monitor"]
    (watched,) = Dataset(project.folder / "watched").recordings()
    assert len(watched.frames) > 100


def snippet(project: Command) -> str:
    """What the board prints for the snippet for its REPL."""
    code = re.search(r"```python\n(.*?)```", README.read_text(encoding="utf-8"), re.DOTALL)[1]
    done = subprocess.run(
        [str(TINYSENSE.with_name("mpremote")), "connect", project.environment["TINYSENSE_PORT"],
         "exec", code], capture_output=True, text=True, timeout=WAIT_S, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


if __name__ == "__main__":
    write_table()
    sys.exit()
