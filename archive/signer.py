"""The stateful signer: the log's key, and the last tree it signed, outside the database.

A log must never sign two trees of which neither is the beginning of the other (C2SP
tlog-checkpoint).  The signer writes down what it is about to sign, on disk, before it lets the
signature go; it then refuses anything that does not continue from there.  Whoever restores an older
database, or rewrites history with every trigger off, is stopped here.

The key is an Ed25519 key, and an ML-DSA-44 key beside it that a quantum computer does not break;
both sign each checkpoint.  One made before there were such keys gets one when it is replaced.

Its folder holds ``key.pem`` (mode 0600; both keys, one PEM after the other), ``public.pem``,
``origin`` and ``signed.json``, and while the key is being replaced ``next.pem``.
"""

from __future__ import annotations

import base64
import json
import re
import struct
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)

from archive import durable, locks
from archive.proof import key_history, merkle, notes, sshsig
from archive.proof.entries import Entry
from archive.proof.errors import ProofError

KEY = "key.pem"
PUBLIC = "public.pem"
ORIGIN = "origin"
SIGNED = "signed.json"
_BEGIN = b"-----BEGIN"
NEXT = "next.pem"  # a new key, until a checkpoint that both have signed is kept

# A line of a tag manifest (RFC 8493 section 2.2.1).  No line of a note, a checkpoint, a cosignature
# or a proof of key possession begins with 64 hexadecimal digits and a space.
_MANIFEST_LINE = re.compile(rb"(?:[0-9a-f]{64}|[0-9a-f]{128}) [ *][^\r\n]+\n")


def _require_manifest(data: bytes) -> None:
    lines = data.splitlines(keepends=True)
    if not lines or any(not _MANIFEST_LINE.fullmatch(line) for line in lines):
        raise SignerRefusedError("Only tag manifests and checkpoints are signed.")


class SignerError(Exception):
    """The signer can't be used; the message says what to do."""


class SignerMissingError(SignerError):
    """There is no key in the signer's folder."""


class SignerRefusedError(SignerError):
    """What was to be signed contradicts what was signed before, or is not for this signer."""


class SignedBeyondError(SignerRefusedError):
    """A larger tree was signed already."""


@dataclass(frozen=True)
class Handover:
    """That the tree to be signed holds the entry by which the next key takes over.

    ``entry`` is that entry's bytes, ``seq`` its place, ``path`` its inclusion proof.
    """

    entry: bytes
    seq: int
    path: Sequence[bytes]


@dataclass(frozen=True)
class NextKey:
    """A key that is to take over, and its proof, in base64, that it is there.

    ``companion`` is the verifier key of the post-quantum key beside it.
    """

    vkey: str
    proof: str
    companion: str | None = None

    @property
    def vkeys(self) -> tuple[str, ...]:
        """The keys as ``key.rotated`` names them."""
        return (self.vkey,) if self.companion is None else (self.vkey, self.companion)


@dataclass(frozen=True)
class _Pair:
    """The keys that sign a checkpoint together; the second was not always made."""

    key: Ed25519PrivateKey
    beside: MLDSA44PrivateKey | None

    @classmethod
    def new(cls) -> _Pair:
        return cls(Ed25519PrivateKey.generate(), MLDSA44PrivateKey.generate())

    @classmethod
    def read(cls, path: Path, what: str) -> _Pair:
        """Read both from one file, so that neither is ever there with another's fellow."""
        try:
            parts = path.read_bytes().split(_BEGIN)[1:]
            keys = [load_pem_private_key(_BEGIN + part, password=None) for part in parts]
            if not keys:
                raise ValueError("it holds no key")
        except FileNotFoundError:
            raise
        except (OSError, ValueError, UnsupportedAlgorithm) as error:
            raise SignerError(f"{what} in {path.parent} can't be read: {error}") from error
        own = [each for each in keys if isinstance(each, Ed25519PrivateKey)]
        beside = [each for each in keys if isinstance(each, MLDSA44PrivateKey)]
        if len(own) != 1 or len(beside) > 1 or len(keys) != len(own) + len(beside):
            raise SignerError(f"{what} in {path.parent} is not an Ed25519 key.")
        return cls(own[0], beside[0] if beside else None)

    @property
    def pem(self) -> bytes:
        both = (self.key, *((self.beside,) if self.beside is not None else ()))
        return b"".join(
            each.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()) for each in both
        )

    @property
    def public(self) -> bytes:
        return self.key.public_key().public_bytes_raw()

    def vkey(self, origin: str) -> str:
        return notes.vkey(origin, self.public)

    def companion(self, origin: str) -> str | None:
        if self.beside is None:
            return None
        public = self.beside.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
        return notes.vkey(origin, public, notes.ML_DSA_44)

    def lines(self, checkpoint: notes.Checkpoint) -> str:
        """Sign a checkpoint with both (C2SP tlog-checkpoint and tlog-cosignature)."""
        origin = checkpoint.origin
        signature = self.key.sign(checkpoint.text.encode())
        lines = notes.signature_line(origin, self.public, signature)
        if self.beside is None:
            return lines
        now = int(time.time())
        public = self.beside.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
        signature = self.beside.sign(notes.cosigned_message(origin, now, checkpoint))
        stated = struct.pack(">Q", now) + signature
        return lines + notes.signature_line(origin, public, stated, notes.ML_DSA_44)


