"""NumPy's .npy."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from ..errors import TinysenseError
from .facts import Facts, Imported, drop_missing, recording_of, whole

__all__ = ["read_npy"]


def read_npy(path: Path, facts: Facts) -> Imported:
    """Reads a .npy of shape (frames,) or (frames, channels), integer or float."""
    try:
        array = np.load(path, allow_pickle=False)
    except (ValueError, OSError, EOFError) as error:
        raise TinysenseError(
            f"{path} is not a whole .npy file ({str(error).splitlines()[0]})",
            "copy it again",
        ) from error
    if array.ndim == 1:
        array = array[:, None]
    if array.ndim != 2 or array.dtype.kind not in "iuf" or not 1 <= array.shape[1] <= 16:
        raise TinysenseError(
            f"{path}: expected numbers (frames, 1 to 16 channels), "
            f"got {array.dtype} {array.shape}"
        )
    values, gaps = drop_missing(array.astype(np.float64))
    found = recording_of(path, values, (), facts, facts.rate_hz, gaps)
    return Imported(found, whole(found, facts))
