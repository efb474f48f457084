"""Originals on a file system: written once, durable before anybody is told.

The order, for new bytes:

 1. a temporary file in ``tmp/``, on the same file system, made by us alone (O_EXCL, 0600);
 2. every write looked at: a short one is continued, the length compared at the end;
 3. fchmod 0440, fsync, close.  A failed fsync is final: the kernel may have dropped the pages
    and would call the next fsync a success, so the file is thrown away;
 4. the shard's folders;
 5. link() to ``blobs/ab/cd/<sha256>``, which can't overwrite.  When the name exists its bytes
    are hashed, never trusted: intact means done, damaged means set aside and replaced;
 6. unlink of the temporary name, fsync of the shard and of each folder above whose name is new.

Only then does ``put`` return.  A crash leaves a name in ``tmp/`` or a whole original, nothing else.

Many files go the same way together: all are written, then each is synced, then all are named, then
each folder is synced once.  The disk has begun with the first by the time the last is hashed.
"""

from __future__ import annotations

import contextlib
import errno
import os
import re
import stat
import time
import uuid
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from itertools import chain, islice
from pathlib import Path
from typing import IO, TypeVar

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
    pieces_through,
    read_pieces,
    sha256_of,
)
from archive.backends.hands import Hand, hands
from archive.proof.digests import Chunk, Measurement, Measuring

# Without O_NONBLOCK a named pipe in an original's place would keep the reader waiting for ever.
READING = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
SHARD = re.compile(r"[0-9a-f]{2}")
FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
WRITEBACK = 8 * 1024 * 1024  # bytes handed to the disk at a time, before the fsync
SMALL_PIECE = 128 * 1024  # bytes of a small file read at a time: hashed where they lie, in cache
HANDS = 2  # processes that hash and write many files
AHEAD = 1  # batches that are kept while one is recorded

_Result = TypeVar("_Result")
_Folder = tuple[str, int, int]  # its path, device and number

#: Folders whose names this process has seen on the disk; at most one for each of 65,792 folders.
_SAFE: set[_Folder] = set()


@dataclass(frozen=True)
class _Spool:
    """Bytes of our own under a temporary name, still open, so that a failed write can be told."""

    path: Path
    descriptor: int
    measurement: Measurement


