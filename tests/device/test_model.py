"""Loading, running and refusing models."""

import struct

import tiny
from expect import MICROPYTHON, path, raises, skip, write
from tinysense.errors import ModelError
from tinysense.model import Model, load


def test_loads_from_bytes_and_from_a_file():
    data = tiny.build()
    name = path("tiny.tsm")
    write(name, data)
    for source in (data, bytearray(data), memoryview(data), name):
        m = load(source)
        assert (m.name, m.labels) == ("tiny", ("rest", "ring", "wing"))
        assert (m.window, m.hop, m.features.channels) == (4, 2, 3)
        assert (m.arena_bytes, m.file_bytes) == (16, len(data))
        assert (len(m.input), len(m.output)) == (12, 3)
        sensor = m.sensor
        assert (sensor.rate_mhz, sensor.channels, sensor.units, sensor.full_scale) == (
            25000, 3, "g", 4)


def test_loads_from_any_address():
    data = tiny.build()
    for shift in range(5):
        moved = memoryview(bytes(shift) + data)[shift:]
        assert load(moved).classify(tiny.window(20000)) == ("ring", 156)


def test_scores_are_probability_steps():
    m = load(tiny.build())
    for x, y in ((0, 0), (10000, 0), (0, 10000), (32767, 32767), (-32768, 1), (16000, 15999)):
        frames = tiny.window(x, y)
        scores = m.run(frames)
        assert bytes(scores) == tiny.scores(frames), (x, y)
        assert scores is m.scores
        assert bytes(m.output) == bytes(s ^ 0x80 for s in scores)


def test_classify_takes_the_first_of_equals():
    m = load(tiny.build())
    assert m.classify(tiny.window(0)) == ("rest", 120)
    assert m.classify(tiny.window(15360, 15360)) == ("rest", 120)
    assert m.classify(tiny.window(15617, 15617)) == ("ring", 122)


def test_bare_tensors():
    m = load(tiny.build(tiny.meta(sensor=None, decision=None), features=False))
    assert (m.features, m.sensor, m.window, m.hop) == (None, None, 0, 0)
    assert bytes(m.run(bytes([100, 0, 0] * 4))) == bytes([120, 200, 0])
    m.input[0] = 0
    assert m.invoke()[1] == 150
    raises(ModelError, ("expected 12 bytes", "got 11"), m.run, bytes(11))
    raises(ModelError, ("expected 12 bytes", "got 13"), m.run, bytes(13))
    if not MICROPYTHON:
        import array

        assert bytes(m.run(array.array("b", [100, 0, 0] * 4))) == bytes([120, 200, 0])


def test_rows_are_pushed_one_by_one():
    m = load(tiny.pushed())
    assert (m.row_bytes, len(m.input)) == (3, 3)
    for n in (0, 50):
        for row in range(4):
            scores = m.push_row(bytes((row, row + n, 0)))
            assert (scores is None) == (row < 3)
        assert bytes(scores) == bytes((130, 130 + n, 128)) and scores is m.scores
    m.push_row(bytes((100, 100, 100)))
    m.begin()  # forgets that row
    for row in range(4):
        m.input[0] = 2 * row
        scores = m.push_row(m.input)
    assert bytes(scores) == bytes((131, 128, 128))


def test_rows_of_another_size_and_whole_inputs_are_refused():
    m = load(tiny.pushed())
    raises(ModelError, ("tiny", "row of 3 bytes", "got 4"), m.push_row, bytes(4))
    raises(ModelError, ("tiny", "push_row", "3 bytes"), m.run, bytes(12))
    raises(ModelError, ("tiny", "row by row"), m.invoke)
    whole = load(tiny.build())
    assert whole.row_bytes == 0
    raises(ModelError, "push_row or run", whole.push_row, bytes(3))
    whole.begin()


def test_state_is_kept_until_reset():
    m = load(tiny.counter())
    for _ in range(2):
        for n in range(1, 4):
            assert bytes(m.run(bytes((n, 0, 2)))) == bytes((133 + n * (n + 1) // 2, 133,
                                                            133 + 2 * n))
        m.reset()


def test_a_file_packed_for_another_core():
    from tinysense.native import core

    for target, name in ((1, "armv6m"), (3, "mve"), (99, "core 99")):
        if target != core.target():
            data = bytearray(tiny.build())
            data[6] = target
            raises(ModelError, ("packed for " + name, "this core is " + core.kernels(),
                                "portable file", "--target " + core.kernels()), load,
                   tiny.seal(data))


def test_the_names_of_cores_are_the_cores_own():
    if MICROPYTHON:
        skip("the sources are on the computer")
    import re
    from pathlib import Path

    from tinysense import model

    text = (Path(__file__).parents[2] / "device/core/targets.def").read_text()
    assert tuple(re.findall(r"^X\((\w+),", text, re.M)) == model._TARGETS


def test_wrong_window_is_refused():
    m = load(tiny.build())
    raises(ModelError, ("4 frames x 3 channels", "24 bytes"), m.run, bytearray(22))


def test_a_model_that_is_no_classifier():
    m = load(tiny.build(tiny.meta(labels=["one"], decision=None)))
    assert m.run(tiny.window(0)) is m.output
    raises(ModelError, ("1 labels for 3 output", "model.output"), m.classify, tiny.window(0))


