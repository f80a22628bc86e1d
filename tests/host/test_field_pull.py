"""field/pull.py: only what is new, every block checked, resumed after a cut, deleted when safe."""

import os

import numpy as np
import pytest
from folder_board import NOW, PullBench, board

from tinysense_host.dataset import Dataset, Gap
from tinysense_host.field import fetching
from tinysense_host.field.pull import restart
from tinysense_host.field.shelf import Shelf
from tinysense_host.link.transport import BoardError, LinkError


@pytest.fixture
def bench(tmp_path):
    return PullBench(tmp_path)


def test_a_recording_of_many_segments_becomes_one(bench):
    id = bench.rec.record(blocks=(3, 3, 2), note="left wrist")
    done = bench.pull()
    (one,) = done.recordings
    recording = bench.dataset.recording(one.id)
    assert bench.frames(id) == bench.rec.frames[id]
    assert recording.rate_mhz == 99_500 and recording.gaps == () and recording.scale == 4 / 32768
    assert recording.source["note"] == "left wrist"
    assert recording.source["blocks"] == [[0, 7]]
    (label,) = bench.dataset.labels()
    assert (label.label, label.start, label.end) == ("walk", 0, len(recording.frames))
    assert (done.new, done.known, done.new_bytes) == (3, 0, 8 * 4096)
    assert one.safe and one.absent == [] and one.frames_missing == 0


def test_pulling_again_changes_nothing(bench):
    bench.rec.record()
    bench.rec.record("run", blocks=(2,))
    bench.pull()
    before = bench.everything()
    bench.link.programs.clear()
    done = bench.pull(now=lambda: NOW + 60)
    assert (done.new, done.known, done.recordings) == (0, 3, [])
    after = bench.everything()
    changed = {path for path in before | after if before.get(path) != after.get(path)}
    assert {os.path.basename(path) for path in changed} == {"clock.txt"}    # one more pair
    assert not any("_ts_piece" in code and ".tsr" in code for code in bench.link.programs)


def test_only_what_is_new_comes(bench):
    bench.rec.record()
    bench.pull()
    id = bench.rec.record("run", blocks=(2, 2))
    bench.link.programs.clear()
    done = bench.pull()
    assert (done.new, done.known) == (2, 2)
    fetched = [code for code in bench.link.programs if "_ts_piece" in code and ".tsr" in code]
    assert len(fetched) == 2 and not any("000001" in code for code in fetched)
    assert bench.frames(id) == bench.rec.frames[id] and len(bench.dataset.ids()) == 2


def test_names_that_begin_anew_are_other_segments(bench):
    first = bench.rec.record(blocks=(2,))
    bench.pull(delete=True)
    assert bench.rec.segments() == []
    second = bench.rec.record(blocks=(2,))
    assert bench.rec.segments() == ["000001.tsr"]
    assert bench.pull().new == 1
    assert bench.frames(first) == bench.rec.frames[first]
    assert bench.frames(second) == bench.rec.frames[second]


# ---- A segment that grew, a recording that goes on ----


def grown(bench):
    """A recording of three blocks, of which the board had two at the first pull."""
    id = bench.rec.record(blocks=(9,), spare=0)
    path = bench.rec.folder / "000001.tsr"
    whole = path.read_bytes()
    path.write_bytes(whole[: 6 * 4096])
    bench.pull()
    path.write_bytes(whole)
    return id


def test_a_segment_that_grew_is_taken_from_where_it_ended(bench):
    id = grown(bench)
    before = bench.everything()
    bench.link.programs.clear()
    done = bench.pull()
    assert done.new_bytes == 3 * 4096
    (code,) = [c for c in bench.link.programs if "_ts_piece" in c and "000001.tsr" in c]
    assert f"{6 * 4096}, {3 * 4096})" in code
    first, second = bench.dataset.recordings()
    assert second.id == first.id + "_2" and second.gaps == ()
    assert second.source["blocks"] == [[6, 8]]
    both = np.concatenate([first.frames, second.frames])[:, 0].tolist()
    assert both == bench.rec.frames[id]
    path = str(bench.dataset.path / "recordings" / f"{first.id}.parquet")
    assert bench.everything()[path] == before[path]     # what was stored stays as it is


def test_a_segment_that_shrank_is_left_alone(bench):
    bench.rec.record(blocks=(4,))
    bench.pull()
    path = bench.rec.folder / "000001.tsr"
    path.write_bytes(path.read_bytes()[:4096])
    done = bench.pull(delete=True)
    assert "shorter on the board" in done.notes[0] and path.exists()
    assert done.kept == [("000001.tsr", "it is not here whole")]


# ---- Cuts ----


