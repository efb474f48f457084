"""Signed notes, checkpoints and proofs in the formats of C2SP (c2sp.org).

signed-note: a text, a blank line, one line for each signature.  tlog-checkpoint: the text is the
log's origin, its size and its root.  tlog-cosignature: a witness signs text and time; so does a
log with its post-quantum key.  tlog-proof:
an entry's number and path, with the checkpoint that they lead to.

A key is trusted only because the reader named it.  Signatures by unknown keys are ignored; a known
key with a wrong signature spoils the whole note.
"""

from __future__ import annotations

import binascii
import hashlib
import re
import struct
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Optional

from archive.proof import ed25519, ml_dsa
from archive.proof.entries import is_origin
from archive.proof.errors import BrokenError, MalformedError
from archive.proof.merkle import HASH_LENGTH

ED25519 = 0x01  # signature types of C2SP signed-note
COSIGNATURE = 0x04
ML_DSA_44 = 0x06

LONGEST_NOTE = 256 * 1024  # bytes; sixteen post-quantum signatures fit several times
MOST_SIGNATURES = 64
_LONG_LINE = 1000  # characters; one with an Ed25519 signature and the longest name is shorter
LONGEST_PATH = 63  # hashes; a proof in a tree of 2^63 leaves
DASH = "\N{EM DASH}"
PROOF_HEADER = "c2sp.org/tlog-proof@v1"

_DER_PREFIX = bytes.fromhex("302a300506032b6570032100")  # SubjectPublicKeyInfo, RFC 8410
_PEM_BEGIN = "-----BEGIN PUBLIC KEY-----"
_PEM_END = "-----END PUBLIC KEY-----"
_NUMBER = re.compile(r"0|[1-9][0-9]{0,18}", re.ASCII)
_NAME = re.compile(r"[^\s+]+")


@dataclass(frozen=True)
class Key:
    """A verifier key: whose it is, of which type, and its public part."""

    name: str
    type: int
    public: bytes

    @property
    def id(self) -> bytes:
        """The four bytes that name the key in a signature line."""
        stated = self.name.encode() + b"\n" + bytes([self.type]) + self.public
        return hashlib.sha256(stated).digest()[:4]

    @property
    def vkey(self) -> str:
        """The key as one line of text."""
        material = _base64(bytes([self.type]) + self.public)
        return f"{self.name}+{self.id.hex()}+{material}"

    @property
    def fingerprint(self) -> str:
        """SHA-256 of the DER form: what two people compare over another channel."""
        return fingerprint(self.public)


@lru_cache(maxsize=1024)
def parse_vkey(text: str) -> Key:
    """Read a verifier key.  Ed25519 keys with which anybody could sign are refused."""
    parts = text.strip().split("+", 2)
    if len(parts) != 3 or not _NAME.fullmatch(parts[0]):
        raise MalformedError("not a verifier key: name+id+key is its form")
    material = _from_base64(parts[2])
    if not material:
        raise MalformedError("a verifier key without a key")
    key = Key(name=parts[0], type=material[0], public=material[1:])
    if key.id.hex() != parts[1]:
        raise MalformedError("the verifier key's id does not belong to its key")
    if key.type in (ED25519, COSIGNATURE) and not ed25519.is_key(key.public):
        raise MalformedError("not a sound Ed25519 key")
    if key.type == ML_DSA_44 and len(key.public) != ml_dsa.KEY_LENGTH:
        raise MalformedError("not an ML-DSA-44 key")
    return key


def vkey(name: str, public: bytes, type: int = ED25519) -> str:  # noqa: A002 - C2SP's word
    """Write a verifier key."""
    return Key(name=name, type=type, public=public).vkey


def ed25519_der(public: bytes) -> bytes:
    """Wrap a raw Ed25519 key as SubjectPublicKeyInfo (RFC 8410), as OpenSSL reads it."""
    return _DER_PREFIX + public


def fingerprint(public: bytes) -> str:
    """Give the SHA-256 of the DER form: what two people compare over another channel."""
    return hashlib.sha256(ed25519_der(public)).hexdigest()


def ed25519_pem(public: bytes) -> str:
    """Write a raw Ed25519 key in PEM (RFC 7468), as OpenSSL reads it."""
    return f"{_PEM_BEGIN}\n{_base64(ed25519_der(public))}\n{_PEM_END}\n"


def parse_ed25519_pem(text: str) -> bytes:
    """Read the raw key from PEM.  Raises MalformedError unless it is a sound Ed25519 key."""
    lines = text.split()
    joined = "".join(lines)
    begin, end = _PEM_BEGIN.replace(" ", ""), _PEM_END.replace(" ", "")
    if not (joined.startswith(begin) and joined.endswith(end)):
        raise MalformedError("not a public key in PEM")
    der = _from_base64(joined[len(begin) : -len(end)])
    if not der.startswith(_DER_PREFIX) or not ed25519.is_key(der[len(_DER_PREFIX) :]):
        raise MalformedError("not a sound Ed25519 key")
    return der[len(_DER_PREFIX) :]


