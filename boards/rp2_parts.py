"""Brings what MicroPython's rp2 port is built on: pico-sdk, tinyusb, mbedtls.

Each part comes from where it is found first: the folder in $PICO_SDK_PATH (the
SDK alone); MicroPython's own tree, where its submodules are checked out; the
cache beside MicroPython's; a shallow git clone of the commit that MicroPython
names; Debian's package, through apt as in micropython.py. Debian's parts are
known by their SHA-256, but for mbedtls: it follows Debian's security updates,
so a file that is not known is taken on apt's signature, within its series.

MicroPython wants them inside its tree. That stays as it is: lay_tree() makes
one of symbolic links.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path

import micropython
from micropython import SourceError, run, say

SUITE = "trixie"
GITHUB = "https://github.com"


@dataclass(frozen=True)
class Part:
    """One part: where it lies in MicroPython's tree, and the ways to it."""

    name: str               # its folder in lib/
    mark: str               # a file that is there when the part is
    version: str            # a series where Debian's package moves
    repository: str
    commit: str             # the submodule's, of MicroPython 1.25.0
    package: str            # Debian's
    is_source: bool         # a source package, else one whose files are source
    sha256: dict[str, str]  # of Debian's files that are known


PARTS = (
    Part("pico-sdk", "pico_sdk_init.cmake", "2.1.1", "raspberrypi/pico-sdk",
         "bddd20f928ce76142793bef434d4f75f4af6e433", "pico-sdk-source", False,
         {"pico-sdk-source_2.1.1-1_all.deb":
          "507a3ca37636641bc90239d7c04dc9dc28c5008087a8162102ea94d2273153d3"}),
    Part("tinyusb", "src/tusb.h", "0.18.0", "hathach/tinyusb",
         "5217cee5de4cd555018da90f9f1bcc87fb1c1d3a", "tinyusb-source", False,
         {"tinyusb-source_0.18.0+dfsg-1_all.deb":
          "01ce2c645df68f14a8a7dcfc8fb355713152543757955820479a87949a61154e"}),
    Part("mbedtls", "library/ssl_tls.c", "3.6", "Mbed-TLS/mbedtls",
         "107ea89daaefb9867ea9121002fbbdf926780e98", "mbedtls", True,
         {"mbedtls_3.6.6.orig.tar.bz2":
          "8fb65fae8dcae5840f793c0a334860a411f884cc537ea290ce1c52bb64ca007a"}),
)


def clone(part: Part, into: Path) -> None:
    """git: that one commit, without history."""
    say(f"cloning {part.repository} at {part.commit[:12]}")
    git = ["git", "-C", str(into), "-c", "http.lowSpeedLimit=1000", "-c", "http.lowSpeedTime=20"]
    into.mkdir()
    run([*git, "init", "--quiet"], 60)
    run([*git, "fetch", "--quiet", "--depth", "1", f"{GITHUB}/{part.repository}", part.commit], 900)
    run([*git, "checkout", "--quiet", "FETCH_HEAD"], 300)


def check(part: Part, file: Path) -> None:
    """Refuses a file of Debian's that is another than the one known."""
    known = part.sha256.get(file.name)
    if known is None:
        if not file.name.startswith(f"{part.package}_{part.version}."):
            raise SourceError(f"expected {part.package} {part.version}, Debian has {file.name}")
        say(f"{file.name} is newer than what was tried; its signature is good")
        return
    found = hashlib.sha256(file.read_bytes()).hexdigest()
    if found != known:
        raise SourceError(f"{file.name} has SHA-256 {found}, expected {known}")


def debian_package(part: Part, into: Path) -> None:
    """apt: a package that holds source, or a source package."""
    kind = "deb-src" if part.is_source else "deb"
    with micropython.apt_folder(into.parent, micropython.source_lists(SUITE, kind)) as (box, apt):
        say(f"downloading Debian's {part.package}")
        words = ["source", "--download-only"] if part.is_source else ["download"]
        run([*apt, *words, part.package], 900, cwd=box)
        file = next(iter(box.glob("*.orig.tar.*" if part.is_source else "*.deb")), None)
        if file is None:
            raise SourceError(f"apt brought no file of {part.package}")
        # What a name cannot hold is escaped in it: 0.18.0%2bdfsg.
        file = file.rename(file.with_name(file.name.replace("%2b", "+").replace("%7e", "~")))
        check(part, file)
        if part.is_source:
            micropython.unpack(file, into, None)
        else:
            run(["dpkg-deb", "-x", str(file), str(box / "files")], 300)
            shutil.move(str(box / "files/usr/src" / part.name), into)


def bring(part: Part, home: Path) -> None:
    """Tries each way in turn; the part ends in the cache whole or not at all."""
    reasons = []
    for way in (clone, debian_package):
        with tempfile.TemporaryDirectory(dir=home.parent, prefix="arriving-") as name:
            arriving = Path(name) / part.name
            try:
                way(part, arriving)
            except SourceError as e:
                say(str(e))
                reasons.append(str(e))
                continue
            if not (arriving / part.mark).exists():
                reasons.append(f"no {part.mark} in what came")
                continue
            arriving.rename(home)
            return
    raise SourceError(f"no way to {part.name} {part.version} is open ({'; '.join(reasons)}): clone "
                      "MicroPython with its submodules and name that in MICROPYTHON")


def locate(part: Part, source: Path) -> Path:
    """The folder of a part, brought if need be. source: MicroPython's tree."""
    given = os.environ.get("PICO_SDK_PATH") if part.name == "pico-sdk" else None
    if given:
        folder = Path(given).expanduser().resolve()
        if not (folder / part.mark).exists():
            raise SourceError(f"PICO_SDK_PATH: {folder} holds no pico-sdk (no {part.mark})")
        return folder
    own = source / "lib" / part.name
    if (own / part.mark).exists():
        return own
    cache = micropython.cache_folder()
    home = cache / f"{part.name}-{part.version}"
    if not home.exists():
        with micropython.only_one(cache, part.name):
            if not home.exists():
                bring(part, home)
    return home


def lay_tree(source: Path, tree: Path) -> Path:
    """MicroPython's tree with its parts in place, as symbolic links."""
    shutil.rmtree(tree, ignore_errors=True)
    (tree / "lib").mkdir(parents=True)
    for entry in source.iterdir():
        if entry.name != "lib":
            (tree / entry.name).symlink_to(entry)
    places = {entry.name: entry for entry in (source / "lib").iterdir()}
    places |= {part.name: locate(part, source) for part in PARTS}
    for name, place in places.items():
        (tree / "lib" / name).symlink_to(place)
    return tree
