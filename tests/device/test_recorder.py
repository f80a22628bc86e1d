"""The field recorder: recordings that begin, end, rotate, fill the disk and survive."""

import os

from chips.bus import Bus
from chips.mpu6050 import MPU6050 as Chip
from expect import Ticks, path, raises, read, write
from tinysense.drivers.mpu6050 import MPU6050
from tinysense.drivers.replay import Feed
from tinysense.errors import ConfigError, DriverError, RecordingError
from tinysense.field import boot, segments
from tinysense.field import recorder as module
from tinysense.field.recorder import Recorder
from tinysense.field.segments import Segments, is_segment
from tinysense.field.signs import Light, lines
from tinysense.field.triggers import NEXT, START, STOP, Button, Level, Motion, Schedule
from tinysense.recording import BLOCK, Reader


def folder(name):
    """An empty folder for recordings."""
    where = path(name)
    try:
        for old in os.listdir(where):
            os.remove(where + "/" + old)
    except OSError:
        pass
    return where


class Motion1000:
    """Frames (k, 0, 1000, 0, 0, k) for k below 1000, made when they are asked for."""

    def __len__(self):
        return 1000

    def __getitem__(self, k):
        return (k, 0, 1000, 0, 0, k)


class Bench:
    """A recorder with an emulated MPU6050 (500 Hz, 6 channels) on a clock that the test moves."""

    def __init__(self, name, where=None, odr_ppm=0, **options):
        self.now = Ticks()
        self.chip = Chip(Motion1000(), self.now, odr_ppm=odr_ppm)
        self.bus = Bus(self.chip)
        self.driver = MPU6050(self.bus, 500000, gyro=True, now=self.now)
        self.folder = where or folder(name)
        self.recorder = Recorder(self.driver, self.folder, **options)

    def run(self, seconds):
        for _ in range(int(seconds * 25)):
            self.now.now += 40000
            while self.recorder.step():
                pass


def blocks(where, skip_damaged=False):
    """(recording id, index, first, count, lost, label) of every block in the folder."""
    out = []
    for name in Segments(where).names():
        with Reader(where + "/" + name, skip_damaged) as reader:
            for b in reader:
                out.append((b.id, b.index, b.first, b.count, b.lost, b.label))
    return out


def test_a_recording_is_whole():
    b = Bench("rec_whole", labels=("walk",), note="left wrist")
    assert b.recorder.start() and b.recorder.recording
    b.run(20)
    b.recorder.stop()
    found = blocks(b.folder)
    assert sum(f[3] for f in found) == b.recorder.frames > 9900
    assert b.recorder.lost == 0 and b.recorder.synced == len(found)
    assert [f[1] for f in found] == list(range(len(found)))
    with Reader(b.folder + "/000001.tsr") as reader:
        first = next(reader)
        assert (first.label, first.note, first.boot) == ("walk", "left wrist", boot.boot_id())
        times = first.time_us, first.first
        assert first.units == ("g", "g", "g", "deg/s", "deg/s", "deg/s")
        last = [(x.time_us, x.first, x.measured_rate_mhz) for x in reader][-1]
        assert abs(last[2] - 500000) < 500
        assert abs(last[0] - times[0] - (last[1] - times[1]) * 2000) < 2100


def test_segments_go_on_where_the_last_one_ended():
    b = Bench("rec_segments", segment_kb=16)
    b.recorder.start()
    b.run(20)
    b.recorder.stop()
    names = Segments(b.folder).names()
    assert names[:2] == ["000001.tsr", "000002.tsr"] and len(names) > 5
    found, next_first = blocks(b.folder), 0
    for i, f in enumerate(found):
        assert (f[0], f[1], f[2]) == (found[0][0], i, next_first)
        next_first += f[3]
    for name in names[:-1]:
        assert os.stat(b.folder + "/" + name)[6] == 4 * BLOCK


def test_a_loss_stands_at_its_place():
    b = Bench("rec_loss")
    b.recorder.start()
    b.run(2)
    b.now.now += 1000000  # 500 frames where 85 have room
    b.run(2)
    b.recorder.stop()
    assert 400 <= b.recorder.lost <= 525
    found = blocks(b.folder)
    assert found[-1][4] == b.recorder.lost
    holes = [x[2] - y[2] - y[3] for x, y in zip(found[1:], found)]
    assert sorted(holes)[-1] == b.recorder.lost and sorted(holes)[-2] == 0


def test_what_was_lost_before_the_start_does_not_count():
    b = Bench("rec_before")
    b.run(2)
    b.now.now += 1000000
    b.run(2)
    assert b.driver.dropped > 400
    b.recorder.start()
    b.run(2)
    b.recorder.stop()
    assert b.recorder.lost == 0 and blocks(b.folder)[0][2] == blocks(b.folder)[0][4] == 0


def test_some_of_the_time_before_the_start_is_kept():
    b = Bench("rec_early", before_ms=500)
    b.run(4)
    b.recorder.start()
    b.run(1)
    b.recorder.stop()
    assert 700 <= b.recorder.frames <= 770 and b.recorder.lost == 0


