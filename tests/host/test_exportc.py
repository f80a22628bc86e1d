"""Models as plain C: what is written, and that it runs, on the smallest microcontroller too."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
import tiny_hearing

from tinysense_host import convert, exportc, tflite
from tinysense_host.barecore import load_core
from tinysense_host.boards import boards_folder
from tinysense_host.coresources import Config, all_blocks, all_ops, core_folder, needed_files
from tinysense_host.errors import TinysenseError
from tinysense_host.hostcore import FeatureStream, HostModel
from tinysense_host.modelfile import ModelFile

CASES = Path(__file__).parents[1] / "golden" / "cases"
LINKER_SCRIPT = Path(__file__).parent / "small_mcu" / "kl03.ld"
BARE = boards_folder() / "bare"
STACK_BYTES = 1024


def model_of(name: str) -> ModelFile:
    return ModelFile.read(convert.convert(tflite.load(CASES / f"{name}.tflite")))


def c_array(name: str, values: np.ndarray) -> str:
    rows = (", ".join(map(str, row)) for row in values.reshape(len(values), -1).view(np.int8))
    body = ",\n".join(f"{{{row}}}" for row in rows)
    return f"static const int8_t {name}[][{values[0].nbytes}] = {{\n{body}\n}};\n"


def golden_main(name: str, function: str = "") -> str:
    """A main that returns how many golden vectors come out wrong, 99 where loading fails."""
    with np.load(CASES / f"{name}.npz") as found:
        given, wanted = found["in0"], found["out0"]
    return f"""\
