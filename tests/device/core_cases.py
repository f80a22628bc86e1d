"""Cases of the module _tinysense, for every home of the core: CPython, firmware, native module.

Needs nothing but _tinysense and ``cases.bin`` beside it (make_cases.py). Prints
a line for each group with a checksum of everything that the module answered,
then ``OK <groups> <checksum of all>``: the same text wherever the core is right.
"""

import struct

import _tinysense as core

ARGUMENT, TRUNCATED, MAGIC, VERSION, TARGET, ALIGN, SECTION = range(-1, -8, -1)
ARENA, STATE, FEATURES, CRC = -12, -13, -14, -15


class Answers:
    """Compares answers with what is expected, and sums up all of them."""

    def __init__(self):
        self.sum = 0

    def add(self, data):
        self.sum = core.crc32(data if isinstance(data, (bytes, bytearray)) else repr(data).encode(),
                              self.sum)

    def same(self, got, wanted, what):
        self.add(got)
        if got != wanted:
            raise AssertionError("%s: expected %r, got %r" % (what, wanted, got))

    def refuses(self, function, *arguments):
        """TypeError: a wrong type or number of arguments."""
        try:
            got = function(*arguments)
        except TypeError:
            self.add(b"TypeError")
        else:
            raise AssertionError("expected TypeError, got %r" % (got,))


def noise(n, seed=1):
    """n bytes from a linear congruential generator: the same everywhere."""
    out = bytearray(n)
    for i in range(n):
        seed = (seed * 1103515245 + 12345) & 0x7FFFFFFF
        out[i] = seed >> 16 & 255
    return out


def shorts(*values):
    return bytearray(struct.pack("<%dh" % len(values), *values))


def group_module(a):
    a.same(core.abi(), 4, "abi")
    a.add(sorted(name for name in dir(core) if not name.startswith("__")))
    a.same(core.kernels() != "", True, "kernels")
    a.same(core.error_text(-3), "not a .tsm model file", "error_text")
    for code in (0, 1, -99, -(1 << 40)):
        a.same(core.error_text(code), "unknown error", "error_text(%d)" % code)
    for code in range(-1, -17, -1):
        a.add(core.error_text(code))
    for function in (core.abi, core.kernels, core.model_state_bytes):
        a.refuses(function, 1)
    a.refuses(core.error_text)
    a.refuses(core.error_text, "x")
    a.refuses(core.crc32, b"")
    a.refuses(core.crc32, b"", 0, 0)
    a.refuses(core.crc32, 5, 0)
    a.refuses(core.crc32, b"", "0")


def group_crc32(a):
    a.same(core.crc32(b"", 0), 0, "nothing")
    a.same(core.crc32(b"123456789", 0), 0xCBF43926, "the check value of CRC-32")
    half = core.crc32(b"12345", 0)
    a.same(core.crc32(memoryview(b"6789"), half), 0xCBF43926, "in two parts")
    a.same(core.crc32(b"6789", half | 1 << 32), 0xCBF43926, "modulo 2**32")
    for n in (1, 3, 4, 5, 255, 256, 257):
        a.add(core.crc32(noise(n), 0xFFFFFFFF))


def group_bytes(a):
    to = bytearray(b"abcdef")
    a.same((core.bytes_copy(to, 1, b"12345", 2, 3), bytes(to)), (0, b"a345ef"), "inside")
    a.same((core.bytes_copy(to, 6, b"12", 2, 0), bytes(to)), (0, b"a345ef"), "nothing")
    a.same((core.bytes_copy(to, 0, to, 1, 5), bytes(to)), (0, b"345eff"), "over itself")
    for at, start, n in ((0, 0, 6), (2, 0, 5), (7, 0, 0), (0, 6, 0), (0, 3, 3), (-1, 0, 1),
                         (0, -1, 1), (0, 0, -1), (1 << 31, 0, 1)):
        a.same(core.bytes_copy(to, at, b"12345", start, n), ARGUMENT, "out of range")
    a.same(bytes(to), b"345eff", "refused: unchanged")
    a.refuses(core.bytes_copy, bytes(4), 0, b"1", 0, 1)


