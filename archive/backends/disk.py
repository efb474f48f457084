"""Originals on a file system: written once, durable before anybody is told.

The order, for new bytes:

 1. a temporary file in ``tmp/``, on the same file system, made by us alone (O_EXCL, 0600);
 2. every write looked at: a short one is continued, the length compared at the end;
 3. fchmod 0440, fsync, close.  A failed fsync is final: the kernel may have dropped the pages
    and would call the next fsync a success, so the file is thrown away;
 4. the shard's folders, and fsync of each folder above the name;
 5. link() to ``blobs/ab/cd/<sha256>``, which can't overwrite.  When the name exists its bytes
    are hashed, never trusted: intact means done, damaged means set aside and replaced;
 6. unlink of the temporary name, fsync of the shard.

Only then does ``put`` return.  A crash leaves a name in ``tmp/`` or a whole original, nothing else.
"""

from __future__ import annotations

import contextlib
import errno
import os
import re
import stat
import time
import uuid
from collections.abc import Iterable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import IO

from archive.backends import (
    NAME,
    DamagedError,
    Kept,
    Lying,
    MissingError,
    Progress,
    StoreError,
    StoreFullError,
    named,
    pieces,
    read_pieces,
    sha256_of,
)
from archive.proof.digests import Measurement, Measuring

# Without O_NONBLOCK a named pipe in an original's place would keep the reader waiting for ever.
READING = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
SHARD = re.compile(r"[0-9a-f]{2}")
FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
WRITEBACK = 8 * 1024 * 1024  # bytes handed to the disk at a time, before the fsync


#: Folders whose names this process has seen on the disk; at most one for each of 65,792 folders.
_SAFE: set[tuple[str, int, int]] = set()


