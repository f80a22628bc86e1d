"""Window over the core's ring, against a list that does the same."""

from expect import frames, numbers, raises
from tinysense.errors import TinysenseError
from tinysense.window import Window


def windows(length, hop, pushes, channels=1, capacity=0):
    """Every window that pushes of so many frames give; frame i holds i in every channel."""
    w = Window(length, hop, channels, capacity)
    out, made, result = bytearray(2 * length * channels), 0, []
    for n in pushes:
        w.push(frames(*[made + i for i in range(n) for _ in range(channels)]), n)
        made += n
        while w.ready():
            w.take(out)
            result.append(numbers(out)[::channels])
    return result


def test_first_window_is_the_first_frames():
    for length in (1, 2, 3, 7, 8, 9):
        for hop in (1, length // 2 or 1, length):
            assert windows(length, hop, [length])[0] == list(range(length)), (length, hop)


def test_windows_follow_by_hop():
    for length, hop in ((1, 1), (4, 1), (4, 3), (4, 4), (5, 2), (8, 7)):
        for chunk in range(1, hop + 1):
            count = 5 * length
            got = windows(length, hop, [chunk] * (count // chunk), channels=3)
            total = count // chunk * chunk
            want = [list(range(at, at + length)) for at in range(0, total - length + 1, hop)]
            assert got == want, (length, hop, chunk)


def test_start_of_a_push():
    w = Window(2, 2, 1)
    w.push(frames(1, 2, 3, 4), 2, 2)
    out = bytearray(4)
    w.take(out)
    assert numbers(out) == [3, 4]


def test_overwritten_frames_are_counted():
    w = Window(4, 2, 1, 5)
    for n, lost in ((4, 0), (1, 0), (1, 1), (3, 4)):
        w.push(frames(*range(n)), n)
        assert w.overwritten == lost


def test_clear_forgets():
    w = Window(3, 1, 1)
    w.push(frames(1, 2), 2)
    w.clear()
    w.push(frames(3, 4), 2)
    assert not w.ready()
    w.push(frames(5), 1)
    out = bytearray(6)
    w.take(out)
    assert numbers(out) == [3, 4, 5]


def test_refusals():
    for length, hop, channels, capacity in ((0, 1, 1, 0), (4, 0, 1, 0), (4, 5, 1, 0), (4, 4, 0, 0),
                                            (4, 4, 17, 0), (4, 2, 1, 3)):
        raises(TinysenseError, "window", Window, length, hop, channels, capacity)
    w = Window(2, 1, 1)
    raises(TinysenseError, "window", w.take, bytearray(4))
    raises(TinysenseError, "window", w.push, bytearray(2), 2)
    raises(TinysenseError, "window", w.push, bytearray(4), 2, 1)
    w.push(bytearray(4), 2)
    raises(TinysenseError, "window", w.take, bytearray(3))
