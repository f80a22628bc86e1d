#!/usr/bin/env python3
"""Brings MicroPython's source and prints its folder.

    micropython.py [VERSION | newest]

In this order: the folder in $MICROPYTHON; the cache, which is
${XDG_CACHE_HOME:-~/.cache}/tinysense/micropython-<version>; a shallow git
clone of the release's tag; Debian's source package, through apt with lists of
its own that are made from the machine's apt sources. mpy-cross is built in
the folder. Standard output is the folder alone; progress goes to standard error.

The pinned version is known by its contents, too: the commit of its tag, and the
SHA-256 of Debian's tarball, whose files are those of that commit. Any other
version, and a folder in $MICROPYTHON, is the user's choice and checked by its
number only.

A source arrives in a temporary folder and is renamed when it is whole, so an
interrupted run leaves nothing behind that a later run would take for good.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

PINNED = "1.25.0"
COMMIT_OF = {"1.25.0": "f498a16c7db6d4b2de200b3e0856528dfe0613c3"}
TARBALL_OF = {  # SHA-256 of micropython_1.25.0+ds.orig.tar.xz
    "1.25.0": "7b25be99a502f070b2de81dafc08da7051d992325d6e67daa9045a918fffdbea"}
REPOSITORY = "https://github.com/micropython/micropython"
# Debian's suites: the one that carries the pinned version, and the newest.
SUITE_OF = {"1.25.0": "trixie", "newest": "sid"}
APT_FOLDER = Path("/etc/apt")
OLDEST = (1, 25, 0)  # native modules need LINK_RUNTIME and MemoryError on failed allocation


class SourceError(Exception):
    """One way to the source is closed; the text says why."""


def say(text: str) -> None:
    print(f"micropython: {text}", file=sys.stderr, flush=True)


def run(command: list[str], timeout_s: float, cwd: Path | None = None) -> str:
    """Runs quietly and returns its output; SourceError carries the last line."""
    # What a firmware's build is told is nothing for mpy-cross.
    outer = ("MAKEFLAGS", "MFLAGS", "MAKELEVEL", "FROZEN_MANIFEST", "BOARD", "BUILD")
    environment = {name: value for name, value in os.environ.items() if name not in outer}
    environment |= {"GIT_TERMINAL_PROMPT": "0", "LC_ALL": "C"}
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=timeout_s, cwd=cwd,
                              env=environment, stdin=subprocess.DEVNULL, check=False)
    except FileNotFoundError as e:
        raise SourceError(f"{command[0]} is not installed") from e
    except subprocess.TimeoutExpired as e:
        raise SourceError(f"{command[0]} took longer than {timeout_s:.0f} s") from e
    if done.returncode:
        last = (done.stderr.strip() or done.stdout.strip() or "no message").splitlines()[-1]
        raise SourceError(f"{command[0]}: {last}")
    return done.stdout


def version_of(folder: Path) -> str:
    """The version that a source tree says it is; SourceError if it is none."""
    header = folder / "py" / "mpconfig.h"
    try:
        text = header.read_text()
    except OSError as e:
        raise SourceError(f"{folder} holds no MicroPython source (no py/mpconfig.h)") from e
    parts = [re.search(rf"#define MICROPY_VERSION_{part}\s+(\d+)", text)
             for part in ("MAJOR", "MINOR", "MICRO")]
    if None in parts:
        raise SourceError(f"{header} names no version")
    return ".".join(match[1] for match in parts if match)


def check_version(folder: Path, wanted: str) -> str:
    """Refuses a tree of another version than wanted ("newest": any not too old)."""
    found = version_of(folder)
    if wanted not in ("newest", found):
        raise SourceError(f"expected version {wanted}, {folder} is {found}")
    if tuple(map(int, found.split("."))) < OLDEST:
        raise SourceError(f"{folder} is {found}; the oldest that works is "
                          + ".".join(map(str, OLDEST)))
    return found


def clone(version: str, into: Path) -> None:
    """git: the release's tag, without history."""
    if version == "newest":
        version = newest_tag()
    say(f"cloning {REPOSITORY} at v{version}")
    run(["git", "-c", "http.lowSpeedLimit=1000", "-c", "http.lowSpeedTime=20", "clone", "--quiet",
         "--depth", "1", "--branch", f"v{version}", REPOSITORY, str(into)], 900)
    found = run(["git", "-C", str(into), "rev-parse", "HEAD"], 60).strip()
    if found != COMMIT_OF.get(version, found):
        raise SourceError(f"tag v{version} is commit {found}, expected {COMMIT_OF[version]}")


