"""The monitor: what it draws, what it counts, what it keeps, and that it goes on after a break."""

import io
import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest
import tiny
from rich.console import Console

from tinysense import recording as tsr
from tinysense_host.commands import monitor as command
from tinysense_host.commands.monitor_screen import MonitorScreen
from tinysense_host.dataset import Dataset, Gap
from tinysense_host.device import Device
from tinysense_host.errors import TinysenseError
from tinysense_host.link import wire
from tinysense_host.link.ports import Candidate
from tinysense_host.link.session import SIGNAL, Traffic, watch_bytes
from tinysense_host.link.transport import LinkError
from tinysense_host.link.transport_fake import FakeTransport
from tinysense_host.monitor import reconnecting
from tinysense_host.monitor.reconnecting import Board, keep_watching
from tinysense_host.monitor.recording import MonitorRecording
from tinysense_host.monitor.text import Counters, envelope, heat, signal_of

ROOT = Path(__file__).resolve().parents[2]
FACTS = {"rate_mhz": 25000, "channels": ["x"], "units": "g", "full_scale": 4, "device": "d",
         "driver": "Replay", "model": "tiny", "labels": ["rest", "ring"],
         "thresholds": [256, 128], "background": ["rest"], "row": 0}
HELLO = wire.parse(wire.Frame(1, 0, 0, json.dumps(FACTS).encode()))


def frames(first, values, lost=0):
    return wire.Frames(first, lost, 0, np.array(values, np.int16).reshape(-1, 1))


def status(frames=0, time_us=0, lost=0, windows=0, events=0, errors=0, rate=0):
    return wire.Status(frames, lost, time_us, windows, windows, events, errors, rate)


# ---- text ----


def test_an_envelope_fills_from_least_to_greatest():
    pairs = np.array([[0, 0], [0, 3], [3, 3], [0, 7]], np.int16)
    lower, = envelope(pairs[:3], 0, 3, 2)
    assert lower == chr(0x2800 + 0x80) + chr(0x2800 + 0x47 + 0x08)
    upper, below = envelope(pairs[3:], 0, 7, 1, rows=2)
    assert upper == below == chr(0x2800 + 0xB8)


def test_an_envelope_keeps_the_newest_and_stays_inside():
    pairs = np.array([[-32768, 32767]] * 100, np.int16)
    (line,) = envelope(pairs, -1, 1, 5)
    assert line == chr(0x28FF) * 5
    assert envelope(pairs[:0], 0, 0, 3) == [chr(0x2800) * 3]
    flat = np.full((4, 2), 9, np.int16)
    assert len(envelope(flat, 9, 9, 2)[0]) == 2


def test_heat_goes_from_nothing_to_full():
    assert heat(np.array([-128, 127], np.int8), 40) == " █"
    assert heat(np.array([-128, -128, 127, 127], np.int8), 2) == " █"
    assert heat(np.zeros(0, np.int8), 3) == ""


def test_extremes_of_frames_that_came_themselves():
    found = signal_of(frames(7, [3, -5, 9]))
    assert (found.first, found.frames, found.extremes.tolist()) == (7, 3, [[-5, 9]])


# ---- counters ----


def test_counters_add_up_over_connections():
    traffic, clock = Traffic(), [0.0]
    counters = Counters(traffic, lambda: clock[0])
    for message in (HELLO, status(), status(50, 2_000_000, 3, 5, 1)):
        counters(message)
    assert counters.rate_mhz == 26500       # 53 frames of the sensor in 2 s
    counters.broke()
    for message in (HELLO, status(10, 100), status(20, 400_100, windows=2)):
        counters(message)
    assert counters.rate_mhz == 0           # too short to tell
    traffic.bytes, traffic.missing, clock[0] = 3000, 4, 1.5
    said = counters.line(25000)
    for part in ("70 frames", "3 lost on the board", "4 messages lost on the link", "7 windows",
                 "1 events", "25 Hz", "2.0 kB/s", "1 break of the link"):
        assert part in said


def test_a_drivers_own_rate_goes_before_ours():
    counters = Counters(Traffic())
    for message in (HELLO, status(), status(50, 2_000_000, rate=25170)):
        counters(message)
    assert "25.17 of 25 Hz" in counters.line(25000)


# ---- screen ----


def shown(messages, live=True):
    counters = Counters(Traffic())
    screen = MonitorScreen(counters, live=live)
    for message in messages:
        counters(message)
        screen(message)
    console = Console(width=120, record=True, file=io.StringIO())
    console.print(screen.picture())
    return console.export_text()


