"""Digests: named values that cannot be half right, and one pass over a stream that makes them all.

SHA-256 (FIPS 180-4) addresses the originals; SHA-512 stands beside it in every manifest; CRC-32
(ISO 3309, as in ZIP) lets an export state exact lengths without reading the content again.
"""

from __future__ import annotations

import hashlib
import zlib
from collections import deque
from collections.abc import Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Optional, Union

from archive.proof.errors import MalformedError

LENGTHS = {"sha256": 32, "sha512": 64}  # bytes
THREADED_FROM = 256 * 1024  # bytes; a hand-over between threads costs more than it gains below
AHEAD = 4  # chunks that SHA-512 may lag behind; bounds the memory

Chunk = Union[bytes, bytearray, memoryview]


@dataclass(frozen=True)
class Digest:
    """A digest with its algorithm, written ``sha256:9f86d0…``."""

    algorithm: str
    value: bytes

    def __post_init__(self) -> None:
        if LENGTHS.get(self.algorithm) != len(self.value):
            raise MalformedError(f"not a digest: {self.algorithm} of {len(self.value)} bytes")

    @classmethod
    def parse(cls, text: str) -> Digest:
        """Read ``algorithm:lower-case-hex``."""
        algorithm, _, digits = text.partition(":")
        return cls(algorithm, from_hex(digits))

    def __str__(self) -> str:
        return f"{self.algorithm}:{self.value.hex()}"


def from_hex(digits: str) -> bytes:
    """Read lower-case hexadecimal without spaces, the only spelling we write."""
    try:
        value = bytes.fromhex(digits)
    except ValueError as error:
        raise MalformedError("not a hexadecimal number") from error
    if value.hex() != digits:
        raise MalformedError("not a lower-case hexadecimal number")
    return value


@dataclass(frozen=True)
class Measurement:
    """What one pass over some bytes found."""

    size: int  # bytes
    sha256: bytes
    sha512: bytes
    crc32: int


class Measuring:
    """A measurement under way.  ``update`` with each chunk, then ``done`` once.

    Big chunks are hashed on two threads (SHA-512 is the slower half).  Immutable ``bytes`` may be
    hashed after ``update`` returns; any other buffer has been read by then and may be reused,
    unless the caller says that it is ``lasting``: then only after ``AHEAD`` more updates.
    """

    def __init__(self) -> None:
        self._size = 0
        self._crc32 = 0
        self._sha256 = hashlib.sha256()
        self._sha512 = hashlib.sha512()
        self._thread: Optional[ThreadPoolExecutor] = None
        self._waiting: deque[Future[None]] = deque()

    def update(self, chunk: Chunk, *, lasting: bool = False) -> None:
        """Take the next bytes."""
        length = memoryview(chunk).nbytes
        if length < THREADED_FROM:
            self._catch_up(0)
            self._sha512.update(chunk)
        else:
            if self._thread is None:
                self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="sha512")
            self._waiting.append(self._thread.submit(self._sha512.update, chunk))
        self._sha256.update(chunk)
        self._crc32 = zlib.crc32(chunk, self._crc32)
        self._size += length
        self._catch_up(AHEAD if lasting or isinstance(chunk, bytes) else 0)

    def done(self) -> Measurement:
        """Tell what was measured, and give the thread back."""
        self._catch_up(0)
        if self._thread is not None:
            self._thread.shutdown()
            self._thread = None
        return Measurement(
            size=self._size,
            sha256=self._sha256.digest(),
            sha512=self._sha512.digest(),
            crc32=self._crc32,
        )

    def _catch_up(self, ahead: int) -> None:
        while len(self._waiting) > ahead:
            self._waiting.popleft().result()


def measure(chunks: Iterable[Chunk]) -> Measurement:
    """Measure a stream in one pass; how it is cut into chunks makes no difference."""
    measuring = Measuring()
    for chunk in chunks:
        measuring.update(chunk)
    return measuring.done()
