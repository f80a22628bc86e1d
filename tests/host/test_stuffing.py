"""Frames to a board: byte 3 is never in them, and all comes back."""

import os

import pytest

from tinysense_host.link import stuffing


@pytest.mark.parametrize("data", [
    b"", b"\x03", b"\x03\x03", b"a\x03", b"\x03a", bytes(range(256)) * 4, b"\x03" * 1000,
    b"a" * 253, b"a" * 254, b"a" * 255, b"a" * 508 + b"\x03", b"a" * 254 + b"\x03" + b"b" * 254])
def test_all_comes_back_without_a_three(data):
    stuffed = stuffing.stuff(data)
    assert 3 not in stuffed and stuffing.unstuff(stuffed) == data
    assert len(stuffed) <= len(data) + 1 + (len(data) + 1) // 254 + 1


def test_random_data():
    for n in range(0, 1100, 7):
        data = os.urandom(n)
        stuffed = stuffing.stuff(data)
        assert 3 not in stuffed and stuffing.unstuff(stuffed) == data


@pytest.mark.parametrize("bad", [b"\x05ab", b"\x01\x03", b"\x00a", b"\x02\x03"])
def test_what_was_never_stuffed(bad):
    assert stuffing.unstuff(bad) is None


def test_a_frame_never_interrupts():
    for number in (0, 3, 0x0303, 0xFFFF):
        frame = stuffing.request(3, number, bytes(range(256)) * 4, 3)
        assert frame.startswith(b"\xa5\x5a") and 3 not in frame
        assert frame[2] & frame[3] & 0x80
        assert (frame[2] & 0x7F) + ((frame[3] & 0x7F) << 7) == len(frame) - 4
        assert len(frame) - 4 <= 1044       # the board's buffer
        assert len(frame) <= len(stuffing.FILLER)
    assert 3 not in stuffing.FILLER and 0xA5 not in stuffing.FILLER
