# Mounts a littlefs at / : in the host's file that the emulator's argument
# fs=... names, else in RAM, where it outlives a soft reset only.
import sys

import emulated
import vfs

SIZES = {"progsize": 256, "readsize": 256, "lookahead": 256}


def mount():
    disk = emulated.Disk()
    try:
        files = vfs.VfsLfs2(disk, **SIZES)
    except OSError:
        vfs.VfsLfs2.mkfs(disk, **SIZES)
        files = vfs.VfsLfs2(disk, **SIZES)
    vfs.mount(files, "/")


mount()
sys.path.append("/lib")