class Disk:
    """The place for originals under one folder."""

    def __init__(self, root: Path) -> None:
        self.root = Path(root)
        self.temporary = self.root / "tmp"
        self.uploads = self.root / "uploads"
        self.blobs = self.root / "blobs"
        self.damaged = self.root / "damaged"

    def path(self, sha256: str) -> Path:
        """Return where these bytes lie or would lie."""
        if not NAME.fullmatch(sha256):
            raise ValueError(f"not a SHA-256 in hexadecimal: {sha256!r}")
        return self.blobs / sha256[:2] / sha256[2:4] / sha256

    def put(
        self, chunks: Iterable[bytes], *, declared_size: int | None, progress: Progress | None
    ) -> Kept:
        """Keep a stream; afterwards it is durable under its SHA-256."""
        with self.telling(), self.spooled(chunks, declared_size, progress, durable=True) as spool:
            return self._adopt(*spool)

    def put_file(self, path: Path, *, progress: Progress | None) -> Kept:
        """Keep an assembled upload without copying it.  Its name in ``uploads/`` stays.

        The caller MUST have stopped writing to it, and removes the name once the row is committed:
        until then a crash leaves something to begin again with.
        """
        with self.telling():
            self.must_be_an_upload(path)
            descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
            with os.fdopen(descriptor, "rb", buffering=0) as file:
                before = _plain(file.fileno(), path)
                measurement = measured(file, before.st_size, progress)
                os.fchmod(file.fileno(), 0o440)
                after = os.fstat(file.fileno())
                unchanged = (before.st_size, before.st_mtime_ns) == (
                    after.st_size,
                    after.st_mtime_ns,
                )
                if not unchanged or measurement.size != after.st_size:
                    raise StoreError(f"{path.name} was written to while it was being sealed.")
                os.fsync(file.fileno())
                return self._adopt(path, measurement)

    def open(self, sha256: str) -> IO[bytes]:
        """Open an original for reading."""
        return self._opened(self.path(sha256))

    def _opened(self, path: Path) -> IO[bytes]:
        try:
            descriptor = os.open(path, READING)
        except FileNotFoundError as error:
            raise MissingError(f"Nothing lies under {path.name}.") from error
        except OSError as error:
            if error.errno in {errno.ELOOP, errno.EMLINK, errno.ENOTDIR}:
                raise DamagedError(f"{path} is a link, not an original.") from error
            raise StoreError(f"{path} can't be read: {error.strerror}.") from error
        try:
            _plain(descriptor, path)
        except DamagedError:
            os.close(descriptor)
            raise
        return os.fdopen(descriptor, "rb")

    def write_sidecar(self, sha256: str, item: str, payload: bytes) -> None:
        """Write ``<sha256>.<item>.json`` beside the original, whole or not at all."""
        path = self._sidecar(sha256, item)
        with self.telling(), self.spooled([payload], len(payload), None, durable=True) as spool:
            # The original lies there, so its folders are durable; only the name is new.
            spool[0].replace(path)
            _sync_folder(path.parent)

    def has_sidecar(self, sha256: str, item: str) -> bool:
        """Say whether ``<sha256>.<item>.json`` lies beside the original."""
        return self._sidecar(sha256, item).exists()

    def _sidecar(self, sha256: str, item: str) -> Path:
        return self.path(sha256).with_name(f"{sha256}.{item}.json")

    def read_sidecar(self, sha256: str, item: str) -> bytes:
        """Return a sidecar's bytes.  Raises MissingError, DamagedError, StoreError."""
        with self._opened(self._sidecar(sha256, item)) as file:
            return file.read()

    def survey(self) -> Iterator[Lying]:
        """Yield what lies here, in the order of the names; only folders of ours are entered.

        Raises StoreError when a folder can't be listed: what lies in it is then not known.
        """
        for entry in _listed(self.root):
            if entry.name not in {"tmp", "uploads", "blobs", "damaged"}:
                yield Lying(entry.name, fault="it is no folder of the store")
            elif not entry.is_dir(follow_symlinks=False):
                yield Lying(entry.name, fault="it must be a folder")
        if not self.blobs.is_symlink():
            yield from self._shards(self.blobs, ())

    def _shards(self, folder: Path, above: tuple[str, ...]) -> Iterator[Lying]:
        for entry in _listed(folder):
            path = "/".join((self.blobs.name, *above, entry.name))
            if len(above) == 2:
                yield named(path, (above[0], above[1]), entry.name)
            elif not SHARD.fullmatch(entry.name) or not entry.is_dir(follow_symlinks=False):
                yield Lying(path, fault="it is no folder of originals")
            else:
                yield from self._shards(folder / entry.name, (*above, entry.name))

    def sweep_temporary(self, older_than: timedelta) -> int:
        """Remove what crashes left behind, and upload names whose bytes are originals by now."""
        limit = time.time() - older_than.total_seconds()
        removed = 0
        for folder, needs_original in ((self.temporary, False), (self.uploads, True)):
            for path in folder.glob("*"):
                with contextlib.suppress(FileNotFoundError):  # another sweep was first
                    found = path.lstat()
                    if not stat.S_ISREG(found.st_mode) or found.st_ctime > limit:
                        continue
                    if needs_original and found.st_nlink < 2:
                        continue
                    path.unlink()
                    removed += 1
        return removed

    @contextlib.contextmanager
    def spooled(
        self,
        chunks: Iterable[bytes],
        declared_size: int | None,
        progress: Progress | None,
        *,
        durable: bool,
    ) -> Iterator[tuple[Path, Measurement]]:
        """Write a stream to a temporary file of our own, and remove its name afterwards."""
        self.temporary.mkdir(parents=True, exist_ok=True, mode=0o750)
        path = self.temporary / uuid.uuid4().hex
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
        descriptor = os.open(path, flags, 0o600)
        try:
            try:
                measurement = _written(descriptor, chunks, declared_size, progress)
                if durable:
                    os.fchmod(descriptor, 0o440)
                    os.fsync(descriptor)
            finally:
                os.close(descriptor)
            yield path, measurement
        finally:
            path.unlink(missing_ok=True)

    def must_be_an_upload(self, path: Path) -> None:
        """Refuse a path outside ``uploads/``: only there do we know who writes."""
        if path.parent.resolve() != self.uploads.resolve():
            raise ValueError(f"{path} is not in the store's uploads folder")

    def _adopt(self, source: Path, measurement: Measurement) -> Kept:
        """Give durable bytes their name (steps 4 to 6)."""
        sha256 = measurement.sha256.hex()
        target = self.path(sha256)
        self._make_shard(target.parent)
        already_held = healed = False
        try:
            os.link(source, target, follow_symlinks=False)
        except FileExistsError:
            already_held = self._is_intact(source, target, sha256)
            healed = not already_held
            if healed:
                self._heal(source, target)
        if source.parent == self.temporary:
            source.unlink()
        _sync_folder(target.parent)
        return Kept(measurement, already_held, healed)

    def _is_intact(self, source: Path, target: Path, sha256: str) -> bool:
        found = target.lstat()
        if not stat.S_ISREG(found.st_mode):
            raise DamagedError(f"{target} is no plain file; it was not touched.")
        if found.st_ino == source.lstat().st_ino:
            return True  # a first attempt got as far as the link; these bytes were hashed just now
        with self.open(sha256) as file:
            return sha256_of(file) == sha256

    def _heal(self, source: Path, target: Path) -> None:
        """Replace a damaged original by the true bytes; the damaged ones are kept for study."""
        self.damaged.mkdir(exist_ok=True, mode=0o750)
        os.link(target, self.damaged / f"{target.name}.{uuid.uuid4().hex}", follow_symlinks=False)
        _sync_folder(self.damaged)
        _sync_folder(self.root)
        step = self.temporary / uuid.uuid4().hex
        self.temporary.mkdir(exist_ok=True, mode=0o750)
        os.link(source, step, follow_symlinks=False)
        step.replace(target)

    def _make_shard(self, shard: Path) -> None:
        # Each folder's name is made safe also when it was there: whoever made it may not have come
        # to that.  Once is enough for each folder, which is told by its number: one that was
        # removed and made again is another.
        for folder in (self.blobs, shard.parent, shard):
            folder.mkdir(exist_ok=True, mode=0o750)
            found = folder.stat()
            named = (str(folder), found.st_dev, found.st_ino)
            if named not in _SAFE:
                _sync_folder(folder.parent)
                _SAFE.add(named)

    @contextlib.contextmanager
    def telling(self) -> Iterator[None]:
        """Turn the operating system's errors into ours."""
        try:
            yield
        except OSError as error:
            if error.errno in FULL:
                raise StoreFullError(
                    f"There is no room left in {self.root}; nothing was kept. Free some and retry."
                ) from error
            what = error.strerror or str(error)
            raise StoreError(f"The bytes could not be made safe in {self.root}: {what}.") from error


