"""Signatures for OpenSSH: made here, read here, and taken by ssh-keygen; broken ones by nobody."""

from __future__ import annotations

import base64
import shutil
import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archive.proof import ed25519, sshsig
from archive.proof.errors import MalformedError
from tests import adversary

KEY = adversary.key(7)
PUBLIC = adversary.public(KEY)
MESSAGE = b"the tag manifest\n"


def made(message: bytes = MESSAGE) -> str:
    return sshsig.armored(PUBLIC, KEY.sign(sshsig.to_be_signed(message)))


def test_what_is_written_is_read_and_holds() -> None:
    public, signature = sshsig.opened(made())
    assert public == PUBLIC == sshsig.allowed_key(sshsig.allowed_signers(PUBLIC))
    assert ed25519.verify(public, signature, sshsig.to_be_signed(MESSAGE))
    assert not ed25519.verify(public, signature, sshsig.to_be_signed(MESSAGE + b" "))
    assert not ed25519.verify(public, signature, MESSAGE)


@pytest.mark.skipif(shutil.which("ssh-keygen") is None, reason="ssh-keygen is not installed")
@pytest.mark.parametrize(("message", "good"), [(MESSAGE, True), (b"another\n", False)])
def test_ssh_keygen_says_the_same(tmp_path: Path, message: bytes, good: bool) -> None:
    (tmp_path / "signature").write_text(made())
    (tmp_path / "allowed").write_text(sshsig.allowed_signers(PUBLIC))
    done = subprocess.run(
        ["ssh-keygen", "-Y", "verify", "-f", "allowed", "-I", sshsig.PRINCIPAL, "-n", "file",
         "-s", "signature"],
        cwd=tmp_path, input=message, capture_output=True, check=False,
    )  # fmt: skip
    assert (done.returncode == 0) is good, done.stderr


def _blob(change: bytes) -> str:
    text = made().split("\n")
    blob = base64.b64decode("".join(text[1:-2]))
    return f"{sshsig.BEGIN}\n{base64.b64encode(blob + change).decode()}\n{sshsig.END}\n"


@pytest.mark.parametrize(
    "text",
    ["", "x", made().replace("BEGIN", "BEGUN"), made().replace("AAAA", "AA A", 1), _blob(b"more"),
     f"{sshsig.BEGIN}\nAAAA\n{sshsig.END}", made()[:-60]],
)  # fmt: skip
def test_what_is_no_signature_is_malformed(text: str) -> None:
    with pytest.raises(MalformedError):
        sshsig.opened(text)


@given(st.integers(0, 10_000), st.integers(0, 255))
def test_no_changed_byte_makes_another_signature_that_holds(at: int, value: int) -> None:
    lines = made().split("\n")
    blob = bytearray(base64.b64decode("".join(lines[1:-2])))
    at %= len(blob)
    if blob[at] == value:
        return
    blob[at] = value
    text = f"{sshsig.BEGIN}\n{base64.b64encode(bytes(blob)).decode()}\n{sshsig.END}\n"
    try:
        public, signature = sshsig.opened(text)
    except MalformedError:
        return
    signed = sshsig.to_be_signed(MESSAGE)
    assert public != PUBLIC or not ed25519.verify(public, signature, signed)


@pytest.mark.parametrize(
    "text", ["", "archive ssh-ed25519 AAAA", sshsig.allowed_signers(PUBLIC) * 2]
)
def test_what_names_no_single_key_is_malformed(text: str) -> None:
    with pytest.raises(MalformedError):
        sshsig.allowed_key(text)
