"""Doctor: every fault has its line, its remedy, and does not keep the other checks from running."""

import json
import os
import re

import numpy as np
import pytest
import tiny
from typer.testing import CliRunner

from tinysense import recording as tsr
from tinysense_host import cli
from tinysense_host.commands import doctor as command
from tinysense_host.deploy.package import our_version
from tinysense_host.device import Device
from tinysense_host.doctor import board as doctor_board
from tinysense_host.doctor import checks as doctor
from tinysense_host.doctor.board import board_checks
from tinysense_host.doctor.checks import Check, Finding, Patient, SkipError, examine, host_checks
from tinysense_host.errors import TinysenseError
from tinysense_host.link import ports, wire
from tinysense_host.link.enquiry import LoggerRunsError, Running
from tinysense_host.link.session import Take
from tinysense_host.link.transport import LinkError
from tinysense_host.link.transport_fake import FakeTransport

COMMANDS = {row.name for row in cli.COMMANDS}
NAMED = re.compile(r"(?<!same )tinysense ([a-z]+(?:-[a-z]+)*)")


def named(found):
    """Findings by their check; every remedy that names a command names one that exists."""
    for finding in found:
        assert set(NAMED.findall(finding.remedy)) <= COMMANDS, finding
        assert finding.remedy or finding.state in ("ok", "skipped"), finding
        assert "\n" not in finding.text + finding.remedy
    by_name = {}
    for finding in found:
        by_name.setdefault(finding.check, []).append(finding)
    return by_name


def states(found):
    return {name: found[name][-1].state for name in found}


@pytest.fixture
def examined(monkeypatch):
    """Examines a port; the board of the tests holds its own line open, which is no other program's
    doing."""
    monkeypatch.setattr(ports, "holders", lambda port: [])
    monkeypatch.setattr(doctor_board, "SAMPLE_S", 0.5)

    def run(port=None, **more):
        patient = Patient(port, **more)
        try:
            return named(list(examine(patient, host_checks() + board_checks())))
        finally:
            patient.close()

    return run


def prepared(flash, golden=3):
    with tsr.Writer(str(flash / "a.tsr"), 25000, 3, "g", 4, "ring") as writer:
        writer.write(bytes(tiny.window(25600)) * 25, 100)
    (flash / "m.tsm").write_bytes(tiny.build(golden=golden))
    (flash / "tinysense.json").write_text(json.dumps({
        "model": "/m.tsm", "driver": "replay", "outputs": [],
        "driver_options": {"path": "/a.tsr", "realtime": False}}))


# ---- the frame ----


def test_a_check_that_breaks_does_not_stop_the_others():
    def broken(_):
        raise ZeroDivisionError("a\nb")

    def refused(_):
        raise TinysenseError("no", "do this")

    def can_not(_):
        raise SkipError("not here")

    checks = (Check("a", (), broken), Check("b", ("a",), lambda _: []), Check("c", (), refused),
              Check("d", (), can_not), Check("e", ("d",), lambda _: []),
              Check("f", (), lambda _: [Finding("f", "ok", "well")]))
    found = list(examine(Patient(), checks))
    assert [(f.check, f.state) for f in found] == [
        ("a", "fail"), ("b", "skipped"), ("c", "fail"), ("d", "skipped"), ("e", "skipped"),
        ("f", "ok")]
    assert "ZeroDivisionError: a b" in found[0].text and found[1].text == "needs a"
    assert (found[2].text, found[2].remedy) == ("no", "do this")


def test_ctrl_c_is_no_finding():
    def pressed(_):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        list(examine(Patient(), (Check("a", (), pressed),)))


def test_every_need_is_an_earlier_check():
    seen = set()
    for check in host_checks() + board_checks():
        assert set(check.needs) <= seen, check.name
        seen.add(check.name)


# ---- this computer and the port ----


def test_a_missing_package_is_named(monkeypatch):
    monkeypatch.setattr(doctor, "_NEEDED", (("serial", "pyserial"), ("no_such_thing", "thing")))
    found = named(list(examine(Patient("/nowhere"), host_checks())))
    assert found["packages"][0].remedy == "pip install thing"
    assert states(found)["port"] == "skipped"


def test_no_port_several_ports_and_one_that_is_not_there(examined, monkeypatch):
    monkeypatch.delenv("TINYSENSE_PORT", raising=False)
    monkeypatch.setattr(ports, "candidates", lambda: [])
    found = examined()
    assert "no board found" in found["port"][0].text and states(found)["prompt"] == "skipped"
    two = [ports.Candidate("/dev/a", "one"), ports.Candidate("/dev/b", "two")]
    monkeypatch.setattr(ports, "candidates", lambda: two)
    assert "2 boards found" in examined()["port"][0].text
    found = examined("/dev/nowhere")
    assert "does not exist" in found["rights"][0].text
    assert states(found)["prompt"] == states(found)["link"] == "skipped"