def measured(file: IO[bytes], size: int, progress: Progress | None) -> Measurement:
    """Measure an open file in one pass, telling how far it is."""
    measuring = Measuring()
    done = 0
    for piece in read_pieces(file):
        measuring.update(piece)
        done += len(piece)
        if done > size:  # else a file that grows as fast as it is read is read for ever
            raise StoreError("The upload was written to while it was being sealed.")
        if progress is not None:
            progress(done, size)
    return measuring.done()


def _written(
    descriptor: int,
    chunks: Iterable[bytes],
    declared_size: int | None,
    progress: Progress | None,
) -> Measurement:
    """Write and measure a stream; refuse it when the file's length is not the stream's."""
    done = begun = 0
    measuring = Measuring()
    for piece in pieces(chunks):
        measuring.update(piece)
        _write_all(descriptor, piece)
        done += len(piece)
        if done - begun >= WRITEBACK:
            # The disk begins now, while the rest is still hashed; the fsync then has little to do.
            os.posix_fadvise(descriptor, begun, done - begun, os.POSIX_FADV_DONTNEED)
            begun = done
        if declared_size is not None and done > declared_size:
            raise StoreError(f"More than the announced {declared_size} bytes arrived.")
        if progress is not None:
            progress(done, done if declared_size is None else declared_size)
    measurement = measuring.done()
    if declared_size is not None and done != declared_size:
        raise StoreError(f"{done} of the announced {declared_size} bytes arrived.")
    if (on_disk := os.fstat(descriptor).st_size) != done:
        raise StoreError(f"{done} bytes were written, but the file has {on_disk}.")
    return measurement


def _write_all(descriptor: int, piece: bytes) -> None:
    view = memoryview(piece)
    while view:
        written = os.write(descriptor, view)
        if written <= 0:
            raise StoreError("The file system took no more bytes and gave no reason.")
        view = view[written:]


def _plain(descriptor: int, path: Path) -> os.stat_result:
    found = os.fstat(descriptor)
    if not stat.S_ISREG(found.st_mode):
        raise DamagedError(f"{path} is no plain file.")
    return found


def _listed(folder: Path) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as entries:
            return sorted(entries, key=lambda entry: entry.name)
    except FileNotFoundError:
        return []  # not made yet
    except OSError as error:
        raise StoreError(f"{folder} can't be listed: {error.strerror}.") from error


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
