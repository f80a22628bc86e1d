"""Model: a .tsm file (models/FORMAT.md), checked once, then run in place.

Memory is taken once, here: the file (unless it lies in mapped flash), the
arena, and the feature program's work space.
"""

# Written by device/files.py.
from .features import Features, Sensor
from .trials import Trial
from .types import Buffer
from typing import Any

MAGIC: bytes
VERSION: int
HEADER: int

def load(source: str | Buffer = '', check: bool = True, selftest: bool = False) -> Model:
    """A Model by its name in the slots, from a path, or from the bytes of a .tsm file.

    A text without / and .tsm is a name (tinysense.slots), "" the current model, or
    model.tsm where there is none. ``check=False`` skips the checksum (every offset is
    validated all the same); ``selftest=True`` runs the golden vectors. Raises
    ModelError, OSError (no such file), MemoryError (with what is needed and free).
    """

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
    file_bytes: int
    arena_bytes: int
    row_bytes: int
    trial: Trial | None
    labels: tuple[Any, ...]
    decision: dict[str, Any]
    warmup: int
    sensor: Sensor | None
    name: str
    n_tensors: int
    n_ops: int
    inputs: tuple[Any, ...]
    outputs: tuple[Any, ...]
    input: memoryview
    output: memoryview
    scores: bytearray | memoryview
    features: Features | None
    window: int
    hop: int
    span: int
    def __init__(self, source: str | Buffer, check: bool = True, name: str = '') -> None: ...
    def run(self, window: Buffer) -> bytearray | memoryview | None:
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
    def invoke(self) -> bytearray | memoryview:
        """Runs on what is in ``input`` (which it may overwrite); returns as run() does.

        A model with state keeps it for the next run.
        """
    def push_row(self, row: Buffer) -> bytearray | memoryview | None:
        """The next row of the input (``row_bytes``); scores with the last one, else None.

        For models converted to take their input row by row; what the row makes
        possible is computed at once. The row after the last begins anew. Never
        allocates.
        """
    def begin(self) -> None:
        """Forgets the rows pushed so far: the next one is the first. State stays."""
    def reset(self) -> None:
        """State goes back to its initial values, and rows are forgotten: as after loading."""
    def gap(self) -> None:
        """The stream goes on behind a hole: state goes back to its initial values, and run()
        gives no scores until all that they stand for (``span``) was seen since.

        What features have learnt of the noise stays: it is as old on both sides of the hole.
        """
    def classify(self, window: Buffer) -> tuple[Any, ...]:
        """(label, score) of the highest score, the first of equals. Makes a tuple."""
    def run_op(self, i: int) -> None:
        """Runs op ``i`` alone, for profiling."""
    def selftest(self, quiet: bool = False) -> tuple[Any, ...]:
        """Runs the golden vectors of the file; prints and returns (equal, all).

        Raises ModelError where one differs, or where the file holds none.
        """
    def info(self) -> None:
        """Prints what the model is, wants and costs."""
    def tensor(self, i: int) -> tuple[Any, ...]:
        """(dtype, shape, scale, zero_point, place, offset, bytes) of tensor i."""

def key_is_set() -> bool:
    """Whether this board takes signed models only: there is a key, or nobody can tell."""

def read_file(source: str) -> bytearray | memoryview:
    """A file's bytes: the mapped flash itself where the file system can (ROMFS), else a copy."""
