"""Where original bytes lie: what every place must promise, and the errors it may raise.

A backend keeps bytes under their SHA-256.  It has no way to delete an original and none to
overwrite an intact one.  ``archive.store`` chooses the backend; nothing else imports one.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from types import TracebackType
from typing import IO, Protocol, Self

from archive.proof.digests import Measurement, Measuring

CHUNK = 1024 * 1024  # bytes read, hashed and written at a time
AHEAD = 4  # chunks that the reported digests may lag behind; bounds the memory

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
class Sums:
    """What one pass over an original found.  MD5 and SHA-1 are reported, never compared."""

    measurement: Measurement
    md5: str
    sha1: str


@dataclass(frozen=True)
class Kept:
    """Proof that bytes are durable: their sums, and what lay there before."""

    measurement: Measurement
    md5: str
    sha1: str
    already_held: bool
    healed: bool = False


class Place(Protocol):
    """What a place for originals can do."""

    def put(
        self, chunks: Iterable[bytes], *, declared_size: int | None, progress: Progress | None
    ) -> Kept: ...

    def put_file(self, path: Path, *, progress: Progress | None) -> Kept: ...

    def open(self, sha256: str) -> IO[bytes]: ...

    def write_sidecar(self, sha256: str, item: str, payload: bytes) -> None: ...

    def held(self) -> Iterator[str]: ...

    def sweep_temporary(self, older_than: timedelta) -> int: ...


class Summing(AbstractContextManager["Summing"]):
    """All digests of one stream in one pass; the two reported ones on a thread of their own."""

    def __init__(self) -> None:
        self._measuring = Measuring()
        self._md5 = hashlib.md5(usedforsecurity=False)
        self._sha1 = hashlib.sha1(usedforsecurity=False)
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="reported-digests")
        self._waiting: list[Future[None]] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._thread.shutdown(cancel_futures=True)

    def update(self, chunk: bytes) -> None:
        """Take the next bytes."""
        self._waiting.append(self._thread.submit(self._report, chunk))
        self._measuring.update(chunk)
        while len(self._waiting) > AHEAD:
            self._waiting.pop(0).result()

    def done(self) -> Sums:
        """Tell what was found.  Call once, after the last chunk."""
        for waiting in self._waiting:
            waiting.result()
        return Sums(self._measuring.done(), self._md5.hexdigest(), self._sha1.hexdigest())

    def _report(self, chunk: bytes) -> None:
        self._md5.update(chunk)
        self._sha1.update(chunk)


def pieces(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """Cut a stream anew into pieces of CHUNK bytes, whatever sizes it came in."""
    waiting = bytearray()
    for chunk in chunks:
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
