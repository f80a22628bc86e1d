"""boards/rp2_parts.py: where pico-sdk, tinyusb and mbedtls come from; what the emulated Pico needs."""

from __future__ import annotations

import dataclasses
import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

BOARDS = Path(__file__).resolve().parents[2] / "boards"


@pytest.fixture
def parts(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> ModuleType:
    """The module, with a cache of its own and no SDK named."""
    monkeypatch.syspath_prepend(str(BOARDS))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.delenv("PICO_SDK_PATH", raising=False)
    import rp2_parts

    return rp2_parts


def make_part(part: object, folder: Path) -> Path:
    mark = folder / part.mark  # type: ignore[attr-defined]
    mark.parent.mkdir(parents=True)
    mark.touch()
    return folder


def make_tree(folder: Path) -> Path:
    for name in ("py", "lib/littlefs", "lib/tinyusb", "ports/rp2"):
        (folder / name).mkdir(parents=True)
    return folder


def test_a_named_sdk_wins_then_the_tree_then_the_cache(parts: ModuleType, tmp_path: Path,
                                                      monkeypatch: pytest.MonkeyPatch) -> None:
    sdk = parts.PARTS[0]
    source = make_tree(tmp_path / "mp")
    cached = make_part(sdk, tmp_path / "cache" / "tinysense" / "pico-sdk-2.1.1")
    assert parts.locate(sdk, source) == cached
    own = make_part(sdk, source / "lib" / "pico-sdk")
    assert parts.locate(sdk, source) == own
    monkeypatch.setenv("PICO_SDK_PATH", str(make_part(sdk, tmp_path / "mine")))
    assert parts.locate(sdk, source) == tmp_path / "mine"
    monkeypatch.setenv("PICO_SDK_PATH", str(tmp_path / "mp"))
    with pytest.raises(parts.SourceError, match="PICO_SDK_PATH: .* holds no pico-sdk"):
        parts.locate(sdk, source)


def test_clone_then_package_and_whole_or_not_at_all(parts: ModuleType, tmp_path: Path,
                                                    monkeypatch: pytest.MonkeyPatch) -> None:
    part = parts.PARTS[1]
    source = make_tree(tmp_path / "mp")
    calls = []

    def clone(part: object, into: Path) -> None:
        calls.append("clone")
        into.mkdir()                                    # came without what it should hold

    def closed(part: object, into: Path) -> None:
        calls.append("package")
        make_part(part, into)
        raise parts.SourceError("closed for today")

    monkeypatch.setattr(parts, "clone", clone)
    monkeypatch.setattr(parts, "debian_package", closed)
    with pytest.raises(parts.SourceError, match="no src/tusb.h.*closed for today.*MICROPYTHON"):
        parts.locate(part, source)
    assert calls == ["clone", "package"]
    assert [p.name for p in (tmp_path / "cache" / "tinysense").iterdir()] == ["tinyusb.lock"]
    monkeypatch.setattr(parts, "debian_package", make_part)
    for _ in range(2):
        assert (parts.locate(part, source) / part.mark).exists()
    assert calls == ["clone", "package", "clone"]


def test_a_clone_is_of_one_commit(parts: ModuleType, tmp_path: Path,
                                  monkeypatch: pytest.MonkeyPatch) -> None:
    part = parts.PARTS[1]
    theirs = make_part(part, tmp_path / "theirs")
    git = ["git", "-C", str(theirs), "-c", "user.name=x", "-c", "user.email=x@example.org"]
    for words in (["init", "-q"], ["config", "uploadpack.allowAnySHA1InWant", "true"],
                  ["add", "."], ["commit", "-qm", "wanted"], ["rm", "-qr", "src"],
                  ["commit", "-qm", "later"]):
        subprocess.run([*git, *words], check=True)
    wanted = subprocess.run([*git, "rev-parse", "HEAD~1"], capture_output=True, text=True,
                            check=True).stdout.strip()
    monkeypatch.setattr(parts, "GITHUB", f"file://{tmp_path}")
    part = dataclasses.replace(part, repository="theirs", commit=wanted)
    parts.clone(part, tmp_path / "ours")
    assert (tmp_path / "ours" / part.mark).exists()
    missing = dataclasses.replace(part, commit="0" * 40)
    with pytest.raises(parts.SourceError, match="git: "):
        parts.clone(missing, tmp_path / "none")


def test_debian_files_are_known_by_their_contents(parts: ModuleType, tmp_path: Path,
                                                  monkeypatch: pytest.MonkeyPatch) -> None:
    for part in parts.PARTS:
        assert len(part.commit) == 40
        for name, sha256 in part.sha256.items():
            assert len(sha256) == 64
            (tmp_path / name).write_bytes(b"something else")
            with pytest.raises(parts.SourceError, match=f"expected {sha256}"):
                parts.check(part, tmp_path / name)
            own = hashlib.sha256(b"something else").hexdigest()
            monkeypatch.setitem(part.sha256, name, own)
            parts.check(part, tmp_path / name)


def test_only_mbedtls_moves_with_debian(parts: ModuleType, tmp_path: Path) -> None:
    newer = {"pico-sdk": "pico-sdk-source_2.2.0-1_all.deb", "tinyusb": "tinyusb-source_0.19.deb",
             "mbedtls": "mbedtls_4.0.0.orig.tar.bz2"}
    for part in parts.PARTS:
        with pytest.raises(parts.SourceError, match=f"expected {part.package} {part.version}"):
            parts.check(part, tmp_path / newer[part.name])
    parts.check(parts.PARTS[2], tmp_path / "mbedtls_3.6.99.orig.tar.bz2")


def test_the_tree_is_links_and_the_source_stays(parts: ModuleType, tmp_path: Path) -> None:
    source = make_tree(tmp_path / "mp")
    for part in parts.PARTS:
        make_part(part, tmp_path / "cache" / "tinysense" / f"{part.name}-{part.version}")
    before = sorted(source.rglob("*"))
    for _ in range(2):
        tree = parts.lay_tree(source, tmp_path / "tree")
        for part in parts.PARTS:
            assert (tree / "lib" / part.name / part.mark).exists()
        assert (tree / "lib" / "littlefs").resolve() == source / "lib" / "littlefs"
        assert (tree / "ports" / "rp2").is_dir()
    assert sorted(source.rglob("*")) == before


@pytest.mark.parametrize(("version", "message"), [
    (None, "node is not installed. it comes with Debian's nodejs and npm"),
    ("v16.20.2", "node is 16.20.2, expected 18 or newer")])
def test_what_runs_the_pico_is_looked_for(tmp_path: Path, version: str | None,
                                          message: str) -> None:
    programs = tmp_path / "bin"
    programs.mkdir()
    for name in ("npm", "env", "sh"):
        found = shutil.which(name)
        if found:
            (programs / name).symlink_to(found)
    if version:
        (programs / "node").write_text(f"#!/bin/sh\necho {version}\n")
        (programs / "node").chmod(0o755)
    done = subprocess.run(
        [sys.executable, "-c", "import build; build.need_node()"], capture_output=True, text=True,
        check=False, cwd=BOARDS, env=dict(os.environ, PATH=str(programs)))
    assert done.returncode == 1 and message in done.stderr.splitlines()[-1]
