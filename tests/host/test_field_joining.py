"""field/joining.py and storing.py: what blocks say of each other, and what nobody may believe."""

import struct
from dataclasses import replace

import numpy as np
import pytest
from folder_board import Recorded

from tinysense_host.dataset import Dataset, Gap
from tinysense_host.errors import TinysenseError
from tinysense_host.field.blocks import parse, scan
from tinysense_host.field.joining import absent, inside, join, name_of, ranges, united
from tinysense_host.field.storing import store
from tinysense_host.field.times import TrueTimes
from tinysense_host.importers import Facts, import_into, import_path

NEVER = TrueTimes()


@pytest.fixture
def made(tmp_path):
    """Blocks of a recording: five of 1952 frames, the last of 10."""
    rec = Recorded(tmp_path / "rec")
    rec.record(blocks=(3, 3), note="hut")
    return [b for name in rec.segments() for b in scan((rec.folder / name).read_bytes()).blocks]


@pytest.mark.parametrize("order", [slice(None), slice(None, None, -1), slice(1, None, 2)])
def test_order_does_not_matter(made, order):
    (one,) = join([*made[order], *made])
    assert one.numbers == [0, 1, 2, 3, 4, 5] and one.contrary == 0


def test_blocks_that_contradict_others_are_left_out(made):
    other = replace(made[2], frames=made[2].frames + 1, crc=5)
    backward = replace(made[4], first=100)
    louder = replace(made[3], scale=9.0)
    (one,) = join([*made[:3], other, louder, backward, made[5]])
    assert one.numbers == [0, 1, 2, 5] and one.contrary == 3
    assert np.array_equal(one.blocks[2].frames, made[2].frames)


def test_one_strange_block_at_the_front_does_not_win(made):
    (one,) = join([replace(made[0], boot=9), *made[1:]])
    assert one.numbers == [1, 2, 3, 4, 5] and one.contrary == 1


def test_a_rate_that_is_measured_late_holds_for_all(made):
    blocks = [replace(b, measured_rate_mhz=m) for b, m in zip(made, (0, 99_000, 99_500, 0, 0, 0),
                                                             strict=True)]
    assert join(blocks)[0].rate_mhz == 99_500
    assert join([replace(b, measured_rate_mhz=0) for b in made])[0].rate_mhz == 100_000


def test_a_note_and_a_label_go_into_the_dataset(made, tmp_path):
    dataset = Dataset(tmp_path / "data")
    (one,) = store(dataset, made, NEVER)
    found = dataset.recording(one.id)
    assert found.source["note"] == "hut" and found.source["boot"] == 7
    assert [label.label for label in dataset.labels()] == ["walk"]
    assert len(list(dataset.windows(128, 64))) > 100    # fit for training


def test_near_misses_come_without_a_label_and_with_their_note(made, tmp_path):
    dataset = Dataset(tmp_path / "data")
    note = "near miss: ring=112 wing=90"
    near = [replace(made[0], label="", note=note, time_us=0, id=k) for k in (1, 2)]
    first, second = store(dataset, near, NEVER)
    assert dataset.labels() == [] and first.id == "recording_00000001"
    assert dataset.recording(second.id).source["note"] == note
    assert dataset.recording(second.id).time == ""


@pytest.mark.parametrize(("change", "says"), [
    ({"rate_mhz": 4_000_000_000, "measured_rate_mhz": 0}, "rate must be"),
    ({"frames": np.zeros((0, 1), np.int16)}, "holds no frames"),
])  # fmt: skip
def test_what_cannot_be_a_recording_is_said_and_others_come(made, tmp_path, change, says):
    dataset = Dataset(tmp_path / "data")
    bad = replace(made[0], id=1, **change)
    done = store(dataset, [bad, *made], NEVER)
    faults = [one.fault for one in done if one.fault]
    assert len(faults) == 1 and says in faults[0] and len(dataset.ids()) == 1
    assert not next(one for one in done if one.fault).safe


