"""The command: what it lists, how it ends, and what it prints when it must give up."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import tiny

from tinysense_host import cli

ROOT = Path(__file__).resolve().parents[2]
PATH = os.pathsep.join([str(ROOT / "host"), str(ROOT / "device")])


def environment(tmp_path, **more):
    kept = {k: v for k, v in os.environ.items() if not k.startswith("TINYSENSE_")}
    return kept | {"PYTHONPATH": PATH, "TINYSENSE_RUN": str(tmp_path),
                   "COLUMNS": "160"} | more


@pytest.fixture
def tinysense(tmp_path):
    """Runs `tinysense ...` in an empty folder."""
    def run(*words, **more):
        return subprocess.run([sys.executable, "-m", "tinysense_host.cli", *map(str, words)],
                              capture_output=True, text=True, cwd=tmp_path, timeout=60,
                              env=environment(tmp_path, **more), check=False)

    return run


def test_help_lists_every_command(tinysense):
    done = tinysense("--help")
    assert done.returncode == 0
    for row in cli.COMMANDS:
        assert row.name in done.stdout and row.help in done.stdout


@pytest.mark.parametrize("name", [row.name for row in cli.COMMANDS])
def test_every_row_leads_to_a_command_with_help(name, tinysense):
    done = tinysense(name, "--help")
    assert done.returncode == 0, done.stderr
    assert "Usage" in done.stdout


def test_help_imports_no_heavy_package():
    code = ("import sys\nsys.argv = ['tinysense', '--help']\nfrom tinysense_host.cli import main\n"
            "try:\n main()\nexcept SystemExit:\n pass\n"
            "print([m for m in ('numpy', 'tensorflow', 'pyarrow', 'serial', 'mpremote')"
            " if m in sys.modules])")
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True,
                          env=os.environ | {"PYTHONPATH": PATH}, check=True)
    assert done.stdout.splitlines()[-1] == "[]"


def test_an_unknown_command_suggests_one(tinysense):
    done = tinysense("uplod")
    assert done.returncode == 2 and "upload" in done.stderr


@pytest.mark.parametrize(("typed", "offered"), [
    ("tinysense up", "upload"), ("tinysense sync --pu", "--pull")])
def test_shell_completion(tinysense, typed, offered):
    done = tinysense(_TINYSENSE_COMPLETE="complete_bash", COMP_WORDS=typed,
                     COMP_CWORD=str(typed.count(" ")))
    assert offered in done.stdout.split()


def test_version(tinysense):
    assert tinysense("--version").stdout == "tinysense 0.1.0\n"


def test_a_missing_package_is_one_line_that_says_what_to_install(tmp_path):
    code = ("import sys\nsys.modules['numpy'] = None\nsys.argv = ['tinysense', 'capture', '-l', 'x']\n"
            "from tinysense_host.cli import main\nmain()")
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True,
                          env=environment(tmp_path), check=False)
    assert done.returncode == 1
    assert done.stderr == ("tinysense: `tinysense capture` needs the Python package 'numpy'. "
                           "pip install numpy\n")


@pytest.mark.parametrize(("words", "message"), [
    (["capture"], "no label given"),
    (["run", "--port", "/dev/nope"], "/dev/nope does not exist"),
    (["upload", "m.tsm", "--port", "/dev/nope"], "/dev/nope does not exist"),
    (["setup", "--port", "/dev/x", "--board", "UNIX"], "exclude each other"),
    (["setup", "--board", "QEMU_M9"], "unknown board 'QEMU_M9'"),
    (["sync", "--push", "--pull"], "exclude each other"),
    (["boards", "--port", "/dev/nope"], "/dev/nope does not exist"),
    (["emulate", "RPI_PICO"], "RPI_PICO is a real board")])
def test_what_the_user_can_mend_is_one_line_and_status_1(tinysense, words, message):
    done = tinysense(*words)
    assert done.returncode == 1
    assert message in done.stderr and done.stderr.startswith("tinysense: ")
    assert done.stderr.count("\n") == 1 and done.stdout == ""


def test_boards_says_what_is_connected(tinysense, repl_board):
    port, _ = repl_board()
    done = tinysense("boards", "--port", port, "--json")
    assert json.loads(done.stdout)[0]["package"] == "0.1.0"
    table = tinysense("boards", "--port", port).stdout
    assert port in table and "largest block" in table


def test_boards_lists_profiles(tinysense):
    assert "QEMU_M4F" in tinysense("boards", "--virtual").stdout
    names = [p["name"] for p in json.loads(tinysense("boards", "--virtual", "--json").stdout)]
    assert {"QEMU_M4F", "UNIX", "RPI_PICO"} <= set(names)


def test_the_whole_way_on_a_board(tinysense, repl_board, tmp_path):
    from tinysense import recording as tsr

    port, flash = repl_board()
    with tsr.Writer(str(flash / "a.tsr"), 25000, 3, "g", 4, "ring") as writer:
        writer.write(bytes(tiny.window(25600)) * 25, 100)
    (tmp_path / "m.tsm").write_bytes(tiny.build())

    def ok(*words):
        done = tinysense(*words, TINYSENSE_PORT=port)
        assert done.returncode == 0, done.stderr
        return done.stdout

    ok("sync", "--set", "driver=replay", "--set", "driver_options.path=/a.tsr",
       "--set", "driver_options.realtime=false", "--set", "outputs=[]", "--set", "model=/m.tsm")
    assert "driver_options" in ok("sync", "--dry-run") and not (tmp_path / "tinysense.json").exists()
    ok("sync", "--pull")
    assert json.loads((tmp_path / "tinysense.json").read_text())["driver"] == "replay"
    assert "no difference" in ok("sync")
    assert "3/3 golden outputs equal" in ok("upload", "m.tsm", "--verify")
    assert "was there already" in ok("upload", "m.tsm")
    told = ok("capture", "--label", "ring", "--seconds", "2", "--count", "2", "--pause", "0")
    assert told.count("50 frames, 2.00 s at 25 Hz") == 2 and "LOST" not in told
    told = ok("capture", "--replay", "data", "--out", "again")
    assert told.count("ring, 50 frames") == 2
    assert "49 windows, 49 events" in ok("run", "--no-outputs")
    seen = json.loads(ok("run", "--json", "--no-outputs", "--replay",
                         "data/recordings/ring_001.parquet"))
    assert {e["name"] for e in seen["events"]} == {"ring"}
    shown = ok("monitor", "--seconds", "1")
    assert "rest" in shown and "ring" in shown


def test_what_a_board_would_refuse_does_not_reach_it(tinysense, repl_board, tmp_path):
    port, flash = repl_board()
    on_board = flash / "tinysense.json"

    def said(*words, status=1):
        done = tinysense(*words, TINYSENSE_PORT=port)
        assert done.returncode == status, done.stderr
        return done.stderr or done.stdout

    assert "neither tinysense.json nor" in said("sync", status=0)
    assert "is a folder" in said("sync", ".")
    for setting in ("driver_options.range=4", "driver=nope", "model=../../x", 'outputs=["led"]'):
        assert "these settings: " in said("sync", "--set", setting)
        assert not on_board.exists()
    plain = tmp_path / "plain.tsm"
    plain.write_bytes(tiny.build(golden=0))
    assert "no golden vectors" in said("upload", plain, "--verify", "--setup")
    assert list(flash.iterdir()) == []
    # What an older tinysense, or a hand, put there can be mended from here.
    for mend in (["--set", "driver_options={}"], ["--push"]):
        on_board.write_text('{"driver_options": {"range": 4}}')
        (tmp_path / "tinysense.json").write_text('{"driver_options": {}}')
        assert "unknown key 'range'" in said("sync")
        said("sync", *mend, status=0)
        assert json.loads(on_board.read_text()) == {"driver_options": {}}


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
def test_emulate_says_where_and_ends_when_told(tmp_path, tinysense, how):
    if not (ROOT / "build" / "firmware" / "UNIX" / "micropython").is_file():
        pytest.skip("no firmware: make firmware BOARD=UNIX")
    process = subprocess.Popen([sys.executable, "-m", "tinysense_host.cli", "emulate", "UNIX"],
                               cwd=tmp_path, text=True, env=environment(tmp_path),
                               stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    link = tmp_path / "UNIX.port"
    try:
        assert str(link) in process.stdout.readline()
        found = json.loads(tinysense("boards", "--json").stdout)
        assert [row["port"] for row in found if "UNIX" in row["port"]] == [str(link)]
        assert "runs already" in tinysense("emulate", "UNIX").stderr
    finally:
        process.send_signal(how)
        out, _ = process.communicate(timeout=30)
    assert "ended" in out and process.returncode == 0
    assert not link.is_symlink() and not link.with_suffix(".pid").exists()


def test_ctrl_c_ends_with_130_one_line_and_a_board_that_works(tmp_path, repl_board, tinysense):
    port, flash = repl_board()
    (flash / "tinysense.json").write_text(json.dumps({
        "driver": "replay", "driver_options": {"path": "/a.tsr"}}))
    from tinysense import recording as tsr

    with tsr.Writer(str(flash / "a.tsr"), 1000, 3, "g", 4) as writer:
        writer.write(bytes(6 * 500), 500)       # 500 seconds at 1 Hz
    process = subprocess.Popen(
        [sys.executable, "-m", "tinysense_host.cli", "capture", "-l", "x", "-s", "400",
         "--pause", "0", "--port", port], cwd=tmp_path, text=True, env=environment(tmp_path),
        stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    # Once the port is held, it has connected; a moment later it records.
    from tinysense_host.link.ports import holders

    while not holders(port) and process.poll() is None:
        time.sleep(0.05)
    time.sleep(1)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=30)
    assert process.returncode == 130
    assert err.strip().splitlines()[-1] == "tinysense: interrupted"
    assert list((tmp_path / "data").rglob("*")) == []
    assert json.loads(tinysense("boards", "--port", port, "--json").stdout)[0]["package"]
