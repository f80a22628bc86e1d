"""sound/microphone.py against a fake PortAudio: devices, blocks, losses, what is missing."""

import sys

import numpy as np
import pytest
from fake_sounddevice import Sound
from tone_model import tone

from tinysense_host.errors import TinysenseError
from tinysense_host.sound.microphone import Microphone, input_devices


@pytest.fixture
def portaudio(monkeypatch):
    """Puts a fake in the place of sounddevice."""

    def put(**options):
        module = Sound(**options)
        monkeypatch.setitem(sys.modules, "sounddevice", module)
        return module

    return put


class Clock:
    """A clock that tests turn."""

    now = 0.0

    def __call__(self):
        return self.now


def read(microphone, room=160):
    """All that waits, in chunks as a pipeline takes them: samples, dropped before each chunk."""
    buffer, parts, dropped = bytearray(2 * room), [], []
    while (n := microphone.read_into(buffer)) > 0:
        parts.append(np.frombuffer(bytes(buffer[: 2 * n]), np.int16))
        dropped.append(microphone.dropped)
    return np.concatenate(parts) if parts else np.zeros(0, np.int16), dropped


def test_blocks_become_samples(portaudio):
    module = portaudio()
    with Microphone(16000) as microphone:
        assert (microphone.name, module.stream.device) == ("Desk microphone", 1)
        assert (microphone.rate_mhz, microphone.channels, microphone.units) == (16000000, 1, "pcm")
        assert module.stream.block == 320 and read(microphone)[0].size == 0
        sound = tone(500, 0.5)
        module.stream.send(sound)
        assert np.array_equal(read(microphone, 100)[0], sound)
        assert (microphone.blocks, microphone.dropped, microphone.done) == (25, 0, False)
        assert microphone.meter.levels().samples == 8000
    assert microphone.done and not module.stream.running


def test_it_ends_after_so_many_seconds(portaudio):
    module = portaudio()
    microphone = Microphone(16000, seconds=0.11)
    module.stream.send(tone(500, 0.5))
    assert len(read(microphone)[0]) == 1760 and microphone.done


def test_an_overrun_is_a_loss_where_it_happened(portaudio):
    module = portaudio()
    microphone = Microphone(16000)
    module.stream.send(tone(500, 0.02))
    module.stream.send(tone(500, 0.02), lost=4000)
    module.stream.send(tone(500, 0.02), lost=1)
    samples, dropped = read(microphone)
    assert len(samples) == 960 and microphone.overruns == 2
    # Where PortAudio's clock says less than a block, a block is taken for lost.
    assert dropped == [0, 0, 4000, 4000, 4320, 4320]


def test_a_slow_reader_loses_what_comes_after_two_seconds(portaudio):
    module = portaudio()
    microphone = Microphone(16000)
    sound = np.arange(48000, dtype=np.int32).astype(np.int16)
    module.stream.send(sound)
    samples, dropped = read(microphone)
    assert np.array_equal(samples, sound[:32000]) and set(dropped) == {0}
    module.stream.send(sound[:320])
    samples, dropped = read(microphone)
    assert np.array_equal(samples, sound[:320]) and dropped == [16000, 16000]
    assert microphone.overruns == 0


def test_a_device_that_falls_silent_is_named(portaudio):
    module, clock = portaudio(), Clock()
    microphone = Microphone(16000, now=clock)
    clock.now = 2.9
    module.stream.send(tone(500, 0.02))
    read(microphone)
    clock.now = 5.8
    assert read(microphone)[0].size == 0
    clock.now = 6.0
    with pytest.raises(TinysenseError, match="Desk microphone gave no sound for 3 s"):
        read(microphone)


@pytest.mark.parametrize(("device", "number"), [(2, 2), ("headset", 2), ("Desk", 1), (None, 1)])
def test_devices_by_number_or_name(portaudio, device, number):
    module = portaudio()
    assert input_devices() == [(1, "Desk microphone"), (2, "Headset")]
    Microphone(16000, device)
    assert module.stream.device == number


@pytest.mark.parametrize(("options", "device", "says"), [
    ({}, 9, "no microphone 9. choose with --device from: 1 Desk microphone, 2 Headset"),
    ({}, 0, "no microphone 0. choose"),
    ({}, "piano", "no microphone 'piano'. choose"),
    ({"usual": None}, None, "no usual microphone is set. choose with --device from: 1 Desk"),
    ({"devices": [("Speakers", 0)]}, None, "this computer has no microphone"),
    ({"devices": []}, None, "this computer has no microphone"),
    ({"rates": (48000,)}, None, r"Desk microphone does not record at 16000 Hz \(Invalid sample"),
    ({"busy": True}, None, r"Desk microphone cannot be opened \(Device unavailable"),
])  # fmt: skip
def test_what_is_missing_is_one_line(portaudio, options, device, says):
    portaudio(**options)
    with pytest.raises(TinysenseError, match=says) as found:
        Microphone(16000, device)
    assert "\n" not in str(found.value)


def test_without_the_package(monkeypatch):
    monkeypatch.setitem(sys.modules, "sounddevice", None)
    with pytest.raises(TinysenseError, match=r"pip install 'tinysense\[sound\]'"):
        Microphone(16000)


def test_without_portaudio(monkeypatch, tmp_path):
    # As sounddevice itself does, when it is imported.
    (tmp_path / "sounddevice.py").write_text("raise OSError('PortAudio library not found')")
    monkeypatch.delitem(sys.modules, "sounddevice", raising=False)
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(TinysenseError, match="apt install libportaudio2"):
        Microphone(16000)
