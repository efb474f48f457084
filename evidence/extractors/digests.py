"""MD5, SHA-1 and BLAKE3 of a file, for look-up in collections that name files by them.

The first two can be forged.  All three are reported beside the digests that seal the file; nothing
compares them.
"""

from __future__ import annotations

import hashlib
from collections import deque
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from typing import Any, BinaryIO, Protocol

from blake3 import blake3

CHUNK = 1024 * 1024  # bytes
AHEAD = 4  # chunks that the slowest may lag behind; bounds the memory


class Hashing(Protocol):
    """A digest under way."""

    def update(self, content: bytes, /) -> object: ...

    def hexdigest(self) -> str: ...


KNOWN: dict[str, Callable[[], Hashing]] = {
    "blake3": blake3,
    "md5": lambda: hashlib.md5(usedforsecurity=False),
    "sha1": lambda: hashlib.sha1(usedforsecurity=False),
    "sha256": hashlib.sha256,
    "sha512": hashlib.sha512,
}
REPORTED = ("blake3", "md5", "sha1")


def read(
    stream: BinaryIO, _parameters: Mapping[str, Any], _output: BinaryIO | None = None
) -> dict[str, Any]:
    """Return the reported digests in hexadecimal."""
    return digests(stream, REPORTED)


def digests(stream: BinaryIO, names: tuple[str, ...]) -> dict[str, str]:
    """Return the named digests, in hexadecimal, of one pass over the stream.

    What fits in one chunk is hashed here; of more, each digest is worked out on a thread of its
    own, since the libraries let go of the interpreter meanwhile.
    """
    hashing = {name: KNOWN[name]() for name in names}
    chunk = stream.read(CHUNK)
    following = stream.read(CHUNK)
    if not following:
        for one in hashing.values():
            one.update(chunk)
        return _said(hashing)
    with ExitStack() as threads:
        several = [
            (one, threads.enter_context(ThreadPoolExecutor(max_workers=1)))
            for one in hashing.values()
        ]
        waiting: deque[list[Future[object]]] = deque()
        while chunk:
            waiting.append([thread.submit(one.update, chunk) for one, thread in several])
            if len(waiting) > AHEAD:
                _finish(waiting.popleft())
            chunk, following = following, stream.read(CHUNK)
        while waiting:
            _finish(waiting.popleft())
    return _said(hashing)


def _finish(updates: list[Future[object]]) -> None:
    for one in updates:
        one.result()


def _said(hashing: Mapping[str, Hashing]) -> dict[str, str]:
    return {name: one.hexdigest() for name, one in hashing.items()}
