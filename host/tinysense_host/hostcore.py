"""Run a model file on this computer, through the same C core as on a board."""

from __future__ import annotations

from array import array
from collections.abc import Sequence

import numpy as np

from tinysense_host.corefiles import error_texts, target_numbers
from tinysense_host.errors import TinysenseError
from tinysense_host.modelfile import ModelFile

__all__ = ["FeatureStream", "HostModel", "run_features"]


class HostModel:
    """A loaded .tsm. Keep ``blob`` unchanged: the core reads weights from it."""

    def __init__(self, blob: bytes) -> None:
        import _tinysense

        self._core = _tinysense
        self.file = ModelFile.read(blob)
        if self.file.target not in (0, _tinysense.target()):
            names = {n: name for name, n in target_numbers().items()}
            core = names.get(self.file.target, "another core")
            raise TinysenseError(
                f"the model is packed for {core}, this computer runs portable ones",
                "Give the .tsm made without --target, or try it on a board: --board or --port",
            )
        self._blob = blob
        self._state = bytearray(_tinysense.model_state_bytes())
        # Never empty: a model whose tensors are all constants still needs a buffer.
        self._arena = bytearray(max(4, self.file.arena_bytes))
        _raise(_tinysense.model_load(self._state, blob, self._arena))
        self.row_bytes: int = _tinysense.model_row_bytes(self._state, blob, self._arena)

    def reset(self) -> None:
        """State goes back to its initial values; between runs it is kept."""
        _raise(self._core.model_reset(self._state, self._blob, self._arena))

    def run(self, inputs: Sequence[bytes]) -> list[bytes]:
        """Bytes of every output for the bytes of every input."""
        if self.row_bytes:
            self._push(inputs[0])
            return self._outputs()
        for tensor, given in zip(self.file.inputs, inputs, strict=True):
            if len(given) != tensor.nbytes:
                raise TinysenseError(f"an input needs {tensor.nbytes} bytes, got {len(given)}")
            self._arena[tensor.offset : tensor.offset + tensor.nbytes] = given
        _raise(self._core.model_run(self._state, self._blob, self._arena))
        return self._outputs()

    def _push(self, given: bytes) -> None:
        """The input row by row, as a board with little memory gives it."""
        if len(given) != self.file.inputs[0].nbytes:
            raise TinysenseError(
                f"an input needs {self.file.inputs[0].nbytes} bytes, got {len(given)}"
            )
        _raise(self._core.model_begin(self._state, self._blob, self._arena))
        for at in range(0, len(given), self.row_bytes):
            row = given[at : at + self.row_bytes]
            _raise(self._core.model_push_row(self._state, self._blob, self._arena, row))

    def _outputs(self) -> list[bytes]:
        return [bytes(self._arena[t.offset : t.offset + t.nbytes]) for t in self.file.outputs]

    def states(self) -> list[bytes]:
        """Bytes of every state as it is now, in the order in which the prologue sets them."""
        first = self.file.ops[: self.file.n_init]
        kept = (self.file.tensors[i] for op in first for i in op.outputs)
        return [bytes(self._arena[t.offset : t.offset + t.nbytes]) for t in kept]

    def run_batch(self, inputs: Sequence[np.ndarray]) -> list[np.ndarray]:
        """(n, *shape) per output for (n, *shape) per input: arrays in and out, for notebooks.

        What the core gives here is what a board gives.
        """
        rows = [self.run([x.tobytes() for x in row]) for row in zip(*inputs, strict=True)]
        return [
            np.frombuffer(b"".join(row[i] for row in rows), t.dtype).reshape(len(rows), *t.shape)
            for i, t in enumerate(self.file.outputs)
        ]


