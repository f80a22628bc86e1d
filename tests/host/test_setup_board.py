"""Putting the device package on a board: only what is missing, and nothing that hides it."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
from stamped_board import LIB, StampedBoard

from tinysense_host import convert, firmware, tflite
from tinysense_host.deploy import package, setup_board
from tinysense_host.deploy.board_package import check_package
from tinysense_host.deploy.package import STAMP, Stamp, device_package, package_files
from tinysense_host.deploy.setup_board import set_up
from tinysense_host.device import Device
from tinysense_host.errors import TinysenseError
from tinysense_host.link.transport import LinkError
from tinysense_host.link.transport_fake import FakeTransport
from tinysense_host.modelfile import ModelFile

SOURCES = {f"{LIB}/tinysense/{p.relative_to(device_package()).as_posix()}": p.read_bytes()
           for p in device_package().rglob("*.py")}
MARK = f"{LIB}/{STAMP}"


@pytest.fixture
def plain(monkeypatch):
    """Without mpy-cross: sources go over as they are."""
    monkeypatch.setattr(package, "find_mpy_cross", lambda: None)


def modules(board):
    return {path: data for path, data in board.files.items() if path != MARK}


def test_everything_goes_to_an_empty_board_and_nothing_the_second_time(plain):
    board = StampedBoard()
    first = set_up(Device(board))
    assert modules(board) == SOURCES
    assert sorted(first.written) == sorted(SOURCES) and first.unchanged == 0
    assert board.puts[0] == MARK == board.puts[-1]
    assert {path.rpartition("/")[2] for path in board.puts[1:3]} == {"__init__.py", "receiver.py"}
    assert (first.version, first.abi, first.kernels) == ("0.1.0", 4, "portable")
    second = set_up(Device(board))
    assert second.written == second.removed == [] and second.version == "0.1.0"


def test_an_unchanged_board_is_asked_once_and_not_restarted(plain):
    board = StampedBoard()
    set_up(Device(board))
    board.programs.clear()
    board.resets = 0
    before = dict(board.files)
    board.calls_left = 1
    set_up(Device(board))
    assert len(board.programs) == 1 and board.resets == 0 and board.files == before


def test_only_what_changed_is_written(plain):
    board = StampedBoard()
    set_up(Device(board))
    board.files["/lib/tinysense/link.py"] += b"#"
    told = []
    assert set_up(Device(board)).written == []          # the stamp is believed
    done = set_up(Device(board), told.append, thorough=True)
    assert done.written == ["/lib/tinysense/link.py"] == told
    assert done.unchanged == len(SOURCES) - 1


def test_a_package_that_came_without_a_stamp_gets_one(plain):
    board = StampedBoard()
    board.files.update(SOURCES)
    done = set_up(Device(board))
    assert done.written == [] and done.unchanged == len(SOURCES) and board.puts == [MARK]
    assert Stamp.read(board.stamp().decode().splitlines()[0]) == Stamp.ours(0)


def test_a_source_that_would_hide_the_new_file_is_removed(plain):
    board = StampedBoard()
    board.files["/lib/tinysense/link.mpy"] = b"old"
    assert set_up(Device(board)).removed == ["/lib/tinysense/link.mpy"]
    assert "/lib/tinysense/link.mpy" not in board.files


def test_files_that_are_no_longer_part_of_it_go_and_other_peoples_stay(plain):
    board = StampedBoard()
    older = Stamp("0.0.9", "00", 0)
    board.files[MARK] = older.text(["tinysense/gone.py", "tinysense/link.py", "tinysense/ours.mpy",
                                    "../boot.py", "/main.py", "tinysense/../main.py"])
    theirs = {"/lib/tinysense/drivers/own.py": b"own", "/main.py": b"m", "/lib/boot.py": b"b"}
    board.files.update(theirs | {"/lib/tinysense/gone.py": b"old", "/lib/tinysense/link.py": b"x"})
    done = set_up(Device(board))
    assert done.removed == board.removed == ["/lib/tinysense/gone.py"]
    assert modules(board) == SOURCES | theirs


def test_a_package_frozen_into_the_firmware_is_left_alone(plain):
    board = StampedBoard(frozen="0.1.0")
    done = set_up(Device(board))
    assert done.frozen and not done.compiled and board.files == {}
    with pytest.raises(TinysenseError, match="firmware holds tinysense 0.0.9, this computer 0.1.0"):
        set_up(Device(StampedBoard(frozen="0.0.9")))


@pytest.mark.parametrize(("mpy", "built"), [
    (0x1806, "armv7m"),         # a Cortex-M3's own, armv7em, is not built: the next below is
    (0x1F06, "armv7emsp"), (0x1006, "armv6m"), (0x2E06, "rv32imc")])
def test_the_native_module_goes_where_the_firmware_lacks_ours(plain, monkeypatch, tmp_path, mpy,
                                                              built):
    modules_are_made_up(monkeypatch, tmp_path)
    board = StampedBoard(core="absent", mpy=mpy)
    assert set_up(Device(board)).native == built
    assert board.files["/lib/_tinysense.mpy"] == built.encode()


def modules_are_made_up(monkeypatch, tmp_path):
    def ensure(architecture, small=False):
        path = tmp_path / f"{architecture}{'-small' * small}"
        path.write_bytes(path.name.encode())
        return path

    monkeypatch.setattr(firmware, "ensure_native_module", ensure)


CASES = Path(__file__).parents[1] / "golden" / "cases"


@pytest.mark.parametrize(("case", "small"), [
    ("keras_dense", True), ("conv_row", True), ("average_pool", True), ("softmax", True),
    ("depthwise_row", False), ("add", False), ("mean", False)])
@pytest.mark.parametrize(("mpy", "architecture"), [
    (0x0806, "x64"), (0x1006, "armv6m"), (0x1806, "armv7m"), (0x2E06, "rv32imc")])
def test_the_small_module_is_taken_where_it_will_do(plain, monkeypatch, tmp_path, case, small, mpy,
                                                    architecture):
    modules_are_made_up(monkeypatch, tmp_path)
    model = ModelFile.read(convert.convert(tflite.load(CASES / f"{case}.tflite")))
    board = StampedBoard(core="absent", mpy=mpy)
    name = f"{architecture}{'-small' * small}"
    assert set_up(Device(board), model=model).native == name
    assert board.files["/lib/_tinysense.mpy"] == name.encode()


def test_a_full_module_stays(plain, monkeypatch, tmp_path):
    """Or a model that lies there already would find its ops gone."""
    modules_are_made_up(monkeypatch, tmp_path)
    model = ModelFile.read(convert.convert(tflite.load(CASES / "keras_dense.tflite")))
    board = StampedBoard(core="absent", mpy=0x1006)
    assert set_up(Device(board), model=model).native == "armv6m-small"
    assert set_up(Device(board), model=model).native == "armv6m-small"
    assert set_up(Device(board)).native == "armv6m"
    assert set_up(Device(board), model=model).native == "armv6m"


def test_a_board_without_native_modules_is_told_so():
    info = replace(Device(FakeTransport()).info(), mpy=0, architecture="", core="absent")
    with pytest.raises(TinysenseError, match="lacks _tinysense and takes no native modules"):
        setup_board.native_module(info)


def test_a_board_that_cannot_import_it_afterwards(plain):
    board = StampedBoard()
    set_up(Device(board))
    board.fault = "NativeError: _tinysense speaks version 2, this package 1"
    with pytest.raises(TinysenseError, match="speaks version 2, this package 1"):
        set_up(Device(board))


def test_over_a_network_it_is_refused():
    board = StampedBoard()
    board.remote = True
    with pytest.raises(TinysenseError, match="over a network"):
        set_up(Device(board))
    check_package(Device(board))
    assert board.programs == []


def an_older_board():
    """A whole package of another version, one file of it gone since."""
    board = StampedBoard()
    board.files.update(SOURCES)
    board.files["/lib/tinysense/config.py"] = board.files["/lib/tinysense/gone.py"] = b"old"
    del board.files["/lib/tinysense/link.py"]
    older = [path.removeprefix("/lib/") for path in board.files]
    board.files[MARK] = Stamp("0.0.9", "00", 0).text(older)
    return board


def test_unplugged_anywhere_it_is_known_and_the_next_setup_mends_it(plain):
    for calls in range(100):
        board = an_older_board()
        before = dict(board.files)
        board.calls_left = calls
        done = False
        try:
            set_up(Device(board))
            done = True
        except LinkError:
            pass
        board.calls_left = None
        whole = {p: d for p, d in modules(board).items() if not p.endswith(".part")}
        assert all(data in (SOURCES.get(path), before.get(path)) for path, data in whole.items())
        stamp = Stamp.read(board.stamp().decode().splitlines()[0])
        touched = whole != modules_of(before)
        assert stamp.unfinished or not touched or stamp == Stamp.ours(0), calls
        if not done:
            with pytest.raises(TinysenseError, match="tinysense setup"):
                check_package(Device(board))
        set_up(Device(board))
        assert {p: d for p, d in modules(board).items() if not p.endswith(".part")} == SOURCES
        check_package(Device(board))
        if done:
            break
    assert 10 < calls < 99


def modules_of(files):
    return {path: data for path, data in files.items() if path != MARK}


@pytest.mark.parametrize(("stamp", "said"), [
    (Stamp("0.1.0", "other", 0), "not of the same sources"),
    (replace(Stamp.ours(0), unfinished=True), "not whole: a setup was broken off"),
    (Stamp.ours(0), ""), (Stamp.ours(6), ""), (None, "")])
def test_what_is_on_the_board_is_checked_before_it_is_used(plain, stamp, said):
    board = StampedBoard()
    board.files.update(SOURCES)
    if stamp:
        board.files[MARK] = stamp.text([])
    if not said:
        return check_package(Device(board))
    with pytest.raises(TinysenseError, match=said) as caught:
        check_package(Device(board))
    assert "tinysense setup" in caught.value.hint
    return None


def test_boards_with_no_package_or_another_in_their_firmware():
    with pytest.raises(TinysenseError, match="the board has no tinysense"):
        check_package(Device(StampedBoard()))
    check_package(Device(StampedBoard(frozen="0.1.0")))
    with pytest.raises(TinysenseError, match="firmware holds tinysense 0.2.0") as caught:
        check_package(Device(StampedBoard(frozen="0.2.0")))
    assert "make firmware" in caught.value.hint


@pytest.mark.parametrize("line", ["", "{", "[]", "3", "null", '{"version": "0.1.0"}', "\udcff",
                                  '{"version":1,"hash":2,"mpy":"x","native":3,"native_crc":4}'])
def test_a_stamp_that_says_nothing_counts_as_none(line):
    assert Stamp.read(line) is None


def test_a_real_board_walks_its_folders(repl_board, plain):
    """The board's programs, run on a board without firmware."""
    from tinysense_host.deploy.board_package import listed, look_at, stamped_names
    from tinysense_host.device import open_transport

    port, flash = repl_board()
    folder = flash / "lib" / "tinysense" / "drivers"
    folder.mkdir(parents=True)
    (folder / "a.py").write_bytes(b"a" * 3000)
    (folder.parent / "b.mpy").write_bytes(b"")
    (folder / "notes.txt").write_bytes(b"t")
    (folder.parent / "stamp.txt").write_bytes(Stamp.ours(0).text(["tinysense/b.mpy", "x.py"]))
    with Device(open_transport(port)) as device:
        look = look_at(device)
        assert look.version == "0.1.0" and not look.frozen and not look.fault
        assert {name: size for name, (size, _) in listed(device, "/lib").items()} == {
            "tinysense/drivers/a.py": 3000, "tinysense/b.mpy": 0}
        assert listed(device, "/nothing") == {}
        assert stamped_names(device, "/lib") == {"tinysense/b.mpy"}
        check_package(device)


