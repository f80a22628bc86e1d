"""The host's end of the block protocol, against the device's own receiver and against enemies."""

import os
import random
import types
import zlib

import pytest
from block_board import BlockBoard
from mpremote.transport_serial import SerialTransport

from tinysense_host.device import connect
from tinysense_host.errors import TinysenseError
from tinysense_host.link import blocks, stuffing, wire
from tinysense_host.link.blocks import BlockClient, EndedError
from tinysense_host.link.transport import BoardError, LinkError

SIZES = [0, 1, 1019, 1020, 1021, 4080, 20_000]


@pytest.fixture
def board(tmp_path):
    """Starts boards: board(spoil) -> (client, folder)."""
    started = []

    def start(spoil=lambda to_board, data: data, timeout_s=0.15):
        folder = tmp_path / "flash"
        folder.mkdir(exist_ok=True)
        line = BlockBoard(folder, spoil)
        started.append(line)
        client = BlockClient(line, timeout_s)
        client.greeted(5)
        return client, folder

    yield start
    for line in started:
        line.stop()


def once(to_board, nth, change):
    """Changes the nth piece in one direction."""
    seen = [0]

    def spoil(direction, data):
        if direction == to_board:
            seen[0] += 1
            if seen[0] == nth:
                return change(data)
        return data

    return spoil


