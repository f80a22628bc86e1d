from __future__ import annotations

import contextlib
import hashlib
import io
import shutil
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from typer.testing import CliRunner

import tinysense
from tinysense_host import benchboard, convert, hostcore, tflite, vectors, verify
from tinysense_host.cli import app
from tinysense_host.corefiles import target_numbers
from tinysense_host.errors import TinysenseError
from tinysense_host.features import FeatureProgram, Raw, Rows, Spectrum
from tinysense_host.modelfile import Golden, ModelFile, Op, Tensor
from tinysense_host.ondevice import BoardModel
from tinysense_host.packing import pack
from tinysense_host.tflite import reference
from tinysense_host.vectors import Vector

CASES = Path(__file__).parents[1] / "golden" / "cases"


class FakeBoard:
    """A link whose board is this Python: runs what would be sent, files in a folder."""

    def __init__(self, folder: Path, hashes: bool = True, free: int = 10**6) -> None:
        self.folder = folder
        self.puts: list[str] = []
        self.globals: dict[str, object] = {"__name__": "board"}
        self.hashes, self.free = hashes, free

    def exec(self, code: str, timeout: float = 10.0) -> str:
        printed = io.StringIO()
        if "mem_free" in code:
            return f"{self.free}\n"
        if not self.hashes:
            code = code.replace("import hashlib as _th", "raise ImportError")
        with contextlib.chdir(self.folder) if hasattr(contextlib, "chdir") else _chdir(
            self.folder
        ), contextlib.redirect_stdout(printed):
            exec(compile(code, "board", "exec"), self.globals)
        return printed.getvalue()

    def put(self, data: bytes, path: str) -> None:
        self.puts.append(path)
        (self.folder / path).write_bytes(data)

    def get(self, path: str) -> bytes:
        return (self.folder / path).read_bytes()


@contextlib.contextmanager
def _chdir(folder: Path):
    import os

    before = os.getcwd()
    os.chdir(folder)
    try:
        yield
    finally:
        os.chdir(before)


def opened(name: str) -> verify.Opened:
    return verify.open_model(CASES / f"{name}.tflite")


def kept_case(name: str) -> verify.Case:
    """The golden case's own vectors, so that no TensorFlow is needed."""
    model = opened(name).model
    with np.load(CASES / f"{name}.npz") as found:
        inputs = [found[f"in{i}"] for i in range(model.n_inputs)]
        outputs = [found[f"out{i}"] for i in range(model.n_outputs)]
    rows = [b"".join(x.tobytes() for x in row) for row in zip(*inputs, strict=True)]
    named = [Vector(f"kept {i}", "bytes", row) for i, row in enumerate(rows)]
    return verify.Case(named, verify.join_outputs(outputs))


def test_equal_outputs() -> None:
    o = opened("keras_conv1d")
    report = verify.compare(kept_case("keras_conv1d"), verify.HostRunner(o.blob), o.model.outputs)
    assert report == verify.Report(10, 10, None)
    assert report.ok


def test_the_first_difference_is_named() -> None:
    o, case = opened("keras_residual1d"), kept_case("keras_residual1d")
    first = o.model.outputs[0].nbytes
    changed = bytearray(case.expected[7])
    changed[first + 1] ^= 1
    case.expected[7] = bytes(changed)
    report = verify.compare(case, verify.HostRunner(o.blob), o.model.outputs)
    assert (report.total, report.equal, report.ok) == (10, 9, False)
    assert str(report.first).startswith("kept 7: output 1 element 1: expected ")


def test_nothing_compared_is_not_a_success() -> None:
    assert not verify.Report(0, 0, None).ok


@pytest.mark.parametrize("name", ["keras_conv1d", "add", "fc_long", "keras_float_edges", "relu"])
@pytest.mark.parametrize("hashes", [True, False])
def test_a_board_gives_the_same(tmp_path: Path, name: str, hashes: bool) -> None:
    o = opened(name)
    given = vectors.boundary(o.model) + vectors.random(o.model, 30) + kept_case(name).vectors
    board = BoardModel(FakeBoard(tmp_path, hashes), o.blob)
    assert board.run(given) == verify.HostRunner(o.blob).run(given)
    board.close()
    assert list(tmp_path.iterdir()) == []