def test_numbers_at_their_ends(made, tmp_path):
    """Blocks whose checksum is right but whose numbers are absurd."""
    last = (1 << 64) - 1
    odd = [
        replace(made[0], id=1, utc_us=last, time_us=last, lost=(1 << 32) - 1, boot=1),
        replace(made[0], id=2, first=last, index=(1 << 32) - 1),
        replace(made[0], id=3, label="../../etc", note="\x1b[2J"),
        replace(made[0], id=4, label="[red]\n,\""),
    ]
    dataset = Dataset(tmp_path / "data")
    done = store(dataset, odd, NEVER)
    assert len(dataset.ids()) == 4 and not any(one.fault for one in done)
    assert all(r.time == "" for r in dataset.recordings())
    assert [p.parent.name for p in dataset.path.rglob("*.parquet")] == ["recordings"] * 4
    assert len(dataset.segments()) == 4


@pytest.mark.parametrize("label", ["ring", "left ring", "äöü", "", ".", "a" * 32, "../x"])
def test_names_are_the_same_wherever_a_recording_comes_from(made, label):
    (one,) = join([replace(b, label=label) for b in made])
    name = name_of(one, NEVER)
    assert name.endswith(f"_{one.id:08x}") and name.isascii() and "/" not in name
    assert name_of(join([replace(b, label=label) for b in reversed(made)])[0], NEVER) == name


def test_ranges():
    assert ranges([0, 1, 2, 5, 7, 8]) == [[0, 2], [5, 5], [7, 8]] and ranges([]) == []
    assert united([[5, 6], [0, 2], [3, 3], [1, 9]]) == [[0, 9]]
    assert absent([[2, 3], [5, 5]]) == [[0, 1], [4, 4]] and absent([[0, 9]]) == []
    assert [n for n in range(9) if inside([[1, 2], [5, 5]], n)] == [1, 2, 5]


def test_a_flipped_bit_is_always_seen(made, tmp_path):
    data = bytearray((tmp_path / "rec" / "000001.tsr").read_bytes()[:4096])
    size = struct.unpack_from("<H", data, 56)[0] * 2 + 192
    for at in range(0, size, 7):
        data[at] ^= 1 << at % 8
        with pytest.raises(ValueError, match="damaged|checksum|not a .tsr|update|expected|groups"):
            parse(bytes(data))
        data[at] ^= 1 << at % 8


# ---- Importing what lies in a folder ----


def test_segments_in_a_folder_are_imported_as_one_recording(tmp_path):
    rec = Recorded(tmp_path / "rec")
    id = rec.record(blocks=(3, 3, 2))
    rec.flip("000002.tsr", 1)
    (rec.folder / "000004.tsr").write_bytes(b"")
    (rec.folder / "clock.txt").write_text(f"7 4000000 {1_780_000_000_000_000}\n")
    dataset = Dataset(tmp_path / "data")
    (found,) = import_into(dataset, [rec.folder], Facts(person="ada"))
    assert found.recording.id == f"walk_20260528T202641_{id:08x}"
    assert found.recording.gaps == (Gap(4 * 1952, 1952),) and found.damaged_blocks == 1
    assert found.recording.person == "ada" and found.labels[0].label == "walk"
    with pytest.raises(TinysenseError, match="already in"):
        import_into(dataset, [rec.folder], Facts())


def test_segments_given_one_by_one_are_joined_too(tmp_path):
    rec = Recorded(tmp_path / "rec")
    id = rec.record(blocks=(2, 2))
    paths = [rec.folder / name for name in reversed(rec.segments())]
    dataset = Dataset(tmp_path / "data")
    (found,) = import_into(dataset, paths, Facts(label="run"))
    assert found.recording.frames[:, 0].tolist() == rec.frames[id]
    assert found.labels[0].label == "run"


def test_a_segment_without_a_whole_block_is_named(tmp_path):
    rec = Recorded(tmp_path / "rec")
    rec.record(blocks=(2, 1), spare=0)
    rec.flip("000002.tsr", 0)
    with pytest.raises(TinysenseError, match=r"000002.tsr: .*none that is whole in 1.*recover"):
        import_path(rec.folder, Facts())
