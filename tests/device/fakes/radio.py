"""A fake of the module bluetooth: a radio whose clients connect, listen and go."""

EIO = 5


class UUID:
    def __init__(self, text):
        self.text = text


class BLE:
    """``seen``: for each client, the notifications it got."""

    def __init__(self):
        self.on = False
        self.name = self.handler = self.services = None
        self.interval_us = None  # while it advertises
        self.advert = self.answer = b""
        self.value, self.room = b"", 20
        self.seen = {}
        self.refuses = 0  # so many calls end in OSError

    def active(self, on):
        self.on = on

    def config(self, gap_name):
        self.name = gap_name

    def irq(self, handler):
        self.handler = handler

    def gatts_register_services(self, services):
        assert self.on and self.interval_us is None
        self.services = services
        return ((21,),)

    def gatts_set_buffer(self, handle, length):
        assert handle == 21
        self.room = length

    def gatts_write(self, handle, data):
        assert self.on and handle == 21
        self.value = bytes(data)

    def gatts_notify(self, client, handle, data):
        self._refuse()
        assert handle == 21
        if client not in self.seen:
            raise OSError(EIO)
        self.seen[client].append(bytes(data))

    def gap_advertise(self, interval_us, adv_data=None, resp_data=None):
        self._refuse()
        assert self.on
        self.interval_us = interval_us
        if interval_us is not None:
            assert len(adv_data) <= 31 and len(resp_data) <= 31
            self.advert, self.answer = adv_data, resp_data

    def connect(self, client):
        """Somebody answers the advertisement, which ends with it."""
        assert self.interval_us is not None, "nobody can connect: it does not advertise"
        self.interval_us = None
        self.seen[client] = []
        self.handler(1, (client, 0, memoryview(b"\1\2\3\4\5\6")))

    def disconnect(self, client):
        del self.seen[client]
        self.handler(2, (client, 0, memoryview(b"\1\2\3\4\5\6")))

    def _refuse(self):
        if self.refuses:
            self.refuses -= 1
            raise OSError(EIO)


class Bluetooth:
    """The module."""

    def __init__(self):
        self.UUID, self.BLE = UUID, BLE
