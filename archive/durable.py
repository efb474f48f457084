"""Files that are on disk whole, or as they were before.

What a signer or a witness promises rests on its state, which MUST be on disk before a signature
leaves.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO


def write(path: Path, content: bytes) -> None:
    """``path`` holds ``content`` on disk, whole or as before, readable by its owner only."""
    temporary = path.with_name(f".{path.name}.new")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(path)
    _sync(path.parent)


def hand_out(source: IO[bytes], path: Path) -> None:
    """``path`` holds all of ``source`` on disk, or there is no ``path``; nothing is overwritten.

    Raises FileExistsError when the name is taken, OSError when the bytes can't be made safe.
    """
    with _copied_beside(source, path, mode=0o600) as copy:
        os.link(copy, path)
    _sync(path.parent)


def put_in_place(source: IO[bytes], path: Path) -> None:
    """``path`` holds all of ``source`` on disk, whole or as before, readable by group."""
    with _copied_beside(source, path, mode=0o440) as copy:
        copy.replace(path)
    _sync(path.parent)


@contextmanager
def _copied_beside(source: IO[bytes], path: Path, *, mode: int) -> Iterator[Path]:
    """Give a copy that is on disk under a name of its own, which is gone afterwards."""
    copy = path.with_name(f".{path.name}.{os.getpid()}.new")
    try:
        with copy.open("xb") as file:
            shutil.copyfileobj(source, file)
            file.flush()
            os.fchmod(file.fileno(), mode)
            os.fsync(file.fileno())
        yield copy
    finally:
        copy.unlink(missing_ok=True)


def sync(path: Path) -> None:
    """A file that somebody else wrote is on disk, with its name and its folder's."""
    for each in (path, path.parent, path.parent.parent):
        _sync(each)


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
