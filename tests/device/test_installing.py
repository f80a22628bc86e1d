"""What a computer does with the models on a board."""

import json
import os

import tiny
from expect import exists, path, raises, read, write
from slot_board import Board, made, named, signed_in
from tinysense import installing, slots, trials
from tinysense.errors import ModelError
from tinysense.model import load
from tinysense.recording import Writer


class Configured:
    """The board's config names a recording as its driver."""

    def __init__(self, rate_mhz=25000, **more):
        self._config = {"driver": "replay", "driver_options": {"path": path("a.tsr")}}
        self._config.update(more)
        with Writer(self._config["driver_options"]["path"], rate_mhz, 3, "g", 4) as writer:
            writer.write(bytes(60), 10)

    def __enter__(self):
        self._kept = installing.config.load
        full = installing.config.validate(self._config)
        installing.config.load = lambda: full
        self._made, installing._made = installing._made, made

    def __exit__(self, *exc):
        installing.config.load, installing._made = self._kept, self._made


def test_files_take_turns():
    with Board() as board:
        assert installing.prepare("tiny")["slot"] == "a"
        board.good("one")
        told = installing.prepare("tiny", board.sha("two"))
        assert told == {"slot": "b", "path": slots.ROOT + "/tiny/b.tsm"}
        board.good("two")
        assert installing.prepare("tiny", "0" * 64)["slot"] == "a"
        for name, slot in (("one", "a"), ("two", "b")):  # where it is already
            assert installing.prepare("tiny", board.sha(name))["slot"] == slot


def test_the_good_file_is_never_overwritten():
    with Board() as board:
        board.good("one")
        board.put("two")
        assert installing.prepare("tiny", board.sha("three"))["slot"] == "b"
        assert board.state()["active"] == "a" and load().name == "one"
        board.put("three")
        assert load().name == "three"
        os.remove(slots.file_of("tiny", "a"))  # then the one on trial is the best there is
        assert installing.prepare("tiny", board.sha("four"))["slot"] == "a"
        assert board.state()["active"] == "b"


def test_install_says_what_it_found_and_keeps_it():
    with Board() as board, Configured():
        told = board.put("one")
        assert told == {"golden": [3, 3], "driver": "replay", "note": ""}
        state = board.state()
        assert state["a"] == {"size": len(named("one")), "sha256": board.sha("one"),
                              "uploaded": "2026-01-02T03:04:05Z", "signature": "",
                              "golden": [3, 3], "state": "trial", "source": "",
                              "kernels": installing.core.kernels()}
        assert (state["active"], state["left"], state["before"]) == ("a", 20, "")
        assert slots.current() == "tiny"
        installing.install("tiny", "a", board.sha("one"), windows=0)
        assert board.state()["a"]["state"] == "good" and board.state()["left"] == 0
        installing.install("tiny", "a", board.sha("one"))  # what is good stays so
        assert board.state()["a"]["state"] == "good"


def refused(board, said, *args):
    before = read(slots.ROOT + "/tiny/slots.json")
    raises(ModelError, said, installing.install, "tiny", *args)
    assert read(slots.ROOT + "/tiny/slots.json") == before and load().name == "one"


def test_install_refuses_and_changes_nothing():
    with Board() as board:
        with Configured():
            board.good("one")
        write(slots.file_of("tiny", "b"), named("two"))
        refused(board, ("expected a file with SHA-256 000000000000", "upload it again"), "b",
                "0" * 64)
        with Configured(50000):
            refused(board, ("model wants 25 Hz", "the driver runs at 50"), "b", board.sha("two"))
        hurt = bytearray(named("two"))
        hurt[-4] ^= 1
        write(slots.file_of("tiny", "b"), tiny.seal(hurt))
        refused(board, "golden outputs equal", "b", trials.sha256(slots.file_of("tiny", "b")))
        write(slots.file_of("tiny", "b"), b"GIF8")
        refused(board, "not a .tsm", "b", trials.sha256(slots.file_of("tiny", "b")))
        refused(board, "expected a or b", "c", "0" * 64)
        raises(OSError, (), installing.install, "none", "a", "0" * 64)
        raises(ModelError, "small letters", installing.install, "../etc", "a", "0" * 64)


