"""Events to a broker that comes and goes."""

import json

import fakes
from expect import Ticks, path, raises, write
from fakes.broker import Broker, MQTTClient, Network, OldClient, Package
from tinysense import outputs
from tinysense.decision import Event
from tinysense.errors import ConfigError
from tinysense.outputs.mqtt import Mqtt

SECRET = "hunter2"


class Link:
    """The output, its broker, the clock."""

    def __init__(self, keepalive=60, queue=4, **options):
        self.broker, self.now = Broker(), Ticks()
        self.client = MQTTClient("me", "here", 1883, "user", SECRET, keepalive)
        self.client.broker = self.broker
        self.out = Mqtt(self.client, "home/events", queue, now=self.now, **options)

    def polls(self, ms=0, n=1):
        self.now.now += ms
        for _ in range(n):
            self.out.poll()

    def emit(self, *scores):
        for score in scores:
            self.out.emit(Event("ring", score, 10 * score))

    def scores(self):
        return [json.loads(message.decode())["score"] for _, message in self.broker.messages]


def test_events_are_published_as_json():
    link = Link()
    link.out.watch(["rest", "ring"], b"")
    link.emit(231)
    assert link.broker.attempts == 0  # emit() itself never touches the network
    link.polls()
    assert link.out.connected and link.client.sock.timeout == 1.0
    link.polls()
    assert link.broker.messages == [
        (b"home/events", b'{"label": "ring", "score": 231, "time": 2310}')]
    link.polls(n=3)
    assert link.out.sent == 1 and len(link.broker.messages) == 1 and link.out.lost == 0


def test_one_event_a_poll_in_their_order():
    link = Link()
    link.polls()
    link.emit(1, 2, 3)
    for n in (1, 2, 3, 3):
        link.polls()
        assert len(link.broker.messages) == n
    assert link.scores() == [1, 2, 3]


def test_a_full_queue_loses_the_oldest_and_counts_them():
    link = Link(queue=4)
    link.broker.up = False
    link.emit(*range(10))
    assert link.out.lost == 6
    link.broker.up = True
    link.polls(n=9)
    assert link.scores() == [6, 7, 8, 9] and link.out.sent == 4


def test_a_dead_broker_is_tried_again_less_and_less_often():
    link = Link()
    link.broker.up = False
    tried = []
    for second in range(400):
        before = link.broker.attempts
        link.polls(n=3)
        assert link.broker.attempts <= before + 1
        if link.broker.attempts > before:
            tried.append(second)
        link.now.now += 1000
    assert tried == [0, 2, 6, 14, 30, 62, 122, 182, 242, 302, 362]
    assert link.out.failures == 11 and "113" in link.out.fault
    link.broker.up = True
    link.polls(60000)
    assert link.out.connected
    link.broker.up = False  # the next outage begins with short pauses again
    link.emit(1)
    link.polls()
    assert not link.out.connected and link.out.lost == 1 and "103" in link.out.fault
    link.broker.up = True
    link.polls(999)
    assert not link.out.connected
    link.polls(1)
    assert link.out.connected


def test_a_failed_connection_is_closed():
    link = Link()
    link.polls()
    sock = link.client.sock
    link.broker.up = False
    link.emit(1)
    link.polls()
    assert not sock.open
    link.polls(1000)
    assert not link.client.sock.open and link.client.sock is not sock


def test_a_refusal_says_the_code_and_no_secret():
    link = Link()
    link.broker.code = 5
    link.polls()
    assert not link.out.connected and link.out.fault == "MQTTException 5"
    for text in (link.out.fault, repr(link.out), str(link.out)):
        assert SECRET not in text and "user" not in text


def test_pings_keep_it_alive():
    link = Link(keepalive=60)
    link.polls()
    for second in range(0, 300, 10):
        link.now.now = second * 1000
        link.polls()
    assert link.broker.pings == 9 and link.out.connected  # every 30 seconds
    assert link.client.sock.timeout == 1.0 and len(link.client.sock.came) == 2
    link = Link(keepalive=0)
    link.polls()
    link.polls(1000000)
    assert link.broker.pings == 0


