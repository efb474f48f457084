"""Writes bundles: one ZIP file that strangers can check alone, offline (docs/formats/bundle.md).

A bundle is a BagIt 1.0 bag (RFC 8493) in ZIP_STORED.  Everything but the originals is known before
the first byte is written, and so are the originals' digests, from their intake: manifests and
signature need no second reading.  What was written is then read back: no bundle is offered that our
own verifier did not pass, and an original that has changed ends the export with its name.
"""

from __future__ import annotations

import contextlib
import hashlib
import io
import os
import tempfile
import time
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, BinaryIO

from archive import kernel_copies, safe_names, stored_zip, verify_page, verifying_apart
from archive.custody_files import CustodySelection, custody_files
from archive.proof import notes, sshsig, stamped_bundle, verify
from archive.proof.bundle import SMALL
from archive.proof.digests import Measurement, measure
from archive.proof.examination import Policy
from archive.proof.report import NOT_CHECKED, PASSED, Report
from archive.proof.second_process import WORTH_IT
from archive.proof.structure import ZIP_FORM
from archive.reading_behind import ReadingBehind, Stretch
from archive.signing import Signing
from archive.store import StoreError

BUFFER = 256 * 1024  # bytes copied at a time; what fits a processor's own cache copies fastest
SYNCED_FIRST = 256 * 1024 * 1024  # bytes of long files; up to here they are not worth a thread
ABANDONED_AFTER = 24 * 3600  # seconds that a half-written file may rest
CHUNK = 1024 * 1024  # bytes measured at a time
REPORT_EVERY = 4 * 1024 * 1024  # bytes between two calls of the progress callback

SOFTWARE = "Muniment 0.1.0 <https://muniment.invalid/>"
PROFILE = "https://muniment.invalid/profiles/evidence-bundle-1.0.json"
SIGNATURE = "signatures/tagmanifest-sha512.txt.ed25519.sig"
PUBLIC_KEY = "signatures/archive-ed25519.pub.pem"
SSH_SIGNATURE = "signatures/tagmanifest-sha512.txt.sshsig"
ALLOWED_SIGNERS = "signatures/allowed_signers"
VERIFIER = "data/verify/verify.pyz"
VERIFY_PAGE = "data/verify/verify.html"

Progress = Callable[[int, int], None]
"""``progress(done, total)``, in bytes of the finished file."""


class BundlingError(Exception):
    """The bundle could not be written; nothing was offered."""


class OriginalChangedError(BundlingError):
    """An original is not what was taken in; the message names the file."""


class BundleRefusedError(BundlingError):
    """Our own verifier did not pass the finished file; ``report`` says why."""

    def __init__(self, message: str, report: Report) -> None:
        super().__init__(message)
        self.report = report


@dataclass(frozen=True)
class BundleFile:
    """An original: its path below the item's folder, what its intake measured, and its bytes."""

    path: str
    measured: Measurement
    open: Callable[[], IO[bytes]] = field(compare=False)


@dataclass(frozen=True)
class BundleItem:
    """One item's folder.  ``documents`` are files that we made, by path below the folder."""

    item: str  # UUID
    folder: str  # a safe name, from the exhibit number
    files: tuple[BundleFile, ...] = ()
    documents: Mapping[str, bytes] = field(default_factory=dict)


@dataclass(frozen=True)
class BundleContents:
    """What goes into a bundle.  ``documents`` are files that we made, by path below ``data/``."""

    identifier: str  # UUID
    created_at: datetime
    organisation: str
    contact: str
    description: str
    items: tuple[BundleItem, ...]
    documents: Mapping[str, bytes] = field(default_factory=dict)
    custody: CustodySelection | None = None


@dataclass(frozen=True)
class Written:
    """A finished bundle."""

    path: Path
    sha256: str
    size: int
    file_count: int
    report: Report


@dataclass(frozen=True)
class _Source:
    """Bytes on their way into the bundle, and what they MUST measure."""

    path: str  # below the bag's folder
    measured: Measurement
    content: bytes | Callable[[], IO[bytes]]


