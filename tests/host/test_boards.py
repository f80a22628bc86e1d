"""Board profiles, the architecture of native modules, and where MicroPython's source comes from."""

from __future__ import annotations

import hashlib
import importlib.util
import subprocess
import sys
import tarfile
from pathlib import Path
from types import ModuleType

import pytest

from tinysense_host import boards
from tinysense_host.boards import (
    list_boards,
    load_board,
    native_architecture,
    native_candidates,
    recognise,
)
from tinysense_host.errors import TinysenseError

VIRTUAL = ["QEMU_M0", "QEMU_M4F", "QEMU_M55", "QEMU_M7", "QEMU_RV32", "UNIX", "UNIX_NATIVE",
           "VIRTUAL_PICO"]
REAL = ["ARDUINO_NANO_33_BLE_SENSE", "ARDUINO_NANO_RP2040_CONNECT", "ESP32_GENERIC",
        "ESP32_GENERIC_C3", "ESP32_GENERIC_S3", "RPI_PICO", "RPI_PICO2", "RPI_PICO_W",
        "SEEED_XIAO_NRF52"]
GOOD = """
title = "A board"
kind = "real"
port = "rp2"
core = "Cortex-M0+"
native_arch = "armv6m"
machines = ["A Board with RP2040"]
confirmed = false
source = "its schematic"
[memory]
ram_bytes = 1000
heap_bytes = 500
[sensor]
kind = "mpu6050"
bus = 0
scl = 5
sda = 4
address = 0x68
axes = "y -x z"
[pins]
led = "LED"
"""


def test_list() -> None:
    assert set(VIRTUAL + REAL) <= set(list_boards())


@pytest.mark.parametrize("name", VIRTUAL + REAL)
def test_every_profile_is_good(name: str) -> None:
    board = load_board(name)
    assert board.name == name
    assert board.virtual == (name in VIRTUAL)
    assert board.confirmed == ("emulated" if board.virtual else "")
    assert (board.emulator is not None) == name.startswith("QEMU")
    assert board.micropython_board == ("RPI_PICO" if name == "VIRTUAL_PICO" else name)
    assert 0 < board.heap_bytes <= board.ram_bytes
    assert board.virtual or board.sensor is not None


@pytest.mark.parametrize(("wrong", "near"), [
    ("QEMU_M4", "QEMU_M4F"), ("pico2", "RPI_PICO2"), ("M55", "QEMU_M55"),
    ("ESP32_GENERIC_S4", "ESP32_GENERIC_S3"), ("zzz", "expected one of"), ("", "expected one of"),
    ("../boards/UNIX", "UNIX")])
def test_unknown_board_names_near_ones(wrong: str, near: str) -> None:
    with pytest.raises(TinysenseError, match=near) as caught:
        load_board(wrong)
    assert repr(wrong) in caught.value.message


def profile(tmp_path: Path, text: str) -> boards.BoardProfile:
    path = tmp_path / "X" / "board.toml"
    path.parent.mkdir()
    path.write_text(text)
    return boards.read_profile(path)


def test_read(tmp_path: Path) -> None:
    board = profile(tmp_path, GOOD)
    assert (board.name, board.pins, board.sensor.more) == ("X", {"led": "LED"}, {})
    assert board.device_config() == {
        "driver": "mpu6050", "axes": "y -x z",
        "driver_options": {"bus": 0, "scl": 5, "sda": 4, "address": 0x68},
        "outputs": ["serial", {"kind": "led", "pin": "LED"}]}
    assert board.device_config(driver=False) == {
        "outputs": ["serial", {"kind": "led", "pin": "LED"}]}
    assert board.machines == ("A Board with RP2040",)


@pytest.mark.parametrize("name", VIRTUAL + REAL)
def test_a_board_is_recognised_by_what_its_firmware_calls_it(name: str) -> None:
    board = load_board(name)
    assert bool(board.machines) == (not board.virtual)
    for machine in board.machines:
        assert recognise(machine) == board
    assert recognise(board.title) is None and recognise("") is None


@pytest.mark.parametrize("name", REAL)
def test_machines_are_those_of_micropython(name: str, source_script: ModuleType) -> None:
    board = load_board(name)
    folder = source_script.cache_folder() / f"micropython-{source_script.PINNED}" / "ports"
    if not folder.is_dir():
        pytest.skip("MicroPython's source is not here: make firmware brings it")
    files = sorted((folder / board.port / "boards" / name).glob("mpconfig*"))
    text = "".join(file.read_text() for file in files)
    for machine in board.machines:
        assert f'"{machine.rpartition(" with ")[0]}"' in text


@pytest.mark.parametrize("name", REAL)
def test_a_device_takes_the_config_of_every_profile(name: str) -> None:
    from tinysense import config

    board = load_board(name)
    config.check_options(board.device_config())


