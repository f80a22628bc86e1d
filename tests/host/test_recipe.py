"""recipe.py: a recipe is read whole; what is wrong with it is named."""

from dataclasses import replace

import pytest

from tinysense_host.errors import TinysenseError
from tinysense_host.modelfile import ModelFile
from tinysense_host.training.recipe import Reading, load_any_recipe, load_recipe

GOOD = """
name = "tiny"
labels = ["rest", "wave"]
window = 32
hop = 8
[sensor]
kind = "accelerometer"
units = "g"
channels = ["x", "y", "z"]
rate_hz = 25
full_scale = 4
[source]
folder = "nowhere"
url = ""
sha256 = ""
licence = ""
[network]
convolutions = [[4, 3, 2]]
[training]
epochs = 5
[decision]
smooth = 2
threshold = 200
background = ["rest"]
refractory_ms = 1000
[quick.training]
epochs = 1
"""


@pytest.fixture
def write(tmp_path):
    def write(text):
        (tmp_path / "recipe.toml").write_text(text)
        return tmp_path

    return write


def test_values_and_defaults(write):
    recipe = load_recipe(write(GOOD))
    assert recipe.labels == ("rest", "wave") and recipe.background == (0,)
    assert recipe.sensor.rate_mhz == 25000 and recipe.sensor.full_scale == 4.0
    assert recipe.network.convolutions == ((4, 3, 2),) and recipe.network.pool == 1
    assert recipe.augmentation.one_way == ()


def test_a_range_for_each_channel(write):
    sensor = load_recipe(write(GOOD.replace("full_scale = 4", "full_scale = [4, 4, 8.5]"))).sensor
    assert (sensor.full_scale, sensor.units) == ((4.0, 4.0, 8.5), "g")
    same = load_recipe(write(GOOD.replace("full_scale = 4", "full_scale = [4, 4, 4]"))).sensor
    assert (same.full_scale, same.full_scales) == (4.0, (4.0, 4.0, 4.0))


def test_quick_replaces_single_values(write):
    recipe = load_recipe(write(GOOD))
    quick = recipe.quickened()
    assert (recipe.training.epochs, quick.training.epochs) == (5, 1)
    assert quick.training.batch == recipe.training.batch and quick.sensor == recipe.sensor


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("hop = 8", "hopp = 8", "unknown key 'hopp'"),
        ("hop = 8", "", "key 'hop' is missing"),
        ("hop = 8", 'hop = "8"', "hop: expected int, got '8'"),
        ("hop = 8", "hop = true", "hop: expected int"),
        ("hop = 8", "hop = 33", "1 <= hop <= window"),
        ("hop = 8", "hop = 0", "1 <= hop <= window"),
        ('["rest", "wave"]', '["rest"]', "labels"),
        ('["rest", "wave"]', '["rest", "rest"]', "labels"),
        ('background = ["rest"]', 'background = ["quiet"]', "quiet is not among the labels"),
        ('background = ["rest"]', "background = []", "background"),
        ("[[4, 3, 2]]", "[[4, 3]]", "convolutions: expected 3 numbers"),
        ("[[4, 3, 2]]", "[]", "convolutions"),
        ('["x", "y", "z"]', '["x", "y"]', "three axes"),
        ('"g"', '["g", "g"]', "expected 3 values, one a channel, got 2"),
        ('"g"', "[1, 2, 3]", "units: expected str, got 1"),
        ('"g"', "4", "units: expected str, got 4"),
        ("full_scale = 4", "full_scale = []", "expected 3 values, one a channel, got 0"),
        ("full_scale = 4", "full_scale = [4, 4, 0]", "must be > 0"),
        ("full_scale = 4", 'full_scale = [4, 4, "4"]', "full_scale: expected float"),
        ('["x", "y", "z"]', '["x", "y", "z", "a", "b", "c"]', "or six: three in g"),
        ("[sensor]", "[[sensor]]", "sensor: expected a table"),
        ("[quick.training]", "[quick.treining]", "quick"),
        ("epochs = 1\n", 'epochs = "one"\n', "epochs: expected int"),
        ("epochs = 5", "epochs = 0", "training"),
        ("[sensor]", "[sensor", "is not TOML"),
    ],
)
def test_mistakes_are_named(write, old, new, says):
    assert old in GOOD
    with pytest.raises(TinysenseError, match=says.replace("[", r"\[")):
        load_recipe(write(GOOD.replace(old, new, 1)))


def test_no_recipe(tmp_path, monkeypatch, root):
    with pytest.raises(TinysenseError, match=f"the folder {tmp_path} holds no recipe.toml"):
        load_recipe(tmp_path)
    monkeypatch.chdir(tmp_path)
    with pytest.raises(TinysenseError, match=r"the folder \. holds no recipe.toml"):
        load_recipe(".")
    with pytest.raises(TinysenseError, match="no recipe at nothing"):
        load_recipe("nothing")
    for name in ("gesture.tsm", "README.md"):
        with pytest.raises(TinysenseError, match=f"{name} is no recipe: expected a folder"):
            load_recipe(root / "models/gesture" / name)


def test_a_model_says_how_it_reads_as_its_recipe_does(root):
    recipe = load_recipe(root / "models/gesture")
    model = ModelFile.load(root / "models/gesture/gesture.tsm")
    assert replace(Reading.of_model(model), who="the recipe") == recipe.reading


def test_a_model_without_a_sensor_says_nothing(root):
    model = ModelFile.load(root / "models/gesture/gesture.tsm")
    del model.meta["sensor"]
    with pytest.raises(TinysenseError, match="'gesture' does not say what it reads"):
        Reading.of_model(model)


def test_a_label_that_fits_no_recording_is_refused_before_training(write):
    with pytest.raises(TinysenseError, match=r"recipe\.toml: label 'wwww.* has 40 bytes"):
        load_recipe(write(GOOD.replace('"wave"', '"' + "w" * 40 + '"')))


def test_every_recipe_of_the_project_loads(root):
    found = sorted((root / "models").glob("*/recipe.toml"))
    assert found
    for path in found:
        assert load_any_recipe(path).name == path.parent.name
