"""recipe.py: a recipe is read whole; what is wrong with it is named."""

import pytest

from tinysense_host.errors import TinysenseError
from tinysense_host.recipe import load_recipe

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


def test_no_recipe(tmp_path):
    with pytest.raises(TinysenseError, match="no recipe at"):
        load_recipe(tmp_path)


def test_every_recipe_of_the_project_loads(root):
    found = sorted((root / "models").glob("*/recipe.toml"))
    assert found
    for path in found:
        assert load_recipe(path).name == path.parent.name
