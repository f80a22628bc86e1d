"""An event as one line of text, JSON or CSV, put together without heap."""

_JSON = ('{"label": %s, "score": ', b', "time": ', b"}")
_CSV = ("%s,", b",", b"")


class Line:
    """``write(event)`` leaves the line in the first ``size`` bytes of ``buf``.

    JSON as in outputs/serial.py; CSV is label,score,time with the label quoted
    where it has to be. What depends on the label is made once for each: by
    watch(), or when the label comes for the first time.
    """

    def __init__(self, form: str = "json", end: bytes = b"\n"):
        self._json = form == "json"
        self._head, self._middle, tail = _JSON if self._json else _CSV
        self._tail = tail + end
        self._heads = {}
        self.buf = bytearray(0)
        self.size = 0

    def watch(self, labels: "Sequence[str]") -> None:
        for label in labels:
            self._add(label)

    def write(self, event: "Event") -> int:
        """Returns ``size``."""
        head = self._heads.get(event.label)
        if head is None:
            head = self._add(event.label)
        buf = self.buf
        at = put(buf, 0, head)
        at = put_number(buf, at, event.score)
        at = put(buf, at, self._middle)
        at = put_number(buf, at, event.time)
        self.size = put(buf, at, self._tail)
        return self.size

    def _add(self, label):
        head = self._heads[label] = (self._head % self._quoted(label)).encode()
        room = len(head) + len(self._middle) + len(self._tail) + 3 + 10  # digits of score, time
        if room > len(self.buf):
            self.buf = bytearray(room)
        return head

    def _quoted(self, label):
        if self._json:
            import json

            return json.dumps(label)
        plain = not any(c in label for c in ',"\r\n')
        return label if plain else '"' + label.replace('"', '""') + '"'


def put(buf: bytearray, at: int, text: bytes) -> int:
    """Copies bytes to buf[at:]; returns where they end."""
    for byte in text:
        buf[at] = byte
        at += 1
    return at


def put_number(buf: bytearray, at: int, number: int) -> int:
    """A number of 0 or more in decimal; returns where it ends."""
    end, rest = at + 1, number // 10
    while rest:
        end += 1
        rest //= 10
    digit = end
    while digit > at:
        digit -= 1
        buf[digit] = 48 + number % 10
        number //= 10
    return end