@dataclass(frozen=True)
class Checkpoint:
    """A log's state: ``size`` entries under ``root``."""

    origin: str
    size: int
    root: bytes

    @property
    def text(self) -> str:
        """The text that is signed."""
        return checkpoint_text(self.origin, self.size, self.root)

    @classmethod
    def parse(cls, text: str) -> Checkpoint:
        """Read a checkpoint's text, or that of a whole note before its signatures."""
        lines = text.split("\n")
        if len(lines) < 4 or lines[-1] or not all(lines[:-1]):
            raise MalformedError("not a checkpoint: origin, size and root, a line each")
        if not is_origin(lines[0]):
            raise MalformedError("the checkpoint's first line is not an origin")
        root = _from_base64(lines[2])
        if len(root) != HASH_LENGTH:
            raise MalformedError("the checkpoint's root is not a SHA-256 digest")
        return cls(origin=lines[0], size=_number(lines[1]), root=root)


def checkpoint_text(origin: str, size: int, root: bytes) -> str:
    """Write the text of a checkpoint, to be signed."""
    if not is_origin(origin) or size < 0 or len(root) != HASH_LENGTH:
        raise TypeError("not an origin, a size and a root")
    return f"{origin}\n{size}\n{_base64(root)}\n"


@dataclass(frozen=True)
class SignatureLine:
    """One signature under a note, whoever made it."""

    name: str
    key_id: bytes
    signature: bytes


def signature_line(
    name: str,
    public: bytes,
    signature: bytes,
    type: int = ED25519,  # noqa: A002 - C2SP's word
) -> str:
    """Write a signature line, with its newline."""
    key = Key(name=name, type=type, public=public)
    return f"{DASH} {name} {_base64(key.id + signature)}\n"


def split_note(note: str) -> tuple[str, list[SignatureLine]]:
    """Part a note into its text and its signatures, none of them checked."""
    if len(note) > LONGEST_NOTE:
        raise MalformedError("a note that is too long")
    if any(letter < " " and letter != "\n" for letter in note):
        raise MalformedError("a note with control characters")
    at = note.rfind("\n\n")
    if at < 0 or not note.endswith("\n"):
        raise MalformedError("a note is a text, a blank line and signature lines")
    lines = note[at + 2 : -1].split("\n")
    if len(lines) > MOST_SIGNATURES:
        raise MalformedError("a note with too many signatures")
    return note[: at + 1], [_signature(line) for line in lines]


def signed_by_log(note: str) -> str:
    """Give a checkpoint with the log's own signatures alone: what a time-stamp is over.

    Those are the lines whose name is the origin, in their order.  Witnesses may cosign later.
    """
    text, _ = split_note(note)
    own = f"{DASH} {text.partition(chr(10))[0]} "
    lines = note[len(text) + 1 :].splitlines(keepends=True)
    return text + "\n" + "".join(line for line in lines if line.startswith(own))


def brief(note: str) -> str:
    """Give a note without its long lines: those with post-quantum signatures.

    A proof of one entry carries it: a thousand proofs need not repeat 3.3 kB each.
    """
    text, _ = split_note(note)
    lines = note[len(text) + 1 :].splitlines(keepends=True)
    return text + "\n" + "".join(line for line in lines if len(line) < _LONG_LINE)


def cosigned_message(name: str, time: int, checkpoint: Checkpoint) -> bytes:
    """Give what an ML-DSA-44 cosignature is over (C2SP tlog-cosignature), ``time`` in seconds."""
    who, of = name.encode(), checkpoint.origin.encode()
    return b"".join(
        (
            b"subtree/v1\n\0",
            bytes([len(who)]),
            who,
            struct.pack(">Q", time),
            bytes([len(of)]),
            of,
            struct.pack(">QQ", 0, checkpoint.size),
            checkpoint.root,
        )
    )


def _signature(line: str) -> SignatureLine:
    parts = line.split(" ")
    if len(parts) != 3 or parts[0] != DASH or not _NAME.fullmatch(parts[1]):
        raise MalformedError("not a signature line")
    stated = _from_base64(parts[2])
    if len(stated) < 5:
        raise MalformedError("a signature line without a signature")
    return SignatureLine(name=parts[1], key_id=stated[:4], signature=stated[4:])


@dataclass(frozen=True)
class VerifiedNote:
    """A note's text and the keys, out of those the reader named, that signed it.

    ``times`` holds for each witness its newest time, in seconds since 1970; ``unchecked``
    the keys whose kind of signature cannot be checked here.
    """

    text: str
    signed_by: tuple[Key, ...] = ()
    times: Mapping[str, int] = field(default_factory=dict)
    unchecked: tuple[Key, ...] = ()


def verify_note(note: str, vkeys: Iterable[str]) -> VerifiedNote:
    """Check every signature that a named key made.

    Raises BrokenError if one is wrong, and if there is none.
    """
    text, lines = split_note(note)
    keys = [parse_vkey(each) for each in vkeys]
    known = {(key.name, key.id): key for key in keys}
    signed_by: list[Key] = []
    unchecked: list[Key] = []
    times: dict[str, int] = {}
    for line in lines:
        key = known.get((line.name, line.key_id))
        if key is None:
            continue
        if key.type not in _CHECKED and not (key.type == ML_DSA_44 and ml_dsa.is_available()):
            unchecked.append(key)
            continue
        time = _check_signature(key, text, line.signature)
        if time is not None:
            times[key.vkey] = max(time, times.get(key.vkey, 0))
        if key not in signed_by:
            signed_by.append(key)
    if not signed_by:
        raise BrokenError("no signature by a known key")
    return VerifiedNote(
        text=text, signed_by=tuple(signed_by), times=times, unchecked=tuple(unchecked)
    )


