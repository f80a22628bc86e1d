"""Manifests of microWakeWord, good and bad."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tinysense_host.errors import TinysenseError
from tinysense_host.manifest import Manifest, read_manifest

V2: dict[str, Any] = {
    "type": "micro", "wake_word": "Hey You", "model": "hey.tflite", "version": 2,
    "micro": {"probability_cutoff": 0.97, "feature_step_size": 10, "sliding_window_size": 5},
}  # fmt: skip
V1: dict[str, Any] = {
    "type": "micro", "wake_word": "Hey You", "model": "hey.tflite", "version": 1,
    "micro": {"probability_cutoff": 0.5, "sliding_window_average_size": 10},
}  # fmt: skip


def written(folder: Path, table: object) -> Path:
    path = folder / "m.json"
    path.write_text(table if isinstance(table, str) else json.dumps(table), encoding="utf-8")
    return path


def test_both_versions(tmp_path: Path) -> None:
    assert read_manifest(written(tmp_path, V2)) == Manifest("Hey You", 0.97, 5, 10)
    assert read_manifest(written(tmp_path, V1)) == Manifest("Hey You", 0.5, 10, 20)


@pytest.mark.parametrize("sliding", [1, 5, 10])
@pytest.mark.parametrize("cutoff", [0.0, 0.3, 0.5, 0.9, 0.97, 0.999, 1.0])
def test_threshold_is_above_the_cutoff_as_there(cutoff: float, sliding: int) -> None:
    """ESPHome: sum / (255 n) > cutoff. A mean of whole numbers decides alike."""
    threshold = Manifest("a", cutoff, sliding, 10).threshold
    for score in range(256):
        assert (score * sliding >= threshold * sliding) == (score * sliding / (255 * sliding) > cutoff)


def test_warmup() -> None:
    """The first mean is there with the first inference after 74 windows."""
    for stride in (1, 2, 3):
        manifest = Manifest("a", 0.5, 5, 10)
        first = (manifest.warmup(stride) + manifest.sliding_window) * stride
        assert 74 <= first < 74 + stride
    assert Manifest("a", 0.5, 200, 10).warmup(1) == 0


def changed(path: str, value: object) -> dict[str, Any]:
    table = json.loads(json.dumps(V2))
    *folders, key = path.split(".")
    inner = table
    for name in folders:
        inner = inner[name]
    if value is None:
        del inner[key]
    else:
        inner[key] = value
    return dict(table)


@pytest.mark.parametrize(("table", "said"), [
    ("{", "is not JSON"), ("[" * 100_000, "is not JSON"), ("[]", "is no manifest"),
    ("\ud800".encode("utf-8", "surrogatepass").decode("latin-1"), "is not JSON"),
    (changed("version", 3), "version"), (changed("version", True), "version"),
    (changed("type", "macro"), "is no manifest"), (changed("wake_word", None), '"wake_word"'),
    (changed("wake_word", 5), '"wake_word"'), (changed("wake_word", " "), '"wake_word"'),
    (changed("micro", []), '"micro" to be a table'),
    (changed("micro.probability_cutoff", 1.1), "from 0 to 1, got 1.1"),
    (changed("micro.probability_cutoff", "0.5"), "got '0.5'"),
    (changed("micro.probability_cutoff", float("nan")), "got nan"),
    (changed("micro.sliding_window_size", 0), "from 1 to 255, got 0"),
    (changed("micro.sliding_window_size", 2.5), "to be whole, got 2.5"),
    (changed("micro.feature_step_size", None), "got None"),
    (changed("micro.feature_step_size", 31), "from 1 to 30, got 31"),
])  # fmt: skip
def test_what_is_refused(table: object, said: str, tmp_path: Path) -> None:
    with pytest.raises(TinysenseError) as error:
        read_manifest(written(tmp_path, table))
    assert said in str(error.value) and "\n" not in str(error.value)


def test_no_file(tmp_path: Path) -> None:
    with pytest.raises(TinysenseError, match="cannot read"):
        read_manifest(tmp_path / "m.json")
    with pytest.raises(TinysenseError, match="cannot read"):
        read_manifest(tmp_path)
