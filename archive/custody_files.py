"""The custody ledger's part of a bundle: the files of docs/formats/ledger.md, "Proof files".

Each has a reader of somebody else's making: a C2SP checkpoint, one tlog-proof for each entry, RFC
9901 disclosures, a tlog-policy.  Choosing reads the ledger; rendering is pure.
"""

from __future__ import annotations

import ssl
from bisect import bisect_left, bisect_right
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import accumulate
from operator import attrgetter

from django.db.models import Q

from archive import disclosures, keys
from archive.models.checkpoint import TimestampToken
from archive.models.disclosure import Disclosure
from archive.models.ledger import Entry, ItemHead
from archive.proof import entries, notes, timestamps
from archive.proof.merkle import Prover


class Level(StrEnum):
    """How much of an entry leaves."""

    FULL = "full"  # its bytes and its disclosures
    HEADER = "header"  # its bytes, personal values withheld
    HASH = "hash"  # its leaf hash only; it still proves that nothing was left out


@dataclass(frozen=True)
class ChosenEntry:
    """One entry that goes along, and at which level."""

    seq: int
    leaf: bytes
    body: bytes
    level: Level = Level.FULL
    disclosures: tuple[str, ...] = ()


@dataclass(frozen=True)
class Stamp:
    """A time authority's response about a checkpoint, which goes along with that checkpoint."""

    size: int
    authority: str
    note: str
    response: bytes


@dataclass(frozen=True)
class CustodySelection:
    """Entries under one signed checkpoint, and the prover that shows that they stand there.

    ``remembered`` are the sizes of older checkpoints that the recipient holds: for each a proof
    shows that this log continues it.  ``witnesses`` are the lines of a tlog-policy that the archive
    advises: who cosigns, and how many of them must have.  ``bridges`` are sizes and notes of the
    checkpoints that lead from each of the log's keys to the next.
    """

    checkpoint: str
    vkey: str
    prover: Prover
    entries: tuple[ChosenEntry, ...]
    remembered: tuple[int, ...] = ()
    witnesses: tuple[str, ...] = ("quorum none",)
    stamps: tuple[Stamp, ...] = ()
    bridges: tuple[tuple[int, str], ...] = ()


#: Log-level entries that any reader of a bundle needs: who the log is, what happened to its
#: database, and which keys count.
ALWAYS = ("log.created", "log.restored", "key.rotated", "key.revoked")
#: Log-level entries that are about one export.
OF_THE_EXPORT = ("export.requested", "export.created")

SOME = 500  # items asked for in one query; SQLite takes a bounded number of parameters


def choose(
    *,
    items: Mapping[str, Level],
    bundle: str,
    checkpoint: str,
    vkey: str,
    prover: Prover,
    remembered: Collection[int] = (),
    witnesses: Collection[str] = ("quorum none",),
) -> CustodySelection:
    """Choose each item's whole chain, what is always needed, and this export's own entries.

    What erased values of these goes along, too; an item's erasures stand in its chain.  Only what
    ``checkpoint`` covers can be proven, and goes along.  One query for the entries and one for the
    disclosures of each 500 items, one for the time-stamps.
    """
    text, _ = notes.split_note(checkpoint)
    signed = notes.Checkpoint.parse(text)
    of_log = Entry.objects.filter(log__origin=signed.origin, seq__lt=signed.size)
    chosen: dict[int, ChosenEntry] = {}
    names = sorted(items)
    for at in range(0, len(names), SOME):
        some = names[at : at + SOME]
        told = _disclosures(
            Q(item__in=[name for name in some if items[name] is Level.FULL]), signed.origin
        )
        for seq, leaf, body, item in of_log.filter(item__in=some).values_list(
            "seq", "leaf", "body", "item"
        ):
            chosen[seq] = _chosen(seq, leaf, body, items[item], told)
    general = of_log.filter(
        Q(kind__in=ALWAYS) | Q(kind__in=OF_THE_EXPORT, body__contains=bundle), item__isnull=True
    )
    rows = list(general.values_list("seq", "leaf", "body"))
    told = _disclosures(Q(entry_seq__in=[row[0] for row in rows]), signed.origin)
    erasures = Disclosure.objects.filter(
        entry_seq__in=[row[0] for row in rows], log__origin=signed.origin, item__isnull=True
    ).values("erased_by")
    rows += of_log.filter(seq__in=erasures, item__isnull=True).values_list("seq", "leaf", "body")
    for seq, leaf, body in rows:
        chosen[seq] = _chosen(seq, leaf, body, Level.FULL, told)
    stamped = _bracketing(sorted(chosen), signed)
    recorded = [row.entry_seq for row in stamped if row.entry_seq < signed.size]
    for seq, leaf, body in of_log.filter(seq__in=recorded).values_list("seq", "leaf", "body"):
        chosen[seq] = _chosen(seq, leaf, body, Level.FULL, {})
    return CustodySelection(
        checkpoint=checkpoint,
        vkey=vkey,
        prover=prover,
        entries=tuple(chosen[seq] for seq in sorted(chosen)),
        remembered=tuple(sorted(set(remembered))),
        witnesses=tuple(witnesses),
        bridges=tuple(
            (row.size, row.note) for row in keys.bridges(signed.origin, size=signed.size)
        ),
        stamps=tuple(
            Stamp(
                size=row.checkpoint.size,
                authority=row.authority,
                note=notes.signed_by_log(row.checkpoint.note),
                response=bytes(row.tsr),
            )
            for row in stamped
        ),
    )


