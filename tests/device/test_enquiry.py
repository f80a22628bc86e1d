"""A computer asks what runs, and what runs goes on."""

import gc
import json

import tiny
from expect import MICROPYTHON, skip
from tinysense import enquiry
from tinysense.drivers.replay import Feed
from tinysense.enquiry import Enquiry
from tinysense.link import HostDriver, Link
from tinysense.model import load
from tinysense.pipeline import Pipeline


class Input:
    """Standard input that holds bytes, and the poller that says so."""

    def __init__(self, data=b"", ended=False):
        self.data, self.ended, self.looked = data, ended, 0

    def ipoll(self, timeout):
        self.looked += 1
        return [(self, 1)] if self.data or self.ended else []

    def readinto(self, buf):
        if not self.data:
            return 0
        buf[0], self.data = self.data[0], self.data[1:]
        return 1


class Bench:
    """An Enquiry over an Input, on a clock that the test moves; what it prints."""

    def __init__(self, data=b"", ended=False, told=None):
        self.input, self.said, self.now = Input(data, ended), [], 0
        enquiry.ticks_ms = lambda: self.now
        enquiry.ticks_diff = lambda a, b: a - b
        enquiry.print = self.said.append
        self.asked = Enquiry(told or (lambda: {"runs": "test"}))
        self.asked._poller = self.asked._input = self.input

    def poll(self, ms=100):
        self.now += ms
        self.asked.poll()


def test_it_answers_one_line_with_the_boards_id():
    b = Bench(b"\x05")
    b.poll()
    (line,) = b.said
    assert line[:2] == "\n\x06" and "\n" not in line[2:]
    assert json.loads(line[2:]) == {"runs": "test", "id": enquiry.board_id()}


def test_two_questions_at_once_get_one_answer():
    b = Bench(b"\x05\x05")
    b.poll()
    assert len(b.said) == 1


def test_other_bytes_are_passed_over():
    b = Bench(b"\r\nhello\xff\x00\x05")
    b.poll()
    assert len(b.said) == 1 and b.input.data == b""
    b.input.data = b"\r\n\x01\x02\x04\x06"
    b.poll()
    assert len(b.said) == 1


def test_it_looks_ten_times_a_second():
    b = Bench()
    for _ in range(1000):
        b.poll(1)
    assert b.input.looked == 10


def test_a_flood_is_taken_in_parts():
    b = Bench(b"x" * 100)
    b.poll()
    assert len(b.input.data) == 68


def test_at_the_end_of_its_input_it_looks_no_more():
    b = Bench(ended=True)
    for _ in range(5):
        b.poll()
    assert b.input.looked == 1 and b.said == []


def test_what_goes_wrong_is_not_the_programs_business():
    def told():
        raise MemoryError

    b = Bench(b"\x05", told=told)
    b.poll()
    assert b.said == []


def test_a_driver_that_reads_standard_input_is_left_alone():
    host = HostDriver(Link(Output()), 25000, ("x", "y", "z"), "g", 4, Input())
    assert Pipeline(host, load(tiny.build()))._enquiry._poller is None
    feed = Pipeline(Feed(25000, 3, "g", 4), load(tiny.build()))
    assert (feed._enquiry._poller is not None) == MICROPYTHON


class Output:
    def write(self, data):
        return len(data)


def test_what_a_pipeline_tells():
    driver = Feed(25000, 3, "g", 4)
    p = Pipeline(driver, load(tiny.build()))
    driver.feed(bytes(6 * 50))
    while p.step() is not None or p.frames < 50:
        pass
    told = p.told()
    assert told["runs"] == "pipeline" and told["logger"] is False
    assert told["model"] == p.model.name and told["windows"] == p.windows
    assert (told["frames"], told["seconds"]) == (50, 2)
    p.logger = True
    assert p.told()["logger"] is True


def test_looking_takes_no_heap():
    if not MICROPYTHON:
        skip("the heap is watched on MicroPython")
    b = Bench()
    b.asked = Enquiry(lambda: {})
    if b.asked._poller is None:
        skip("standard input can't be asked here")
    b.poll()
    if b.asked._poller is None:
        skip("standard input has ended")
    gc.collect()
    gc.disable()
    try:
        start = gc.mem_alloc()
        for _ in range(300):  # small numbers: the clock itself takes nothing
            b.poll()
        assert gc.mem_alloc() == start
    finally:
        gc.enable()