@dataclass(frozen=True)
class Signed:
    """The last tree that was signed."""

    size: int
    root: bytes


def last_signed(folder: Path) -> Signed | None:
    """Return what the signer in ``folder`` signed last, without its key; None if nothing yet."""
    try:
        state = json.loads((folder / SIGNED).read_bytes())
        return Signed(size=int(state["size"]), root=bytes.fromhex(state["root"]))
    except FileNotFoundError:
        return None
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise SignerError(
            f"{folder / SIGNED} can't be read ({error}). Put back its copy; a signer that has "
            "forgotten what it signed must not sign."
        ) from error


def prepare_next(folder: Path, *, origin: str, old: str) -> NextKey:
    """A key that is to take over from ``old`` is in ``folder``; the same one when asked again.

    Needs no current key: that one may be lost.
    """
    with locks.alone(folder):
        pair = _next_pair(folder)
        if pair is None or pair.vkey(origin) == old:  # that one took over a moment ago
            pair = _Pair.new()
            durable.write(folder / NEXT, pair.pem)
    vkey = pair.vkey(origin)
    proof = pair.key.sign(key_history.possession_text(origin, old, vkey))
    return NextKey(
        vkey=vkey, proof=base64.b64encode(proof).decode("ascii"), companion=pair.companion(origin)
    )


def replace_lost(folder: Path) -> None:
    """The next key is the key, without the old one's consent.  Doing it again changes nothing.

    For a key that is lost or stolen, once the log says so.
    """
    with locks.alone(folder):
        pair = _next_pair(folder)
        if pair is not None:
            _replace(folder, pair)


def _next_pair(folder: Path) -> _Pair | None:
    try:
        return _Pair.read(folder / NEXT, "The next key")
    except FileNotFoundError:
        return None


def _replace(folder: Path, pair: _Pair) -> None:
    durable.write(folder / PUBLIC, _public_pem(pair))
    durable.write(folder / KEY, pair.pem)
    (folder / NEXT).unlink()


def _public_pem(pair: _Pair) -> bytes:
    public = pair.key.public_key()
    return public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


