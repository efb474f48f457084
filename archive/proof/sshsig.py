"""OpenSSH signatures (PROTOCOL.sshsig, OpenSSH 8.2): what is signed, how it is written and read.

Whoever has `ssh-keygen`, which every desktop has, checks a bundle with it.  The bytes that are
signed begin with a mark of their own, so that no such signature stands for anything else.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import struct

from archive.proof.errors import MalformedError

MARK = b"SSHSIG"
KIND = b"ssh-ed25519"
NAMESPACE = b"file"  # what `ssh-keygen -Y verify` is told with -n
HASH = b"sha512"
PRINCIPAL = "archive"  # and with -I
BEGIN, END = "-----BEGIN SSH SIGNATURE-----", "-----END SSH SIGNATURE-----"
WIDE = 70  # characters of a line


def to_be_signed(message: bytes) -> bytes:
    """Return the bytes that the key signs for a message."""
    digest = hashlib.sha512(message).digest()
    return MARK + b"".join(map(_string, (NAMESPACE, b"", HASH, digest)))


def armored(public: bytes, signature: bytes) -> str:
    """Return a signature as a file that `ssh-keygen` reads."""
    blob = (
        MARK
        + struct.pack(">I", 1)
        + _string(_key(public))
        + b"".join(map(_string, (NAMESPACE, b"", HASH)))
        + _string(_string(KIND) + _string(signature))
    )
    text = base64.b64encode(blob).decode("ascii")
    lines = [text[at : at + WIDE] for at in range(0, len(text), WIDE)]
    return "\n".join([BEGIN, *lines, END, ""])


def opened(text: str) -> tuple[bytes, bytes]:
    """Return the raw key and the raw signature of such a file.  Raises MalformedError."""
    lines = text.strip().split("\n")
    if len(lines) < 3 or lines[0] != BEGIN or lines[-1] != END:
        raise MalformedError("not an SSH signature")
    try:
        blob = base64.b64decode("".join(lines[1:-1]), validate=True)
    except (binascii.Error, ValueError) as error:
        raise MalformedError("not in base64") from error
    if blob[:10] != MARK + struct.pack(">I", 1):
        raise MalformedError("not an SSH signature of version 1")
    key, rest = _read(blob[10:])
    namespace, rest = _read(rest)
    reserved, rest = _read(rest)
    method, rest = _read(rest)
    signed, rest = _read(rest)
    if (namespace, reserved, method, rest) != (NAMESPACE, b"", HASH, b""):
        raise MalformedError("not a signature of a file with SHA-512")
    return _opened_key(key), _pair(signed)


def allowed_signers(public: bytes) -> str:
    """Return the line that names the key to `ssh-keygen`."""
    key = base64.b64encode(_key(public)).decode("ascii")
    return f'{PRINCIPAL} namespaces="{NAMESPACE.decode()}" {KIND.decode()} {key}\n'


def allowed_key(text: str) -> bytes:
    """Return the one key that such a file names.  Raises MalformedError."""
    parts = text.strip().split(" ")
    if len(parts) != 4 or parts[0] != PRINCIPAL or parts[2] != KIND.decode():
        raise MalformedError("not one line with one Ed25519 key")
    try:
        return _opened_key(base64.b64decode(parts[3], validate=True))
    except (binascii.Error, ValueError) as error:
        raise MalformedError("not in base64") from error


def _string(content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + content


def _key(public: bytes) -> bytes:
    return _string(KIND) + _string(public)


def _read(data: bytes) -> tuple[bytes, bytes]:
    if len(data) < 4:
        raise MalformedError("cut short")
    (length,) = struct.unpack_from(">I", data)
    if len(data) < 4 + length:
        raise MalformedError("cut short")
    return data[4 : 4 + length], data[4 + length :]


def _pair(data: bytes) -> bytes:
    kind, rest = _read(data)
    content, rest = _read(rest)
    if kind != KIND or rest:
        raise MalformedError("not of Ed25519")
    return content


def _opened_key(data: bytes) -> bytes:
    public = _pair(data)
    if len(public) != 32:
        raise MalformedError("not a key of Ed25519")
    return public
