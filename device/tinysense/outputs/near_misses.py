"""Keeps windows that the model was not sure of, for relabelling on the computer."""

from ..errors import ConfigError, RecordingError
from ..field.boot import boot_id, utc_now
from ..field.segments import Segments
from ..recording import NOTE_BYTES, Writer
from ..sensing.timebase import device_clock
from ..ticks import ticks_diff, ticks_ms

OPTIONS = (
    ("folder", str, "/near", "file", "where windows go"),
    ("low", int, 100, (0, 255), "keeps windows whose best score is this or more ..."),
    ("high", int, 180, (1, 256), "... and below this"),
    ("labels", list, [], None, "only where one of these is best, empty: any"),
    ("pause_ms", int, 2000, (0, 3600000), "keeps at most one in this time"),
    ("keep_free_kb", int, 64, (0, 1 << 24), "room that is never used"),
)


def build(options: dict) -> "NearMisses":
    return NearMisses(options["folder"], options["low"], options["high"], options["labels"],
                      options["pause_ms"], options["keep_free_kb"])


class NearMisses:
    """``NearMisses("/near", 100, 180)``: a recording per window, its note "near miss: ring=112 ..".

    ``kept`` counts them; ``missed`` those for which there was no room. A
    window that is kept takes heap and some 10 ms of flash; others cost nothing.
    Not for models that hear more than a window for a score, as those for speech do.
    """

    def __init__(self, folder: str = "/near", low: int = 100, high: int = 180,
                 labels: "Sequence[str]" = (), pause_ms: int = 2000, keep_free_kb: int = 64,
                 now: "Callable[[], int]" = ticks_ms):
        if not 0 <= low < high <= 256:
            raise ConfigError("near_misses: expected 0 <= low < high <= 256, got %r, %r"
                              % (low, high))
        self._segments = Segments(folder, 4, keep_free_kb)
        self._low, self._high, self._labels = low, high, tuple(labels)
        self._pause, self._now = pause_ms, now
        self._last = None
        self.kept = self.missed = 0
        self._stamp = bytearray(8)
        self.error = ""

    def emit(self, event: "Event") -> None:
        """Events are not its business."""

    def window(self, model: "Model", frames: "Buffer") -> None:
        if model.span > model.window:
            raise ConfigError("near_misses: model %s hears %d frames for a score, a window holds "
                              "%d: leave this output out, and record with a Recorder"
                              % (model.name, model.span, model.window))
        scores, best = model.scores, 0
        for i in range(len(scores)):
            if scores[i] > scores[best]:
                best = i
        if not self._low <= scores[best] < self._high:
            return
        if self._labels and model.labels[best] not in self._labels:
            return
        now = self._now()
        if self._last is not None and ticks_diff(now, self._last) < self._pause:
            return
        self._last = now
        self._keep(model, frames)

    def _keep(self, model, frames):
        sensor = model.sensor
        try:
            path, _ = self._segments.next()
            with Writer(path, sensor.rate_mhz, sensor.channels, sensor.units, sensor.full_scale,
                        "", utc_now(), note(model), boot_id()) as writer:
                device_clock().stamp(self._stamp)  # of its end: good enough to find it by
                writer.write(frames, model.window, stamp=self._stamp)
            self.kept += 1
        except (OSError, RecordingError) as e:
            self.missed += 1
            self.error = str(e)


def note(model: "Model") -> str:
    """The labels and their scores, the highest first, as many as there is room for."""
    order = sorted(range(len(model.scores)), key=lambda i: -model.scores[i])
    text = "near miss:"
    for i in order:
        more = " %s=%d" % (model.labels[i], model.scores[i])
        if len((text + more).encode()) > NOTE_BYTES:
            break
        text += more
    return text
