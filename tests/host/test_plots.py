"""plots.py and `tinysense plot`: what is drawn where, files whole or not at all."""

import xml.etree.ElementTree as ET

import numpy as np
import pytest
from tone_model import melody, program, silence, tone, tone_model
from typer.testing import CliRunner

from tinysense_host.cli import app
from tinysense_host.errors import TinysenseError
from tinysense_host.sound import levels_of
from tinysense_host.sound.listening import Heard, Track, load_hearing, track
from tinysense_host.sound.spectrogram import COLUMNS, envelope, feature_rows, spectrogram

pytest.importorskip("matplotlib", reason="needs pip install 'tinysense[sound]'")
soundfile = pytest.importorskip("soundfile", reason="needs pip install 'tinysense[sound]'")

import matplotlib.image  # noqa: E402  (after the skip)

from tinysense_host import plots  # noqa: E402
from tinysense_host.plots import Curve, draw_hearing, draw_tradeoff  # noqa: E402


def run(*arguments):
    return CliRunner().invoke(app, [str(a) for a in arguments])


@pytest.fixture
def figures(monkeypatch):
    """Keeps the figures that are drawn, to look into their axes."""
    from matplotlib.figure import Figure

    kept, plain = [], Figure.savefig

    def saved(self, *args, **options):
        kept.append(self)
        return plain(self, *args, **options)

    monkeypatch.setattr(Figure, "savefig", saved)
    return kept


# ---- Numbers ----