def test_a_port_without_rights_names_the_group(examined, monkeypatch, tmp_path):
    path = tmp_path / "tty"
    path.touch()
    monkeypatch.setattr(os, "access", lambda *_: False)
    (finding,) = examined(str(path))["rights"]
    assert finding.state == "fail" and "sudo usermod -aG" in finding.remedy


def test_a_port_that_another_program_holds(examined, monkeypatch, repl_board):
    port, _ = repl_board()
    monkeypatch.setattr(ports, "holders", lambda port: ["screen (42)"])
    found = examined(port)
    assert "screen (42)" in found["busy"][0].text and states(found)["prompt"] == "skipped"
    monkeypatch.setattr(ports, "holders", lambda port: ["micropython (7)"])
    assert states(examined("/dev/null"))["busy"] == "ok"     # a virtual board's own process


# ---- boards ----


def test_a_healthy_board(examined, repl_board):
    port, flash = repl_board()
    prepared(flash)
    found = examined(port)
    assert {name: state for name, state in states(found).items() if state != "ok"} in (
        {}, {"memory": "warn"}), found
    assert "3/3 golden outputs equal" in found["model"][0].text
    assert "50 " not in found["sensor"][0].text and "recording is played" in found["sensor"][0].text
    assert "without an error" in found["link"][0].text
    assert sorted(p.name for p in flash.iterdir()) == ["a.tsr", "m.tsm", "tinysense.json"]


@pytest.mark.parametrize("fault", ["silent", pytest.param("chatty", marks=pytest.mark.full)])
def test_a_device_that_is_no_micropython(examined, repl_board, fault):
    port, _ = repl_board(fault)
    found = examined(port)
    (finding,) = found["prompt"]
    assert finding.state == "fail" and "cable" in finding.remedy
    assert states(found)["firmware"] == "skipped" and states(found)["port"] == "ok"


def test_a_board_without_anything(examined, repl_board):
    port, _ = repl_board()
    found = examined(port)
    assert states(found)["config"] == "warn" and states(found)["model"] == "fail"
    assert states(found)["link"] == "ok"
    assert "tinysense sync" in found["config"][0].remedy


def test_a_bad_config_and_a_bad_model(examined, repl_board):
    port, flash = repl_board()
    prepared(flash, golden=0)
    assert "without golden vectors" in examined(port)["model"][0].text
    (flash / "m.tsm").write_bytes(tiny.build()[:-8])
    found = examined(port)
    assert states(found)["model"] == "fail" and "bytes" in found["model"][0].text
    assert states(found)["sensor"] == "ok"
    (flash / "tinysense.json").write_text('{"modell": 1}')
    found = examined(port)
    assert "unknown key 'modell'" in found["config"][0].text
    assert states(found)["model"] == states(found)["sensor"] == "skipped"
    assert states(found)["link"] == "ok"


def test_a_full_board(examined, repl_board):
    port, flash = repl_board("full=100")
    prepared(flash)
    (finding,) = examined(port)["link"]
    assert finding.state == "fail"


def fake(monkeypatch, facts=None, answers=(), stream=()):
    transport = FakeTransport(answers, facts, stream)
    monkeypatch.setattr(doctor_board, "connect", lambda *_: Device(transport))
    monkeypatch.setattr(ports, "explain_failure", lambda port, e: None)
    return transport


ABI = 4


def told_by(monkeypatch, facts=None, answers=(), stream=()):
    fake(monkeypatch, facts, answers, stream)
    checks = tuple(c for c in board_checks())
    free = tuple(Check(c.name, tuple(n for n in c.needs if n in {x.name for x in checks}), c.run)
                 for c in checks)
    return named(list(examine(Patient("fake"), free)))


@pytest.mark.parametrize(("facts", "name", "state", "text"), [
    ({"version": "1.24.1"}, "firmware", "fail", "1.25 or newer"),
    ({"free": 100_000, "largest": 9000}, "memory", "warn", "in pieces"),
    ({"flash_free": 900}, "flash", "fail", "900 bytes of flash"),
    ({"flash_free": -1}, "flash", "skipped", "can't tell"),
    ({"package": None}, "package", "fail", "no tinysense"),
    ({"core": "absent"}, "board core", "fail", "absent"),
    ({"core": "broken: x"}, "board core", "fail", "broken: x"),
    ({"abi": 1}, "board core", "fail", "speaks version 1")])
def test_what_a_board_says_of_itself(monkeypatch, facts, name, state, text):
    found = told_by(monkeypatch, {"abi": ABI} | facts)
    assert found[name][0].state == state and text in found[name][0].text
    assert states(found)["link"] == "ok"        # whatever else is wrong


