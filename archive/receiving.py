"""A bundle or bag of somebody else's: checked first, then kept, with the custody it brings.

Nothing is extracted: named members are read as a stream, under the verifier's limits on names,
numbers and sizes, and each must measure what it did when it was checked.  Files that become items
are kept under their own digest.  Everything else of the bundle is kept byte for byte as one
*packet*; with the files it is the whole bundle again, which can be verified at any later time.
"""

from __future__ import annotations

import json
import os
import shutil
import tempfile
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, replace
from functools import reduce
from pathlib import Path
from typing import Any

from archive import plain_bags, store, stored_zip
from archive.backends import read_pieces
from archive.models.stored_object import StoredObject
from archive.proof import canonical, merkle, notes
from archive.proof.bundle import Bundle, Member, open_bundle
from archive.proof.chains import ENTRIES, lines
from archive.proof.entries import Entry
from archive.proof.errors import MalformedError, ProofError
from archive.proof.examination import LONGEST_MANIFEST, LONGEST_RECORD, Policy
from archive.proof.originals import is_media
from archive.proof.report import FAILED, FORKED, UNREADABLE, Finding, Report, Verdict, gather
from archive.proof.trust import CHECKPOINT, SIGNATURE
from archive.proof.verify import verify_opened

BUNDLE, BAG = "bundle", "bag"  # ours, signed and with custody; a plain BagIt bag
PACKET = "packet"  # the one folder of a packet
RECEIVED = "received.json"
FORMAT = 1  # of received.json
TAKEN = frozenset({Verdict.VERIFIED, Verdict.UNTRUSTED})
LARGEST_PACKET = 2 * 1024**3  # bytes; a packet holds what is said, not media


class ReceivingError(Exception):
    """What was brought is not taken in; the message says why, and what to do."""


class RefusedError(ReceivingError):
    """It is not whole, or not what it says it is; ``report`` has every fault."""

    def __init__(self, report: Report) -> None:
        self.report = report
        self.faults = [*report.of(FORKED), *report.of(FAILED), *report.of(UNREADABLE)]
        first = "; ".join(map(str, self.faults[:5])) or str(report.verdict)
        more = f"; and {len(self.faults) - 5} more" if len(self.faults) > 5 else ""
        super().__init__(
            f"It was not taken in: {first}{more}. Ask whoever sent it for another copy."
        )


@dataclass(frozen=True)
class BroughtFile:
    """A file that becomes an item: its path in the bundle, and its size and SHA-256 as checked."""

    path: str
    size: int
    sha256: str


@dataclass(frozen=True)
class BroughtItem:
    """Files that belong together, and the bytes of what is said of them; empty for a plain bag."""

    folder: str
    description: bytes
    files: tuple[BroughtFile, ...]


@dataclass(frozen=True)
class History:
    """What the foreign ledger has of one item: how many entries, and the last one's leaf hash."""

    entries: int = 0
    head: str = ""


@dataclass(frozen=True)
class Brought:
    """A bundle that is open and has been checked, and holds together."""

    form: str  # BUNDLE or BAG
    report: Report
    identifier: str  # a UUID, or what bag-info.txt calls it
    sender: str
    note: str  # the foreign checkpoint, as it stands; empty for a plain bag
    items: tuple[BroughtItem, ...]
    bundle: Bundle

    @property
    def verdict(self) -> str:
        return str(self.report.verdict)

    @property
    def signer(self) -> str:
        """The SHA-256 of the key that signed it; empty where nothing is signed."""
        return str(self.report.facts.get("signer_fingerprint", ""))

    @property
    def checkpoint(self) -> notes.Checkpoint | None:
        return notes.Checkpoint.parse(notes.split_note(self.note)[0]) if self.note else None

    def histories(self) -> dict[str, History]:
        """Return what the entries that it brings say of each foreign item, by the item's id."""
        if self.form == BAG:
            return {}
        found: dict[str, History] = {}
        for line in lines(self.bundle, ENTRIES):
            entry = Entry.decode(line)
            if entry.item is not None:
                number = found.get(entry.item, History()).entries
                found[entry.item] = History(number + 1, merkle.leaf_hash(line).hex())
        return found


@contextmanager
def opened(
    path: str | os.PathLike[str],
    policy: Policy,
    remembered: Callable[[str], Sequence[str]] = lambda _origin: (),
) -> Iterator[Brought]:
    """Open what was brought, a folder or a ZIP file, and check all of it before anything is kept.

    ``remembered`` gives the checkpoints that are known of a ledger: a bundle that contradicts one
    is refused.  Raises RefusedError with the report, and ReceivingError for what is no bag at all.
    """
    with ExitStack() as closing:
        try:
            bundle = closing.enter_context(open_bundle(path))
        except OSError as error:
            raise ReceivingError(f"It can't be read: {error.strerror or error}.") from error
        except MalformedError as error:
            raise ReceivingError(
                f"It is neither a folder nor a ZIP file that can be read safely: {error}. "
                "Unpack it yourself and give the folder."
            ) from error
        yield _checked(bundle, policy, remembered)


