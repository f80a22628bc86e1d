"""An SD card as a folder. Not confirmed on a real card."""

import os

from ..config import check
from ..errors import DriverError

OPTIONS = (
    ("path", str, "/sd", "file", "where it is mounted"),
    ("spi", int, -1, (-1, 7), "SPI bus of a card on SPI, -1: the port's own slot (machine.SDCard)"),
    ("cs", (int, str), -1, (-1, 255), "SPI: pin of chip select"),
    ("slot", int, 1, (0, 3), "of machine.SDCard"),
)


def mount(options: dict) -> str:
    """Mounts the card and returns its path; DriverError in one line where there is none."""
    import machine

    options = check(OPTIONS, options, "recorder: sd")
    path = options["path"]
    try:
        os.statvfs(path)
        os.listdir(path)
        return path  # it is mounted, or a folder
    except OSError:
        pass
    try:
        if options["spi"] < 0:
            card = machine.SDCard(slot=options["slot"])
        else:
            from sdcard import SDCard  # micropython-lib's: mpremote mip install sdcard

            card = SDCard(machine.SPI(options["spi"]), machine.Pin(options["cs"], machine.Pin.OUT))
        mount_at(card, path)
    except ImportError:
        raise DriverError(19, "a card on SPI needs micropython-lib's driver: mpremote mip install "
                              "sdcard")
    except (AttributeError, OSError, ValueError, TypeError) as e:
        raise DriverError(19, "no SD card could be mounted at %s (%s): is it in, is it FAT, are "
                              "the pins right?" % (path, e))
    return path


def mount_at(card: "object", path: str) -> None:
    """MicroPython's mount, under either of its names."""
    try:
        from vfs import mount as mount_
    except ImportError:
        mount_ = os.mount
    mount_(card, path)
