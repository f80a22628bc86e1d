"""Look for a difference between the core and TFLite's reference kernels.

    python tests/golden/search.py [--count 200] [--seed 0] [--op conv]

Draws single-op models at random and compares all outputs; prints each model
that differs and keeps its file. Not part of the tests: a finding becomes a
row in generate.py.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import models
import numpy as np

from tinysense_host import convert, hostcore, tflite, vectors
from tinysense_host.errors import TinysenseError

SAME, VALID = models.SAME, models.VALID


def _pick(rng, *options):
    return options[int(rng.integers(len(options)))]


def _gain(rng):
    """Mostly a sensible output scale, now and then one that saturates or wastes its range."""
    return _pick(rng, 1.0, 1.0, 2.0 ** rng.uniform(-9, 9))


def _window(rng):
    kernel = (int(rng.integers(1, 5)), int(rng.integers(1, 5)))
    stride = (int(rng.integers(1, 4)), int(rng.integers(1, 4)))
    return kernel, stride, _pick(rng, SAME, VALID)


def _image(rng, least=1):
    return (1, *(int(v) for v in rng.integers(least, 12, 2)), int(rng.integers(1, 9)))


ACTS = tuple(models.ACT)


def conv(rng):
    kernel, stride, padding = _window(rng)
    dilation = _pick(rng, (1, 1), (2, 1), (1, 3), (2, 2)) if stride == (1, 1) else (1, 1)
    groups = _pick(rng, 1, 1, 2)
    n, h, w, c = _image(rng, 10)
    return models.conv(rng, (n, h, w, c * groups), int(rng.integers(1, 5)) * groups, kernel, stride,
                       dilation, padding, _pick(rng, *ACTS), groups, bool(rng.integers(2)),
                       _gain(rng))  # fmt: skip


def depthwise(rng):
    kernel, stride, padding = _window(rng)
    dilation = _pick(rng, (1, 1), (2, 1), (1, 3), (2, 2)) if stride == (1, 1) else (1, 1)
    return models.depthwise(rng, _image(rng, 10), int(rng.integers(1, 4)), kernel, stride, dilation,
                            padding, _pick(rng, *ACTS), bool(rng.integers(2)),
                            bool(rng.integers(2)), _gain(rng))  # fmt: skip


def fully_connected(rng):
    shape = _pick(rng, (1, 300), (1, 7), (3, 33), (2, 3, 16), (1, 2, 2, 40))
    return models.fully_connected(rng, shape, int(rng.integers(1, 40)), _pick(rng, *ACTS),
                                  bool(rng.integers(2)), bool(rng.integers(2)),
                                  bool(rng.integers(2)), _gain(rng))  # fmt: skip


def pool(rng):
    kernel, stride, padding = _window(rng)
    return models.pool(rng, _pick(rng, "MAX_POOL_2D", "AVERAGE_POOL_2D"), _image(rng, 4), kernel,
                       stride, padding, _pick(rng, *ACTS))  # fmt: skip


def mean(rng):
    axes = _pick(rng, (1, 2), (2, 1), (1,), (2,), (3,), (-1,), (0, 1, 2), (1, 3), (1, 2, 3))
    return models.mean(rng, _image(rng), axes, bool(rng.integers(2)), bool(rng.integers(2)))


def add(rng):
    x = _image(rng)
    other = _pick(rng, None, (1, 1, 1, x[3]), (x[3],), (1, x[1], 1, 1), (1,))
    constant = bool(rng.integers(2)) and other is not None
    return models.add(rng, x, other, _pick(rng, *ACTS), constant,
                      swap=bool(rng.integers(2)))  # fmt: skip


def softmax(rng):
    return models.softmax(rng, (int(rng.integers(1, 4)), int(rng.integers(1, 40))),
                          models.scale_of(rng, -12, 4),
                          beta=_pick(rng, 1.0, 1.0, 0.5, 2.0))  # fmt: skip


KINDS = {
    "conv": conv, "depthwise": depthwise, "fully_connected": fully_connected, "pool": pool,
    "mean": mean, "add": add, "softmax": softmax,
    "logistic": lambda rng: models.logistic(rng, scale=models.scale_of(rng, -12, 4)),
    "relu": lambda rng: models.relu(rng, _pick(rng, "RELU", "RELU6")),
    "requantize": lambda rng: models.requantize(
        rng, source=_pick(rng, "int8", "uint8"), target=_pick(rng, "int8", "uint8")),
    "quantize": models.quantize, "dequantize": models.dequantize,
    "pad": lambda rng: models.pad(rng, _image(rng), rng.integers(0, 3, (4, 2)).tolist()),
}  # fmt: skip


def compare(data, seed):
    """What differs, "" for nothing. One process for all models: quick, and these have one op."""
    import tensorflow as tf

    resolver = tf.lite.experimental.OpResolverType.BUILTIN_REF
    interpreter = tf.lite.Interpreter(
        model_content=data, experimental_op_resolver_type=resolver, num_threads=1
    )
    try:
        interpreter.allocate_tensors()
    except RuntimeError as error:
        return f"refused by TFLite: {' '.join(str(error).split())}"
    try:
        model = hostcore.HostModel(convert.convert(tflite.read(data)))
    except TinysenseError as error:
        return f"refused: {error}"
    tried = vectors.boundary(model.file) + vectors.random(model.file, 8, seed)
    batches = vectors.stack(tried, model.file.inputs)
    got = model.run_batch(batches)[0]
    for k, vector in enumerate(tried):
        for detail, batch in zip(interpreter.get_input_details(), batches, strict=True):
            interpreter.set_tensor(detail["index"], batch[k])
        interpreter.invoke()
        wanted = interpreter.get_tensor(interpreter.get_output_details()[0]["index"])
        if wanted.tobytes() != got[k].tobytes():
            apart = np.abs(wanted.astype(float) - got[k].reshape(wanted.shape).astype(float))
            return f"{vector.name}: {np.count_nonzero(apart)} of {apart.size}, by {apart.max():g}"
    return ""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--count", type=int, default=200)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--op", choices=sorted(KINDS))
    parser.add_argument("--keep", type=Path, default=Path("build/search"))
    args = parser.parse_args()
    rng = np.random.default_rng(args.seed)
    drawn = []
    for i in range(args.count):
        kind = args.op or list(KINDS)[i % len(KINDS)]
        drawn.append((kind, KINDS[kind](rng)))
    args.keep.mkdir(parents=True, exist_ok=True)
    bad = 0
    for i, (kind, data) in enumerate(drawn):
        difference = compare(data, i)
        if difference:
            bad += 1
            path = args.keep / f"{kind}_{args.seed}_{i}.tflite"
            path.write_bytes(data)
            print(f"{kind} {i}: {difference} ({path})")
    print(f"{args.count - bad}/{args.count} models equal")
    return 1 if bad else 0


if __name__ == "__main__":
    raise SystemExit(main())
