"""Files that are on disk whole, or as they were before.

What a signer or a witness promises rests on its state, which MUST be on disk before a signature
leaves.
"""

from __future__ import annotations

import os
import shutil
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
    temporary = path.with_name(f".{path.name}.{os.getpid()}.new")
    try:
        with temporary.open("xb") as file:
            shutil.copyfileobj(source, file)
            file.flush()
            os.fsync(file.fileno())
        os.link(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)
    _sync(path.parent)


def put_in_place(source: IO[bytes], path: Path) -> None:
    """``path`` holds all of ``source`` on disk, whole or as before, readable by group."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}.new")
    try:
        with temporary.open("xb") as file:
            shutil.copyfileobj(source, file)
            file.flush()
            os.fchmod(file.fileno(), 0o440)
            os.fsync(file.fileno())
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
    _sync(path.parent)


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
