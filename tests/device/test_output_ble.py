"""Notifications over a radio that is not there."""

import fakes
from expect import Ticks, raises
from fakes.radio import BLE, Bluetooth
from tinysense import outputs
from tinysense.decision import Event
from tinysense.errors import ConfigError
from tinysense.outputs.ble import CHARACTERISTIC, CLIENTS, SERVICE, Ble

RING = Event("ring", 231, 0x01020304)
VALUE = b"\x01\xe7\x04\x03\x02\x01ring"
UUID_BYTES = b"\xc4\x51\x3f\x7a\x0b\x8d\x6e\x9a\x0d\x4e\xb8\x52\x01\x00\x1f\x6c"


def made(now=None, **options):
    radio = BLE()
    with fakes.Modules(bluetooth=Bluetooth()):
        out = Ble(radio, now=now or Ticks(), **options)
    out.watch(["rest", "ring"], b"")
    return radio, out


def test_it_advertises_its_service_and_name():
    radio, _ = made(name="bracelet", interval_ms=100)
    assert radio.on and radio.name == "bracelet" and radio.interval_us == 100000
    assert radio.advert == b"\x02\x01\x06\x11\x07" + UUID_BYTES
    assert radio.answer == b"\x09\x09bracelet"
    ((service, ((characteristic, flags),)),) = radio.services
    assert (service.text, characteristic.text, flags) == (SERVICE, CHARACTERISTIC, 0x12)


def test_clients_are_notified_and_others_can_read():
    radio, out = made()
    out.emit(RING)
    assert radio.value == VALUE and out.lost == 0
    radio.connect(5)
    out.emit(RING)
    out.emit(Event("rest", 9, 0))
    assert radio.seen[5] == [VALUE, b"\x00\x09\0\0\0\0rest"]
    out.emit(Event("gr\u00fcn", 1, 0x3FFFFFFF))  # not among the labels
    assert radio.seen[5][2] == b"\xff\x01\xff\xff\xff\x3fgr\xc3\xbcn"
    assert radio.room == len(VALUE)


def test_it_advertises_again_after_a_client_came_or_went():
    now = Ticks()
    radio, out = made(now)
    for client in range(CLIENTS):
        radio.connect(client)
        assert radio.interval_us is None
        now.now += 1000
        out.poll()
        assert (radio.interval_us is None) == (client == CLIENTS - 1), client
    assert out.clients == CLIENTS
    out.emit(RING)
    assert [radio.seen[c] for c in range(CLIENTS)] == [[VALUE]] * CLIENTS
    radio.disconnect(2)
    assert out.clients == CLIENTS - 1 and radio.interval_us is None  # not from the interrupt
    now.now += 1000
    out.poll()
    radio.connect(9)
    out.emit(RING)
    assert radio.seen[9] == [VALUE] and len(radio.seen[3]) == 2 and out.lost == 0


def test_a_radio_that_will_not_advertise_is_asked_again():
    now = Ticks()
    radio, out = made(now)
    radio.connect(1)
    radio.disconnect(1)
    radio.refuses = 1
    now.now = 1000
    out.poll()
    assert radio.interval_us is None and out.clients == 0
    now.now = 1999
    out.poll()
    assert radio.interval_us is None
    now.now = 2000
    out.poll()
    assert radio.interval_us == 250000


def test_what_the_radio_does_not_take_is_counted():
    radio, out = made()
    radio.connect(1)
    radio.refuses = 2
    for _ in range(3):
        out.emit(RING)
    assert out.lost == 2 and radio.seen[1] == [VALUE]


def test_other_events_of_the_radio_change_nothing():
    radio, out = made()
    radio.handler(21, (1, 2, 3))
    assert out.clients == 0 and radio.interval_us == 250000


def test_close():
    radio, out = made()
    out.close()
    assert not radio.on and radio.interval_us is None
    out.poll()
    assert radio.interval_us is None


def test_refuses():
    with fakes.Modules(bluetooth=Bluetooth()):
        for bad in ("", "180a", SERVICE + "0", SERVICE.replace("-", ""), "z" + SERVICE[1:]):
            raises(ConfigError, ("ble: service", "UUID"), Ble, BLE(), "x", bad)
            raises(ConfigError, ("ble: characteristic",), Ble, BLE(), "x", SERVICE, bad)
        for bad in ("", "n" * 30, "\u00fc" * 15):
            raises(ConfigError, ("ble: name", "1 to 29 bytes"), Ble, BLE(), bad)


def test_made_by_config():
    module = Bluetooth()
    with fakes.Modules(bluetooth=module):
        out = outputs.make({"kind": "ble", "name": "fan", "interval_ms": 1000})
    assert out._radio.name == "fan" and out._radio.interval_us == 1000000
    with fakes.Modules(bluetooth=None):
        raises(ConfigError, ("no module bluetooth", "radio"), outputs.make, "ble")
