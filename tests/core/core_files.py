"""Writes tiny .tsm files by hand, with places to damage: nothing of the host is used."""

from __future__ import annotations

import binascii
import re
import struct
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

CORE = Path(__file__).resolve().parents[2] / "device" / "core"
DTYPES = {"s8": (0, "i1"), "u8": (1, "u1"), "s16": (2, "<i2"), "s32": (3, "<i4"), "f32": (4, "<f4"),
          "s64": (5, "<i8"), "s4": (6, "i1")}  # fmt: skip
ABSENT, SEGMENT, PUSHED, THERE = 0xFFFF, 32, 254, 255
HEADER, SECTION, ROW = 32, 12, 32
OUTPUTS = {"AVERAGE_POOL_2D": 2, "MEAN": 2}     # of ops that have more than one


def opcodes() -> dict[str, int]:
    rows = re.findall(r"^X\((\w+),\s*(\d+),", (CORE / "ops.def").read_text(), re.MULTILINE)
    return {name: int(code) for name, code in rows}


def halves(*numbers: int) -> list[int]:
    """Numbers of 16 bits, two to a word, the first in the lower half."""
    padded = [*numbers, *[0] * (len(numbers) % 2)]
    return list(struct.unpack(f"<{len(padded) // 2}i", struct.pack(f"<{len(padded)}H", *padded)))


def quant(zero_point: int, *entries: tuple[int, int, int]) -> list[int]:
    """The quantisation words of an emitting block."""
    return [zero_point, len(entries), *(v for e in entries for v in e)]


IDENTITY = quant(0, (0, 1 << 30, 1))


def feat(channels: int, window: int, hop: int, blocks: list[tuple[int, list[int]]], outputs: int,
         work_bytes: int) -> bytes:  # fmt: skip
    """A FEAT section; blocks are (kind, parameters)."""
    head = struct.pack("<HHHHII", channels, window, hop, len(blocks), outputs, work_bytes)
    return head + b"".join(
        struct.pack(f"<HH{len(p)}i", kind, len(p) + 1, *p) for kind, p in blocks
    )


