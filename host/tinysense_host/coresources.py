"""Which files of the C core a program needs: those that its ops and its calls reach.

The core's own switches (TS_WITH_..., device/core/config.h) say what is compiled;
here the same conditions are read as text, then names are followed from file to
file. A file that is not needed would add nothing but its name: what is left out
is left out for whoever reads the export.
"""

from __future__ import annotations

import itertools
import re
import struct
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from tinysense_host.boards import boards_folder
from tinysense_host.corefiles import op_rows, target_numbers
from tinysense_host.errors import TinysenseError
from tinysense_host.modelfile import ModelFile

__all__ = ["Config", "all_blocks", "all_ops", "config_header", "core_folder", "needed_files",
           "needs_of", "small_config"]

_COMMENT = re.compile(r"//[^\n]*|/\*.*?\*/", re.S)
_DEFINITION = re.compile(r"^[a-z][\w \*]*?\b(ts_\w+)\([^;{}]*\)\s*\{", re.M)
_NAME = re.compile(r"\bts_\w+")
_FAMILY = re.compile(r"\b(ts_\w+_)##")            # of functions, named by a list (X-macro)
# Of these only what the model uses is wanted.
_LISTED = {"ts_check_", "ts_run_", "ts_block_check_", "ts_block_run_"}
_FEAT_HEADER_BYTES = 16
_DERIVED = re.compile(r"^#define (TS_\w+) (\(.*\))$", re.M)
_INCLUDE = re.compile(r'^\s*#\s*include\s+"([^"]+)"', re.M)
_WORD = re.compile(r"[A-Za-z_]\w*")
_UNKNOWN_MAX = 4
_FEATURES = ("ts_features_check", "ts_features_run")
_MODEL = ("ts_model_load", "ts_model_run", "ts_model_tensor", "ts_model_reset", "ts_model_begin",
          "ts_model_push_row", "ts_error_text")  # fmt: skip


@dataclass(frozen=True)
class Config:
    """What is compiled in: ops by the names of ops.def (SEGMENT too), blocks of feature programs
    by those of blocks.def, and the target whose packed ops are (0 portable)."""

    ops: frozenset[str]
    blocks: frozenset[str]
    target: int

    def switches(self) -> dict[str, int]:
        """TS_WITH_<NAME> -> 0 or 1, for every switch of config.h."""
        on = {*self.ops, *(f"BLOCK_{name}" for name in self.blocks)}
        on |= {"FEATURES"} if self.blocks else set()
        return {name: int(name.removeprefix("TS_WITH_") in on) for name in _switches()}

    def covers(self, other: Config) -> bool:
        """Whether a core with this runs what needs the other."""
        return self.ops >= other.ops and self.blocks >= other.blocks


def _switches() -> list[str]:
    text = (core_folder() / "config.h").read_text(encoding="utf-8")
    return list(dict.fromkeys(re.findall(r"^#ifndef (TS_WITH_\w+)", text, re.M)))


def needs_of(model: ModelFile) -> Config:
    """What a model takes of a core."""
    blocks = frozenset(_blocks_of(model.feat)) if model.feat is not None else frozenset()
    return Config(frozenset(op.name for op in model.ops), blocks, model.target)


def all_blocks() -> dict[int, str]:
    """Kind -> name of every block, as blocks.def has them."""
    rows = (core_folder() / "blocks.def").read_text(encoding="utf-8")
    return {int(kind): name for name, kind in re.findall(r"^X\((\w+),\s*(\d+)\)", rows, re.M)}


def _blocks_of(feat: bytes) -> Iterator[str]:
    names = all_blocks()
    (count,) = struct.unpack_from("<H", feat, 6)
    at = _FEAT_HEADER_BYTES
    for _ in range(count):
        kind, words = struct.unpack_from("<HH", feat, at)
        yield names[kind]
        at += 4 * words


def small_config(target: int) -> Config:
    """What the small native module has (device/native/small/ts_config.h)."""
    path = core_folder().parent / "native" / "small" / "ts_config.h"
    known = _targets() | {"TS_TARGET": target}
    for name, text in re.findall(r"^#define (\w+) (.+)$", path.read_text(encoding="utf-8"), re.M):
        known[name] = int(bool(_value(text, known)))
    on = {name.removeprefix("TS_WITH_") for name in _switches() if known.get(name)}
    blocks = frozenset(name.removeprefix("BLOCK_") for name in on if name.startswith("BLOCK_"))
    return Config(frozenset(on & {*op_rows(), "SEGMENT"}), blocks, target)


def _targets() -> dict[str, int]:
    return {f"TS_TARGET_{name.upper()}": number for name, number in target_numbers().items()}


def core_folder() -> Path:
    """device/core of the project."""
    return boards_folder().parent / "device" / "core"


def config_header(config: Config) -> str:
    """The text of ts_config.h."""
    lines = ["// What the model needs of the core; everything else is left out."]
    lines += ["#define TS_OTHERS 0"]
    lines += [f"#define {name} 1" for name, value in config.switches().items() if value]
    return "\n".join(lines) + "\n"


def all_ops(target: int) -> frozenset[str]:
    """Every op that a core of this target can have, SEGMENT too."""
    folder = core_folder()
    everything = Config(frozenset({*op_rows(), "SEGMENT"}), frozenset(), target)
    texts = _texts(folder, everything)
    found = {name.removeprefix("ts_run_") for text in texts.values()
             for name in _DEFINITION.findall(text) if name.startswith("ts_run_")}  # fmt: skip
    return frozenset(found & op_rows().keys()) | {"SEGMENT"}


