"""Look for a difference between the core and TFLite's reference kernels.

    python tests/golden/search.py [--count 200] [--seed 0] [--op conv]

Draws models at random, of one op or whole graphs, and compares all outputs;
prints each model that differs and keeps its file. `make test-all` runs it
(test_search.py); a finding becomes a row in generate.py.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import graphs
import models
import numpy as np

from tinysense_host import convert, hostcore, tflite, vectors
from tinysense_host.errors import TinysenseError
from tinysense_host.tflite import reference

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


def binary(rng):
    op = _pick(rng, "SUB", "MUL", "MUL", "MINIMUM", "MAXIMUM", "PRELU")
    x = _image(rng)
    other = _pick(rng, None, (1, 1, 1, x[3]), (x[3],), (1, x[1], 1, 1), (1,))
    constant = bool(rng.integers(2)) and other is not None
    if op == "PRELU":
        other, constant = _pick(rng, (1, 1, x[3]), x[1:], (1, 1, 1)), True
    act = _pick(rng, *ACTS) if op in ("SUB", "MUL") else None
    swap = bool(rng.integers(2)) and op != "PRELU"
    return models.binary(rng, op, x, other, act, constant, swap, op in ("MINIMUM", "MAXIMUM"),
                         _gain(rng))  # fmt: skip


def _shape(rng, rank):
    return tuple(int(v) for v in rng.integers(1, 6, rank))


def concatenation(rng):
    rank = int(rng.integers(1, 5))
    axis, shape = int(rng.integers(-rank, rank)), list(_shape(rng, rank))
    shapes = []
    for _ in range(int(rng.integers(1, 11))):
        shape[axis] = int(rng.integers(1, 5))
        shapes.append(tuple(shape))
    constant = int(rng.integers(len(shapes))) if len(shapes) > 1 and rng.integers(2) else None
    while len(shapes) - (constant is not None) > 8:  # a model has 8 inputs at most
        shapes.pop()
    constant = None if constant is not None and constant >= len(shapes) else constant
    return models.concatenation(rng, shapes[:8] if constant is None else shapes, axis, constant)


def split(rng):
    rank = int(rng.integers(1, 5))
    axis, shape = int(rng.integers(-rank, rank)), list(_shape(rng, rank))
    equal = bool(rng.integers(2))
    sizes = [int(v) for v in rng.integers(1, 4, int(rng.integers(1, 6)))]
    sizes = [sizes[0]] * len(sizes) if equal else sizes
    shape[axis] = sum(sizes)
    if not equal and rng.integers(2):
        sizes[int(rng.integers(len(sizes)))] = -1
    return models.split(rng, tuple(shape), axis, sizes, equal)


def pack(rng):
    rank = int(rng.integers(1, 4))
    if rng.integers(2):
        return models.pack(rng, _shape(rng, rank), int(rng.integers(1, 7)),
                           int(rng.integers(-rank - 1, rank + 1)))  # fmt: skip
    return models.unpack(rng, _shape(rng, rank + 1), int(rng.integers(-rank - 1, rank + 1)))


def strided_slice(rng):
    x = _shape(rng, int(rng.integers(1, 5)))
    if rng.integers(3) == 0:
        begin = [int(rng.integers(0, d)) for d in x]
        size = [_pick(rng, -1, int(rng.integers(1, d - b + 1)))
                for b, d in zip(begin, x, strict=True)]  # fmt: skip
        return models.slice_(rng, x, begin, size)
    begin, end, step = [], [], []
    for d in x:
        s = int(_pick(rng, 1, 1, 2, 3, -1, -2))
        a, b = sorted(int(v) for v in rng.choice(d + 1, 2, replace=False))
        first, last = (a, b) if s > 0 else (b - 1, a - 1)
        begin.append(first if rng.integers(2) else first - d)
        end.append(-d - 1 if last < 0 else last)
        step.append(s)
    return models.strided_slice(rng, x, begin, end, step)


def transpose(rng):
    rank = int(rng.integers(1, 5))
    return models.transpose(rng, _shape(rng, rank), [int(a) for a in rng.permutation(rank)])


def leaky_relu(rng):
    alpha = float(_pick(rng, 0.01, 0.1, 0.2, 0.3, rng.uniform(-2, 2)))
    return models.one_value(rng, "LEAKY_RELU", alpha=alpha)


def reduce(rng):
    axes = _pick(rng, (1, 2), (1,), (2,), (3,), (-1,), (0, 1, 2), (1, 3), (0, 3), (1, 2, 3), (0, 2))
    x = (int(rng.integers(1, 4)), *_image(rng)[1:])
    ratio = 2.0 ** _pick(rng, int(rng.integers(-1, 9)), rng.uniform(-1, 9))
    return models.mean(rng, x, axes, bool(rng.integers(2)), op=_pick(rng, "SUM", "REDUCE_MAX"),
                       ratio=ratio)  # fmt: skip


def tile(rng):
    rank = int(rng.integers(1, 5))
    times = [int(v) for v in rng.integers(1, 4, rank)]
    if rng.integers(2):
        return models.tile(rng, [int(v) if n == 1 else 1 for v, n in
                                 zip(_shape(rng, rank), times, strict=True)],
                           times, "BROADCAST_TO")  # fmt: skip
    return models.tile(rng, _shape(rng, rank), times)


def arg_max(rng):
    x = _shape(rng, int(rng.integers(1, 5)))
    return models.arg_max(rng, x, int(rng.integers(-len(x), len(x))), _pick(rng, "int32", "int64"))


def resize(rng):
    n = int(rng.integers(1, 3))
    x, size = (n, *_image(rng)[1:]), [int(v) for v in rng.integers(1, 20, 2)]
    corners, half = _pick(rng, (False, False), (True, False), (False, True))
    return models.resize(rng, x, size, corners, half)


def transpose_conv(rng):
    kernel, stride, padding = _window(rng)
    x = (int(rng.integers(1, 3)), *_image(rng)[1:])
    extra = tuple(int(v) for v in rng.integers(0, 2, 2)) if padding == VALID else (0, 0)
    return models.transpose_conv(rng, x, int(rng.integers(1, 5)), kernel, stride, padding,
                                 _pick(rng, *ACTS), bool(rng.integers(2)), bool(rng.integers(2)),
                                 _gain(rng), extra)  # fmt: skip


KINDS = {
    "graph": graphs.graph,
    "binary": binary, "concatenation": concatenation, "split": split, "pack": pack,
    "strided_slice": strided_slice, "transpose": transpose, "leaky_relu": leaky_relu,
    "tile": tile, "reduce": reduce, "arg_max": arg_max, "resize": resize,
    "transpose_conv": transpose_conv,
    "tanh": lambda rng: models.tanh(rng, scale=models.scale_of(rng, -12, 4)),
    "hard_swish": lambda rng: models.one_value(rng, ratio=2.0 ** rng.uniform(-3, 4)),
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
    """What differs, "" for nothing. One process for all models: quick, and it is the reference
    kernels that run in it."""
    import tensorflow as tf

    interpreter = tf.lite.Interpreter(
        model_content=data, experimental_op_resolver_type=reference.resolver(tf, data),
        num_threads=1,
    )  # fmt: skip
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
    got = model.run_batch(batches)
    for k, vector in enumerate(tried):
        for detail, batch in zip(interpreter.get_input_details(), batches, strict=True):
            interpreter.set_tensor(detail["index"], batch[k])
        interpreter.invoke()
        for detail, batch in zip(interpreter.get_output_details(), got, strict=True):
            wanted, found = interpreter.get_tensor(detail["index"]), batch[k]
            if wanted.tobytes() != found.tobytes():
                apart = np.abs(wanted.astype(float) - found.reshape(wanted.shape).astype(float))
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