@dataclass
class Writer:
    """Tensors in the order inputs, outputs, others; then ops; then ``data()``."""

    n_inputs: int = 1
    n_outputs: int = 1
    n_init: int = 0
    rows: list[list[int]] = field(default_factory=list)     # fields of a TENS row
    constants: list[bytes] = field(default_factory=list)
    ops: list[bytes] = field(default_factory=list)
    arena: int = 0
    sections: dict[bytes, tuple[int, int]] = field(default_factory=dict)

    def tensor(self, shape: tuple[int, ...], dtype: str = "s8", zero_point: int = 0,
               scale: float = 0.5, values: object = None, ring: int = 0) -> int:  # fmt: skip
        code, numpy_type = DTYPES[dtype]
        dims = [1] * (4 - len(shape)) + list(shape)
        scale_bits = struct.unpack("<I", struct.pack("<f", scale))[0]
        if values is None:
            place, offset = 0, self.arena
            size = int(np.prod([ring, *dims[2:]] if ring else dims)) * np.dtype(numpy_type).itemsize
            self.arena += (size + 3) // 4 * 4
        else:
            place, offset = 1, sum(len(c) for c in self.constants)
            raw = np.broadcast_to(np.asarray(values), shape).astype(numpy_type).tobytes()
            self.constants.append(raw + bytes(-len(raw) % 4))
        self.rows.append([code, len(shape), place, ring, offset, *dims, zero_point, scale_bits])
        return len(self.rows) - 1

    def op(self, name: str, inputs: list[int], output: int, params: list[int] | None = None,
           flags: int = 0, extra: int = ABSENT) -> None:  # fmt: skip
        """A record; ``extra``: the second output of ops that have one."""
        outputs = [output, extra][: OUTPUTS.get(name, 1)]
        self.record(opcodes()[name], inputs, outputs, params or [], flags)

    def record(self, opcode: int, inputs: list[int], outputs: list[int], params: list[int],
               flags: int = 0) -> None:  # fmt: skip
        operands = [*inputs, *outputs]
        operands += [0] * (len(operands) % 2)
        words = 2 + len(operands) // 2 + len(params)
        head = struct.pack("<HHBBH", opcode, words, len(inputs), len(outputs), flags)
        self.ops.append(head + struct.pack(f"<{len(operands)}H{len(params)}i", *operands, *params))

    def segment(self, progress: int, *ops: tuple[int, int, int, int, int]) -> None:
        """A SEGMENT of the records that follow: (producer, producer, step, stride, lead) each."""
        params = [len(ops)]
        for first, second, step, stride, lead in ops:
            params += [first | second << 8 | step << 16, stride | lead << 16]
        self.record(SEGMENT, [], [progress], params)

    def data(self, feat: bytes | None = None, gold: bytes | None = None) -> bytes:
        parts = {b"META": b'{"name":"t","labels":[]}', b"FEAT": feat, b"TENS": b"",
                 b"PROG": b"".join(self.ops), b"DATA": b"".join(self.constants), b"GOLD": gold}  # fmt: skip
        parts[b"TENS"] = bytes(ROW * len(self.rows))
        parts = {tag: raw for tag, raw in parts.items() if raw is not None}
        at = HEADER + SECTION * len(parts)
        for tag, raw in parts.items():
            at += -at % 16
            self.sections[tag] = (at, len(raw))
            at += len(raw)
        base = self.sections[b"DATA"][0]
        parts[b"TENS"] = b"".join(
            struct.pack("<4BI4IiI", *row[:4], row[4] + base * row[2], *row[5:]) for row in self.rows
        )
        return self._join(parts, at)

    def _join(self, parts: dict[bytes, bytes], total: int) -> bytes:
        out = bytearray(total)
        struct.pack_into("<4sHBBIIIHHBBH", out, 0, b"TSM\x1a", 2, 0, len(parts), total, self.arena, 0,
                         len(self.rows), len(self.ops), self.n_inputs, self.n_outputs,
                         self.n_init)  # fmt: skip
        for i, (tag, raw) in enumerate(parts.items()):
            offset, size = self.sections[tag]
            struct.pack_into("<4sII", out, HEADER + SECTION * i, tag, offset, size)
            out[offset : offset + size] = raw
        return with_crc(bytes(out))


def with_crc(data: bytes) -> bytes:
    return data[:16] + struct.pack("<I", binascii.crc32(data[20:])) + data[20:]


def patched(data: bytes, offset: int, layout: str, value: int) -> bytes:
    """``data`` with one little-endian field replaced."""
    out = bytearray(data)
    struct.pack_into("<" + layout, out, offset, value)
    return bytes(out)


# ---- one tiny model for every op ----

MULT, SHIFT = 1 << 30, -4


def _weighted(w: Writer, x: int, y: int, weights: np.ndarray, channels: int, name: str,
              params: list[int], scales: int | None = None) -> None:  # fmt: skip
    w.op(name, [x, *_weighted_operands(w, weights, channels, scales)], y, params)


def _weighted_operands(w: Writer, weights: np.ndarray, channels: int,
                       scales: int | None = None) -> list[int]:  # fmt: skip
    """Weights, biases, multipliers and shifts."""
    n = channels if scales is None else scales
    return [
        w.tensor(weights.shape, values=weights),
        w.tensor((channels,), "s32", values=np.arange(channels) * 40 - 50, scale=0),
        w.tensor((n,), "s32", values=MULT + 7 * np.arange(n), scale=0),
        w.tensor((n,), "s8", values=SHIFT - np.arange(n) % 2, scale=0),
    ]


def weights(*shape: int) -> np.ndarray:
    """Weights without a pattern, the extremes among them."""
    flat = np.arange(np.prod(shape)) * 37 % 256 - 128
    return flat.reshape(shape)


