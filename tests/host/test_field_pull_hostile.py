"""field/pull.py: names, answers, clocks and disks that are not as they should be."""

import json
from datetime import datetime

import pytest
from folder_board import NOW, PullBench, board

from tinysense.field.boot import boot_id
from tinysense.sensing.timebase import device_clock
from tinysense_host.errors import TinysenseError
from tinysense_host.field import fetching
from tinysense_host.field.pull import pull
from tinysense_host.link.transport import BoardError, LinkError


@pytest.fixture
def bench(tmp_path):
    return PullBench(tmp_path)


# ---- Names ----


HOSTILE = ["../x", "../../etc/passwd", "/etc/passwd", "00\x00001.tsr", "a" * 5000, "0000001.tsr",
           "..", "", "000001.tsr/../../x", "٠٠٠٠٠١.tsr", "000001.TSR", "000001.tsr\n", "notes.md",
           "C:\\x.tsr", "\x1b[2J"]  # fmt: skip


@pytest.mark.parametrize("name", HOSTILE)
def test_a_name_that_is_no_segments_is_refused_and_no_path(bench, name, tmp_path):
    bench.rec.record(blocks=(1,))
    rest = json.dumps([name, 4096, 77]) + "\n"
    bench.link.garble = lambda text: text + rest if text.startswith('["') else text
    before = {p for p in tmp_path.rglob("*") if "data" not in p.parts}
    done = bench.pull(delete=True)
    assert done.refused == (name,) and len(done.recordings) == 1
    shown = fetching.names_shown(done.refused)
    assert len(shown) < 200 and shown.isprintable()
    after = {p for p in tmp_path.rglob("*") if "data" not in p.parts}
    assert after - before == {bench.rec.folder / "clock.txt"}
    told = [c for c in bench.link.programs if "_ts_piece(" in c or "_ts_remove(" in c]
    assert all(f"{bench.rec.folder}/" in code.splitlines()[-1] for code in told)


@pytest.mark.parametrize("answer", [
    "garbage\n", "[]\n", '["000001.tsr", -5, 0]\n', '["000001.tsr", 1, 4294967296]\n', "{}\n",
    '["000001.tsr", 1.5, 0]\n', '["000001.tsr", true, 0]\n', "[" * 5000 + "\n", "null\n",
    '["000001.tsr", 10, 0]\n["000001.tsr", 10, 0]\n', f'["000001.tsr", {1 << 62}, 0]\n',
])  # fmt: skip
def test_a_listing_that_is_none_ends_in_one_line(bench, answer):
    bench.rec.record(blocks=(1,))
    bench.link.garble = lambda text: answer if text.startswith('["') else text
    with pytest.raises(LinkError, match="where its files were expected") as caught:
        bench.pull()
    assert "\n" not in str(caught.value) and len(str(caught.value)) < 300
    assert not bench.dataset.path.exists() or bench.dataset.ids() == []


def test_no_such_folder(bench, tmp_path):
    (tmp_path / "rec").rmdir()
    with pytest.raises(TinysenseError, match="no folder .*rec on folder: nothing was recorded"):
        bench.pull()


@pytest.mark.parametrize("folder", ["/rec/../..", "a\0b", ""])
def test_a_folder_must_be_plain(bench, folder):
    with pytest.raises(TinysenseError, match="a path on the board"):
        pull(board(bench.link), folder, bench.dataset, bench.raw)


# ---- Time ----


def device_us():
    stamp = bytearray(8)
    device_clock().stamp(stamp)
    return int.from_bytes(stamp, "little")


def test_the_time_is_told_first_and_recordings_get_theirs(bench):
    begin = device_us()
    bench.rec.record(boot=boot_id(), begin_us=begin + 1_000_000)
    (one,) = bench.pull().recordings
    assert "_ts_boot" in bench.link.programs[0] and "_ts_set" in bench.link.programs[2]
    found = bench.dataset.recording(one.id)
    assert found.time.startswith("2026-09-21T") and found.time.endswith("+00:00")
    passed = datetime.fromisoformat(found.time).timestamp() - NOW
    assert 0 < passed < 1.001
    assert one.id.startswith("walk_20260921T") and one.id.endswith(f"_{one.joined.id:08x}")


def test_earlier_starts_keep_their_pairs(bench):
    (bench.rec.folder / "clock.txt").write_text(f"7 4000000 {1_780_000_000_000_000}\n")
    bench.rec.record(boot=7, begin_us=5_000_000)
    bench.rec.record("run", boot=8, begin_us=5_000_000)
    walk, run = bench.pull().recordings
    assert bench.dataset.recording(walk.id).time == "2026-05-28T20:26:41+00:00"
    assert bench.dataset.recording(run.id).time == ""
    assert run.id == f"run_{run.joined.id:08x}"