def _bracketing(seqs: Sequence[int], signed: notes.Checkpoint) -> list[TimestampToken]:
    """Return the tokens that say most about when these entries were made.

    For each entry the earliest that covers it, and the latest that was recorded before it; and the
    newest of each authority.
    """
    tokens = list(
        TimestampToken.objects.filter(
            checkpoint__log__origin=signed.origin, checkpoint__size__lte=signed.size
        )
        .select_related("checkpoint")
        .order_by("checkpoint__size", "pk")
    )
    wanted = {row.authority: row for row in tokens}
    kept = {row.pk for row in wanted.values()}
    # From the end: the earliest token of a checkpoint at least that large.
    covering: list[TimestampToken] = []
    for row in reversed(tokens):
        covering.append(min((row, *covering[-1:]), key=attrgetter("gen_time")))
    covering.reverse()
    sizes = [row.checkpoint.size for row in tokens]
    by_entry = sorted(
        (row for row in tokens if row.entry_seq < signed.size), key=lambda row: row.entry_seq
    )
    places = [row.entry_seq for row in by_entry]
    before = list(accumulate(by_entry, _later))
    for seq in seqs:
        at = bisect_right(sizes, seq)
        if at < len(covering):
            kept.add(covering[at].pk)
        at = bisect_left(places, seq)
        if at:
            kept.add(before[at - 1].pk)
    return [row for row in tokens if row.pk in kept]


def heads(items: Collection[str]) -> dict[str, tuple[int, bytes]]:
    """Return for each item the place of its next entry and the leaf of its last."""
    return {
        head.item: (head.next_seq, bytes(head.leaf))
        for head in ItemHead.objects.filter(item__in=list(items))
    }


def _disclosures(which: Q, origin: str) -> dict[int, list[str]]:
    told: dict[int, list[str]] = {}
    rows = Disclosure.objects.filter(which, log__origin=origin, text__isnull=False)
    for row in rows.order_by("digest"):
        text = disclosures.text_of(row)
        if text is not None:
            told.setdefault(row.entry_seq, []).append(text)
    return told


def _chosen(
    seq: int, leaf: bytes | memoryview, body: str, level: Level, told: Mapping[int, list[str]]
) -> ChosenEntry:
    texts = tuple(told.get(seq, ())) if level is Level.FULL else ()
    return ChosenEntry(
        seq=seq, leaf=bytes(leaf), body=body.encode(), level=level, disclosures=texts
    )


def custody_files(selection: CustodySelection) -> Iterator[tuple[str, bytes]]:
    """Render the selection: paths below ``data/custody/`` and their bytes."""
    checkpoint = selection.checkpoint
    text, _ = notes.split_note(checkpoint)
    size = notes.Checkpoint.parse(text).size
    yield "checkpoint", checkpoint.encode()
    yield "policy.txt", policy(selection.vkey, selection.witnesses)
    shown = [one for one in selection.entries if one.level is not Level.HASH]
    withheld = [one for one in selection.entries if one.level is Level.HASH]
    yield "entries.ndjson", b"".join(one.body + b"\n" for one in shown)
    yield "withheld.txt", _lines(f"{one.seq} {one.leaf.hex()}" for one in withheld)
    told = (text for one in shown if one.level is Level.FULL for text in one.disclosures)
    yield "disclosures.txt", _lines(told)
    written: dict[bytes, str] = {}
    signed = notes.brief(checkpoint)
    for seq, path in selection.prover.inclusions((one.seq for one in selection.entries), size):
        yield f"proofs/{seq}.tlog-proof", notes.proof_text(seq, path, signed, written).encode()
    for stamp in selection.stamps:
        name = f"timestamps/{stamp.size}"
        yield f"{name}.{stamp.authority}.tsr", stamp.response
        yield f"{name}.{stamp.authority}.pem", _pem(timestamps.certificates(stamp.response))
    for stamped, note in sorted({stamp.size: stamp.note for stamp in selection.stamps}.items()):
        yield f"timestamps/{stamped}.note", note.encode()
    for bridge, note in selection.bridges:
        yield f"keys/{bridge}.note", note.encode()
    olds = {*(bridge for bridge, _ in selection.bridges if bridge < size)}
    olds |= {
        *selection.remembered,
        *(stamp.size for stamp in selection.stamps if stamp.size < size),
    }
    for old in sorted(olds):
        if 0 < old <= size:
            grown = selection.prover.consistency(old, size)
            body = notes.consistency_text(old, grown, checkpoint).encode()
            yield f"consistency/{old}-{size}", body


def _later(one: TimestampToken, other: TimestampToken) -> TimestampToken:
    return max(one, other, key=attrgetter("gen_time"))


def _pem(certificates: Iterable[bytes]) -> bytes:
    """Write certificates as OpenSSL reads them (RFC 7468)."""
    return "".join(ssl.DER_cert_to_PEM_cert(each) for each in certificates).encode()


def policy(vkey: str, witnesses: Iterable[str] = ("quorum none",)) -> bytes:
    """Return a C2SP tlog-policy.  It is advice: the reader's own policy decides whom to trust."""
    return _lines((f"log {vkey}", *witnesses))


def disclosed(chosen: Iterable[ChosenEntry]) -> dict[int, dict[str, object]]:
    """Return the personal values that go along, by the number of their entry."""
    values: dict[int, dict[str, object]] = {}
    for one in chosen:
        for text in one.disclosures:
            _, name, value = entries.open_disclosure(text)
            values.setdefault(one.seq, {})[name] = value
    return values


def _lines(lines: Iterable[str]) -> bytes:
    return "".join(f"{line}\n" for line in lines).encode("utf-8")