@dataclass(frozen=True)
class Plan:
    """A bundle that is wholly decided: each file, its digests and its place; then the ZIP's end."""

    folder: str
    sources: tuple[_Source, ...]
    members: tuple[stored_zip.Member, ...]
    end: bytes
    size: int


@dataclass(frozen=True)
class Stamp:
    """What a time-stamping authority answered (RFC 3161), and its roots in PEM."""

    response: bytes
    roots: bytes


#: Has bytes time-stamped; None when nobody is named who does, or nobody answers.
Stamping = Callable[[bytes], Stamp | None]


def unstamped(_signed: bytes) -> None:
    """Have nothing time-stamped."""


def bag_folder(identifier: str) -> str:
    """Return the name of a bundle's one top-level folder."""
    return f"evidence-bundle-{identifier.replace('-', '')[:8]}"


def plan(contents: BundleContents, *, signer: Signing, stamping: Stamping = unstamped) -> Plan:
    """Decide every byte of the bundle but those of the originals, and sign its tag manifest.

    ``stamping`` has the tag manifest time-stamped, where somebody is named who does.  Raises
    BundlingError for paths that are not safe or meet on some system.
    """
    payload = sorted(_payload(contents), key=lambda source: source.path)
    _require_sound_paths(payload)
    tags = [
        _made("bagit.txt", b"BagIt-Version: 1.0\nTag-File-Character-Encoding: UTF-8\n"),
        _made("bag-info.txt", _bag_info(contents, payload)),
        _made("manifest-sha256.txt", _manifest(payload, "sha256")),
        _made("manifest-sha512.txt", _manifest(payload, "sha512")),
    ]
    tags.sort(key=lambda source: source.path)
    sealed = _manifest(tags, "sha512")
    seals = [
        _made("tagmanifest-sha256.txt", _manifest(tags, "sha256")),
        _made("tagmanifest-sha512.txt", sealed),
        _made(SIGNATURE, signer.sign_bytes(sealed)),
        _made(PUBLIC_KEY, notes.ed25519_pem(signer.public).encode("ascii")),
        _made(
            SSH_SIGNATURE,
            sshsig.armored(signer.public, signer.sign_for_ssh(sealed)).encode("ascii"),
        ),
        _made(ALLOWED_SIGNERS, sshsig.allowed_signers(signer.public).encode("ascii")),
        *_stamped(stamping(sealed), signer),
    ]
    folder = bag_folder(contents.identifier)
    sources = sorted([*payload, *tags, *seals], key=lambda source: source.path)
    members = tuple(
        stored_zip.Member(
            name=f"{folder}/{source.path}",
            size=source.measured.size,
            crc32=source.measured.crc32,
        )
        for source in sources
    )
    end = stored_zip.directory(members)
    return Plan(
        folder=folder,
        sources=tuple(sources),
        members=members,
        end=end,
        size=stored_zip.length(members, end),
    )


def _stamped(stamp: Stamp | None, signer: Signing) -> list[_Source]:
    """Return the time-stamp's files: the tag manifest can't list what is made from it."""
    if stamp is None:
        return []
    parts = [
        _made(stamped_bundle.ROOTS, stamp.roots),
        _made(stamped_bundle.STAMP, stamp.response),
    ]
    listed = _manifest(parts, "sha512")
    return [
        *parts,
        _made(stamped_bundle.LIST, listed),
        _made(stamped_bundle.SIGNATURE, signer.sign_bytes(listed)),
    ]