def test_compiled_where_the_board_takes_it():
    if package.find_mpy_cross() is None:
        pytest.skip("mpy-cross is not built: make firmware does")
    files, compiled = package_files(7942)
    assert compiled and all(data[:2] == b"M\x06" for data in files.values())
    assert {name.removesuffix(".mpy") for name in files} == {
        name.removesuffix(".py") for name in package_files(0)[0]}


def test_unchanged_sources_are_compiled_once(monkeypatch, tmp_path):
    compiler = package.find_mpy_cross()
    if compiler is None:
        pytest.skip("mpy-cross is not built: make firmware does")
    monkeypatch.setattr(package, "find_mpy_cross", lambda: compiler)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    sources = {f"tinysense/{name}.py": b"x = 1\n" for name in "abc"}
    monkeypatch.setattr(package, "_sources", lambda: sources)
    made = []
    compile_ = package._compile
    monkeypatch.setattr(package, "_compile",
                        lambda *rest: made.append(rest[1]) or compile_(*rest))
    first = package_files(7942)
    assert sorted(made) == sorted(sources) and package_files(7942) == first and len(made) == 3
    sources["tinysense/b.py"] = b"x = 2\n"
    assert package_files(7942) != first and made[3:] == ["tinysense/b.py"]
    for damaged in tmp_path.rglob("*.mpy"):
        damaged.write_bytes(b"")
    package_files(7942)
    assert len(made) == 7
    monkeypatch.setattr(package, "_KEPT", 2)
    package_files(7942)
    assert len(list(tmp_path.rglob("*.mpy"))) == 2


def test_sources_for_a_board_of_another_version():
    files, compiled = package_files(7942 & ~0xFF | 5)
    assert not compiled and all(name.endswith(".py") for name in files)


def test_what_is_installed_says_its_version_once():
    namespace = {}
    exec((device_package() / "__init__.py").read_text(), namespace)
    from tinysense_host import __version__

    assert json.dumps(namespace["__version__"]) == json.dumps(__version__)
