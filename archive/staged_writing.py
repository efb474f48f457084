"""Writes a long file from a few buffers that are used again, past the page cache where it can.

What a file's bytes cost is not the disk but the page cache: taking a page and copying to it costs a
processor more than SHA-256 of the same bytes.  So bytes are read straight into page-aligned
buffers, hashed there, and handed to the disk from there (``O_DIRECT``).  Where the file system
refuses that, the same buffers are written as usual.  Neither way replaces the caller's fsync.
"""

from __future__ import annotations

import errno
import fcntl
import io
import mmap
import os
from concurrent.futures import Future, ThreadPoolExecutor
from types import TracebackType
from typing import BinaryIO, Self

BUFFER = 1024 * 1024  # bytes; a multiple of every disk's block
BUFFERS = 8  # more than digests.AHEAD, so that a buffer is hashed before its turn comes again
BLOCK = 4096  # bytes; what goes past the page cache comes in whole blocks

_DIRECT: int = getattr(os, "O_DIRECT", 0)


class StagedWriter:
    """Takes bytes in order; another thread writes them.  Leaving the context writes the rest.

    Pass an unbuffered file to have it written past the page cache; any other sink is written to.
    Errors of the disk come up here, at the latest when the context is left.
    """

    def __init__(self, sink: BinaryIO | io.RawIOBase) -> None:
        self._sink = sink
        self._is_direct = isinstance(sink, io.FileIO) and _set_direct(sink.fileno(), on=True)
        self._buffers = [memoryview(mmap.mmap(-1, BUFFER)) for _ in range(BUFFERS)]
        self._writes: list[Future[None] | None] = [None] * BUFFERS
        self._turn = self._filled = 0
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="staged-writing")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        try:
            if kind is None:
                self._hand_over()
                for write in self._writes:
                    if write is not None:
                        write.result()
        finally:
            self._thread.shutdown()
            if self._is_direct and isinstance(self._sink, io.FileIO):
                _set_direct(self._sink.fileno(), on=False)

    def room(self) -> memoryview:
        """Give what is free of the present buffer, never nothing; fill it, then ``advance``."""
        return self._buffers[self._turn][self._filled :]

    def advance(self, count: int) -> None:
        """Take the first ``count`` bytes of the room as the next bytes of the file."""
        self._filled += count
        if self._filled == BUFFER:
            self._hand_over()

    def write(self, content: bytes) -> None:
        """Take the next bytes of the file."""
        end = self._filled + len(content)
        if end < BUFFER:
            self._buffers[self._turn][self._filled : end] = content
            self._filled = end
            return
        rest = memoryview(content)
        while rest:
            room = self.room()
            count = min(len(room), len(rest))
            room[:count] = rest[:count]
            self.advance(count)
            rest = rest[count:]

    def _hand_over(self) -> None:
        """Have the present buffer written, and wait until the next one has been."""
        if not self._filled:
            return
        full = self._buffers[self._turn][: self._filled]
        self._writes[self._turn] = self._thread.submit(self._write_all, full)
        self._turn = (self._turn + 1) % BUFFERS
        self._filled = 0
        before = self._writes[self._turn]
        if before is not None:
            before.result()

    def _write_all(self, content: memoryview) -> None:
        while content:
            if self._is_direct and len(content) % BLOCK:
                self._go_plain()  # the file's end
            try:
                written = self._sink.write(content)
            except OSError as error:
                if not self._is_direct or error.errno != errno.EINVAL:
                    raise
                self._go_plain()  # this file system takes the flag and not the write
                continue
            content = content[written or 0 :]

    def _go_plain(self) -> None:
        self._is_direct = False
        if isinstance(self._sink, io.FileIO):
            _set_direct(self._sink.fileno(), on=False)


def _set_direct(descriptor: int, *, on: bool) -> bool:
    """Turn writing past the page cache on or off; return whether it is on."""
    if not _DIRECT:
        return False
    flags = fcntl.fcntl(descriptor, fcntl.F_GETFL)
    try:
        fcntl.fcntl(descriptor, fcntl.F_SETFL, flags | _DIRECT if on else flags & ~_DIRECT)
    except OSError:  # the file system knows no such way
        return False
    return on
