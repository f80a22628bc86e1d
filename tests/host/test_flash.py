"""Flash that the core takes, and how it is read off the linker's map."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tinysense_host import convert, tflite
from tinysense_host.barecore import load_core
from tinysense_host.corefiles import target_numbers
from tinysense_host.coresources import Config, all_ops
from tinysense_host.flash import Flash, flash_of, read_map
from tinysense_host.modelfile import ModelFile
from tinysense_host.packing import pack

CASES = Path(__file__).parents[1] / "golden" / "cases"
MAP = """
Discarded input sections

 .text.ts_gone  0x00000000       0x40 core/gone.o

Linker script and memory map

 .text.main     0x00000000       0x10 main.o
 .text.ts_model_load
                0x00000010       0xbc core/model.o
 .text.ts_a     0x000000cc       0x04 core/model.o
 .rodata.table  0x000000d0       0x20 core/model.o
 .text          0x000000f0       0x5c /usr/lib/gcc/arm/12.2.1/libgcc.a(_muldi3.o)
 .text.nothing  0x0000014c        0x0 core/empty.o
 .debug_info    0x00000000      0x999 core/model.o
"""


def test_the_map_is_read() -> None:
    found = read_map(MAP)
    assert found == {"main": (16, 0), "core/model": (192, 32), "libgcc": (92, 0)}
    flash = Flash(found)
    assert (flash.code, flash.constants, flash.total) == (300, 32, 332)


@pytest.fixture
def need() -> None:
    for program in ("arm-none-eabi-gcc", "make"):
        if shutil.which(program) is None:
            pytest.skip(f"{program} is not installed")


def packed(path: Path, target: str) -> ModelFile:
    return pack(ModelFile.read(convert.convert(tflite.load(path))), target)


@pytest.mark.usefixtures("need")
def test_a_keyword_model_takes_18_kb_on_cortex_m4(shared: Path) -> None:
    model = packed(shared / "models" / "mlperf_tiny" / "kws_ref_model.tflite", "armv7em")
    found = flash_of(model, load_core("cortex-m4"))
    assert "core/arch/armv7em_gemm" in found.objects
    assert not {"main", "model_data", "core/lstm"} & found.objects.keys()
    assert 8_000 < found.total <= 18_000


@pytest.mark.usefixtures("need")
def test_all_ops_take_40_kb_on_cortex_m4() -> None:
    number = target_numbers()["armv7em"]
    config = Config(all_ops(number), frozenset(), number)
    model = packed(CASES / "keras_dense.tflite", "armv7em")
    assert flash_of(model, load_core("cortex-m4"), config).total <= 40_000
