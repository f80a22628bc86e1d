"""The device tests import their own small modules by plain names, as MicroPython does."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
