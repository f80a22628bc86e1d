"""The command `tinysense`: a table of commands and nothing else.

A command's module is imported only when that command runs, so that `--help`
is fast and a missing heavy package breaks its own command alone.
"""

from __future__ import annotations

import importlib
import signal
import sys
from dataclasses import dataclass
from typing import Any

import typer
from typer.core import TyperGroup

from tinysense_host import __version__
from tinysense_host.errors import TinysenseError

__all__ = ["COMMANDS", "Row", "app", "main"]


@dataclass(frozen=True)
class Row:
    """One command: `tinysense <name>` runs `tinysense_host.commands.<module>.<function>`."""

    name: str
    module: str
    function: str
    group: str
    help: str


BOARD, DATA, MODEL = "Board", "Recordings", "Model"

COMMANDS: tuple[Row, ...] = (
    Row("demo", "demo", "demo", BOARD, "The whole loop on a board: record, train, upload, watch."),
    Row("boards", "boards", "boards", BOARD, "Show what is connected and what it can do."),
    Row("emulate", "emulate", "emulate", BOARD, "Start a virtual board and keep it running."),
    Row("setup", "setup", "setup", BOARD, "Put the package tinysense on a board."),
    Row("upload", "upload", "upload", BOARD, "Check a model against a board and put it there."),
    Row("models", "models", "models", BOARD, "Show the models on a board; choose or remove one."),
    Row("rollback", "rollback", "rollback", BOARD, "Go back to the model that ran before."),
    Row("run", "run", "run", BOARD, "Run the pipeline on the board and print its events."),
    Row("monitor", "monitor", "monitor", BOARD, "Watch signal, scores and events live."),
    Row("doctor", "doctor", "doctor", BOARD, "Check cable, board, model and sensor."),
    Row("sync", "sync", "sync", BOARD, "Merge the board's configuration with a file."),
    Row("key", "key", "key", BOARD, "Keys of signed models, secrets of boards on a network."),
    Row("capture", "capture", "capture", DATA, "Record labelled movements from a board."),
    Row("pull", "pull", "pull", DATA, "Take a field recorder's recordings into a dataset."),
    Row("recover", "recover", "recover", DATA, "Save what is whole of damaged files and flash."),
    Row("import", "import_", "import_", DATA, "Bring recordings of other formats into a dataset."),
    Row("export", "export", "export", DATA, "Write a dataset as files of other tools."),
    Row("simulate", "simulate", "simulate", DATA, "Make recordings with the motion simulator."),
    Row("synth", "synth", "synth", DATA, "Speak a phrase in many voices: a wake word's clips."),
    Row("train", "train", "train", MODEL, "Train a model by its recipe."),
    Row("evaluate", "evaluate", "evaluate", MODEL, "Score a model on recordings it never saw."),
    Row("tune", "tune", "tune", MODEL, "Choose thresholds within a budget of false accepts."),
    Row("listen", "listen", "listen", MODEL, "Let a model hear a file, or the microphone."),
    Row("plot", "plot", "plot", MODEL, "Draw a sound, its features and a model's scores."),
    Row("convert", "convert", "convert", MODEL, "Turn a .tflite into a .tsm."),
    Row("verify", "verify", "verify", MODEL, "Prove outputs equal to TFLite's reference kernels."),
    Row("bench", "bench", "bench", MODEL, "Count the instructions of one inference."),
    Row("inspect", "inspect", "inspect", MODEL, "Show a model's graph, its cost and its memory."),
    Row("export-c", "export_c", "export_c", MODEL, "Write a model as plain C."),
)

# Which extra of the package brings a module that may be missing.
EXTRAS = {"tensorflow": "train", "keras": "train", "littlefs": "boards", "elftools": "boards",
          "ar": "boards", "hypothesis": "dev", "pytest": "dev",
          "scipy": "sound", "soundfile": "sound", "sounddevice": "sound", "matplotlib": "sound"}


def _needs(name: str, missing: str) -> TinysenseError:
    """The one line for a command whose package is not installed."""
    top = missing.split(".", maxsplit=1)[0]
    if top in ("tinysense", "_tinysense"):
        return TinysenseError(f"`tinysense {name}` needs the compiled core {top!r}",
                              "build it: make setup (or pip install -e host)")
    extra = EXTRAS.get(top)
    what = f"pip install 'tinysense[{extra}]'" if extra else f"pip install {top}"
    return TinysenseError(f"`tinysense {name}` needs the Python package {top!r}", what)


def _load(row: Row) -> Any:
    """The real command of a row, as an object of Typer's."""
    try:
        module = importlib.import_module(f"tinysense_host.commands.{row.module}")
    except ModuleNotFoundError as e:
        if (e.name or "").startswith("tinysense_host"):
            raise
        raise _needs(row.name, e.name or "?") from e
    one = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
    one.command(name=row.name)(getattr(module, row.function))
    command = typer.main.get_command(one)
    command.name = row.name
    return command


class LazyGroup(TyperGroup):
    """Holds light stand-ins for the help page, and loads the one that runs."""

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """Name, command, remaining arguments; usage errors come from Typer."""
        name, found, rest = super().resolve_command(ctx, args)
        row = next((r for r in COMMANDS if r.name == name), None)
        return name, found if row is None else _load(row), rest

    def invoke(self, ctx: Any) -> Any:
        """Runs a command; what the user can mend ends as one line and a status."""
        try:
            return super().invoke(ctx)
        except TinysenseError as e:
            _complain(f"{e}")
            raise typer.Exit(1) from e
        except ModuleNotFoundError as e:
            if (e.name or "").startswith("tinysense_host"):
                raise
            _complain(f"{_needs(ctx.invoked_subcommand or '', e.name or '?')}")
            raise typer.Exit(1) from e
        except BrokenPipeError:
            raise    # whoever read the output has had enough: Typer ends quietly
        except OSError as e:
            said = e.strerror or str(e) or type(e).__name__
            _complain(f"{e.filename}: {said}" if e.filename else said)
            raise typer.Exit(1) from e
        except MemoryError as e:
            _complain(f"not enough memory: {e}" if str(e) else "not enough memory")
            raise typer.Exit(1) from e
        except KeyboardInterrupt as e:
            _complain("interrupted")
            raise typer.Exit(130) from e


def _complain(message: str) -> None:
    # One line, whatever a board or a file put into the message.
    print("tinysense: " + " ".join(message.split()), file=sys.stderr, flush=True)


def _stand_in() -> None:
    raise AssertionError("a stand-in is never run")


def _version(value: bool) -> None:
    if value:
        print(f"tinysense {__version__}")
        raise typer.Exit


def _top(version: bool = typer.Option(False, "--version", callback=_version, is_eager=True,
                                      help="Print the version.")) -> None:
    """From moving a board in the hand to a model that runs on it, offline."""


def _make_app() -> typer.Typer:
    made = typer.Typer(cls=LazyGroup, no_args_is_help=True, pretty_exceptions_enable=False,
                       rich_markup_mode=None if not sys.stdout.isatty() else "rich",
                       context_settings={"help_option_names": ["-h", "--help"]})
    made.callback()(_top)
    for row in COMMANDS:
        made.command(row.name, help=row.help, rich_help_panel=row.group)(_stand_in)
    return made


app = _make_app()


def main() -> None:
    """Entry point of the console script."""
    # However it is told to end: virtual boards are stopped, real ones left at their prompt.
    for name in ("SIGINT", "SIGTERM", "SIGHUP"):
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), signal.default_int_handler)
    app(prog_name="tinysense")


if __name__ == "__main__":
    main()