_CHECKED = (ED25519, COSIGNATURE)


def _check_signature(key: Key, text: str, signature: bytes) -> Optional[int]:
    """Check one signature; give the time of a cosignature.  Raises BrokenError."""
    if key.type == ED25519:
        time, message, verify = None, text.encode(), ed25519.verify
    elif len(signature) < 8:
        raise BrokenError(f"a wrong signature by {key.name}")
    else:
        (time,) = struct.unpack(">Q", signature[:8])
        signature = signature[8:]
        if key.type == COSIGNATURE:
            message = f"cosignature/v1\ntime {time}\n{text}".encode()
            verify = ed25519.verify
        else:
            message = cosigned_message(key.name, time, Checkpoint.parse(text))
            verify = ml_dsa.verify
    if not verify(key.public, signature, message):
        raise BrokenError(f"a wrong signature by {key.name}")
    return time


@dataclass(frozen=True)
class InclusionProof:
    """That an entry stands in the log: its number, its path, and the checkpoint's note."""

    index: int
    path: tuple[bytes, ...]
    checkpoint: str


def proof_text(
    index: int,
    path: Sequence[bytes],
    checkpoint: str,
    written: Optional[dict[bytes, str]] = None,
) -> str:
    """Write a tlog-proof; ``checkpoint`` is the whole signed note.

    Give the proofs of one tree the same ``written``, a dictionary that is empty at first, and the
    hashes that they have in common are written out once.
    """
    lines = [PROOF_HEADER, f"index {index}"]
    written = {} if written is None else written
    for each in path:
        line = written.get(each)
        if line is None:
            line = written[each] = _base64(each)
        lines.append(line)
    return "\n".join(lines) + "\n\n" + checkpoint


def parse_proof(text: str) -> InclusionProof:
    """Read a tlog-proof.  Its extra data, if any, is proven by nothing and is left aside."""
    if len(text) > LONGEST_NOTE:
        raise MalformedError("a proof that is too long")
    head, blank, checkpoint = text.partition("\n\n")
    header, *lines = head.split("\n")
    if not blank or header != PROOF_HEADER or not lines:
        raise MalformedError("not a tlog-proof of version 1")
    named, *lines = lines
    if named[:6] == "extra ":
        _from_base64(named[6:])
        named, *lines = lines or [""]
    if named[:6] != "index ":
        raise MalformedError("a tlog-proof without an index")
    return InclusionProof(_number(named[6:]), _hashes(lines), checkpoint)


@dataclass(frozen=True)
class ConsistencyProof:
    """That an older state is the beginning of the checkpoint's: body of a C2SP add-checkpoint."""

    old: int
    path: tuple[bytes, ...]
    checkpoint: str


def consistency_text(old: int, path: Sequence[bytes], checkpoint: str) -> str:
    """Write a consistency proof; ``checkpoint`` is the whole signed note."""
    lines = [f"old {old}", *(_base64(each) for each in path)]
    return "\n".join(lines) + "\n\n" + checkpoint


def parse_consistency(text: str) -> ConsistencyProof:
    """Read a consistency proof."""
    if len(text) > LONGEST_NOTE:
        raise MalformedError("a proof that is too long")
    head, blank, checkpoint = text.partition("\n\n")
    lines = head.split("\n")
    if not blank or not lines[0].startswith("old "):
        raise MalformedError("not a consistency proof")
    old = _number(lines.pop(0)[len("old ") :])
    return ConsistencyProof(old=old, path=_hashes(lines), checkpoint=checkpoint)


def _hashes(lines: Sequence[str]) -> tuple[bytes, ...]:
    if len(lines) > LONGEST_PATH:
        raise MalformedError("a proof with too many hashes")
    return tuple([parse_hash(line) for line in lines])


def parse_hash(line: str) -> bytes:
    """Read one hash of a proof."""
    found = _from_base64(line)
    if len(found) != HASH_LENGTH:
        raise MalformedError("a hash of the wrong length in a proof")
    return found


def _number(text: str) -> int:
    if not _NUMBER.fullmatch(text):
        raise MalformedError("not a number without leading zeros")
    return int(text)


def _base64(data: bytes) -> str:
    return binascii.b2a_base64(data, newline=False).decode("ascii")


def _from_base64(text: str) -> bytes:
    """Read base64 in its one spelling: padded, no spare bits, no line breaks."""
    try:
        data = binascii.a2b_base64(text)
    except ValueError as error:  # binascii.Error is one, and so is text beyond ASCII
        raise MalformedError("not base64") from error
    if _base64(data) != text:
        raise MalformedError("not base64 in its one spelling")
    return data
