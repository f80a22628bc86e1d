"""A model on trial: good after its windows, else the one before runs again; also after cuts."""

import os

import slot_board
import tiny
from expect import raises, read, write
from slot_board import Board, Cut
from tinysense import installing, slots, trials
from tinysense.drivers.replay import Feed
from tinysense.errors import ModelError
from tinysense.model import load
from tinysense.pipeline import Pipeline


def windows(model, n):
    for _ in range(n):
        model.run(tiny.window(20000))


def test_a_model_is_good_after_its_windows_and_costs_nothing_then():
    with Board() as board:
        board.put("one")
        m = load()
        assert m.name == "one" and m.trial is not None
        windows(m, trials.WINDOWS)
        assert board.state()["a"]["state"] == "trial"
        windows(m, 1)
        assert m.trial is None and board.state()["a"]["state"] == "good"
        before = board.operations
        windows(m, 50)
        m = load("tiny")
        windows(m, 50)
        assert m.trial is None and board.operations - before <= 8  # looks, and reads


def test_restarts_before_the_windows_are_done_bring_the_old_one_back():
    with Board() as board:
        board.good("one")
        board.put("two")
        for start in range(4):
            m = board.restarted()
            assert m.name == "two", start
            windows(m, 3)
        m = board.restarted()
        assert m.name == "one" and m.trial is None
        state = board.state()
        assert (state["active"], state["b"]["state"], state["tries"]) == ("a", "bad", 0)
        report = installing.report()[0]
        assert "restarted 4 times before the first 20 windows" in report["why"]
        assert (report["slot"], report["to"], report["to_slot"]) == ("b", "tiny", "a")
        assert report["sha256"] == board.sha("two")
        assert board.restarted().name == "one"
        assert len(installing.report(forget=True)) == 1 and installing.report() == []
        raises(ModelError, "failed before", installing.rollback)


def test_two_restarts_by_the_watchdog_are_enough_and_sleep_counts_for_nothing():
    machine = slot_board.Machine()
    for cause, most in ((machine.WDT_RESET, 2), (machine.DEEPSLEEP_RESET, 9)):
        machine.cause = cause
        with Board(machine) as board:
            board.good("one")
            board.put("two")
            for _ in range(most):
                m = board.restarted()
                assert m.name == "two"
                windows(m, 1)
            assert board.restarted().name == ("one" if most == 2 else "two")


def test_loading_alone_and_an_ordinary_end_are_no_failed_start():
    with Board() as board:
        board.good("one")
        board.put("two")
        for _ in range(9):
            assert board.restarted().name == "two"
        for left in (15, 10, 5, 0):
            pipeline = Pipeline(Feed(25000, 3, "g", 4), board.restarted())
            windows(pipeline.model, 5)
            pipeline.close()
            assert board.state()["left"] == left and board.state()["tries"] == 0
        assert board.state()["b"]["state"] == "good" and board.restarted().trial is None


def test_a_pipeline_that_only_waits_counts_as_begun():
    with Board() as board:
        board.good("one")
        board.put("two")
        for _ in range(4):
            Pipeline(Feed(25000, 3, "g", 4), board.restarted())
        assert board.restarted().name == "one"


def test_a_model_that_raises_has_not_ended_well():
    with Board() as board:
        board.good("one")
        board.put("two")
        for _ in range(4):
            pipeline = Pipeline(Feed(25000, 3, "g", 4), board.restarted())
            raises(ModelError, "row of", pipeline.model.push_row, bytes(1)) \
                if pipeline.model.row_bytes else pipeline.model.trial.failed()
            pipeline.close()
        assert board.restarted().name == "one"


def test_a_selftest_is_no_window():
    with Board() as board:
        board.put("one")
        m = load()
        for _ in range(30):
            m.selftest(quiet=True)
        assert m.trial is not None and board.state()["left"] == trials.WINDOWS


