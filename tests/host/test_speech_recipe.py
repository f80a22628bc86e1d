"""speech/recipe.py: a recipe for sound is read whole; what is wrong with it is named."""

import pytest
from tone_clips import RECIPE

from tinysense_host.errors import TinysenseError
from tinysense_host.speech.recipe import SpeechRecipe
from tinysense_host.training.recipe import load_any_recipe, load_recipe


@pytest.fixture
def write(tmp_path):
    def write(text):
        (tmp_path / "recipe.toml").write_text(text)
        return tmp_path

    return write


def test_values_and_defaults(write):
    recipe = load_any_recipe(write(RECIPE))
    assert isinstance(recipe, SpeechRecipe)
    assert recipe.labels == ("quiet", "other", "low", "high") and recipe.background == (0, 1)
    assert (recipe.rate, recipe.window, recipe.hop) == (16000, 480, 320)
    assert recipe.span == 480 + 24 * 320
    assert (recipe.rest, recipe.silence) == (1, 0)
    assert [recipe.share(i) for i in range(4)] == [0.5, 1.0, 1.0, 1.0]
    assert recipe.network.first == (16, 3, 40, 1)


def test_quick_values(write):
    assert load_any_recipe(write(RECIPE)).quickened().training.steps == 5


def test_silence_may_be_the_rest(write):
    recipe = load_any_recipe(write(RECIPE.replace('silence = "quiet"', "")))
    assert recipe.silence == recipe.rest == 1


def test_a_recipe_for_sound_is_none_for_motion(write):
    with pytest.raises(TinysenseError, match="is for sound, expected one for motion"):
        load_recipe(write(RECIPE))


@pytest.mark.parametrize(
    "old, new, message",
    [
        ('rest = "other"', 'rest = "others"', "others is not among the labels"),
        ('silence = "quiet"', 'silence = "hush"', "hush is not among the labels"),
        ('"low", "high"]', '"low", "low"]', "labels: two or more, each once"),
        ("rate_hz = 16000", "rate_hz = 8000", "sensor.rate_hz must be 16000"),
        ('units = "pcm"', 'units = "g"', 'units "pcm"'),
        ("rows = 25", "rows = 6", "kernels over time are longer"),
        ("rows = 25", "rows = 300", "step_rows <= rows <= 255"),
        ("step_rows = 2", "step_rows = 1", "strides multiply to 2"),
        ("rows = 25", "rows = 25\nupper_hz = 9000", "upper_hz <= half"),
        ("copies = 4", "copies = 0", "copies must be 1 or more"),
        ("room = 0.2", "room = 1.2", "augmentation.room must be 0 to 1"),
        ("room = 0.2", "snr_db = [20, 3]", "snr_db must be"),
        ("room = 0.2", "warp = 0.9", "warp must be 0 to 0.5"),
        ("first = [16, 3, 40, 1]", "first = [16, 3, 41, 1]", "more channels than"),
        ("first = [16, 3, 40, 1]", "first = [0, 3, 40, 1]", "every number must be 1"),
        ("blocks = [[16, 5, 2], ", "blocks = [[16, 5], ", "expected 3 numbers"),
        ("folds = 3", "folds = 1", "folds must be 2 or more"),
        ("folds = 3", "folds = 3\ntested = 3", "tested must be below"),
        ("steps = 5", "stepz = 5", "unknown key 'stepz'"),
        ("steps = 5", "steps = 0", "steps and batch must be 1 or more"),
        ("[quick.training]", "[quick.quack]", "\\[quick\\] may hold tables"),
        ('background = ["quiet", "other"]', "background = []", "must name a label"),
        ('licence = ""', "", "key 'licence' is missing"),
    ],
)
def test_what_is_wrong_is_named(write, tmp_path, old, new, message):
    assert old in RECIPE
    with pytest.raises(TinysenseError, match=message) as caught:
        load_any_recipe(write(RECIPE.replace(old, new, 1)))
    assert str(tmp_path) in str(caught.value) and "\n" not in str(caught.value)