def write(
    contents: BundleContents,
    out: Path,
    *,
    signer: Signing,
    progress: Progress | None = None,
    stamping: Stamping = unstamped,
) -> Written:
    """Write the bundle to ``out``.  Afterwards it is there, on disk and verified, or not at all.

    A crash leaves at most a ``.partial`` file beside ``out``, which a later export removes when it
    is a day old.  Raises OriginalChangedError, BundleRefusedError, or BundlingError.
    """
    planned = plan(contents, signer=signer, stamping=stamping)
    _sweep(out.parent)
    try:
        descriptor, name = tempfile.mkstemp(
            prefix=f".{out.stem}.", suffix=".partial", dir=out.parent
        )
        partial = Path(name)
        try:
            with os.fdopen(descriptor, "wb", buffering=BUFFER) as sink:
                if _long(planned) <= SYNCED_FIRST:
                    stream(planned, sink, progress=_hurrying(sink, progress))
                    sink.flush()
                    os.fsync(sink.fileno())
                    sha256 = _sha256_of(partial)
                    report = _verified(planned, partial, signer)
                else:
                    sha256, report = _read_while_written(planned, partial, sink, signer, progress)
                _require_good(planned, report)
            partial.replace(out)
        finally:
            partial.unlink(missing_ok=True)
        _sync_folder(out.parent)
    except OSError as error:
        raise BundlingError(f"The bundle could not be written: {error}") from error
    except verifying_apart.VerifierFailedError as error:
        raise BundlingError(f"The bundle could not be verified: {error}") from error
    return Written(
        path=out, sha256=sha256, size=planned.size, file_count=len(planned.sources), report=report
    )


def _verified(planned: Plan, path: Path, signer: Signing) -> Report:
    """Verify what was written; many files by another process, which can share the work."""
    if len(planned.sources) < WORTH_IT:
        return verify.verify(path, Policy(vkeys=(signer.vkey,)))
    return verifying_apart.verify(path, vkeys=(signer.vkey,))


def _read_while_written(
    planned: Plan, path: Path, sink: BinaryIO, signer: Signing, progress: Progress | None
) -> tuple[str, Report]:
    """Write long originals, measured from the disk's own file a little behind the writer.

    For short ones that is not worth the threads, which keep the verifier from its second process.
    """
    with ReadingBehind(path, _stretches(planned)) as behind:

        def report_both(done: int, total: int) -> None:
            sink.flush()
            behind.wrote(done)
            if progress is not None:
                progress(done, total)

        stream(planned, sink, progress=_hurrying(sink, report_both))
        sink.flush()
        behind.wrote(planned.size)
        with ThreadPoolExecutor(max_workers=1, thread_name_prefix="bundle") as beside:
            synced = beside.submit(os.fsync, sink.fileno())
            read = behind.done()
            report = verify.verify(path, Policy(vkeys=(signer.vkey,)), known=read.stretches)
            synced.result()
    return read.sha256, report


def _long(planned: Plan) -> int:
    """Return how many bytes are in files that are not small."""
    return sum(member.size for member in planned.members if member.size > SMALL)


def _stretches(planned: Plan) -> Iterator[Stretch]:
    """Give the parts of the file: long ones by their paths, what lies between them without."""
    between = 0
    for member, source in zip(planned.members, planned.sources, strict=True):
        between += len(stored_zip.local_header(member))
        if member.size > SMALL:
            yield Stretch(between)
            yield Stretch(member.size, source.path, source.measured.crc32)
            between = 0
        else:
            between += member.size
    yield Stretch(between + len(planned.end))


def _require_good(planned: Plan, report: Report) -> None:
    if not report.verdict.is_good:
        _require_originals(planned, report)
        wrong = [str(one) for one in report.findings if one.outcome not in (PASSED, NOT_CHECKED)]
        raise BundleRefusedError(
            f"Our own verifier did not pass the finished bundle: {'; '.join(wrong[:10])}", report
        )


def _require_originals(planned: Plan, report: Report) -> None:
    """Measure the originals that a report names, to tell a changed one from a bad copy of it."""
    named = {finding.subject for finding in report.findings}
    for source in planned.sources:
        if source.path in named and not isinstance(source.content, bytes):
            _require_unchanged(source)


def stream(planned: Plan, sink: BinaryIO, *, progress: Progress | None = None) -> None:
    """Write the whole ZIP file to ``sink``.  Whether it is right is for a verifier to say.

    Raises OriginalChangedError at the first original of another length; what was written by then
    is no bundle.
    """
    meter = _Meter(planned.size, progress)
    buffer = memoryview(bytearray(BUFFER))
    for member, source in zip(planned.members, planned.sources, strict=True):
        header = stored_zip.local_header(member)
        sink.write(header)
        meter.add(len(header))
        if isinstance(source.content, bytes):
            sink.write(source.content)
            meter.add(member.size)
        else:
            _copy(source, sink, meter, buffer)
    sink.write(planned.end)
    meter.add(len(planned.end))
    meter.finish()


