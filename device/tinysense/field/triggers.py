"""What starts and stops a field recorder: ``poll(recorder)`` gives START, STOP, NEXT or None."""

from ..ticks import ticks_diff, ticks_ms

START, STOP, NEXT = "start", "stop", "next"  # NEXT: the next label
_DEBOUNCE_MS = 30
_LONG_MS = 800


class Button:
    """A push button: short starts and stops, long (0.8 s) takes the next label.

    ``pin``: pressed where its level is 0 (``active_low``, with a pull-up) or 1.
    """

    def __init__(self, pin: "Pin", active_low: bool = True,
                 now: "Callable[[], int]" = ticks_ms):
        self._pin, self._pressed_level, self._now = pin, 0 if active_low else 1, now
        self._down = False
        self._since = now()
        self._told = False  # a long press has been acted on
        self._was = False
        self._changed = now()

    def poll(self, recorder: "Recorder") -> "str | None":
        now = self._now()
        level = self._pin.value() == self._pressed_level
        if level != self._was:
            self._was = level
            self._changed = now
        if ticks_diff(now, self._changed) < _DEBOUNCE_MS:
            return None
        if level and not self._down:
            self._down, self._since, self._told = True, self._changed, False
        elif level and not self._told and ticks_diff(now, self._since) >= _LONG_MS:
            self._told = True
            return NEXT
        elif not level and self._down:
            self._down = False
            if not self._told:
                return STOP if recorder.recording else START
        return None


class Level:
    """Records while a pin is active: a switch, a float, another board."""

    def __init__(self, pin: "Pin", active_low: bool = False):
        self._pin, self._active = pin, 0 if active_low else 1

    def poll(self, recorder: "Recorder") -> "str | None":
        active = self._pin.value() == self._active
        if active == recorder.recording:
            return None
        return START if active else STOP


class Schedule:
    """Records ``for_s`` seconds in every ``every_s``; the first begins at once."""

    def __init__(self, for_s: int, every_s: int, now: "Callable[[], int]" = ticks_ms):
        self._for, self._every, self._now = for_s * 1000, every_s * 1000, now
        self._began = None  # of this turn

    def poll(self, recorder: "Recorder") -> "str | None":
        now = self._now()
        if self._began is None:
            self._began = now
            return START
        passed = ticks_diff(now, self._began)
        if passed >= self._every:
            self._began += self._every
            if ticks_diff(now, self._began) >= self._every:
                self._began = now  # turns were missed: from here on
            return None if recorder.recording else START
        if passed >= self._for and recorder.recording and self._for < self._every:
            return STOP
        return None


class Motion:
    """Records from when the sensor moves until it has been still for ``still_s``.

    Moving: some channel differs from its frame before by more than
    ``threshold`` counts. The recorder shows it what was read.
    """

    def __init__(self, threshold: int, still_s: int = 3, now: "Callable[[], int]" = ticks_ms):
        self._threshold, self._still, self._now = threshold, still_s * 1000, now
        self._last = None  # the frame before
        self._moved = None  # when it last moved

    def look(self, frames: bytearray, n: int, channels: int) -> None:
        """Called by the recorder with n frames, recording or not."""
        if self._last is None:
            self._last = [0] * channels
            at = 0
            for c in range(channels):
                self._last[c] = _int16(frames, at + 2 * c)
        last, threshold, at = self._last, self._threshold, 0
        for _ in range(n):
            for c in range(channels):
                value = _int16(frames, at)
                at += 2
                difference = value - last[c]
                if difference > threshold or difference < -threshold:
                    self._moved = self._now()
                last[c] = value

    def poll(self, recorder: "Recorder") -> "str | None":
        if self._moved is None:
            return None
        if ticks_diff(self._now(), self._moved) >= self._still:
            self._moved = None
            return STOP if recorder.recording else None
        return None if recorder.recording else START


class Wake(Motion):
    """Motion for a chip that watches by itself: between recordings it sleeps and its pin wakes it.

    ``threshold_mg`` is the chip's own threshold, ``threshold`` in counts tells
    when it is still again.
    """

    def __init__(self, threshold_mg: int, threshold: int, still_s: int = 3,
                 now: "Callable[[], int]" = ticks_ms):
        super().__init__(threshold, still_s, now)
        self._threshold_mg = threshold_mg
        self._asleep = False

    def poll(self, recorder: "Recorder") -> "str | None":
        driver = recorder.driver
        if self._asleep:
            if not driver.interrupt.fired():
                return None
            driver.resume()
            self._asleep = False
            self._moved = self._now()
            return START
        if not recorder.recording and self._moved is None:
            driver.wake_on_motion(self._threshold_mg)
            driver.interrupt.take()
            self._asleep = True
            return None
        return super().poll(recorder)


def _int16(data, at):
    value = data[at] | data[at + 1] << 8
    return value - 65536 if value & 0x8000 else value
