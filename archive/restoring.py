"""Puts back into an older database what it lacks, so that recording may go on.

A database that was restored from a backup is older than what was signed, and nothing is recorded in
it (custody.OlderDatabaseError).  The missing entries come from the mirrors beside the anchors, or
from bundles and partners; only those that lead to the signed tree are taken.  Their personal values
come from bundles; what nobody has any more is named by the entry that records all this.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from pathlib import Path

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from archive import anchors, custody, data_keys, erasing, mirrors, signing
from archive.models.checkpoint import Checkpoint
from archive.models.disclosure import Disclosure
from archive.models.ledger import Log, LogHead
from archive.proof.bundle import open_bundle
from archive.proof.entries import LONGEST_ENTRY, Entry, disclosure_digest, open_disclosure
from archive.proof.errors import MalformedError, ProofError
from archive.proof.events import DisclosureErased, LogRestored
from archive.signer import Signed

_LARGEST_FILE = 2**31  # bytes of a bundle's entries or disclosures
_MOST_RANGES = 5  # named in a complaint


class RestoringError(Exception):
    """Nothing was put back; the message says why."""


@dataclass(frozen=True)
class Restored:
    """What was put back: the entries from ``first`` up to ``size``, and what stays lost."""

    first: int
    size: int
    lost: tuple[str, ...]
    recorded: tuple[custody.Pending, ...]


@dataclass
class _Found:
    """What the sources offer: entries by their place, disclosures by their digest."""

    bodies: dict[int, bytes] = field(default_factory=dict)
    texts: dict[str, str] = field(default_factory=dict)


def restore(sources: Sequence[Path], *, actor: custody.Actor, now: datetime) -> Restored:
    """The database holds every entry that was signed, and ``log.restored`` entries say so.

    ``sources`` are bundles, or files with an entry on each line, beside the archive's own mirrors.
    All of it happens or nothing.  Raises RestoringError, custody.CustodyError, SignerError and
    anchors.AnchorError.  The catalogue's own rows are not put back: an audit names what it lacks.
    """
    origin = settings.LOG_ORIGIN
    promised = _promised(origin)
    with custody.writing():
        log = _log(origin)
        first = custody.head().size
        if promised is None or promised.size <= first:
            raise RestoringError(
                f"Nothing is missing: the database holds {first} entries, and nobody remembers "
                "more."
            )
        found = _found(sources, start=first, end=promised.size)
        bodies = _complete(found, first, promised.size)
        custody.put_back(bodies, promised=promised)
        _put_checkpoints_back(log, first, promised.size)
        written = [Entry.decode(body) for body in bodies]
        _erase_again(log, written)
        lost = _put_values_back(log, written, found.texts)
        with custody.recording(actor=actor, now=now) as record:
            parts = [lost[at : at + erasing.MOST] for at in range(0, len(lost), erasing.MOST)]
            recorded = tuple(
                record.add(
                    LogRestored(
                        from_size=first,
                        size=promised.size,
                        root=promised.root.hex(),
                        lost=tuple(part),
                    )
                )
                for part in parts or [[]]
            )
    return Restored(first, promised.size, tuple(lost), recorded)


def _promised(origin: str) -> Signed | None:
    """Return the largest tree that the signer and the anchors remember."""
    remembered = [signed for _, signed in custody.outside(origin)]
    last = signing.last()
    if last is not None:
        remembered.append(last)
    return max(remembered, key=lambda one: one.size, default=None)


def _log(origin: str) -> Log:
    """Return the log; it begins again with nothing where the database is empty."""
    log, is_new = Log.objects.get_or_create(origin=origin)
    if is_new:
        LogHead.objects.create(log=log, size=0, peaks=b"")
    return log


def _found(sources: Sequence[Path], *, start: int, end: int) -> _Found:
    found = _Found()
    for path in settings.ANCHOR_FILES:
        found.bodies.update(mirrors.read(mirrors.beside(path), start=start, end=end))
    for source in sources:
        try:
            entries, texts = _offered(source)
            for line in entries:
                entry = Entry.decode(line)
                if start <= entry.seq < end:
                    found.bodies.setdefault(entry.seq, line)
            found.texts.update((disclosure_digest(text), text) for text in texts)
        except (OSError, ProofError) as error:
            raise RestoringError(f"{source} can't be used: {error}.") from error
    return found


def _offered(source: Path) -> tuple[Iterator[bytes], list[str]]:
    """Return what a source has: the bytes of entries, and disclosures."""
    if source.is_file():
        with source.open("rb") as file:
            if file.read(2) != b"PK":
                return _lines(source), []
    with open_bundle(source) as bundle:
        entries = bundle.read("data/custody/entries.ndjson", limit=_LARGEST_FILE)
        texts = bundle.text("data/custody/disclosures.txt", limit=_LARGEST_FILE)
    return (line for line in entries.split(b"\n") if line), texts.splitlines()


def _lines(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        while line := file.readline(LONGEST_ENTRY + 2):
            if line.strip():
                yield line.removesuffix(b"\n")


def _complete(found: _Found, first: int, size: int) -> list[bytes]:
    missing = [seq for seq in range(first, size) if seq not in found.bodies]
    if missing:
        starts = [seq for seq in missing if seq - 1 not in set(missing)]
        shown = ", ".join(map(str, starts[:_MOST_RANGES]))
        raise RestoringError(
            f"{len(missing)} of the {size - first} missing entries are in none of the sources, "
            f"from entry {shown}{' and others' if len(starts) > _MOST_RANGES else ''} on. Name "
            "further bundles or files of entries; nothing was put back."
        )
    return [found.bodies[seq] for seq in range(first, size)]


def _put_checkpoints_back(log: Log, first: int, size: int) -> None:
    """Checkpoints that the anchors hold, and the tree bears out, are in the database again."""
    prover = custody.prover(size=size, log=log)
    notes = {
        checkpoint.size: note
        for path in settings.ANCHOR_FILES
        for note, checkpoint in anchors.every(path)
        if checkpoint.origin == log.origin
        and first < checkpoint.size <= size
        and prover.root(checkpoint.size) == checkpoint.root
    }
    held = set(Checkpoint.objects.filter(log=log, size__gt=first).values_list("size", flat=True))
    Checkpoint.objects.bulk_create(
        Checkpoint(log=log, size=at, note=notes[at], signed_at=timezone.now())
        for at in sorted(notes.keys() - held)
    )


def _erase_again(log: Log, written: Sequence[Entry]) -> None:
    """What these entries erased is erased: an older database holds it still."""
    for entry in written:
        if entry.kind == DisclosureErased.kind:
            digests = [str(one) for one in entry.data.get("digests", ())]
            held = Disclosure.objects.filter(log=log, digest__in=digests, text__isnull=False)
            held.update(text=None, erased_by=entry.seq)
            transaction.on_commit(partial(data_keys.destroy, digests))


def _put_values_back(log: Log, written: Sequence[Entry], texts: dict[str, str]) -> list[str]:
    """Personal values of these entries are beside them again; return the digests of the others."""
    erased = {
        str(digest)
        for entry in written
        if entry.kind == DisclosureErased.kind
        for digest in entry.data.get("digests", ())
    }
    lost, rows = [], []
    for entry in written:
        for digest in entry.sd:
            text = texts.get(digest)
            if text is None or digest in erased:
                lost.append(digest)
                continue
            try:
                _, name, _ = open_disclosure(text)
            except MalformedError as error:
                raise RestoringError(f"A disclosure can't be read: {error}.") from error
            rows.append(
                Disclosure(
                    log=log,
                    digest=digest,
                    entry_seq=entry.seq,
                    item=entry.item,
                    name=name,
                    text=data_keys.seal(text, digest),
                )
            )
    Disclosure.objects.bulk_create(rows)
    return sorted(lost)
