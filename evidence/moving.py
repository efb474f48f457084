"""Bring all bytes of the archive to another place: from disk to a bucket, or back.

What lies at the old place is only read; nothing there is changed or removed.  Each original is in
the new place whole, or is not there, so that a move may be killed anywhere and run again; each that
is there already is read back before it counts.  The settings decide which place is in use.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from django.conf import settings
from django.core.files import File
from django.core.files.storage import FileSystemStorage, Storage, storages
from storages.backends.s3 import S3Storage

from archive import durable, store
from archive.backends import MissingError, Place, StoreError, read_pieces, sha256_of
from archive.models.bundle import Bundle
from archive.models.stored_object import StoredObject
from evidence.models.file import EvidenceFile


@dataclass(frozen=True)
class Moved:
    """One thing and what became of it; ``fault`` is empty when it is whole at the new place."""

    what: str
    is_new: bool = False
    fault: str = ""


@dataclass(frozen=True)
class Holding:
    """A place for all bytes: for originals, for previews and for bundles."""

    originals: Place
    derivatives: Storage
    bundles: Storage


def here() -> Holding:
    """Return the place that the settings name."""
    return Holding(store.place(), storages["derivatives"], storages["bundles"])


def at(where: str) -> Holding:
    """Return the place ``s3://BUCKET``, or a data folder.  Raises StoreError."""
    if where.startswith("s3://"):
        options = {**settings.S3_FILES, "bucket_name": where.removeprefix("s3://")}
        return Holding(
            store.place_at(where),
            S3Storage(**options, location="derivatives"),
            S3Storage(**options, location="bundles"),
        )
    folder = Path(where).absolute()
    if not folder.is_dir():
        raise StoreError(f"{where} is neither s3://BUCKET nor a folder that is there.")
    (folder / "store").mkdir(exist_ok=True, mode=0o750)
    return Holding(
        store.place_at(str(folder / "store")),
        *(
            FileSystemStorage(location=folder / name, file_permissions_mode=0o440)
            for name in ("derivatives", "bundles")
        ),
    )


def move(source: Holding, to: Holding, *, read_again: bool) -> Iterator[Moved]:
    """Copy and compare everything; yield each thing as it comes.  Raises StoreError.

    What is there already is read back if ``read_again``; else its name counts, which a file has
    only when it is whole.
    """
    trusted: set[str] = set()
    if not read_again:
        trusted = {one.path.rpartition("/")[2] for one in to.originals.survey() if not one.fault}
    for one in source.originals.survey():
        if one.fault:
            continue  # `manage.py verify` names it
        if (name := one.path.rpartition("/")[2]) in trusted:
            yield Moved(name)
        elif one.item:
            yield _sidecar(source.originals, to.originals, one)
        else:
            yield _original(source.originals, to.originals, one.sha256)
    for kind, old, new in (
        ("preview", source.derivatives, to.derivatives),
        ("bundle", source.bundles, to.bundles),
    ):
        for name in _names(old):
            if not read_again and new.exists(name):
                yield Moved(f"{kind} {name}")
            else:
                yield _file(kind, old, new, name)


def lacking(holding: Holding) -> Iterator[Moved]:
    """Yield what rows name and the place lacks, by its names alone."""
    originals = {one.sha256 for one in holding.originals.survey() if one.is_original}
    for sha256 in StoredObject.objects.values_list("sha256", flat=True).iterator():
        if sha256 not in originals:
            yield Moved(f"original sha256:{sha256}", fault="it is missing")
    for kind, storage, rows in (
        ("preview", holding.derivatives, EvidenceFile.objects.all()),
        ("bundle", holding.bundles, Bundle.objects.all()),
    ):
        held = set(_names(storage))
        named = rows.exclude(storage_name="").order_by("pk")
        for name in named.values_list("storage_name", flat=True).iterator():
            if name not in held:
                yield Moved(f"{kind} {name}", fault="it is missing")


def _names(storage: Storage, folder: str = "") -> Iterator[str]:
    try:
        folders, files = storage.listdir(folder)
    except FileNotFoundError:
        return  # nothing was ever kept
    for name in sorted(files):
        if name and not name.startswith("."):
            yield f"{folder}{name}"
    for name in sorted(folders):
        yield from _names(storage, f"{folder}{name}/")


def _original(source: Place, target: Place, sha256: str) -> Moved:
    what = f"original sha256:{sha256}"
    try:
        if _digest_in(target, sha256) == sha256:
            return Moved(what)
        # Read through first: put would keep damaged bytes under the name that they do have.
        if (found := _digest_in(source, sha256)) != sha256:
            return Moved(what, fault=f"sha256:{found} lies under it at the old place")
        with source.open(sha256) as file:
            kept = target.put(read_pieces(file), declared_size=None, progress=None)
    except (OSError, StoreError) as error:
        return Moved(what, fault=str(error))
    if kept.measurement.sha256.hex() != sha256:
        return Moved(what, fault="the old place gave other bytes at the second reading")
    return Moved(what, is_new=True)


def _digest_in(place: Place, sha256: str) -> str | None:
    try:
        with place.open(sha256) as file:
            return sha256_of(file)
    except (MissingError, store.DamagedError):
        return None


def _sidecar(source: Place, target: Place, one: store.Lying) -> Moved:
    what = f"sidecar {one.sha256}.{one.item}.json"
    try:
        content = source.read_sidecar(one.sha256, one.item)
        is_new = not _is_sidecar(target, one, content)
        if is_new:
            target.write_sidecars([(one.sha256, one.item, content)], durable=True)
            if not _is_sidecar(target, one, content):
                return Moved(what, fault="the new place does not give it back")
    except (OSError, StoreError) as error:
        return Moved(what, fault=str(error))
    return Moved(what, is_new)


def _is_sidecar(place: Place, one: store.Lying, content: bytes) -> bool:
    try:
        return place.read_sidecar(one.sha256, one.item) == content
    except MissingError:
        return False


def _file(kind: str, source: Storage, target: Storage, name: str) -> Moved:
    what = f"{kind} {name}"
    try:
        sha256 = _digest_of(source, name)
        if target.exists(name) and _digest_of(target, name) == sha256:
            return Moved(what)
        with source.open(name) as file:
            _put(target, name, file)
        if (found := _digest_of(target, name)) != sha256:
            return Moved(what, fault=f"the new place gives back sha256:{found}")
    # The libraries under a storage raise what they like; each is a fault of this one file.
    except Exception as error:  # noqa: BLE001
        return Moved(what, fault=f"{type(error).__name__}: {error}")
    return Moved(what, is_new=True)


def _put(target: Storage, name: str, file: IO[bytes]) -> None:
    """Keep a file under its name; half of one, from a run that was killed, is replaced."""
    if isinstance(target, FileSystemStorage):
        path = Path(target.path(name))
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o750)
        durable.put_in_place(file, path)
    elif isinstance(target, S3Storage) and target.exists(name):
        raise StoreError("other bytes lie under the name at the new place")
    else:
        target.save(name, File(file))


def _digest_of(storage: Storage, name: str) -> str:
    with storage.open(name) as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