def test_a_file_that_can_not_be_loaded_is_replaced_by_the_one_before():
    with Board() as board:
        for spoil in (lambda d: d[:-9], lambda d: d[:99] + bytes([d[99] ^ 4]) + d[100:], None):
            board.wiped()
            board.good("one")
            board.good("two")
            file = slots.file_of("tiny", "b")
            if spoil is None:
                os.remove(file)
            else:
                write(file, spoil(read(file)))
            assert board.restarted().name == "one"
            assert board.state()["active"] == "a"
            assert len(installing.report()) == 1


def test_wrong_golden_outputs_at_a_start_bring_the_old_one_back():
    with Board() as board:
        board.good("one")
        board.put("two")
        file = slots.file_of("tiny", "b")
        hurt = bytearray(read(file))
        hurt[-4] ^= 1
        write(file, tiny.seal(hurt))
        assert load(selftest=True).name == "one"
        assert "golden outputs equal" in installing.report()[0]["why"]


def test_nothing_to_go_back_to():
    with Board() as board:
        board.put("one")
        for _ in range(4):
            windows(board.restarted(), 1)
        for _ in range(3):  # there is no better one: it goes on, and is reported once
            assert board.restarted().name == "one"
        report = installing.report()
        assert len(report) == 1 and report[0]["to"] is None
        os.remove(slots.file_of("tiny", "a"))
        raises(OSError, "no file", load)
        assert len(installing.report()) == 1


def test_a_new_model_that_fails_gives_way_to_the_one_that_ran_before():
    with Board() as board:
        board.plain("plain")
        board.good("one", "first")
        board.put("two", "second")
        for _ in range(4):
            windows(board.restarted(), 1)
        assert board.restarted().name == "one" and slots.current() == "first"
        assert installing.report()[0]["to"] == "first"
        board.wiped()
        board.plain("plain")
        board.put("two", "second")
        for _ in range(4):
            windows(board.restarted(), 1)
        assert board.restarted().name == "plain" and slots.current() == ""
        assert board.restarted("second").name == "two"  # who asks for it gets it


def every_cut(prepared, action, names):
    """Does action with a cut before each operation, and within each write; then what starts."""
    for fat in (False, True):
        with Board(fat=fat) as board:
            prepared(board)
            first = board.operations
            action(board)
            cuts = [(first + i, torn) for i, size in enumerate(board.sizes[first:])
                    for torn in ((False, True) if size else (False,))]
            assert len(cuts) >= 4 and board.restarted().name == names[-1]
        for cut, torn in cuts:
            with Board(fat=fat) as board:
                prepared(board)
                board.cut_at, board.torn = cut, torn
                try:
                    action(board)
                    raise AssertionError("no cut")
                except Cut:
                    pass
                m = board.restarted()
                assert m.name in names, (fat, cut, m.name)
                m.selftest(quiet=True)
                windows(m, 1)
                board.put("two")
                assert board.restarted().name == "two", (fat, cut)


def test_a_cut_at_any_moment_of_an_upload():
    every_cut(lambda board: board.good("one"), lambda board: board.put("two"), ("one", "two"))


def test_a_cut_at_any_moment_of_the_first_upload_over_a_plain_file():
    every_cut(lambda board: board.plain("plain"), lambda board: board.put("two"),
              ("plain", "two"))


def test_a_cut_at_any_moment_of_a_trial():
    def prepared(board):
        board.good("one")
        board.put("two")

    def action(board):
        windows(board.restarted(), trials.WINDOWS + 1)

    every_cut(prepared, action, ("two",))


def test_a_cut_at_any_moment_of_going_back():
    def prepared(board):
        board.good("one")
        board.put("two")
        for _ in range(4):
            windows(board.restarted(), 1)

    def action(board):
        assert board.restarted().name == "one"

    every_cut(prepared, action, ("one",))


def test_a_cut_at_any_moment_of_going_back_to_another_model():
    def prepared(board):
        board.good("one", "first")
        board.put("two")
        for _ in range(4):
            windows(board.restarted(), 1)

    def action(board):
        assert board.restarted().name == "one"

    every_cut(prepared, action, ("one",))