@pytest.mark.parametrize("hz", [500, 3000])
@pytest.mark.parametrize("seconds", [0.5, 40.0])
def test_a_sine_is_a_line_at_its_frequency_and_level(hz, seconds):
    image = spectrogram(tone(hz, seconds, 0.5), 16000)
    middle = image.values[:, image.values.shape[1] // 2]
    assert abs(int(np.argmax(middle)) * 16000 / 512 - hz) <= 16
    assert middle.max() == pytest.approx(-9.03, abs=0.1)  # RMS of half a full scale
    assert image.values.shape[1] <= COLUMNS and image.values.min() >= -100.01


def test_a_spectrogram_lies_where_its_windows_lie():
    image = spectrogram(melody(), 16000)
    columns = image.values.shape[1]
    edges = np.linspace(image.start, image.end, columns + 1)
    loud = np.flatnonzero(image.values[16] > -40)
    assert edges[loud[0]] == pytest.approx(0.5, abs=0.03)
    assert edges[loud[-1] + 1] == pytest.approx(1.0, abs=0.03)
    assert spectrogram(silence(0.001), 16000).values.shape == (257, 1)


def test_the_envelope_holds_the_extremes():
    samples = np.random.default_rng(1).integers(-32768, 32768, 100_003).astype(np.int16)
    seconds, low, high = envelope(samples, 16000)
    assert len(seconds) <= COLUMNS and (seconds < 100_003 / 16000).all()
    assert (low.min() * 32768, high.max() * 32768) == (samples.min(), samples.max())


def test_feature_rows_are_what_the_network_gets(tmp_path):
    feat = program().to_bytes()
    image = feature_rows(melody(), 16000, feat)
    # The last window that completes an input is the newest row: inputs every two windows.
    assert image.values.shape == (3, 248) and image.values.dtype == np.int8
    middle = np.linspace(image.start, image.end, 249)[:-1] + 0.005
    low, high = image.values[0], image.values[2]
    assert (low > high)[(middle > 0.52) & (middle < 0.98)].all()
    assert (low < high)[(middle > 1.52) & (middle < 1.98)].all()
    assert (low == -128)[middle < 0.48].all()
    long = feature_rows(np.tile(melody(), 20), 16000, feat)
    assert long.values.shape[1] <= COLUMNS and long.end == pytest.approx(50.0, abs=0.04)
    with pytest.raises(TinysenseError, match="has 1600 samples, one input takes 1920"):
        feature_rows(silence(0.1), 16000, feat)


# ---- Pictures ----


def labels_of(figure):
    return [axes.get_ylabel().replace("\n", " ") for axes in figure.axes]


def test_panels_share_the_time_and_name_their_units(tmp_path, figures):
    (tmp_path / "m.tsm").write_bytes(tone_model())
    found = track(load_hearing(tmp_path / "m.tsm"), melody())
    draw_hearing(tmp_path / "a.png", melody(), 16000, feat=program().to_bytes(), track=found)
    (figure,) = figures
    assert labels_of(figure) == ["amplitude (full scale = 1)", "frequency (kHz)", "dBFS",
                                 "feature (number)", "int8", "score (mean of 2)"]
    scores = figure.axes[-1]
    assert scores.get_xlabel() == "time (s)" and scores.get_xlim() == (0, 2.5)
    assert all(axes.get_xlim() == (0, 2.5) for axes in figure.axes if "dBFS" not in axes.get_ylabel()
               and axes.get_ylabel() != "int8")  # fmt: skip
    lines = {line.get_label(): line for line in scores.get_lines()}
    assert {"quiet", "low", "high", "threshold 128"} <= set(lines)
    np.testing.assert_array_equal(lines["low"].get_ydata(), found.smoothed()[:, 1])
    marks = [tuple(map(float, (line.get_xdata()[0], line.get_ydata()[0])))
             for line in scores.get_lines() if line.get_marker() == "o"]  # fmt: skip
    assert marks == [(e.seconds, e.score) for e in found.events]
    assert [text.get_text() for text in scores.texts] == ["low", "low", "high", "high"]
    assert matplotlib.image.imread(tmp_path / "a.png").shape[1] == 1200


def test_of_many_labels_the_telling_ones_are_named(tmp_path, figures):
    labels = tuple(f"word{i}" for i in range(30))
    scores = np.zeros((50, 30), np.uint8)
    scores[20:30, 7], scores[5, 3] = 250, 60
    made = Track(labels, np.arange(50) / 50, scores, (Heard(0.5, "word29", 130),),
                 tuple(range(100, 130)))  # fmt: skip
    draw_hearing(tmp_path / "a.png", melody(), 16000, track=made)
    names = {line.get_label() for line in figures[0].axes[-1].get_lines()}
    assert {"word3", "word7", "word29", "other labels", "from 107"} <= names and "word8" not in names


def test_a_track_without_scores_can_be_drawn(tmp_path):
    made = Track(("a", "b"), np.zeros(0), np.zeros((0, 2), np.uint8), (), (128, 128), 3)
    draw_hearing(tmp_path / "a.png", silence(0.01), 16000, track=made)
    assert (tmp_path / "a.png").stat().st_size > 0


@pytest.mark.filterwarnings("error")
def test_labels_of_any_signs(tmp_path, figures):
    labels = ("_silence_", "a$b^", "\u4f60\u597d", "x" * 32)
    scores = np.full((20, 4), 200, np.uint8)
    made = Track(labels, np.arange(20) / 20, scores, (Heard(0.5, "a$b^", 200),), (1, 2, 3, 4), 1,
                 ("_silence_",))  # fmt: skip
    draw_hearing(tmp_path / "a.png", melody(), 16000, track=made, title="$5_000.wav")
    shown = [text.get_text() for text in figures[0].axes[-1].get_legend().get_texts()]
    assert {" _silence_", *labels[1:]} <= set(shown)


def test_svg_is_the_same_every_time(tmp_path):
    for name in ("a.svg", "b.SVG"):
        draw_hearing(tmp_path / name, melody(), 16000, title="a & b <c>")
    assert (tmp_path / "a.svg").read_bytes() == (tmp_path / "b.SVG").read_bytes()
    assert ET.parse(tmp_path / "a.svg").getroot().tag.endswith("svg")


def test_a_tradeoff(tmp_path, figures):
    curves = [Curve("keyword", [20, 4, 0.5, 0, 0], [0.01, 0.02, 0.06, 0.3, 0.5], 2, "threshold 200"),
              Curve("other", [10, 2, 0], [0.1, 0.2, 0.5])]
    draw_tradeoff(tmp_path / "a.svg", curves, (2, 0.2), budget=0.5, title="3.0 h")
    axes = figures[0].axes[0]
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("false accepts per hour", "false rejects (%)")
    lines = {line.get_label(): line for line in axes.get_lines()}
    assert list(lines["keyword"].get_xdata()) == [0, 0.5, 4, 20]
    assert list(lines["keyword"].get_ydata()) == [30, 6, 2, 1]
    assert list(lines["budget 0.5 per hour"].get_xdata()) == [0.5, 0.5]
    texts = [text.get_text() for text in axes.texts]
    assert texts == ["threshold 200: 0.5 per hour, 6.0 %", "chosen: 2 per hour, 20.0 %"]
    assert axes.get_xscale() == "symlog" and axes.get_xlim()[0] == 0


@pytest.mark.parametrize("rates", [[0, 0], [1, 1], [0.0]])
def test_a_tradeoff_of_few_points(tmp_path, rates):
    draw_tradeoff(tmp_path / "a.png", [Curve("m", rates, [0.0] * len(rates), 0)])
    assert (tmp_path / "a.png").stat().st_size > 0


def test_pictures_that_cannot_be(tmp_path):
    with pytest.raises(TinysenseError, match="no trade-off"):
        draw_tradeoff(tmp_path / "a.png", [Curve("m", [], [])])
    with pytest.raises(TinysenseError, match=r"neither \.png nor \.svg"):
        draw_hearing(tmp_path / "a.jpg", melody(), 16000)
    (tmp_path / "folder.png").mkdir()
    with pytest.raises(TinysenseError, match="is a folder"):
        draw_tradeoff(tmp_path / "folder.png", [Curve("m", [1], [0.5])])
    assert sorted(p.name for p in tmp_path.iterdir()) == ["folder.png"]


def test_colours_tell_apart_for_the_colour_blind():
    """Lightness alone parts the first six, for those who see no hue at all."""
    parts = np.array([[int(c[i : i + 2], 16) / 255 for i in (1, 3, 5)] for c in plots.COLORS])
    linear = np.where(parts <= 0.04045, parts / 12.92, ((parts + 0.055) / 1.055) ** 2.4)
    light = np.sort(linear @ [0.2126, 0.7152, 0.0722])
    assert (np.diff(light) > 0.01).all() and light.max() < 0.5  # all are seen on white


# ---- The command ----


@pytest.fixture
def files(tmp_path):
    (tmp_path / "m.tsm").write_bytes(tone_model())
    soundfile.write(tmp_path / "a.wav", melody(), 16000)
    return tmp_path


@pytest.mark.parametrize(("what", "axes"), [("both", 6), ("features", 5), ("scores", 4)])
def test_the_command(files, figures, what, axes):
    done = run("plot", files / "m.tsm", files / "a.wav", "-o", files / "p.png", "--what", what)
    assert done.exit_code == 0, done.output
    assert done.stdout.startswith("2.50 s") and ("4 events" in done.stdout) == (what != "features")
    assert len(figures[0].axes) == axes and (files / "p.png").is_file()


def test_a_part_of_a_sound(files, figures):
    done = run("plot", files / "m.tsm", files / "a.wav", "-o", files / "p.svg", "--start", 1.2,
               "--seconds", 1.1)  # fmt: skip
    assert done.exit_code == 0 and "1.10 s, 2 events" in done.stdout
    assert levels_of(melody()[19200:36800]).peak > 0.4


@pytest.mark.parametrize(("arguments", "says"), [
    (["{m}", "{a}", "-o", "{tmp}/p.pdf"], "neither .png nor .svg"),
    (["{m}", "{tmp}/no.wav", "-o", "{tmp}/p.png"], "no file at"),
    (["{tmp}/no.tsm", "{a}", "-o", "{tmp}/p.png"], "no model at"),
    (["{a}", "{a}", "-o", "{tmp}/p.png"], "not a .tsm model file"),
    (["{m}", "{a}", "-o", "{tmp}/p.png", "--seconds", "0.1"], "first score takes 0.12 s"),
    (["{m}", "{a}", "-o", "{tmp}/p.png", "--start", "9"], "has 0.00 s to draw"),
    (["{m}", "{a}", "-o", "{tmp}/no/p.png"], "cannot write"),
    (["{root}/models/gesture/gesture.tsm", "{a}", "-o", "{tmp}/p.png"], "listens to no microphone"),
])  # fmt: skip
def test_bad_input_is_one_line_and_status_1(files, root, arguments, says):
    done = run("plot", *(x.format(m=files / "m.tsm", a=files / "a.wav", tmp=files, root=root)
                         for x in arguments))  # fmt: skip
    assert (done.exit_code, len(done.stderr.splitlines())) == (1, 1), done.output
    assert says in done.stderr and not (files / "p.png").exists()
