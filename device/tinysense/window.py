"""Window: a ring of int16 frames that hands out overlapping windows. The ring is C's."""

from .errors import TinysenseError
from .native import core

# For each chunk: the core is a table that is searched from its first row on.
_push, _ready = core.window_push, core.window_ready


class Window:
    """``length`` frames at a time, the next one ``hop`` frames later.

    The first window is the first ``length`` frames. All memory is taken here.

        window = Window(50, 10, 3)
        window.push(frames, n)          # int16 (n, channels) in any buffer
        while window.ready():
            window.take(out)            # out: int16 (length, channels)
    """

    def __init__(self, length: int, hop: int, channels: int, capacity: int = 0):
        """``capacity`` in frames, 0 for length + hop."""
        capacity = capacity or length + hop
        if not (0 < hop <= length <= capacity and 1 <= channels <= 16):
            raise TinysenseError(
                "window: expected 0 < hop <= length <= capacity and 1 to 16 channels, got hop %d, "
                "length %d, capacity %d, channels %d" % (hop, length, capacity, channels)
            )
        self.length = length
        self.hop = hop
        self.channels = channels
        self.overwritten = 0
        self._ring = bytearray(2 * capacity * channels)
        self._state = bytearray(core.window_state_bytes())
        _checked(core.window_init(self._state, self._ring, channels, length, hop))

    def push(self, frames: "Buffer", n: int, start: int = 0) -> None:
        """Takes ``n`` frames of ``frames`` from frame ``start`` on.

        Where the ring is full the oldest are overwritten; ``overwritten`` counts them.
        """
        lost = _push(self._state, self._ring, frames, start, n)
        if lost < 0:
            _checked(lost)
        self.overwritten = lost

    def ready(self) -> bool:
        """Whether a whole window waits."""
        return _ready(self._state) == 1

    def take(self, out: "Buffer") -> None:
        """Copies the oldest window to ``out`` and moves on by ``hop`` frames."""
        code = core.window_take(self._state, self._ring, out)
        if code < 0:
            _checked(code)

    def clear(self) -> None:
        """Forgets all frames: what comes next does not follow on what came before."""
        core.window_clear(self._state)


def _checked(code):
    if code < 0:
        raise TinysenseError(
            "window: %s (frames are int16, n x channels; take only when ready)"
            % core.error_text(code)
        )