def test_a_board_is_sent_the_model_packed_for_its_core(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class M0(FakeBoard):
        sent = b""

        def info(self) -> SimpleNamespace:
            return SimpleNamespace(kernels="armv6m")

        def put(self, data: bytes, path: str) -> None:
            M0.sent = data
            super().put(data, path)

    link = M0(tmp_path)
    monkeypatch.setattr(benchboard, "open_board", lambda *given: contextlib.nullcontext(link))
    done = CliRunner().invoke(app, ["verify", str(CASES / "fc_long.tflite"), "--board", "any",
                                    "--count", "0"])  # fmt: skip
    packed = ModelFile.read(link.sent)
    assert [op.name for op in packed.ops] == ["PACKED_FULLY_CONNECTED"]
    assert packed.target == target_numbers()["armv6m"]
    # The core of this computer, which plays the board, takes no such file.
    assert done.exit_code == 1
    assert "the board's core refuses the model" in done.output


def test_an_input_that_is_pushed_row_by_row_goes_to_a_board_the_same_way(tmp_path: Path) -> None:
    graph = tflite.load(CASES / "keras_dilated2d.tflite")
    blob, whole = convert.convert(graph, rows=True), convert.convert(graph)
    model = ModelFile.read(blob)
    assert model.tensors[0].ring
    tried = vectors.boundary(model) + vectors.random(model, 5)
    board = BoardModel(FakeBoard(tmp_path), blob)
    assert board.run(tried) == verify.HostRunner(blob).run(tried)
    assert verify.HostRunner(blob).run(tried) == verify.HostRunner(whole).run(tried)


def test_large_outputs_come_back_as_a_file(tmp_path: Path) -> None:
    o = opened("dequantize")
    assert o.model.outputs[0].nbytes > 64
    given = vectors.random(o.model, 3)
    board = BoardModel(FakeBoard(tmp_path), o.blob)
    assert board.run(given) == verify.HostRunner(o.blob).run(given)


def test_random_vectors_are_made_on_the_board_not_sent(tmp_path: Path) -> None:
    link = FakeBoard(tmp_path)
    o = opened("keras_conv1d")
    BoardModel(link, o.blob).run(vectors.random(o.model, 40))
    assert link.puts == ["ts_model.tmp"]


def test_too_little_ram_is_said_before_the_upload(tmp_path: Path) -> None:
    link = FakeBoard(tmp_path, free=5000)
    with pytest.raises(TinysenseError, match=r"5000 bytes of RAM free, .* need \d+"):
        BoardModel(link, opened("keras_conv1d").blob)
    assert link.puts == []


def test_vectors_are_the_same_every_time() -> None:
    model = opened("fc").model
    assert vectors.random(model, 5, 3) == vectors.random(model, 5, 3)
    assert vectors.random(model, 5, 3) != vectors.random(model, 5, 4)
    noise = vectors.noise_bytes(b"seed", 70)
    assert noise[:32] == hashlib.sha256(b"seed\0\0\0\0").digest()
    assert noise[64:] == hashlib.sha256(b"seed\2\0\0\0").digest()[:6]
    assert len(noise) == 70


def test_boundary_vectors_reach_the_limits() -> None:
    model = opened("fc").model
    made = {v.name: vectors.materialise(v, 12) for v in vectors.boundary(model)}
    zero = model.inputs[0].zero_point & 255
    assert made["all minimum"] == b"\x80" * 12
    assert made["all maximum"] == b"\x7f" * 12
    assert made["all zero points"] == bytes([zero]) * 12
    assert made["alternating"] == b"\x80\x7f" * 6
    assert made["alternating, shifted"] == b"\x7f\x80" * 6


def test_float_vectors_go_beyond_the_quantised_range() -> None:
    model = opened("keras_float_edges").model
    batch = vectors.stack(vectors.boundary(model) + vectors.random(model, 8), model.inputs)[0]
    target = model.tensors[model.ops[0].outputs[0]]
    steps = batch / target.scale + target.zero_point
    assert steps.min() < -129
    assert steps.max() > 128


# ---- where vectors come from ----


def with_goldens(name: str = "fc") -> bytes:
    with np.load(CASES / f"{name}.npz") as found:
        x, y = found["in0"], found["out0"]
    n = len(x)
    rows = [v.view(np.uint8).reshape(n, -1) for v in (x, y)]
    golden = Golden(np.zeros((n, 0), np.int16), *rows)
    return convert.convert(tflite.load(CASES / f"{name}.tflite"), golden=golden)


def test_a_tsm_alone_is_tried_with_its_golden_vectors(tmp_path: Path) -> None:
    path = tmp_path / "m.tsm"
    path.write_bytes(with_goldens())
    o = verify.open_model(path)
    case = verify.cases_of(o, 50)
    assert len(case.vectors) == 10
    assert verify.compare(case, verify.HostRunner(o.blob), o.model.outputs).ok


def test_a_tsm_without_golden_vectors(tmp_path: Path) -> None:
    path = tmp_path / "m.tsm"
    path.write_bytes(opened("fc").blob)
    with pytest.raises(TinysenseError, match=r"no golden vectors.*--tflite"):
        verify.cases_of(verify.open_model(path), 50)


def test_a_damaged_golden_vector_is_noticed(tmp_path: Path) -> None:
    model = ModelFile.read(with_goldens())
    outputs = model.gold.outputs.copy()
    outputs[3, 2] ^= 1
    model.gold = Golden(model.gold.windows, model.gold.inputs, outputs)
    path = tmp_path / "m.tsm"
    path.write_bytes(model.write())
    o = verify.open_model(path)
    report = verify.compare(verify.cases_of(o, 0), verify.HostRunner(o.blob), o.model.outputs)
    assert report.first.vector == "golden 3"
    assert report.first.element == 2


def test_the_tflite_must_be_the_one_it_was_made_from(tmp_path: Path) -> None:
    path = tmp_path / "m.tsm"
    made = hashlib.sha256((CASES / "fc.tflite").read_bytes()).hexdigest()
    meta = {"source": {"tflite_sha256": made}}
    path.write_bytes(convert.convert(tflite.load(CASES / "fc.tflite"), meta=meta))
    assert verify.open_model(path, CASES / "fc.tflite").tflite
    with pytest.raises(TinysenseError, match=r"was not made from .*fc_rows\.tflite"):
        verify.open_model(path, CASES / "fc_rows.tflite")


def test_vectors_kept_beside_a_tflite(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reference, "run", _host_instead_of_tensorflow(CASES / "fc.tflite"))
    path = tmp_path / "m.tflite"
    shutil.copy(CASES / "fc.tflite", path)
    with np.load(CASES / "fc.npz") as found:
        kept = {f"{k}_{i}": found[k][i : i + 1] for k in ("in0", "out0") for i in range(3)}
    np.savez(tmp_path / "m.golden.npz", **kept)
    case = verify.cases_of(verify.open_model(path), 4)
    assert [v.name for v in case.vectors[-3:]] == [f"m.golden.npz {k}" for k in range(3)]
    assert len(case.vectors) == 6 + 4 + 3
    np.savez(tmp_path / "m.golden.npz", in0_0=np.zeros(3, np.int8), out0_0=np.zeros(5, np.int8))
    with pytest.raises(TinysenseError, match=r"cannot use .*m\.golden\.npz: int8 \(3,\)"):
        verify.cases_of(verify.open_model(path), 4)


def _host_instead_of_tensorflow(path: Path):
    from tinysense_host.hostcore import HostModel

    model = HostModel(convert.convert(tflite.load(path)))
    return lambda tflite_bytes, inputs: model.run_batch(inputs)


# ---- raw windows through the feature program ----


def with_features(folder: Path) -> verify.Opened:
    """A model with features and golden windows, and its source, as a recipe makes them."""
    graph = tflite.load(CASES / "keras_conv1d.tflite")
    x = graph.tensors[graph.inputs[0]]
    program = FeatureProgram(3, 64, 16, (Raw(),))
    feat = program.quantised(float(x.quant.scale[0]), int(x.quant.zero_point[0])).to_bytes()
    windows = some_windows(5)
    inputs = hostcore.run_features(feat, windows).reshape(5, 1, 64, 3)
    outputs = _host_instead_of_tensorflow(CASES / "keras_conv1d.tflite")(b"", [inputs])[0]
    rows = [v.view(np.uint8).reshape(5, -1) for v in (inputs, outputs)]
    golden = Golden(windows.reshape(5, -1), *rows)
    path = folder / "m.tsm"
    path.write_bytes(convert.convert(graph, feat=feat, golden=golden))
    return verify.open_model(path, CASES / "keras_conv1d.tflite")


def some_windows(count: int) -> np.ndarray:
    rng = np.random.default_rng(1)
    return rng.integers(-32768, 32768, (count, 64, 3)).astype(np.int16)


@pytest.fixture
def windowed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> verify.Opened:
    source = CASES / "keras_conv1d.tflite"
    monkeypatch.setattr(reference, "run", _host_instead_of_tensorflow(source))
    return with_features(tmp_path)


def test_golden_windows_try_the_features_too(tmp_path: Path) -> None:
    with_features(tmp_path)
    o = verify.open_model(tmp_path / "m.tsm")
    case = verify.cases_of(o, 0)
    assert [v.kind for v in case.vectors] == ["bytes"] * 5 + ["window"] * 5
    assert verify.compare(case, verify.HostRunner(o.blob), o.model.outputs).ok
    board = BoardModel(FakeBoard(tmp_path), o.blob)
    assert verify.compare(case, board, o.model.outputs).ok
    spoiled = o.model.gold.windows.copy()
    spoiled[2] = ~spoiled[2]
    o.model.gold = Golden(spoiled, o.model.gold.inputs, o.model.gold.outputs)
    report = verify.compare(verify.cases_of(o, 0), board, o.model.outputs)
    assert (report.equal, report.total) == (9, 10)
    assert str(report.first).startswith("golden window 2: the features made another input tensor")


@pytest.mark.parametrize("text_bytes", [64, 0])
def test_windows_on_host_and_board(
    tmp_path: Path, windowed: verify.Opened, text_bytes: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tinysense_host.ondevice._TEXT_BYTES", text_bytes)
    case = verify.windows_case(windowed, some_windows(20))
    outputs = windowed.model.outputs
    whole = verify.Report(20, 20, None)
    assert verify.compare(case, verify.HostRunner(windowed.blob), outputs) == whole
    board = BoardModel(FakeBoard(tmp_path), windowed.blob)
    assert verify.compare(case, board, outputs) == whole
    mixed = case + verify.Case(vectors.random(windowed.model, 3), [b""] * 3)
    assert board.run(mixed.vectors) == verify.HostRunner(windowed.blob).run(mixed.vectors)


def test_a_window_tells_features_from_outputs(windowed: verify.Opened) -> None:
    case = verify.windows_case(windowed, some_windows(3))
    runner, outputs = verify.HostRunner(windowed.blob), windowed.model.outputs
    for at, said in ((0, "window 1: the features made"), (4, "window 1: output 0 element 0: ")):
        changed = bytearray(case.expected[1])
        changed[at] ^= 1
        spoiled = verify.Case(case.vectors, [case.expected[0], bytes(changed), case.expected[2]])
        report = verify.compare(spoiled, runner, outputs)
        assert report.equal == 2
        assert str(report.first).startswith(said)


@pytest.mark.parametrize(
    ("windows", "said"),
    [
        (some_windows(2)[:, :63], r"int16 \(n, 64, 3\), got int16 \(2, 63, 3\)"),
        (some_windows(2)[:, :, :2], r"got int16 \(2, 64, 2\)"),
        (some_windows(0), r"got int16 \(0, 64, 3\)"),
        (some_windows(2).astype(np.float32), "got float32"),
    ],
)
def test_windows_of_another_shape(windowed: verify.Opened, windows: np.ndarray, said: str) -> None:
    with pytest.raises(TinysenseError, match=said):
        verify.windows_case(windowed, windows)


def test_windows_need_features_and_the_source(tmp_path: Path, windowed: verify.Opened) -> None:
    with pytest.raises(TinysenseError, match="no features to put windows through"):
        verify.windows_case(opened("keras_conv1d"), some_windows(1))
    with pytest.raises(TinysenseError, match="windows are compared with TFLite") as caught:
        verify.windows_case(verify.open_model(tmp_path / "m.tsm"), some_windows(1))
    assert "--tflite" in caught.value.hint


def test_the_command_counts_windows_apart(tmp_path: Path, windowed: verify.Opened) -> None:
    np.savez(tmp_path / "w.npz", windows=some_windows(7), labels=np.zeros(7, np.int64))
    words = ["verify", str(tmp_path / "m.tsm"), "--tflite", str(windowed.path), "--count", "2",
             "--windows", str(tmp_path / "w.npz")]  # fmt: skip
    done = CliRunner().invoke(app, words)
    assert done.stdout.splitlines() == [
        "m.tsm: 18/18 outputs equal", "w.npz: 7/7 windows equal, features and outputs",
    ]  # fmt: skip
    assert done.exit_code == 0


@pytest.mark.parametrize("name", ["svdf", "lstm", "stream_values"])
def test_every_case_of_a_model_with_state_begins_with_a_reset(name: str, tmp_path: Path) -> None:
    opened = verify.open_model(CASES / f"{name}.tflite")
    with np.load(CASES / f"{name}.npz") as found:
        rows, expected = [x.tobytes() for x in found["in0"]], verify.join_outputs([found["out0"]])
    case = verify.Case([Vector(f"v{i}", "bytes", row) for i, row in enumerate(rows)], expected)
    twice = case + case
    assert [v.fresh for v in twice.vectors].count(True) == 1 and twice.vectors[len(rows)].fresh
    board = BoardModel(FakeBoard(tmp_path), opened.blob)
    for runner in (verify.HostRunner(opened.blob), board):
        assert verify.compare(twice, runner, opened.model.outputs).ok
    stale = verify.Case(case.vectors * 2, expected * 2)
    assert not verify.compare(stale, verify.HostRunner(opened.blob), opened.model.outputs).ok
    assert board.run([]) == []
    board.close()


@pytest.mark.parametrize("target", [name for name, number in target_numbers().items() if number])
def test_a_packed_model_does_not_run_here(target: str) -> None:
    model = pack(ModelFile.read(convert.convert(tflite.load(CASES / "keras_dense.tflite"))), target)
    with pytest.raises(TinysenseError, match=f"packed for {target}.*--board"):
        hostcore.HostModel(model.write())


# ---- features that gather rows ----


def hearing(rows: int, stride: int, count: int = 6) -> bytes:
    """A model over rows of sound, with golden vectors that follow one another."""
    bands = Spectrum(64, (1, 6, 12, 20), scale="log2")
    program = FeatureProgram(1, 64, 40, (bands, Rows(rows, stride)), (1 / 12.0,), (24 * 256,))
    feat, inputs = program.to_bytes(), rows * 3
    x = Tensor("int8", (1, inputs), 0, 0, 1.0)
    y = Tensor("int8", (1, inputs), -(-inputs // 4) * 4, 0, 1.0)
    model = ModelFile({"name": "rows", "labels": []}, [x, y], [Op("COPY", (0,), (1,))], 1, 1,
                      2 * y.offset, feat)  # fmt: skip
    rng = np.random.default_rng(4)
    frames = rng.integers(-100, 100, (count, program.golden_frames, 1)).astype(np.int16)
    stream = hostcore.FeatureStream(feat)
    made = np.stack([stream.newest(one) for one in frames])
    # What came before the first vector's rows is the model's business alone.
    made[0, : -stream.new_bytes] = 77
    given = made.view(np.uint8)
    model.gold = Golden(frames.reshape(count, -1), given, given.copy())
    return model.write()


@pytest.mark.parametrize(("rows", "stride"), [(4, 4), (5, 2), (1, 1), (3, 3), (9, 1)])
def test_golden_windows_of_rows(tmp_path: Path, rows: int, stride: int) -> None:
    blob = hearing(rows, stride)
    model = ModelFile.read(blob)
    o = verify.Opened(blob, model, None, tmp_path / "m.tsm")
    geometry = model.feature_geometry()
    assert (geometry.rows, geometry.row_stride, geometry.row_outputs) == (rows, stride, 3)
    case, board = verify.cases_of(o, 0), BoardModel(FakeBoard(tmp_path), blob)
    for runner in (verify.HostRunner(blob), board, board):
        assert verify.compare(case, runner, model.outputs).equal == 12
    assert tinysense.load(blob, selftest=True).features.rows == rows
    model.gold.windows[3, :40] = 0      # in the first of its windows
    report = verify.compare(verify.cases_of(o, 0), board, model.outputs)
    assert report.first is not None and report.first.vector == "golden window 3"
    assert report.equal == 11
    model.gold.windows[3, -40:] = 0
    with pytest.raises(tinysense.ModelError, match="5 of 6 golden outputs equal"):
        tinysense.load(model.write(), selftest=True)


def test_windows_of_rows_from_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    blob = hearing(5, 2)
    model = ModelFile.read(blob)
    o = verify.Opened(blob, model, b"its source", tmp_path / "m.tsm")
    monkeypatch.setattr(reference, "run", lambda source, inputs: [inputs[0]])
    windows = np.random.default_rng(5).integers(-100, 100, (7, 104, 1)).astype(np.int16)
    case = verify.windows_case(o, windows)
    for runner in (verify.HostRunner(blob), BoardModel(FakeBoard(tmp_path), blob)):
        assert verify.compare(case, runner, model.outputs).equal == 7
    with pytest.raises(TinysenseError, match=r"expected windows of int16 \(n, 104, 1\)"):
        verify.windows_case(o, windows[:, :64])
