#!/usr/bin/env python3
"""Writes what follows from the package's files: manifest.py, package.json, stubs/.

    python3 device/files.py            write them
    python3 device/files.py --check    status 1 if they are not in step

The one list of files is the folder tinysense/ itself. manifest.py freezes the
package into firmware, package.json installs it with mip, stubs/ are for
editors: signatures, docstrings and attributes taken from the source, since
type names there stand in quotation marks that MicroPython passes over.
"""

from __future__ import annotations

import ast
import functools
import json
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
PACKAGE = HERE / "tinysense"

MANIFEST = '''\
# Freezes the package into firmware. Written by files.py.
package(
    "tinysense",
    (
%s
    ),
    base_path=".",
)
'''

# What the quoted type names of the sources mean, for the stub of the package itself.
TYPES = '''\
"""Types that have no class on the board."""

# Written by device/files.py.
from array import array as array
from collections.abc import Callable, Sequence
from types import ModuleType
from typing import Any, Protocol

Buffer = bytes | bytearray | memoryview | array[int]
Thresholds = int | Sequence[int] | dict[str, int]
Read = Callable[[memoryview], int]
Write = Callable[[Buffer], Any]
Module = ModuleType
BLE = Any
CAN = Any
I2C = Any
I2S = Any
MQTTClient = Any
NeoPixel = Any
PWM = Any
Pin = Any
SPI = Any
UART = Any

class Driver(Protocol):
    """See tinysense.drivers."""

    rate_mhz: int
    channels: int
    units: str | tuple[str, ...]
    full_scale: float | tuple[float, ...]
    scale: float | tuple[float, ...]
    dropped: int
    errors: int
    @property
    def done(self) -> bool: ...
    def read_into(self, buf: bytearray) -> int: ...
    def close(self) -> None: ...

class Output(Protocol):
    """See tinysense.outputs. A pipeline takes a plain function of an event, too."""

    def emit(self, event: Any) -> None: ...
'''
# Where a name in a stub comes from: the module that the source imports it from, the types above,
# the package's classes, the standard library.
TYPE_NAMES = ("BLE", "Buffer", "CAN", "Driver", "I2C", "I2S", "MQTTClient", "Module", "NeoPixel",
              "Output", "PWM", "Pin", "Read", "SPI", "Thresholds", "UART", "Write", "array")
STANDARD = {"collections.abc": ("Callable", "Sequence"), "typing": ("Any", "BinaryIO", "TextIO")}
OPEN_TYPES = {"tuple": "tuple[Any, ...]", "list": "list[Any]", "dict": "dict[str, Any]",
              "Callable": "Callable[..., Any]", "array": "array[int]"}


def files() -> list[str]:
    """The package's files, relative to device/tinysense, in order."""
    found = (p for p in PACKAGE.rglob("*.py") if "__pycache__" not in p.parts)
    return sorted(p.relative_to(PACKAGE).as_posix() for p in found)


def manifest() -> str:
    return MANIFEST % "\n".join(f'        "{name}",' for name in files())


def package_json() -> str:
    urls = [[f"tinysense/{name}", f"tinysense/{name}"] for name in files()]
    return json.dumps({"urls": urls, "deps": [], "version": version()}, indent=2) + "\n"


def version() -> str:
    tree = ast.parse((PACKAGE / "__init__.py").read_text())
    for node in tree.body:
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__version__":
            return str(ast.literal_eval(node.value))
    raise SystemExit("tinysense/__init__.py: no __version__")


# ---- stubs ----


class Filled(ast.NodeTransformer):
    """Gives bare containers their contents: ``dict`` becomes ``dict[str, Any]``."""

    def visit_Subscript(self, node: ast.Subscript) -> ast.expr:
        node.slice = self.visit(node.slice)
        return node

    def visit_Name(self, node: ast.Name) -> ast.expr:
        return ast.parse(OPEN_TYPES.get(node.id, node.id), mode="eval").body


def annotation(node: ast.expr | None, default: ast.expr | None = None) -> str:
    """A type: without quotation marks; ``| None`` where that is the default."""
    if node is None:
        return "Any"
    text = str(node.value) if isinstance(node, ast.Constant) else ast.unparse(node)
    none = isinstance(default, ast.Constant) and default.value is None and "None" not in text
    return ast.unparse(Filled().visit(ast.parse(text, mode="eval"))) + (" | None" if none else "")


def guess(value: ast.expr, known: dict[str, str]) -> str:
    """The type of what is assigned to an attribute, where it is plain to see."""
    if isinstance(value, ast.Constant) and value.value is not None:
        return type(value.value).__name__
    if isinstance(value, ast.Name):
        return known.get(value.id, "Any")
    if isinstance(value, ast.Call) and isinstance(value.func, ast.Name):
        name = value.func.id
        plain = {"len": "int", "min": "int", "max": "int", "take": "bytearray"}
        if name in ("bytearray", "bytes", "memoryview", "str") or name in known_classes():
            return OPEN_TYPES.get(name, name)
        return plain.get(name, OPEN_TYPES.get(name, "Any"))
    return "Any"