def _checked(bundle: Bundle, policy: Policy, remembered: Callable[[str], Sequence[str]]) -> Brought:
    if "bagit.txt" not in bundle.members:
        faults = [Finding(one.code, FAILED, one.subject, one.detail) for one in bundle.faults]
        if faults:
            raise RefusedError(gather(bundle.name, faults))
        raise ReceivingError(
            "It is neither a bundle nor a BagIt bag: it has no bagit.txt. If it is evidence itself "
            "(a web archive, a ProofMode package, any file), take it in as an item."
        )
    # A plain bag may well have a folder called custody; these files only a bundle has.
    if any(path in bundle.members for path in (CHECKPOINT, ENTRIES, SIGNATURE)):
        return _bundle(bundle, policy, remembered)
    checked = plain_bags.check(bundle)
    if checked.report.verdict not in TAKEN:
        raise RefusedError(checked.report)
    files = [
        BroughtFile(path, member.size, checked.sha256[path])
        for path, member in sorted(bundle.members.items())
        if path.startswith(plain_bags.PAYLOAD)
    ]
    return Brought(
        form=BAG,
        report=checked.report,
        identifier=checked.info.get("External-Identifier", ""),
        sender=checked.info.get("Source-Organization", ""),
        note="",
        items=tuple(BroughtItem(file.path, b"", (file,)) for file in files),
        bundle=bundle,
    )


def _bundle(bundle: Bundle, policy: Policy, remembered: Callable[[str], Sequence[str]]) -> Brought:
    with suppress(ProofError):  # what can't be read of it is a finding of the verifier
        origin = notes.Checkpoint.parse(notes.split_note(_note(bundle))[0]).origin
        policy = replace(policy, remembered=(*policy.remembered, *remembered(origin)))
    report = verify_opened(bundle, policy)
    if report.verdict not in TAKEN:
        raise RefusedError(report)
    digests = _listed(bundle)
    folders: dict[str, list[BroughtFile]] = {}
    for path, member in sorted(bundle.members.items()):
        if is_media(path):
            folder = "/".join(path.split("/")[:3])
            folders.setdefault(folder, []).append(BroughtFile(path, member.size, digests[path]))
    return Brought(
        form=BUNDLE,
        report=report,
        identifier=str(report.facts.get("bundle", "")),
        sender=plain_bags.info(bundle).get("Source-Organization", ""),
        note=_note(bundle),
        items=tuple(
            BroughtItem(
                folder,
                bundle.read(f"{folder}/item.json", limit=LONGEST_RECORD),
                tuple(files),
            )
            for folder, files in folders.items()
        ),
        bundle=bundle,
    )


def _note(bundle: Bundle) -> str:
    return bundle.text(CHECKPOINT, limit=notes.LONGEST_NOTE)


def _listed(bundle: Bundle) -> dict[str, str]:
    """Return each payload file's SHA-256 as the checked manifest says."""
    text = bundle.text("manifest-sha256.txt", limit=LONGEST_MANIFEST)
    parted = (line.partition("  ") for line in text.splitlines())
    return {path: digest for digest, _, path in parted}


# Keeping


def keep_files(brought: Brought) -> dict[str, store.Kept]:
    """Keep the bytes of every file, and return each by its path.

    Raises ReceivingError when one is no longer what was checked; StoreError as ``store.put`` does.
    What was kept by then are intact bytes that no row names.
    """
    kept = {}
    for item in brought.items:
        for file in item.files:
            kept[file.path] = _keep(brought.bundle, file)
    return kept


def _keep(bundle: Bundle, file: BroughtFile) -> store.Kept:
    try:
        kept = store.put(bundle.chunks(bundle.members[file.path]), declared_size=file.size)
    except (MalformedError, OSError) as error:
        raise ReceivingError(f"{file.path} changed while it was taken in: {error}.") from error
    if kept.measurement.sha256.hex() != file.sha256:
        raise ReceivingError(f"{file.path} changed while it was taken in. Nothing was recorded.")
    return kept