def test_a_broker_that_answers_no_ping_is_left():
    link = Link(keepalive=60)
    link.polls()
    link.broker.mute = True
    link.polls(30000)
    assert link.out.connected
    link.polls(30000)
    assert not link.out.connected and link.out.failures == 1 and "ping" in link.out.fault
    link.broker.mute = False
    link.polls(1000)
    link.polls(30000)
    link.polls(30000)
    assert link.out.connected and link.broker.pings == 3


def test_without_a_network_nothing_is_tried():
    network = Network()
    link = Link(online=network.WLAN(0).isconnected)
    for _ in range(100):
        link.polls(1000)
    assert link.broker.attempts == 0 and link.out.failures == 0
    network.up = True
    link.polls(1000)
    assert link.out.connected


def test_close_sends_the_rest_and_says_goodbye():
    link = Link()
    link.polls()
    link.emit(1, 2, 3)
    link.out.close()
    assert link.scores() == [1, 2, 3] and link.broker.goodbyes == 1
    link = Link()
    link.emit(1)
    link.out.close()  # never connected
    assert link.broker.attempts == 0
    link = Link()
    link.polls()
    link.broker.up = False
    link.out.close()
    link.emit(1, 2)
    link.out.close()
    assert link.broker.messages == []


def test_an_old_umqtt_is_named():
    client = OldClient("me", "here")
    client.broker = Broker()
    raises(ConfigError, ("knows no timeout", "mip install umqtt.simple"),
           Mqtt(client, now=Ticks()).poll)


def test_an_answer_that_is_cut_is_a_failure():
    for error in (TypeError("'NoneType' object isn't subscriptable"), IndexError("index"),
                  AssertionError()):
        link = Link()
        connect = link.client.connect

        def cut(clean, timeout, error=error, connect=connect):
            connect(clean, timeout)
            raise error

        link.client.connect = cut
        link.polls()
        assert not link.out.connected and link.out.failures == 1


def packages(client=MQTTClient, **more):
    package = Package(client)
    more["umqtt"] = package
    more["umqtt.simple"] = package
    return fakes.Modules(**more)


def test_made_by_config():
    fakes.install()
    login = path("login.txt")
    write(login, b"user\n" + SECRET.encode() + b"\n")
    MQTTClient.broker = Broker()
    wanted = {"kind": "mqtt", "broker": "192.168.1.2", "topic": "t", "login": login}
    with packages(network=None):
        out = outputs.make(wanted)
    out.poll()
    client = out._client
    assert (client.server, client.port, client.keepalive) == ("192.168.1.2", 1883, 60)
    assert MQTTClient.broker.logins == [("tinysense-e6610431", "user", SECRET)]
    with packages(network=Network(in_use=False)):
        assert outputs.make(wanted)._online is None  # a cable, perhaps
    with packages(network=Network()):
        assert outputs.make(wanted)._online is not None
    MQTTClient.broker = None


def test_config_mistakes_show_no_secret():
    fakes.install()
    raises(ConfigError, ("umqtt.simple is missing", "mpremote mip install umqtt.simple"),
           outputs.make, {"kind": "mqtt", "broker": "b"})
    with packages():
        login = path("login.txt")
        raises(ConfigError, ("login", "errno 2"), outputs.make,
               {"kind": "mqtt", "broker": "b", "login": login})
        write(login, SECRET.encode())
        e = raises(ConfigError, ("login", "two lines"), outputs.make,
                   {"kind": "mqtt", "broker": "b", "login": login})
        assert SECRET not in str(e)
        e = raises(ConfigError, ("unknown key 'password'",), outputs.make,
                   {"kind": "mqtt", "broker": "b", "password": SECRET})
        assert SECRET not in str(e)
