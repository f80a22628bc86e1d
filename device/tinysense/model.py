"""Model: a .tsm file (models/FORMAT.md), checked once, then run in place.

Memory is taken once, here: the file (unless it lies in mapped flash), the
arena, and the feature program's work space.
"""

import json
import os
import struct

from .errors import ModelError
from .features import Features, Sensor, hertz
from .memory import take
from .native import core

MAGIC = b"TSM\x1a"
VERSION = 2
HEADER = 32
_ERR_ALIGN = -6  # TS_ERR_ALIGN, device/core/errors.def
# Names and bytes of the element types; int4 lie two to a byte.
_DTYPES = (("int8", 1), ("uint8", 1), ("int16", 2), ("int32", 4), ("float32", 4), ("int64", 8),
           ("int4", 1))
# Cores that models are packed for, by number: device/core/targets.def.
_TARGETS = ("portable", "armv6m", "armv7em", "mve", "rv32imc")


class _Everything:
    """``_Everything()[:]`` is a slice made once: slicing in a loop would allocate it anew."""

    def __getitem__(self, key):
        return key


_ALL = _Everything()[:]


def load(source: "str | Buffer" = "", check: bool = True, selftest: bool = False) -> "Model":
    """A Model by its name in the slots, from a path, or from the bytes of a .tsm file.

    A text without / and .tsm is a name (tinysense.slots), "" the current model, or
    model.tsm where there is none. ``check=False`` skips the checksum (every offset is
    validated all the same); ``selftest=True`` runs the golden vectors. Raises
    ModelError, OSError (no such file), MemoryError (with what is needed and free).
    """
    if isinstance(source, str) and "/" not in source and not source.endswith(".tsm"):
        from .slots import load

        return load(source, check, selftest)
    model = Model(source, check)
    if selftest:
        model.selftest(quiet=True)
    return model


