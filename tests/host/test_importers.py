"""importers.py: files of others become recordings, gaps are said, bad lines are named."""

import struct
from binascii import crc32

import numpy as np
import pytest

from tinysense import recording as tsr
from tinysense_host.dataset import Dataset, Gap
from tinysense_host.errors import TinysenseError
from tinysense_host.importers import Facts, import_into, import_path
from tinysense_host.quantities import counts_and_scale

G_25 = Facts(rate_hz=25, units="g")


def one(tmp_path, name, content, facts=G_25, format=""):
    path = tmp_path / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    (found,) = import_path(path, facts, format)
    return found


@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize("header", ["", "ax,ay,az"])
def test_csv_with_and_without_header(tmp_path, header, end):
    found = one(tmp_path, "a.csv", end.join([header, "1,2,3", "4,-5,6", ""]))
    assert found.recording.channels == (("ax", "ay", "az") if header else ("x", "y", "z"))
    assert found.recording.frames.tolist() == [[1, 2, 3], [4, -5, 6]]
    assert (found.recording.scale, found.recording.rate_mhz) == (1.0, 25000)


@pytest.mark.parametrize(
    ("column", "step", "rate"),
    [
        ("time_ms", 20, 50000),
        ("t", 0.01, 100000),
        ("Time (us)", 5000, 200000),
        ("time", 0.04, 25000),
    ],
)
def test_time_column_gives_rate(tmp_path, column, step, rate):
    lines = [f"{column},x"] + [f"{i * step},{i}" for i in range(9)]
    found = one(tmp_path, "a.csv", "\n".join(lines), Facts(units="g")).recording
    assert (found.rate_mhz, found.channels, found.gaps) == (rate, ("x",), ())


def test_time_column_gives_gaps(tmp_path):
    times = [0, 40, 80, 240, 280, 321]
    lines = ["time_ms,x"] + [f"{t},1" for t in times]
    found = one(tmp_path, "a.csv", "\n".join(lines), Facts(units="g")).recording
    assert found.gaps == (Gap(3, 3),) and found.lost == 3
    assert len(found.frames) == 6


def test_nan_is_a_gap_never_a_number(tmp_path):
    found = one(tmp_path, "a.csv", "x,y\nnan,1\n1,2\n,\n3,nan\n4,5\n6,inf\n").recording
    assert found.frames.tolist() == [[1, 2], [4, 5]]
    assert found.gaps == (Gap(0, 1), Gap(1, 2), Gap(2, 1))


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("1,2\n3,4\nx,5\n", "line 3: 'x' is not a number"),
        ("a,b\n1,2\n3\n", "line 3: expected 2 columns, got 1"),
        ("", "is empty"),
        ("a,b\n", "holds no frames"),
        ("time_ms,x\n0,1\n40,1\n40,2\n", "does not ascend at data row 3"),
        ("timestamp,x\n0,1\n1,1\n", "has no unit"),
    ],
)
def test_bad_csv_is_named(tmp_path, content, says):
    with pytest.raises(TinysenseError, match=says):
        one(tmp_path, "a.csv", content)


def test_rate_must_come_from_somewhere(tmp_path):
    with pytest.raises(TinysenseError, match="sample rate.*--rate"):
        one(tmp_path, "a.csv", "1,2\n", Facts(units="g"))


def test_units_people_write(tmp_path):
    found = one(tmp_path, "a.csv", "818,-217,581\n", Facts(25, "mg")).recording
    assert (found.units, found.scale, found.frames.tolist()) == ("g", 0.001, [[818, -217, 581]])
    with pytest.raises(TinysenseError, match="units 'furlong'"):
        one(tmp_path, "a.csv", "1\n", Facts(25, "furlong"))


SIX = "0.5,-0.25,1,100,-2000,0.5\n0.5,-0.25,1,100,-2000,0.25\n"


@pytest.mark.parametrize("units", ["g,g,g,dps,dps,dps", "g g g deg/s  deg/s dps"])
def test_every_channel_has_its_units(tmp_path, units):
    found = one(tmp_path, "a.csv", SIX, Facts(100, units)).recording
    assert found.channels == ("x", "y", "z", "gx", "gy", "gz")
    assert found.units == ("g",) * 3 + ("deg/s",) * 3
    assert found.scale == (0.01,) * 3 + (2048 / 32768,) * 3
    values = found.frames * np.array(found.scale)
    assert values[0].tolist() == [0.5, -0.25, 1, 100, -2000, 0.5]


def test_units_in_the_header(tmp_path):
    found = one(tmp_path, "a.csv", "time_ms,ax (mg),gx [dps]\n0,1,2\n10,3,4\n", Facts()).recording
    assert (found.channels, found.units, found.scale) == (("ax", "gx"), ("g", "deg/s"), (0.001, 1))
    some = one(tmp_path, "b.csv", "ax (mg),gx\n1,2\n", Facts(100)).recording
    assert (some.channels, some.units) == (("ax (mg)", "gx"), "")
    said = one(tmp_path, "c.csv", "ax (mg),gx (dps)\n1,2\n", Facts(100, "none,uT")).recording
    assert (said.channels, said.units) == (("ax (mg)", "gx (dps)"), ("", "uT"))


