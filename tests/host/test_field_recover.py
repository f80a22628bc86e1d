"""field/recover.py: every block that is whole, from whatever is left of files and file systems."""

import random
import shutil

import numpy as np
import pytest
from folder_board import Recorded

from tinysense_host.dataset import Dataset, Gap
from tinysense_host.emulator import write_files
from tinysense_host.errors import TinysenseError
from tinysense_host.field.images import scan_image
from tinysense_host.field.recover import recover

BLOCK = 4096


@pytest.fixture
def rec(tmp_path):
    return Recorded(tmp_path / "rec")


@pytest.fixture
def dataset(tmp_path):
    return Dataset(tmp_path / "data")


def frames(dataset, tsr_id):
    found = [r for r in dataset.recordings() if r.source["tsr_id"] == tsr_id]
    return np.concatenate([r.frames for r in found])[:, 0].tolist() if found else []


# ---- Files ----


def test_a_damaged_file_gives_what_is_whole(rec, dataset):
    id = rec.record(blocks=(5,))
    rec.flip("000001.tsr", 0)
    rec.flip("000001.tsr", 3)
    done = recover(rec.folder / "000001.tsr", dataset)
    (one,) = done.recordings
    assert (done.files, done.blocks, done.damaged) == (1, 3, 2)
    assert one.absent == [[0, 0], [3, 3]] and one.damaged == 2
    whole = rec.frames[id]
    assert frames(dataset, id) == whole[1952 : 3 * 1952] + whole[4 * 1952 :]
    assert dataset.recording(one.id).gaps == (Gap(0, 1952), Gap(2 * 1952, 1952))


@pytest.mark.parametrize("cut", [1, 100, 4095])
def test_bytes_that_are_missing_cost_one_block(rec, dataset, cut):
    id = rec.record(blocks=(6,), spare=0)
    path = rec.folder / "000001.tsr"
    data = path.read_bytes()
    path.write_bytes(data[: 2 * BLOCK + 1] + data[2 * BLOCK + 1 + cut :])
    recover(path, dataset)
    whole = rec.frames[id]
    assert frames(dataset, id) == whole[: 2 * 1952] + whole[3 * 1952 :]


def test_a_folder_of_segments_with_its_times(rec, dataset):
    walk, run = rec.record(blocks=(3, 2)), rec.record("run", blocks=(2,))
    rec.flip("000002.tsr", 0)
    (rec.folder / "clock.txt").write_text(f"7 4000000 {1_780_000_000_000_000}\n")
    (rec.folder / "000003.tsr").rename(rec.folder / "000003.tsr.part")
    (rec.folder / "notes.md").write_text("not a segment")
    done = recover(rec.folder, dataset)
    assert done.files == 3 and done.damaged == 1
    assert {one.label for one in done.recordings} == {"walk", "run"}
    assert len(frames(dataset, walk)) == len(rec.frames[walk]) - 1952
    assert frames(dataset, run) == rec.frames[run]
    assert all(r.time.startswith("2026-05-28T") for r in dataset.recordings())


def test_recovering_again_changes_nothing(rec, dataset):
    rec.record(blocks=(3, 2))
    recover(rec.folder, dataset)
    before = {p: p.read_bytes() for p in dataset.path.rglob("*") if p.is_file()}
    done = recover(rec.folder, dataset)
    assert [one.recording for one in done.recordings] == [None]
    assert {p: p.read_bytes() for p in dataset.path.rglob("*") if p.is_file()} == before


@pytest.mark.parametrize("content", [b"", b"TSR\x1a", b"TSR\x1a" * 5000, b"\xff" * 9000])
@pytest.mark.parametrize("name", ["a.tsr", "a.img"])
def test_nothing_to_recover(tmp_path, dataset, content, name):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(TinysenseError, match="holds no block of a recording that is whole"):
        recover(tmp_path / name, dataset)
    assert dataset.ids() == []


def test_a_later_version_is_told_apart_from_damage(rec, dataset):
    rec.record(blocks=(2,))
    rec.age("000001.tsr")
    with pytest.raises(TinysenseError, match="expected .tsr version 2, got 3: update tinysense"):
        recover(rec.folder, dataset)


def test_no_such_path(tmp_path, dataset):
    with pytest.raises(TinysenseError, match="no file or folder at"):
        recover(tmp_path / "nothing", dataset)


# ---- Raw images ----


@pytest.mark.parametrize("step", [512, 4096])
def test_an_image_without_a_file_system(rec, dataset, tmp_path, step):
    id = rec.record(blocks=(9,))
    data = (rec.folder / "000001.tsr").read_bytes()
    chance, pieces = random.Random(1), []
    order = list(range(9))
    chance.shuffle(order)
    for k in order:
        pieces.append(chance.randbytes(step * chance.randint(1, 9)))
        pieces.append(data[k * BLOCK : (k + 1) * BLOCK])
    image = tmp_path / "card.img"
    image.write_bytes(b"".join(pieces))
    done = recover(image, dataset)
    assert frames(dataset, id) == rec.frames[id]
    assert (done.blocks, done.outside, done.damaged, done.files) == (9, 9, 0, 0)