def newest_tag() -> str:
    lines = run(["git", "ls-remote", "--tags", REPOSITORY, "v1.*"], 60)
    found = {tuple(map(int, m.groups()))
             for m in re.finditer(r"refs/tags/v(\d+)\.(\d+)\.(\d+)$", lines, re.M)}
    if not found:
        raise SourceError("the repository lists no release tag")
    return ".".join(map(str, max(found)))


def debian_mirrors() -> Iterator[tuple[str, str]]:
    """(uri, options) of every Debian archive in the machine's apt sources."""
    etc = APT_FOLDER
    for file in [etc / "sources.list", *sorted((etc / "sources.list.d").glob("*.list"))]:
        text = file.read_text() if file.exists() else ""
        for m in re.finditer(r"^deb\s+(\[[^]]*\]\s+)?(\S+)\s+\S+\s+.*\bmain\b", text, re.M):
            yield m[2], (m[1] or "").strip()
    for file in sorted((etc / "sources.list.d").glob("*.sources")):
        for stanza in re.split(r"\n\s*\n", file.read_text()):
            fields = dict(re.findall(r"^([\w-]+):\s*(.*)$", stanza, re.M))
            if fields.get("Enabled", "yes") == "no" or "main" not in fields.get("Components", ""):
                continue
            key = fields.get("Signed-By", "")
            for uri in fields.get("URIs", "").split():
                yield uri, f"[signed-by={key}]" if key.startswith("/") else ""


def source_lists(suite: str, kind: str = "deb-src") -> str:
    """Lines of a sources.list for that suite's source packages, or with "deb" its packages."""
    lines = [f"{kind} {options} {uri} {suite} main" for uri, options in debian_mirrors()
             if not uri.rstrip("/").endswith("-security")]
    if not lines:
        raise SourceError("this machine's apt has no Debian archive")
    return "\n".join(dict.fromkeys(lines)) + "\n"


def debian_package(version: str, into: Path) -> None:
    """apt: the original tarball of Debian's source package, unpacked."""
    suite = SUITE_OF.get(version)
    if suite is None:
        raise SourceError(f"no Debian suite is known to carry {version}")
    with apt_folder(into.parent, source_lists(suite)) as (box, apt):
        say("downloading Debian's source package")
        run([*apt, "source", "--download-only", "micropython"], 900, cwd=box)
        unpack(next(iter(box.glob("*.orig.tar.*")), None), into, TARBALL_OF.get(version))


@contextmanager
def apt_folder(parent: Path, lists: str) -> Iterator[tuple[Path, list[str]]]:
    """A folder to download into, and apt-get's words with lists of its own, brought up to date."""
    with tempfile.TemporaryDirectory(dir=parent) as name:
        box = Path(name)
        for folder in ("lists/partial", "cache/archives/partial"):
            (box / folder).mkdir(parents=True)
        (box / "sources.list").write_text(lists)
        apt = ["apt-get", "-q", "-o", f"Dir::State::Lists={box}/lists",
               "-o", f"Dir::Cache={box}/cache", "-o", f"Dir::Etc::SourceList={box}/sources.list",
               "-o", "Dir::Etc::SourceParts=/dev/null", "-o", "APT::Sandbox::User=",
               "-o", "Acquire::Retries=2", "-o", "Acquire::http::Timeout=60"]
        say("reading Debian's lists of packages")
        run([*apt, "update"], 600)
        yield box, apt


