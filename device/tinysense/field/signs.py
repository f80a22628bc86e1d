"""What a field recorder shows: a light, or lines on a display. Each has ``show(recorder)``."""

from ..ticks import ticks_diff, ticks_ms

_TURN_MS = 3000
_FLASH_MS = 120


class Light:
    """A LED. Recording: lit, with as many dark gaps every 3 s as the label's number.

    Idle: that many short flashes every 3 s. Losses since the start: the light flickers at the
    end of the turn. An error, or no room left: it blinks fast.
    """

    def __init__(self, pin: "Pin", active_low: bool = False, now: "Callable[[], int]" = ticks_ms):
        self._pin, self._on, self._now = pin, 0 if active_low else 1, now
        self._began = now()
        self._lit = None

    def show(self, recorder: "Recorder") -> None:
        passed = ticks_diff(self._now(), self._began)
        if passed >= _TURN_MS:
            self._began += passed // _TURN_MS * _TURN_MS
            passed %= _TURN_MS
        if recorder.error:
            lit = passed // _FLASH_MS % 2 == 0
        else:
            slot = passed // _FLASH_MS
            flashes = recorder.label_number + 1
            inside = slot % 2 == 0 and slot < 2 * flashes
            inside = inside or recorder.lost > 0 and slot in (21, 23)
            lit = inside != recorder.recording
        if lit != self._lit:
            self._lit = lit
            self._pin.value(self._on if lit else 1 - self._on)

    def close(self) -> None:
        self._pin.value(1 - self._on)


class Lines:
    """Four lines of text, twice a second, by ``write(row, text)`` of a display."""

    def __init__(self, display: "object", every_ms: int = 500, now: "Callable[[], int]" = ticks_ms):
        self._display, self._every, self._now = display, every_ms, now
        self._last = now() - every_ms

    def show(self, recorder: "Recorder") -> None:
        now = self._now()
        if ticks_diff(now, self._last) < self._every:
            return
        self._last = now
        for row, text in enumerate(lines(recorder)):
            self._display.write(row, text)

    def close(self) -> None:
        if hasattr(self._display, "close"):
            self._display.close()


def lines(recorder: "Recorder") -> tuple:
    """State and label, seconds, lost frames, space left: 16 characters each at most."""
    state = "ERROR" if recorder.error else "REC" if recorder.recording else "ready"
    return ("%s %s" % (state, recorder.label))[:16], "%d s" % recorder.seconds, \
        "%d lost" % recorder.lost, ("%d kB left" % recorder.free_kb)[:16]