def test_the_picture_holds_signal_input_scores_and_counters():
    extremes = [wire.Signal(5 * i, 0, 5, np.array([[-100 * i, 8192]], np.int16)) for i in range(9)]
    values = wire.Input(3, 4, 0, 0, np.array([-128, 0, 0, 127], np.int8))
    scores = wire.Scores(3, 0, 0, np.array([90, 200], np.uint8))
    text = shown([HELLO, *extremes, values, scores, status(9, windows=3)])
    assert "tiny on d, Replay" in text
    assert re.search(r"x +[\u2800-\u28ff]{40} .*\.\. 1 g", text)
    assert re.search(r"input +.*█", text)
    assert re.search(r"ring +█+[^ ]*│█+.* 200", text)
    assert "90" in text and "9 frames" in text


def test_sound_has_a_level_and_says_when_it_clips():
    sound = wire.parse(wire.Frame(1, 0, 0, json.dumps(
        FACTS | {"units": "pcm", "full_scale": 32768, "rate_mhz": 16_000_000}).encode()))
    quiet = wire.Signal(0, 0, 3200, np.array([[-3277, 3000]], np.int16))
    loud = wire.Signal(3200, 0, 3200, np.array([[-32768, 30000]], np.int16))
    assert "-20.0 dBFS" in shown([sound, quiet]) and "CLIPPED" not in shown([sound, quiet])
    assert "CLIPPED" in shown([sound, quiet, loud])


def test_what_a_board_says_cannot_steer_the_terminal(capsys):
    bad = wire.parse(wire.Frame(1, 0, 0, json.dumps(
        FACTS | {"labels": ["\x1b[2Jx", "[red]y"], "model": "\x1b]0;m\x07"}).encode()))
    scores = wire.Scores(1, 0, 0, np.array([1, 2], np.uint8))
    event = wire.Event(1, 0, 0, 200, "\x1b[31mboo")
    assert "\x1b" not in shown([bad, scores])
    screen = MonitorScreen(Counters(Traffic()), live=False)
    for message in (bad, scores, event, wire.Log("\x1b[1mhi"), wire.Hello(1, ("x",), "g", 1.0, {
            "labels": 7, "thresholds": "x"})):
        screen(message)
    out = capsys.readouterr().out
    assert "\x1b" not in out and "boo" in out and "[red]y" in out


# ---- what is kept ----


def kept_in(folder, messages, breaks=()):
    kept = MonitorRecording(folder)
    for i, message in enumerate(messages):
        if i in breaks:
            kept.broke("lost the board")
        kept(message)
    kept.close()
    rows = [json.loads(line) for line in kept.path.read_text("utf-8").splitlines()]
    return kept, rows


def test_frames_become_a_recording_with_gaps(tmp_path):
    stream = [HELLO, frames(0, [1, 2]), frames(5, [6], lost=3), HELLO, frames(0, [9]),
              frames(4, [8]), wire.End({"why": "done"})]
    kept, rows = kept_in(tmp_path, stream, breaks=(3,))
    assert kept.ids == ["monitor_001"]
    back = Dataset(tmp_path).recording("monitor_001")
    assert back.frames[:, 0].tolist() == [1, 2, 6, 9, 8]
    assert back.gaps == (Gap(2, 3), Gap(3, -1), Gap(4, 3))
    assert (back.rate_mhz, back.channels, back.units) == (25000, ("x",), "g")
    assert [row["type"] for row in rows] == ["hello", "break", "hello", "end", "recording"]
    assert Dataset(tmp_path).labels() == []


def test_a_break_and_a_loss_at_one_place_are_one_gap_of_unknown_length(tmp_path):
    kept_in(tmp_path, [HELLO, frames(0, [1]), HELLO, HELLO, frames(3, [2])])
    assert Dataset(tmp_path).recording("monitor_001").gaps == (Gap(1, -1),)


def test_another_sensor_begins_another_recording(tmp_path):
    other = wire.parse(wire.Frame(1, 0, 0, json.dumps(FACTS | {"full_scale": 8}).encode()))
    kept, _ = kept_in(tmp_path, [HELLO, frames(0, [1]), other, frames(0, [2, 3])])
    found = [Dataset(tmp_path).recording(name) for name in kept.ids]
    assert [r.frames[:, 0].tolist() for r in found] == [[1], [2, 3]]
    assert found[1].scale == 8 / 32768


def test_a_long_watch_is_written_in_parts(tmp_path, monkeypatch):
    monkeypatch.setattr("tinysense_host.monitor.recording.SECONDS", 0.1)
    kept, _ = kept_in(tmp_path, [HELLO, frames(0, [1, 2, 3]), frames(4, [4]), frames(5, [5])])
    assert [Dataset(tmp_path).recording(name).frames[:, 0].tolist() for name in kept.ids] == [
        [1, 2, 3], [4, 5]]
    assert Dataset(tmp_path).recording(kept.ids[1]).gaps == (Gap(0, 1),)


