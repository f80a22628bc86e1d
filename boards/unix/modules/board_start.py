# Turns this process into a board: the folder in TINYSENSE_FS becomes /, and a
# REPL comes up on standard input and output.
import os
import sys

import emulated
import vfs


class Disk:
    """VfsPosix with a rename() that works.

    With a root, MicroPython 1.25 builds both names in one buffer, so that
    os.rename("/a", "/b") fails with ENOENT.
    """

    def __init__(self, root):
        self._root = root
        self._plain = vfs.VfsPosix()
        self._disk = vfs.VfsPosix(root)

    def __getattr__(self, name):
        return getattr(self._disk, name)

    def rename(self, old, new):
        self._plain.rename(self._full(old), self._full(new))

    def _full(self, path):
        return self._root + path if path[0] == "/" else path


root = os.getenv("TINYSENSE_FS")
if root:
    vfs.umount("/")
    vfs.mount(Disk(root), "/")
    os.chdir("/")
sys.path[:] = ["", ".frozen", "/lib"]
sys.modules.pop("board_start", None)
emulated.repl()