def keep_packet(brought: Brought) -> store.Kept:
    """Keep everything but the files as one ZIP file, the same bytes for the same bundle."""
    files = {file.path: file for item in brought.items for file in item.files}
    rest = [member for path, member in sorted(brought.bundle.members.items()) if path not in files]
    if sum(member.size for member in rest) > LARGEST_PACKET:
        raise ReceivingError(f"What it says of its files is more than {LARGEST_PACKET} bytes.")
    received = {
        "format": FORMAT,
        "form": brought.form,
        "said": [member.path for member in rest],
        "files": [
            {"path": one.path, "size": one.size, "sha256": one.sha256} for one in files.values()
        ],
    }
    text = json.dumps(received, ensure_ascii=True, sort_keys=True, indent=1).encode() + b"\n"
    return store.put(_packed(brought.bundle, rest, text))


def _packed(bundle: Bundle, rest: Sequence[Member], received: bytes) -> Iterator[bytes]:
    members = []
    for number, one in enumerate(rest):
        # Read twice: a header states the checksum of what follows, and a file may be long.
        crc32 = reduce(lambda so_far, chunk: zlib.crc32(chunk, so_far), bundle.chunks(one), 0)
        members.append(stored_zip.Member(f"{PACKET}/{_numbered(number)}", one.size, crc32))
        yield stored_zip.local_header(members[-1])
        yield from bundle.chunks(one)
    members.append(stored_zip.Member(f"{PACKET}/{RECEIVED}", len(received), zlib.crc32(received)))
    yield stored_zip.local_header(members[-1])
    yield received
    yield stored_zip.directory(members)


def _numbered(number: int) -> str:
    """Return what a packet calls a file: names of others need not be names here."""
    return f"said/{number:07d}"


# What was kept, as a bundle again


class _KeptBundle(Bundle):
    """A packet and the store together: every member of the bundle that was taken in."""

    def __init__(self, packet: Bundle, received: Mapping[str, Any], name: str) -> None:
        super().__init__(name)
        self._packet = packet
        self._files = files = _rows(received)
        self._said = {
            str(path): packet.members[_numbered(number)]
            for number, path in enumerate(received["said"])
        }
        for path, member in self._said.items():
            self._add(Member(path, member.size))
        for path, stored in files.items():
            self._add(Member(path, stored.size))

    def chunks(self, member: Member) -> Iterator[bytes]:
        if member.path in self._said:
            yield from self._packet.chunks(self._said[member.path])
            return
        with store.open(self._files[member.path].sha256) as file:
            yield from read_pieces(file)

    def digests(self, member: Member) -> tuple[str, str]:
        """Give an original's digests as its row has them: the audit reads the bytes itself."""
        if member.path in self._said:
            return self._packet.digests(self._said[member.path])
        stored = self._files[member.path]
        return stored.sha256, stored.sha512


@contextmanager
def kept_bundle(sha256: str) -> Iterator[Bundle]:
    """Open a bundle that was taken in, from its packet's digest, as it came.

    Raises StoreError when the packet can't be read, ReceivingError when a file's row is gone,
    MalformedError when the packet is not one.
    """
    with ExitStack() as closing:
        copy = Path(closing.enter_context(tempfile.TemporaryDirectory())) / "packet.zip"
        with store.open(sha256) as source, copy.open("wb") as sink:
            shutil.copyfileobj(source, sink)
        packet = closing.enter_context(open_bundle(copy))
        try:
            received = canonical.parse_json(packet.read(RECEIVED, limit=LONGEST_MANIFEST))
            bundle = _KeptBundle(packet, received, f"packet {sha256}")
        except (KeyError, TypeError) as error:
            raise MalformedError(f"not a packet: {error!r}") from error
        yield bundle


def _rows(received: Mapping[str, Any]) -> dict[str, StoredObject]:
    named = {str(one["path"]): str(one["sha256"]) for one in received["files"]}
    digests = sorted(set(named.values()))
    rows: dict[str, StoredObject] = {}
    for begin in range(0, len(digests), _BATCH):
        rows |= StoredObject.objects.in_bulk(digests[begin : begin + _BATCH])
    missing = [path for path, digest in named.items() if digest not in rows]
    if missing:
        raise ReceivingError(f"The store's table does not name {', '.join(missing[:5])}.")
    return {path: rows[digest] for path, digest in named.items()}


_BATCH = 500  # rows asked for by name at a time


def verify_again(sha256: str, policy: Policy, *, form: str) -> Report:
    """Check a bundle that was taken in, as it came; whatever is wrong with it, this reports it."""
    subject = f"packet {sha256}"
    try:
        with kept_bundle(sha256) as bundle:
            if form == BAG:
                return plain_bags.check(bundle).report
            return verify_opened(bundle, policy, subject=subject)
    except (OSError, store.StoreError, ReceivingError, ProofError) as error:
        return gather(subject, [Finding("packet-unreadable", UNREADABLE, subject, str(error))])
