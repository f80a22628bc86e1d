"""The native module with what models of movements need: small, and honest about the rest."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from tinysense_host import convert, tflite
from tinysense_host.corefiles import target_numbers
from tinysense_host.coresources import Config, all_ops, core_folder, needs_of, small_config
from tinysense_host.modelfile import ModelFile
from tinysense_host.packing import pack

CASES = Path(__file__).resolve().parents[1] / "golden" / "cases"
MOST_BYTES = 25_000     # in the RAM of an RP2040; a fifth of it is ring, time and FIFO of sampling
TIMEOUT_S = 300
CODE = """
import _tinysense as core, json
from array import array
def run(name):
    with open(name + '.tsm', 'rb') as f:
        file = bytearray(f.read())
    fault = array('i', [0, 0])
    arena = core.model_check(file, fault)
    if arena < 0:
        return [arena, core.error_text(arena), fault[0]]
    arena, state = bytearray(arena), bytearray(core.model_state_bytes())
    said = core.model_load(state, file, arena)
    with open(name + '.in', 'rb') as f:
        f.readinto(memoryview(arena)[X:X + N])
    return [said or core.model_run(state, file, arena), list(arena[Y:Y + M])]
print(json.dumps([core.kernels(), run('runs'), run('lacks')]))
"""


def packed(case: str) -> ModelFile:
    model = ModelFile.read(convert.convert(tflite.load(CASES / f"{case}.tflite")))
    return pack(model, "armv6m")


def test_it_fits_and_runs_what_it_has(tmp_path: Path) -> None:
    """On an emulated Cortex-M0 with stock firmware."""
    from tinysense_host.emulator import Emulator, write_files
    from tinysense_host.firmware import ensure_native_module

    for program in ("arm-none-eabi-gcc", "qemu-system-arm"):
        if shutil.which(program) is None:
            pytest.skip(f"{program} is not installed")
    module = ensure_native_module("armv6m", small=True).read_bytes()
    assert len(module) <= MOST_BYTES
    model, more = packed("keras_dense"), packed("mean")
    assert small_config(target_numbers()["armv6m"]).covers(needs_of(model))
    with np.load(CASES / "keras_dense.npz") as found:
        given, wanted = found["in0"][0], found["out0"][0]
    x, y = model.inputs[0], model.outputs[0]
    code = f"X, N, Y, M = {x.offset}, {x.nbytes}, {y.offset}, {y.nbytes}\n{CODE}"
    write_files(tmp_path / "fs.img", {
        "/_tinysense.mpy": module, "/runs.tsm": model.write(), "/runs.in": given.tobytes(),
        "/lacks.tsm": more.write(), "/try.py": code.encode()})  # fmt: skip
    with Emulator("QEMU_M0", fs=tmp_path / "fs.img") as emulator:
        mpremote = str(Path(sys.executable).parent / "mpremote")
        done = subprocess.run(
            [mpremote, "connect", emulator.port, "exec", "exec(open('try.py').read())"],
            capture_output=True, text=True, timeout=TIMEOUT_S, check=False)  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    kernels, runs, lacks = json.loads(done.stdout)
    assert kernels == "armv6m"
    assert runs == [0, list(wanted.tobytes())]
    assert lacks == [-10, "this core lacks an op of the model: `tinysense upload --setup` puts one "
                     "with it on the board", 0]  # fmt: skip


@pytest.mark.parametrize("target", target_numbers())
def test_it_has_only_what_is_named(target: str) -> None:
    number = target_numbers()[target]
    small, weights = small_config(number), ("" if number == 0 else "PACKED_")
    assert small.ops == {f"{weights}CONV_2D", f"{weights}FULLY_CONNECTED", "AVERAGE_POOL_2D",
                         "MAX_POOL_2D", "SOFTMAX", "LUT", "COPY", "SEGMENT"}  # fmt: skip
    assert small.blocks == {"RAW", "MAGNITUDE"}


def test_every_switch_hangs_on_the_others() -> None:
    """Or a new op would be in every small core."""
    text = (core_folder() / "config.h").read_text()
    switches = Config(frozenset(), frozenset(), 0).switches()
    defaults = [line for line in text.splitlines() if line.startswith("#define TS_WITH_")]
    assert len(defaults) == len(switches)
    assert [line for line in defaults if "TS_OTHERS" not in line] == []
    assert {f"TS_WITH_{op}" for op in all_ops(0)} <= switches.keys()
