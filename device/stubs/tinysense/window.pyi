"""Window: a ring of int16 frames that hands out overlapping windows. The ring is C's."""

# Written by device/files.py.
from .types import Buffer

class Window:
    """``length`` frames at a time, the next one ``hop`` frames later.

    The first window is the first ``length`` frames. All memory is taken here.

        window = Window(50, 10, 3)
        window.push(frames, n)          # int16 (n, channels) in any buffer
        while window.ready():
            window.take(out)            # out: int16 (length, channels)
    """
    length: int
    hop: int
    channels: int
    overwritten: int
    def __init__(self, length: int, hop: int, channels: int, capacity: int = 0) -> None:
        """``capacity`` in frames, 0 for length + hop."""
    def push(self, frames: Buffer, n: int, start: int = 0) -> None:
        """Takes ``n`` frames of ``frames`` from frame ``start`` on.

        Where the ring is full the oldest are overwritten; ``overwritten`` counts them.
        """
    def ready(self) -> bool:
        """Whether a whole window waits."""
    def take(self, out: Buffer) -> None:
        """Copies the oldest window to ``out`` and moves on by ``hop`` frames."""
    def clear(self) -> None:
        """Forgets all frames: what comes next does not follow on what came before."""
