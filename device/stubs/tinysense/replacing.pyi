"""Files that appear under their name only when they are whole."""

# Written by device/files.py.

PART: str

def put_in_place(path: str) -> None:
    """Renames ``path + PART`` to ``path``, whatever stood there before."""
