"""A port's reads end, whatever the board does."""

from __future__ import annotations

import pytest

from tinysense_host.link.serial_line import SerialLine
from tinysense_host.link.transport import LinkError


class Chatter:
    """A port on which a board never stops talking."""

    in_waiting = 1

    def read(self, size: int) -> bytes:
        return b"x"


def test_a_board_that_never_stops_talking_ends_a_bounded_read() -> None:
    line = SerialLine(Chatter(), "/dev/x")
    with pytest.raises(LinkError, match="/dev/x does not stop talking"), line.bounded(0.05):
        while line.inWaiting():
            line.read(1)
    assert line.inWaiting()
