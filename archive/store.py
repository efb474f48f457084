"""The originals: written once under their SHA-256, read back, never changed.

``put`` returns when the bytes are durable, not before.  There is no delete and no overwrite.  Bytes
come before rows: a crash leaves bytes that no row names, never a row without bytes.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import IO, Any

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from archive.backends import (
    CHUNK,
    DamagedError,
    Kept,
    Lying,
    MissingError,
    Place,
    Progress,
    StoreError,
    StoreFullError,
    pieces_of,
    read_pieces,
)
from archive.backends.disk import Disk
from archive.backends.s3 import Bucket
from archive.models.stored_object import StoredObject
from archive.proof.digests import measure

__all__ = [
    "CHUNK",
    "DamagedError",
    "FixityResult",
    "Kept",
    "Lying",
    "MissingError",
    "Sidecar",
    "StoreError",
    "StoreFullError",
    "check",
    "discard_upload",
    "has_sidecar",
    "held",
    "open",
    "path",
    "pieces_of",
    "place",
    "place_at",
    "put",
    "put_all",
    "put_file",
    "read_sidecar",
    "record",
    "record_all",
    "survey",
    "sweep_temporary",
    "write_sidecars",
]


#: What is written beside an original: its SHA-256, the item, and what is said of it.
Sidecar = tuple[str, uuid.UUID | str, Mapping[str, Any]]


@dataclass(frozen=True)
class FixityResult:
    """What reading an original back found."""

    sha256: str
    outcome: str  # one of StoredObject.Fixity
    found: str | None  # the SHA-256 of what lies there; None when it can't be read
    size: int | None  # bytes read
    sha512: str | None = None  # of what lies there
    detail: str = ""
    again: bool = False  # the first reading failed, the second did not


def put(
    chunks: Iterable[bytes], *, declared_size: int | None = None, progress: Progress | None = None
) -> Kept:
    """Keep a stream of bytes; afterwards, also after a power cut, it lies under its SHA-256.

    Memory stays bounded whatever the stream's length.  Raises StoreFullError when there is no room,
    StoreError when the length is not ``declared_size`` or the bytes can't be made durable; then
    nothing of it stays.
    """
    return place().put(chunks, declared_size=declared_size, progress=progress)


def put_all(batches: Iterable[Sequence[Path]]) -> Iterator[list[Kept | StoreError]]:
    """Keep copies of many files, batch by batch; say of each, in order, what it came to.

    Each that is ``Kept`` is durable as after ``put``; one that can't be read or kept says why, and
    the others are kept all the same.  Batches are asked for before the ones ahead are yielded.
    """
    return place().put_all(batches)


def put_file(path: Path, *, progress: Progress | None = None) -> Kept:
    """Keep an assembled upload in ``STORE_DIR/uploads`` without copying it.

    Nobody may write to it any more.  Its name stays, so that a crash before the commit can begin
    again; the caller calls ``discard_upload`` after the commit.  Raises as ``put`` does.
    """
    return place().put_file(Path(path), progress=progress)


def discard_upload(path: Path) -> None:
    """Remove an upload's name from ``STORE_DIR/uploads``; an original with its bytes stays."""
    _disk().must_be_an_upload(Path(path))
    Path(path).unlink(missing_ok=True)


def record(kept: Kept, *, now: datetime | None = None) -> StoredObject:
    """Return the row of kept bytes, as ``record_all`` does."""
    return record_all([kept], now=now)[0]


def record_all(several: Sequence[Kept], *, now: datetime | None = None) -> list[StoredObject]:
    """Return the row of each, written now if it is new.  Call inside the act's transaction.

    Bytes that were found damaged or missing earlier count as stored again: ``put`` has seen them.
    """
    if not transaction.get_connection().in_atomic_block:
        raise RuntimeError("store.record belongs inside the transaction of the act")
    measured = {kept.measurement.sha256.hex(): kept.measurement for kept in several}
    rows = StoredObject.objects.in_bulk(list(measured))
    if new := sorted(measured.keys() - rows.keys()):
        # In one order, so that two who record the same bytes wait for each other and don't lock
        # up; whoever comes second finds the first one's rows.
        StoredObject.objects.bulk_create(
            (
                StoredObject(
                    sha256=sha256,
                    sha512=measured[sha256].sha512.hex(),
                    size=measured[sha256].size,
                    crc32=measured[sha256].crc32,
                    first_stored_at=now or timezone.now(),
                )
                for sha256 in new
            ),
            ignore_conflicts=True,
        )
        rows |= StoredObject.objects.in_bulk(new)
    for sha256, one in measured.items():
        if (rows[sha256].sha512, rows[sha256].size) != (one.sha512.hex(), one.size):
            raise StoreError(f"{rows[sha256]} stands for other bytes in the catalogue; refused.")
    lost = [row for row in rows.values() if row.state != StoredObject.State.STORED]
    for row in lost:
        row.state = StoredObject.State.STORED
    StoredObject.objects.bulk_update(lost, ["state"])
    return [rows[kept.measurement.sha256.hex()] for kept in several]


