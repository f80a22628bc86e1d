"""host/SECURITY.md: every test that it names exists; and what can be seen in the sources alone."""

import ast
import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "host" / "SECURITY.md"
NAMED = re.compile(r"`(tests/[\w/]+\.py)::(\w+)`")
# The one expression that is evaluated: a condition of the core's own headers, checked to hold
# numbers and operators alone.
EVALUATES = {("coresources.py", "eval")}
DANGEROUS = {"eval", "exec", "compile", "__import__"}
UNPICKLES = {"pickle", "marshal", "shelve", "dill", "joblib", "yaml"}
# Where something may listen, and the address that stands beside it.
LISTENERS = {
    "boards/rp2040js/control.mjs": "'127.0.0.1'",
    "boards/rp2040js/usb_tcp.mjs": "'127.0.0.1'",
    "device/tinysense/remote.py": '("bind", str, "127.0.0.1"',
}
LISTENS = re.compile(r"\.bind\(|create_server\(|socketserver|http\.server|asyncio\.start_server|"
                     r"\bserver\.listen\(|hostfwd=|-serial[\", ]+tcp|tcp:[^/\"' ]*:\d*,server")
KEYS = re.compile(rb"-----BEGIN [A-Z ]*PRIVATE KEY-----|(?:ed25519|hmac-sha256) [0-9a-f]{64}\b|"
                  rb'"secret": "[0-9a-f]{64}"')


def functions(path):
    """Names of a file's test functions."""
    return set(re.findall(r"^def (test_\w+)\(", path.read_text(), re.M))


def test_every_named_test_exists():
    named = NAMED.findall(PAGE.read_text())
    assert len(named) > 50
    missing = [f"{file}::{name}" for file, name in named
               if not (ROOT / file).is_file() or name not in functions(ROOT / file)]
    assert not missing


def test_invariants_are_numbered_and_each_has_a_test():
    holds = PAGE.read_text().split("## What holds")[1]
    found = re.split(r"\n(\d+)\. ", holds)
    assert [int(n) for n in found[1::2]] == list(range(1, len(found) // 2 + 1))
    for number, text in zip(found[1::2], found[2::2], strict=True):
        assert NAMED.search(text), f"invariant {number} names no test"


def called(tree):
    """Plain names that are called, and modules that are imported."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            yield node.func.id
        elif isinstance(node, ast.Import):
            yield from (alias.name.split(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module.split(".")[0]
        elif isinstance(node, ast.keyword) and node.arg in ("shell", "allow_pickle") and not (
                isinstance(node.value, ast.Constant) and node.value.value is False):
            yield node.arg


def test_nothing_from_outside_is_evaluated():
    found = set()
    words = DANGEROUS | UNPICKLES | {"shell", "allow_pickle"}
    for path in (ROOT / "host" / "tinysense_host").rglob("*.py"):
        text = path.read_text()
        if words & set(re.findall(r"\w+", text)):
            found |= {(path.name, name) for name in words & set(called(ast.parse(text)))}
    assert found == EVALUATES


def test_what_listens_listens_at_loopback():
    found = {}
    for folder in ("host/tinysense_host", "boards", "device/tinysense"):
        for path in (ROOT / folder).rglob("*"):
            if path.suffix not in (".py", ".mjs", ".js", ".toml", ".mk") or (
                    "node_modules" in path.parts):
                continue
            text = path.read_text(errors="replace")
            if LISTENS.search(text):
                found[path.relative_to(ROOT).as_posix()] = text
    assert sorted(found) == sorted(LISTENERS)
    for name, address in LISTENERS.items():
        assert address in found[name], name


def test_no_key_is_in_the_repository():
    done = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=False)
    if done.returncode:
        pytest.skip("no git repository")
    for name in done.stdout.decode().split("\0"):
        path = ROOT / name
        if name and path.is_file() and path.stat().st_size < 1 << 20:
            assert not KEYS.search(path.read_bytes()), name