@dataclass(frozen=True)
class _Name:
    """An original's name, which is durable once the folders are synced."""

    kept: Kept
    to_sync: set[Path]
    safe_then: set[_Folder]


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

    def put_all(self, batches: Iterable[Sequence[Path]]) -> Iterator[list[Kept | StoreError]]:
        """Keep copies of many files, batch by batch; each that is ``Kept`` is durable.

        While a batch is yielded the next is worked on, by processes of its own.
        """
        coming = iter(batches)
        begun = list(islice(coming, 2))
        if len(begun) < 2:  # too few for processes to be worth their start
            yield from map(self.put_some, begun)
            return
        with hands(_put_some, HANDS) as several:
            under_way: deque[Sequence[Path]] = deque()
            for batch in chain(begun, coming):
                for at, hand in enumerate(several):
                    hand.give((self.root, batch[at::HANDS]))
                under_way.append(batch)
                if len(under_way) > AHEAD:
                    yield _in_order(under_way.popleft(), several)
            while under_way:
                yield _in_order(under_way.popleft(), several)

    def put_some(self, paths: Sequence[Path]) -> list[Kept | StoreError]:
        """Keep copies of a batch of files, and sync each folder once."""
        return self._adopt_all(self._spool_all(paths))

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

    def write_sidecars(self, several: Sequence[tuple[str, str, bytes]], *, durable: bool) -> None:
        """Write ``<sha256>.<item>.json`` beside originals, each whole or not at all.

        Unless their names are to be ``durable``, a power cut in the next seconds may leave one out.
        """
        with self.telling(), contextlib.ExitStack() as undo:
            spools = []
            for _, _, payload in several:
                spools.append(self._spool_ahead([payload]))
                undo.callback(_discard, spools[-1])
            for spool in spools:
                _make_safe(spool)
            for spool, (sha256, item, _) in zip(spools, several, strict=True):
                spool.path.replace(self._sidecar(sha256, item))
            # The originals lie there, so their folders are durable; only the names are new.
            for folder in {self.path(sha256).parent for sha256, _, _ in several if durable}:
                _sync_folder(folder)

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
        spool = self._spool(pieces(chunks), declared_size, progress)
        try:
            if durable:
                _make_safe(spool)
            yield spool.path, spool.measurement
        finally:
            _discard(spool)

    def _spool(
        self, pieces: Iterable[Chunk], declared_size: int | None, progress: Progress | None
    ) -> _Spool:
        """Write a stream to a temporary file (steps 1 and 2)."""
        self.temporary.mkdir(parents=True, exist_ok=True, mode=0o750)
        path = self.temporary / uuid.uuid4().hex
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
        descriptor = os.open(path, flags, 0o600)
        try:
            measurement = _written(descriptor, pieces, declared_size, progress)
        except BaseException:
            os.close(descriptor)
            path.unlink()
            raise
        return _Spool(path, descriptor, measurement)

    def _spool_all(self, paths: Sequence[Path]) -> list[_Spool | StoreError]:
        """Copy files to temporary ones of our own, and have them on disk (steps 1 to 3)."""
        buffer = bytearray(SMALL_PIECE)
        spools = [
            self._tried(partial(self._spool_ahead, pieces_through(buffer, path))) for path in paths
        ]
        return [
            spool if isinstance(spool, StoreError) else self._tried(partial(_made_safe, spool))
            for spool in spools
        ]

    def _spool_ahead(self, pieces: Iterable[Chunk]) -> _Spool:
        spool = self._spool(pieces, None, None)
        # The disk begins now, so that the first sync finds most of the others' bytes there, and
        # theirs have little left to do.
        os.posix_fadvise(spool.descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
        return spool

    def _adopt_all(self, spools: Sequence[_Spool | StoreError]) -> list[Kept | StoreError]:
        """Give durable bytes their names, and sync each folder once (steps 4 to 6)."""
        names = [
            spool if isinstance(spool, StoreError) else self._tried(partial(self._named, spool))
            for spool in spools
        ]
        given = [name for name in names if isinstance(name, _Name)]
        synced = {
            folder: self._tried(partial(_sync_folder, folder))
            for folder in {folder for name in given for folder in name.to_sync}
        }
        done: list[Kept | StoreError] = []
        for name in names:
            if isinstance(name, StoreError):
                done.append(name)
                continue
            error = next((said for folder in name.to_sync if (said := synced[folder])), None)
            if error is None:
                _SAFE.update(name.safe_then)
            done.append(error or name.kept)
        return done

    def _named(self, spool: _Spool) -> _Name:
        try:
            return self._name(spool.path, spool.measurement)
        finally:
            _discard(spool)

    def _tried(self, act: Callable[[], _Result]) -> _Result | StoreError:
        try:
            with self.telling():
                return act()
        except StoreError as error:
            return error

    def must_be_an_upload(self, path: Path) -> None:
        """Refuse a path outside ``uploads/``: only there do we know who writes."""
        if path.parent.resolve() != self.uploads.resolve():
            raise ValueError(f"{path} is not in the store's uploads folder")

    def _adopt(self, source: Path, measurement: Measurement) -> Kept:
        """Give durable bytes their name (steps 4 to 6)."""
        name = self._name(source, measurement)
        for folder in name.to_sync:
            _sync_folder(folder)
        _SAFE.update(name.safe_then)
        return name.kept

    def _name(self, source: Path, measurement: Measurement) -> _Name:
        """Link durable bytes to their name; it is durable when the folders are synced."""
        sha256 = measurement.sha256.hex()
        target = self.path(sha256)
        to_sync, safe_then = self._make_shard(target.parent)
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
        return _Name(Kept(measurement, already_held, healed), to_sync, safe_then)

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

    def _make_shard(self, shard: Path) -> tuple[set[Path], set[_Folder]]:
        """Make a shard's folders; return what to sync, and whose names are safe afterwards."""
        # Each folder's name is made safe also when it was there: whoever made it may not have come
        # to that.  Once is enough for each folder, which is told by its number: one that was
        # removed and made again is another.
        to_sync, safe_then = {shard}, set()
        for folder in (self.blobs, shard.parent, shard):
            folder.mkdir(exist_ok=True, mode=0o750)
            found = folder.stat()
            told = (str(folder), found.st_dev, found.st_ino)
            if told not in _SAFE:
                to_sync.add(folder.parent)
                safe_then.add(told)
        return to_sync, safe_then

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


def _put_some(task: tuple[Path, Sequence[Path]]) -> list[Kept | StoreError]:
    root, paths = task
    return Disk(root).put_some(paths)


def _in_order(
    batch: Sequence[Path],
    several: Sequence[Hand[tuple[Path, Sequence[Path]], list[Kept | StoreError]]],
) -> list[Kept | StoreError]:
    shares = [hand.take() for hand in several]
    return [shares[at % HANDS][at // HANDS] for at in range(len(batch))]


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


def _make_safe(spool: _Spool) -> None:
    """Have a temporary file's bytes on disk (step 3)."""
    os.fchmod(spool.descriptor, 0o440)
    os.fsync(spool.descriptor)


def _made_safe(spool: _Spool) -> _Spool:
    try:
        _make_safe(spool)
    except OSError:
        _discard(spool)
        raise
    return spool


def _discard(spool: _Spool) -> None:
    """Close a temporary file and remove its name, if it still has it."""
    try:
        os.close(spool.descriptor)
    finally:
        spool.path.unlink(missing_ok=True)


def _written(
    descriptor: int,
    pieces: Iterable[Chunk],
    declared_size: int | None,
    progress: Progress | None,
) -> Measurement:
    """Write and measure a stream; refuse it when the file's length is not the stream's."""
    done = begun = 0
    measuring = Measuring()
    for piece in pieces:
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


def _write_all(descriptor: int, piece: Chunk) -> None:
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