class Model:
    """A model ready to run. Attributes, all read-only:

    ``name``, ``labels``, ``sensor`` (Sensor or None), ``features`` (Features or
    None), ``window``, ``hop`` and ``span``, what a score stands for, in frames (0
    without features), ``arena_bytes``,
    ``file_bytes``; ``input`` and ``output``: writable bytes of tensor 0 in and
    out (``inputs`` and ``outputs``: of all); ``scores``: see run(); ``warmup``:
    inferences after a reset that give none; ``row_bytes``: 0, or what push_row()
    takes where the input comes row by row (``input`` is then a buffer of one row
    that the caller may use); ``trial``: None, or tinysense.trials.Trial.
    """

    def __init__(self, source: "str | Buffer", check: bool = True, name: str = ""):
        data = source
        if isinstance(source, str):
            name, data = source, read_file(source)
            if key_is_set():
                from .signing import check_file

                check_file(source, data)
        name = name or "model"
        _check_header(data, name)
        self._file, need = _validated(data, name, check)
        self.file_bytes: int = len(data)
        self.arena_bytes: int = need
        self._arena = take(need, "the model's arena")
        self._state = bytearray(core.model_state_bytes())
        code = core.model_load(self._state, self._file, self._arena)
        if code < 0:
            raise ModelError(core.error_text(code))
        self.row_bytes: int = core.model_row_bytes(self._state, self._file, self._arena)
        self._view = memoryview(self._file)
        self._sections = self._section_table()
        self._read_meta()
        self._read_tensors()
        self._read_features()
        self.trial: "Trial | None" = None

    def run(self, window: "Buffer") -> "bytearray | memoryview | None":
        """One window in, scores out. Never allocates.

        ``window``: int16 frames (window, channels) at the model's scale, or,
        for a model without features, the bytes of its input tensor.
        None where there are no scores yet: rows of further windows are missing, or
        a streaming model has not seen as much as its scores stand for (``warmup``).
        Returns ``scores``: for a classifier (one int8 or uint8 output per
        label) one number 0..255 per label, probability x 256 where the model
        ends in softmax; for others ``output``, the raw bytes. The same buffer
        every time.
        """
        if self.trial is not None:
            self.trial.begin()
        if self.features is None:
            self._fill(window)
        elif not self.features.run(window, self.input):
            return None
        scores = self.invoke()
        if self._cold:
            self._cold -= 1
            return None
        if self.trial is not None:
            self.trial.scored(self)
        return scores

    def invoke(self) -> "bytearray | memoryview":
        """Runs on what is in ``input`` (which it may overwrite); returns as run() does.

        A model with state keeps it for the next run.
        """
        code = core.model_run(self._state, self._file, self._arena)
        if code < 0:
            self._refuse(code)
        return self._scored()

    def push_row(self, row: "Buffer") -> "bytearray | memoryview | None":
        """The next row of the input (``row_bytes``); scores with the last one, else None.

        For models converted to take their input row by row; what the row makes
        possible is computed at once. The row after the last begins anew. Never
        allocates.
        """
        code = core.model_push_row(self._state, self._file, self._arena, row)
        if code < 0:
            self._refuse(code, row)
        if code and self.trial is not None:
            self.trial.scored(self)
        return self._scored() if code else None

    def begin(self) -> None:
        """Forgets the rows pushed so far: the next one is the first. State stays."""
        core.model_begin(self._state, self._file, self._arena)

    def reset(self) -> None:
        """State goes back to its initial values, and rows are forgotten: as after loading."""
        core.model_reset(self._state, self._file, self._arena)
        self._cold = self.warmup
        if self.features is not None:
            self.features.reset()

    def gap(self) -> None:
        """The stream goes on behind a hole: state goes back to its initial values, and run()
        gives no scores until all that they stand for (``span``) was seen since.

        What features have learnt of the noise stays: it is as old on both sides of the hole.
        """
        core.model_reset(self._state, self._file, self._arena)
        self._cold = self.warmup
        if self.features is not None:
            # Inputs in which rows from before are left.
            self._cold += -(-(self.features.rows - 1) // self.features.row_stride)

    def _refuse(self, code, row=None):
        if self.trial is not None:
            self.trial.failed()
        if row is not None and self.row_bytes:
            raise ModelError("model %s: expected a row of %d bytes, got %d"
                             % (self.name, self.row_bytes, len(row)))
        raise ModelError("model %s: %s" % (self.name, core.error_text(code)))

    def _scored(self):
        scores = self.scores
        if self._classifies:
            out, flip = self.output, self._flip
            for i in range(len(scores)):
                scores[i] = out[i] ^ flip
        return scores

    def classify(self, window: "Buffer") -> tuple:
        """(label, score) of the highest score, the first of equals. Makes a tuple."""
        scores = self.run(window)
        if not self._classifies:
            raise ModelError("model %s has %d labels for %d output bytes: read model.output"
                             % (self.name, len(self.labels), len(self.output)))
        best = 0
        for i in range(1, len(scores)):
            if scores[i] > scores[best]:
                best = i
        return self.labels[best], scores[best]

    def run_op(self, i: int) -> None:
        """Runs op ``i`` alone, for profiling."""
        code = core.model_run_op(self._state, self._file, self._arena, i)
        if code < 0:
            raise ModelError("op %d: %s (the model has %d)"
                             % (i, core.error_text(code), self.n_ops))

    def selftest(self, quiet: bool = False) -> tuple:
        """Runs the golden vectors of the file; prints and returns (equal, all).

        Raises ModelError where one differs, or where the file holds none.
        """
        vectors = list(self._golden())
        if not vectors:
            raise ModelError("model %s holds no golden vectors: convert it again" % self.name)
        good = 0
        trial, self.trial = self.trial, None  # a test is no run
        self.reset()
        for window, tensor, expected in vectors:
            same_input = True
            if self.row_bytes:
                for at in range(0, len(tensor), self.row_bytes):
                    self.push_row(tensor[at : at + self.row_bytes])
            else:
                if window:
                    same_input = self._makes(window, tensor)
                self.input[_ALL] = tensor
                self.invoke()
            good += same_input and self.output == expected
        self.reset()
        self.trial = trial
        if good != len(vectors):
            raise ModelError("model %s: %d of %d golden outputs equal: the core of this board was "
                             "built wrong, run `tinysense setup`" % (self.name, good, len(vectors)))
        if not quiet:
            print("%s: %d/%d golden outputs equal" % (self.name, good, len(vectors)))
        return good, len(vectors)

    def _makes(self, frames, tensor):
        """Whether a golden vector's frames give the new rows of its input tensor."""
        features = self.features
        made = bytearray(features.outputs)
        new = features.row_stride * features.row_outputs
        step = 2 * features.channels * features.hop
        size = 2 * features.channels * features.window
        for at in range(0, features.row_stride * step, step):
            features.run(frames[at : at + size], made)
        if features.rows > 1:
            features.newest(made)
        return made[-new:] == tensor[-new:]

    def info(self) -> None:
        """Prints what the model is, wants and costs."""
        print("model    %s, %d bytes, arena %d bytes, %d ops"
              % (self.name, self.file_bytes, self.arena_bytes, self.n_ops))
        print("labels   " + " ".join(self.labels))
        sensor = self.sensor
        if sensor:
            print("sensor   %s %s, %s Hz, +-%s %s" % (sensor.kind, " ".join(sensor.axes),
                  hertz(sensor.rate_mhz), sensor.full_scale, sensor.units))
        if self.features:
            print("window   %d frames, a new one every %d; %d features"
                  % (self.window, self.hop, self.features.row_outputs))
            if self.features.rows > 1:
                print("rows     %d for an input, a new one every %d"
                      % (self.features.rows, self.features.row_stride))
        for word, tensor in (("input", self.tensor(0)), ("output", self.tensor(self._n_in))):
            print("%-8s %s %s, scale %s, zero point %d"
                  % (word, tensor[0], "x".join(str(d) for d in tensor[1]), tensor[2], tensor[3]))
        if self.labels:
            from .decision import for_model

            decision = for_model(self)
            for label, value in zip(self.labels, decision.threshold):
                quiet = label in decision.background
                print("decide   %-12s %s" % (label, "background" if quiet else "from %d" % value))

    def tensor(self, i: int) -> tuple:
        """(dtype, shape, scale, zero_point, place, offset, bytes) of tensor i."""
        if not 0 <= i < self.n_tensors:
            raise ModelError("tensor %d: the model has %d" % (i, self.n_tensors))
        row = struct.unpack_from("<BBBBI4Iif", self._file, self._sections[b"TENS"][0] + 32 * i)
        name, size = _DTYPES[row[0]]
        for dim in row[5:9]:
            size *= dim
        if name == "int4":
            size = (size + 1) // 2
        return name, row[9 - row[1] : 9], row[10], row[9], row[2], row[4], size

    def _section_table(self):
        rows = (struct.unpack_from("<4sII", self._file, HEADER + 12 * i)
                for i in range(self._file[7]))
        return {bytes(tag): (offset, size) for tag, offset, size in rows}

    def _section(self, tag):
        offset, size = self._sections.get(tag, (0, 0))
        return self._view[offset : offset + size]

    def _read_meta(self):
        try:
            meta = json.loads(bytes(self._section(b"META")).decode())
            self.name: str = meta["name"]
            labels = meta["labels"]
            decision, sensor = meta.get("decision", {}), meta.get("sensor")
        except (ValueError, KeyError, TypeError, AttributeError, RuntimeError):
            raise ModelError("META is damaged: expected JSON with name and labels")
        texts = [self.name] + labels if isinstance(labels, list) else [None]
        if not all(isinstance(text, str) for text in texts) or not isinstance(decision, dict):
            raise ModelError("META is damaged: expected name text, labels a list of texts")
        self.labels: tuple = tuple(labels)
        self.decision: dict = decision
        self.warmup: int = meta.get("warmup", 0)
        if type(self.warmup) is not int or self.warmup < 0:
            raise ModelError("META is damaged: expected warmup 0 or more, got %r" % (self.warmup,))
        self._cold = self.warmup
        self.sensor: "Sensor | None" = Sensor(sensor) if sensor is not None else None

    def _read_tensors(self):
        head = struct.unpack_from("<HHBB", self._file, 20)
        self.n_tensors: int = head[0]
        self.n_ops: int = head[1]
        self._n_in, n_out = head[2:]
        views = []
        arena = memoryview(self._arena)
        for i in range(self._n_in + n_out):
            *_, offset, size = self.tensor(i)
            views.append(arena[offset : offset + size])
        if self.row_bytes:
            views[0] = memoryview(bytearray(self.row_bytes))
        self.inputs: tuple = tuple(views[: self._n_in])
        self.outputs: tuple = tuple(views[self._n_in :])
        self.input: memoryview = self.inputs[0]
        self.output: memoryview = self.outputs[0]
        dtype = self.tensor(self._n_in)[0]
        self._flip = 0x80 if dtype == "int8" else 0
        self._classifies = dtype in ("int8", "uint8") and len(self.output) == len(self.labels)
        self.scores: "bytearray | memoryview" = (
            bytearray(len(self.labels)) if self._classifies else self.output)

    def _read_features(self):
        self.features: "Features | None" = None
        self.window = self.hop = self.span = 0
        if b"FEAT" in self._sections:
            self.features = features = Features(self._section(b"FEAT"), self.sensor)
            self.window, self.hop = features.window, features.hop
            rows = features.rows + self.warmup * features.row_stride
            self.span = self.window + (rows - 1) * self.hop

    def _fill(self, tensor):
        if self.row_bytes:
            raise ModelError("model %s takes its input row by row: call push_row(row) with %d bytes"
                             % (self.name, self.row_bytes))
        try:
            self.input[_ALL] = tensor
        except ValueError:
            self.input[_ALL] = _plain_bytes(tensor, len(self.input))

    def _golden(self):
        """(window, input, output) of every golden vector, as views of the file."""
        gold = self._section(b"GOLD")
        if not gold:
            return
        count, *sizes = struct.unpack_from("<4I", gold, 0)  # the core has checked them
        at = 16
        for _ in range(count):
            parts = []
            for size in sizes:
                parts.append(gold[at : at + size])
                at += (size + 3) // 4 * 4
            yield parts


def key_is_set() -> bool:
    """Whether this board takes signed models only: there is a key, or nobody can tell."""
    try:
        os.stat("/ts/key")
    except OSError as e:
        return e.errno not in (2, 19, 20)  # no such file, no file system, no folder on the way
    return True


def read_file(source: str) -> "bytearray | memoryview":
    """A file's bytes: the mapped flash itself where the file system can (ROMFS), else a copy."""
    try:
        with open(source, "rb") as f:
            try:
                return memoryview(f)
            except TypeError:
                size = os.stat(source)[6]
                buffer = take(size, "model file " + source)
                got = f.readinto(buffer)
    except OSError as e:
        if e.errno == 2:
            raise OSError(2, "no file %s: put it there with `tinysense upload`" % source)
        raise
    if got != size:
        raise ModelError("%s: expected %d bytes, got %d" % (source, size, got))
    return buffer


def _validated(data, name, check):
    """(file, arena bytes); file is a copy where data does not start at a multiple of 4."""
    fault = bytearray(b"\xff" * 8)
    need = _examined(data, fault, check)
    if need == _ERR_ALIGN:
        copy = take(len(data), "a copy of the model at a multiple of 4")
        copy[:] = data
        data = copy
        need = _examined(data, fault, check)
    if need < 0:
        op, tensor = struct.unpack("<ii", fault)
        where = " (op %d)" % op if op >= 0 else ""
        where += " (tensor %d)" % tensor if tensor >= 0 else ""
        raise ModelError("%s: %s%s" % (name, core.error_text(need), where))
    return data, need


def _examined(data, fault, check):
    """Arena bytes, or the core's error: checksum first, it is the likeliest."""
    code = core.model_crc(data) if check else 0
    return code if code < 0 else core.model_check(data, fault)


def _check_header(data, name):
    """Says in plain words what the core would give a number for."""
    if len(data) < HEADER or bytes(data[:4]) != MAGIC:
        raise ModelError("%s: not a .tsm model file: make one with `tinysense convert`" % name)
    version, size = struct.unpack_from("<H", data, 4)[0], struct.unpack_from("<I", data, 8)[0]
    if version != VERSION:
        raise ModelError("%s: expected .tsm version %d, got %d: update tinysense on this side, or "
                         "convert the model again" % (name, VERSION, version))
    if size != len(data):
        raise ModelError("%s: expected %d bytes, got %d: the file was cut, copy it again"
                         % (name, size, len(data)))
    if data[6] not in (0, core.target()):
        packed = _TARGETS[data[6]] if data[6] < len(_TARGETS) else "core %d" % data[6]
        raise ModelError("%s: packed for %s, this core is %s: upload the portable file, or "
                         "tinysense convert --target %s" % (name, packed, core.kernels(),
                                                            core.kernels()))


def _plain_bytes(data, expected):
    """For buffers of other item types: CPython can look at them as bytes."""
    view = memoryview(data)
    if hasattr(view, "cast"):
        view = view.cast("B")
    if len(view) != expected:
        raise ModelError("model input: expected %d bytes, got %d" % (expected, len(view)))
    return view
