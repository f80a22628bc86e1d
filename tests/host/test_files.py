"""files.py: whole or not at all, and never over what is no file."""

import os
import stat

import pytest

from tinysense_host.errors import TinysenseError
from tinysense_host.files import write_atomically


def test_a_new_file_and_one_that_is_there(tmp_path):
    path = tmp_path / "a"
    for content in (b"one", b"another"):
        write_atomically(path, content)
        assert path.read_bytes() == content and os.listdir(tmp_path) == ["a"]


def test_a_link_stays_one_and_what_it_points_to_is_written(tmp_path):
    (tmp_path / "there").mkdir()
    target, link = tmp_path / "there" / "a", tmp_path / "link"
    link.symlink_to(target)
    for content in (b"new", b"newer"):
        write_atomically(link, content)
        assert link.is_symlink() and not target.is_symlink() and target.read_bytes() == content
    assert os.listdir(target.parent) == ["a"] and sorted(os.listdir(tmp_path)) == ["link", "there"]


def test_a_pipe_stays_one(tmp_path):
    pipe, link = tmp_path / "pipe", tmp_path / "link"
    os.mkfifo(pipe)
    link.symlink_to(pipe)
    for path in (pipe, link):
        with pytest.raises(TinysenseError, match="no regular file and is left alone"):
            write_atomically(path, b"x")
    assert stat.S_ISFIFO(pipe.lstat().st_mode) and sorted(os.listdir(tmp_path)) == ["link", "pipe"]


def test_names_that_cannot_be_written(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "loop").symlink_to("loop")
    (tmp_path / "file").write_bytes(b"x")
    for name, says in ((".", "is a folder"), ("", "is a folder"), ("/", "is a folder"),
                       ("no/such", "cannot write no/such: No such"), ("loop", "cannot write loop"),
                       ("file/a", "Not a directory"), ("a" * 300, "cannot write aaa")):
        with pytest.raises(TinysenseError, match=says):
            write_atomically(type(tmp_path)(name), b"x")
    assert sorted(os.listdir(tmp_path)) == ["file", "loop"]


def test_a_name_as_long_as_names_may_be(tmp_path):
    write_atomically(tmp_path / ("a" * 255), b"x")
    assert os.listdir(tmp_path) == ["a" * 255]


def test_a_write_that_fails_leaves_the_old_file(tmp_path, monkeypatch):
    path = tmp_path / "a"
    path.write_bytes(b"old")
    monkeypatch.setattr("os.fsync", lambda fd: (_ for _ in ()).throw(OSError(28, "disk full")))
    with pytest.raises(TinysenseError, match="cannot write .*/a: disk full"):
        write_atomically(path, b"new")
    assert path.read_bytes() == b"old" and os.listdir(tmp_path) == ["a"]