def test_a_logger_is_left_alone(monkeypatch):
    def refuse(*_):
        raise LoggerRunsError("fake", Running("recording", True, "", {}))

    monkeypatch.setattr(doctor_board, "connect", refuse)
    checks = tuple(Check(c.name, tuple(n for n in c.needs if n == "prompt"), c.run)
                   for c in board_checks()[:2])
    found = named(list(examine(Patient("fake"), checks)))
    assert [f.state for f in found["prompt"]] == ["warn", "skipped"]
    assert states(found)["firmware"] == "skipped"


def test_models_that_were_rolled_back_are_reported(monkeypatch):
    rows = [{"name": "gesture", "why": "the board restarted 4 times", "to": "old"},
            {"name": "word", "why": "no memory", "to": None}]
    package = ("_ts_package", json.dumps([our_version(), False, None]).encode())
    found = told_by(monkeypatch, {"abi": ABI, "package": our_version()}, [
        package, ("told('report'", json.dumps({"value": rows}).encode())])
    assert [f.state for f in found["rollbacks"]] == ["warn", "warn"]
    assert "the board restarted 4 times; went back to model old" in found["rollbacks"][0].text
    found = told_by(monkeypatch, {"abi": ABI, "package": our_version()}, [
        package, ("told('report'", b'{"value": []}')])
    assert states(found)["rollbacks"] == "ok"


@pytest.mark.parametrize(("told", "text"), [
    (["0.0.1", False, None], "firmware holds tinysense 0.0.1"), (["0.0.1", True, None], "0.0.1")])
def test_another_version_of_the_package(monkeypatch, told, text):
    found = told_by(monkeypatch, {"abi": ABI}, [("_ts_package", json.dumps(told).encode())])
    assert found["package"][0].state == "fail" and text in found["package"][0].text
    assert states(found)["model"] == "skipped"


def test_a_link_that_changes_bytes(monkeypatch):
    transport = fake(monkeypatch)
    monkeypatch.setattr(transport, "get", lambda path, progress=None: b"other")
    patient = Patient("fake", device=Device(transport))
    (finding,) = doctor_board._link(patient)
    assert finding.state == "fail" and "changed" in finding.text and not transport.files
    monkeypatch.setattr(transport, "put", lambda *_: (_ for _ in ()).throw(LinkError("gone")))
    check = (Check("link", (), doctor_board._link),)
    assert next(examine(patient, check)).state == "fail"


@pytest.mark.parametrize(("values", "rate", "lost", "text"), [
    ([[0, 5], [1, 5], [2, 5]], 25000, 0, "b: the same number"),
    ([[0, 5], [32767, -32768]], 25000, 0, "a, b: at full scale"),
    ([[0, 5], [1, 6]], 20000, 0, "off by more than 5%"),
    ([[0, 5], [1, 6]], 25000, 3, "3 frames lost"),
    ([[0, 5], [1, 6]], 25100, 0, "25.1 of 25 Hz")])
def test_what_a_second_of_frames_shows(values, rate, lost, text):
    hello = wire.Hello(25000, ("a", "b"), "g", 4.0, {})
    take = Take(hello, np.array(values, np.int16), (), lost, 0, rate, "", {})
    found = doctor_board._heard(take, "MPU6050")
    named(found)
    assert any(text in f.text for f in found)
    assert {f.state for f in found} == ({"ok"} if rate == 25100 else {"warn"})


# ---- the command ----


def test_the_command_prints_a_line_each_and_its_status(repl_board, monkeypatch):
    monkeypatch.setattr(ports, "holders", lambda port: [])
    monkeypatch.setattr(doctor_board, "SAMPLE_S", 0.2)
    port, flash = repl_board()
    prepared(flash)
    runner = CliRunner()
    done = runner.invoke(cli.app, ["doctor", "--port", port])
    assert done.exit_code == 0, done.output
    lines = done.output.splitlines()
    assert len(lines) >= len(host_checks() + board_checks())
    assert all(line.split()[0] in ("ok", "warn", "skipped") for line in lines)
    (flash / "m.tsm").unlink()
    done = runner.invoke(cli.app, ["doctor", "--port", port, "--json"])
    rows = json.loads(done.stdout)
    assert done.exit_code == 1
    assert [row["state"] for row in rows if row["check"] == "model"] == ["fail"]
    assert set(rows[0]) == {"check", "state", "text", "remedy"}


def test_what_a_board_says_cannot_steer_the_terminal(capsys):
    command._tell(Finding("model", "fail", "\x1b[2Jbad [red]x", "mend\x07"))
    out = capsys.readouterr().out
    assert "\x1b[2J" not in out and "\x07" not in out and "[red]x" in out


def test_remedies_in_the_source_name_commands_that_exist():
    for module in (doctor, doctor_board):
        with open(module.__file__, encoding="utf-8") as file:
            text = " ".join(file.read().split()).replace('" "', "")
        asked = set(NAMED.findall(text))
        assert asked >= {"setup", "sync", "upload"} or module is doctor
        assert asked <= COMMANDS, asked - COMMANDS
