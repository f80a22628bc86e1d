"""Writes the corpus of both fuzz targets: one small valid file for every op and block.

Run ``python make_corpus.py`` after a change of the format; the tests compare.
"""

from __future__ import annotations

import sys
from pathlib import Path

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent))

import core_files as files  # noqa: E402  after its folder is in the path


def corpus() -> dict[str, bytes]:
    """Path below this folder -> bytes."""
    found = {f"corpus/model/{name}.tsm": data for name, data in files.models().items()}
    for name, data in feature_programs().items():
        found[f"corpus/features/{name}.feat"] = data
    return found


def feature_programs() -> dict[str, bytes]:
    """A FEAT section for every block and mode."""
    q, f = files.IDENTITY, files.feat
    spectrum = [32, 16, 7, 2, 0, 3, 0, 2, 9, 17, *q]
    filters = [0x0002_0403, *[0x4000_8000] * 5]
    # A window of 20 samples, two bands on 8 bins.
    micro = [256, 2, 7, 10, 409, 983, 819, 7, 6, *files.halves(*range(8592, 12202, 361)),
             *files.halves(1, 3, 6, 9), *files.halves(*[8192 + 500 * i for i in range(8)]),
             *files.halves(*[32000 - 300 * i for i in range(95)])]  # fmt: skip
    return {
        "all": files.every_block(),
        "raw": f(1, 8, 8, [(files.RAW, [0, *q])], 8, 16 + 4),
        "raw_centred": f(3, 5, 2, [(files.RAW, [1, *files.quant(5, *[(0, 1 << 30, -9)] * 3)])], 15,
                         32 + 12),
        "stats": f(2, 9, 3, [(files.STATS, [127, *q])], 14, 36),
        "spectrum": f(1, 48, 8, [(files.SPECTRUM, spectrum)], 6, 96 + 128),
        "spectrum_short": f(1, 20, 8, [(files.SPECTRUM, [64, 8, 0, 0, 40, 1, 0, 33, *q])], 1,
                            40 + 256),
        "spectrum_root": f(2, 40, 8, [(files.SPECTRUM, [32, 4, 2, 1, 3, 1, 1, 2, *q])], 2, 160 + 128),
        "mel": f(1, 200, 100, [(files.MEL, [256, 1, 1000, 20, 1, 2, 0, *filters, *q])], 2, 400 + 1024),
        "mfcc": f(2, 90, 90, [(files.MEL, [512, 2, 9, 63, 0, 3, 2, *filters, *q])], 4, 360 + 2048),
        "rows": f(1, 8, 4, [(files.STATS, [1, *q]), (files.ROWS, [3, 2])], 3, 16 + 12),
        "micro_frontend": f(1, 20, 8, [(files.MICRO_FRONTEND, [*micro, *q])], 2, 40 + 512 + 8),
        "filtered": f(1, 8, 8, [(files.IIR, files.SMOOTH), (files.RAW, [0, *q])], 8, 16 + 4),
        "magnitude": f(3, 4, 4, [(files.MAGNITUDE, [1, 0]), (files.RAW, [0, *q])], 4, 24 + 4),
        "decimated": f(2, 9, 4, [(files.DECIMATE, [4, 0]), (files.RAW, [0, *q])], 4, 36 + 8),
    }  # fmt: skip


if __name__ == "__main__":
    for name, data in corpus().items():
        path = HERE / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
