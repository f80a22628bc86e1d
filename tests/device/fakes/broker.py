"""A fake of umqtt.simple's client, and the broker and network behind it."""

ECONNABORTED, ETIMEDOUT, EHOSTUNREACH = 103, 110, 113


class MQTTException(Exception):
    pass


class Broker:
    """``up``: it can be reached. ``code``: why it refuses, or 0. ``mute``: it answers no ping."""

    def __init__(self):
        self.up, self.code, self.mute = True, 0, False
        self.messages = []
        self.logins = []
        self.pings = self.attempts = self.goodbyes = 0


class Socket:
    """A connection; like MicroPython's, readinto() gives None where nothing came."""

    def __init__(self):
        self.timeout = None
        self.came = b""
        self.open = True

    def settimeout(self, seconds):
        self.timeout = seconds

    def setblocking(self, on):
        self.timeout = None if on else 0

    def readinto(self, buf):
        assert self.open and self.timeout == 0, "a read would wait"
        if not self.came:
            return None
        n = min(len(buf), len(self.came))
        buf[:n] = self.came[:n]
        self.came = self.came[n:]
        return n

    def close(self):
        self.open = False


class MQTTClient:
    broker = None  # set by the test

    def __init__(self, client_id, server, port=0, user=None, password=None, keepalive=0):
        self.client_id, self.server, self.port = client_id, server, port
        self.user, self.pswd, self.keepalive = user, password, keepalive
        self.sock = None

    def connect(self, clean_session=True, timeout=None):
        assert timeout is not None, "it would wait for ever"
        self.broker.attempts += 1
        self.sock = Socket()
        self.sock.settimeout(timeout)
        if not self.broker.up:
            raise OSError(EHOSTUNREACH)
        if self.broker.code:
            raise MQTTException(self.broker.code)
        self.broker.logins.append((self.client_id, self.user, self.pswd))
        return 0

    def publish(self, topic, message, retain=False, qos=0):
        self._write()
        self.broker.messages.append((topic, message))

    def ping(self):
        self._write()
        self.broker.pings += 1
        if not self.broker.mute:
            self.sock.came += b"\xd0\0"

    def disconnect(self):
        self._write()
        self.broker.goodbyes += 1
        self.sock.close()

    def _write(self):
        assert self.sock.open and self.sock.timeout, "a write would wait for ever, or not at all"
        if not self.broker.up:
            raise OSError(ECONNABORTED)


class OldClient(MQTTClient):
    """Of a time when connect() knew no timeout."""

    def connect(self, clean_session=True):
        raise AssertionError("it must not be called without a timeout")


class Package:
    """The module umqtt.simple."""

    def __init__(self, client=MQTTClient):
        self.MQTTClient = client
        self.MQTTException = MQTTException


class Network:
    """The module network, with a station that ``up`` says is connected."""

    def __init__(self, in_use=True):
        self.STA_IF = 0
        self.up = False
        network = self

        class WLAN:
            def __init__(self, interface):
                assert interface == 0

            def active(self):
                return in_use

            def isconnected(self):
                return network.up

        self.WLAN = WLAN
