"""Files that appear under their name only when they are whole."""

import os

PART = ".part"  # what a file is called while it is being written


def put_in_place(path: str) -> None:
    """Renames ``path + PART`` to ``path``, whatever stood there before."""
    try:
        os.rename(path + PART, path)
    except OSError:  # FAT refuses to rename over a file
        os.remove(path)
        os.rename(path + PART, path)
