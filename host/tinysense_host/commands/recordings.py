"""How recordings that came from the field are shown: what is there, and what is missing."""

from __future__ import annotations

from collections.abc import Iterable

from rich.table import Table
from rich.text import Text

from tinysense_host.commands.screen import plain
from tinysense_host.field.joining import Ranges
from tinysense_host.field.storing import Stored

__all__ = ["left_out", "recording_table"]

_MOST = 3   # ranges of missing blocks that are spelled out


def recording_table(found: Iterable[Stored]) -> Table:
    """A row for each recording. Lost: by the board's own count; missing: in damaged blocks too."""
    table = Table("recording", "label", "frames", "seconds", "Hz", "lost", "missing", "gaps",
                  "blocks", "damaged", "absent blocks", "begins (UTC)", "note")
    for one in found:
        joined = one.joined
        frames = sum(len(block.frames) for block in joined.blocks)
        recording = one.recording
        seconds = (frames + one.frames_missing) * 1000 / joined.rate_mhz
        table.add_row(*map(Text, (
            one.id if recording or one.fault else f"{one.id} (known)", plain(one.label),
            str(frames), f"{seconds:.1f}", f"{joined.rate_mhz / 1000:g}", str(joined.lost),
            str(one.frames_missing), str(len(recording.gaps)) if recording else "",
            str(len(joined.blocks)), str(one.damaged + joined.contrary), _spans(one.absent),
            recording.time[:19] if recording else "", plain(joined.note))))
    return table


def _spans(ranges: Ranges) -> str:
    shown = [f"{a}" if a == b else f"{a}-{b}" for a, b in ranges[:_MOST]]
    more = len(ranges) - _MOST
    return ", ".join(shown) + (f" and {more} more" if more > 0 else "")


def left_out(found: Iterable[Stored]) -> list[str]:
    """Why some are in no dataset."""
    return [plain(f"recording {one.joined.id:08x} is left out: {one.fault}")
            for one in found if one.fault]