def test_after_a_reset_it_goes_on_in_a_new_segment():
    where = folder("rec_reset")
    b = Bench("", where, labels=("walk", "run"))
    b.recorder.next_label()
    b.recorder.start()
    b.run(5)  # power fails: nobody closes anything
    before = len(blocks(where))
    again = Bench("", where, labels=("walk", "run"))
    assert again.recorder.recording and again.recorder.label == "run"
    again.run(5)
    again.recorder.stop()
    found = blocks(where)
    assert len(found) > before > 1
    assert len({f[0] for f in found}) == 2 and {f[5] for f in found} == {"run"}
    assert not Bench("", where).recorder.recording  # it was stopped: it stays so
    assert Bench("", where, start="always").recorder.recording


def test_a_computer_that_interrupts_does_not_end_it_for_good():
    b = Bench("rec_interrupt")
    b.recorder.start()
    b.run(1)
    b.recorder.close()
    assert blocks(b.folder)[0][3] > 0  # what was held is there
    assert Bench("", b.folder).recorder.recording


def test_half_a_block_loses_itself_only():
    b = Bench("rec_cut")
    b.recorder.start()
    b.run(5)
    name = b.folder + "/000001.tsr"
    data = read(name)
    write(name, data[: len(data) - 1000])
    assert len(blocks(b.folder, skip_damaged=True)) == len(data) // BLOCK - 1


def test_a_full_disk_stops_it_and_says_so():
    b = Bench("rec_full", segment_kb=16)
    b.recorder.segments._free = lambda: (20 - 4 * len(b.recorder.segments.names())) * BLOCK
    b.recorder.start()
    b.run(60)
    assert not b.recorder.recording
    assert "is full" in b.recorder.error and "delete" in b.recorder.error
    assert "\n" not in b.recorder.error
    found = blocks(b.folder)  # nothing of what was written is harmed
    assert found and found[-1][1] == len(found) - 1
    assert not b.recorder.start()


def test_a_ring_of_segments_overwrites_the_oldest():
    b = Bench("rec_ring", segment_kb=16, overwrite=True)
    b.recorder.segments._free = lambda: (25 - 4 * len(b.recorder.segments.names())) * BLOCK
    b.recorder.start()
    b.run(60)
    b.recorder.stop()
    names = b.recorder.segments.names()
    assert b.recorder.error == "" and len(names) <= 6 and names[0] != "000001.tsr"


def test_a_card_that_is_pulled_is_an_error_and_it_goes_on_when_it_is_back():
    b = Bench("rec_pulled")
    b.recorder.start()
    b.run(2)

    class Pulled:
        def write(self, data):
            raise OSError(19, "ENODEV")

        def flush(self):
            pass

        def close(self):
            raise OSError(19, "ENODEV")

    b.recorder._writer._file.close()
    b.recorder._writer._file = Pulled()
    b.run(2)
    assert not b.recorder.recording and "card" in b.recorder.error
    b.recorder._failed_at -= module._RETRY_MS
    b.run(1)
    assert b.recorder.recording and b.recorder.error == ""
    b.recorder.stop()


def test_a_sensor_that_is_gone_is_made_anew():
    b = Bench("rec_gone")
    b.recorder._remake = lambda: MPU6050(b.bus, 500000, gyro=True, now=b.now)
    b.recorder.start()
    b.run(2)
    b.bus.fail_next(100000)
    b.run(3)
    assert "stopped answering" in b.recorder.error and not b.recorder.recording
    b.recorder._failed_at -= module._RETRY_MS
    b.run(1)
    assert "no chip answers" in b.recorder.error
    b.bus.fail_next(0)
    b.recorder._failed_at -= module._RETRY_MS
    b.run(1)
    assert b.recorder.recording and b.recorder.error == ""
    b.recorder.stop()
    assert len({f[0] for f in blocks(b.folder)}) == 2
    bare = Bench("rec_gone_bare")
    bare.bus.fail_next(100000)
    raises(DriverError, "stopped answering", bare.run, 5)