def conv(x=(1, 5, 6, 4), kernel=(3, 2), out=6, groups=1, stride=(1, 1), dilation=(1, 1),
         pad=(0, 0), y=None, zero_points=(3, -5), act=(-128, 127)) -> bytes:  # fmt: skip
    w = Writer()
    ix = w.tensor(x, zero_point=zero_points[0])
    iy = w.tensor(y or (x[0], x[1] - kernel[0] + 1, x[2] - kernel[1] + 1, out),
                  zero_point=zero_points[1])  # fmt: skip
    _weighted(w, ix, iy, weights(out, *kernel, x[3] // groups), out, "CONV_2D",
              [*stride, *dilation, *pad, *act])  # fmt: skip
    return w.data()


def depthwise(x=(1, 5, 6, 3), kernel=(3, 3), multiplier=1, stride=(1, 1), dilation=(1, 1),
              pad=(1, 1), y=None, zero_points=(3, -5), act=(-100, 100)) -> bytes:  # fmt: skip
    w = Writer()
    out = x[3] * multiplier
    ix = w.tensor(x, zero_point=zero_points[0])
    iy = w.tensor(y or (*x[:3], out), zero_point=zero_points[1])
    _weighted(w, ix, iy, weights(1, *kernel, out), out, "DEPTHWISE_CONV_2D",
              [*stride, *dilation, *pad, *act])  # fmt: skip
    return w.data()


def fully_connected(m=2, k=7, n=5, scales=None, zero_points=(3, -5)) -> bytes:
    w = Writer()
    ix = w.tensor((m, k), zero_point=zero_points[0])
    iy = w.tensor((m, n), zero_point=zero_points[1])
    _weighted(w, ix, iy, weights(n, k), n, "FULLY_CONNECTED", [-128, 127], scales)
    return w.data()


def unary(name: str, x: tuple[int, ...], y: tuple[int, ...], params: list[int],
          dtypes: tuple[str, str] = ("s8", "s8"), zero_points: tuple[int, int] = (3, 3)) -> bytes:  # fmt: skip
    w = Writer()
    ix = w.tensor(x, dtypes[0], zero_points[0])
    iy = w.tensor(y, dtypes[1], zero_points[1], scale=1 / 256 if name == "SOFTMAX" else 0.5)
    w.op(name, [ix], iy, params)
    return w.data()


def lut(dtype: str = "s8") -> bytes:
    w = Writer()
    ix, iy = w.tensor((4, 5), dtype), w.tensor((4, 5), dtype)
    table = np.arange(256) * 5 % 256 - (128 if dtype == "s8" else 0)
    w.op("LUT", [ix, w.tensor((256,), dtype, values=table)], iy)
    return w.data()


ADD = [20, 1 << 30, 0, 1 << 30, -1, 1 << 30, -18, -128, 127]


def add(a=(1, 2, 3, 4), b=(1, 2, 3, 4), y=(1, 2, 3, 4), params=None) -> bytes:
    w = Writer(2, 1)
    ia, ib, iy = w.tensor(a, zero_point=1), w.tensor(b, zero_point=-2), w.tensor(y, zero_point=4)
    w.op("ADD", [ia, ib], iy, params or ADD)
    return w.data()


STATS, RAW, SPECTRUM, IIR, MAGNITUDE, DECIMATE, ROWS, MICRO_FRONTEND = 17, 16, 18, 1, 2, 3, 32, 20
MEL = 19
SMOOTH = [1, 1 << 26, 1 << 27, 1 << 26, 0, 0]


def every_block() -> bytes:
    """A FEAT section with all blocks: 3 channels, 72 frames."""
    blocks = [
        (IIR, SMOOTH),
        (MAGNITUDE, [0, 1]),
        (DECIMATE, [2, 1]),
        (STATS, [127, *quant(0, *[(i, 1 << 30, -4) for i in range(7)])]),
        (SPECTRUM, [32, 4, 7, 2, 0, 3, 1, 3, 8, 17, *quant(-3, (1000, 1 << 30, -5))]),
        (MAGNITUDE, [1, 1]),
        (RAW, [1, *quant(5, (0, 1 << 30, -6))]),
    ]
    return feat(3, 72, 10, blocks, 4 * 7 + 2 * 4 * 3 + 36, 72 * 4 * 2 + 32 * 4)


def chain() -> bytes:
    """FEAT, three ops, GOLD."""
    section = every_block()
    w = Writer()
    x = w.tensor((1, 1, 1, 88), zero_point=-3)
    y = w.tensor((1, 4), zero_point=-128, scale=1 / 256)
    hidden, scores = w.tensor((1, 6), zero_point=2), w.tensor((1, 4), zero_point=-1)
    _weighted(w, x, hidden, weights(6, 88), 6, "FULLY_CONNECTED", [2, 127], 1)
    _weighted(w, hidden, scores, weights(4, 6), 4, "FULLY_CONNECTED", [-128, 127])
    w.op("SOFTMAX", [scores], y, [1 << 30, 22, -248])
    gold = struct.pack("<IIII", 1, 72 * 3 * 2, 88, 4) + bytes(72 * 3 * 2 + 88 + 4)
    return w.data(section, gold)


def sums(name: str, x: tuple[int, ...], y: tuple[int, ...], params: list[int],
         zero_points: tuple[int, int]) -> bytes:  # fmt: skip
    """AVERAGE_POOL_2D or MEAN that adds up rows in a scratch tensor."""
    w = Writer()
    ix, iy = w.tensor(x, zero_point=zero_points[0]), w.tensor(y, zero_point=zero_points[1])
    w.op(name, [ix], iy, params, extra=w.tensor((4 * int(np.prod(y)),), "u8"))
    return w.data()


def stream(kind: str = "plain", steps: tuple[int, ...] = (1, 1, 1), ring: int = 3) -> bytes:
    """conv, depthwise of stride 2, average and dense layer: ``plain``, as a ``segment`` with
    small rings, or with the input ``pushed``. The steps are those of the first three."""
    w = Writer()
    held = {"plain": (0, 0, 0), "segment": (0, ring + 1, max(steps)),
            "pushed": (ring, ring + 1, max(steps))}[kind]
    x = w.tensor((1, 9, 5, 3), zero_point=3, ring=held[0])
    y = w.tensor((1, 3), zero_point=-9)
    a = w.tensor((1, 9, 5, 4), zero_point=-5, ring=held[1])
    b = w.tensor((1, 5, 5, 4), zero_point=7, ring=held[2])
    c = w.tensor((1, 1, 1, 4), zero_point=7)
    if kind != "plain":
        first = PUSHED if kind == "pushed" else THERE
        w.segment(w.tensor((16,), "u8"), (first, THERE, steps[0], 1, 1), (0, THERE, steps[1], 2, 1),
                  (1, THERE, steps[2], 1, 0), (2, THERE, 1, 0, 32767))  # fmt: skip
    _weighted(w, x, a, weights(4, 3, 3, 3), 4, "CONV_2D", [1, 1, 1, 1, 1, 1, -128, 127])
    _weighted(w, a, b, weights(1, 3, 3, 4), 4, "DEPTHWISE_CONV_2D", [2, 1, 1, 1, 1, 1, -100, 100])
    extra = ABSENT if kind == "plain" else w.tensor((16,), "u8")
    w.op("AVERAGE_POOL_2D", [b], c, [1, 1, 5, 5, 0, 0, -128, 127], extra=extra)
    _weighted(w, c, y, weights(3, 4), 3, "FULLY_CONNECTED", [-128, 127])
    return w.data()


def counter() -> bytes:
    """State: y is x plus all inputs since the reset, saturated; it begins with 5."""
    w = Writer(n_init=1)
    x, y = w.tensor((1, 2, 3), zero_point=0), w.tensor((1, 2, 3), zero_point=0)
    state = w.tensor((1, 2, 3), zero_point=0)
    w.op("COPY", [w.tensor((1, 2, 3), values=5)], state)
    w.op("ADD", [x, state], state, [1, 1 << 30, 0, 1 << 30, 0, (1 << 31) - 1, 0, -128, 127])
    w.op("COPY", [state], y)
    return w.data()


def backward(images: int = 2) -> bytes:
    """A convolution whose output lies over the end of its input, from the last row to the first."""
    w = Writer()
    x = w.tensor((images, 6, 4, 2), zero_point=3)
    y = w.tensor((images, 6, 4, 3), zero_point=-5)
    operands = _weighted_operands(w, weights(3, 1, 1, 2), 3)
    w.op("CONV_2D", [x, *operands], y, [1, 1, 1, 1, 0, 0, -128, 127], flags=1)
    if images == 1:
        w.rows[x][4], w.rows[y][4], w.arena = 0, 8, 80
    return w.data()


def scribbled(row: list[int]) -> bytes:
    """A segment whose ops write ``row`` all over its progress: done, done, pushed (u16), stack
    (2), depth."""
    w = Writer()
    w.tensor((1,), "u8"), w.tensor((1,), "u8")
    progress, y = w.tensor((10,), "u8"), w.tensor((1, 4, 1, 12), "u8", ring=1)
    w.rows[y][4], w.arena = w.rows[progress][4], w.rows[progress][4] + 12
    x = w.tensor((1, 4, 1, 12), "u8", values=np.array([*row, 0, 0, 0] * 4).reshape(1, 4, 1, 12))
    table = w.tensor((256,), "u8", values=np.arange(256))
    w.segment(progress, (THERE, THERE, 1, 1, 0), (0, THERE, 1, 1, 0))
    w.op("LUT", [x, table], y)
    w.op("LUT", [x, table], y)
    return w.data()


def models() -> dict[str, bytes]:
    """A tiny valid file for every op and kind of shape."""
    import core_files_int8  # both import from here
    import core_files_wide

    return core_files_int8.models() | core_files_wide.models() | {
        "conv": conv(),
        "conv_groups": conv(groups=2, stride=(2, 1), pad=(1, 0), y=(1, 3, 5, 6)),
        "conv_dilated": conv((1, 3, 7, 2), (3, 3), 4, dilation=(2, 3), pad=(2, 3), y=(1, 3, 7, 4)),
        "conv_1d": conv((2, 1, 8, 3), (1, 3), 5, pad=(0, 1), y=(2, 1, 8, 5)),
        "depthwise": depthwise(),
        "depthwise_multiplied": depthwise((1, 4, 4, 2), multiplier=3, stride=(2, 2), y=(1, 2, 2, 6)),
        "fully_connected": fully_connected(),
        "fully_connected_one_scale": fully_connected(1, 9, 4, 1),
        "average_pool": unary("AVERAGE_POOL_2D", (1, 5, 4, 3), (1, 3, 2, 3), [2, 2, 3, 3, 1, 0, -9, 99]),
        "max_pool": unary("MAX_POOL_2D", (1, 5, 4, 3), (1, 3, 2, 3), [2, 2, 3, 3, 1, 0, -9, 99]),
        "mean": unary("MEAN", (1, 3, 4, 5), (1, 5), [6, 1 << 30, -3], zero_points=(3, -7)),
        "add": add(),
        "add_broadcast": add((1, 2, 3, 4), (1, 1, 3, 1)),
        "pad": unary("PAD", (2, 2, 3, 2), (2, 4, 4, 4), [0, 0, 0, 2, 1, 0, 1, 1, 3]),
        "softmax": unary("SOFTMAX", (2, 6), (2, 6), [1 << 30, 22, -248], zero_points=(3, -128)),
        "lut": lut(),
        "lut_u8": lut("u8"),
        "quantize": unary("QUANTIZE", (1, 6), (1, 6), [], ("f32", "s8"), (0, 3)),
        "dequantize": unary("DEQUANTIZE", (1, 6), (1, 6), [], ("s8", "f32"), (3, 0)),
        "copy": unary("COPY", (3, 5), (3, 5), []),
        "chain": chain(),
        "average_pool_sums": sums("AVERAGE_POOL_2D", (2, 4, 5, 3), (2, 1, 2, 3),
                                  [1, 2, 4, 3, 0, 0, -90, 99], (3, 3)),
        "mean_sums": sums("MEAN", (1, 3, 4, 5), (1, 5), [6, 1 << 30, -3], (3, -7)),
        "segment": stream("segment"),
        "pushed": stream("pushed"),
        "counter": counter(),
        "backward": backward(),
        "scribbled_done": scribbled([0] * 9),
        "scribbled_depth": scribbled([0] * 6 + [0, 0, 250]),
        "scribbled_stack": scribbled([0] * 6 + [250, 250, 1]),
        "scribbled_rows": scribbled([255] * 9),
    }  # fmt: skip
