"""What a board says that it runs, and who is not interrupted."""

import os
import time
from pathlib import Path

import pytest

from tinysense.recording import BLOCK, Reader
from tinysense_host.device import board_id, connect
from tinysense_host.errors import TinysenseError
from tinysense_host.link import enquiry
from tinysense_host.link.enquiry import LoggerRunsError, Running, arrive, ask
from tinysense_host.link.raw_repl import BANNER, enter
from tinysense_host.naming import Where

HERE = Path(__file__).resolve().parent


@pytest.fixture
def running(repl_board, tmp_path, monkeypatch):
    """running("record()", id="ab") -> (port, flash) of a board that runs it."""
    path = f"{HERE.parent / 'device'}{os.pathsep}{os.environ.get('PYTHONPATH', '')}"
    monkeypatch.setenv("PYTHONPATH", path)

    def start(call, board_id=""):
        main = tmp_path / "main.py"
        code = (HERE / "logging_program.py").read_text()
        code += f"\nimport sys\nsys.path.append({str(HERE.parent / 'device')!r})\n{call}\n"
        main.write_text(code)
        return repl_board(f"main={main}" + (f",id={board_id}" if board_id else ""))

    return start


def until(condition):
    end = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.02)


def frames(folder):
    """Numbers of the frames in the recorder's folder, in order."""
    out = []
    for path in sorted(p for p in folder.glob("*.tsr") if p.stat().st_size >= BLOCK):
        with Reader(str(path), skip_damaged=True) as reader:
            for block in reader:
                out += [int.from_bytes(block.frames[6 * k:6 * k + 2], "little")
                        for k in range(block.count)]
    return out


def test_a_recorder_is_asked_and_goes_on_without_a_gap(running):
    port, flash = running("record()", board_id="ab12")
    until(lambda: frames(flash / "rec"))
    for _ in range(3):
        with pytest.raises(LoggerRunsError) as caught:
            connect(port)
        told = caught.value.running
        assert (told.kind, told.logger, told.board_id) == ("recording", True, "ab12")
        assert told.facts["label"] == "walk" and told.facts["lost"] == 0
        assert str(told).startswith(f"recording 'walk', {told.facts['blocks']} blocks")
        had = len(frames(flash / "rec"))
        until(lambda had=had: len(frames(flash / "rec")) > had)
    found = frames(flash / "rec")
    assert found == list(range(len(found)))
    message = str(caught.value)
    assert port in message and "--interrupt" in message and "\n" not in message


def test_told_to_it_is_stopped_and_how_it_goes_on_is_said(running, caplog):
    port, flash = running("record()")
    with connect(port, interrupt=True) as device:
        assert device.stopped is not None and device.exec("print(1)") == "1\n"
        assert caplog.text == ""
    assert "recording 'walk'" in caplog.text and "press its reset button" in caplog.text
    with connect(port) as device:       # it runs no more
        assert device.stopped is None
    assert caplog.text.count("press its reset button") == 1


@pytest.mark.parametrize(("value", "stops"), [("1", True), ("true", True), ("0", False)])
def test_the_variable_allows_it_too(running, monkeypatch, value, stops):
    monkeypatch.setenv("TINYSENSE_INTERRUPT", value)
    port, _ = running("record()")
    if stops:
        with connect(port) as device:
            assert device.stopped is not None
    else:
        with pytest.raises(LoggerRunsError):
            connect(port)


@pytest.mark.parametrize("kind", ["mpremote", "ampy"])
@pytest.mark.parametrize("call", ["infer()", "record(start='never')", "while 1: time.sleep(0.1)"])
def test_other_programs_are_stopped_as_ever(running, kind, call):
    port, _ = running(call)
    with connect(port, kind=kind) as device:
        assert device.exec("print(6 * 7)") == "42\n" and device.stopped is None


def test_a_pipeline_that_says_that_it_is_a_logger_is_not(running):
    port, _ = running("infer(logger=True)")
    for kind in ("mpremote", "ampy"):
        with pytest.raises(LoggerRunsError, match="is pipeline .*, 0 windows, and this would"):
            connect(port, kind=kind)


