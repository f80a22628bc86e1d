"""tinysense: from sensor frames to events, on MicroPython and on CPython.

    import tinysense
    model = tinysense.load()
    tinysense.Pipeline(driver, model, [print]).run()

Importing costs next to nothing: every name below is fetched when it is used.
"""

# Written by device/files.py.
from .types import Buffer
from typing import Any
from .model import Model as Model
from .window import Window as Window
from .features import Features as Features
from .features import Sensor as Sensor
from .decision import Decision as Decision
from .decision import Event as Event
from .pipeline import Pipeline as Pipeline
from .ring import Ring as Ring
from .field.recorder import Recorder as Recorder
from .errors import TinysenseError as TinysenseError
from .errors import ModelError as ModelError
from .errors import ConfigError as ConfigError
from .errors import RecordingError as RecordingError
from .errors import DriverError as DriverError
from .errors import NativeError as NativeError

__version__: str

def load(source: str | Buffer = '', check: bool = True, selftest: bool = False) -> Model:
    """The current Model, or one by name, path or bytes: see tinysense.model.load."""

def from_config(config: dict[str, Any] | str | None = None) -> Pipeline:
    """The Pipeline that a config (dict, path, or the default path) describes."""

def help() -> None:
    """What to type next."""