@pytest.mark.parametrize(("old", "new", "message"), [
    ('title = "A board"', "title = 5", "title expected text, got 5"),
    ('title = "A board"', "", "title is missing"),
    ("scl = 5", "scl = true", "sensor.scl expected a whole number, got True"),
    ("scl = 5", "scl = 5\nsdo = 1", "sensor.sdo is not a known key"),
    ('led = "LED"', "lamp = 3", "lamp is not a known key"),
    ('"armv6m"', '"armv9"', "native_arch: expected one of"),
    ('kind = "real"', 'kind = "toy"', "kind: expected one of"),
    ('kind = "real"', 'kind = "qemu"', r"\[emulator\] is missing"),
    ('source = "its schematic"', "", "source: say where"),
    ('"y -x z"', '"y -y z"', "axes: expected each of x y z once"),
    ('"y -x z"', '"y -x"', "axes: expected each of x y z once"),
    ("[memory]", "[memory", "board.toml"),
])
def test_bad_profile(tmp_path: Path, old: str, new: str, message: str) -> None:
    assert old in GOOD
    with pytest.raises(TinysenseError, match=message):
        profile(tmp_path, GOOD.replace(old, new))


@pytest.mark.parametrize(("code", "name", "accepted"), [
    (0, "", ()), (2, "x64", ("x64",)), (4, "armv6m", ("armv6m",)),
    (5, "armv7m", ("armv7m", "armv6m")), (6, "armv7em", ("armv7m", "armv6m")),
    (7, "armv7emsp", ("armv7emsp", "armv7m", "armv6m")),
    (8, "armv7emdp", ("armv7emdp", "armv7emsp", "armv7m", "armv6m")),
    (9, "xtensa", ()), (10, "xtensawin", ("xtensawin",)), (11, "rv32imc", ("rv32imc",)),
    (15, "unknown 15", ())])
def test_native_architecture(code: int, name: str, accepted: tuple[str, ...]) -> None:
    mpy = 6 | 3 << 8 | code << 10 | 31 << 16  # version, sub-version, flags above
    assert native_architecture(mpy) == name
    assert native_candidates(mpy) == accepted


# ---- boards/micropython.py and boards/build.py ----


