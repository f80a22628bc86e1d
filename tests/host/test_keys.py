"""Keys: made, kept for the user alone, never shown; what they sign, a board takes."""

import hashlib
import json
import os
import random

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from typer.testing import CliRunner

from tinysense import ed25519, signing
from tinysense_host import keys
from tinysense_host.cli import app
from tinysense_host.device import Device
from tinysense_host.errors import TinysenseError
from tinysense_host.link.transport_fake import FakeTransport

DIGEST = hashlib.sha256(b"a model").digest()


@pytest.fixture(autouse=True)
def store(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    for name in (keys.KEY_VARIABLE, keys.SECRET_VARIABLE):
        monkeypatch.delenv(name, raising=False)
    return tmp_path / "config" / "tinysense"


def board(fingerprint=None, kind="ed25519"):
    told = None if fingerprint is None else {"kind": kind, "fingerprint": fingerprint}
    fake = FakeTransport([("told('key'", json.dumps({"value": told}).encode())])
    return fake, Device(fake)


@pytest.mark.parametrize("kind", keys.KINDS)
def test_what_a_key_signs_a_board_takes(kind, tmp_path, monkeypatch):
    key = keys.new_key("project", kind)
    assert keys.load_key("project") == key and keys.stored_keys() == [key]
    monkeypatch.setattr(signing, "KEY", str(tmp_path / "key"))
    monkeypatch.setattr(signing, "MARKS", str(tmp_path / "signed"))
    (tmp_path / "key").write_bytes(key.line())
    assert signing.describe() == {"kind": kind, "fingerprint": key.fingerprint}
    signing.check("ring", DIGEST, key.sign("ring", DIGEST))
    for name, digest in (("wing", DIGEST), ("ring", hashlib.sha256(b"x").digest())):
        with pytest.raises(ValueError, match="wrong signature"):
            signing.check(name, digest, key.sign("ring", DIGEST))
    with pytest.raises(ValueError, match="wrong signature"):
        signing.check("ring", DIGEST, keys.new_key("other", kind).sign("ring", DIGEST))


def test_ed25519_agrees_with_another_library():
    dice = random.Random(8032)
    for _ in range(25):
        private = Ed25519PrivateKey.from_private_bytes(dice.randbytes(32))
        public = private.public_key()
        message = dice.randbytes(dice.randrange(300))
        signature = private.sign(message)
        assert ed25519.verify(public.public_bytes_raw(), message, signature)
        bad = bytearray(signature)
        bad[dice.randrange(64)] ^= 1 << dice.randrange(8)
        with pytest.raises(InvalidSignature):
            public.verify(bytes(bad), message)
        assert not ed25519.verify(public.public_bytes_raw(), message, bad)


def test_a_board_with_a_public_key_can_not_sign():
    key = keys.new_key("project")
    assert key.secret.hex().encode() not in key.line()
    secret = keys.new_key("other", keys.HMAC)
    assert secret.secret.hex().encode() in secret.line()    # which the help says


@pytest.mark.skipif(os.name != "posix", reason="file modes are POSIX's")
def test_key_files_are_the_user_s_alone(store):
    keys.new_key("project")
    keys.make_secret("field-3")
    for path in (store / "keys/project.json", store / "secrets/field-3"):
        assert path.stat().st_mode & 0o777 == 0o600
        assert path.parent.stat().st_mode & 0o777 == 0o700
    (store / "keys/project.json").chmod(0o640)
    with pytest.raises(TinysenseError, match="others can read"):
        keys.load_key("project")
    (store / "secrets/field-3").chmod(0o604)
    with pytest.raises(TinysenseError, match="others can read"):
        keys.secret_for("field-3")


def test_a_key_is_never_overwritten():
    keys.new_key("project")
    with pytest.raises(TinysenseError, match="already"):
        keys.new_key("project")


def test_names_stay_in_the_folder():
    for name in ("../x", "a/b", "", ".hidden", "x" * 64, "a\n", "C:x"):
        for do in (keys.new_key, keys.load_key, keys.make_secret):
            with pytest.raises(TinysenseError, match="no name"):
                do(name)


def test_damaged_key_files_are_not_quoted(store):
    keys.new_key("project")
    path = store / "keys/project.json"
    secret = json.loads(path.read_text())["secret"]
    for text in (secret, "[]", json.dumps({"kind": "rsa", "secret": secret}), "",
                 json.dumps({"kind": "ed25519", "secret": secret[:-2]})):
        path.write_text(text)
        with pytest.raises(TinysenseError) as caught:
            keys.load_key("project")
        assert secret[:20] not in str(caught.value) and caught.value.__cause__ is None
    with pytest.raises(TinysenseError, match="tinysense key new"):
        keys.load_key("none")


def test_the_board_says_which_key():
    one, two = keys.new_key("one"), keys.new_key("two", keys.HMAC)
    for key in (one, two):
        assert keys.signature_for(board(key.fingerprint)[1], "ring", DIGEST) == (
            key.sign("ring", DIGEST))
    assert keys.signature_for(board()[1], "ring", DIGEST) == ""
    with pytest.raises(TinysenseError, match="not on this computer"):
        keys.signature_for(board("0123456789abcdef")[1], "ring", DIGEST)


def test_a_key_can_be_named(monkeypatch):
    one, two = keys.new_key("one"), keys.new_key("two")
    monkeypatch.setenv(keys.KEY_VARIABLE, "one")
    assert keys.signature_for(board()[1], "ring", DIGEST) == one.sign("ring", DIGEST)
    with pytest.raises(TinysenseError, match="key one is another"):
        keys.signature_for(board(two.fingerprint)[1], "ring", DIGEST)


def test_secrets_show_in_no_text():
    key = keys.new_key("project", keys.HMAC)
    for text in (repr(key), str(key), f"{key}", repr([key])):
        assert key.secret.hex() not in text and repr(key.secret) not in text


def run(monkeypatch, *words, device=None):
    if device is not None:
        monkeypatch.setattr("tinysense_host.commands.key.connect", lambda *a, **k: device)
    return CliRunner().invoke(app, ["key", *words])


def secrets_in(store):
    found = [p.read_text() for p in (store / "secrets").glob("*")]
    return found + [json.loads(p.read_text())["secret"] for p in (store / "keys").glob("*")]


def test_commands_print_no_secret(monkeypatch, store):
    fake, device = board()
    printed = ""
    for words in (["new", "--name", "p", "--kind", "hmac"], ["new", "--name", "q"], ["show"],
                  ["put", "--name", "p"], ["secret", "--name", "field-3"], ["show", "-p", "x"],
                  ["put", "--name", "q"], ["remove"], ["remove"]):
        done = run(monkeypatch, *words, device=device)
        assert done.exit_code == 0, (words, done.output)
        printed += done.output
    assert "fingerprint" in printed and len(secrets_in(store)) == 3
    for secret in secrets_in(store):
        assert secret not in printed
    assert fake.files == {"/ts/secret": (store / "secrets/field-3").read_bytes()}
    assert keys.load_key("p").secret.hex() not in "".join(fake.programs)


def test_put_needs_a_choice_and_a_board_without_another_key(monkeypatch):
    fake, device = board("0123456789abcdef")
    for words, what in ((["put"], "0 keys here"), (["secret"], "--name")):
        done = run(monkeypatch, *words, device=device)
        assert done.exit_code == 1 and what in str(done.output) + str(done.stderr)
    keys.new_key("one")
    done = run(monkeypatch, "put", device=device)
    assert done.exit_code == 1 and "another key" in done.stderr and fake.files == {}


def test_over_the_network_keys_are_only_shown(monkeypatch):
    key = keys.new_key("one")
    fake, device = board(key.fingerprint)
    fake.remote, fake.call = True, lambda name, args, timeout: None
    for action in ("put", "remove", "secret"):
        done = run(monkeypatch, action, "--name", "one", device=device)
        assert done.exit_code == 1 and "board in hand" in done.stderr
    assert run(monkeypatch, "show", "-p", "x", device=device).exit_code == 0
    assert fake.files == {}
