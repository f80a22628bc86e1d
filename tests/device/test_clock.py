"""The sample clock: no drift, no allocation, at any rate."""

from expect import Ticks
from tinysense.sensing.clock import Clock


def test_first_call_gives_one():
    for rate_mhz in (1000, 25000, 1000000, 16000000):
        assert Clock(rate_mhz, Ticks(12345)).due() == 1


def test_counts_whole_periods():
    for at_us, due in ((0, 0), (39999, 0), (40000, 1), (79999, 1), (80000, 2), (1000000, 25)):
        now = Ticks()
        clock = Clock(25000, now)
        clock.due()
        now.now = at_us
        assert clock.due() == due, at_us


def test_does_not_drift():
    # however often it is asked, after ten seconds as many have come as the rate says
    for rate_mhz in (3907, 25000, 26000, 52083, 99999, 1000000):
        for step_us in (1000, 3333, 9999, 50001):
            now = Ticks()
            clock = Clock(rate_mhz, now)
            total = 0
            while now.now <= 10000000:
                total += clock.due()
                now.now += step_us
            want = (now.now - step_us) * rate_mhz // 1000000000 + 1
            assert abs(total - want) <= 1, (rate_mhz, step_us, total, want)


def test_stop_forgets_the_pause():
    now = Ticks()
    clock = Clock(25000, now)
    clock.due()
    clock.stop()
    now.now = 10000000
    assert clock.due() == 1
    assert clock.due() == 0
