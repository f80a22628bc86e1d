"""tinysense's operations over TCP, for a board with Wi-Fi that nobody can reach with a cable.

    server = tinysense.remote.from_config(driver=pipeline.driver)   None where it is off
    while True:
        pipeline.step()
        server.poll()

Off unless the config's `remote` says a port and /ts/secret holds a secret of at least
16 bytes (`tinysense key secret`). Both sides prove that they know it, with HMAC-SHA256
over numbers drawn for this connection; every record after that carries a MAC under keys
of this connection, with a count. Nothing is encrypted: who listens sees what passes,
but can't take part, change it or play it again. What can be asked for is in
operations.py, files are those of places.py; no code ever. The bytes: models/FORMAT.md,
section 5.
"""

# Written by device/files.py.
from .types import Driver
from typing import Any

OPTIONS: tuple[Any, ...]
SECRET: str
SECRET_BYTES: int

def from_config(config: dict[str, Any] | str | None = None, driver: Driver | None = None) -> Remote | None:
    """A Remote as the config says; None where it says nothing of `remote`.

    driver: see Remote. ConfigError without a secret: better silent than open.
    """

def secret(path: str | None = None) -> bytes:
    """The shared secret; ConfigError where there is none that can be used."""

class Remote:
    """Listens, and serves one computer at a time.

    All buffers are made here. poll() returns at once when there is nothing to do, and
    allocates nothing while nobody is connected. driver: that of the pipeline which runs
    meanwhile; new models are compared with it, where they else would make one and close it.
    """
    logins: int
    refused: int
    def __init__(self, secret: bytes, port: int = 8765, bind: str = '127.0.0.1', idle_s: int = 60, driver: Driver | None = None) -> None: ...
    def poll(self) -> bool:
        """Does what waits: a login's step or one request. Whether a computer is connected."""
    def serve(self) -> None:
        """poll() for ever: for a board that does nothing else."""
    def close(self) -> None:
        """Ends the connection and listens no more."""
