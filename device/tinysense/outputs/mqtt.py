"""Events as JSON to an MQTT broker, by micropython-lib's umqtt.simple. QoS 0.

The network is boot.py's business; here it is only waited for. Nothing stops the
pipeline: events wait in a queue, a connection that fails is tried again after
2 s, 4 s, and so on up to a minute. An attempt waits ``timeout_ms`` at most for
each answer (a broker given by name costs a look-up, too), so it may cost frames
where the driver has no FIFO; while a Wi-Fi is not connected there is none.

Each message takes a few small objects of heap (umqtt makes them).
"""

from ..errors import ConfigError
from ..ticks import ticks_diff, ticks_ms
from .line import Line

RETRY_MS, RETRY_MOST_MS = 1000, 60000

OPTIONS = (
    ("broker", str, None, None, "address or name"),
    ("port", int, 1883, (1, 65535), "of the broker"),
    ("topic", str, "tinysense/events", None, "where events are published"),
    ("client_id", str, "", None, "empty: tinysense- and the board's number"),
    ("login", str, "", "file", "file of two lines, user and password; not in the config, which "
                               "is shown and copied"),
    ("keepalive", int, 60, (2, 65535), "seconds; half as often the broker is asked for a sign"),
    ("queue", int, 16, (1, 255), "events that wait for a connection; more, and the oldest go"),
    ("timeout_ms", int, 1000, (50, 30000), "for each answer of the broker"),
)


def build(options: dict) -> "Mqtt":
    try:
        from umqtt.simple import MQTTClient
    except ImportError:
        raise ConfigError("mqtt: umqtt.simple is missing: install it with "
                          "`mpremote mip install umqtt.simple`")
    user, password = _login(options["login"])
    client = MQTTClient(options["client_id"] or _board_id(), options["broker"], options["port"],
                        user, password, options["keepalive"])
    return Mqtt(client, options["topic"], options["queue"], options["timeout_ms"], _wifi())


class Mqtt:
    """``Mqtt(MQTTClient("bracelet", "192.168.1.2", keepalive=60), "home/bracelet")``.

    ``online``: a function that says whether an attempt to connect makes sense.
    ``connected``; ``sent`` events; ``lost`` ones, which the queue had no room for or
    whose sending failed; ``failures`` to connect or of a connection; ``fault``: the latest,
    as text.
    """

    def __init__(self, client: "MQTTClient", topic: str = "tinysense/events", queue: int = 16,
                 timeout_ms: int = 1000, online: "Callable[[], bool] | None" = None,
                 now: "Callable[[], int]" = ticks_ms):
        self._client, self._topic = client, topic.encode()
        self._timeout = timeout_ms / 1000
        self._online, self._now = online, now
        self._ping_ms = client.keepalive * 500
        self._line = Line(end=b"")
        self._labels, self._scores, self._times = [None] * queue, bytearray(queue), [0] * queue
        self._first = self._count = 0
        self._answer = bytearray(2)
        self._retry_ms = RETRY_MS
        self._since = now() - RETRY_MS
        self._asked = False
        self.connected = False
        self.sent = self.lost = self.failures = 0
        self.fault = ""
        self.label, self.score, self.time = "", 0, 0  # the event that is sent, for Line

    def watch(self, labels: "Sequence[str]", scores: "Buffer") -> None:
        self._line.watch(labels)

    def emit(self, event: "Event") -> None:
        if self._count == len(self._labels):
            self._drop()
            self.lost += 1
        at = (self._first + self._count) % len(self._labels)
        self._labels[at] = event.label
        self._scores[at], self._times[at] = event.score, event.time
        self._count += 1

    def poll(self) -> None:
        """At most one step: an attempt to connect, an event, or a sign of life."""
        now = self._now()
        if not self.connected:
            if ticks_diff(now, self._since) >= self._retry_ms:
                self._connect(now)
        elif self._count:
            self._publish(now)
        elif self._ping_ms and ticks_diff(now, self._since) >= self._ping_ms:
            self._ping(now)

    def close(self) -> None:
        """Sends what is left of the queue, if the broker is there, and says goodbye."""
        while self.connected and self._count:
            self._publish(self._now())
        if self.connected:
            self.connected = False
            try:
                self._client.disconnect()
            except OSError:
                pass

    def _connect(self, now):
        self._since = now
        if self._online is not None and not self._online():
            return
        client = self._client
        before = client.sock
        try:
            client.connect(True, self._timeout)
        except Exception as e:  # umqtt's own, OSError, and what a cut answer makes of its code
            if isinstance(e, TypeError) and client.sock is before:  # it has not begun
                raise ConfigError("mqtt: umqtt.simple here knows no timeout: install it anew with "
                                  "`mpremote mip install umqtt.simple`")
            self._failed(now, e)
        else:
            self.connected = True
            self._asked = False
            self._retry_ms = RETRY_MS

    def _publish(self, now):
        at = self._first
        self.label, self.score, self.time = self._labels[at], self._scores[at], self._times[at]
        size = self._line.write(self)
        self._drop()
        try:
            self._client.publish(self._topic, bytes(memoryview(self._line.buf)[:size]))
            self.sent += 1
        except OSError as e:
            self.lost += 1
            self._failed(now, e)

    def _ping(self, now):
        """The answer to the last ping must have come by now."""
        self._since = now
        client = self._client
        try:
            if self._asked and not self._answered(client.sock):
                raise OSError(110, "no answer to a ping")
            client.ping()
            self._asked = True
        except OSError as e:
            self._failed(now, e)

    def _answered(self, sock):
        """Nothing was subscribed to, so all that comes is PINGRESP. Closed by the broker: b""."""
        sock.setblocking(False)
        got = sock.readinto(self._answer)
        sock.settimeout(self._timeout)
        return bool(got)

    def _failed(self, now, error):
        self.failures += 1
        self.fault = "%s %s" % (type(error).__name__, error)
        if self._client.sock is not None:
            self._client.sock.close()
        self._retry_ms = RETRY_MS if self.connected else min(2 * self._retry_ms, RETRY_MOST_MS)
        self.connected = False
        self._since = now

    def _drop(self):
        self._labels[self._first] = None
        self._first = (self._first + 1) % len(self._labels)
        self._count -= 1


def _login(path):
    """(user, password) of a file, (None, None) without one. Neither is ever shown."""
    if not path:
        return None, None
    try:
        with open(path) as f:
            lines = f.read().split("\n")
    except OSError as e:
        raise ConfigError("mqtt: login: cannot read %s: errno %s" % (path, e.errno))
    if len(lines) < 2 or not lines[0]:
        raise ConfigError("mqtt: login: expected two lines in %s, user and password" % path)
    return lines[0].rstrip("\r"), lines[1].rstrip("\r")


def _board_id():
    from binascii import hexlify

    import machine

    return "tinysense-" + hexlify(machine.unique_id()).decode()


def _wifi():
    """Whether the station is connected, as a function; None where there is no Wi-Fi to wait for."""
    try:
        from network import STA_IF, WLAN
    except ImportError:
        return None
    station = WLAN(STA_IF)
    return station.isconnected if station.active() else None