def test_clocks_that_jump_are_reported(bench):
    lines = [f"7 {k}000000 {1_780_000_000_000_000 + k * 1000000}\n" for k in (4, 6)]
    lines.insert(1, f"7 5000000 {1_700_000_000_000_000}\n")
    (bench.rec.folder / "clock.txt").write_text("".join(lines) + "nonsense\n")
    bench.rec.record(boot=7, begin_us=5_000_000)
    done = bench.pull()
    assert "1 lines of clock.txt" in done.notes[0] and "1 of 3 pairs of times" in done.notes[1]
    assert "contradict the others by -80000005 s" in done.notes[1]
    (found,) = bench.dataset.recordings()
    assert found.time == "2026-05-28T20:26:45+00:00"


def test_a_board_without_the_package_is_pulled_without_times(bench):
    bench.link.fail["tinysense.field.boot"] = BoardError("ImportError: no module named 'tinysense'")
    bench.rec.record()
    done = bench.pull()
    assert "no tinysense that knows the time" in done.notes[0] and len(done.recordings) == 1


def test_a_full_board_still_tells_its_time(bench, monkeypatch):
    def full(us, folder):
        raise OSError(28, "ENOSPC")

    begin = device_us()
    bench.rec.record(boot=boot_id(), begin_us=begin + 1)
    monkeypatch.setattr("tinysense.field.boot.set_time", full)
    done = bench.pull()
    assert done.notes == ["the board could not keep the time (errno 28: is it full?)"]
    (found,) = bench.dataset.recordings()
    assert found.time.startswith("2026-09-21T")


def test_a_computer_that_does_not_know_the_time(bench):
    bench.rec.record()
    done = bench.pull(now=lambda: 86400.0)
    assert "this computer's clock is not set" in done.notes[0]
    assert not (bench.rec.folder / "clock.txt").exists()


@pytest.mark.parametrize("answer", ["[1]", "[0, 5, 0]", '["a", 1, 2]', f"[{1 << 33}, 1, 0]", "7"])
def test_a_time_that_is_none_ends_in_one_line(bench, answer):
    bench.rec.record()
    bench.link.garble = lambda text: answer if text.startswith("[" + str(boot_id())) else text
    with pytest.raises(LinkError, match="answered"):
        bench.pull()


# ---- This computer ----


def test_no_room_on_this_computer(bench, monkeypatch):
    id = bench.rec.record(blocks=(9,))
    real, written = open, []

    class Full:
        def __init__(self, file):
            self.file = file

        def __getattr__(self, name):
            return getattr(self.file, name)

        def __enter__(self):
            return self

        def __exit__(self, *exc):
            self.file.close()

        def write(self, data):
            written.append(len(data))
            if sum(written) > 20000:
                self.file.write(data[:1000])
                raise OSError(28, "No space left on device")
            return self.file.write(data)

    def opened(path, mode="r", *rest, **more):
        file = real(path, mode, *rest, **more)
        return Full(file) if mode == "r+b" else file

    monkeypatch.setattr("builtins.open", opened)
    with pytest.raises(TinysenseError, match="No space left on device.*goes on where it stopped"):
        bench.pull(delete=True)
    assert bench.rec.segments() == ["000001.tsr"] and bench.dataset.ids() == []
    monkeypatch.undo()
    done = bench.pull()
    assert done.new_bytes == 9 * 4096 - 4 * 4096 and bench.frames(id) == bench.rec.frames[id]


@pytest.mark.parametrize("text", [
    "", "{", "[]", '{"version": 1}', '{"version": 1, "segments": [1]}',
    '{"version": 1, "segments": {"a": {"size": 1}}}',
])  # fmt: skip
def test_an_index_that_is_damaged_says_what_to_do(bench, text):
    bench.rec.record()
    bench.pull()
    (bench.raw / "index.json").write_text(text)
    with pytest.raises(TinysenseError, match=r"index.json is damaged .*remove it"):
        bench.pull()
    (bench.raw / "index.json").unlink()
    done = bench.pull()     # compared, not fetched
    assert done.new_bytes == 0 and len(bench.dataset.ids()) == 1


def test_an_index_of_a_later_version(bench):
    bench.raw.mkdir(parents=True)
    (bench.raw / "index.json").write_text('{"version": 2, "segments": {}}')
    with pytest.raises(TinysenseError, match="has version 2, expected 1"):
        bench.pull()
