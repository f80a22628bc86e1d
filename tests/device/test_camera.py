"""The camera driver on files and on emulated camera modules."""

import sys

import tiny
from chips.camera import Csi, Esp32, Eye, Sensor, bmp, pnm
from expect import Ticks, numbers, path, raises, write
from tinysense.drivers import camera
from tinysense.drivers.camera import Camera
from tinysense.errors import DriverError, ModelError, TinysenseError
from tinysense.model import load
from tinysense.sensing.pictures import RGB565, Files, own_camera

GRADIENT = bytes(range(48))  # 8 x 6
MODULES = ("csi", "sensor", "camera")


def file(name, data):
    full = path(name)
    write(full, data)
    return full


def drain(driver, room=7, most=100000):
    """Pixels 0..255 of all channels until the driver gives none."""
    buf = bytearray(2 * driver.channels * room)
    out = []
    while most > 0:
        n = driver.read_into(buf)
        if n == 0:
            break
        values = numbers(buf)[: n * driver.channels]
        assert all(value % 128 == 0 for value in values)
        out += [value // 128 for value in values]
        most -= n
    return out


def only(name, fake):
    """One camera module, and none of the others."""
    for other in MODULES:
        sys.modules.pop(other, None)
    if name:
        sys.modules[name] = fake


def test_says_what_it_is():
    d = Camera(Files([file("a.pgm", pnm(8, 6, GRADIENT))]), 4, 3, fps_mhz=2000)
    assert (d.rate_mhz, d.channels, d.axes, d.units) == (24000, 1, ("gray",), "pixel")
    assert (d.full_scale, d.scale * 128) == (256, 1)
    assert (d.dropped, d.errors, d.done, d.measured_mhz) == (0, 0, False, 24000)
    d = Camera(Files([file("a.pgm", pnm(8, 6, GRADIENT))]), 4, 3, True)
    assert (d.channels, d.axes) == (3, ("r", "g", "b"))


def test_every_kind_of_file_gives_the_same_picture():
    color = bytes((7 * i) % 256 for i in range(5 * 3 * 3))
    gray = bytes(250 - i for i in range(5 * 3))
    for name, data, pixels in (
            ("g.pgm", pnm(5, 3, gray, b"# a comment 5\n"), gray), ("g.bmp", bmp(5, 3, gray), gray),
            ("g.bmp", bmp(5, 3, gray, False), gray), ("c.ppm", pnm(5, 3, color), color),
            ("c.bmp", bmp(5, 3, color), color), ("c.bmp", bmp(5, 3, color, False), color)):
        is_color = len(pixels) == 45
        for room in (1, 4, 5, 6, 100):
            d = Camera(Files([file(name, data)]), 5, 3, is_color, 0)
            assert drain(d, room) == list(pixels), (name, room)
            assert d.done and d.pictures == 1


def test_gray_of_colours():
    pixels = bytes((255, 0, 0, 0, 255, 0, 0, 0, 255, 255, 255, 255))
    d = Camera(Files([file("c.ppm", pnm(2, 2, pixels))]), 2, 2, False, 0)
    assert drain(d) == [255 * 77 >> 8, 255 * 150 >> 8, 255 * 29 >> 8, 255]
    d = Camera(Files([file("g.pgm", pnm(2, 1, b"\x05\xfa"))]), 2, 1, True, 0)
    assert drain(d) == [5, 5, 5, 250, 250, 250]


def test_nearest_takes_the_middle_of_each_box():
    source = Files([file("a.pgm", pnm(8, 6, GRADIENT))], loop=True)
    assert drain(Camera(source, 8, 6, False, 0), 48, 48) == list(GRADIENT)
    assert drain(Camera(source, 4, 3, False, 0), 12, 12) == [
        8 * y + x for y in (1, 3, 5) for x in (1, 3, 5, 7)]
    assert drain(Camera(source, 16, 12, False, 0), 192, 192) == [
        8 * (y // 2) + x // 2 for y in range(12) for x in range(16)]


def test_box_is_the_mean():
    pixels = [3, 5, 10, 20, 100, 101, 7, 9, 30, 40, 200, 210]  # 6 x 2
    source = Files([file("b.pgm", pnm(6, 2, bytes(pixels)))], loop=True)
    assert drain(Camera(source, 3, 1, False, 0, True), 3, 3) == [
        (3 + 5 + 7 + 9) // 4, (10 + 20 + 30 + 40) // 4, (100 + 101 + 200 + 210) // 4]
    # widths that do not divide: boxes of 1 and 2 columns
    assert drain(Camera(source, 4, 2, False, 0, True, (0, 0, 6, 2)), 8, 8) == [
        3, 7, 20, 100, 7, 19, 40, 205]
    source = Files([file("c.ppm", pnm(2, 1, bytes((10, 20, 30, 20, 40, 61))))], loop=True)
    assert drain(Camera(source, 1, 1, True, 0, True, (0, 0, 2, 1)), 1, 1) == [15, 30, 45]


def test_crop():
    source = Files([file("a.pgm", pnm(8, 6, GRADIENT))], loop=True)
    assert drain(Camera(source, 2, 2, False, 0, crop=(5, 3, 2, 2)), 4, 4) == [29, 30, 37, 38]
    assert drain(Camera(source, 6, 6, False, 0), 36, 36)[:6] == [1, 2, 3, 4, 5, 6]  # the middle
    for crop in ((7, 0, 2, 2), (0, 5, 2, 2), (-1, 0, 2, 2), (0, 0, 9, 6), (0, 0, 0, 6)):
        raises(DriverError, "crop within 8 x 6", Camera, source, 2, 2, False, 0, False, crop)


def test_pictures_of_a_folder_in_order_and_again():
    folder = path("pictures")
    import os

    try:
        os.mkdir(folder)
    except OSError:
        pass
    for name, value in (("b.pgm", 2), ("a.pgm", 1), ("c.PGM", 3)):
        write(folder + "/" + name, pnm(2, 2, bytes((value,)) * 4))
    write(folder + "/notes.txt", b"not a picture")
    assert drain(Camera(Files(folder), 2, 2, False, 0)) == [1] * 4 + [2] * 4 + [3] * 4
    assert drain(Camera(Files(folder + "/", True), 1, 1, False, 0), 1, 5) == [1, 2, 3, 1, 2]


def test_pictures_come_when_they_are_due():
    now = Ticks()
    d = Camera(Files([file("a.pgm", pnm(2, 2, b"abcd"))], True), 2, 2, False, 10000, now=now)
    assert len(drain(d)) == 4
    now.now += 99999
    assert drain(d) == []
    now.now += 1
    assert len(drain(d)) == 4 and d.dropped == 0
    now.now += 350000  # three are due
    buf = bytearray(2)
    assert d.read_into(buf) == 1 and d.dropped == 2 * 4
    assert len(drain(d)) == 3 and d.pictures == 3


def test_files_that_do_not_fit():
    whole = bmp(8, 6, GRADIENT)
    for name, data, says in (
            ("x.pgm", b"P2\n1 1 255\n7", "binary PGM"), ("x.pgm", b"", "binary PGM"),
            ("x.pgm", b"P5\n8 6\n65535\n" + bytes(96), "up to 255"),
            ("x.pgm", b"P5\n8 -6\n255\n" + GRADIENT, "header is damaged"),
            ("x.pgm", b"P5\n8", "header is damaged"), ("x.pgm", b"P5 0 6 255 ", "0 x 6"),
            ("x.pgm", b"P5 9999 6 255 ", "9999 x 6"), ("x.bmp", whole[:40], "cut short"),
            ("x.bmp", whole[:30] + b"\1" + whole[31:], "compression 1"),
            ("x.bmp", whole[:54] + b"\xff" + whole[55:], "greys")):
        raises(TinysenseError, says, Files, [file(name, data)])
    raises(TinysenseError, "got none", Files, [])
    d = Camera(Files([file("x.pgm", pnm(8, 6, GRADIENT)[:-1])]), 8, 6, False, 0)
    raises(TinysenseError, ("x.pgm", "cut short"), drain, d)
    two = [file("a.pgm", pnm(8, 6, GRADIENT)), file("x.pgm", pnm(6, 8, GRADIENT))]
    d = Camera(Files(two), 8, 6, False, 0)
    raises(TinysenseError, ("x.pgm", "8 x 6", "6 x 8"), drain, d)


def test_openmv_csi_and_sensor():
    for name, module in (("csi", Csi), ("sensor", Sensor)):
        eye = Eye(8, 6, GRADIENT)
        only(name, module(eye))
        d = Camera(own_camera("QVGA", False), 8, 6, False, 0)
        assert eye.asked == ["reset", "gray", (320, 240)]
        assert drain(d, 48, 48) == list(GRADIENT)
        d.close()
        assert eye.off and d.done
        raises(DriverError, ("frame size", "'HUGE'"), own_camera, "HUGE", False)
        eye.failing = 1
        raises(DriverError, ("no camera answers", "Timeout"), own_camera, "QVGA", False)
    only("", None)


def test_csi_is_not_waited_for():
    eye = Eye(8, 6, GRADIENT)
    only("csi", Csi(eye))
    d = Camera(own_camera("QQVGA", False), 8, 6, False, 0)
    eye.ready = 0
    assert drain(d) == [] and not d.done
    eye.ready = 1
    assert len(drain(d)) == 48
    only("", None)


def test_colours_of_both_byte_orders():
    for name, module, low in (("csi", Csi, 0), ("camera", Esp32, 1)):
        words = (0xF800, 0x07E0, 0x001F, 0xFFFF, 0x8410, 0)
        data = bytearray(12)
        for i in range(6):
            data[2 * i + low], data[2 * i + 1 - low] = words[i] & 0xFF, words[i] >> 8
        eye = Eye(3, 2, data)
        only(name, module(eye))
        d = Camera(own_camera("QQVGA", True), 3, 2, True, 0)
        assert eye.asked[-2:] == ["565", (160, 120)]
        assert (d.source.layout == RGB565) == low
        assert drain(d, 6, 6) == [255, 0, 0, 0, 255, 0, 0, 0, 255, 255, 255, 255, 132, 130, 132,
                                  0, 0, 0]
    only("", None)


def test_esp32_gets_its_buffer_back():
    eye = Eye(8, 6, GRADIENT)
    only("camera", Esp32(eye))
    d = Camera(own_camera("R96X96", False), 4, 3, False, 0)
    buf = bytearray(2 * 11)
    assert d.read_into(buf) == d.read_into(buf) == 4  # a row at a time
    assert eye.held == 1
    drain(d, 12, 4 + 12 * 4)
    assert eye.held == 0 and d.pictures == 5
    d.close()
    assert eye.off
    eye.failing = 1
    raises(DriverError, ("no camera answers", "initial frame"), own_camera, "QQVGA", False)
    only("", None)


def test_no_camera():
    only("", None)
    e = raises(DriverError, ("no camera", "csi", "files"), own_camera, "QQVGA", False)
    assert e.errno == 95


def test_pictures_that_fail_are_counted_and_a_camera_that_is_gone_ends_it():
    eye = Eye(8, 6, GRADIENT)
    only("csi", Csi(eye))
    now = Ticks()
    d = Camera(own_camera("QQVGA", False), 8, 6, False, 10000, now=now)
    eye.failing = 2
    for _ in range(2):
        assert drain(d) == []
        now.now += 100000
    assert d.errors == 2 and d.dropped == 0
    assert len(drain(d)) == 48 and d.dropped == 96
    eye.failing = 1000

    def wait():
        for _ in range(60):
            now.now += 100000
            drain(d)

    raises(DriverError, ("Camera stopped answering", "50 reads in a row"), wait)
    only("", None)


def test_impossible_settings():
    source = Files([file("a.pgm", pnm(8, 6, GRADIENT))])
    for width, height, fps_mhz in ((0, 6, 0), (8, 0, 0), (8, 6, -1), (1000, 1000, 1001)):
        raises(DriverError, "camera: expected", Camera, source, width, height, False, fps_mhz)


def test_options():
    options = {row[0]: row[2] for row in camera.OPTIONS}
    eye = Eye(8, 6, GRADIENT)
    only("csi", Csi(eye))
    assert camera.build(options).rate_mhz == 96 * 96 * 1000
    options.update(files=path("folder"), width=2, height=2, crop_x=1, crop_width=4, crop_height=4)
    import os

    try:
        os.mkdir(options["files"])
    except OSError:
        pass
    write(options["files"] + "/a.pgm", pnm(8, 6, GRADIENT))
    d = camera.build(options, load(tiny.build()).sensor)  # three channels at 25 Hz
    assert d.channels == 3 and d.rate_mhz == 25000 // 4 * 4
    assert drain(d, 4, 4)[::3] == [10, 12, 26, 28]
    only("", None)


def test_feeds_a_model_row_by_row():
    pixels = bytes((7 * i * i) % 256 for i in range(12))  # 3 wide, 4 high
    d = Camera(Files([file("f.pgm", pnm(3, 4, pixels))], True), 3, 4, False, 0)
    m, other = load(tiny.pushed()), load(tiny.pushed())
    for y in range(4):
        want = other.push_row(bytes(p ^ 0x80 for p in pixels[3 * y : 3 * y + 3]))
    for _ in range(3):
        assert bytes(d.feed(m)) == bytes(want)
    assert d.pictures == 3


def test_feeds_a_model_the_whole_picture():
    pixels = bytes((11 * i) % 256 for i in range(12))
    now = Ticks()
    d = Camera(Files([file("f.ppm", pnm(2, 2, pixels))]), 2, 2, True, 10000, now=now)
    m = load(tiny.build(features=False))
    want = bytes(load(tiny.build(features=False)).run(bytes(p ^ 0x80 for p in pixels)))
    assert bytes(d.feed(m)) == want
    assert d.feed(m) is None  # not due
    now.now += 100000
    assert d.feed(m) is None and d.done


def test_models_that_do_not_fit_are_refused():
    d = Camera(Files([file("f.pgm", pnm(8, 6, GRADIENT))]), 3, 4, False, 0)
    raises(ModelError, ("4 x 3 x 1", "set width"), d.feed, load(tiny.pushed(5)))
    raises(ModelError, "without features", d.feed, load(tiny.build()))
    d = Camera(Files([file("f.pgm", pnm(8, 6, GRADIENT))]), 4, 3, False, 0)
    raises(ModelError, ("3 x 4 x 1", "1x4x1x3"), d.feed, load(tiny.pushed()))
    assert d.pictures == 0
