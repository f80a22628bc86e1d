"""Events as JSON to an MQTT broker, by micropython-lib's umqtt.simple. QoS 0.

The network is boot.py's business; here it is only waited for. Nothing stops the
pipeline: events wait in a queue, a connection that fails is tried again after
2 s, 4 s, and so on up to a minute. An attempt waits ``timeout_ms`` at most for
each answer (a broker given by name costs a look-up, too), so it may cost frames
where the driver has no FIFO; while a Wi-Fi is not connected there is none.

Each message takes a few small objects of heap (umqtt makes them).
"""

# Written by device/files.py.
from ..decision import Event
from ..types import Buffer, MQTTClient
from collections.abc import Callable, Sequence
from typing import Any

RETRY_MS: int
RETRY_MOST_MS: int
OPTIONS: tuple[Any, ...]

def build(options: dict[str, Any]) -> Mqtt: ...

class Mqtt:
    """``Mqtt(MQTTClient("bracelet", "192.168.1.2", keepalive=60), "home/bracelet")``.

    ``online``: a function that says whether an attempt to connect makes sense.
    ``connected``; ``sent`` events; ``lost`` ones, which the queue had no room for or
    whose sending failed; ``failures`` to connect or of a connection; ``fault``: the latest,
    as text.
    """
    connected: bool
    sent: int
    lost: int
    failures: int
    fault: str
    label: str
    score: int
    time: int
    def __init__(self, client: MQTTClient, topic: str = 'tinysense/events', queue: int = 16, timeout_ms: int = 1000, online: Callable[[], bool] | None = None, now: Callable[[], int] = ...) -> None: ...
    def watch(self, labels: Sequence[str], scores: Buffer) -> None: ...
    def emit(self, event: Event) -> None: ...
    def poll(self) -> None:
        """At most one step: an attempt to connect, an event, or a sign of life."""
    def close(self) -> None:
        """Sends what is left of the queue, if the broker is there, and says goodbye."""
