"""Opening and closing a port must not reset the board behind it.

On ESP boards two transistors make reset of RTS up with DTR down: the lines must
rise together, and RTS must fall first. A pseudo-terminal has no such lines, so the
port here is pyserial's loop, which notes what is set.
"""

import pytest
import serial
from serial.urlhandler import protocol_loop

from tinysense_host.link import enquiry, raw_repl
from tinysense_host.link.transport import LinkError
from tinysense_host.link.transport_ampy import AmpyTransport
from tinysense_host.link.transport_mpremote import MpremoteTransport


def resets(states):
    """Whether an ESP board's circuit would have reset it, in a sequence of (DTR, RTS)."""
    return any(rts and not dtr for dtr, rts in states)


@pytest.fixture
def states(monkeypatch):
    """(DTR, RTS) at each moment after the port is open."""
    seen = []

    def note(port):
        seen.append((port._dtr_state, port._rts_state))

    loop = protocol_loop.Serial
    for name in ("_update_dtr_state", "_update_rts_state"):
        monkeypatch.setattr(loop, name, note)
    monkeypatch.setattr(serial, "Serial", lambda port, baudrate, **_: loop(port, baudrate))
    monkeypatch.setattr(raw_repl, "enter", lambda line: None)
    monkeypatch.setattr(enquiry, "ANSWER_S", 0.01)
    return seen


@pytest.mark.parametrize("transport", [MpremoteTransport, AmpyTransport])
def test_the_lines_never_make_a_reset(states, transport):
    board = transport("loop://")
    assert states and states[-1] == (True, True) and not resets(states)
    board.close()
    assert states[-2:] == [(True, False), (False, False)] and not resets(states)


@pytest.mark.parametrize("transport", [MpremoteTransport, AmpyTransport])
def test_nor_where_it_does_not_answer(states, monkeypatch, transport):
    def silent(line):
        raise LinkError("no prompt")

    monkeypatch.setattr(raw_repl, "enter", silent)
    with pytest.raises(LinkError):
        transport("loop://")
    assert states[-1] == (False, False) and not resets(states)


def test_the_order_is_what_counts():
    assert resets([(True, True), (False, True)]) and not resets([(True, True), (True, False)])