def littlefs(rec, path, size=1 << 20, more=()):
    """An image of a board's flash that holds the recordings."""
    files = {"/rec/" + p.name: p.read_bytes() for p in rec.folder.iterdir()}
    write_files(path, {"/main.py": b"pass\n" * 900} | files | dict(more), disk_bytes=size)
    return path


def test_an_image_that_mounts(rec, dataset, tmp_path):
    id = rec.record(blocks=(30, 11))
    (rec.folder / "clock.txt").write_text(f"7 4000000 {1_780_000_000_000_000}\n")
    done = recover(littlefs(rec, tmp_path / "flash.img"), dataset)
    assert frames(dataset, id) == rec.frames[id] and done.notes == []
    assert (done.files, done.blocks, done.outside) == (2, 41, 0)
    (found,) = dataset.recordings()
    assert found.time.startswith("2026-05-28T")


@pytest.mark.parametrize("before", [0, 64 * BLOCK])
def test_an_image_that_does_not_mount_gives_every_block(rec, dataset, tmp_path, before):
    id = rec.record(blocks=(64, 33))
    image = littlefs(rec, tmp_path / "flash.img")
    (rec.folder / "clock.txt").write_text(f"7 4000000 {1_780_000_000_000_000}\n")
    data = bytearray(b"\xff" * before + image.read_bytes() + b"\0" * BLOCK)
    for block in range(2):  # all but the names in both superblocks is gone
        at = before + block * BLOCK
        data[at + 40 : at + BLOCK] = b"\x5a" * (BLOCK - 40)
    image.write_bytes(data)
    done = recover(image, dataset)
    assert "cannot be mounted" in done.notes[0]
    assert frames(dataset, id) == rec.frames[id]
    assert (done.blocks, done.outside, done.damaged) == (97, 97, 0)


def test_all_flash_with_the_file_system_inside(rec, dataset, tmp_path):
    id = rec.record(blocks=(20,))
    image = littlefs(rec, tmp_path / "flash.img")
    image.write_bytes(b"\x12" * (40 * BLOCK) + image.read_bytes() + b"\xff" * (3 * BLOCK))
    done = recover(image, dataset)
    assert done.notes == [] and done.outside == 0 and frames(dataset, id) == rec.frames[id]


def test_deleted_segments_come_back_as_far_as_flash_has_them(rec, dataset, tmp_path):
    from tinysense_host.emulator import filesystem

    id = rec.record(blocks=(20, 20))
    image = littlefs(rec, tmp_path / "flash.img")
    files = filesystem._load(image)
    files.remove("/rec/000002.tsr")
    filesystem._store(files, image)
    done = recover(image, dataset)
    assert (done.files, done.outside) == (1, 20)
    assert frames(dataset, id) == rec.frames[id]


@pytest.mark.parametrize("seed", range(6))
def test_an_image_with_holes_never_gives_anything_false(rec, dataset, tmp_path, seed):
    ids = [rec.record(name, blocks=(16, 5), losses=((3, 9),)) for name in ("a", "b")]
    image = littlefs(rec, tmp_path / "flash.img")
    data, chance = bytearray(image.read_bytes()), random.Random(seed)
    for _ in range(12):
        at = chance.randrange(len(data) // BLOCK) * BLOCK
        data[at : at + BLOCK] = chance.randbytes(BLOCK)
    image.write_bytes(data)
    recover(image, dataset)
    assert sum(len(frames(dataset, id)) for id in ids) > 20000
    for found in dataset.recordings():
        whole = rec.frames[found.source["tsr_id"]]
        at, shift = 0, 0
        for start, end in found.stretches():
            shift += sum(gap.lost for gap in found.gaps if gap.start == start)
            at = start + shift
            lost = 9 if at >= 3 * 1952 + 9 else 0   # those that the board lost were never written
            assert found.frames[start:end, 0].tolist() == whole[at - lost : at - lost + end - start]


def test_text_that_mentions_the_magic_is_no_damage():
    text = b"the magic is TSR\x1a, then a version\n" * 300
    found = scan_image(text)
    assert found.blocks == [] and found.damaged <= 300 * 36 // 512


def test_images_with_every_bit_pattern_never_crash(rec):
    rec.record(blocks=(3,))
    whole = (rec.folder / "000001.tsr").read_bytes()
    chance = random.Random(3)
    for _ in range(300):
        data = bytearray(whole)
        for _ in range(chance.randint(1, 40)):
            data[chance.randrange(len(data))] = chance.randrange(256)
        scan_image(bytes(data[: chance.randrange(len(data))]))


def test_files_of_a_power_cut_next_to_good_ones(rec, dataset):
    id = rec.record(blocks=(2,))
    (rec.folder / "000002.tsr").write_bytes(b"")
    shutil.copy(rec.folder / "000001.tsr", rec.folder / "000003.tsr")    # the same, twice
    done = recover(rec.folder, dataset)
    assert frames(dataset, id) == rec.frames[id] and done.blocks == 2