def verifier() -> bytes:
    """Return ``verify.pyz``: archive/proof zipped, the same bytes each time."""
    proof = Path(notes.__file__).parent
    files = {
        "__main__.py": (
            b"import runpy\n\n"
            b'runpy.run_module("archive.proof", run_name="__main__", alter_sys=True)\n'
        ),
        "archive/__init__.py": (proof.parent / "__init__.py").read_bytes(),
    }
    for path in proof.glob("*.py"):
        files[f"archive/proof/{path.name}"] = path.read_bytes()
    return stored_zip.packed(sorted(files.items()))


def _payload(contents: BundleContents) -> Iterator[_Source]:
    yield _made(VERIFIER, verifier())
    yield _made(VERIFY_PAGE, verify_page.page())
    for path, content in contents.documents.items():
        yield _made(f"data/{path}", content)
    if contents.custody is not None:
        for path, content in custody_files(contents.custody):
            yield _made(f"data/custody/{path}", content)
    for item in contents.items:
        folder = f"data/evidence/{item.folder}"
        for path, content in item.documents.items():
            yield _made(f"{folder}/{path}", content)
        for file in item.files:
            yield _Source(f"{folder}/{file.path}", file.measured, file.open)


def _made(path: str, content: bytes) -> _Source:
    """Measure a file that lies in memory; big ones too, for they are few."""
    return _Source(path, _measured(content), content)


def _measured(content: bytes) -> Measurement:
    return Measurement(
        size=len(content),
        sha256=hashlib.sha256(content).digest(),
        sha512=hashlib.sha512(content).digest(),
        crc32=zlib.crc32(content),
    )


def _require_sound_paths(payload: Iterable[_Source]) -> None:
    seen: dict[str, str] = {}
    sound: set[str] = set()
    for source in payload:
        folder, _, name = source.path.rpartition("/")
        if folder not in sound:
            if not all(safe_names.is_safe(part) for part in folder.split("/")):
                raise BundlingError(f"{source.path!r} is no safe path for a bundle")
            sound.add(folder)
        if not safe_names.is_safe(name):
            raise BundlingError(f"{source.path!r} is no safe path for a bundle")
        other = seen.setdefault(source.path.lower(), source.path)
        if other is not source.path:
            raise BundlingError(f"{source.path!r} and {other!r} are one file on some systems")
    spellings: dict[str, str] = {}
    for folder in sound:
        parts = folder.split("/")
        for depth in range(1, len(parts) + 1):
            parent = "/".join(parts[:depth])
            if parent.lower() in seen:
                raise BundlingError(f"{parent!r} is both a file and a folder")
            if spellings.setdefault(parent.lower(), parent) != parent:
                raise BundlingError(f"{parent!r} is spelt in two ways")


def _bag_info(contents: BundleContents, payload: Iterable[_Source]) -> bytes:
    sizes = [source.measured.size for source in payload]
    made_on = contents.created_at.astimezone(UTC).date().isoformat()
    lines = {
        "Source-Organization": contents.organisation,
        "Contact-Email": contents.contact,
        "External-Description": contents.description,
        "External-Identifier": f"urn:uuid:{contents.identifier}",
        "Bagging-Date": made_on,
        "Bag-Software-Agent": SOFTWARE,
        "BagIt-Profile-Identifier": PROFILE,
        "Zip-Form": ZIP_FORM,
        "Payload-Oxum": f"{sum(sizes)}.{len(sizes)}",
    }
    # A value of two lines would be a value and a label of the writer's choice.
    return "".join(
        f"{label}: {' '.join(value.split())}\n" for label, value in lines.items()
    ).encode()