def test_units_that_do_not_fit_the_channels(tmp_path):
    with pytest.raises(TinysenseError, match="has 6 channels, but 2 units"):
        one(tmp_path, "a.csv", SIX, Facts(100, "g,dps"))


def test_npy_of_six_axes(tmp_path):
    np.save(tmp_path / "a.npy", np.array([[1, 2, 3, 4, 5, 6]], np.int16))
    facts = Facts(100, "g g g dps dps dps")
    (found,) = import_path(tmp_path / "a.npy", facts)
    assert found.recording.channels == ("x", "y", "z", "gx", "gy", "gz")


def old_block(first, count, lost, index):
    """A block of version 1 of a .tsr, one channel."""
    data = bytearray(4096)
    struct.pack_into("<4sHHIIQQQIIfIHBB32s", data, 0, b"TSR\x1a", 1, 96, 7, index, first, 9, 10**15,
                     25000, 24900, 4 / 32768, lost, count, 1, 1, b"ring")  # fmt: skip
    data[96 : 96 + 2 * count] = np.arange(first, first + count, dtype="<i2").tobytes()
    struct.pack_into("<I", data, 92, crc32(data[96 : 96 + 2 * count], crc32(data[:92])))
    return bytes(data)


def test_tsr_of_version_1(tmp_path):
    found = one(tmp_path, "a.tsr", old_block(0, 9, 0, 0) + old_block(13, 5, 4, 1), Facts())
    recording = found.recording
    assert (recording.units, recording.full_scale, recording.rate_mhz) == ("g", 4, 24900)
    assert recording.frames[:, 0].tolist() == [*range(9), *range(13, 18)]
    assert recording.gaps == (Gap(9, 4),) and found.labels[0].label == "ring"
    assert recording.time.startswith("2001-09-09") and recording.source["device_time_us"] == 9


def test_tsr_of_six_axes(tmp_path):
    units, full_scale = ("g",) * 3 + ("deg/s",) * 3, (4,) * 3 + (1000,) * 3
    with tsr.Writer(str(tmp_path / "a.tsr"), 100000, 6, units, full_scale, "spin", 0, "shed",
                    0xF0000000) as writer:  # fmt: skip
        writer.write(bytes(range(24)), 2, time_us=1 << 40)
    (found,) = import_path(tmp_path / "a.tsr", Facts())
    recording = found.recording
    assert recording.channels == ("x", "y", "z", "gx", "gy", "gz")
    assert (recording.units, recording.full_scale) == (units, full_scale)
    assert {k: recording.source[k] for k in ("note", "boot", "device_time_us")} == {
        "note": "shed", "boot": 0xF0000000, "device_time_us": 1 << 40}  # fmt: skip


def test_tsr_of_a_later_version(tmp_path):
    data = bytearray(old_block(0, 9, 0, 0))
    data[4] = 3
    with pytest.raises(TinysenseError, match=r"expected \.tsr version 2, got 3: update"):
        one(tmp_path, "a.tsr", bytes(data))


@pytest.mark.parametrize(
    ("values", "step"),
    [([1, -32767], 1), ([0.5, 3], 0.1), ([0.001, -2.04], 0.001), ([0], 1)],
)
def test_decimal_steps_lose_nothing(values, step):
    array = np.array([values], np.float64)
    counts, scale = counts_and_scale(array)
    assert scale == pytest.approx(step) and np.allclose(counts * scale, array, rtol=0, atol=1e-9)


@pytest.mark.parametrize("peak", [1.0, 1.001, 31.9, 40000.0])
def test_other_numbers_keep_15_bits(peak):
    values = np.linspace(-peak, peak, 999)[:, None] + np.pi * 1e-9
    counts, scale = counts_and_scale(values)
    assert np.abs(counts * scale - values).max() <= scale
    assert scale * 32768 < 2 * peak + 1e-6 or peak == 1.0


@pytest.mark.parametrize("dtype", ["<i2", "<f4", "<f8", ">i4"])
def test_npy(tmp_path, dtype):
    np.save(tmp_path / "a.npy", np.array([[1, 2], [3, 4]], dtype))
    (found,) = import_path(tmp_path / "a.npy", G_25)
    assert found.recording.frames.tolist() == [[1, 2], [3, 4]]


def test_npy_of_one_channel(tmp_path):
    np.save(tmp_path / "a.npy", np.arange(5))
    (found,) = import_path(tmp_path / "a.npy", G_25)
    assert found.recording.frames.shape == (5, 1)


@pytest.mark.parametrize("keep", [0, 5, 60, 130, -1])
def test_cut_npy_is_named(tmp_path, keep):
    np.save(tmp_path / "a.npy", np.ones((50, 3)))
    whole = (tmp_path / "a.npy").read_bytes()
    with pytest.raises(TinysenseError, match=r"a\.npy is not a whole"):
        one(tmp_path, "a.npy", whole[:keep])