class FeatureStream:
    """A feature program on a stream of frames, by the core: what a board computes as they come.

    Frames are int16, (n,) or (n, channels); what does not fill a window yet waits for the
    next call.
    """

    def __init__(self, feat: bytes) -> None:
        import _tinysense

        self._core, self._feat = _tinysense, feat
        info = array("I", [0] * 8)
        _raise(_tinysense.features_info(feat, info))
        self.channels, self.window, self.hop, self.outputs, work_bytes = info[:5]
        self.rows, self.row_stride, self.row_outputs = info[5:]
        self._work = bytearray(max(4, work_bytes))
        self.reset()

    def reset(self) -> None:
        """The next frame is the first."""
        self._tail = np.zeros((0, self.channels), np.int16)
        _raise(self._core.features_reset(self._feat, self._work))

    def values(self, frames: np.ndarray) -> np.ndarray:
        """int32 (windows, row_outputs): the rows before quantisation, as training sees them.

        One stream gives values or inputs, not both.
        """
        windows = self._windows(frames)
        found = np.zeros((len(windows), self.row_outputs), np.int32)
        for window, row in zip(windows, found, strict=True):
            _raise(self._core.features_values(self._feat, window, self._work, row))
        return found

    def inputs(self, frames: np.ndarray) -> np.ndarray:
        """int8 (n, outputs): the model's inputs that became due."""
        found, one = [], np.zeros(self.outputs, np.int8)
        for window in self._windows(frames):
            due = self._core.features_run(self._feat, window, self._work, one)
            _raise(due)
            if due:
                found.append(one.copy())
        return np.stack(found) if found else np.zeros((0, self.outputs), np.int8)

    @property
    def new_bytes(self) -> int:
        """Bytes of an input that are new in it."""
        return self.row_stride * self.row_outputs

    def newest(self, frames: np.ndarray) -> np.ndarray:
        """int8 (outputs,): the input after one golden vector's frames, due or not.

        They are whole windows of their own, as many as rows come between two inputs. Rows
        that were not there yet are zeros.
        """
        wanted = self.window + (self.row_stride - 1) * self.hop
        if len(frames) != wanted:
            raise TinysenseError(
                f"features take {wanted} frames for a new input, got {len(frames)}"
            )
        self._tail = self._tail[:0]
        newest = np.zeros(self.outputs, np.int8)
        for window in self._windows(frames):
            _raise(self._core.features_run(self._feat, window, self._work, newest))
        if self.rows > 1:
            _raise(self._core.features_rows(self._feat, self._work, newest))
        return newest

    def new_rows(self, frames: np.ndarray) -> np.ndarray:
        """int8 (new_bytes,): what is new in newest(frames)."""
        return self.newest(frames)[-self.new_bytes :]

    def _windows(self, frames: np.ndarray) -> list[np.ndarray]:
        """The windows that are whole now, flat."""
        if frames.dtype != np.int16:
            raise TinysenseError(f"features take int16 frames, not {frames.dtype}")
        joined = np.concatenate([self._tail, frames.reshape(-1, self.channels)])
        count = max(0, (len(joined) - self.window) // self.hop + 1)
        self._tail = joined[count * self.hop :]
        starts = range(0, count * self.hop, self.hop)
        return [joined[at : at + self.window].reshape(-1) for at in starts]


def run_features(feat: bytes, vectors: np.ndarray) -> np.ndarray:
    """int8 (n, row_stride x row_outputs) for int16 vectors (n, frames, channels), by the core.

    A vector is a window, or as many windows as rows come between two inputs (a hop apart);
    they follow one another from a reset on. The answer is the new part of the model's input.
    """
    stream = FeatureStream(feat)
    frames = np.ascontiguousarray(vectors, "<i2").reshape(len(vectors), -1, stream.channels)
    made = [stream.new_rows(one) for one in frames]
    return np.stack(made) if made else np.zeros((0, stream.new_bytes), np.int8)


def _raise(result: int) -> None:
    if result < 0:
        raise TinysenseError(
            f"the core refuses: {error_texts().get(result, f'error {result}')}",
            "Convert the model again",
        )