def test_a_cut_at_any_moment_is_made_good_by_the_next_pull(bench, monkeypatch):
    monkeypatch.setattr("tinysense_host.field.pull.PIECE", 4096)
    id = bench.rec.record(blocks=(3, 2), losses=((2, 5),))
    cuts = 0
    while True:
        bench.link.calls_left = cuts
        try:
            bench.pull(delete=True)
            break
        except LinkError as error:
            assert "unplugged" in str(error)
            assert len(bench.rec.segments()) == 2 or bench.dataset.ids()
            cuts += 1
            fetched = sum(p.stat().st_size for p in bench.raw.glob("*"))
            assert cuts < 40, "it never gets on"
    assert fetched and cuts > 10
    assert bench.rec.segments() == [] and bench.frames(id) == bench.rec.frames[id]
    assert not list(bench.raw.glob("*.part"))


def test_a_cut_keeps_what_came(bench, monkeypatch):
    monkeypatch.setattr("tinysense_host.field.pull.PIECE", 4096)
    bench.rec.record(blocks=(6,))
    bench.link.calls_left = 6 + 3   # time, listing, state, clock; three pieces
    with pytest.raises(LinkError, match="0 of 1 segments have come; pull again.*000001.tsr"):
        bench.pull()
    (part,) = bench.raw.glob("*.part")
    assert part.stat().st_size == 3 * 4096
    bench.link.calls_left = None
    assert bench.pull().new_bytes == 3 * 4096


@pytest.mark.parametrize("harm", ["torn", "flipped"])
def test_what_came_before_is_not_believed_blindly(bench, monkeypatch, harm):
    monkeypatch.setattr("tinysense_host.field.pull.PIECE", 4096)
    id = bench.rec.record(blocks=(6,))
    bench.link.calls_left = 9
    with pytest.raises(LinkError):
        bench.pull()
    bench.link.calls_left = None
    (part,) = bench.raw.glob("*.part")
    data = bytearray(part.read_bytes())
    if harm == "torn":
        data += b"\0" * 1000
    else:
        data[500] ^= 4
    part.write_bytes(data)
    done = bench.pull()
    assert done.new_bytes == (3 if harm == "torn" else 6) * 4096
    assert bench.frames(id) == bench.rec.frames[id]


def test_a_piece_that_comes_damaged_is_asked_for_again(bench):
    id = bench.rec.record()
    hurt = []

    def garble(text):
        if len(text) > 3000 and len(hurt) < 2:
            hurt.append(text)
            return text[:700] + ("A" if text[700] != "A" else "B") + text[701:]
        return text

    bench.link.garble = garble
    bench.pull()
    assert len(hurt) == 2 and bench.frames(id) == bench.rec.frames[id]


@pytest.mark.parametrize("garble", [
    lambda text: text[:-10] if len(text) > 3000 else text,
    lambda text: text.replace("=", "") if len(text) > 3000 else text,
    lambda text: "\xff" * 5000 if len(text) > 3000 else text,
    lambda text: text * 3 if len(text) > 3000 else text,
])  # fmt: skip
def test_a_piece_that_never_comes_whole_ends_in_one_line(bench, garble):
    bench.rec.record()
    bench.link.garble = garble
    with pytest.raises(LinkError, match="came damaged .* 3 times at byte 0") as caught:
        bench.pull()
    assert "\n" not in str(caught.value)
    assert bench.dataset.ids() == []


# ---- Damage ----


def test_damaged_blocks_become_gaps_and_the_segment_stays(bench):
    id = bench.rec.record(blocks=(4, 3))
    bench.rec.flip("000001.tsr", 2)
    done = bench.pull(delete=True)
    (one,) = done.recordings
    recording = bench.dataset.recording(one.id)
    assert recording.gaps == (Gap(2 * 1952, 1952),)
    assert one.absent == [[2, 2]] and one.damaged == 1 and one.frames_missing == 1952
    expected = bench.rec.frames[id]
    assert recording.frames[:, 0].tolist() == expected[: 2 * 1952] + expected[3 * 1952 :]
    assert done.deleted == ["000002.tsr"]
    assert done.kept == [("000001.tsr", "1 of its blocks are damaged")]


def test_losses_of_the_board_stand_where_they_were(bench):
    bench.rec.record(blocks=(3,), losses=((1, 7), (2, 5)))
    (one,) = bench.pull().recordings
    assert bench.dataset.recording(one.id).gaps == (Gap(1952, 7), Gap(2 * 1952, 5))
    assert one.joined.lost == 12 == one.frames_missing


