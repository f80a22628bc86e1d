"""card.py: a command fills in its part of a model card and nothing else."""

import numpy as np
import pytest

from tinysense_host.card import markdown, replace_part, write_folds
from tinysense_host.errors import TinysenseError
from tinysense_host.evaluate import Score

CARD = "# a\n<!-- begin: folds (by a command) -->\nold\n<!-- end: folds -->\nafter\n"


def test_only_the_part_changes(tmp_path):
    card = tmp_path / "README.md"
    card.write_text(CARD)
    for content in (r"new \1", "newer"):
        replace_part(card, "folds", content)
        assert card.read_text() == CARD.replace("\nold\n", f"\n{content}\n")


def test_missing_part_is_named(tmp_path):
    card = tmp_path / "README.md"
    card.write_text(CARD)
    with pytest.raises(TinysenseError, match="no part 'model'"):
        replace_part(card, "model", "x")
    assert card.read_text() == CARD


def test_table():
    assert markdown(["a", "b"], [["x", "1"]]) == "| a | b |\n| --- | ---: |\n| x | 1 |"


def test_folds_say_mean_worst_and_false_events_per_hour(tmp_path):
    card = tmp_path / "README.md"
    card.write_text(CARD)
    common = {"labels": ("negative", "wing"), "background": ("negative",)}
    scores = [
        Score(name="ada", confusion=np.array([[2, 0], [0, 8]]), false_events=0, hours=0.25,
              short_false=0, short=2, detected=7, missed=1, threshold=230, **common),
        Score(name="bob", confusion=np.array([[1, 1], [0, 2]]), false_events=1, hours=0.25,
              short_false=1, short=1, detected=2, missed=0, threshold=225, **common),
    ]  # fmt: skip
    write_folds(card, scores)
    text = card.read_text()
    assert "| ada | 10 | 10 | 100.00 % |" in text and "| bob | 4 | 3 | 75.00 % |" in text
    assert "| mean | 14 | 13 | 87.50 % |" in text and "| worst |  |  | 75.00 % |" in text
    assert "| negative | 3 | 1 |" in text
    assert "1 false events in 1800 s (0.500 h) of background, 2.0 per hour" in text


def test_the_shipped_card_describes_the_shipped_model(root):
    import hashlib

    folder = root / "models/gesture"
    card = (folder / "README.md").read_text()
    for name in ("gesture.tsm", "gesture.tflite"):
        assert hashlib.sha256((folder / name).read_bytes()).hexdigest() in card
