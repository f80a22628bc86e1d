"""tinysense export-c."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from tinysense_host.commands.screen import console, size

__all__ = ["export_c"]


def export_c(
    source: Annotated[Path, typer.Argument(metavar="IN", help="A .tflite or a .tsm.")],
    output: Annotated[Path, typer.Option(
        "--output", "-o", metavar="DIR", help="Folder to write, made where there is none.")],
    target: Annotated[str | None, typer.Option(
        help="Pack for this core: cortex-m4, cortex-m0plus ..., or a target: armv7em ...")] = None,
) -> None:
    """Write a model as plain C, for boards without MicroPython.

    The folder holds the files of the core that the model needs, the model as
    an array, a main that runs it, and a Makefile.
    """
    from tinysense_host import exportc, verify
    from tinysense_host.benchcore import fit
    from tinysense_host.modelfile import ModelFile

    core = exportc.core_for(target) if target is not None else None
    blob = verify.open_model(source).blob
    if core is not None:
        blob = fit(blob, core.target)[0]
    made = exportc.export(ModelFile.read(blob), output, core)
    console.print(f"{output}: {len(made.files)} files; model {size(made.model_bytes)}, arena "
                  f"{size(made.arena_bytes)}; build it: make -C {output}")