@pytest.mark.parametrize("flipped", [4, 8, 12, 16, 45, 57, 58, 59, 61, 100, 150, 190, 300])
def test_a_flipped_bit_anywhere_costs_one_block(bench, flipped):
    id = bench.rec.record(blocks=(3,))
    bench.rec.flip("000001.tsr", 1, flipped)
    (one,) = bench.pull().recordings
    expected = bench.rec.frames[id]
    assert bench.frames(id) == expected[:1952] + expected[2 * 1952 :]
    assert one.damaged == 1 and not one.fault


def test_a_segment_of_a_later_version_is_kept_until_it_can_be_read(bench):
    bench.rec.record(blocks=(2,))
    bench.rec.age("000001.tsr")
    done = bench.pull(delete=True)
    assert "expected .tsr version 2, got 3: update tinysense" in done.notes[0]
    assert bench.rec.segments() == ["000001.tsr"] and bench.dataset.ids() == []
    (raw,) = bench.raw.glob("*.tsr")
    assert raw.read_bytes() == (bench.rec.folder / "000001.tsr").read_bytes()


def test_what_a_power_cut_leaves(bench):
    id = bench.rec.record(blocks=(2,), spare=0)
    path = bench.rec.folder / "000001.tsr"
    path.write_bytes(path.read_bytes() + b"half a block")
    (bench.rec.folder / "000002.tsr").write_bytes(b"")
    (bench.rec.folder / "000003.tsr").write_bytes(b"TSR\x1a")
    (bench.rec.folder / "000004.tsr.part").write_bytes(b"")
    done = bench.pull(delete=True)
    assert bench.frames(id) == bench.rec.frames[id]
    assert done.refused == () and "less than a block" in done.notes[0]
    assert done.deleted == ["000001.tsr", "000002.tsr", "000003.tsr"]
    assert sorted(p.suffix for p in bench.raw.iterdir()) == [".json", ".tsr", ".tsr", ".txt"]


def test_a_segment_that_the_board_cannot_read(bench):
    bench.rec.record("a", blocks=(1,))
    id = bench.rec.record("b", blocks=(1,))
    bench.link.fail["_ts_piece('" + str(bench.rec.folder / "000001.tsr")] = BoardError(
        "OSError: [Errno 5] EIO")
    done = bench.pull(delete=True)
    assert done.notes == ["000001.tsr cannot be read on the board (errno 5): it stays there"]
    assert bench.frames(id) == bench.rec.frames[id] and done.deleted == ["000002.tsr"]


# ---- Deleting ----


def test_only_what_is_here_is_deleted(bench):
    bench.rec.record()
    assert bench.pull().deleted == [] and len(bench.rec.segments()) == 2
    key = min(Shelf(bench.raw).entries)
    file = bench.raw / f"{key}.tsr"
    file.write_bytes(file.read_bytes()[:-1] + b"!")
    done = bench.pull(delete=True)
    assert done.deleted == ["000002.tsr"]
    assert done.kept[0][0] == "000001.tsr" and "is not what came" in done.kept[0][1]


def test_the_segment_that_was_being_written_stays(bench):
    bench.rec.record(blocks=(2, 2, 2))
    bench.state("1 walk")
    done = bench.pull(delete=True)
    assert done.recording == "walk" and done.kept == [("000003.tsr", "the board was writing it")]
    assert bench.rec.segments() == ["000003.tsr"]
    bench.rec.record(blocks=(1,))
    assert bench.pull(delete=True).deleted == ["000003.tsr"]
    bench.state("0 walk")
    assert bench.pull(delete=True).deleted == ["000004.tsr"]


def test_a_segment_that_grows_meanwhile_stays(bench):
    bench.rec.record(blocks=(2,), spare=0)
    path = bench.rec.folder / "000001.tsr"

    def piece(*where):
        data = fetching.read_piece(*where)
        path.write_bytes(path.read_bytes() + b"\0" * 4096)
        return data

    done = bench.pull(delete=True, piece=piece)
    assert done.kept == [("000001.tsr", "it changed on the board meanwhile")] and path.exists()


def test_what_another_dataset_has_comes_into_this_one_too(bench, tmp_path):
    bench.rec.record()
    bench.pull()
    bench.dataset = Dataset(tmp_path / "other")
    done = bench.pull()
    assert done.new == 0 and len(done.recordings) == 1 and len(bench.dataset.ids()) == 1


def test_files_that_were_removed_here_do_not_come_again(bench):
    bench.rec.record(blocks=(2,))
    bench.pull()
    for path in bench.raw.glob("*.tsr"):
        path.unlink()
    done = bench.pull(delete=True)
    assert (done.new, done.known) == (0, 1)
    assert done.deleted == [] and "is not what came" in done.kept[0][1]


def test_a_board_that_restarts_runs_its_program(bench):
    restart(board(bench.link))
    assert bench.link.sent == b"\x02\x04"