class Signer:
    """The key in one folder.  Safe to use from many processes at once."""

    def __init__(self, folder: Path) -> None:
        """Read the key.  Raises SignerMissingError when there is none."""
        self._folder = folder
        self._looks: tuple[int, int] | None = None
        self._load()

    def _load(self) -> None:
        """Read the key, unless it is the one that was read before."""
        folder = self._folder
        try:
            status = (folder / KEY).stat()
            looks = (status.st_ino, status.st_mtime_ns)
            if looks == self._looks:
                return
            pair = _Pair.read(folder / KEY, "The signing key")
            self.origin = (folder / ORIGIN).read_text(encoding="ascii").strip()
        except FileNotFoundError as error:
            raise SignerMissingError(
                f"There is no signing key in {folder}. Put the key back from its copy, or run "
                "`manage.py open_archive` for a new archive."
            ) from error
        except (OSError, ValueError) as error:
            raise SignerError(f"The signing key in {folder} can't be read: {error}") from error
        self._looks = looks
        self._pair = pair
        self._key = pair.key
        self.public = pair.public
        self.vkey = pair.vkey(self.origin)
        self.companion = pair.companion(self.origin)

    @classmethod
    def create(cls, folder: Path, *, origin: str) -> Signer:
        """A new key for ``origin`` is in ``folder``, or the one that a crash left half made.

        Never replaces a key, and never makes one where something was signed before.
        """
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        with locks.alone(folder):
            if not (folder / KEY).exists():
                if (folder / SIGNED).exists():
                    raise SignerMissingError(
                        f"{folder} says what was signed, but its key is gone. Put the key back."
                    )
                pair = _Pair.new()
                durable.write(folder / ORIGIN, origin.encode("ascii"))
                durable.write(folder / PUBLIC, _public_pem(pair))
                durable.write(folder / KEY, pair.pem)
        return cls(folder)

    @property
    def vkeys(self) -> tuple[str, ...]:
        """The keys that sign, as ``log.created`` names them."""
        return (self.vkey,) if self.companion is None else (self.vkey, self.companion)

    def last(self) -> Signed | None:
        """Return what was signed last."""
        return last_signed(self._folder)

    def sign(self, text: str, proof: Sequence[bytes], handover: Handover | None = None) -> str:
        """Return the signature lines for a checkpoint's text; with ``handover`` the next key's too.

        ``proof`` shows that the tree signed last is the beginning of this one; it is empty for the
        first and for a tree of the same size.  By the time the line is returned, this tree is on
        disk as the last one signed.  Raises SignerRefusedError.
        """
        try:
            checkpoint = notes.Checkpoint.parse(text)
        except ProofError as error:
            raise SignerRefusedError(f"This is not a checkpoint: {error}") from error
        if checkpoint.origin != self.origin:
            raise SignerRefusedError(
                f"This signer signs for {self.origin}, not for {checkpoint.origin}."
            )
        with locks.alone(self._folder):
            self._load()  # another process may have finished a rotation
            self._require_continuation(checkpoint, proof)
            following = None if handover is None else self._following(checkpoint, handover)
            state = {"size": checkpoint.size, "root": checkpoint.root.hex()}
            durable.write(self._folder / SIGNED, json.dumps(state).encode())
            lines = self._pair.lines(checkpoint)
        return lines if following is None else lines + following.lines(checkpoint)

    def _following(self, checkpoint: notes.Checkpoint, handover: Handover) -> _Pair:
        """Return the next key, if the tree holds the entry that hands over to it."""
        following = _next_pair(self._folder)
        if following is None:
            raise SignerRefusedError("No key is waiting to take over.")
        try:
            written = Entry.decode(handover.entry)
            leaf = merkle.leaf_hash(handover.entry)
            merkle.verify_inclusion(
                handover.seq, checkpoint.size, leaf, list(handover.path), checkpoint.root
            )
            history = key_history.read(self.origin, [(written.seq, written.kind, written.data)])
        except ProofError as error:
            raise SignerRefusedError(f"The tree does not hold the handover: {error}.") from error
        new = following.vkey(self.origin)
        if (
            written.log != self.origin
            or [turn[1:3] for turn in history.turns] != [(self.vkey, new)]
            or history.companions.get(new) != following.companion(self.origin)
        ):
            raise SignerRefusedError("The entry hands over between other keys.")
        return following

    def next_vkey(self) -> str | None:
        """Return the verifier key that waits to take over; None if there is none."""
        following = _next_pair(self._folder)
        vkey = None if following is None else following.vkey(self.origin)
        return None if vkey == self.vkey else vkey

    def take_over(self, note: str) -> None:
        """The next key is the key, now that ``note``, a checkpoint that both signed, is kept.

        The old key is gone then.  Doing it again changes nothing.  Raises SignerRefusedError.
        """
        with locks.alone(self._folder):
            self._load()
            following = _next_pair(self._folder)
            if following is None:
                return
            for vkey in (self.vkey, following.vkey(self.origin)):
                try:
                    notes.verify_note(note, [vkey])
                except ProofError as error:
                    raise SignerRefusedError(f"{vkey} has not signed this: {error}.") from error
            _replace(self._folder, following)
            self._load()

    def _require_continuation(self, new: notes.Checkpoint, proof: Sequence[bytes]) -> None:
        last = self.last()
        if last is None:
            return
        if new.size < last.size:
            raise SignedBeyondError(
                f"A tree of {last.size} entries was signed; one of {new.size} would go back."
            )
        try:
            merkle.verify_consistency(last.size, new.size, last.root, new.root, proof)
        except ProofError as error:
            raise SignerRefusedError(
                f"The tree of {new.size} entries does not continue the signed tree of "
                f"{last.size}: {error}."
            ) from error

    def sign_bytes(self, data: bytes) -> bytes:
        """Return the raw Ed25519 signature of a tag manifest, as ``openssl pkeyutl`` checks it.

        Refuses whatever is not a tag manifest line by line: nothing signed here can be shown as a
        checkpoint, and so pass by the state that ``sign`` keeps.
        """
        _require_manifest(data)
        return self._key.sign(data)

    def sign_for_ssh(self, data: bytes) -> bytes:
        """Return the raw signature of a tag manifest that goes into an OpenSSH signature of it.

        What is signed begins with OpenSSH's own mark: it can be shown as nothing else.
        """
        _require_manifest(data)
        return self._key.sign(sshsig.to_be_signed(data))
