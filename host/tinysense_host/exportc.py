"""A model as plain C: the core's files that it needs, the model as an array, a short main.

The folder that export() writes is complete: `make` there builds it. For a
microcontroller the start-up code and the linker script are its maker's; main.c
shows the calls.
"""

from __future__ import annotations

import re
import struct
from dataclasses import dataclass, replace
from pathlib import Path

from tinysense_host.barecore import BareCore, list_cores, load_core
from tinysense_host.corefiles import target_numbers
from tinysense_host.coresources import Config, config_header, core_folder, needed_files, needs_of
from tinysense_host.errors import TinysenseError
from tinysense_host.files import write_atomically
from tinysense_host.modelfile import ModelFile, section_offset

__all__ = ["Exported", "core_for", "export"]

_WORDS_PER_LINE = 8


@dataclass(frozen=True)
class Exported:
    """What was written: files relative to the folder, and the bytes that the model takes."""

    files: tuple[str, ...]
    model_bytes: int
    arena_bytes: int


def core_for(name: str) -> BareCore:
    """A core by its own name (cortex-m0plus) or the first of a target (armv6m)."""
    for core in map(load_core, list_cores()):
        if name in (core.name, core.target):
            return core
    targets = dict.fromkeys(load_core(core).target for core in list_cores())
    raise TinysenseError(f"unknown core {name!r}",
                         f"cores: {', '.join(list_cores())}; targets: {', '.join(targets)}")


def export(model: ModelFile, folder: Path, core: BareCore | None = None,
           config: Config | None = None) -> Exported:  # fmt: skip
    """Writes the export of a model, packed for the core's target or portable, into ``folder``.

    Golden vectors stay behind: flash is scarce. core: whose compiler the Makefile
    names; without one it is the computer's own. config: another choice of ops
    than those of the model.
    """
    numbers = target_numbers()
    if model.target not in (0, numbers[core.target] if core else 0):
        raise TinysenseError("the model is packed for another core than it is exported for",
                             "Name that core with --target, or give the portable model")
    lean = replace(model, gold=None)
    blob = lean.write()
    config = config or needs_of(model)
    needed = needed_files(config)
    files = {f"core/{path.as_posix()}": (core_folder() / path).read_bytes() for path in needed}
    sources = [name for name in files if name.endswith(".c")]
    texts = {
        "ts_config.h": config_header(config), "model_data.h": _header(lean, blob),
        "model_data.c": _array(blob), "main.c": _main(lean), "Makefile": _makefile(sources, core),
    }  # fmt: skip
    files |= {name: text.encode() for name, text in texts.items()}
    _write(folder, files)
    return Exported(tuple(files), len(blob), model.arena_bytes)


def _write(folder: Path, files: dict[str, bytes]) -> None:
    try:
        for name, content in files.items():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            write_atomically(path, content)
    except OSError as error:
        raise TinysenseError(f"cannot write into {folder}: {error.strerror}") from error


def _header(model: ModelFile, blob: bytes) -> str:
    name = re.sub(r"[^ -~]", "?", model.name)
    lines = [f"// The model {name!r}: tensors 0 .. are its inputs, then come its outputs.",
             "#ifndef MODEL_DATA_H", "#define MODEL_DATA_H", "#include <stdint.h>", "",
             f"#define MODEL_BYTES {len(blob)}",
             f"#define MODEL_ARENA_BYTES {max(4, model.arena_bytes)}"]  # fmt: skip
    if model.feat is not None:
        window = model.feature_geometry()
        lines += ["", f"#define MODEL_FEAT_AT {section_offset(blob, b'FEAT')}",
                  f"#define MODEL_FEAT_BYTES {len(model.feat)}",
                  f"#define MODEL_WINDOW {window.window}",
                  f"#define MODEL_HOP {window.hop}    // frames from one window to the next",
                  f"#define MODEL_CHANNELS {window.channels}",
                  f"#define MODEL_ROWS {window.rows}    // windows before the first input",
                  f"#define MODEL_ROW_STRIDE {window.row_stride}    // from one input to the next",
                  f"#define MODEL_WORK_BYTES {window.work_bytes}"]  # fmt: skip
    for what, tensors in (("INPUT", model.inputs), ("OUTPUT", model.outputs)):
        for i, t in enumerate(tensors):
            shape = " x ".join(map(str, t.shape)) or "1"
            lines += ["", f"// {shape} {t.dtype}: value = {t.scale:.9g} * (q - ({t.zero_point}))",
                      f"#define MODEL_{what}_{i} {i + (model.n_inputs if what == 'OUTPUT' else 0)}",
                      f"#define MODEL_{what}_{i}_BYTES {t.nbytes}"]  # fmt: skip
    return "\n".join([*lines, "", "extern const uint32_t model_data[];", "", "#endif"]) + "\n"


