"""A backup in a folder, and an archive from it on an empty machine.

The database first, then the bytes: whatever a row of the snapshot names was in the store by then.
All snapshots of a folder share its bytes, which are copied once.  Keys are never beside them: a
backup without them shows nobody a personal value, and signs nothing.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from django.conf import settings

from archive import checkpoints, custody, durable, snapshots
from archive.models.backup_run import BackupRun
from archive.models.checkpoint import Checkpoint
from evidence import moving
from evidence.moving import Moved

FORMAT = 1
MANIFEST = "manifest.json"


class BackupError(Exception):
    """Nothing was backed up, or nothing was restored; the message says why."""


@dataclass(frozen=True)
class Snapshot:
    """One snapshot of a backup: its folder, and what its manifest says."""

    folder: Path
    made_at: str
    origin: str
    size: int
    root: str
    database: str
    sha256: str


def back_up(to: Path, *, now: datetime) -> Snapshot:
    """Take a snapshot of the database into the backup ``to``; the bytes follow (``copy_bytes``)."""
    checkpoints.checkpoint()  # so that the snapshot can be held against a signature
    snapshots_folder = to / "snapshots"
    snapshots_folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    draft = snapshots_folder / f".{uuid.uuid4().hex}"
    draft.mkdir(mode=0o700)
    try:
        database = snapshots.take(draft)
        head = custody.head()
        newest = Checkpoint.objects.order_by("-size").first()
        with database.open("rb") as file:
            sha256 = hashlib.file_digest(file, "sha256").hexdigest()
        said = {
            "format": FORMAT,
            "made_at": now.isoformat(),
            "origin": head.origin,
            "size": newest.size if newest else 0,
            "root": head.root.hex() if newest and newest.size == head.size else "",
            "checkpoint": newest.note if newest else "",
            "database": database.name,
            "sha256": sha256,
        }
        durable.write(draft / MANIFEST, json.dumps(said, indent=1).encode() + b"\n")
        folder = snapshots_folder / now.strftime("%Y%m%dT%H%M%S.%fZ")
        draft.rename(folder)
        durable.sync(folder)
    finally:
        shutil.rmtree(draft, ignore_errors=True)
    return _read(folder)


def copy_bytes(to: Path, *, read_again: bool) -> Iterator[Moved]:
    """Copy what the backup lacks; also read back what it has, if asked."""
    return moving.move(moving.here(), moving.at(str(to)), read_again=read_again)


def record(snapshot: Snapshot, *, copied: int, faults: int, now: datetime) -> BackupRun:
    """Remember that a backup came to its end: the home page says how long ago that was."""
    return BackupRun.objects.create(
        made_at=now,
        snapshot=snapshot.folder.name,
        log_size=snapshot.size,
        copied=copied,
        faults=faults,
    )


def copy_keys(to: Path, *, backup: Path) -> None:
    """Copy the keys of the values, and the signer's folder, to another place than the bytes'.

    A copy of the signer is for reading old signatures and for an emergency; a key that signs in two
    places forks the ledger.  Raises BackupError where the keys would lie beside the bytes.
    """
    if to.resolve().is_relative_to(backup.resolve()) or backup.resolve().is_relative_to(
        to.resolve()
    ):
        raise BackupError("Keys beside the bytes protect nothing; name another place.")
    to.mkdir(parents=True, exist_ok=True, mode=0o700)
    for name, folder in (("keys", settings.KEYS_DIR), ("signer", settings.SIGNER_DIR)):
        for path in sorted(Path(folder).rglob("*")):
            if path.is_file():
                copy = to / name / path.relative_to(folder)
                copy.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
                durable.write(copy, path.read_bytes())


def choose(backup: Path, name: str = "") -> Snapshot:
    """Return the newest snapshot, or the one of that name.  Raises BackupError."""
    names = sorted(
        path.name
        for path in (backup / "snapshots").glob("*")
        if not path.name.startswith(".") and (not name or path.name == name)
    )
    if not names:
        raise BackupError(f"{backup} has no snapshot{f' {name}' if name else ''}.")
    return _read(backup / "snapshots" / names[-1])


def must_be_restorable(snapshot: Snapshot) -> None:
    """Refuse before anything is written.  Raises BackupError, SnapshotError."""
    with (snapshot.folder / snapshot.database).open("rb") as file:
        found = hashlib.file_digest(file, "sha256").hexdigest()
    if found != snapshot.sha256:
        raise BackupError(
            f"The snapshot {snapshot.folder.name} is damaged (sha256:{found}); take another."
        )
    if snapshot.origin != settings.LOG_ORIGIN:
        raise BackupError(
            f"This is a backup of {snapshot.origin}; MUNIMENT_ORIGIN is {settings.LOG_ORIGIN}."
        )
    if not any(Path(settings.KEYS_DIR).glob("*")):
        raise BackupError(
            f"There are no keys in {settings.KEYS_DIR}. Put their copy back first: without them "
            "no personal value of the backup can ever be read."
        )
    if not settings.SIGNER_SOCKET and not (Path(settings.SIGNER_DIR) / "key.pem").exists():
        raise BackupError(
            f"There is no signing key in {settings.SIGNER_DIR}. Put its copy back first, or have "
            "a new key take over afterwards (docs/operate/keys.md)."
        )
    snapshots.must_be_empty()


def restore_bytes(backup: Path) -> Iterator[Moved]:
    """Copy every original, sidecar, preview and bundle of the backup, comparing each."""
    return moving.move(moving.at(str(backup)), moving.here(), read_again=True)


def restore_database(snapshot: Snapshot) -> None:
    """Put the snapshot in place.  Last of all: a restore that was killed has no database."""
    snapshots.put_back(snapshot.folder / snapshot.database)


def _read(folder: Path) -> Snapshot:
    try:
        said: dict[str, Any] = json.loads((folder / MANIFEST).read_bytes())
        if said["format"] != FORMAT:
            raise BackupError(f"The snapshot {folder.name} is of format {said['format']!r}.")
        return Snapshot(
            folder=folder,
            **{
                name: said[name]
                for name in ("made_at", "origin", "size", "root", "database", "sha256")
            },
        )
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise BackupError(f"The snapshot {folder.name} can't be read: {error!r}.") from error
