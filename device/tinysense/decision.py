"""Decision: scores become events, in integers only."""

from .errors import TinysenseError

SCORE_MAX = 256  # a threshold that no score of 0..255 reaches


class Event:
    """``label``, ``score`` (0..255, smoothed) and ``time`` (ms on the frame clock).

    A pipeline uses one Event over and over: keep ``event.copy()`` if you store it.
    """

    def __init__(self, label: str = "", score: int = 0, time: int = 0):
        self.label = label
        self.score = score
        self.time = time

    def copy(self) -> "Event":
        return Event(self.label, self.score, self.time)

    def __repr__(self):
        return "Event(%r, score=%d, time=%d)" % (self.label, self.score, self.time)


class Decision:
    """Smoothing, a threshold per label, background labels, refractory time.

    Scores are averaged over the last ``smooth`` windows; none speaks before
    that many came. The label with the highest average (the first of equals)
    makes an event if its average is at least its threshold and it is not a
    background label. After an event none follows for ``refractory_ms``,
    counted in hops, rounded up.

    ``threshold``: steps of 1/256, 0..256; one number, a list in the order of
    ``labels``, or a dict of the labels that differ from 128.
    """

    def __init__(self, labels: "Sequence[str]", smooth: int = 1, threshold: "Thresholds" = 128,
                 background: "Sequence[str]" = (), refractory_ms: int = 0, hop_us: int = 1):
        n = len(labels)
        if not 1 <= smooth <= 255:
            raise TinysenseError("smooth: expected 1 to 255 windows, got %r" % (smooth,))
        if refractory_ms < 0 or hop_us < 1:
            raise TinysenseError("refractory_ms: expected 0 or more, got %r" % (refractory_ms,))
        for name in background:
            _index(labels, name, "background")
        self.labels = tuple(labels)
        self.smooth = smooth
        self.threshold = thresholds(labels, threshold)
        self.background = tuple(background)
        self.refractory_windows = (refractory_ms * 1000 + hop_us - 1) // hop_us
        self._quiet_label = bytearray(1 if name in background else 0 for name in labels)
        self._least = [t * smooth for t in self.threshold]
        self._sums = [0] * n
        self._ring = bytearray(n * smooth)
        self._event = Event()
        self._wait = 0
        self.clear()

    def clear(self) -> None:
        """Forgets the scores seen: after a gap. Refractory time goes on."""
        for i in range(len(self._sums)):
            self._sums[i] = 0
        for i in range(len(self._ring)):
            self._ring[i] = 0
        self._slot = 0
        self._seen = 0

    def push(self, scores: "Buffer", time: int = 0) -> "Event | None":
        """Scores of one window (uint8 per label) -> an Event, or None. Never allocates."""
        self._smooth(scores)
        if self._wait > 0:
            self._wait -= 1
        if self._seen < self.smooth or self._wait > 0:
            return None
        best = self._best()
        if self._quiet_label[best] or self._sums[best] < self._least[best]:
            return None
        self._wait = self.refractory_windows
        event = self._event
        event.label = self.labels[best]
        event.score = (self._sums[best] + self.smooth // 2) // self.smooth
        event.time = time
        return event

    def _smooth(self, scores):
        sums, ring = self._sums, self._ring
        at = self._slot * len(sums)
        for i in range(len(sums)):
            sums[i] += scores[i] - ring[at + i]
            ring[at + i] = scores[i]
        self._slot += 1
        if self._slot == self.smooth:
            self._slot = 0
        if self._seen < self.smooth:
            self._seen += 1

    def _best(self):
        sums = self._sums
        best = 0
        for i in range(1, len(sums)):
            if sums[i] > sums[best]:
                best = i
        return best


def thresholds(labels: "Sequence[str]", given: "Thresholds", base: "Thresholds" = 128) -> list:
    """One threshold per label from a number, a list, or a dict over ``base``."""
    if isinstance(given, dict):
        out = list(base) if isinstance(base, (list, tuple)) else [base] * len(labels)
        for name in given:
            out[_index(labels, name, "threshold")] = given[name]
    elif isinstance(given, (list, tuple)):
        out = list(given)
    else:
        out = [given] * len(labels)
    if len(out) != len(labels):
        raise TinysenseError("threshold: expected %d numbers, one per label, got %d"
                             % (len(labels), len(out)))
    for value in out:
        if not isinstance(value, int) or not 0 <= value <= SCORE_MAX:
            raise TinysenseError("threshold: expected 0 to %d, got %r" % (SCORE_MAX, value))
    return out


def _index(labels, name, what):
    if name not in labels:
        raise TinysenseError("%s: the model has no label %r, only: %s"
                             % (what, name, " ".join(labels)))
    return list(labels).index(name)


def for_model(model: "Model", config: "dict | None" = None) -> Decision:
    """The Decision a model asks for; ``smooth``, ``threshold`` and ``refractory_ms`` of
    ``config`` override it."""
    meta, config = model.decision, config or {}
    number = {}
    for name, value in (("smooth", 1), ("refractory_ms", 0)):
        own = config.get(name, -1)
        number[name] = own if own >= 0 else meta.get(name, value)
        if not isinstance(number[name], int):
            raise TinysenseError("%s: expected a whole number, got %r" % (name, number[name]))
    background = meta.get("background", ())
    if not isinstance(background, (list, tuple)):
        raise TinysenseError("background: expected a list of labels, got %r" % (background,))
    base = thresholds(model.labels, meta.get("threshold", 128))
    threshold = thresholds(model.labels, config.get("threshold") or {}, base)
    hop = model.hop * model.features.row_stride if model.features else model.hop
    hop_us = hop * 1000000000 // model.sensor.rate_mhz if model.sensor else 1
    return Decision(model.labels, number["smooth"] or 1, threshold, background,
                    number["refractory_ms"], hop_us or 1)
