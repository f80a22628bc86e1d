"""Virtual boards: firmware in an emulator, or MicroPython on this computer, behind a port.

    with Emulator("QEMU_M4F") as board:
        ...                                 # mpremote connect <board.port>

Each emulator is a process of its own with a file system of its own, so any
number can run at once. A kind of board is a file here and a row in
emulator.KINDS; filesystem.py reads and writes what a board keeps while it is off.
"""

from tinysense_host.emulator.emulator import Emulator
from tinysense_host.emulator.filesystem import read_files, write_files

__all__ = ["Emulator", "read_files", "write_files"]