def group_frames(a):
    def adapt(values, n, channels, *records):
        frames = shorts(*values)
        records = b"".join(struct.pack("<BBH", *record) for record in records)
        result = core.frames_adapt(frames, n, channels, records)
        return result, list(struct.unpack("<%dh" % len(values), frames))

    same = (0, 0, 1)
    a.same(adapt((1, 2, 3, 4), 2, 2, (1, 0, 1), same), (0, [2, 1, 4, 3]), "swapped")
    a.same(adapt((-32768, 5), 1, 2, (128, 0, 1), (129, 0, 1)), (0, [32767, -5]), "negated")
    a.same(adapt((20000, -20000), 1, 2, (0, 0, 2), (1, 0, 2)), (0, [32767, -32768]), "saturated")
    a.same(adapt((3, -3, 1, -1), 4, 1, (0, 1, 1)), (0, [2, -2, 1, -1]), "halves away from 0")
    a.same(adapt((100, 100), 1, 2, (0, 2, 3), (129, 0, 4)), (0, [75, -400]), "a scale each")
    a.same(adapt((9, 9, 9), 2, 1, (0, 0, 2)), (0, [18, 18, 9]), "two frames of three")
    a.same(adapt((9,), 0, 1, (0, 0, 2)), (0, [9]), "no frames")
    for n, channels, record in ((2, 1, same), (-1, 1, same), (1 << 31, 1, same), (1, 0, same),
                                (0, 2, same), (1, 1, (1, 0, 1)), (1, 1, (0, 0, 0)),
                                (1, 1, (0, 0, 32768)), (1, 1, (0, 31, 1))):
        a.same(adapt((7,), n, channels, record), (ARGUMENT, [7]), "out of range")
    a.same(adapt((7,), 0, 17, *[same] * 17), (ARGUMENT, [7]), "17 channels")
    one = struct.pack("<BBH", *same)
    a.same(core.frames_adapt(bytearray(2), 1, 1, one[:3]), ARGUMENT, "a map cut short")
    a.same(core.frames_adapt(memoryview(bytearray(8))[1:], 1, 1, one), ALIGN, "odd")
    a.refuses(core.frames_adapt, bytes(2), 1, 1, one)
    a.refuses(core.frames_adapt, bytearray(2), 1, 1, None)
    a.refuses(core.frames_adapt, bytearray(2), 1.5, 1, one)


def group_microphone_words(a):
    state, words = bytearray(core.pcm_bytes()), noise(8 * 20, 6)
    out = bytearray(2 * 24)
    a.same(core.pcm_run(state, words, 0, 1, out, 0), STATE, "never made")
    a.same(core.pcm_init(state, 4, 2, 1, 0, 0, 7, 400), 0, "made")
    a.same(core.pcm_run(state, words, 0, 20, out, 4), 20, "into the middle")
    a.same(bytes(out[:8]), bytes(8), "left alone")
    a.add(out)
    a.add(core.pcm_clipped(state))
    a.same(core.pcm_run(state, words, 8, 3, out, 0), 3, "from the second frame")
    a.same(core.pcm_restart(state), 0, "restart")
    a.same((core.pcm_run(state, words, 0, 1, out, 0), out[0], out[1]), (1, 0, 0), "all is offset")
    for at, n, out_at in ((0, 21, 0), (8, 20, 0), (0, -1, 0), (-8, 1, 0), (0, 20, 5), (0, 1, -1),
                          (161, 0, 0), (0, 1 << 28, 0)):
        a.same(core.pcm_run(state, words, at, n, out, out_at), ARGUMENT, "out of range")
    a.same(core.pcm_run(state, words, 2, 1, out, 0), ALIGN, "words at odd places")
    a.same(core.pcm_run(state, words, 0, 1, memoryview(out)[1:], 0), ALIGN, "odd")
    a.same(core.pcm_init(state, 3, 1, 0, 0, 0, 0, 256), ARGUMENT, "words of three bytes")
    a.same(core.pcm_run(state, words, 0, 1, out, 0), STATE, "refused: none is left")
    a.same(core.pcm_init(bytearray(4), 4, 1, 0, 0, 0, 0, 256), ARGUMENT, "too small a state")
    a.refuses(core.pcm_run, state, words, 0, 1, bytes(8), 0)
    a.refuses(core.pcm_init, state, 4)