def open(sha256: str) -> IO[bytes]:  # noqa: A001 - store.open reads well, and nothing here opens files
    """Open an original for reading and seeking.  Raises MissingError, DamagedError, StoreError."""
    return place().open(sha256)


def path(sha256: str) -> Path:
    """Return where an original lies on disk.  Raises RuntimeError when originals are elsewhere."""
    here = place()
    if not isinstance(here, Disk):
        raise RuntimeError("originals are not kept on disk here")  # noqa: TRY004 - a wrong setting
    return here.path(sha256)


def write_sidecars(several: Sequence[Sidecar]) -> None:
    """Write ``<sha256>.<item>.json`` beside each original, whole or not at all.

    What a power cut in the next seconds leaves out is written again from the rows.
    """
    place().write_sidecars(
        [
            (sha256, str(uuid.UUID(str(item))), _as_text(payload).encode() + b"\n")
            for sha256, item, payload in several
        ],
        durable=False,
    )


def _as_text(payload: Mapping[str, Any]) -> str:
    return json.dumps(payload, ensure_ascii=False, sort_keys=True, indent=1, allow_nan=False)


def has_sidecar(sha256: str, item: uuid.UUID | str) -> bool:
    """Say whether ``<sha256>.<item>.json`` lies beside the original."""
    return place().has_sidecar(sha256, str(uuid.UUID(str(item))))


def read_sidecar(sha256: str, item: uuid.UUID | str) -> bytes:
    """Return the bytes of ``<sha256>.<item>.json``.  Raises MissingError, StoreError."""
    return place().read_sidecar(sha256, str(uuid.UUID(str(item))))


def check(sha256: str, *, pace: Callable[[int], None] | None = None) -> FixityResult:
    """Read an original back and compare it with its name; ``pace`` is called with each length read.

    A reading that fails is tried once more, and says so.  One that fails again proves nothing of
    the bytes: the outcome is then ``unreadable``, not ``damaged``.
    """
    try:
        return _read_back(sha256, pace)
    except (OSError, StoreError) as first:
        try:
            again = _read_back(sha256, pace)
        except (OSError, StoreError) as error:
            detail = f"It could not be read, twice: {error}"
            return FixityResult(
                sha256, StoredObject.Fixity.UNREADABLE, None, None, detail=detail, again=True
            )
        return replace(again, detail=f"Read at the second attempt: {first}", again=True)


def survey() -> Iterator[Lying]:
    """Yield what lies in the store, catalogued or not, in the order of the names.

    Raises StoreError when a part of it can't be listed.
    """
    return place().survey()


def held() -> Iterator[str]:
    """Yield the SHA-256 under which each original lies, catalogued or not."""
    return (one.sha256 for one in survey() if one.is_original)


def sweep_temporary(older_than: timedelta) -> int:
    """Remove half-written files older than this, never younger; return how many."""
    return place().sweep_temporary(older_than)


def _read_back(sha256: str, pace: Callable[[int], None] | None) -> FixityResult:
    try:
        with place().open(sha256) as file:
            measured = measure(_paced(read_pieces(file), pace))
    except MissingError as error:
        return FixityResult(sha256, StoredObject.Fixity.MISSING, None, None, str(error))
    except DamagedError as error:
        return FixityResult(sha256, StoredObject.Fixity.DAMAGED, None, None, str(error))
    found = measured.sha256.hex()
    outcome = StoredObject.Fixity.INTACT if found == sha256 else StoredObject.Fixity.DAMAGED
    return FixityResult(sha256, outcome, found, measured.size, measured.sha512.hex())


def _paced(pieces: Iterator[bytes], pace: Callable[[int], None] | None) -> Iterator[bytes]:
    for piece in pieces:
        if pace is not None:
            pace(len(piece))
        yield piece


def _disk() -> Disk:
    return Disk(Path(settings.STORE_DIR))


def place_at(where: str) -> Place:
    """Return another place for originals: ``s3://bucket``, at this archive's endpoint, or a folder.

    Raises StoreError when it is neither.
    """
    scheme, _, bucket = where.partition("://")
    if scheme == "s3" and bucket and "/" not in bucket:
        options = {name: value for name, value in settings.STORE_S3.items() if name != "bucket"}
        return Bucket(_disk(), bucket=bucket, **options)
    if "://" in where or not Path(where).is_dir():
        raise StoreError(f"{where} is neither s3://BUCKET nor a folder that is there.")
    return Disk(Path(where).absolute())


def place() -> Place:
    """Return the place that the settings name."""
    if settings.STORE_BACKEND == "s3":
        options = dict(settings.STORE_S3)
        return Bucket(_disk(), bucket=str(options.pop("bucket")), **options)
    if settings.STORE_BACKEND == "disk":
        return _disk()
    raise RuntimeError(f"STORE_BACKEND is {settings.STORE_BACKEND!r}; it must be disk or s3")
