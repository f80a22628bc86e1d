"""What a board can't hold or run is refused with numbers, before anything is sent."""

import struct
from dataclasses import replace

import pytest
import tiny

from tinysense.native import ABI
from tinysense_host.deploy.preflight import (
    FLASH_SLACK_BYTES,
    RAM_SLACK_BYTES,
    fits_driver,
    needs,
    preflight,
)
from tinysense_host.device import Device
from tinysense_host.errors import TinysenseError
from tinysense_host.link.transport_fake import FakeTransport
from tinysense_host.modelfile import ModelFile

DATA = tiny.build()
MODEL = ModelFile.read(DATA)
TOTAL, BLOCK = needs(MODEL, len(DATA))
FACTS = {"rate_mhz": 25000, "channels": ["x", "y", "z"], "units": "g", "full_scale": 4}


def info(**changes):
    return replace(Device(FakeTransport()).info(), **changes)


def test_needs_counts_file_arena_work_window_and_ring():
    work = struct.unpack("<I", MODEL.feat[12:16])[0]
    assert len(DATA) + MODEL.arena_bytes + work + 6 * (4 + 4 + 2) == TOTAL
    assert max(len(DATA), MODEL.arena_bytes) == BLOCK


@pytest.mark.parametrize(("changes", "fine"), [
    ({}, True),
    ({"ram_free": TOTAL + RAM_SLACK_BYTES}, True),
    ({"ram_free": TOTAL + RAM_SLACK_BYTES - 1}, False),
    ({"ram_largest": BLOCK}, True),
    ({"ram_largest": BLOCK - 1}, False),
    ({"ram_free": -1, "ram_largest": -1}, True),
    ({"flash_free": len(DATA) + FLASH_SLACK_BYTES}, True),
    ({"flash_free": len(DATA) + FLASH_SLACK_BYTES - 1}, False),
    ({"flash_free": -1}, True),
    ({"version": "1.25.0"}, True),
    ({"version": "1.26.0-preview"}, True),
    ({"version": "2.0"}, True),
    ({"version": "1.24.1"}, False),
    ({"version": ""}, False),
    ({"firmware": "cpython", "version": "3.12.1"}, True),
    ({"firmware": "circuitpython", "version": "9.2.0"}, False),
    ({"abi": ABI - 1}, False),
    ({"abi": ABI - 1, "core": "native"}, False),
    ({"abi": None}, False),
    ({"core": "absent"}, False),
    ({"core": "broken: it speaks version 7"}, False),
    ({"package": None}, False)])
def test_preflight_at_its_bounds(changes, fine):
    if fine:
        preflight(MODEL, len(DATA), info(**changes))
    else:
        with pytest.raises(TinysenseError) as caught:
            preflight(MODEL, len(DATA), info(**changes))
        assert caught.value.hint


def test_too_little_ram_says_needed_free_and_largest_block():
    with pytest.raises(TinysenseError) as caught:
        preflight(MODEL, len(DATA), info(ram_free=5000, ram_largest=700))
    for number in (TOTAL + RAM_SLACK_BYTES, MODEL.arena_bytes, len(DATA), BLOCK, 5000, 700):
        assert str(number) in caught.value.message


def test_the_driver_is_compared_by_the_rule_of_the_device():
    told = {"driver": "replay", "axes": "-y x z", "note": "", "facts": FACTS}
    assert fits_driver(MODEL, told) == ("replay", "")
    assert fits_driver(MODEL, told | {"facts": FACTS | {"full_scale": [8, 4, 4]}}) == ("replay", "")
    none = {"driver": "mpu6050", "axes": "", "note": "OSError: no chip", "facts": None}
    assert fits_driver(MODEL, none) == ("mpu6050", "OSError: no chip")
    for facts, axes, said in (
            ({"rate_mhz": 26500}, "", "wants 25 Hz"), ({"units": ["g", "g", "dps"]}, "", "in g"),
            ({"full_scale": 3.9}, "", "clips at"), ({}, "y x", "names 2 axes"),
            ({}, "x x y", "twice"), ({"channels": ["a"]}, "", "wants 3 channels")):
        with pytest.raises(TinysenseError, match=said):
            fits_driver(MODEL, told | {"facts": FACTS | facts, "axes": axes})


@pytest.mark.parametrize("facts", [
    {}, {"rate_mhz": None}, {"channels": 3}, {"channels": [1, 2, 3]}, {"full_scale": "wide"},
    {"full_scale": None}, {"units": 7}, {"units": ["g"]}, {"rate_mhz": "fast"}])
def test_nonsense_from_a_board_is_one_line(facts):
    told = {"driver": "x", "axes": "", "note": "", "facts": FACTS | facts if facts else {"a": 1}}
    if facts == {"channels": [1, 2, 3]}:
        told["axes"] = "x y z"
    with pytest.raises(TinysenseError):
        fits_driver(MODEL, told)