def test_install_asks_for_the_signature():
    def only(name, digest, signature):
        if signature != "abc":
            raise ModelError("model %s is not signed" % name)

    with Board() as board:
        board.good("one")
        write(slots.file_of("tiny", "b"), named("two"))
        with signed_in(lambda name, digest, signature: None):
            load()
        with signed_in(only):
            raises(ModelError, "not signed", installing.install, "tiny", "b", board.sha("two"))
            installing.install("tiny", "b", board.sha("two"), signature="abc")
            assert board.state()["b"]["signature"] == "abc" and load().name == "two"


def test_trial_of_a_plain_file():
    with Board() as board, Configured():
        board.plain("plain")
        assert installing.trial(slots.PLAIN) == {"golden": [3, 3], "driver": "replay", "note": ""}
        assert installing.trial(slots.PLAIN, False)["golden"] == [0, 0]
        write(slots.PLAIN, tiny.build(tiny.meta(sensor=None)))
        assert installing.trial(slots.PLAIN)["driver"] == ""


def test_driver_tells_what_it_gives():
    with Configured(axes="-y x z"):
        told = installing.driver(tiny.META["sensor"])
        assert (told["driver"], told["axes"], told["note"]) == ("replay", "-y x z", "")
        assert told["facts"]["rate_mhz"] == 25000 and len(told["facts"]["channels"]) == 3
        os.remove(installing.config.load()["driver_options"]["path"])
        told = installing.driver(tiny.META["sensor"])
        assert told["facts"] is None and told["note"]


def test_models_use_and_remove():
    with Board() as board:
        assert installing.models()["models"] == [] and installing.report() == []
        board.good("one", "first")
        board.put("two", "second")
        os.mkdir(slots.ROOT + "/Other")  # is no model's
        os.mkdir(slots.ROOT + "/empty")
        told = json.loads(json.dumps(installing.models()))
        assert [(m["name"], m["active"], m["a"]["state"], m["b"]) for m in told["models"]] == [
            ("first", "a", "good", None), ("second", "a", "trial", None)]
        assert (told["current"], told["config"], told["note"]) == ("second", "", "")
        assert told["kernels"] and told["key"] is False
        assert installing.use("first")["current"] == slots.current() == "first"
        raises(ModelError, ("no model third here", "first second"), installing.use, "third")
        raises(ModelError, "first is the one that runs", installing.remove, "first")
        raises(ModelError, "no model third", installing.remove, "third")
        raises(ModelError, "small letters", installing.remove, "..")
        assert [m["name"] for m in installing.remove("second")["models"]] == ["first"]
        assert not exists(slots.ROOT + "/second") and load().name == "one"
        installing.remove("empty")
        board.plain("plain")
        assert installing.use("")["current"] == "" and load().name == "plain"


def test_a_config_that_can_not_be_read_is_a_note():
    kept = installing.config.load

    def damaged():
        raise installing.config.ConfigError("not JSON")

    with Board():
        installing.config.load = damaged
        try:
            told = installing.models()
        finally:
            installing.config.load = kept
    assert told["config"] is None and told["note"] == "not JSON"


def test_rollback_goes_back_and_forth():
    with Board() as board:
        raises(ModelError, "to go back to", installing.rollback)
        board.good("one")
        raises(ModelError, "no other whole file", installing.rollback, "tiny")
        board.good("two")
        assert installing.rollback() == {"name": "tiny", "from": "b", "to": "a",
                                         "sha256": board.sha("one")}
        assert board.restarted().name == "one" and load().trial is None
        installing.rollback("tiny")
        assert board.restarted().name == "two"
        write(slots.file_of("tiny", "a"), named("three"))  # not what slots.json says
        raises(ModelError, "no other whole file", installing.rollback)


def test_a_model_with_a_damaged_slots_json_can_be_put_there_again():
    with Board() as board:
        board.good("one")
        write(slots.ROOT + "/tiny/slots.json", b"{")
        assert installing.models()["models"] == []
        board.put("two")
        assert load().name == "two"