@functools.cache
def classes() -> dict[str, str]:
    """Public class of the package -> its module, dotted; of names that two have, neither."""
    found: dict[str, list[str]] = {}
    for name in files():
        for node in ast.parse((PACKAGE / name).read_text()).body:
            if isinstance(node, ast.ClassDef) and public(node.name):
                found.setdefault(node.name, []).append(name.removesuffix(".py").replace("/", "."))
    return {name: where[0] for name, where in found.items()
            if len(where) == 1 and name not in TYPE_NAMES}


def known_classes() -> set[str]:
    return {*classes(), *TYPE_NAMES}


def imported(tree: ast.Module) -> dict[str, str]:
    """Name -> module with its dots, of what a source imports from the package."""
    return {alias.asname or alias.name: "." * node.level + (node.module or "")
            for node in tree.body if isinstance(node, ast.ImportFrom) and node.level
            for alias in node.names}


def attributes(body: ast.ClassDef) -> dict[str, str]:
    """Public attributes that the methods set, by name."""
    out: dict[str, str] = {}
    for method in (n for n in body.body if isinstance(n, ast.FunctionDef)):
        known = {a.arg: annotation(a.annotation) for a in method.args.args}
        for node in ast.walk(method):
            if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Attribute):
                out[node.target.attr] = annotation(node.annotation)
            for name, value in pairs(node) if isinstance(node, ast.Assign) else []:
                if not name.startswith("_") and out.get(name, "Any") == "Any":
                    out[name] = guess(value, known)
    return out


def pairs(node: ast.Assign) -> list[tuple[str, ast.expr]]:
    """(attribute, value) of every ``self.x = value``, in tuples and chains too."""
    out: list[tuple[str, ast.expr]] = []
    for target in node.targets:
        targets = target.elts if isinstance(target, ast.Tuple) else [target]
        same = isinstance(node.value, ast.Tuple) and isinstance(target, ast.Tuple)
        values = node.value.elts if same and isinstance(node.value, ast.Tuple) else None
        for i, one in enumerate(targets):
            if isinstance(one, ast.Starred) or not isinstance(one, ast.Attribute):
                continue
            if isinstance(one.value, ast.Name) and one.value.id == "self":
                unpacked = ast.Constant(None) if isinstance(target, ast.Tuple) else node.value
                out.append((one.attr, values[i] if values else unpacked))
    return out


def signature(node: ast.FunctionDef | ast.AsyncFunctionDef) -> str:
    args = node.args
    positional = args.posonlyargs + args.args
    defaults: list[ast.expr | None] = [None] * (len(positional) - len(args.defaults))
    defaults += args.defaults
    parts = []
    for i, (arg, default) in enumerate(zip(positional, defaults, strict=True)):
        if i == 0 and arg.arg in ("self", "cls"):
            parts.append(arg.arg)
            continue
        text = f"{arg.arg}: {annotation(arg.annotation, default)}"
        parts.append(text + (f" = {default_text(default)}" if default else ""))
    if args.vararg:
        parts.append(f"*{args.vararg.arg}: {annotation(args.vararg.annotation)}")
    result = "None" if node.name == "__init__" else annotation(node.returns)
    keyword = "async def" if isinstance(node, ast.AsyncFunctionDef) else "def"
    return f"{keyword} {node.name}({', '.join(parts)}) -> {result}:"


def default_text(node: ast.expr) -> str:
    return ast.unparse(node) if isinstance(node, (ast.Constant, ast.UnaryOp, ast.Tuple)) else "..."


def public(name: str) -> bool:
    return not name.startswith("_") or name in ("__init__", "__enter__", "__exit__", "__iter__",
                                                "__next__")


def function_stub(node: ast.FunctionDef | ast.AsyncFunctionDef, indent: str) -> list[str]:
    lines = [f"{indent}@{ast.unparse(d)}" for d in node.decorator_list]
    lines.append(indent + signature(node))
    text = ast.get_docstring(node)
    if text:
        lines += docstring(text, indent + "    ")
    else:
        lines[-1] += " ..."
    return lines


def docstring(text: str, indent: str) -> list[str]:
    lines = text.replace("\\", "\\\\").splitlines()
    lines[0] = '"""' + lines[0]
    if len(lines) == 1:
        return [indent + lines[0] + '"""']
    return [(indent + line).rstrip() for line in lines] + [indent + '"""']