def test_another_board_than_the_one_named_is_left_alone(running, repl_board):
    port, flash = running("record()", board_id="ab12")
    for interrupt in (False, True):
        with pytest.raises(TinysenseError, match="is not field-3: its id is ab12, expected ff"):
            connect(Where(port, "field-3", "ff"), interrupt=interrupt)
    assert board_id(port) == "ab12"
    other, _ = repl_board("id=cd")
    with pytest.raises(TinysenseError, match="is not field-3: its id is cd, expected ff"):
        connect(Where(other, "field-3", "ff"))
    with connect(Where(other, "field-3", "cd")) as device:
        assert (device.name, device.board_id) == ("field-3", "cd")


class Line:
    """A line that answers each question with the next of some texts."""

    port = "line"

    def __init__(self, *answers):
        self.answers, self.waiting, self.asked = list(answers), b"", 0

    def write(self, data):
        self.asked += data == enquiry.ENQ
        self.waiting += self.answers.pop(0) if self.answers else b""
        return len(data)

    def some(self, wait):
        data, self.waiting = self.waiting[:7], self.waiting[7:]
        if not data:
            time.sleep(min(wait, 0.005))
        return data

    def unread(self, data):
        self.waiting = data + self.waiting


GOOD = b'\r\n\x06{"runs": "recording", "logger": true, "id": "ab", "blocks": 5}\r\n'


@pytest.fixture
def impatient(monkeypatch):
    monkeypatch.setattr(enquiry, "ANSWER_S", 0.05)


@pytest.mark.parametrize("answer", [
    GOOD, b"temperature 21.5\r\n" + GOOD + b"temperature", GOOD.replace(b"\r\n", b"\n")])
def test_the_answer_is_found_among_other_text(impatient, answer):
    assert str(ask(Line(answer))) == "recording, 5 blocks"


def test_a_lost_or_damaged_answer_is_asked_for_again(impatient):
    line = Line(b"", GOOD.replace(b"true", b"t\xffue"), GOOD)
    assert ask(line).logger and line.asked == 3


@pytest.mark.parametrize("answer", [
    b"\x06{}\r\n", b"\x06[1]\r\n", b'\x06{"runs": 5}\r\n', b"\x06{\r\n", b'{"runs": "recording"}\r\n',
    b"\x06{" + b"[" * 900 + b"}\r\n", b"x" * 9000])
def test_nonsense_is_no_answer(impatient, answer):
    assert ask(Line(answer)) is None


def test_at_a_prompt_nobody_waits():
    line = Line(b"\r\nraw REPL; CTRL-B to exit\r\n>")
    assert ask(line) is None and line.asked == 1


def test_what_a_board_says_is_shown_without_control_characters():
    told = Running("recording", True, "", {"label": "a\x1b[31mb", "error": "x\ny", "blocks": "9",
                                           "lost": True})
    assert str(told) == "recording 'a\ufffd[31mb' (x\ufffdy)"


def test_only_a_logger_is_refused(impatient):
    pipeline = b'\x06{"runs": "pipeline", "logger": false, "model": "m", "windows": 3}\r\n'
    assert str(arrive(Line(pipeline), interrupt=False)) == "pipeline m, 3 windows"
    assert arrive(Line(GOOD), interrupt=True).logger
    with pytest.raises(LoggerRunsError):
        arrive(Line(GOOD), interrupt=False)


class StalledLine:
    """A prompt that answers each Ctrl-A, and nothing for a while."""

    port = "stalled"

    def __init__(self, seconds):
        self.until, self.answers, self.back = time.monotonic() + seconds, 0, b""

    def write(self, data):
        self.answers += data.count(b"\x01")
        return len(data)

    def some(self, wait):
        end = time.monotonic() + wait
        while time.monotonic() < end:
            if self.answers and time.monotonic() > self.until:
                self.answers -= 1
                return BANNER
            time.sleep(0.005)
        return b""

    def unread(self, data):
        self.back += data


def test_late_answers_of_a_prompt_are_not_left_for_what_comes_next():
    line = StalledLine(1.2)         # it is asked three times until then
    assert ask(line) is None and line.answers == 0
    line = StalledLine(1.6)
    enter(line, wait=1.0)           # twice
    assert line.answers == 0 and line.back == b">"
