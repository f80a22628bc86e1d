"""Tones and clips on an I2S whose clock the test turns."""

import struct
from math import pi, sin

import fakes
from expect import Ticks, path, raises, write
from fakes.sound import I2S
from tinysense import outputs
from tinysense.decision import Event
from tinysense.errors import ConfigError
from tinysense.outputs.sound import SILENCE_BYTES, Sound, tone

RATE = 16000
BUFFER = 2048
BUFFER_MS = 64  # of 16 kHz mono


def wav(samples, rate=RATE, channels=1, bits=16, kind=1, before=b"", after=b"", cut=0):
    """A WAV file; ``before`` and ``after``: chunks around the data."""
    body = bytes(samples)
    form = struct.pack("<4sIHHIIHH", b"fmt ", 16, kind, channels, rate,
                       rate * channels * bits // 8, channels * bits // 8, bits)
    chunks = form + before + struct.pack("<4sI", b"data", len(body)) + body + after
    whole = struct.pack("<4sI4s", b"RIFF", 4 + len(chunks), b"WAVE") + chunks
    return whole[:len(whole) - cut]


def ramp(n):
    return bytes((i * 7 + i // 256) & 0xFF for i in range(2 * n))


def play(sound, i2s, now, most=200):
    """Polls until nothing more comes; returns all that was written."""
    for _ in range(most):
        count = len(i2s.writes)
        i2s.taken()
        now.now += BUFFER_MS // 2
        sound.poll()
        if len(i2s.writes) == count:
            break
    return b"".join(i2s.writes)


def test_a_tone_is_the_sine_that_was_asked_for():
    for hertz, rate, channels, volume in ((440, 16000, 1, 100), (1000, 44100, 2, 50),
                                          (50, 16000, 1, 100), (4000, 16000, 1, 100)):
        piece = tone(hertz, rate, channels, volume, 4096)
        assert len(piece) <= 4096 and len(piece) % (2 * channels) == 0
        values = struct.unpack("<%dh" % (len(piece) // 2), piece)
        frames = len(values) // channels
        left = [values[i * channels] for i in range(frames)]
        assert max(values) > 32767 * volume // 100 * 0.9 and min(values) == -max(values)
        assert left == [values[i * channels + channels - 1] for i in range(frames)]
        for i in range(frames):
            want = 32767 * volume / 100 * sin(2 * pi * hertz * i / rate)
            # the last period may be off by what makes it fit the piece
            assert abs(left[i] - want) < 0.03 * 32767, (hertz, i, left[i], want)
        step = abs(left[0] - left[-1])  # it follows on itself without a click
        assert step <= max(abs(left[i + 1] - left[i]) for i in range(frames - 1)) + 1


def test_a_tone_lasts_as_long_as_it_should_then_silence():
    i2s, now = I2S(), Ticks()
    sound = Sound(i2s, {"ring": 500}, RATE, 1, 200, 50, BUFFER, now)
    sound.emit(Event("rest"))
    sound.poll()
    assert i2s.writes == []
    sound.emit(Event("ring"))
    got = play(sound, i2s, now)
    played = len(got) - SILENCE_BYTES
    assert 200 * 32 <= played < 200 * 32 + BUFFER and got[played:] == bytes(SILENCE_BYTES)
    assert got[:64] == bytes(tone(500, RATE, 1, 50, BUFFER))[:64]
    assert sound.gaps == 0
    again = len(i2s.writes)
    sound.poll()
    assert len(i2s.writes) == again


def test_one_write_at_a_time_and_none_waits():
    i2s, now = I2S(), Ticks()
    sound = Sound(i2s, {"ring": 500}, RATE, 1, 500, 50, BUFFER, now)
    sound.emit(Event("ring"))
    for _ in range(5):
        sound.poll()  # the fake I2S refuses a second write before the first is taken
    assert len(i2s.writes) == 1
    i2s.taken()
    sound.poll()
    assert len(i2s.writes) == 2


def test_a_clip_is_played_to_the_byte_and_nothing_after_it():
    for n in (1, 255, 256, 1024, 1025, 3000):
        name = path("ring.wav")
        write(name, wav(ramp(n), before=b"LIST\3\0\0\0abc\0",
                        after=b"junk\4\0\0\0\xff\xff\xff\xff"))
        i2s, now = I2S(), Ticks()
        sound = Sound(i2s, {"ring": name}, RATE, buffer=BUFFER, now=now)
        for _ in range(2):
            i2s.writes = []
            sound.emit(Event("ring"))
            assert play(sound, i2s, now) == ramp(n) + bytes(SILENCE_BYTES), n
        assert max(len(w) for w in i2s.writes) <= BUFFER and sound.gaps == sound.errors == 0
        sound.close()
        assert not i2s.running


def test_stereo_and_a_cut_last_frame():
    name = path("ring.wav")
    write(name, wav(ramp(100)[:199], channels=2))  # 49 frames and three bytes
    i2s, now = I2S(), Ticks()
    sound = Sound(i2s, {"ring": name}, RATE, 2, buffer=BUFFER, now=now)
    sound.emit(Event("ring"))
    assert play(sound, i2s, now) == ramp(98) + bytes(SILENCE_BYTES)


def test_a_new_event_takes_over():
    name = path("wing.wav")
    write(name, wav(ramp(50)))
    i2s, now = I2S(), Ticks()
    sound = Sound(i2s, {"ring": 500, "wing": name}, RATE, 1, 5000, 50, BUFFER, now)
    sound.emit(Event("ring"))
    now.now = 10
    sound.emit(Event("wing"))
    assert len(i2s.writes) == 1  # the first piece is still on its way
    i2s.taken()
    sound.poll()
    assert i2s.writes[1] == ramp(50)
    assert play(sound, i2s, now).endswith(ramp(50) + bytes(SILENCE_BYTES))


def test_polls_that_come_too_late_are_counted():
    i2s, now = I2S(), Ticks()
    sound = Sound(i2s, {"ring": 500}, RATE, 1, 1000, 50, BUFFER, now)
    sound.emit(Event("ring"))
    for wait, gaps in ((60, 0), (60, 0), (200, 1), (60, 1), (70, 2)):
        i2s.taken()
        now.now += wait
        sound.poll()
        assert sound.gaps == gaps, (now.now, gaps)
    now.now += 5000
    i2s.taken()
    sound.emit(Event("ring"))  # a pause between sounds is no gap
    assert sound.gaps == 2


def test_a_lost_call_of_the_i2s_is_not_the_end():
    i2s, now = I2S(), Ticks()
    sound = Sound(i2s, {"ring": 500}, RATE, 1, 1000, 50, BUFFER, now)
    sound.emit(Event("ring"))
    i2s.pending = False  # all taken, but nobody was told
    for now.now in (100, 300):
        sound.poll()
        assert len(i2s.writes) == 1
    now.now = 400
    sound.poll()
    assert len(i2s.writes) == 2


def test_a_card_that_is_pulled_ends_the_clip():
    class Gone:
        def readinto(self, buf):
            raise OSError(5, "EIO")

        seek = readinto

        def close(self):
            pass

    name = path("ring.wav")
    write(name, wav(ramp(5000)))
    i2s, now = I2S(), Ticks()
    sound = Sound(i2s, {"ring": name, "wing": 500}, RATE, buffer=BUFFER, now=now)
    sound.emit(Event("ring"))
    clip = sound._sources["ring"]
    clip._file.close()
    clip._file = Gone()
    i2s.taken()
    sound.poll()
    i2s.taken()
    assert sound.errors == 1 and i2s.writes[-1] == bytes(SILENCE_BYTES)
    sound.emit(Event("ring"))
    assert sound.errors == 2
    i2s.writes = []
    sound.emit(Event("wing"))
    assert i2s.writes and i2s.writes[0] != bytes(len(i2s.writes[0]))


def test_refuses_files():
    name = path("ring.wav")
    for data, said in ((b"", "expected a WAV file"), (b"RIFFxxxxWAV", "expected a WAV file"),
                       (b"OggS" + bytes(60), "expected a WAV file"),
                       (wav(ramp(9), kind=3), "format 3"), (wav(ramp(9), bits=8), "of 8 bits"),
                       (wav(ramp(9), rate=8000), "8000 and 1"),
                       (wav(ramp(9), channels=2), "16000 and 2"),
                       (wav(ramp(9), cut=1), "cut short"), (wav(ramp(9))[:36], "fmt and data"),
                       (wav(ramp(9))[:12] + wav(ramp(9))[36:], "fmt and data"),
                       (wav(ramp(9))[:40] + b"\xff\xff\xff\xff", "cut short"),
                       (wav(ramp(9))[:20] + bytes(3), "cut short")):
        write(name, data)
        raises(ConfigError, ("sound", "ring.wav", said), Sound, I2S(), {"ring": name}, RATE)
    raises(ConfigError, ("none.wav", "errno 2"), Sound, I2S(), {"ring": path("none.wav")}, RATE)
    raises(ConfigError, ("without ..",), Sound, I2S(), {"ring": "../ring.wav"}, RATE)


def test_refuses_tones():
    for hertz in (19, 4001, 440.0, None, True):
        raises(ConfigError, ("sound of ring", "to 4000 Hz"), Sound, I2S(), {"ring": hertz}, RATE)
    raises(ConfigError, ("sound of ring", "94 to 12000 Hz"), Sound, I2S(), {"ring": 50}, 48000, 2,
           300, 50, BUFFER)


def test_made_by_config():
    fakes.install(I2S=I2S)
    sound = outputs.make({"kind": "sound", "id": 1, "sck": 26, "ws": 27, "sd": 28,
                          "sounds": {"ring": 880}, "rate": 22050, "channels": 2})
    sound.emit(Event("ring"))
    i2s, options = I2S.made, I2S.made.options
    assert i2s.number == 1 and len(i2s.writes[0]) > 2000
    assert (options["rate"], options["ibuf"], options["format"]) == (22050, 4096, I2S.STEREO)
    assert [options[pin].number for pin in ("sck", "ws", "sd")] == [26, 27, 28]
    fakes.install()
    raises(ConfigError, ("expected an I2S, got id 0, sck 1",), outputs.make,
           {"kind": "sound", "sck": 1, "ws": 2, "sd": 3, "sounds": {}})
