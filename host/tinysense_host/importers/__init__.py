"""Other people's files to recordings: CSV, NumPy, .tsr, raw terminal logs, sound; a module each.

Nothing is interpolated: where rows are missing the recording says so with a
gap. Numbers become int16 counts without loss where a decimal step allows it.
Only sound of another rate is resampled, and that is said.
"""

from .csv_file import read_csv
from .facts import Facts, Imported
from .importing import FORMATS, Arrived, import_into, import_path, import_paths
from .log_file import read_log
from .npy_file import read_npy
from .sound_file import read_sound_file
from .tsr_file import read_tsr

__all__ = ["FORMATS", "Arrived", "Facts", "Imported", "import_into", "import_path",
           "import_paths", "read_csv", "read_log", "read_npy", "read_sound_file", "read_tsr"]