@pytest.fixture
def source_script(root: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location("micropython_source",
                                                  root / "boards" / "micropython.py")
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def make_source(folder: Path, version: str) -> None:
    """As much of a source tree as the script looks at."""
    parts = dict(zip(("MAJOR", "MINOR", "MICRO"), version.split("."), strict=True))
    (folder / "py").mkdir(parents=True)
    (folder / "py" / "mpconfig.h").write_text(
        "".join(f"#define MICROPY_VERSION_{k} {v}\n" for k, v in parts.items()))
    program = folder / "mpy-cross" / "build" / "mpy-cross"
    program.parent.mkdir(parents=True)
    program.write_text("")


def test_a_given_folder_wins(source_script: ModuleType, tmp_path: Path,
                             monkeypatch: pytest.MonkeyPatch) -> None:
    make_source(tmp_path / "mine", "1.99.0")
    monkeypatch.setenv("MICROPYTHON", str(tmp_path / "mine"))
    assert source_script.locate("1.25.0") == tmp_path / "mine"


@pytest.mark.parametrize(("version", "message"), [
    (None, "holds no MicroPython source"), ("1.24.1", "the oldest that works is 1.25.0")])
def test_a_given_folder_is_checked(source_script: ModuleType, tmp_path: Path, version: str | None,
                                   message: str, monkeypatch: pytest.MonkeyPatch) -> None:
    if version:
        make_source(tmp_path / "mine", version)
    monkeypatch.setenv("MICROPYTHON", str(tmp_path / "mine"))
    with pytest.raises(source_script.SourceError, match=message):
        source_script.locate("1.25.0")


def test_cache_then_clone_then_package(source_script: ModuleType, tmp_path: Path,
                                       monkeypatch: pytest.MonkeyPatch) -> None:
    """A way that fails, or brings another version, gives way to the next; once is enough."""
    monkeypatch.delenv("MICROPYTHON", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    calls = []

    def clone(version: str, into: Path) -> None:
        calls.append("clone")
        make_source(into, "1.24.0")

    def package(version: str, into: Path) -> None:
        calls.append("package")
        make_source(into, version)

    monkeypatch.setattr(source_script, "clone", clone)
    monkeypatch.setattr(source_script, "debian_package", package)
    stale = tmp_path / "tinysense" / "arriving-killed"
    stale.mkdir(parents=True)
    for _ in range(2):
        assert source_script.locate("1.25.0") == tmp_path / "tinysense" / "micropython-1.25.0"
    assert calls == ["clone", "package"]
    assert not stale.exists()
    assert {p.name for p in (tmp_path / "tinysense").iterdir()} == {"micropython-1.25.0",
                                                                   "micropython.lock"}


def test_no_way_leaves_nothing(source_script: ModuleType, tmp_path: Path,
                               monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MICROPYTHON", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))

    def closed(version: str, into: Path) -> None:
        make_source(into, "1.0.0")
        raise source_script.SourceError("closed for today")

    monkeypatch.setattr(source_script, "clone", closed)
    monkeypatch.setattr(source_script, "debian_package", closed)
    with pytest.raises(source_script.SourceError, match="closed for today.*MICROPYTHON"):
        source_script.locate("1.25.0")
    assert [p.name for p in (tmp_path / "tinysense").iterdir()] == ["micropython.lock"]


def make_repository(folder: Path) -> str:
    """A git repository whose tag v1.25.0 is a source of that version; the tag's commit."""
    make_source(folder, "1.25.0")
    git = ["git", "-C", str(folder), "-c", "user.name=x", "-c", "user.email=x@example.org"]
    for words in (["init", "-q"], ["add", "py"], ["commit", "-qm", "x"], ["tag", "v1.25.0"]):
        subprocess.run([*git, *words], check=True)
    return subprocess.run([*git, "rev-parse", "v1.25.0"], capture_output=True, text=True,
                          check=True).stdout.strip()


def test_a_tag_that_was_moved_is_refused(source_script: ModuleType, tmp_path: Path,
                                         monkeypatch: pytest.MonkeyPatch) -> None:
    commit = make_repository(tmp_path / "theirs")
    pinned = source_script.COMMIT_OF["1.25.0"]
    monkeypatch.setattr(source_script, "REPOSITORY", f"file://{tmp_path}/theirs")
    with pytest.raises(source_script.SourceError, match=f"commit {commit}, expected {pinned}"):
        source_script.clone("1.25.0", tmp_path / "ours")
    monkeypatch.setitem(source_script.COMMIT_OF, "1.25.0", commit)
    source_script.clone("1.25.0", tmp_path / "again")
    assert source_script.version_of(tmp_path / "again") == "1.25.0"


def test_a_tarball_of_other_contents_is_refused(source_script: ModuleType, tmp_path: Path) -> None:
    make_source(tmp_path / "micropython-1.25.0", "1.25.0")
    tarball = tmp_path / "m.orig.tar.xz"
    with tarfile.open(tarball, "w:xz") as tar:
        tar.add(tmp_path / "micropython-1.25.0", "micropython-1.25.0")
    pinned = source_script.TARBALL_OF["1.25.0"]
    with pytest.raises(source_script.SourceError, match=f"expected {pinned}"):
        source_script.unpack(tarball, tmp_path / "out", pinned)
    assert not (tmp_path / "out").exists()
    own = hashlib.sha256(tarball.read_bytes()).hexdigest()
    source_script.unpack(tarball, tmp_path / "out", own)
    assert source_script.version_of(tmp_path / "out") == "1.25.0"


def test_the_pinned_version_is_pinned_by_contents(source_script: ModuleType) -> None:
    assert len(source_script.COMMIT_OF[source_script.PINNED]) == 40
    assert len(source_script.TARBALL_OF[source_script.PINNED]) == 64


APT_STYLES = {
    "one line": ("debian.list", "deb [signed-by=/k.gpg] {uri} bookworm main contrib\n"
                                "deb {uri}-security bookworm-security main\n"
                                "# deb http://commented.example/debian bookworm main\n"),
    "deb822": ("debian.sources", "Types: deb\nURIs: {uri}\nSuites: bookworm\nComponents: main\n"
                                 "Signed-By: /k.gpg\n\nTypes: deb\nURIs: {uri}-security\n"
                                 "Suites: bookworm-security\nComponents: main\n"),
}


@pytest.mark.parametrize("style", APT_STYLES)
def test_apt_lists_come_from_the_machine(source_script: ModuleType, tmp_path: Path, style: str,
                                         monkeypatch: pytest.MonkeyPatch) -> None:
    name, text = APT_STYLES[style]
    etc = tmp_path / "etc"
    (etc / "sources.list.d").mkdir(parents=True)
    (etc / "sources.list.d" / name).write_text(text.format(uri="http://mirror.example/debian"))
    monkeypatch.setattr(source_script, "APT_FOLDER", etc)
    assert source_script.source_lists("trixie") == (
        "deb-src [signed-by=/k.gpg] http://mirror.example/debian trixie main\n")


@pytest.mark.parametrize(("arguments", "message"), [
    (("firmware", "QEMU_M9"), "unknown board 'QEMU_M9'. did you mean"),
    (("natmod", "armv5"), "unknown architecture 'armv5'. expected one of"),
    (("firmware",), "build.py firmware BOARD")])
def test_build_refuses_in_words(root: Path, arguments: tuple[str, ...], message: str) -> None:
    done = subprocess.run([sys.executable, str(root / "boards" / "build.py"), *arguments],
                          capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode != 0
    assert message in done.stderr
    assert "Traceback" not in done.stderr


def test_a_port_without_its_sdk_says_what_is_missing(root: Path, tmp_path: Path) -> None:
    make_source(tmp_path / "mine", "1.25.0")
    done = subprocess.run([sys.executable, str(root / "boards" / "build.py"), "firmware",
                           "SEEED_XIAO_NRF52"], capture_output=True, text=True, timeout=60,
                          check=False, env={"PATH": "/usr/bin:/bin",
                                            "MICROPYTHON": str(tmp_path / "mine"),
                                            "TINYSENSE_BUILD": str(tmp_path / "build")})
    assert done.returncode == 1
    assert "needs nrfx and tinyusb" in done.stderr or "is not installed" in done.stderr