def _array(blob: bytes) -> str:
    words = [word for (word,) in struct.iter_unpack("<I", blob + bytes(-len(blob) % 4))]
    rows = [", ".join(f"0x{word:08x}" for word in words[i : i + _WORDS_PER_LINE])
            for i in range(0, len(words), _WORDS_PER_LINE)]  # fmt: skip
    body = ",\n    ".join(rows)
    return ("// The .tsm file, as words: it has to lie at a multiple of 4.\n"
            f'#include "model_data.h"\n\nconst uint32_t model_data[] = {{\n    {body},\n}};\n')


def _c_type(dtype: str) -> str:
    return "float" if dtype == "float32" else f"{dtype}_t"


def _main(model: ModelFile) -> str:
    x, y = model.inputs[0], model.outputs[0]
    declared, feed = _feed(model, _c_type(x.dtype))
    return f"""\
#include "core/ts.h"
#include "model_data.h"

static uint32_t arena[(MODEL_ARENA_BYTES + 3) / 4];
{declared}
int main(void) {{
    ts_model_t model;
    if (ts_model_load(&model, model_data, MODEL_BYTES, arena, sizeof(arena)) != 0) {{
        return 1;
    }}
{feed}    const {_c_type(y.dtype)} *y = ts_model_tensor(&model, MODEL_OUTPUT_0);
    (void)y;    // the scores
    return 0;
}}
"""


def _feed(model: ModelFile, kind: str) -> tuple[str, str]:
    """(declarations, statements) that give a model its input and run it."""
    if any(t.ring for t in model.inputs):
        return "", ("    // Give the input row by row: ts_model_push_row(&model, row) until it "
                    "returns 1.\n")  # fmt: skip
    x = f"    {kind} *x = ts_model_tensor(&model, MODEL_INPUT_0);\n"
    if model.feat is None:
        return "", (f"{x}    // Put the input into x, MODEL_INPUT_0_BYTES of it, before every run."
                    "\n    (void)x;\n    ts_model_run(&model);\n")  # fmt: skip
    declared = ("static int16_t frames[MODEL_WINDOW * MODEL_CHANNELS];    // the sensor's\n"
                "static uint32_t work[(MODEL_WORK_BYTES + 3) / 4 + 1];\n")  # fmt: skip
    return declared, x + _FEED_WINDOWS


_FEED_WINDOWS = """\
    const uint8_t *feat = (const uint8_t *)model_data + MODEL_FEAT_AT;
    ts_features_reset(feat, MODEL_FEAT_BYTES, work);    // a stream begins
    for (int i = 0; i < MODEL_ROWS; i++) {
        // Put the next window into frames.
        if (ts_features_run(feat, MODEL_FEAT_BYTES, frames, work, x) == 1) {    // an input is due
            ts_model_run(&model);
        }
    }
"""


def _makefile(sources: list[str], core: BareCore | None) -> str:
    compiler = core.compiler if core else "cc"
    flags = " ".join(core.flags) if core else ""
    listed = " \\\n\t".join(["main.c", "model_data.c", *sources])
    fast = (core_folder() / "fast.txt").read_text(encoding="utf-8").split()
    quick = [name for name in sources if "/arch/" in name or Path(name).stem in fast]
    objects = " \\\n\t".join(name.removesuffix(".c") + ".o" for name in quick)
    return f"""\
# Flags of your chip, its start-up code and its linker script go into CPU and LDFLAGS.
CC := {compiler}
CPU := {flags}
CFLAGS := -std=c99 -Os -ffp-contract=off -ffunction-sections -fdata-sections
SOURCES := {listed}
OBJECTS := $(SOURCES:.c=.o)
# Where the time goes is compiled for speed, the rest for size.
FAST := {objects}

model.elf: $(OBJECTS)
\t$(CC) $(CPU) -Wl,--gc-sections $(LDFLAGS) $(OBJECTS) -o $@

$(FAST): CFLAGS += -O2

%.o: %.c
\t$(CC) $(CPU) $(CFLAGS) -DTS_CONFIG -I. -c $< -o $@

.PHONY: clean
clean:
\trm -f $(OBJECTS) model.elf
"""