def test_without_frames_only_lines_are_written(tmp_path):
    event = wire.Event(2, 80_000, 1, 200, "ring")
    kept, rows = kept_in(tmp_path, [HELLO, wire.Signal(0, 0, 5, np.array([[1, 2]], np.int16)),
                                    event, wire.Log(""), wire.Ready(3)])
    assert kept.ids == [] and not (tmp_path / "recordings").exists()
    assert [row["type"] for row in rows] == ["hello", "signal", "event"]
    assert rows[1]["extremes"] == [[1, 2]] and rows[2]["name"] == "ring"
    again, _ = kept_in(tmp_path, [HELLO])
    assert again.path != kept.path
    nothing = MonitorRecording(tmp_path / "other")
    nothing.close()
    assert nothing.empty and not (tmp_path / "other").exists()


def test_frames_that_contradict_the_hello_are_refused(tmp_path):
    for stream, message in (([frames(0, [1])], "did not announce"),
                            ([HELLO, frames(3, [1]), frames(0, [1])], "went back")):
        with pytest.raises(LinkError, match=message):
            kept_in(tmp_path, stream)


def test_a_slow_link_gets_no_raw_frames(monkeypatch, capsys):
    monkeypatch.setattr(command, "driver_facts", lambda device, for_model: FACTS | {
        "rate_mhz": 16_000_000})
    monkeypatch.setattr(command, "link_speed", lambda device: 11_000.0)
    assert not command._frames_fit(None)
    said = " ".join(capsys.readouterr().err.split())
    assert "carries 11 kB/s" in said and "the signal's extremes only" in said
    monkeypatch.setattr(command, "link_speed", lambda device: 90_000.0)
    assert command._frames_fit(None)


@pytest.mark.parametrize(("rate_mhz", "channels", "expected"), [
    (25000, 3, 25 * (6 + 32 / 2)), (16_000_000, 1, 16000 * (2 + 32 / 502))])
def test_what_frames_take_on_the_link(rate_mhz, channels, expected):
    assert watch_bytes(rate_mhz, channels) == expected


# ---- a board that goes and comes ----


def streams(*parts):
    """Boards that are connected one after another, each with what it sends; errors are raised."""
    waiting = list(parts)

    def connect(port, board, kind, interrupt):
        part = waiting.pop(0)
        if isinstance(part, Exception):
            raise part
        device = Device(FakeTransport(stream=part, port=port or "fake"))
        opened.append(device)
        return device

    opened = []
    connect.opened = opened
    return connect


def sent(*messages):
    kinds = {"hello": (1, json.dumps(FACTS).encode()), "end": (5, b'{"why": "done"}'),
             "status": (10, wire.STATUS_BODY.pack(25, 0, 1_000_000, 5, 5, 0, 0, 0))}
    return [wire.encode_frame(kinds[m][0], i, kinds[m][1]) if isinstance(m, str) else m
            for i, m in enumerate(messages)]


GONE = LinkError("lost the board on fake: it was unplugged, or it reset")


def run(connect, monkeypatch, **options):
    monkeypatch.setattr(reconnecting, "connect", connect)
    monkeypatch.setattr(reconnecting, "RETRY_S", 0)
    got, breaks = [], []
    options = {"on_message": got.append, "on_break": breaks.append} | options
    seen = keep_watching(Board("fake"), options.pop("seconds", None), **options)
    return seen, got, breaks


def test_it_goes_on_after_a_break(monkeypatch):
    connect = streams(sent("hello", "status", GONE), TinysenseError("port fake does not exist"),
                      TinysenseError("no prompt"), sent("hello", "end"))
    asked = []
    seen, got, breaks = run(connect, monkeypatch, seconds=3.0,
                            on_open=lambda device: asked.append(device) or SIGNAL)
    assert seen.end == {"why": "done"} and len(asked) == 2
    assert [type(m).__name__ for m in got] == ["Hello", "Status", "Hello", "End"]
    assert len(breaks) == 3 and "unplugged" in breaks[0] and "not exist" in breaks[1]
    programs = [d.transport.programs[-1] for d in connect.opened]
    assert "watch(_ts_p, 3.0," in programs[0] and "'signal'" in programs[0]
    assert "watch(_ts_p, 2.0," in programs[1]       # one second went by before
    assert [d.transport.resets for d in connect.opened] == [1, 1]
    assert connect.opened[0].transport.closed


@pytest.mark.parametrize(("parts", "options", "message"), [
    ([sent("hello", GONE)], {"once": True}, "unplugged"),
    ([sent(GONE)], {}, "unplugged"),                # never heard of: no use to wait
    ([TinysenseError("no board found")], {}, "no board found"),
    ([sent("hello", GONE), sent(wire.encode_frame(1, 0, b"{}"))], {"once": True}, "unplugged")])
