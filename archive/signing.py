"""The archive's signer, in this process or in one of its own.

By default the key lies in ``settings.SIGNER_DIR`` and this process signs.  With
``settings.SIGNER_SOCKET`` another process does (`manage.py signer`), best under another account:
then the application neither has the key nor can make the signer forget what it signed.  Both have
the same acts; each takes and returns text.
"""

from __future__ import annotations

import base64
import json
import socket
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol

from django.conf import settings

from archive import signer
from archive.proof import notes
from archive.signer import (
    Handover,
    NextKey,
    Signed,
    SignedBeyondError,
    SignerError,
    SignerMissingError,
    SignerRefusedError,
)

PATIENCE = 10.0  # seconds for one act of the signer's process
LONGEST_MESSAGE = 64 * 1024 * 1024  # bytes; a large bundle's tag manifest, in base64

#: What an answer calls the errors that the acts raise.
ERRORS = {
    "missing": SignerMissingError,
    "beyond": SignedBeyondError,
    "refused": SignerRefusedError,
    "error": SignerError,
}


class Signing(Protocol):
    """What signs for the log; see archive.signer for what each act means."""

    origin: str
    vkey: str
    public: bytes

    @property
    def vkeys(self) -> tuple[str, ...]: ...

    def last(self) -> Signed | None: ...
    def sign(self, text: str, proof: Sequence[bytes], handover: Handover | None = None) -> str: ...
    def sign_bytes(self, data: bytes) -> bytes: ...
    def sign_for_ssh(self, data: bytes) -> bytes: ...
    def next_vkey(self) -> str | None: ...
    def take_over(self, note: str) -> None: ...


def the_signer() -> Signing:
    """Return the log's signer.  Raises SignerMissingError and SignerError."""
    if settings.SIGNER_SOCKET is None:
        return signer.Signer(settings.SIGNER_DIR)
    return RemoteSigner(settings.SIGNER_SOCKET)


def last() -> Signed | None:
    """Return what the log's signer signed last; needs no key.  Raises SignerError."""
    if settings.SIGNER_SOCKET is None:
        return signer.last_signed(settings.SIGNER_DIR)
    said = ask(settings.SIGNER_SOCKET, "last")
    return Signed(int(said["size"]), bytes.fromhex(said["root"])) if said else None


def place() -> str:
    """Name the signer to a person."""
    if settings.SIGNER_SOCKET is None:
        return f"the signer in {settings.SIGNER_DIR}"
    return f"the signer at {settings.SIGNER_SOCKET}"


def create(*, origin: str) -> Signing:
    """A signer for ``origin`` is there; one in a process of its own was made there."""
    if settings.SIGNER_SOCKET is None:
        return signer.Signer.create(settings.SIGNER_DIR, origin=origin)
    return RemoteSigner(settings.SIGNER_SOCKET)


def prepare_next(*, origin: str, old: str) -> NextKey:
    """A key that is to take over from ``old`` waits at the signer."""
    if settings.SIGNER_SOCKET is None:
        return signer.prepare_next(settings.SIGNER_DIR, origin=origin, old=old)
    said = ask(settings.SIGNER_SOCKET, "prepare_next", origin=origin, old=old)
    return NextKey(
        vkey=str(said["vkey"]), proof=str(said["proof"]), companion=said.get("companion")
    )


def replace_lost() -> None:
    """The key that waits signs alone from now on."""
    if settings.SIGNER_SOCKET is None:
        signer.replace_lost(settings.SIGNER_DIR)
    else:
        ask(settings.SIGNER_SOCKET, "replace_lost")


class RemoteSigner:
    """The signer behind a socket."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._who()

    def _who(self) -> None:
        said = ask(self._path, "who")
        self.origin = str(said["origin"])
        self.vkeys = tuple(str(each) for each in said["vkeys"])
        self.vkey = self.vkeys[0]
        self.public = notes.parse_vkey(self.vkey).public

    def last(self) -> Signed | None:
        """Return what was signed last."""
        return last()

    def sign(self, text: str, proof: Sequence[bytes], handover: Handover | None = None) -> str:
        """Return the signature lines for a checkpoint's text."""
        shown = handover and {
            "entry": handover.entry.decode(),
            "seq": handover.seq,
            "path": [each.hex() for each in handover.path],
        }
        asked = {"text": text, "proof": [each.hex() for each in proof], "handover": shown}
        return str(ask(self._path, "sign", **asked)["lines"])

    def sign_bytes(self, data: bytes) -> bytes:
        """Return the raw signature of a tag manifest."""
        said = ask(self._path, "sign_bytes", data=base64.b64encode(data).decode())
        return base64.b64decode(said["signature"])

    def sign_for_ssh(self, data: bytes) -> bytes:
        """Return the raw signature for an OpenSSH signature of a tag manifest."""
        said = ask(self._path, "sign_for_ssh", data=base64.b64encode(data).decode())
        return base64.b64decode(said["signature"])

    def next_vkey(self) -> str | None:
        """Return the verifier key that waits to take over."""
        found = ask(self._path, "next_vkey")["vkey"]
        return None if found is None else str(found)

    def take_over(self, note: str) -> None:
        """The next key is the key."""
        ask(self._path, "take_over", note=note)
        self._who()


def ask(path: Path, act: str, **values: Any) -> Any:
    """Have the signer at a socket do one act; a line of JSON there, a line of JSON back.

    Raises the error that the act raised there, and SignerError when nobody answers.
    """
    try:
        with socket.socket(socket.AF_UNIX) as channel:
            channel.settimeout(PATIENCE)
            channel.connect(str(path))
            channel.sendall(json.dumps({"act": act, **values}).encode() + b"\n")
            with channel.makefile("rb") as answers:
                line = answers.readline(LONGEST_MESSAGE)
    except OSError as error:
        raise SignerError(
            f"The signer at {path} does not answer ({error}). Start it with `manage.py signer`; "
            "what is recorded meanwhile is signed for when it is back."
        ) from error
    try:
        said = json.loads(line)
        if "error" in said:
            raise ERRORS.get(said["error"], SignerError)(str(said["detail"]))
        return said["done"]
    except (ValueError, KeyError, TypeError) as error:
        raise SignerError(f"The signer at {path} answers what is no answer.") from error
