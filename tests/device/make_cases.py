"""Makes cases.bin for core_cases.py: the golden models of tests/golden and feature programs.

    python tests/device/make_cases.py FILE

A record is u16 kind (1 model, 2 feature program), u16 and u32 lengths of name
and body, name, body.
"""

from __future__ import annotations

import struct
import sys
from pathlib import Path

import numpy as np

from tinysense_host import convert, tflite
from tinysense_host import features as f
from tinysense_host.modelfile import Golden

GOLDEN = Path(__file__).resolve().parent.parent / "golden" / "cases"
MODEL, FEATURE = 1, 2
VECTORS = 3  # of each model, so that emulated boards stay quick

FEATURES = {
    "raw": f.FeatureProgram(3, 20, 5, (f.Raw(),), gain=(1 / 256,)),
    "raw_centred": f.FeatureProgram(3, 21, 21, (f.Raw(centred=True),), gain=(1 / 300,),
                                    zero_point=-7),
    "stats": f.FeatureProgram(3, 33, 11, (f.Stats(),), gain=(1 / 700,)),
    "stats_one_channel": f.FeatureProgram(1, 1, 1, (f.Stats(),), gain=(1 / 700,)),
    "iir": f.FeatureProgram(2, 40, 10, (f.Iir.lowpass(5.0, rate_hz=50.0, order=4), f.Raw()),
                            gain=(1 / 256,)),
    "iir_highpass": f.FeatureProgram(6, 32, 8, (f.Iir.highpass(1.0, rate_hz=26.0), f.Stats()),
                                     gain=(1 / 500,)),
    "magnitude": f.FeatureProgram(3, 24, 6, (f.Magnitude(shift=1), f.Raw()), gain=(1 / 256,)),
    "decimate": f.FeatureProgram(3, 25, 5, (f.Decimate(4), f.Raw(centred=True)), gain=(1 / 256,)),
    "spectrum": f.FeatureProgram(3, 64, 32, (f.Spectrum(64, (0, 2, 4, 8, 16, 33)),),
                                 gain=(1 / 50,)),
    "spectrum_kept": f.FeatureProgram(
        1, 100, 50, (f.Spectrum(32, (1, 3, 9, 17), step=16, keep=True, hann=False, centred=False,
                                scale="root"),), gain=(1 / 300,)),
    "spectrum_large": f.FeatureProgram(2, 512, 512, (f.Spectrum(512, (0, 16, 64, 257),
                                                               scale="linear", shift=8),),
                                       gain=(1e-6,)),
    "mfcc": f.FeatureProgram(1, 480, 320, (f.Mel(coefficients=10),), scale=0.6, zero_point=83),
    "mel": f.FeatureProgram(2, 250, 250, (f.Mel(points=256, bands=20, high_hz=8000, power=True,
                                                floor=0.5),), scale=0.1),
    "mel_large": f.FeatureProgram(1, 1000, 500, (f.Mel(points=1024, hann=False), f.Rows(2, 1)),
                                  scale=0.1),
    "rows": f.FeatureProgram(2, 32, 16, (f.Spectrum(32, (0, 2, 6, 17)), f.Rows(5, 2)),
                             gain=(1 / 50,)),
    "rows_apart": f.FeatureProgram(1, 12, 6, (f.Stats(("mean", "rms")), f.Rows(3, 3)),
                                   gain=(1 / 700,)),
    "chain": f.FeatureProgram(
        3, 50, 25, (f.Iir.lowpass(8.0, rate_hz=50.0), f.Magnitude(), f.Decimate(2), f.Stats(),
                    f.Spectrum(32, (1, 4, 8, 17))), gain=(1 / 900,)),
}


def golden(path: Path) -> Golden | None:
    """The first vectors of a case, None where it has more than one input or output."""
    with np.load(path) as found:
        if set(found) != {"in0", "out0"}:
            return None
        n = min(VECTORS, len(found["in0"]))
        inputs, outputs = (np.frombuffer(found[key][:n].tobytes(), np.uint8).reshape(n, -1)
                           for key in ("in0", "out0"))
    return Golden(np.zeros((n, 0), np.int16), inputs, outputs)


def record(kind: int, name: str, body: bytes) -> bytes:
    return struct.pack("<HHI", kind, len(name), len(body)) + name.encode() + body


def make() -> bytes:
    """The bytes of cases.bin."""
    out = []
    for path in sorted(GOLDEN.glob("*.npz")):
        vectors = golden(path)
        if vectors is not None:
            graph = tflite.load(path.with_suffix(".tflite"))
            out.append(record(MODEL, path.stem, convert.convert(graph, golden=vectors)))
    out += [record(FEATURE, name, program.to_bytes()) for name, program in FEATURES.items()]
    return b"".join(out)


if __name__ == "__main__":
    Path(sys.argv[1]).write_bytes(make())