def test_run_op():
    m = load(tiny.build())
    m.features.run(tiny.window(20000), m.input)
    m.run_op(0)
    assert m.output[1] ^ 0x80 == 156
    for i in (-1, 1):
        raises(ModelError, "op %d" % i, m.run_op, i)


def test_selftest():
    data = tiny.build()
    assert load(data).selftest() == (3, 3)
    load(data, selftest=True)
    raises(ModelError, "no golden vectors", load(tiny.build(golden=0)).selftest)
    wrong = bytearray(data)
    wrong[-2] ^= 1
    raises(ModelError, "2 of 3 golden outputs equal", load(tiny.seal(wrong)).selftest)
    bare = tiny.build(tiny.meta(sensor=None), features=False)
    assert load(bare).selftest() == (3, 3)


def test_info_prints():
    load(tiny.build()).info()
    load(tiny.build(tiny.meta(sensor=None, decision=None), features=False)).info()
    raises(ValueError, "threshold", load(tiny.build(tiny.meta(decision={"threshold": [1]}))).info)


def test_tensor_table():
    m = load(tiny.build())
    assert m.tensor(0)[:2] == ("int8", (1, 1, 1, 12))
    assert m.tensor(1)[1:4] == ((1, 1, 1, 3), 1 / 256, -128)
    assert m.tensor(3)[:2] == ("int32", (3,))
    raises(ModelError, "tensor 6", m.tensor, 6)
    raises(ModelError, "tensor -1", m.tensor, -1)


def test_memory_mapped_files_are_used_in_place():
    try:
        import vfs

        assert vfs.VfsRom
    except (ImportError, AttributeError):
        skip("no ROMFS here")
    data, mapped = tiny.build(), 0
    for n in range(1, 9):
        name = "m" * n  # moves the file's bytes in the image
        image = romfs(name, data)
        vfs.mount(vfs.VfsRom(image), "/rom")
        try:
            m = load("/rom/" + name)
            assert m.classify(tiny.window(20000)) == ("ring", 156), n
            mapped += isinstance(m._file, memoryview)
        finally:
            vfs.umount("/rom")
    assert mapped == 2, mapped  # those that lie at a multiple of 4


def romfs(name, data):
    """A ROMFS image with one file, of less than 16 kB."""
    verbatim = b"\x02" + varint(len(data)) + data
    body = varint(len(name)) + name.encode() + verbatim
    record = b"\x05" + varint(len(body)) + body
    return bytearray(b"\xd2\xcd\x31" + varint(len(record)) + record)


def varint(n):
    """A number in ROMFS: seven bits a byte, highest first."""
    return bytes((0x80 | n >> 7, n & 0x7F)) if n > 0x7F else bytes((n,))


def test_no_such_file():
    e = raises(OSError, ("no file", "nowhere.tsm", "tinysense upload"), load, path("nowhere.tsm"))
    assert e.errno == 2


def test_truncated_files():
    data = tiny.build()
    for n in list(range(0, len(data), 7)) + [len(data) - 1]:
        raises(ModelError, "bytes, got" if n >= 32 else "not a .tsm", load, data[:n])
    raises(ModelError, "bytes, got", load, data + b"\0")


def test_flipped_bits():
    data = tiny.build()
    for at in range(0, len(data), 3):
        damaged = bytearray(data)
        damaged[at] ^= 1 << at % 8
        raises(ModelError, (), load, damaged)


def test_flipped_bits_without_checksum_never_crash():
    data = tiny.build()
    for at in range(len(data)):
        damaged = bytearray(data)
        damaged[at] ^= 0x80 >> at % 8
        try:
            Model(damaged, check=False).run(tiny.window(1))
        except ValueError:
            pass
        except MemoryError:  # an arena that is huge by its own account
            pass


def test_future_version():
    data = bytearray(tiny.build())
    struct.pack_into("<H", data, 4, 3)
    raises(ModelError, ("expected .tsm version 2, got 3", "update tinysense"), load,
           tiny.seal(data))


def test_damaged_meta():
    for bad in (tiny.meta(name=None), tiny.meta(labels=None), tiny.meta(labels="ring"),
                tiny.meta(labels=[1, 2, 3]), tiny.meta(name=7), tiny.meta(decision=[])):
        raises(ModelError, "META is damaged", load, tiny.build(bad))
    sensor = tiny.META["sensor"]
    for key, value in (("units", 3), ("rate_mhz", "25"), ("rate_mhz", 0), ("rate_mhz", 2.5),
                       ("full_scale", "4"), ("full_scale", -4), ("channels", 3),
                       ("channels", [1, 2, 3]), ("channels", ["x"])):
        changed = dict(sensor)
        changed[key] = value
        raises(ModelError, (), load, tiny.build(tiny.meta(sensor=changed)))
        del changed[key]
        raises(ModelError, (), load, tiny.build(tiny.meta(sensor=changed)))
    raises(ModelError, "sensor", load, tiny.build(tiny.meta(sensor=[1])))


def test_too_little_memory_says_what_is_needed():
    if not MICROPYTHON:
        skip("CPython does not tell its heap")
    import gc

    data = tiny.build(arena=gc.mem_free() + gc.mem_alloc())
    text = str(raises(MemoryError, ("arena needs", "free", "largest free block"), load, data))
    numbers = [int(word) for word in text.replace(",", "").replace(":", "").split()
               if word.isdigit()]
    needed, free, largest = numbers
    assert needed > free >= largest > free // 4, text
