"""Mirrors: the entries' exact bytes once more, in a file beside each anchor.

What an anchor promises can be put back from its mirror when an older copy of the database was
restored (archive.restoring).  One line for each entry, as in a bundle's ``entries.ndjson``: public
members and digests, no personal value.  Only what was signed is written, so a line never has to be
taken back.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from pathlib import Path

from archive import locks
from archive.anchors import AnchorError
from archive.proof.entries import LONGEST_ENTRY, Entry
from archive.proof.errors import ProofError

NAME = "entries.ndjson"


def beside(anchor: Path) -> Path:
    """Return the mirror that belongs to an anchor file."""
    return anchor.with_name(NAME)


def extend(path: Path, size: int, bodies: Callable[[int, int], Iterable[bytes]]) -> None:
    """The file holds the first ``size`` entries, on disk.

    ``bodies`` gives those from one place up to another; it is asked only for what the file lacks.
    Raises AnchorError.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
        with os.fdopen(descriptor, "ab+") as file, locks.held(file):
            held, is_cut = _held(file.fileno())
            if held >= size:
                return
            if is_cut:  # by a crash; the rest of the line stays, alone, and is no entry
                file.write(b"\n")
            for body in bodies(held, size):
                file.write(body + b"\n")
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        raise AnchorError(f"The mirror {path} can't be written: {error}") from error


def _held(descriptor: int) -> tuple[int, bool]:
    """Return how many entries the file holds, and whether its last line was cut short."""
    end = os.fstat(descriptor).st_size
    length = 2 * (LONGEST_ENTRY + 2)  # a whole line, and one that was cut short behind it
    tail = os.pread(descriptor, length, max(0, end - length))
    *lines, rest = tail.split(b"\n")
    for line in reversed(lines):
        entry = _read(line)
        if entry is not None:
            return entry.seq + 1, bool(rest)
    return 0, bool(rest)


def read(path: Path, *, start: int, end: int) -> dict[int, bytes]:
    """Return the entries of these places that the file holds, by place.  Raises AnchorError."""
    found: dict[int, bytes] = {}
    try:
        with path.open("rb") as file:
            for line in file:
                entry = _read(line.removesuffix(b"\n"))
                if entry is not None and start <= entry.seq < end:
                    found[entry.seq] = line.removesuffix(b"\n")
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise AnchorError(f"The mirror {path} can't be read: {error}") from error
    return found


def _read(line: bytes) -> Entry | None:
    try:
        return Entry.decode(line)
    except ProofError:
        return None
