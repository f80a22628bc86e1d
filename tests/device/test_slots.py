"""Which file of a model runs, and what is refused."""

import json
import os

from expect import exists, path, raises, read, write
from slot_board import Board, named, signed_in
from tinysense import installing, slots
from tinysense.errors import ModelError
from tinysense.model import load


def test_names_that_can_not_leave_the_folder():
    for good in ("gesture", "a", "two-words_3", "x" * 32):
        assert slots.checked(good) == good
    for bad in ("", "..", "Gesture", "a.b", "a/b", "x" * 33, "ä", "a\0", None, 3):
        raises(ModelError, "at most 32 small letters", slots.checked, bad)
    raises(ModelError, "expected a or b", slots.file_of, "gesture", "c")


def test_without_slots_the_plain_file_runs():
    with Board() as board:
        raises(OSError, ("no file", "tinysense upload"), load)
        board.plain("plain")
        assert load().name == load("").name == "plain"
        raises(OSError, ("no model gesture here", "tinysense upload"), load, "gesture")
        raises(ModelError, "small letters", load, "Gesture")


def test_a_good_file_is_not_blamed_for_missing_memory():
    with Board() as board:
        board.good("one")
        board.good("two")

        def no_memory(*rest):
            raise MemoryError("none")

        kept, slots.opened = slots.opened, no_memory
        try:
            raises(MemoryError, "none", load)
        finally:
            slots.opened = kept
        assert board.restarted().name == "two" and installing.report() == []


def test_damaged_slots_json():
    with Board() as board:
        board.good("one")
        place = slots.ROOT + "/tiny/slots.json"
        whole = read(place)
        for text in (b"", b"{", whole[:-1], whole[: len(whole) // 2], b"[]\n", b"3\n",
                     b'{"active": "c"}\n', b'{"active": "a"}\n', b'{"active": 3}\n', b"\xff\n"):
            write(place, text)
            assert slots.read("tiny") is None, text
            raises(OSError, "no model tiny here", load)
            write(place + ".part", whole)
            assert slots.read("tiny") is None  # only where slots.json is not there at all
            os.remove(place)
            assert load().name == "one"
            write(place + ".part", whole[:-1])
            raises(OSError, "no model tiny here", load)
        write(place, whole)
        assert load().name == "one"
        assert json.loads(whole)["a"]["golden"] == [3, 3]


def test_a_key_wants_signatures():
    with Board() as board:
        board.good("one")
        asked = []
        with signed_in(lambda *given: asked.append(given)):
            assert load().name == "one"
        assert asked[0][0] == "tiny" and asked[0][2] == ""
        assert bytes(asked[0][1]).hex() == board.sha("one")


def test_a_file_by_its_path_goes_as_before():
    with Board():
        place = path("m.tsm")
        write(place, named("plain"))
        assert load(place).name == "plain" and load(place).trial is None
        assert not exists(place + ".part")
