"""Where original bytes lie: what every place must promise, and the errors it may raise.

A backend keeps bytes under their SHA-256.  It has no way to delete an original and none to
overwrite an intact one.  ``archive.store`` chooses the backend; nothing else imports one.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import IO, Protocol

from archive.proof.digests import Measurement

CHUNK = 1024 * 1024  # bytes read, hashed and written at a time

NAME = re.compile(r"[0-9a-f]{64}")
_SIDECAR = re.compile(
    r"([0-9a-f]{64})\.([0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12})\.json"
)

Progress = Callable[[int, int], None]


class StoreError(Exception):
    """The bytes can't be kept or read; the message says why, and nothing was acknowledged."""


class StoreFullError(StoreError):
    """There is no room.  What was half-written is gone again; reading goes on as before."""


class MissingError(StoreError):
    """No original lies under this digest."""


class DamagedError(StoreError):
    """What lies under this digest has another digest, or is no plain file."""


@dataclass(frozen=True)
class Kept:
    """Proof that bytes are durable: their digests, and what lay there before."""

    measurement: Measurement
    already_held: bool
    healed: bool = False


@dataclass(frozen=True)
class Lying:
    """One thing that lies in the store, by its name alone; no bytes were read."""

    path: str  # below the store's root, or the object's key
    sha256: str = ""  # the digest that an original's or a sidecar's name claims
    item: str = ""  # of a sidecar
    fault: str = ""  # why it is neither; else empty

    @property
    def is_original(self) -> bool:
        return bool(self.sha256) and not self.item and not self.fault


class Place(Protocol):
    """What a place for originals can do."""

    def put(
        self, chunks: Iterable[bytes], *, declared_size: int | None, progress: Progress | None
    ) -> Kept: ...

    def put_file(self, path: Path, *, progress: Progress | None) -> Kept: ...

    def open(self, sha256: str) -> IO[bytes]: ...

    def write_sidecar(self, sha256: str, item: str, payload: bytes) -> None: ...

    def has_sidecar(self, sha256: str, item: str) -> bool: ...

    def survey(self) -> Iterator[Lying]: ...

    def read_sidecar(self, sha256: str, item: str) -> bytes: ...

    def sweep_temporary(self, older_than: timedelta) -> int: ...


def named(path: str, shard: tuple[str, str], name: str) -> Lying:
    """Say what a name among the originals stands for, in the folders ``ab`` and ``cd``."""
    sidecar = _SIDECAR.fullmatch(name)
    sha256 = sidecar[1] if sidecar else name
    if not NAME.fullmatch(sha256):
        return Lying(path, fault="its name is neither an original's nor a sidecar's")
    if shard != (sha256[:2], sha256[2:4]):
        return Lying(path, fault="it lies in the wrong folder for its name")
    return Lying(path, sha256, sidecar[2] if sidecar else "")


def pieces(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """Cut a stream anew into pieces of CHUNK bytes, whatever sizes it came in."""
    waiting = bytearray()
    for chunk in chunks:
        if not waiting and len(chunk) == CHUNK and isinstance(chunk, bytes):
            yield chunk  # as it came: the usual case, and no copy
            continue
        view = memoryview(chunk)
        start = 0
        while start < len(view):
            taken = view[start : start + CHUNK - len(waiting)]
            start += len(taken)
            if not waiting and len(taken) == CHUNK:
                yield bytes(taken)
                continue
            waiting += taken
            if len(waiting) == CHUNK:
                yield bytes(waiting)
                waiting.clear()
    if waiting:
        yield bytes(waiting)


def sha256_of(file: IO[bytes]) -> str:
    """Hash an open file to its end."""
    digest = hashlib.sha256()
    for piece in read_pieces(file):
        digest.update(piece)
    return digest.hexdigest()


def read_pieces(file: IO[bytes]) -> Iterator[bytes]:
    """Read an open file to its end, CHUNK bytes at a time."""
    while chunk := file.read(CHUNK):
        yield chunk