def needed_files(config: Config) -> list[Path]:
    """Sources and headers, relative to device/core, sorted."""
    folder = core_folder()
    texts = _texts(folder, config)
    homes = {name: path for path, text in texts.items() for name in _DEFINITION.findall(text)}
    wanted = [*_MODEL, *(_FEATURES if config.blocks else ())]
    wanted += [f"ts_block_{what}_{name}" for name in config.blocks for what in ("check", "run")]
    wanted += [f"ts_{what}_{op}" for op in config.ops - {"SEGMENT"} for what in ("check", "run")]
    missing = [name for name in wanted if name not in homes and name.startswith("ts_run_")]
    if missing:
        name = missing[0].removeprefix("ts_run_")
        raise TinysenseError(f"the core has no {name} for this target",
                             "Pack the model for the target it is exported for")
    needed = {path for path, text in texts.items()
              if path.parent.name == "arch" and _does_something(text)}  # fmt: skip
    needed |= _reached(wanted, homes, texts, needed)
    return sorted(needed | _headers(folder, needed))


def _texts(folder: Path, config: Config) -> dict[Path, str]:
    """What a configuration leaves of every source."""
    known = config.switches() | {"TS_TARGET": config.target}
    known |= _targets()
    known |= _derived(folder, known)
    return {path.relative_to(folder): _active(path.read_text(encoding="utf-8"), known)
            for path in [*folder.glob("*.c"), *folder.glob("arch/*.c")]}


def _derived(folder: Path, known: Mapping[str, int]) -> dict[str, int]:
    """What headers define by what is known: `#define TS_SCALAR (TS_TARGET == ...)`."""
    found: dict[str, int] = {}
    for path in sorted(folder.glob("**/*.h")):
        for name, condition in _DERIVED.findall(path.read_text(encoding="utf-8")):
            value = _value(condition, known)
            if value is not None and name not in known:
                found[name] = int(value)
    return found


def _reached(wanted: Iterable[str], homes: Mapping[str, Path], texts: Mapping[Path, str],
             first: Iterable[Path]) -> set[Path]:
    """Files that define ``wanted``, or anything that those files name."""
    queue = [homes[name] for name in wanted if name in homes] + list(first)
    found: set[Path] = set()
    while queue:
        path = queue.pop()
        if path not in found:
            found.add(path)
            queue += [homes[name] for name in _NAME.findall(texts[path]) if name in homes]
            families = set(_FAMILY.findall(texts[path])) - _LISTED
            queue += [home for name, home in homes.items() if name.startswith(tuple(families))]
    return found


def _headers(folder: Path, sources: Iterable[Path]) -> set[Path]:
    """Every file of the core that these include, however deep."""
    queue, found = list(sources), set()
    while queue:
        path = queue.pop()
        for name in _INCLUDE.findall((folder / path).read_text(encoding="utf-8")):
            for place in ((folder / path).parent / name, folder / name):
                inside = place.resolve()
                if inside.is_file() and inside.is_relative_to(folder.resolve()):
                    relative = inside.relative_to(folder.resolve())
                    queue += [relative] if relative not in found else []
                    found.add(relative)
                    break
    return found


def _does_something(text: str) -> bool:
    """Whether code is left, beside directives."""
    return any(line.strip() and not line.lstrip().startswith("#") for line in text.splitlines())


def _active(text: str, known: Mapping[str, int]) -> str:
    """``text`` without comments and without what its conditions leave out.

    Conditions with names that are not known keep both of their branches.
    """
    lines: list[str] = []
    stack: list[list[bool | None]] = []     # of each #if: what its branches so far said
    for line in _COMMENT.sub("", text).replace("\\\n", " ").splitlines():
        directive, _, rest = line.strip().partition(" ")
        if directive == "#if":
            stack.append([_value(rest, known)])
        elif directive in ("#ifdef", "#ifndef"):
            stack.append([None])
        elif directive == "#elif":
            stack[-1].append(_value(rest, known))
        elif directive == "#else":
            stack[-1].append(True)
        elif directive == "#endif":
            stack.pop()
        elif all(said[-1] is not False and True not in said[:-1] for said in stack):
            lines.append(line)
    return "\n".join(lines)


def _value(condition: str, known: Mapping[str, int]) -> bool | None:
    """A condition of the preprocessor; None where it hangs on names that are not known."""
    unknown = sorted({word for word in _WORD.findall(condition) if word not in known})
    if len(unknown) > _UNKNOWN_MAX:
        return None
    answers = {_evaluate(condition, {**known, **dict(zip(unknown, values, strict=True))})
               for values in itertools.product((0, 1), repeat=len(unknown))}  # fmt: skip
    return answers.pop() if len(answers) == 1 else None


def _evaluate(condition: str, known: Mapping[str, int]) -> bool | None:
    text = _WORD.sub(lambda found: str(known[found[0]]), condition)
    text = text.replace("&&", " and ").replace("||", " or ")
    text = re.sub(r"!(?!=)", " not ", text)
    if re.search(r"\d\s*\(", text):    # defined(...) and the like, with a number as the name
        return None
    if not re.fullmatch(r"(?:\d+|and|or|not|==|!=|>=|<=|>>|<<|[<>&()\s])+", text):
        return None
    try:
        return bool(eval(text, {"__builtins__": {}}))  # noqa: S307 - numbers and operators alone
    except SyntaxError:     # a condition of another kind
        return None
