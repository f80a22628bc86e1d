"""A recorder's folder that answers like a board: programs run here, on a real folder.

For tests of pulling. Faults: ``calls_left`` before the link dies, ``garble(text)``
changes what comes back, ``fail`` (part of a program -> exception that the board raises).
"""

import contextlib
import io
import os
import struct
from binascii import crc32
from pathlib import Path

from tinysense.recording import BLOCK, Writer
from tinysense_host.dataset import Dataset
from tinysense_host.device import Device
from tinysense_host.field.pull import pull
from tinysense_host.link.transport import BoardError, LinkError

NOW = 1_790_000_000.0   # a moment of 2026


def _ilistdir(path):
    for name in os.listdir(path):
        yield name, os.stat(f"{path}/{name}").st_mode & 0x4000, 0


class FolderTransport:
    """The part of a Transport that pulling uses."""

    def __init__(self, port="folder"):
        self.port = port
        self.calls_left = None
        self.garble = None
        self.fail = {}
        self.programs = []
        self.sent = b""
        self._names = {}

    def exec(self, code, timeout=10.0, rest=None):
        if self.calls_left is not None:
            self.calls_left -= 1
            if self.calls_left < 0:
                raise LinkError("lost the board on folder: it was unplugged, or it reset", "try")
        self.programs.append(code)
        for part, error in self.fail.items():
            if part in code:
                raise error
        out = io.StringIO()
        os.ilistdir = _ilistdir
        try:
            with contextlib.redirect_stdout(out):
                exec(compile(code, "<board>", "exec"), self._names)
        except OSError as e:
            raise BoardError(f"OSError: [Errno {e.errno}] {e.strerror}") from e
        except Exception as e:
            raise BoardError(f"{type(e).__name__}: {e}") from e
        finally:
            del os.ilistdir
        text = out.getvalue()
        return (self.garble(text) if self.garble else text).encode()

    def send(self, data):
        self.sent += data

    def close(self):
        pass


def board(transport=None):
    return Device(transport or FolderTransport())


class Recorded:
    """Writes what a field recorder writes: segments that go on, in a folder of this computer."""

    def __init__(self, folder):
        self.folder = Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        self.frames = {}    # id -> frames of one channel, as they were written

    def next(self):
        names = sorted(p.name for p in self.folder.glob("*.tsr"))
        return str(self.folder / f"{int(names[-1][:6]) + 1 if names else 1:06}.tsr")

    def record(self, label="walk", blocks=(3, 2), boot=7, begin_us=5_000_000, note="", losses=(),
               rate_mhz=100_000, measured=99_500, spare=10):
        """Blocks for each segment; ``losses``: frames lost before these blocks. Returns the id.

        One channel, 1952 frames a block; ``spare`` frames in a last block.
        """
        per_block = (BLOCK - 192) // 2
        w = Writer(self.next(), rate_mhz, 1, "g", 4, label, 0, note, boot, in_place=True)
        w.measured_rate_mhz = measured
        kept, number = [], 0
        for i, count in enumerate(blocks):
            if i:
                w.go_on(self.next())
            for k in range(count):
                last = i == len(blocks) - 1 and k == count - 1
                n = spare if last and spare else per_block
                lost = dict(losses).get(number, 0)
                at = w.frames
                values = [(at + j) % 32768 for j in range(n)]
                w.write(struct.pack(f"<{n}h", *values), n, lost,
                        time_us=begin_us + (w.frames + w.lost + lost) * 10_050)
                kept += values
                number += 1
        w.close()
        self.frames[w.id] = kept
        return w.id

    def segments(self):
        return sorted(p.name for p in self.folder.glob("*.tsr"))

    def flip(self, name, block, at=300):
        """One bit of a block."""
        data = bytearray((self.folder / name).read_bytes())
        data[block * BLOCK + at] ^= 1
        (self.folder / name).write_bytes(data)

    def age(self, name, version=3):
        """Makes all blocks of a segment those of another version, their checksums right."""
        data = bytearray((self.folder / name).read_bytes())
        for at in range(0, len(data), BLOCK):
            struct.pack_into("<H", data, at + 4, version)
            size = 192 + 2 * struct.unpack_from("<H", data, at + 56)[0]
            crc = crc32(data[at + 192 : at + size], crc32(data[at : at + 188]))
            struct.pack_into("<I", data, at + 188, crc)
        (self.folder / name).write_bytes(data)


class PullBench:
    """A board's folder, a dataset, and pulls from one to the other."""

    def __init__(self, tmp_path):
        self.rec = Recorded(tmp_path / "rec")
        self.link = FolderTransport()
        self.dataset = Dataset(tmp_path / "data")
        self.raw = tmp_path / "data" / "raw"

    def pull(self, **options):
        options = {"now": lambda: NOW} | options
        return pull(board(self.link), str(self.rec.folder), self.dataset, self.raw,
                    **options)

    def state(self, text):
        (self.rec.folder / "state.txt").write_text(text)

    def everything(self):
        """All files of dataset and shelf, to see that nothing changed."""
        return {str(p): (p.stat().st_mtime_ns, p.read_bytes())
                for p in self.dataset.path.rglob("*") if p.is_file()}

    def frames(self, tsr_id):
        (found,) = [r for r in self.dataset.recordings() if r.source["tsr_id"] == tsr_id]
        return found.frames[:, 0].tolist()