def test_what_is_not_waited_for(monkeypatch, parts, options, message):
    with pytest.raises(TinysenseError, match=message):
        run(streams(*parts), monkeypatch, **options)


def test_a_board_is_found_again_by_its_serial_number(monkeypatch):
    found = [Candidate("/dev/a", "board", "123")]
    monkeypatch.setattr(reconnecting, "candidates", lambda: found)
    ports = []
    monkeypatch.setattr(reconnecting, "connect", lambda port, *_: ports.append(port) or Device(FakeTransport(port=port or "/dev/a")))
    board = Board(None)
    board.open()
    found[:] = [Candidate("/dev/a", "another board", "9"), Candidate("/dev/b", "board", "123")]
    board.open()
    assert ports == [None, "/dev/b"]
    found[:] = [Candidate("/dev/a", "another board", "9")]
    with pytest.raises(TinysenseError, match="serial number 123"):
        board.open()


# ---- the command ----


def environment(tmp_path, **more):
    kept = {k: v for k, v in os.environ.items() if not k.startswith("TINYSENSE_")}
    path = os.pathsep.join([str(ROOT / "host"), str(ROOT / "device")])
    return kept | {"PYTHONPATH": path, "TINYSENSE_RUN": str(tmp_path), "COLUMNS": "160"} | more


def prepared(flash, loop=False):
    with tsr.Writer(str(flash / "a.tsr"), 25000, 3, "g", 4, "ring") as writer:
        writer.write(bytes(tiny.window(25600)) * 25, 100)
    (flash / "m.tsm").write_bytes(tiny.build())
    (flash / "tinysense.json").write_text(json.dumps({
        "model": "/m.tsm", "driver": "replay", "outputs": [],
        "driver_options": {"path": "/a.tsr", "realtime": loop, "loop": loop}}))


def started(tmp_path, *words):
    return subprocess.Popen(
        [sys.executable, "-m", "tinysense_host.cli", "monitor", *map(str, words)], cwd=tmp_path,
        text=True, env=environment(tmp_path), stdout=subprocess.PIPE, stderr=subprocess.PIPE)


def test_the_command_records_what_it_sees(tmp_path, repl_board):
    port, flash = repl_board()
    prepared(flash)
    process = started(tmp_path, "--port", port, "--record", "data", "--features")
    out, err = process.communicate(timeout=60)
    assert process.returncode == 0, err
    assert "recorded monitor_001" in out and "100 frames" in out and "49 windows" in out
    back = Dataset(tmp_path / "data").recording("monitor_001")
    assert back.frames.tolist() == [[25600, 0, 0]] * 100 and back.gaps == ()
    (path,) = (tmp_path / "data" / "monitor").glob("*.jsonl")
    rows = [json.loads(line) for line in path.read_text().splitlines()]
    types = [row["type"] for row in rows]
    assert types.count("scores") == types.count("input") == types.count("event") == 49


def test_ctrl_c_ends_cleanly_and_keeps_what_came(tmp_path, repl_board):
    port, flash = repl_board()
    prepared(flash, loop=True)
    process = started(tmp_path, "--port", port, "--record", "data")
    assert "window" in process.stdout.readline()
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 130 and "interrupted" in err and "Traceback" not in err
    assert "recorded monitor_001" in out
    assert len(Dataset(tmp_path / "data").recording("monitor_001").frames) > 0


def test_ctrl_c_while_it_waits_for_the_board(tmp_path, repl_board):
    """The board dies, and is back on another port of the same name."""
    port, flash = repl_board()
    prepared(flash, loop=True)
    link = tmp_path / "port"
    link.symlink_to(port)
    process = started(tmp_path, "--port", link, "--record", "data")
    lines = []
    reader = threading.Thread(target=lambda: lines.extend(iter(process.stdout.readline, "")))
    reader.start()

    def seen(text, count=1):
        end = time.monotonic() + 60
        while sum(text in line for line in lines) < count:
            assert process.poll() is None and time.monotonic() < end, lines
            time.sleep(0.02)

    seen("window")
    repl_board.kill(port)
    seen("reconnecting")
    again, flash = repl_board()
    prepared(flash, loop=True)
    link.unlink()
    link.symlink_to(again)
    windows = sum("window" in line for line in lines)
    seen("window", windows + 3)
    repl_board.kill(again)
    seen("reconnecting", 2)
    process.send_signal(signal.SIGINT)
    process.wait(60)
    reader.join()
    assert process.returncode == 130, lines
    back = Dataset(tmp_path / "data").recording("monitor_001")
    assert [gap.lost for gap in back.gaps if gap.lost < 0] == [-1]