def group_microphone_bits(a):
    state, bits, out = bytearray(core.pdm_bytes()), noise(16 * 60, 7), bytearray(2 * 60)
    a.same(core.pdm_run(state, bits, 0, 16, out, 0), STATE, "never made")
    for order, cic, factor, bit_order in ((3, 8, 2, 0), (4, 16, 4, 1), (5, 32, 4, 2), (4, 64, 2, 2),
                                          (5, 64, 4, 0)):
        a.same(core.pdm_init(state, order, cic, factor, bit_order, 300), 0, "made")
        frame = cic * factor // 8
        n = min(len(bits) // frame, len(out) // 2)
        a.same(core.pdm_run(state, bits, 0, n * frame, out, 0), n, "frames")
        a.same(core.pdm_run(state, bits, 0, frame, out, len(out) // 2), ARGUMENT, "no room")
        a.add(out)
        a.same(core.pdm_run(state, bits, frame, frame, out, 3), 1, "one more")
        a.add(out)
        a.add(core.pdm_clipped(state))
    for at, n, out_at in ((0, 961, 0), (960, 1, 0), (0, -1, 0), (-1, 1, 0), (0, 64, 60),
                          (0, 64, -1)):
        a.same(core.pdm_run(state, bits, at, n, out, out_at), ARGUMENT, "out of range")
    a.same(core.pdm_run(state, bits, 0, 32, memoryview(out)[1:], 0), ALIGN, "odd")
    a.same(core.pdm_init(state, 4, 16, 4, 2, 256), 0, "words")
    a.same(core.pdm_run(state, bits, 0, 6, out, 0), ARGUMENT, "half a word")
    a.same(core.pdm_init(state, 4, 12, 4, 0, 256), ARGUMENT, "no power of two")
    a.same(core.pdm_run(state, bits, 0, 8, out, 0), STATE, "refused: none is left")
    for i in range(0, len(state), 3):  # whatever is in it, nothing outside is touched
        state[i] = 0xA5
    a.same(core.pdm_run(state, bits, 0, 64, out, 0), STATE, "damaged")
    a.refuses(core.pdm_run, state, bits, 0, 64, bytes(8), 0)


def group_microphone_overrun(a):
    state, clock = bytearray(core.overrun_bytes()), bytearray(core.clock_bytes())
    a.same(core.overrun_room(state, clock, 5), STATE, "never made")
    core.clock_read(clock, 1000, 1)
    a.same(core.overrun_init(state, clock, 16000000, 16, 96, 0, 0), 0, "made")
    core.clock_read(clock, 1000 + 100600, 101)
    a.same(core.overrun_room(state, clock, 500), 96, "up to the hole")
    a.same(core.overrun_read(state, clock, 96, 0), 0, "before it")
    a.same(core.overrun_room(state, clock, 500), 500, "behind it")
    a.same(core.overrun_read(state, clock, 0, 1), 94 * 16, "lost")
    a.add(core.overrun_back_us(state))
    a.same(core.overrun_room(state, clock, -1), ARGUMENT, "want")
    a.same(core.overrun_read(state, clock, -1, 0), ARGUMENT, "read")
    for rate, block, capacity, late in ((0, 16, 96, 0), (16000000, 0, 96, 0), (16000000, 16, 0, 0),
                                        (16000000, 16, 8, 0), (16000000, 16, 96, -1)):
        a.same(core.overrun_init(state, clock, rate, block, capacity, 0, late), ARGUMENT, "made of")
    a.same(core.overrun_back_us(state), STATE, "refused: none is left")
    a.same(core.overrun_init(state, bytearray(4), 16000000, 16, 96, 0, 0), ARGUMENT, "no clock")
    a.refuses(core.overrun_init, bytes(200), clock, 16000000, 16, 96, 0, 0)


def new_window(length, hop, capacity, channels=1):
    state, ring = bytearray(core.window_state_bytes()), bytearray(2 * capacity * channels)
    return state, ring, core.window_init(state, ring, channels, length, hop)


def group_window(a):
    state, ring, capacity = new_window(4, 2, 6)
    out = bytearray(8)
    a.same(capacity, 6, "capacity")
    for i in range(3):
        a.same(core.window_push(state, ring, shorts(i + 1), 0, 1), 0, "push")
        a.same(core.window_ready(state), 0, "not ready")
    a.same(core.window_take(state, ring, out), ARGUMENT, "take too early")
    core.window_push(state, ring, shorts(9, 4, 5, 6), 1, 3)
    a.same(core.window_take(state, ring, out), 0, "take")
    a.same(out, shorts(1, 2, 3, 4), "the first window is the first frames")
    a.same(core.window_take(state, ring, out), 0, "take")
    a.same(out, shorts(3, 4, 5, 6), "a hop later")
    a.same(core.window_ready(state), 0, "two frames left")
    a.same(core.window_push(state, ring, shorts(*range(7, 17)), 0, 10), 6, "overwritten")
    core.window_take(state, ring, out)
    a.same(out, shorts(11, 12, 13, 14), "the oldest that is left")
    a.same(core.window_clear(state), 0, "clear")
    a.same(core.window_ready(state), 0, "nothing after clear")
    for length, hop, capacity in ((1, 1, 1), (5, 5, 5), (5, 1, 5), (5, 4, 6), (8, 3, 20)):
        sweep_window(a, length, hop, capacity)


def sweep_window(a, length, hop, capacity):
    """One frame after another, every window taken: window i starts at frame i * hop."""
    state, ring, _ = new_window(length, hop, capacity, 2)
    out, taken = bytearray(4 * length), 0
    for i in range(3 * capacity + length):
        a.same(core.window_push(state, ring, shorts(i, -i), 0, 1), 0, "nothing overwritten")
        while core.window_ready(state):
            core.window_take(state, ring, out)
            first = taken * hop
            a.same(struct.unpack_from("<2h", out), (first, -first), "first frame")
            a.same(struct.unpack_from("<2h", out, 4 * length - 4),
                   (first + length - 1, 1 - first - length), "last frame")
            taken += 1
    a.same(taken, (3 * capacity + length - length) // hop + 1, "how many windows")


def group_window_refusals(a):
    for length, hop, capacity, channels in ((0, 1, 4, 1), (4, 0, 4, 1), (4, 5, 4, 1), (5, 1, 4, 1),
                                            (4, 1, 4, 0), (4, 1, 4, 17), (-1, -1, 4, 1),
                                            (1 << 31, 1, 4, 1), (4, 1 << 40, 4, 1)):
        a.same(new_window(length, hop, capacity, channels)[2] < 0, True, "geometry")
    state, ring, _ = new_window(4, 2, 6)
    frames, out = shorts(1, 2, 3), bytearray(8)
    for start, n in ((0, 4), (3, 1), (-1, 1), (0, -1), (1 << 30, 1 << 30), (1, (1 << 31) - 1)):
        a.same(core.window_push(state, ring, frames, start, n), ARGUMENT, "outside frames")
    a.same(core.window_push(state, bytearray(12), frames, 0, 1), STATE, "another ring")
    a.same(core.window_take(state, memoryview(ring)[2:], out), STATE, "a part of the ring")
    a.same(core.window_push(bytearray(len(state)), ring, frames, 0, 1), STATE, "empty state")
    a.same(core.window_ready(bytearray(len(state))), STATE, "empty state")
    a.same(core.window_clear(bytearray(len(state) - 1)), ARGUMENT, "short state")
    a.same(core.window_ready(memoryview(bytearray(len(state) + 8))[1:]), ALIGN, "odd state")
    core.window_push(state, ring, shorts(1, 2, 3, 4), 0, 4)
    a.same(core.window_take(state, ring, bytearray(7)), ARGUMENT, "short out")
    a.same(core.window_init(state, ring, 1, 7, 1) < 0, True, "init that fails")
    a.same(core.window_ready(state), STATE, "leaves no window")
    a.refuses(core.window_init, state, bytes(12), 1, 4, 2)
    a.refuses(core.window_push, state, ring, 5, 0, 1)


def cases():
    """(kind, name, body) of every record in cases.bin."""
    with open("cases.bin", "rb") as f:
        while True:
            head = f.read(8)
            if not head:
                return
            kind, n_name, n_body = struct.unpack("<HHI", head)
            name = f.read(n_name).decode()
            body = bytearray(n_body)
            if f.readinto(body) != n_body:
                raise AssertionError("cases.bin is cut")
            yield kind, name, body


MODEL, FEATURE = 1, 2
TARGET = 6          # byte of the header
SEGMENT = 32        # opcode


def sections(file):
    """tag -> (offset, bytes)."""
    out = {}
    for i in range(file[7]):
        tag, offset, size = struct.unpack_from("<4sII", file, 32 + 12 * i)
        out[bytes(tag)] = offset, size
    return out


class Loaded:
    def __init__(self, a, file):
        self.file = file
        self.fault = bytearray(8)
        need = core.model_check(file, self.fault)
        a.same(need >= 0, True, "model_check")
        a.same(core.model_crc(file), 0, "model_crc")
        self.arena = bytearray(need)
        self.state = bytearray(core.model_state_bytes())
        a.same(core.model_load(self.state, file, self.arena), 0, "model_load")
        self.tensors = sections(file)[b"TENS"][0]
        self.n_ops, self.n_inputs, self.n_outputs = struct.unpack_from("<HBB", file, 22)

    def tensor(self, i):
        """Its bytes in the arena."""
        dtype, _, _, _, offset = struct.unpack_from("<BBBBI", self.file, self.tensors + 32 * i)
        n = (1, 1, 2, 4, 4, 8)[dtype]
        for dim in struct.unpack_from("<4I", self.file, self.tensors + 32 * i + 8):
            n *= dim
        return memoryview(self.arena)[offset:offset + n]

    def run(self):
        return core.model_run(self.state, self.file, self.arena)


def group_models(a):
    """Every op against TFLite's reference kernels: the golden vectors in the files."""
    count = 0
    for kind, name, file in cases():
        if kind != MODEL:
            continue
        count += 1
        model = Loaded(a, file)
        at, _ = sections(file)[b"GOLD"]
        n, window, n_in, n_out = struct.unpack_from("<4I", file, at)
        at += 16
        for i in range(n):
            at += (window + 3) // 4 * 4
            model.tensor(0)[:] = file[at:at + n_in]
            at += (n_in + 3) // 4 * 4
            a.same(model.run(), 0, name)
            a.same(bytes(model.tensor(model.n_inputs)), bytes(file[at:at + n_out]),
                   "%s, vector %d" % (name, i))
            at += (n_out + 3) // 4 * 4
    a.same(count > 50, True, "enough models")


def first_model():
    return next(file for kind, _, file in cases() if kind == MODEL)


def steps_of(file):
    """Numbers of the ops that make up one inference: not the prologue, nor ops of a segment."""
    at, size = sections(file)[b"PROG"]
    n_init, out, i, end = struct.unpack_from("<H", file, 26)[0], [], 0, at + size
    inside = 0
    while at < end:
        opcode, words, n_in, n_out = struct.unpack_from("<HHBB", file, at)
        if inside:
            inside -= 1
        elif i >= n_init:
            out.append(i)
        if opcode == SEGMENT:
            inside = struct.unpack_from("<i", file, at + 8 + (n_in + n_out + 1) // 2 * 4)[0]
        at += 4 * words
        i += 1
    return out


def group_run_op(a):
    """Op by op gives what a whole run gives."""
    for kind, _, file in cases():
        if kind != MODEL or struct.unpack_from("<H", file, 22)[0] < 2:
            continue
        whole, steps = Loaded(a, file), Loaded(a, file)
        for model in (whole, steps):
            model.tensor(0)[:] = noise(len(model.tensor(0)))
        whole.run()
        for i in steps_of(file):
            a.same(core.model_run_op(steps.state, file, steps.arena, i), 0, "run_op")
        a.same(bytes(steps.tensor(steps.n_inputs)), bytes(whole.tensor(whole.n_inputs)), "steps")
    for i in (-1, whole.n_ops, 1 << 20, 1 << 40):
        a.same(core.model_run_op(whole.state, whole.file, whole.arena, i), ARGUMENT, "no such op")


def group_state(a):
    """A model runs on the buffers it was loaded with and on no others."""
    model = Loaded(a, first_model())
    state, file, arena = model.state, model.file, model.arena
    a.same(core.model_run(state, file, arena), 0, "as loaded")
    for what, s, f, r in (
            ("another file", state, bytearray(file), arena),
            ("a shorter file", state, memoryview(file)[:-4], arena),
            ("another arena", state, file, bytearray(len(arena))),
            ("a part of the arena", state, file, memoryview(arena)[4:]),
            ("a shorter arena", state, file, memoryview(arena)[:-4]),
            ("an empty state", bytearray(len(state)), file, arena)):
        a.same(core.model_run(s, f, r), STATE, what)
        a.same(core.model_run_op(s, f, r, 0), STATE, what)
    a.same(core.model_run(memoryview(state)[:-1], file, arena), ARGUMENT, "a short state")
    odd = memoryview(bytearray(len(state) + 8))[1:]
    a.same(core.model_run(odd, file, arena), ALIGN, "a state at an odd address")
    a.same(core.model_load(bytearray(len(state) - 1), file, arena), ARGUMENT, "a short state")
    a.same(core.model_load(state, file, memoryview(arena)[:-1]), ARENA, "a short arena")
    a.same(core.model_run(state, file, arena), STATE, "after a load that failed")
    a.same(core.model_load(state, file, file), ARGUMENT, "arena in the file")
    a.same(core.model_load(state, file, state), ARGUMENT, "arena in the state")
    a.refuses(core.model_load, state, file, bytes(len(arena)))
    a.refuses(core.model_load, bytes(len(state)), file, arena)
    a.refuses(core.model_run, state, file)
    a.refuses(core.model_check, file, bytes(8))


def group_damaged(a):
    """Cut and bent files: the same error everywhere, and never a crash."""
    file, fault = first_model(), bytearray(8)
    good = core.model_check(file, fault)
    for n in list(range(0, 40)) + list(range(40, len(file), 37)) + [len(file) - 1]:
        a.same(core.model_check(file[:n], fault) < 0, True, "cut to %d bytes" % n)
        a.add(fault)
    a.same(core.model_check(bytes(file) + b"\0", fault), good, "bytes after the end are not read")
    a.same(core.model_check(memoryview(bytearray(1) + file)[1:], fault), ALIGN, "odd address")
    a.same(core.model_check(file, bytearray(7)), ARGUMENT, "short fault")
    a.same(core.model_check(b"", fault) < 0, True, "empty")
    end = sections(file)[b"DATA"][0]
    runs = 0
    for at in range(end):
        if at == TARGET:    # each core takes its own
            continue
        for bit in (1, 0x80):
            runs += bend(a, file, at, bit, good)
    a.add(runs)
    a.same(core.model_check(file, fault), good, "mended")
    file[-1] ^= 1
    a.same(core.model_crc(file), CRC, "damaged weights")


def bend(a, file, at, bit, good):
    """Flips a bit; where the file is still a model, runs it. 1 if it ran."""
    fault = bytearray(8)
    file[at] ^= bit
    need = core.model_check(file, fault)
    a.add(need)
    a.add(fault)
    ran = 0
    if 0 <= need <= 4 * good + 1024:
        arena, state = bytearray(need), bytearray(core.model_state_bytes())
        if core.model_load(state, file, arena) == 0:
            core.model_run(state, file, arena)
            a.add(arena)
            ran = 1
    file[at] ^= bit
    return ran


def group_features(a):
    """Every block of the feature program, on noise and on constant frames."""
    info, count = bytearray(32), 0
    for kind, name, feat in cases():
        if kind != FEATURE:
            continue
        count += 1
        a.same(core.features_info(feat, info), 0, name)
        channels, window, hop, outputs, work_bytes, rows, stride, row = struct.unpack("<8I", info)
        a.add(info)
        frames = noise(2 * window * channels, count)
        values, tensor, work = bytearray(4 * row), bytearray(outputs), bytearray(work_bytes)
        a.same(core.features_reset(feat, work), 0, name)
        for i in range(rows + stride):
            frames = frames if i % 3 else bytearray(len(frames))
            before = bytes(frames)
            a.same(core.features_values(feat, frames, work, values), 0, name)
            due = i + 1 >= rows and (i + 1 - rows) % stride == 0
            a.same(core.features_run(feat, frames, work, tensor), 1 if due else 0, name)
            a.same(bytes(frames), before, "frames stay as they are")
            a.add(values)
            a.add(tensor)
            frames = noise(2 * window * channels, count + i)
        whole = core.features_rows(feat, work, tensor)
        a.same(whole == 0 or rows == 1, True, name)
        a.add(tensor)
        a.same(core.features_reset(feat, memoryview(work)[:-1]), ARGUMENT, "work of a reset")
        a.same(core.features_run(feat, memoryview(frames)[:-2], work, tensor), ARGUMENT, "frames")
        a.same(core.features_run(feat, frames, memoryview(work)[:-1], tensor), ARGUMENT, "work")
        a.same(core.features_run(feat, frames, work, memoryview(tensor)[:-1]), ARGUMENT, "out")
        a.same(core.features_values(feat, frames, work, memoryview(values)[:-1]), ARGUMENT, "out")
        a.refuses(core.features_run, feat, frames, bytes(work_bytes), tensor)
        for n in range(0, len(feat), 3):
            a.same(core.features_info(feat[:n], info) < 0, True, "cut to %d bytes" % n)
    a.same(core.features_info(feat, bytearray(31)), ARGUMENT, "short info")
    a.same(core.features_info(memoryview(bytearray(1) + feat)[1:], info), ALIGN, "odd address")
    a.same(count >= 6, True, "every kind of block")


def group_features_damaged(a):
    info = bytearray(32)
    for kind, _, feat in cases():
        if kind != FEATURE:
            continue
        for at in range(len(feat)):
            feat[at] ^= 0x41
            a.add(core.features_info(feat, info))
            if core.features_info(feat, info) == 0:
                channels, window, _, outputs, work_bytes = struct.unpack("<5I", info[:20])
                if 2 * channels * window + work_bytes + outputs < 40000:
                    frames, tensor = noise(2 * channels * window), bytearray(outputs)
                    core.features_run(feat, frames, bytearray(work_bytes), tensor)
                    a.add(tensor)
            feat[at] ^= 0x41


GROUPS = (group_module, group_crc32, group_bytes, group_frames, group_microphone_words,
          group_microphone_bits, group_microphone_overrun, group_window, group_window_refusals,
          group_models, group_run_op, group_state, group_damaged, group_features,
          group_features_damaged)


def main():
    total = 0
    for group in GROUPS:
        answers = Answers()
        group(answers)
        print(group.__name__[6:], "%08x" % answers.sum)
        total = core.crc32(struct.pack("<I", answers.sum), total)
    print("OK", len(GROUPS), "%08x" % total)


main()
