"""Anchors: what the archive has signed, appended to files outside the database.

One line of JSON for each checkpoint, written and fsynced before anybody is shown the checkpoint.  A
database that can't show the newest anchored tree has lost entries, whatever else it says.
"""

from __future__ import annotations

import json
import os
from pathlib import Path

from archive import locks
from archive.proof import notes
from archive.proof.errors import ProofError

LONGEST_LINE = 16384  # bytes; a note with sixteen signatures, post-quantum ones too, in JSON


class AnchorError(Exception):
    """An anchor file can't be read, written or understood; the message names it."""


def append(path: Path, note: str) -> None:
    """``note`` is the file's last line, on disk.  A line that a crash cut short stays, alone."""
    line = json.dumps({"note": note}, ensure_ascii=False).encode() + b"\n"
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        is_new = not path.exists()
        with path.open("ab+") as file, locks.held(file):
            end = file.seek(0, os.SEEK_END)
            if end and os.pread(file.fileno(), 1, end - 1) != b"\n":
                line = b"\n" + line
            file.write(line)
            file.flush()
            os.fsync(file.fileno())
        if is_new:
            _sync_folder(path.parent)
    except OSError as error:
        raise AnchorError(f"The anchor file {path} can't be written: {error}") from error


def newest(path: Path) -> notes.Checkpoint | None:
    """Return the last whole line's checkpoint; None when nothing was anchored there yet."""
    try:
        with path.open("rb") as file:
            end = file.seek(0, os.SEEK_END)
            tail = os.pread(file.fileno(), LONGEST_LINE, max(0, end - LONGEST_LINE))
    except FileNotFoundError:
        return None
    except OSError as error:
        raise AnchorError(f"The anchor file {path} can't be read: {error}") from error
    for line in reversed(tail.split(b"\n")[:-1]):
        found = _read(line)
        if found is not None:
            return found[1]
    if end:
        raise AnchorError(f"The anchor file {path} holds no checkpoint that can be read.")
    return None


def every(path: Path) -> list[tuple[str, notes.Checkpoint]]:
    """Return each anchored note with its checkpoint, oldest first, without unreadable lines."""
    try:
        lines = path.read_bytes().split(b"\n")
    except FileNotFoundError:
        return []
    except OSError as error:
        raise AnchorError(f"The anchor file {path} can't be read: {error}") from error
    return [found for line in lines if (found := _read(line)) is not None]


def _read(line: bytes) -> tuple[str, notes.Checkpoint] | None:
    try:
        note = json.loads(line)["note"]
        return note, notes.Checkpoint.parse(notes.split_note(note)[0])
    except (ValueError, TypeError, KeyError, ProofError):
        return None


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
