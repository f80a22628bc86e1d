"""field/times.py: UTC from pairs, drift, clocks that jump, files that hold anything."""

import random

import pytest

from tinysense_host.field.times import Pair, TrueTimes, iso, read_pairs, write_pairs

T0 = 1_780_000_000_000_000
S = 1_000_000


def test_one_pair_is_enough_for_all_of_a_start():
    times = TrueTimes([Pair(5, 100 * S, T0)])
    assert times.utc_us(5, 40 * S) == T0 - 60 * S
    assert times.utc_us(5, 160 * S) == T0 + 60 * S
    assert times.utc_us(6, 40 * S) == 0 and times.utc_us(0, 40 * S) == 0
    assert times.utc_us(5, 0) == 0      # nobody took that time


def test_more_pairs_correct_drift():
    day = 86400 * S
    fast = 1 + 50e-6
    times = TrueTimes([Pair(5, S, T0), Pair(5, S + round(day * fast), T0 + day)])
    middle = times.utc_us(5, S + round(day * fast / 2))
    assert abs(middle - (T0 + day // 2)) <= 1
    assert times.notes == []


@pytest.mark.parametrize(("apart_s", "fine"), [(0.5, True), (1.9, True), (2.5, False), (-3, False)])
def test_what_two_pairs_may_differ_by(apart_s, fine):
    a, b = Pair(5, 10 * S, T0), Pair(5, 20 * S, T0 + 10 * S + round(apart_s * S))
    times = TrueTimes([a, b])
    assert (times.notes == []) is fine
    if not fine:    # the first holds
        assert times.utc_us(5, 20 * S) == T0 + 10 * S
        assert f"by {apart_s:+.0f} s" in times.notes[0]


def test_a_slow_oscillator_is_no_jump():
    hour = 3600 * S
    assert TrueTimes([Pair(5, S, T0), Pair(5, S + hour, T0 + hour + 3 * S)]).notes == []


def test_the_largest_group_that_agrees_holds():
    good = [Pair(5, k * 10 * S, T0 + k * 10 * S) for k in range(1, 4)]
    times = TrueTimes([Pair(5, 5 * S, T0 - 86400 * 365 * S), *good])
    assert times.utc_us(5, 15 * S) == T0 + 15 * S
    assert "1 of 4 pairs" in times.notes[0]


def test_two_pairs_of_one_moment():
    times = TrueTimes([Pair(5, 10 * S, T0), Pair(5, 10 * S, T0 + 5), Pair(5, 20 * S, T0 + 10 * S)])
    for at in (9, 10, 15, 20, 25):
        assert abs(times.utc_us(5, at * S) - (T0 + (at - 10) * S)) < 10


def test_pairs_come_back():
    pairs = [Pair(1, 2, T0), Pair((1 << 32) - 1, 1 << 62, T0 + 7)]
    assert read_pairs(write_pairs(pairs)) == (pairs, 0)


@pytest.mark.parametrize("line", [
    "1 2", "1 2 3", f"0 2 {T0}", f"-1 2 {T0}", f"1 2 {T0} 4", f"{1 << 32} 2 {T0}", "a b c",
    f"1 {1 << 63} {T0}", f"1 2 {T0 * 100}", "1 2 1000", f"1 ² {T0}", f"1 2.0 {T0}", "\0",
    "9" * 5000 + f" 2 {T0}",
])  # fmt: skip
def test_lines_that_are_no_pairs(line):
    assert read_pairs(f"7 8 {T0}\n{line}\n\n") == ([Pair(7, 8, T0)], 1)


def test_any_bytes_at_all():
    chance = random.Random(5)
    for _ in range(500):
        text = bytes(chance.choice(b"0123456789 \n\r\0\xff-.") for _ in range(200)).decode("latin1")
        pairs, _ = read_pairs(text)
        times = TrueTimes(pairs)
        for pair in pairs:
            assert isinstance(times.utc_us(pair.boot, chance.randrange(1 << 63)), int)


@pytest.mark.parametrize("utc_us", [0, 1, -5, 1 << 62, (1 << 64) - 1, 4_102_444_800_000_000])
def test_times_that_cannot_be_are_unknown(utc_us):
    assert iso(utc_us) == ""


def test_iso():
    assert iso(T0) == "2026-05-28T20:26:40+00:00"