DAMAGES = {
    "dropped": lambda d: b"", "twice": lambda d: d + d, "cut": lambda d: d[:len(d) // 2],
    "head lost": lambda d: d[1:], "flipped": lambda d: d[:9] + bytes([d[9] ^ 4]) + d[10:],
    "longer": lambda d: d[:3] + bytes([d[3] | 7]) + d[4:], "noise": lambda d: b"\xa5\x5a\x91" + d,
    "flipped length": lambda d: d[:2] + bytes([d[2] ^ 1]) + d[3:],
}  # fmt: skip


@pytest.mark.parametrize("size", SIZES)
def test_there_and_back(board, size):
    client, folder = board()
    data = os.urandom(size)
    seen = []
    assert client.put(data, "/a", lambda done, total: seen.append((done, total))).sent
    assert (folder / "a").read_bytes() == data and seen[-1] == (size, size)
    assert client.get("/a") == data
    assert client.sum("/a", size // 2).crc32 == zlib.crc32(data[:size // 2])
    assert client.read("/a", 7, 1000) == data[7:1007]
    assert not client.put(data, "/a").sent and client.repeats == 0


@pytest.mark.parametrize("to_board", [True, False])
@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_piece_comes_again(board, damage, to_board):
    data = os.urandom(5000)
    for nth in (1, 3, 7) if to_board else (2, 4, 8):
        client, folder = board(once(to_board, nth, DAMAGES[damage]))
        (folder / "a").unlink(missing_ok=True)
        assert client.put(data, "/a").sent
        assert (folder / "a").read_bytes() == data
        assert [p.name for p in folder.iterdir()] == ["a"]


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_piece_of_a_read_comes_again(board, damage):
    data = os.urandom(9000)
    for nth in (2, 5, 10):
        client, folder = board(once(False, nth, DAMAGES[damage]))
        (folder / "a").write_bytes(data)
        assert client.read("/a", 0, 9500) == data


def test_a_cut_off_put_goes_on_where_it_was(board):
    data = os.urandom(10_000)
    sent = [0]

    def spoil(to_board, piece):
        sent[0] += to_board
        return b"" if sent[0] > 6 else piece

    client, folder = board(spoil)
    with pytest.raises(LinkError, match="gave no answer in 5 times 0.15 s"):
        client.put(data, "/a")
    client.line.stop()      # the file is closed, as by the end of the receiver
    assert not (folder / "a").exists()
    assert (folder / "a.part").read_bytes() == data[:5100]
    client, _ = board()
    done = client.put(data, "/a")
    assert done.sent and done.begin == 5100 and (folder / "a").read_bytes() == data


def test_another_files_part_is_not_gone_on_from(board):
    client, folder = board()
    (folder / "a.part").write_bytes(b"something else")
    data = os.urandom(3000)
    assert client.put(data, "/a").begin == 0 and (folder / "a").read_bytes() == data
    (folder / "b.part").write_bytes(data + data)
    assert client.put(data, "/b").begin == 0 and (folder / "b").read_bytes() == data
    (folder / "c.part").write_bytes(data)
    assert client.put(data, "/c").begin == 3000 and (folder / "c").read_bytes() == data


def test_what_the_board_refuses_is_its_error(board):
    client, folder = board()
    with pytest.raises(BoardError) as caught:
        client.get("/nowhere")
    assert (caught.value.kind, caught.value.errno) == ("OSError", 2)
    for path in ("../x", "/", ""):
        with pytest.raises(BoardError, match="ValueError: outside the folder"):
            client.put(b"x", path)
    with pytest.raises(LinkError, match="a request of .* bytes: expected at most 1024"):
        client.put(b"x", "a" * 2000)
    with pytest.raises(BoardError, match="KeyError"):
        client.ask(77)
    assert list(folder.parent.iterdir()) == [folder]


def test_a_file_that_changes_while_it_is_read_is_not_believed(board):
    client, folder = board()
    (folder / "a").write_bytes(bytes(40_000))
    with pytest.raises(LinkError, match="changed while it was read"):
        client.get("/a", lambda done, total: (folder / "a").write_bytes(b"x" * 40_000))
    with pytest.raises(LinkError, match="changed while it was read: 16384 of 40000"):
        client.get("/a", lambda done, total: (folder / "a").write_bytes(b""))


def test_blocks_are_deflated_where_that_helps(board, monkeypatch):
    client = BlockClient(None)
    client.inflates = True
    text, noise = b"a line that comes again and again\n" * 500, os.urandom(9000)
    packed, size, flags = client._block(text, 0)
    assert flags == 1 and size == 4096 and len(packed) < 200
    assert zlib.decompress(packed, -10) == text[:4096]
    assert client._block(noise, 0) == (noise[:1020], 1020, 0)
    half = bytes(random.Random(1).choices(range(16), k=9000))      # 4 bits a byte
    packed, size, flags = client._block(half, 1000)
    assert flags == 1 and 1500 < size < 2400 and len(packed) <= 1020
    assert zlib.decompress(packed, -10) == half[1000:1000 + size]
    client.inflates = False
    assert client._block(text, 17) == (text[17:1037], 1020, 0)


class Scripted:
    """A line that gives, after every write, what a script says. Waiting costs no time."""

    port = "an enemy"
    now = 0.0

    def __init__(self, answer):
        self.answer, self.held = answer, b""

    def write(self, data):
        self.held += self.answer(data)
        return len(data)

    def some(self, wait):
        data, self.held = self.held[:512], self.held[512:]
        Scripted.now += 0.0001 if data else wait
        return data

    def unread(self, data):
        self.held = data + self.held


@pytest.fixture
def no_waiting(monkeypatch):
    monkeypatch.setattr(blocks, "time", types.SimpleNamespace(monotonic=lambda: Scripted.now))


def number_of(data):
    """Of the request at the end of what was written."""
    body = stuffing.unstuff(data.lstrip(b"\xff")[4:])
    return int.from_bytes(body[2:4], "little")


def test_the_end_of_the_receiver_is_noticed():
    trace = b"\x04Traceback (most recent call last):\r\nMemoryError: no room\r\n\x04>"
    client = BlockClient(Scripted(lambda data: trace), 0.05)
    with pytest.raises(EndedError, match="stopped serving files: MemoryError: no room"):
        client.hello()
    assert client.line.held == b">"         # the prompt, for whoever comes next
    boot = b'rst\r\nMicroPython v1.25.0\r\nType "help()" for more information.\r\n>>> '
    client = BlockClient(Scripted(lambda data: boot), 0.05)
    with pytest.raises(EndedError, match="reset in the middle"):
        client.hello()


@pytest.mark.parametrize("said", [b"temperature 21.5\r\n", wire.encode_frame(0x41, 77, bytes(8)),
                                  wire.encode_frame(0x7E, 0, bytes(4)), b"\xa5\x5a\xa5", b"~pV"])
def test_an_endless_talker_is_left(said):
    client = BlockClient(Scripted(lambda data: b""), 0.05)
    client.line.some = lambda wait: said
    with pytest.raises(LinkError, match="gave no answer in 5 times 0.05 s"):
        client.hello()
    assert len(client._text) < 10_000 and len(client._reader._held) < 4096


def test_damage_without_end_ends(no_waiting):
    client = BlockClient(Scripted(lambda data: wire.encode_frame(0x7E, 0, bytes(4))), 0.05)
    with pytest.raises(LinkError, match="gave no answer"):
        client.hello()


@pytest.mark.parametrize("payload", [b"", b"\0\0\0", bytes(5), bytes(40)])
def test_an_answer_that_does_not_fit_is_refused(no_waiting, payload):
    def answer(data):
        return wire.encode_frame(0x41, number_of(data), payload)

    with pytest.raises(LinkError):
        BlockClient(Scripted(answer), 0.01).hello()


def hostile(draw):
    """Answers like a receiver's, often not what was asked for."""
    tails = [b"", b"", b"\x01\x01\x00\x04", bytes(9), bytes(4), bytes(40), b"{}", bytes(1020)]

    def answer(data):
        out = b""
        for _ in range(draw.randrange(4)):
            asked = stuffing.unstuff(data.lstrip(b"\xff")[4:])[0]
            kind = draw.choice([0x40 + asked] * 6 + [0x7E, 0x7F, draw.randrange(256)])
            number = number_of(data) if draw.random() < 0.8 else draw.randrange(65536)
            offset = draw.choice([bytes(4), bytes(4), draw.randbytes(4)])
            body = offset + draw.choice([*tails, draw.randbytes(draw.randrange(1000))])
            body = body[:draw.choice([3, 1024, 1024, 1024])]
            frame = bytearray(wire.encode_frame(kind, number, body))
            if draw.random() < 0.5:         # the last piece, with its CRC put right
                frame[3] = 1
                frame[-4:] = zlib.crc32(bytes(frame[2:-4])).to_bytes(4, "little")
            if draw.random() < 0.2:
                frame[draw.randrange(len(frame))] ^= 1 << draw.randrange(8)
            out += frame + draw.randbytes(draw.choice([0, 0, 0, 30]))
        return out
    return answer


CALLS = [
    lambda c: c.hello(), lambda c: c.put(b"abc" * 900, "/a"), lambda c: c.get("/a"),
    lambda c: c.read("/a", 5, 3000), lambda c: c.sum("/a"), lambda c: c.call("info", {}),
    lambda c: c.bye(),
]  # fmt: skip
STREAMS = 10_000


def test_hostile_boards(no_waiting):
    well = 0
    for seed in range(STREAMS):
        draw = random.Random(seed)
        client = BlockClient(Scripted(hostile(draw)), tries=3)
        try:
            result = draw.choice(CALLS)(client)
            assert not isinstance(result, bytes) or len(result) <= blocks.MAX_ANSWER
            well += 1
        except TinysenseError as e:
            assert "\n" not in str(e)
        assert len(client._reader._held) <= 4096 and len(client._text) <= 4096
        assert len(client._waiting) < 100
    assert STREAMS // 50 < well < STREAMS // 2


def counted(line):
    """Counts what is written to a line."""
    seen, write = [0], line.write

    def writing(data):
        seen[0] += len(data)
        return write(data)

    line.write = writing
    return seen


def test_bytes_on_the_line(repl_board, tmp_path, root):
    """Of real weights: what a board's input is kept busy with, beside mpremote's copy."""
    data = b"".join((root / "models" / n / f"{n}.tsm").read_bytes()
                    for n in ("gesture", "keyword", "wakeword"))
    port, flash = repl_board()
    with connect(port) as device:
        ours = counted(device.transport._line)
        device.put(data, "/ours")
    theirs = SerialTransport(port)
    theirs.enter_raw_repl(soft_reset=False)
    seen = counted(theirs.serial)
    theirs.fs_writefile("/theirs", data)
    theirs.close()
    assert (flash / "ours").read_bytes() == (flash / "theirs").read_bytes() == data
    assert ours[0] < 0.95 * len(data) and seen[0] > 3.4 * ours[0]
