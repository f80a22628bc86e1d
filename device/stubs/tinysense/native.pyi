"""The one place that imports the compiled core: ``from .native import core``."""

# Written by device/files.py.

ABI: int
