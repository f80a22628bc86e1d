"""What each module of the host package shows to others: its __all__, and a docstring for each."""

from __future__ import annotations

import ast
import importlib
import inspect
from pathlib import Path

import pytest

import tinysense_host

FOLDER = Path(tinysense_host.__file__).parent
MODULES = sorted(".".join(p.relative_to(FOLDER.parent).with_suffix("").parts)
                 for p in FOLDER.rglob("*.py") if p.name != "__init__.py")


def test_modules_are_found():
    assert {"tinysense_host.cli", "tinysense_host.commands.demo"} <= set(MODULES)


@pytest.mark.parametrize("name", MODULES)
def test_all_names_exist_are_sorted_out_and_documented(name):
    module = importlib.import_module(name)
    names = module.__all__
    assert len(names) == len(set(names))
    for public in names:
        value = getattr(module, public)
        if inspect.isfunction(value) or inspect.isclass(value):
            assert inspect.getdoc(value), f"{name}.{public} has no docstring"
            assert value.__module__ == name, f"{name}.{public} lives in {value.__module__}"


@pytest.mark.parametrize("name", MODULES)
def test_public_methods_are_documented(name):
    module = importlib.import_module(name)
    for public in module.__all__:
        value = getattr(module, public)
        if not inspect.isclass(value) or value.__module__ != name:
            continue
        for method, function in vars(value).items():
            if inspect.isfunction(function) and not method.startswith("_"):
                assert inspect.getdoc(getattr(value, method)), f"{name}.{public}.{method}"


@pytest.mark.parametrize("name", MODULES)
def test_nothing_private_is_imported_from_another_module(name):
    path = FOLDER.parent / (name.replace(".", "/") + ".py")
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and (node.level or (node.module or "").startswith(
                "tinysense_host")):
            private = [a.name for a in node.names if a.name.startswith("_")
                       and not a.name.startswith("__")]
            assert not private, f"{name} imports {private} from {node.module}"
