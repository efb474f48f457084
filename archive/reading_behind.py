"""Measures a long file while it is being written: what came to be in it, not what was meant to.

A thread reads the file itself, a little behind the writer, so that the disk's time and the
processor's are spent together.  What it measured goes to the verifier, which then need not read the
same bytes again.
"""

from __future__ import annotations

import hashlib
import threading
from collections import deque
from collections.abc import Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from io import FileIO
from pathlib import Path
from types import TracebackType
from typing import NamedTuple, Self

from archive.proof.digests import AHEAD, Measuring

CHUNK = 1024 * 1024  # bytes read at a time


class Stretch(NamedTuple):
    """A stretch of the file, in its order; one with a name is measured by itself."""

    size: int
    name: str = ""
    crc32: int = 0  # that it must have


class Read(NamedTuple):
    """What the whole file has, and by name what its stretches have: (SHA-256, SHA-512)."""

    sha256: str
    stretches: dict[str, tuple[str, str]]


class ReadingBehind:
    """Use as a context manager around the writing; say with ``wrote`` how far the file is.

    Leaving it early ends the thread; ``done`` waits for it to come to the end.
    """

    def __init__(self, path: Path, stretches: Iterable[Stretch]) -> None:
        self._path, self._stretches = path, stretches
        self._reached = 0  # bytes that can be read
        self._given_up = False
        self._told = threading.Condition()
        self._whole = hashlib.sha256()
        self._found: dict[str, tuple[str, str]] = {}
        self._fault: BaseException | None = None
        self._thread = threading.Thread(target=self._run, name="reading-behind", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        with self._told:
            self._given_up = True
            self._told.notify()
        self._thread.join()

    def wrote(self, done: int) -> None:
        """Say that the file's first ``done`` bytes are there to be read."""
        with self._told:
            self._reached = done
            self._told.notify()

    def done(self) -> Read:
        """Wait until all was read, and return what was found.  Raises what reading raised."""
        self._thread.join()
        if self._fault is not None:
            raise self._fault
        return Read(self._whole.hexdigest(), self._found)

    def _run(self) -> None:
        try:
            with FileIO(self._path, "rb") as file:
                self._read(file)
        except (OSError, _GivenUpError) as error:
            self._fault = error

    def _read(self, file: FileIO) -> None:
        with ThreadPoolExecutor(max_workers=1, thread_name_prefix="whole") as beside:
            self._measure(file, beside)

    def _measure(self, file: FileIO, beside: ThreadPoolExecutor) -> None:
        buffers = [memoryview(bytearray(CHUNK)) for _ in range(AHEAD + 1)]
        hashing: deque[Future[None]] = deque()
        at = turn = 0
        for size, name, crc32 in self._stretches:
            measuring = Measuring() if name else None
            left = size
            try:
                while left:
                    length = min(CHUNK, left)
                    self._wait_for(at + length)
                    piece = buffers[turn][:length]
                    count = file.readinto(piece)
                    if not count:
                        raise OSError(f"{self._path} ends at {at}, and more was written")
                    if measuring is not None:
                        measuring.update(piece[:count], lasting=True)
                    hashing.append(beside.submit(self._whole.update, piece[:count]))
                    if len(hashing) > AHEAD:
                        hashing.popleft().result()
                    at += count
                    left -= count
                    turn = (turn + 1) % len(buffers)
            finally:
                measured = measuring.done() if measuring is not None else None
            if measured is not None and measured.crc32 == crc32:
                # With another one it is left to the verifier, which says what is wrong.
                self._found[name] = measured.sha256.hex(), measured.sha512.hex()

    def _wait_for(self, end: int) -> None:
        with self._told:
            self._told.wait_for(lambda: self._given_up or self._reached >= end)
            if self._reached < end:
                raise _GivenUpError


class _GivenUpError(Exception):
    """The writer broke off."""
