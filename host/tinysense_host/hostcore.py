"""Run a model file on this computer, through the same C core as on a board."""

from __future__ import annotations

from array import array
from collections.abc import Sequence

import numpy as np

from tinysense_host.corefiles import error_texts, target_numbers
from tinysense_host.errors import TinysenseError
from tinysense_host.modelfile import ModelFile

__all__ = ["HostModel", "run_features"]


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

    def run_batch(self, inputs: Sequence[np.ndarray]) -> list[np.ndarray]:
        """(n, *shape) per output for (n, *shape) per input: arrays in and out, for notebooks.

        What the core gives here is what a board gives.
        """
        rows = [self.run([x.tobytes() for x in row]) for row in zip(*inputs, strict=True)]
        return [
            np.frombuffer(b"".join(row[i] for row in rows), t.dtype).reshape(len(rows), *t.shape)
            for i, t in enumerate(self.file.outputs)
        ]


def run_features(feat: bytes, windows: np.ndarray) -> np.ndarray:
    """int8 (n, outputs) for raw windows (n, frames, channels) int16, by the core."""
    import _tinysense

    info = array("I", [0] * 5)
    _raise(_tinysense.features_info(feat, info))
    _, _, _, outputs, work_bytes = info
    work, answer = bytearray(max(4, work_bytes)), np.zeros((len(windows), outputs), np.int8)
    for frames, out in zip(np.ascontiguousarray(windows, "<i2"), answer, strict=True):
        _raise(_tinysense.features_run(feat, frames.reshape(-1), work, out))
    return answer


def _raise(result: int) -> None:
    if result < 0:
        raise TinysenseError(
            f"the core refuses: {error_texts().get(result, f'error {result}')}",
            "Convert the model again",
        )