def test_a_button_starts_stops_and_chooses():
    class Key:
        level = 1

        def value(self):
            return self.level

    class Recording:
        recording = False

    now, key, r = Ticks(100), Key(), Recording()
    button = Button(key, now=now)

    def press(ms):
        out = []
        for level, span in ((0, ms), (1, 100)):
            key.level = level
            for _ in range(span // 10):
                now.now += 10
                out.append(button.poll(r))
        return [o for o in out if o]

    assert press(200) == [START]
    r.recording = True
    assert press(200) == [STOP]
    assert press(1500) == [NEXT]
    assert press(20) == []  # bounces


def test_a_level_and_a_schedule():
    class Switch:
        def value(self):
            return self.level

    class Recording:
        recording = False

    s, r, now = Switch(), Recording(), Ticks(5000)
    level = Level(s)
    s.level = 1
    assert level.poll(r) == START
    r.recording = True
    assert level.poll(r) is None
    s.level = 0
    assert level.poll(r) == STOP
    r.recording = False
    schedule, said = Schedule(10, 60, now=now), []
    for _ in range(200):
        order = schedule.poll(r)
        if order:
            said.append((now.now // 1000 - 5, order))
            r.recording = order == START
        now.now += 1000
    assert said == [(0, START), (10, STOP), (60, START), (70, STOP), (120, START), (130, STOP),
                    (180, START), (190, STOP)]


def test_motion_starts_and_stillness_stops():
    now = Ticks()
    feed = Feed(100000, 3, "g", 4)
    r = Recorder(feed, folder("rec_motion"), triggers=(Motion(100, 2, now=now),))
    still, moved = bytearray(60), bytearray([0, 9] * 30)

    def turn(data):
        now.now += 500
        feed.feed(data)
        r.step()
        r.step()
        return r.recording

    assert not any([turn(still) for _ in range(5)])
    assert turn(moved)
    assert all([turn(moved) for _ in range(3)])
    assert [turn(moved) for _ in range(3)][-1] is False
    r.close()


def test_labels_are_walked_through():
    b = Bench("rec_labels", labels=("a", "b"))
    b.recorder.start()
    b.run(1)
    b.recorder.next_label()
    assert b.recorder.recording and b.recorder.label == "b"
    b.run(1)
    b.recorder.next_label()
    b.recorder.stop()
    assert [f[5] for f in blocks(b.folder) if f[1] == 0] == ["a", "b"]
    raises(ConfigError, "labels", Recorder, b.driver, b.folder, ())


def test_a_light_tells_the_state():
    class Pin:
        def value(self, level):
            self.level = level

    class State:
        recording, error, lost, label_number = False, "", 0, 1

    pin, now, state = Pin(), Ticks(), State()
    light = Light(pin, now=now)

    def turn():
        out = []
        for _ in range(25):
            light.show(state)
            out.append(pin.level)
            now.now += 120
        return out

    assert sum(turn()) == 2  # idle: as many flashes as the label's number
    state.recording = True
    assert sum(turn()) == 23
    state.lost = 3
    assert sum(turn()) == 21
    state.error = "full"
    assert 10 <= sum(turn()) <= 15


def test_lines_for_a_display():
    b = Bench("rec_lines", labels=("walking",))
    assert lines(b.recorder)[0] == "ready walking"
    b.recorder.start()
    b.run(3.1)
    got = lines(b.recorder)
    assert got[0] == "REC walking" and got[1] == "3 s" and got[2] == "0 lost"
    assert all(len(line) <= 16 for line in got)
    b.recorder.stop()


def test_the_clock_file_keeps_pairs():
    where = folder("rec_clock")
    b = Bench("", where)
    b.recorder.set_time(1790000000000000)
    for i in range(200):
        b.recorder.set_time(1790000000000001 + i)
    with open(where + "/" + boot.CLOCK_FILE) as f:
        rows = [line.split() for line in f.readlines()]
    assert len(rows) < 200 and rows[-1][2] == "1790000000000200"
    assert {row[0] for row in rows} == {str(boot.boot_id())}
    times = [int(row[1]) for row in rows]
    assert times == sorted(times)


def test_names_of_segments():
    for name, good in (("000001.tsr", True), ("1.tsr", False), ("00000a.tsr", False),
                       ("000001.tsr.part", False), ("../001.tsr", False)):
        assert is_segment(name) == good, name
    where = folder("rec_names")
    write(where + ".x", b"")
    s = Segments(where)
    write(where + "/000041.tsr", b"")
    write(where + "/notes.txt", b"")
    assert Segments(where).next()[0] == where + "/000042.tsr"
    raises(RecordingError, ("no folder", "SD card"), Segments, where + ".x")
    s._next = 10**segments.DIGITS
    raises(RecordingError, "all names", s.next)


def test_the_time_goes_to_every_folder_of_this_start():
    a, b = folder("rec_told_a"), folder("rec_told_b")
    Segments(a)
    Segments(b)
    boot.tell_time(1790000000000000)
    for where in (a, b):
        with open(where + "/" + boot.CLOCK_FILE) as f:
            assert f.read().split()[::2] == [str(boot.boot_id()), "1790000000000000"]
    os.remove(a + "/" + boot.CLOCK_FILE)
    os.rmdir(a)
    boot.tell_time(1790000000000001)  # a card that is gone does not keep the other from it
    with open(b + "/" + boot.CLOCK_FILE) as f:
        assert len(f.readlines()) == 2


def test_what_a_computer_is_told_that_asks():
    b = Bench("rec_told", labels=("walk",), start="never")
    told = b.recorder.told()
    assert (told["runs"], told["logger"]) == ("idle", False)
    assert b.recorder.start()
    b.run(10)
    told = b.recorder.told()
    assert (told["runs"], told["logger"], told["label"]) == ("recording", True, "walk")
    assert told["segment"] == b.folder + "/000001.tsr" and told["blocks"] == b.recorder.synced > 0
    assert (told["frames"], told["seconds"]) == (b.recorder.frames, b.recorder.seconds)
    b.recorder.stop()
    b.recorder.triggers = (Schedule(1, 10),)  # it will begin by itself
    assert (b.recorder.told()["runs"], b.recorder.told()["logger"]) == ("waiting", True)
