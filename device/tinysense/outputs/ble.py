"""Events over Bluetooth Low Energy: one service with one characteristic that notifies.

Its value: label index (u8, 255 if the model has no such label), score (u8),
time in ms (u32, little-endian), the label as UTF-8. A client that has not asked
for a larger MTU gets the first 20 bytes of it, so 14 of the label.

What an event takes of the heap is what the radio's own software takes: nothing
with NimBLE, which copies into its pool; a copy of the value with BTstack (Pico W)
while its buffers are full, given back when it is sent.
"""

from ..errors import ConfigError
from ..ticks import ticks_diff, ticks_ms

SERVICE = "6c1f0001-52b8-4e0d-9a6e-8d0b7a3f51c4"
CHARACTERISTIC = "6c1f0002-52b8-4e0d-9a6e-8d0b7a3f51c4"
NO_LABEL = 255
CLIENTS = 4  # at once
_HEAD = 6  # bytes before the label
_IRQ_CENTRAL_CONNECT, _IRQ_CENTRAL_DISCONNECT = 1, 2
_FLAG_READ, _FLAG_NOTIFY = 0x0002, 0x0010
_RETRY_MS = 1000
# Core Specification Supplement, part A: length, type, data
_AD_FLAGS = b"\x02\x01\x06"  # general discoverable, no BR/EDR
_AD_UUIDS_128, _AD_NAME = 0x07, 0x09
_AD_ROOM = 31

OPTIONS = (
    ("name", str, "tinysense", None, "what a telephone shows, 29 bytes at most"),
    ("service", str, SERVICE, None, "its UUID"),
    ("characteristic", str, CHARACTERISTIC, None, "its UUID"),
    ("interval_ms", int, 250, (20, 10240), "between advertisements"),
)


def build(options: dict) -> "Ble":
    try:
        import bluetooth
    except ImportError:
        raise ConfigError("ble: this firmware has no module bluetooth: expected a board with a "
                          "radio, and firmware for it")
    return Ble(bluetooth.BLE(), options["name"], options["service"], options["characteristic"],
               options["interval_ms"])


class Ble:
    """``Ble(bluetooth.BLE(), "bracelet")``: advertises, notifies whoever is connected.

    ``clients``: how many are. ``lost``: notifications the radio did not take.
    The latest event can be read, too.
    """

    def __init__(self, radio: "BLE", name: str = "tinysense", service: str = SERVICE,
                 characteristic: str = CHARACTERISTIC, interval_ms: int = 250,
                 now: "Callable[[], int]" = ticks_ms):
        from bluetooth import UUID

        self._advert = _advert(service)
        self._answer = _answer(name)
        _uuid("characteristic", characteristic)
        self._radio, self._interval_us, self._now = radio, interval_ms * 1000, now
        self._values = {}
        self._index = {}
        self._clients = [-1] * CLIENTS
        self.clients = self.lost = 0
        radio.active(True)
        radio.config(gap_name=name)
        radio.irq(self._happened)
        wanted = ((UUID(service), ((UUID(characteristic), _FLAG_READ | _FLAG_NOTIFY),)),)
        ((self._handle,),) = radio.gatts_register_services(wanted)
        self._silent = True  # whether there is advertising to be started
        self._tried = now() - _RETRY_MS
        self.poll()

    def watch(self, labels: "Sequence[str]", scores: "Buffer") -> None:
        for i, label in enumerate(labels):
            self._index[label] = i if i < NO_LABEL else NO_LABEL
            self._value(label)
        room = max([_HEAD] + [len(value) for value in self._values.values()])
        self._radio.gatts_set_buffer(self._handle, room)

    def emit(self, event: "Event") -> None:
        value, time = self._values.get(event.label) or self._value(event.label), event.time
        value[1] = event.score
        for i in range(2, _HEAD):
            value[i] = time & 0xFF
            time >>= 8
        self._radio.gatts_write(self._handle, value)
        for client in self._clients:
            if client >= 0:
                self._notify(client, value)

    def poll(self) -> None:
        """Advertises while there is room for another client."""
        if not self._silent or self.clients == CLIENTS:
            return
        now = self._now()
        if ticks_diff(now, self._tried) < _RETRY_MS:
            return
        self._tried = now
        try:
            self._radio.gap_advertise(self._interval_us, self._advert, resp_data=self._answer)
            self._silent = False
        except OSError:  # the radio still ends a connection: again in a second
            pass

    def close(self) -> None:
        self._silent = False
        self._radio.gap_advertise(None)
        self._radio.active(False)

    def _notify(self, client, value):
        try:
            self._radio.gatts_notify(client, self._handle, value)
        except OSError:  # no buffer free, or the client is just gone
            self.lost += 1

    def _happened(self, event, data):
        """The radio's interrupt. Advertising has ended with the connection."""
        if event == _IRQ_CENTRAL_CONNECT:
            self._replace(-1, data[0])
        elif event == _IRQ_CENTRAL_DISCONNECT:
            self._replace(data[0], -1)
        else:
            return
        self._silent = True

    def _replace(self, old, new):
        clients = self._clients
        count = 0
        for i in range(CLIENTS):
            if clients[i] == old:
                clients[i] = new
                old = -2  # once
            if clients[i] >= 0:
                count += 1
        self.clients = count

    def _value(self, label):
        value = bytearray(_HEAD) + label.encode()
        value[0] = self._index.get(label, NO_LABEL)
        self._values[label] = value
        return value


def _advert(service):
    """Flags and the service, so that a scan can look for it."""
    uuid = _uuid("service", service)
    return _AD_FLAGS + bytes((len(uuid) + 1, _AD_UUIDS_128)) + uuid


def _answer(name):
    """The name, for which the advertisement has no room."""
    text = name.encode()
    if not 1 <= len(text) <= _AD_ROOM - 2:
        raise ConfigError("ble: name: expected 1 to %d bytes, got %d" % (_AD_ROOM - 2, len(text)))
    return bytes((len(text) + 1, _AD_NAME)) + text


def _uuid(what, text):
    """The sixteen bytes of a UUID, least significant first, as they go over the air."""
    from binascii import unhexlify

    digits = text.replace("-", "")
    try:
        if len(digits) != 32 or len(text) != 36:
            raise ValueError
        number = unhexlify(digits)
    except ValueError:
        raise ConfigError("ble: %s: expected a UUID as %s, got %r" % (what, SERVICE, text))
    return bytes(reversed(number))
