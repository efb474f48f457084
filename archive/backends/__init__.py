"""Where original bytes lie: what every place must promise, and the errors it may raise.

A backend keeps bytes under their SHA-256.  It has no way to delete an original and none to
overwrite an intact one.  ``archive.store`` chooses the backend; nothing else imports one.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from io import FileIO
from pathlib import Path
from typing import IO, Protocol

from archive.proof.digests import Measurement

CHUNK = 1024 * 1024  # bytes read, hashed and written at a time
SMALL = 8 * CHUNK  # bytes up to which a file gains nothing from being hashed on two threads

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

    def put_all(self, batches: Iterable[Sequence[Path]]) -> Iterator[list[Kept | StoreError]]: ...

    def put_file(self, path: Path, *, progress: Progress | None) -> Kept: ...

    def open(self, sha256: str) -> IO[bytes]: ...

    def write_sidecars(
        self, several: Sequence[tuple[str, str, bytes]], *, durable: bool
    ) -> None: ...

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


def pieces_of(path: Path) -> Iterator[bytes]:
    """Read a file that is offered.  Raises StoreError when it can't be read."""
    with _offered(path) as file:
        yield from read_pieces(file)


def pieces_through(buffer: bytearray, path: Path) -> Iterator[bytes | memoryview]:
    """Read a file as ``pieces_of`` does; a small one's pieces lie in ``buffer``, one at a time."""
    with _offered(path) as file:
        if os.fstat(file.fileno()).st_size > SMALL:
            yield from read_pieces(file)
            return
        whole = memoryview(buffer)
        while length := file.readinto(buffer):
            yield whole[:length]


@contextmanager
def _offered(path: Path) -> Iterator[FileIO]:
    try:
        with path.open("rb", buffering=0) as file:
            yield file
    except OSError as error:
        raise StoreError(f"{path.name} can't be read: {error.strerror or error}.") from error


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