def class_stub(node: ast.ClassDef) -> list[str]:
    bases = ", ".join(ast.unparse(b) for b in node.bases)
    lines = [f"class {node.name}({bases}):" if bases else f"class {node.name}:"]
    text = ast.get_docstring(node)
    if text:
        lines += docstring(text, "    ")
    properties = {n.name for n in node.body if isinstance(n, ast.FunctionDef) and n.decorator_list}
    lines += [f"    {name}: {kind}" for name, kind in attributes(node).items()
              if name not in properties]
    for item in node.body:
        if isinstance(item, (ast.FunctionDef, ast.AsyncFunctionDef)) and public(item.name):
            lines += function_stub(item, "    ")
    return lines if len(lines) > 1 else [lines[0] + " ..."]


def constant_stub(node: ast.Assign) -> list[str]:
    """``name: type`` of a module's public constants; ``A, B = range(2)`` are numbers."""
    lines = []
    for target in node.targets:
        several = isinstance(target, ast.Tuple)
        for one in target.elts if isinstance(target, ast.Tuple) else [target]:
            name = ast.unparse(one)
            if name == "__version__" or not name.startswith("_"):
                lines.append(f"{name}: {'int' if several else constant_type(node.value)}")
    return lines


def constant_type(value: ast.expr) -> str:
    if isinstance(value, ast.Tuple):
        return "tuple[Any, ...]"
    try:
        kind = type(ast.literal_eval(value)).__name__
        return OPEN_TYPES.get(kind, kind)
    except ValueError:
        return "Any"


def stub(name: str) -> str:
    """The .pyi of one file of the package."""
    tree = ast.parse((PACKAGE / name).read_text())
    body: list[str] = []
    for node in tree.body:
        if isinstance(node, ast.ClassDef) and public(node.name):
            body += ["", *class_stub(node)]
        elif isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)) and public(node.name):
            body += ["", *function_stub(node, "")]
        elif isinstance(node, ast.Assign):
            body += constant_stub(node)
        elif isinstance(node, ast.Try):
            body += try_stub(node)
    text = "\n".join(body)
    head = docstring(ast.get_docstring(tree) or "", "") + ["", "# Written by device/files.py."]
    return "\n".join(head + stub_imports(name, text, tree)) + "\n\n" + text.strip("\n") + "\n"


def try_stub(node: ast.Try) -> list[str]:
    """What a fallback defines; the names it stands in for have the same types."""
    lines: list[str] = []
    for handler in node.handlers:
        for item in handler.body:
            if isinstance(item, ast.FunctionDef):
                lines += ["", *function_stub(item, "")]
    return lines


def stub_imports(name: str, text: str, tree: ast.Module) -> list[str]:
    """Import lines for the names that a stub uses and does not define."""
    used = {n.id for n in ast.walk(ast.parse(text)) if isinstance(n, ast.Name)}
    used -= {n.name for n in tree.body if isinstance(n, (ast.ClassDef, ast.FunctionDef))}
    lazy = lazy_imports(tree) if name == "__init__.py" else []
    used -= {line.rsplit(" ", 1)[1] for line in lazy}
    dots = "." * (1 + name.count("/"))
    where = {n: module for module, names in STANDARD.items() for n in names}
    where |= {n: dots + module for n, module in classes().items()}
    where |= {n: dots + "types" for n in TYPE_NAMES} | imported(tree)
    found: dict[str, list[str]] = {}
    for n in sorted(used & where.keys()):
        found.setdefault(where[n], []).append(n)
    lines = [f"from {module} import {', '.join(names)}" for module, names in sorted(found.items())]
    return lines + lazy


def lazy_imports(tree: ast.Module) -> list[str]:
    """The package's lazy names as plain imports: so editors find them."""
    for node in tree.body:
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "_NAMES":
            table: dict[str, str] = ast.literal_eval(node.value)
            return [f"from .{where} import {name} as {name}" for name, where in table.items()]
    return []


def stubs() -> dict[str, str]:
    """Path under stubs/ -> text."""
    out = {f"tinysense/{name}i": stub(name) for name in files()}
    out["tinysense/types.pyi"] = TYPES
    return out


def generated() -> dict[Path, str]:
    """Every file that is written here, with its text."""
    out = {HERE / "manifest.py": manifest(), HERE / "package.json": package_json()}
    out.update({HERE / "stubs" / name: text for name, text in stubs().items()})
    return out


def out_of_step() -> list[str]:
    """Files that are not what they should be, relative to device/."""
    wanted = generated()
    wrong = [p for p, text in wanted.items() if not p.is_file() or p.read_text() != text]
    wrong += [p for p in (HERE / "stubs").rglob("*.pyi") if p not in wanted]
    return sorted(p.relative_to(HERE).as_posix() for p in wrong)


def main() -> int:
    if sys.argv[1:] == ["--check"]:
        wrong = out_of_step()
        for name in wrong:
            print(f"device/{name} is not in step: run python3 device/files.py", file=sys.stderr)
        return 1 if wrong else 0
    wanted = generated()
    for old in (HERE / "stubs").rglob("*.pyi"):
        if old not in wanted:
            old.unlink()
    for path, text in wanted.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
