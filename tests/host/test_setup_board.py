"""Putting the device package on a board: only what is missing, and nothing that hides it."""

import binascii
import json
from dataclasses import replace
from pathlib import Path

import pytest

from tinysense_host import convert, setup_board, tflite
from tinysense_host.device import Device
from tinysense_host.errors import TinysenseError
from tinysense_host.link.transport import BoardError
from tinysense_host.link.transport_fake import FakeTransport
from tinysense_host.modelfile import ModelFile
from tinysense_host.setup_board import (
    device_package,
    find_mpy_cross,
    package_files,
    set_up,
)

VERIFIED = ('print(json.dumps([tinysense.__version__', b'["0.1.0", 1, "portable"]')
NOWHERE = ("getattr(_t, ", b"null")
LIBRARY = ("sys.path if", b'"/lib"')


@pytest.fixture
def plain(monkeypatch):
    """Without mpy-cross: sources go over as they are."""
    monkeypatch.setattr(setup_board, "find_mpy_cross", lambda: None)


def board_with(*answers, **facts):
    return FakeTransport([*answers, VERIFIED, NOWHERE, LIBRARY], facts)


def test_everything_goes_to_an_empty_board_and_nothing_the_second_time(plain):
    board = board_with()
    first = set_up(Device(board))
    sources = {f"/lib/tinysense/{p.relative_to(device_package()).as_posix()}": p.read_bytes()
               for p in device_package().rglob("*.py")}
    assert board.files == sources
    assert sorted(first.written) == sorted(sources) and first.unchanged == 0
    assert (first.version, first.abi, first.kernels) == ("0.1.0", 1, "portable")
    second = set_up(Device(board))
    assert second.written == [] and second.unchanged == len(sources)


def test_only_what_changed_is_written(plain):
    board = board_with()
    set_up(Device(board))
    board.files["/lib/tinysense/link.py"] += b"#"
    told = []
    assert set_up(Device(board), told.append).written == ["/lib/tinysense/link.py"] == told


def test_a_source_that_would_hide_the_new_file_is_removed(plain):
    board = board_with()
    board.files["/lib/tinysense/link.mpy"] = b"old"
    set_up(Device(board))
    assert "/lib/tinysense/link.mpy" not in board.files


def test_a_package_frozen_into_the_firmware_is_left_alone(plain):
    board = FakeTransport([("getattr(_t, ", b'"tinysense/__init__.py"'), VERIFIED, LIBRARY])
    done = set_up(Device(board))
    assert done.frozen and board.files == {}


@pytest.mark.parametrize(("mpy", "built"), [
    (0x1806, "armv7m"),         # a Cortex-M3's own, armv7em, is not built: the next below is
    (0x1F06, "armv7emsp"), (0x1006, "armv6m"), (0x2E06, "rv32imc")])
def test_the_native_module_goes_where_the_firmware_lacks_ours(plain, monkeypatch, tmp_path, mpy,
                                                              built):
    modules_are_made_up(monkeypatch, tmp_path)
    board = board_with(core="absent", mpy=mpy)
    assert set_up(Device(board)).native == built
    assert board.files["/lib/_tinysense.mpy"] == built.encode()


def modules_are_made_up(monkeypatch, tmp_path):
    def ensure(architecture, small=False):
        path = tmp_path / f"{architecture}{'-small' * small}"
        path.write_bytes(path.name.encode())
        return path

    monkeypatch.setattr(setup_board, "ensure_native_module", ensure)


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
    board = board_with(core="absent", mpy=mpy)
    name = f"{architecture}{'-small' * small}"
    assert set_up(Device(board), model=model).native == name
    assert board.files["/lib/_tinysense.mpy"] == name.encode()


def test_a_full_module_stays(plain, monkeypatch, tmp_path):
    """Or a model that lies there already would find its ops gone."""
    modules_are_made_up(monkeypatch, tmp_path)
    model = ModelFile.read(convert.convert(tflite.load(CASES / "keras_dense.tflite")))
    board = board_with(core="absent", mpy=0x1006)
    assert set_up(Device(board), model=model).native == "armv6m-small"
    assert set_up(Device(board), model=model).native == "armv6m-small"
    assert set_up(Device(board)).native == "armv6m"
    assert set_up(Device(board), model=model).native == "armv6m"


def test_a_board_without_native_modules_is_told_so():
    info = replace(Device(FakeTransport()).info(), mpy=0, architecture="", core="absent")
    with pytest.raises(TinysenseError, match="lacks _tinysense and takes no native modules"):
        setup_board.native_module(info)


def test_a_board_that_cannot_import_it_afterwards(plain):
    board = FakeTransport([
        (VERIFIED[0], BoardError("NativeError: _tinysense speaks version 2, this package 1")),
        NOWHERE, LIBRARY])
    with pytest.raises(TinysenseError, match="speaks version 2, this package 1"):
        set_up(Device(board))


def test_a_reset_in_the_middle_leaves_whole_files_only(plain):
    board = board_with()
    board.calls_left = 30
    with pytest.raises(TinysenseError, match="reset in the middle"):
        set_up(Device(board))
    whole = {p.read_bytes() for p in device_package().rglob("*.py")}
    assert all(data in whole for path, data in board.files.items() if not path.endswith(".part"))
    board.calls_left = None
    set_up(Device(board))
    again = {binascii.crc32(data) for p, data in board.files.items() if not p.endswith(".part")}
    assert again == {binascii.crc32(data) for data in whole}


def test_compiled_where_the_board_takes_it():
    compiler = find_mpy_cross()
    if compiler is None:
        pytest.skip("mpy-cross is not built: make firmware does")
    files, compiled = package_files(7942)
    assert compiled and all(data[:2] == b"M\x06" for data in files.values())
    assert {name.removesuffix(".mpy") for name in files} == {
        name.removesuffix(".py") for name in package_files(0)[0]}


def test_sources_for_a_board_of_another_version():
    files, compiled = package_files(7942 & ~0xFF | 5)
    assert not compiled and all(name.endswith(".py") for name in files)


def test_what_is_installed_says_its_version_once():
    namespace = {}
    exec((device_package() / "__init__.py").read_text(), namespace)
    from tinysense_host import __version__

    assert json.dumps(namespace["__version__"]) == json.dumps(__version__)