#include <string.h>
#include "core/ts.h"
#include "model_data.h"
{c_array("given", given)}{c_array("wanted", wanted)}{function}
static uint32_t arena[(MODEL_ARENA_BYTES + 3) / 4];
int main(void) {{
    static ts_model_t model;
    int wrong = 0;
    if (ts_model_load(&model, model_data, MODEL_BYTES, arena, sizeof(arena)) != 0) {{
        return 99;
    }}
    for (unsigned i = 0; i < sizeof(given) / sizeof(given[0]); i++) {{
        memcpy(ts_model_tensor(&model, MODEL_INPUT_0), given[i], sizeof(given[i]));
        ts_model_run(&model);
        wrong += memcmp(ts_model_tensor(&model, MODEL_OUTPUT_0), wanted[i], sizeof(wanted[i])) != 0;
    }}
    {"wrong += deep(wrong);" if function else ""}
    return wrong;
}}
"""


def need(*programs: str) -> None:
    for program in programs:
        if shutil.which(program) is None:
            pytest.skip(f"{program} is not installed")


def make(folder: Path, *variables: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["make", "-s", "-C", str(folder), *variables], capture_output=True,
                          text=True, check=False)  # fmt: skip


def test_only_what_a_model_needs_is_written(tmp_path: Path) -> None:
    made = exportc.export(model_of("keras_dense"), tmp_path)
    assert {"main.c", "model_data.c", "model_data.h", "ts_config.h", "Makefile", "core/ts.h",
            "core/model.c", "core/fully_connected.c", "core/softmax.c"} <= set(made.files)  # fmt: skip
    names = " ".join(made.files)
    for other in ("conv.c", "pool.c", "lstm.c", "segment.c", "fft.c", "window.c", "arch/armv"):
        assert other not in names
    config = (tmp_path / "ts_config.h").read_text()
    assert "#define TS_WITH_FULLY_CONNECTED 1\n" in config
    assert "#define TS_OTHERS 0\n" in config
    assert "CONV_2D" not in config
    assert "SEGMENT" not in config
    assert len((tmp_path / "main.c").read_text().splitlines()) <= 20


@pytest.mark.parametrize("name", ["keras_dense", "conv_same", "keras_conv1d", "logistic", "mean"])
def test_an_export_builds_without_warnings_and_runs_here(name: str, tmp_path: Path) -> None:
    need("cc", "make")
    exportc.export(model_of(name), tmp_path)
    (tmp_path / "golden.c").write_text(golden_main(name))
    strict = "CPU=-Wall -Wextra -Werror"
    done = make(tmp_path, strict)
    assert (done.returncode, done.stderr) == (0, "")
    assert subprocess.run([tmp_path / "model.elf"], check=False).returncode == 0
    sources = [str(p.relative_to(tmp_path)) for p in tmp_path.glob("core/**/*.c")]
    done = make(tmp_path, strict, f"SOURCES=golden.c model_data.c {' '.join(sources)}", "-B")
    assert done.returncode == 0, done.stderr
    assert subprocess.run([tmp_path / "model.elf"], check=False).returncode == 0


def test_a_model_with_features_gets_frames(tmp_path: Path) -> None:
    need("cc", "make")
    model = ModelFile.load(boards_folder().parent / "models" / "gesture" / "gesture.tsm")
    exportc.export(model, tmp_path)
    text = (tmp_path / "main.c").read_text()
    assert "ts_features_run" in text
    done = make(tmp_path, "CPU=-Wall -Wextra -Werror")
    assert (done.returncode, done.stderr) == (0, "")
    assert subprocess.run([tmp_path / "model.elf"], check=False).returncode == 0


def test_a_model_over_rows_runs_when_its_input_is_due(tmp_path: Path) -> None:
    need("cc", "make")
    blob, sound = tiny_hearing.build(), tiny_hearing.noise(1, level=900)
    model, host, stream = (kind(blob) for kind in (ModelFile.read, HostModel, stream_of))
    exportc.export(model, tmp_path)
    (tmp_path / "sound.h").write_text(
        "#include <stdint.h>\n"
        f"static const int16_t sound[] = {{{', '.join(map(str, sound[:, 0]))}}};\n")  # fmt: skip
    text = (tmp_path / "main.c").read_text()
    for comment, line in (
        ("#include", '#include <stdio.h>\n#include <string.h>\n#include "sound.h"\n#include'),
        ("// Put the next window into frames.",
         "memcpy(frames, sound + i * MODEL_HOP, sizeof(frames));"),
        ("(void)y;", "fwrite(y, 1, MODEL_OUTPUT_0_BYTES, stdout);"),
    ):
        assert comment in text
        text = text.replace(comment, line, 1)
    (tmp_path / "main.c").write_text(text)
    done = make(tmp_path, "CPU=-Wall -Wextra -Werror")
    assert (done.returncode, done.stderr) == (0, "")
    said = subprocess.run([tmp_path / "model.elf"], capture_output=True, check=True).stdout
    first = stream.inputs(sound)[0]
    assert said == host.run([first.tobytes()])[0]


def stream_of(blob: bytes) -> FeatureStream:
    feat = ModelFile.read(blob).feat
    assert feat is not None
    return FeatureStream(feat)


def on_small_mcu(folder: Path, function: str = "") -> tuple[int, str]:
    """Builds the export in ``folder`` for 32 kB of flash and 2 kB of RAM, and runs it."""
    core = load_core("cortex-m0plus")
    (folder / "golden.c").write_text(golden_main("keras_dense", function))
    for path in BARE.glob("*.[ch]"):
        shutil.copy(path, folder)
    sources = [str(p.relative_to(folder)) for p in folder.glob("core/**/*.c")]
    sources += ["golden.c", "model_data.c", "start_cortex_m.c", "semihosting.c"]
    defines = " ".join(f"-D{name}" for name in core.defines)
    done = make(folder, f"SOURCES={' '.join(sources)}", "-B", f"CPU={' '.join(core.flags)} {defines}",
                f"LDFLAGS=-nostartfiles -T {LINKER_SCRIPT} -Wl,--defsym=STACK_BYTES={STACK_BYTES}")  # fmt: skip
    assert done.returncode == 0, done.stderr
    memory = [word for name, size in (("flash", 32768), ("sram", 2048))
              for word in ("-global", f"nrf51-soc.{name}-size={size}")]  # fmt: skip
    command = ["qemu-system-arm", "-machine", "microbit", *memory, "-display", "none", "-monitor",
               "none", "-serial", "null", "-semihosting-config", "enable=on,target=native",
               "-kernel", str(folder / "model.elf")]  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
    return done.returncode, done.stdout + done.stderr


def test_a_dense_model_runs_in_32_kb_of_flash_and_2_kb_of_ram(tmp_path: Path) -> None:
    need("arm-none-eabi-gcc", "qemu-system-arm", "make")
    exportc.export(model_of("keras_dense"), tmp_path, load_core("cortex-m0plus"))
    assert on_small_mcu(tmp_path) == (0, "")


def test_a_stack_beyond_that_ram_is_noticed(tmp_path: Path) -> None:
    need("arm-none-eabi-gcc", "qemu-system-arm", "make")
    exportc.export(model_of("keras_dense"), tmp_path, load_core("cortex-m0plus"))
    deep = ("__attribute__((noinline)) static int deep(int n) {\n    volatile int used[256];\n"
            "    used[0] = n;\n    return used[0];\n}\n")  # fmt: skip
    status, said = on_small_mcu(tmp_path, deep)
    assert status != 0
    assert "Lockup" in said


def test_an_op_that_a_target_lacks_is_refused() -> None:
    with pytest.raises(TinysenseError, match="the core has no PACKED_CONV_2D for this target"):
        needed_files(Config(frozenset({"PACKED_CONV_2D"}), frozenset(), 0))


def test_every_source_of_the_core_is_reached_by_something() -> None:
    """With all ops and features, what is left out is known: nothing else may be forgotten."""
    needed = {str(p) for p in needed_files(Config(all_ops(0), frozenset(all_blocks().values()), 0))}
    everything = {p.name for p in core_folder().glob("*.c")}
    sampling = {"frames.c", "unpack.c", "ring.c", "timebase.c", "window.c", "pcm.c", "pdm.c", "overrun.c"}
    assert everything - needed == sampling


def test_names_of_cores_and_targets() -> None:
    assert exportc.core_for("cortex-m7").name == "cortex-m7"
    assert exportc.core_for("armv7em").name == "cortex-m4"
    with pytest.raises(TinysenseError, match="unknown core 'z80'"):
        exportc.core_for("z80")
