"""The device's config on this computer and on the board: merged, or copied either way.

sides.py reads and writes both, merging.py merges, agreed.py keeps what both had last.
"""

from tinysense_host.sync.agreed import Agreed
from tinysense_host.sync.merging import ABSENT, Conflict, Difference, Merge, differences, merge
from tinysense_host.sync.sides import (
    BadConfig,
    board_config,
    checked,
    config_path,
    host_config,
    later_keys,
    pull,
    push,
    read_host,
)

__all__ = ["ABSENT", "Agreed", "BadConfig", "Conflict", "Difference", "Merge", "board_config",
           "checked", "config_path", "differences", "host_config", "later_keys", "merge", "pull",
           "push", "read_host"]
