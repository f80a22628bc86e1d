"""Windows that the model was not sure of are kept, with their scores."""

import os

import tiny
import tiny_sound
from expect import Ticks, path, raises
from tinysense.drivers.replay import Feed
from tinysense.errors import ConfigError
from tinysense.model import load
from tinysense.outputs.near_misses import NearMisses, build, note
from tinysense.pipeline import Pipeline
from tinysense.recording import Reader


def folder(name):
    where = path(name)
    try:
        for old in os.listdir(where):
            os.remove(where + "/" + old)
    except OSError:
        pass
    return where


def kept(where):
    out = []
    for name in sorted(os.listdir(where)):
        with Reader(where + "/" + name) as reader:
            for block in reader:
                out.append((block.note, block.label, block.count, bytes(block.frames[:2])))
    return out


def run(where, xs, step_ms=1000, **options):
    """A pipeline over windows whose x is given; hop by hop, so each x twice."""
    now = Ticks()
    out = NearMisses(where, now=now, **options)
    feed = Feed(25000, 3, "g", 4)
    pipeline = Pipeline(feed, load(tiny.build()), [out])
    for x in xs:
        now.now += step_ms
        feed.feed(tiny.window(x))
        pipeline.window.clear()
        while pipeline.step() or pipeline.window.ready() or feed.waiting:
            pass
    return out


def test_windows_in_the_band_are_kept_with_their_scores():
    where = folder("near_band")
    out = run(where, (0, 17920, 32767), low=125, high=200, pause_ms=0)
    assert out.kept == 1 and out.missed == 0
    found = kept(where)
    assert found[0][1:3] == ("", tiny.WINDOW) and found[0][3] == b"\x00\x46"
    assert found[0][0] == "near miss: ring=140 rest=120 wing=0"


def test_not_more_often_than_asked():
    where = folder("near_pause")
    assert run(where, (17920,) * 10, 500, low=125, high=200, pause_ms=2000).kept == 3


def test_only_labels_that_are_asked_for():
    where = folder("near_labels")
    assert run(where, (17920,), low=125, high=200, labels=("wing",), pause_ms=0).kept == 0
    assert run(where, (17920,), low=125, high=200, labels=("ring",), pause_ms=0).kept == 1


def test_without_room_it_counts_and_says_so():
    where = folder("near_full")
    now = Ticks()
    out = NearMisses(where, 125, 200, pause_ms=0, now=now)
    out._segments._free = lambda: 0
    model = load(tiny.build())
    model.run(tiny.window(17920))
    out.window(model, tiny.window(17920))
    assert (out.kept, out.missed) == (0, 1) and "full" in out.error
    assert kept(where) == []


def test_notes_fit_their_place():
    class Model:
        labels = ["label_number_%d" % i for i in range(20)]
        scores = bytes(range(100, 120))

    text = note(Model)
    assert text.startswith("near miss: label_number_19=119 ") and len(text) <= 60


def test_a_model_that_hears_more_than_a_window_is_refused():
    out = NearMisses(folder("near_sound"))
    model = load(tiny_sound.build(4, 1))
    raises(ConfigError, ("1440 frames for a score", "holds 480"), out.window, model, b"")


def test_options():
    raises(ConfigError, "low < high", NearMisses, folder("near_options"), 200, 100)
    options = {"folder": folder("near_built"), "low": 1, "high": 2, "labels": [], "pause_ms": 0,
               "keep_free_kb": 0}
    build(options).emit(None)