@pytest.mark.parametrize(
    "array", [np.array(["x"]), np.ones((2, 3, 4)), np.ones((2, 17)), np.array([None, 1])]
)
def test_npy_of_other_kinds_is_refused(tmp_path, array):
    np.save(tmp_path / "a.npy", array, allow_pickle=True)
    with pytest.raises(TinysenseError, match=r"a\.npy"):
        import_path(tmp_path / "a.npy", G_25)


LOG = (
    b"Script started on Thu Jul 25 11:26:08 2019\r\n"
    b"\x1b[?1049h\x1b[!p\x1b[?3;4l\x1b[4l\r\n\r\n"
    b"-,-,-\r\n818.0,-217.0,581.0\r\n832.0,-227.0,575.0\r\n \x08\r\n"
    b" -,-,-\r\n1.0,2.0,3.0\r\n\xef\xbf\xbd#+\xc9\x84\x0c\r\n204.0,100.0,1068.0\n"
    b"-,-,-\r\nbash-3.2$ exit\r\n"
)


def test_terminal_log(tmp_path):
    found = one(tmp_path, "output_wing_ada.txt", LOG, Facts())
    recording = found.recording
    assert recording.frames.tolist() == [
        [818, -217, 581], [832, -227, 575], [1, 2, 3], [204, 100, 1068],
    ]  # fmt: skip
    assert (recording.units, recording.scale, recording.rate_mhz) == ("g", 0.001, 25000)
    assert recording.person == "ada" and recording.gaps == (Gap(2, -1),)
    assert [(x.start, x.end, x.label) for x in found.labels] == [(0, 2, "wing"), (2, 4, "wing")]
    assert found.skipped_lines == 7


@pytest.mark.parametrize(
    ("name", "label", "person"),
    [
        ("output_negative_3.txt", "negative", ""),
        ("output_negative_ccw_1.txt", "negative", ""),
        ("negative_bob.txt", "negative", "bob"),
    ],
)
def test_label_and_person_from_the_name(tmp_path, name, label, person):
    found = one(tmp_path, name, LOG, Facts())
    assert (found.labels[0].label, found.recording.person) == (label, person)


def test_text_that_is_no_log_needs_a_format(tmp_path):
    with pytest.raises(TinysenseError, match="--format csv"):
        one(tmp_path, "a.txt", "1,2,3\n")
    assert len(one(tmp_path, "a.txt", "1,2,3\n", format="csv").recording.frames) == 1


def test_import_is_all_or_nothing(tmp_path):
    (tmp_path / "in").mkdir()
    (tmp_path / "in/a.csv").write_text("1,2\n")
    (tmp_path / "in/b.csv").write_text("1,two\n3,4,\n")
    dataset = Dataset(tmp_path / "out")
    with pytest.raises(TinysenseError, match="b.csv"):
        import_into(dataset, [tmp_path / "in"], G_25)
    assert dataset.ids() == []
    (tmp_path / "in/b.csv").write_text("3,4\n")
    import_into(dataset, [tmp_path / "in"], Facts(25, "g", label="wing", person="ada"))
    assert [(s.recording.id, s.label, s.person) for s in dataset.segments()] == [
        ("a", "wing", "ada"),
        ("b", "wing", "ada"),
    ]
    with pytest.raises(TinysenseError, match="already in"):
        import_into(dataset, [tmp_path / "in/a.csv"], G_25)


def test_missing_file_and_empty_folder(tmp_path):
    with pytest.raises(TinysenseError, match="no file at"):
        import_path(tmp_path / "a.csv", G_25)
    with pytest.raises(TinysenseError, match="nothing to import"):
        import_into(Dataset(tmp_path / "out"), [tmp_path], G_25)


def test_real_logs(shared, tmp_path):
    """The counts that PROVENANCE.md of the recordings gives."""
    dataset = Dataset(tmp_path / "data")
    import_into(dataset, [shared / "data/imu_magicwand_tf"], Facts())
    segments = dataset.segments()
    counts = {name: 0 for name in ("wing", "ring", "slope", "negative")}
    for segment in segments:
        counts[segment.label] += 1
    assert counts == {"wing": 223, "ring": 218, "slope": 228, "negative": 63}
    assert len({s.person for s in segments} - {""}) == 10
    assert (min(len(s.frames) for s in segments), max(s.recording.scale for s in segments)) == (
        33,
        0.001,
    )


@pytest.mark.parametrize("rate", [np.nan, np.inf, -1.0, 0.0, 1e300])
@pytest.mark.parametrize("kind", ["csv", "npy", "log"])
def test_no_such_rate(tmp_path, kind, rate):
    path = tmp_path / f"a.{kind}"
    path.write_text("1,2,3\n4,5,6\n")
    if kind == "npy":
        np.save(path, np.ones((4, 3)))
    with pytest.raises(TinysenseError, match="a rate must be"):
        import_path(path, Facts(rate))
