"""tinysense key."""

from __future__ import annotations

from enum import Enum
from typing import Annotated

import typer
from rich.markup import escape
from rich.table import Table

from tinysense_host import keys
from tinysense_host.commands.options import Board, Interrupt, Port, TransportName
from tinysense_host.commands.screen import console
from tinysense_host.device import Device, connect
from tinysense_host.errors import TinysenseError

__all__ = ["key"]

KEY_PATH, SECRET_PATH = "/ts/key", "/ts/secret"
NETWORK = '{"remote": {"port": 8765, "bind": "0.0.0.0"}}'


class Action(str, Enum):
    """What to do."""

    NEW, PUT, SHOW, REMOVE, SECRET = "new", "put", "show", "remove", "secret"


class Kind(str, Enum):
    """Kinds of keys, as they are typed."""

    ED25519, HMAC = "ed25519", "hmac"


def key(
    action: Annotated[Action, typer.Argument(help=(
        "new: make a key. put: let a board take only models signed by it. show: fingerprints. "
        "remove: let the board take any model again. secret: give a board a secret for "
        "tcp://."))],
    name: Annotated[str, typer.Option(
        "--name", help="The project that the key is for; with secret: the board's address or "
        "name.")] = "",
    kind: Annotated[Kind, typer.Option(
        "--kind", help="ed25519: a board learns the public key only. hmac: the secret itself "
        "lies on each board, and whoever reads one can sign.")] = Kind.ED25519,
    port: Port = None,
    board: Board = None,
    interrupt: Interrupt = False,
    transport: TransportName = None,
) -> None:
    """Keys of signed models, and secrets of boards on a network.

    Keys lie in the user's configuration folder, for the user alone to read; never in
    a project, and nothing prints them. A board that has a key loads no model without
    its signature: upload its models again after `put`. Keys and secrets are put on a
    board and taken off over its cable only.
    """
    if action is Action.NEW:
        made = keys.new_key(name or "default",
                            keys.HMAC if kind is Kind.HMAC else keys.ED25519)
        console.print(f"key {made.name} ({made.kind}), fingerprint {made.fingerprint}, is in "
                      f"{escape(str(keys.config_folder() / 'keys'))}: keep a copy where nobody "
                      "else reads it", soft_wrap=True)
        return
    if action is Action.SHOW and not (port or board):
        _show(None)
        return
    with connect(port, board, transport, interrupt) as device:
        if device.remote and action is not Action.SHOW:
            raise TinysenseError(f"{action.value} needs the board in hand, not {device.port}",
                                 "connect its cable and give that port")
        {Action.PUT: _put, Action.SHOW: lambda d, _: _show(d), Action.REMOVE: _remove,
         Action.SECRET: _secret}[action](device, name)


def _put(device: Device, name: str) -> None:
    stored = keys.stored_keys()
    if not name and len(stored) != 1:
        raise TinysenseError(f"{len(stored)} keys here, expected one", "choose with --name, or "
                             "make one: tinysense key new")
    chosen = keys.load_key(name) if name else stored[0]
    there = device.call("key")
    if there is not None and there.get("fingerprint") != chosen.fingerprint:
        raise TinysenseError(f"the board has another key, {str(there.get('fingerprint'))[:16]}",
                             "take it off first: tinysense key remove")
    device.transport.mkdir("/ts")
    device.put(chosen.line(), KEY_PATH)
    console.print(f"the board takes only models signed by {chosen.name}, {chosen.fingerprint}: "
                  "upload its models again, unsigned ones don't load any more")


def _remove(device: Device, _: str) -> None:
    if device.stat(KEY_PATH) is None:
        console.print("the board has no key")
        return
    device.transport.remove(KEY_PATH)
    console.print("the board takes any model")


def _secret(device: Device, name: str) -> None:
    if not name:
        raise TinysenseError("a secret is kept under the board's address or name",
                             "give it with --name, such as --name field-3")
    text = keys.make_secret(name)
    device.transport.mkdir("/ts")
    device.put(text, SECRET_PATH)
    console.print(f"the board and {escape(str(keys.config_folder() / 'secrets' / name))} hold the "
                  f"same secret. It listens when its config says so: {escape(NETWORK)}",
                  soft_wrap=True)


def _show(device: Device | None) -> None:
    table = Table("what", "name", "kind", "fingerprint", box=None)
    for one in keys.stored_keys():
        table.add_row("key", one.name, one.kind, one.fingerprint)
    for secret in keys.secret_names():
        table.add_row("secret", secret, "", "")
    if device is not None:
        told = device.call("key") or {"kind": "no key", "fingerprint": ""}
        table.add_row("board", escape(device.port), escape(str(told.get("kind"))[:20]),
                      escape(str(told.get("fingerprint"))[:16]))
    console.print(table if table.row_count else "no keys here: tinysense key new makes one")
