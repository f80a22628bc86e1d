"""What is written from the list of files is in step with it: manifest.py, package.json, stubs/."""

import ast
import json
import subprocess
import sys
from pathlib import Path

import pytest

DEVICE = Path(__file__).resolve().parents[2] / "device"
sys.path.insert(0, str(DEVICE))
import files

SOURCES = [p for folder in ("tinysense", "examples")
           for p in sorted((DEVICE / folder).rglob("*.py"))]


def test_generated_files_are_in_step():
    assert files.out_of_step() == []


def test_a_change_is_noticed(tmp_path, monkeypatch):
    monkeypatch.setattr(files, "manifest", lambda: "other")
    assert files.out_of_step() == ["manifest.py"]


def test_package_json_names_every_file():
    package = json.loads((DEVICE / "package.json").read_text())
    assert [to for to, _ in package["urls"]] == ["tinysense/" + name for name in files.files()]
    assert all((DEVICE / source).is_file() for _, source in package["urls"])
    host = (DEVICE.parent / "host" / "pyproject.toml").read_text()
    assert f'version = "{package["version"]}"' in host


def test_manifest_names_every_file():
    called = []
    exec((DEVICE / "manifest.py").read_text(), {"package": lambda *a, **k: called.append((a, k))})
    assert called == [(("tinysense", tuple(files.files())), {"base_path": "."})]


def test_every_public_name_has_a_stub():
    for name in files.files():
        tree = ast.parse((DEVICE / "tinysense" / name).read_text())
        stub = ast.parse((DEVICE / "stubs" / "tinysense" / (name + "i")).read_text())
        kinds = (ast.ClassDef, ast.FunctionDef)
        wanted = {n.name for n in tree.body if isinstance(n, kinds) and n.name[0] != "_"}
        assert wanted <= {n.name for n in stub.body if isinstance(n, kinds)}, name


def test_stubs_are_sound_types():
    pytest.importorskip("mypy", reason="mypy is not installed")
    done = subprocess.run([sys.executable, "-m", "mypy", "--strict", "--no-incremental",
                           "--config-file=", str(DEVICE / "stubs" / "tinysense")],
                          capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("path", SOURCES, ids=lambda p: p.relative_to(DEVICE).as_posix())
def test_house_rules(path):
    """Docstring first, lines of 100, functions under 60 lines, files under 500."""
    text = path.read_text()
    tree = ast.parse(text)
    assert ast.get_docstring(tree), "no docstring"
    lines = text.splitlines()
    assert len(lines) < 500 and max(map(len, lines)) <= 100
    for node in ast.walk(tree):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            assert node.end_lineno - node.lineno < 60, node.name


def test_nothing_imports_hardware_when_it_is_imported():
    for path in SOURCES:
        if "examples" in path.parts:
            continue
        for node in ast.parse(path.read_text()).body:
            names = [a.name for a in node.names] if isinstance(node, ast.Import) else []
            assert "machine" not in names and getattr(node, "module", "") != "machine", path
