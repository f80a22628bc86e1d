"""Three configs become one."""

import copy
import random

import pytest

from tinysense_host.sync.merging import ABSENT, Conflict, Merge, merge

BASE = {"model": "a", "smooth": 3, "outputs": ["serial"], "driver_options": {"scl": 5, "sda": 4},
        "threshold": {"ring": 9}}


def changed(**keys):
    made = copy.deepcopy(BASE)
    for key, value in keys.items():
        if isinstance(value, dict):
            made[key] = made.get(key, {}) | value
        else:
            made[key] = value
    return made


@pytest.mark.parametrize(("host", "board", "merged"), [
    (BASE, BASE, BASE),
    (changed(model="b"), BASE, changed(model="b")),
    (BASE, changed(model="b"), changed(model="b")),
    (changed(model="b"), changed(model="b"), changed(model="b")),
    (changed(model="b"), changed(smooth=1), changed(model="b", smooth=1)),
    (changed(driver_options={"scl": 7}), changed(driver_options={"id": 1}),
     changed(driver_options={"scl": 7, "id": 1})),
    ({k: v for k, v in BASE.items() if k != "smooth"}, changed(model="b"),
     {k: v for k, v in changed(model="b").items() if k != "smooth"}),
    (changed(axes="y -x z"), changed(recorder={"note": "x"}),
     changed(axes="y -x z", recorder={"note": "x"}))])
def test_what_one_side_changed_is_taken(host, board, merged):
    before = copy.deepcopy((BASE, host, board))
    assert merge(BASE, host, board) == Merge(merged)
    assert (BASE, host, board) == before


@pytest.mark.parametrize(("host", "board", "conflict"), [
    (changed(model="b"), changed(model="c"), Conflict("model", "a", "b", "c")),
    (changed(driver_options={"scl": 7}), changed(driver_options={"scl": 8}),
     Conflict("driver_options.scl", 5, 7, 8)),
    (changed(outputs=["led"]), changed(outputs=[]), Conflict("outputs", ["serial"], ["led"], [])),
    ({k: v for k, v in BASE.items() if k != "model"}, changed(model="b"),
     Conflict("model", "a", ABSENT, "b")),
    (changed(axes="x"), changed(axes="y"), Conflict("axes", ABSENT, "x", "y")),
    (changed(smooth=True), changed(smooth=1), Conflict("smooth", 3, True, 1)),
    (changed(threshold=1), changed(threshold={"ring": 8}),
     Conflict("threshold", {"ring": 9}, 1, {"ring": 8}))])
def test_what_both_changed_is_a_conflict(host, board, conflict):
    assert merge(BASE, host, board).conflicts == (conflict,)
    for side, value in (("host", conflict.host), ("board", conflict.board)):
        done = merge(BASE, host, board, side)
        found = done.config
        for key in conflict.key.split("."):
            found = found.get(key, ABSENT)
        assert done.conflicts == () and found == value


def test_a_side_without_a_config_gets_the_others():
    assert merge(BASE, None, BASE).config == merge(BASE, BASE, None).config == BASE
    assert merge(BASE, None, None).config is None
    assert merge(None, {}, None).config == {}


def test_without_a_common_state_nothing_is_lost():
    done = merge(None, {"a": 1, "o": {"x": 1}}, {"b": 2, "o": {"y": 2}})
    assert done == Merge({"a": 1, "b": 2, "o": {"x": 1, "y": 2}})
    assert merge(None, {"a": 1}, {"a": 2}).conflicts == (Conflict("a", ABSENT, 1, 2),)


def test_a_merge_is_stable_whatever_the_three_are():
    """Merged again with itself as the common state, and with either side, nothing changes."""
    rng = random.Random(7)

    def some(depth=0):
        made = {}
        for key in "abc":
            kind = rng.random()
            if kind < 0.5:
                made[key] = rng.randint(0, 2)
            elif kind < 0.7 and depth < 2:
                made[key] = some(depth + 1)
            elif kind < 0.8:
                made[key] = [rng.randint(0, 1)]
        return made

    for _ in range(2000):
        common, host, board = some(), some(), some()
        for side, winner in (("host", host), ("board", board)):
            merged = merge(common, host, board, side).config
            assert merge(merged, merged, merged) == Merge(merged)
            assert merge(common, merged, winner, side).config == merged
        other = merge(common, board, host)
        assert other.config is not None
        assert len(other.conflicts) == len(merge(common, host, board).conflicts)