def _manifest(sources: Iterable[_Source], algorithm: str) -> bytes:
    """Return a manifest that RFC 8493 readers and ``sha256sum -c`` both take."""
    return "".join(
        f"{getattr(source.measured, algorithm).hex()}  {source.path}\n" for source in sources
    ).encode("ascii")


def _copy(source: _Source, sink: BinaryIO, meter: _Meter, buffer: memoryview) -> None:
    """Write one original, and require that it is as long as it was when it was taken in."""
    left = source.measured.size
    with _opened(source) as original:
        if left > SMALL:
            for count in kernel_copies.copied(original, sink, left):
                left -= count
                meter.add(count)
        for piece in _pieces(source, original, buffer):
            left -= len(piece)
            if left < 0:
                break
            sink.write(piece)
            meter.add(len(piece))
    if left:
        _require_unchanged(source)
        raise BundlingError(f"{source.path} changed its length while it was read")


def _require_unchanged(source: _Source) -> None:
    """Require that an original measures what it did when it was taken in."""
    with _opened(source) as original:
        found = measure(_pieces(source, original, memoryview(bytearray(CHUNK))))
    if found != source.measured:
        raise OriginalChangedError(
            f"{source.path} is not what was taken in: expected {_said(source.measured)}, "
            f"found {_said(found)}"
        )


def _opened(source: _Source) -> IO[bytes]:
    """Open an original, and name it when it can't be."""
    if isinstance(source.content, bytes):
        raise TypeError("a file that lies in memory")
    try:
        return source.content()
    except (OSError, StoreError) as error:
        raise BundlingError(f"{source.path} can't be read: {error}") from error


def _pieces(source: _Source, original: IO[bytes], buffer: memoryview) -> Iterator[memoryview]:
    """Read an original into ``buffer`` again and again, and name it when it can't be read."""
    try:
        fill = _filling(original)
        while count := fill(buffer):
            yield buffer[:count]
    except (OSError, StoreError) as error:
        raise BundlingError(f"{source.path} can't be read: {error}") from error


def _filling(original: IO[bytes]) -> Callable[[memoryview], int]:
    """Give the way to read into a buffer; 0 at the end."""
    if isinstance(original, io.RawIOBase | io.BufferedIOBase):
        readinto = original.readinto
        return lambda room: readinto(room) or 0

    def fill(room: memoryview) -> int:
        content = original.read(len(room))
        room[: len(content)] = content
        return len(content)

    return fill


def _said(measured: Measurement) -> str:
    return f"sha256:{measured.sha256.hex()} of {measured.size} bytes"


class _Meter:
    """Counts bytes; tells the caller now and then."""

    def __init__(self, total: int, progress: Progress | None) -> None:
        self._total, self._progress = total, progress
        self._done = self._reported = 0

    def add(self, count: int) -> None:
        self._done += count
        if self._done - self._reported >= REPORT_EVERY:
            self._reported = self._done
            if self._progress is not None:
                self._progress(self._done, self._total)

    def finish(self) -> None:
        if self._done != self._total:
            raise RuntimeError(f"planned {self._total} bytes, wrote {self._done}")
        if self._progress is not None:
            self._progress(self._done, self._total)


def _hurrying(sink: BinaryIO, progress: Progress | None) -> Progress:
    """Have the disk take each stretch as soon as it is written, and not all of it in the end."""
    begun = 0

    def report(done: int, total: int) -> None:
        nonlocal begun
        if hasattr(os, "posix_fadvise"):
            sink.flush()
            # Pages that are not on disk yet can't be dropped: they begin to be written, and stay.
            os.posix_fadvise(sink.fileno(), begun, done - begun, os.POSIX_FADV_DONTNEED)
        begun = done
        if progress is not None:
            progress(done, total)

    return report


def _sha256_of(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _sweep(folder: Path) -> None:
    """Remove what exports that crashed left behind; none that runs has rested so long."""
    for path in folder.glob(".*.partial"):
        with contextlib.suppress(FileNotFoundError):  # another export was first
            if time.time() - path.stat().st_mtime > ABANDONED_AFTER:
                path.unlink()


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
