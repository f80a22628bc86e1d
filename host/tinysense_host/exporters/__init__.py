"""Recordings to files of other tools, a module each: `exporting.FORMATS` lists them.

Each file appears under its name only when it is whole. Formats that cannot
say gaps get one file per stretch without one.
"""

from .csv_file import CSV_FACTS, write_csv
from .exporting import FORMATS, REMARKS, export_recordings
from .layout import Options
from .npy_file import write_npy
from .tsr_file import write_tsr

__all__ = ["CSV_FACTS", "FORMATS", "Options", "REMARKS", "export_recordings", "write_csv",
           "write_npy", "write_tsr"]