def unpack(tarball: Path | None, into: Path, sha256: str | None) -> None:
    """Unpacks it, unless its SHA-256 is another than the one given."""
    if tarball is None:
        raise SourceError("apt brought no original tarball")
    found = hashlib.sha256(tarball.read_bytes()).hexdigest()
    if found != (sha256 or found):
        raise SourceError(f"{tarball.name} has SHA-256 {found}, expected {sha256}")
    say(f"unpacking {tarball.name}")
    with tempfile.TemporaryDirectory(dir=into.parent) as box:
        with tarfile.open(tarball) as tar:
            if hasattr(tarfile, "tar_filter"):          # refuses names that leave the folder
                tar.extraction_filter = tarfile.tar_filter
            tar.extractall(box)
        tops = list(Path(box).iterdir())
        (tops[0] if len(tops) == 1 else Path(box)).rename(into)


def build_mpy_cross(folder: Path) -> None:
    """The compiler that freezing and native modules need; make skips what is there."""
    program = folder / "mpy-cross" / "build" / "mpy-cross"
    if program.exists():
        return
    say("building mpy-cross")
    jobs = str(os.cpu_count() or 1)
    run(["make", "-C", str(folder / "mpy-cross"), "-j", jobs, f"PYTHON={sys.executable}"], 1800)
    if not program.exists():
        raise SourceError(f"{program} is missing after its build")


def cache_folder() -> Path:
    base = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    folder = Path(base) / "tinysense"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


@contextmanager
def only_one(cache: Path, what: str = "micropython") -> Iterator[None]:
    """Several builds may start at once; one of them brings the source."""
    with (cache / f"{what}.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            say("waiting for another build that brings the source")
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def bring(wanted: str, cache: Path) -> Path:
    """Tries each way in turn; the source ends in the cache, checked and with mpy-cross."""
    reasons = []
    for way in (clone, debian_package):
        with tempfile.TemporaryDirectory(dir=cache, prefix="arriving-") as name:
            arriving = Path(name) / "micropython"
            try:
                way(wanted, arriving)
                found = check_version(arriving, wanted)
                build_mpy_cross(arriving)
            except SourceError as e:
                say(str(e))
                reasons.append(str(e))
                continue
            home = cache / f"micropython-{found}"
            if home.exists():
                shutil.rmtree(home)
            arriving.rename(home)
            return home
    raise SourceError(f"no way to MicroPython {wanted} is open ({'; '.join(reasons)}): "
                      "put its source in a folder and name that in MICROPYTHON")


def locate(wanted: str) -> Path:
    """The folder with the wanted version, brought if need be."""
    given = os.environ.get("MICROPYTHON")
    if given:
        folder = Path(given).expanduser().resolve()
        check_version(folder, "newest")  # the user's choice; only too old is refused
        build_mpy_cross(folder)
        return folder
    cache = cache_folder()
    newest = cache / "micropython-newest"
    home = newest.resolve() if wanted == "newest" else cache / f"micropython-{wanted}"
    if (home / "mpy-cross" / "build" / "mpy-cross").exists():
        return home
    with only_one(cache):
        for left in cache.glob("arriving-*"):           # of a run that was killed
            shutil.rmtree(left, ignore_errors=True)
        if not (home / "mpy-cross" / "build" / "mpy-cross").exists():
            home = bring(wanted, cache)
        if wanted == "newest":
            newest.unlink(missing_ok=True)
            newest.symlink_to(home.name)
    return home


def main(arguments: list[str]) -> int:
    wanted = arguments[0] if arguments else os.environ.get("MICROPYTHON_VERSION", PINNED)
    if wanted != "newest" and not re.fullmatch(r"\d+\.\d+\.\d+", wanted):
        say(f"expected a version such as {PINNED}, or newest; got {wanted}")
        return 1
    try:
        print(locate(wanted))
    except SourceError as e:
        say(str(e))
        return 1
    except KeyboardInterrupt:
        say("interrupted; nothing half-done is left")
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
