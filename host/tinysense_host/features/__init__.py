"""Feature programs: what a window of raw frames becomes before the network sees it."""

from .blocks import (
    STATISTICS,
    Block,
    Decimate,
    Iir,
    Magnitude,
    Raw,
    Shape,
    Spectrum,
    Stats,
)
from .mel import Mel
from .micro_frontend import MicroFrontend
from .program import FeatureProgram
from .rows import Rows

__all__ = [
    "STATISTICS",
    "Block",
    "Decimate",
    "FeatureProgram",
    "Iir",
    "Magnitude",
    "Mel",
    "MicroFrontend",
    "Raw",
    "Rows",
    "Shape",
    "Spectrum",
    "Stats",
]
