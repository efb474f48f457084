"""Entries, their tree and their chains: bytes, leaves, columns, nodes and heads agree."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import Any

from django.conf import settings
from django.db.models import Q, QuerySet, Subquery

from archive import anchors, custody, signing
from archive.audits.examination import (
    Examination,
    Link,
    Original,
    Row,
    erased_by,
    failed,
    lost_by,
    restored_by,
)
from archive.models.checkpoint import Checkpoint
from archive.models.ledger import Entry, ItemHead, Log, LogHead, Node
from archive.models.stored_object import StoredObject
from archive.proof import key_history
from archive.proof.entries import Entry as Written
from archive.proof.entries import format_time
from archive.proof.errors import ProofError
from archive.proof.events import BundleImported, MediaIngested
from archive.proof.merkle import WIDTH, Frontier, leaf_hash
from archive.proof.report import PASSED, Finding
from archive.signer import SignerError

_BATCH = 2000  # entries read at a time
_NODES = 256  # nodes of one level read at a time
_COLUMNS = ("kind", "item", "item_seq", "time", "actor", "case")
_MEASURED = ("sha256", "sha512", "size", "crc32")


def entries_are_as_recorded(at: Examination) -> Iterator[Finding]:
    """Bytes, leaf and columns of each entry agree; no number is missing, time never goes back.

    Then, with the head locked, what came in meanwhile, and the head, the tree and the chains' ends.
    """
    at.wanted = _sizes_to_prove(at)
    faults = 0
    for finding in _read_entries(at):
        faults += 1
        yield finding
    with custody.writing():
        rest = [*_read_entries(at), *_tree_is_as_recorded(at), *_chains_end(at)]
    for finding in rest:
        faults += 1
        yield finding
    if not faults:
        read = f"entries {at.start} to {at.end - 1}" if at.start else f"{at.end} entries"
        yield Finding("entries-as-recorded", PASSED, read, "bytes, columns, tree")


def _sizes_to_prove(at: Examination) -> set[int]:
    checkpoints = Checkpoint.objects.filter(log=at.log, size__gte=at.start)
    sizes = set(checkpoints.values_list("size", flat=True))
    for path in settings.ANCHOR_FILES:
        try:
            sizes |= {checkpoint.size for _, checkpoint in anchors.every(path)}
        except anchors.AnchorError:
            continue  # the check of the anchors says so
    try:
        last = signing.last()
    except SignerError:
        return sizes  # the check of the signer says so
    return sizes | ({last.size} if last else set())


def _read_entries(at: Examination) -> Iterator[Finding]:
    """Go on from where the last reading ended, to the entries' end."""
    stored = _StoredNodes(at.log)
    head = LogHead.objects.filter(log=at.log).first()
    total = (head.size if head else 0) + (StoredObject.objects.count() if at.full else 0)
    run: list[Row] = []
    begin = at.end
    rows = (
        Entry.objects.filter(log=at.log, seq__gte=begin)
        .order_by("seq")
        .values_list("seq", "leaf", "body", *_COLUMNS)
        .iterator(chunk_size=_BATCH)
    )
    expected = begin
    for seq, leaf, body, *columns in rows:
        if seq != expected:
            last = f" to {seq - 1}" if seq - 1 > expected else ""
            yield failed("entry-missing", f"entry {expected}{last}", "is not in the database")
            # Without it the tree can't be followed; the other entries are still checked.
            at.has_gaps = True
        expected = at.end = seq + 1
        row = Row(seq=seq, leaf=bytes(leaf), hashed=leaf_hash(body.encode()))
        yield from _entry(at, row, body, columns)
        run.append(row)
        if (seq + 1) % WIDTH == 0:
            yield from _believed(at, run, stored)
            run = []
        if seq % _BATCH == 0:
            at.progress(seq, max(total, seq))
    peaks = bytes(head.peaks) if head and head.size == expected else None
    yield from _believed(at, run, stored, peaks=peaks)


class _StoredNodes:
    """The tree's nodes as they are kept, read some at a time for each level, in rising order."""

    def __init__(self, log: Log) -> None:
        self._log = log
        self._read: dict[int, tuple[int, dict[int, bytes]]] = {}

    def get(self, level: int, index: int) -> bytes | None:
        start, found = self._read.get(level, (-_NODES, {}))
        if not start <= index < start + _NODES:
            rows = Node.objects.filter(
                log=self._log, level=level, index__gte=index, index__lt=index + _NODES
            ).values_list("index", "hash")
            found = {place: bytes(kept) for place, kept in rows}
            self._read[level] = (index, found)
        return found.get(index)


def _believed(
    at: Examination, run: list[Row], stored: _StoredNodes, *, peaks: bytes | None = None
) -> Iterator[Finding]:
    """Add a run of entries to the tree, by the hashes that the rest of the tree speaks for.

    Where an entry's bytes and its leaf disagree, one of them was changed: the one that leads to the
    stored node, or to the head, is the one that was recorded.
    """
    if any(row.leaf != row.hashed for row in run):
        node = stored.get(1, run[0].seq // WIDTH) if peaks is None else None
        hashed_fits = _fits(at, [row.hashed for row in run], node, peaks)
        leaf_fits = _fits(at, [row.leaf for row in run], node, peaks)
        for row in run:
            if row.leaf == row.hashed:
                continue
            if hashed_fits and not leaf_fits:
                yield failed("leaf-altered", f"entry {row.seq} column leaf", "is not its hash")
            else:
                yield failed(
                    "entry-altered",
                    f"entry {row.seq} column body",
                    "these are not the bytes that were recorded",
                )
        chosen = [row.hashed if hashed_fits and not leaf_fits else row.leaf for row in run]
    else:
        chosen = [row.leaf for row in run]
    for leaf in chosen:
        for level, index, made in at.frontier.append(leaf):
            if not at.has_gaps:  # else where the entries that are left stand is not known
                yield from _node(at, level, index, made, stored.get(level, index))
        if at.frontier.size in at.wanted:
            at.roots[at.frontier.size] = at.frontier.root()


def _node(
    at: Examination, level: int, index: int, made: bytes, found: bytes | None
) -> Iterator[Finding]:
    """Compare a node with what the entries below it make; a fault below it is named there."""
    fault_below = level - 1 in at.unlike
    at.unlike.discard(level - 1)
    if found == made:
        return
    at.unlike.add(level)
    first, last = index * WIDTH**level, (index + 1) * WIDTH**level - 1
    if found is None:
        yield failed("node-missing", f"node {level}/{index}", f"over entries {first} to {last}")
    elif not fault_below:
        yield failed(
            "node-altered",
            f"node {level}/{index}",
            f"does not follow from entries {first} to {last}: it or one of them was changed",
        )


def _fits(at: Examination, leaves: list[bytes], node: bytes | None, peaks: bytes | None) -> bool:
    trial = Frontier(at.frontier.size, bytes(at.frontier))
    made = [one for leaf in leaves for one in trial.append(leaf)]
    if node is not None:
        return any(level == 1 and found == node for level, _, found in made)
    return peaks is not None and bytes(trial) == peaks


def _entry(at: Examination, row: Row, body: str, columns: list[Any]) -> Iterator[Finding]:
    """Check one entry by itself and against those before it."""
    subject = f"entry {row.seq}"
    try:
        written = Written.decode(body.encode())
    except ProofError as error:
        yield failed("entry-malformed", f"{subject} column body", error)
        return
    if written.log != at.log.origin or written.seq != row.seq:
        yield failed(
            "entry-misplaced", subject, f"its bytes say entry {written.seq} of {written.log}"
        )
    case = written.data.get("case")
    said = (
        written.kind,
        written.item,
        written.item_seq,
        written.time,
        written.actor,
        case if isinstance(case, str) else None,
    )
    for name, shown, recorded in zip(_COLUMNS, columns, said, strict=True):
        if shown != recorded:
            yield failed(
                "column-altered", f"{subject} column {name}", f"shows {shown}, not {recorded}"
            )
    if at.time is not None and written.time < at.time:
        yield failed("time-goes-back", subject, f"is before {format_time(at.time)}")
    at.time = written.time
    # One string for an item, however many entries name it: an audit holds something of each.
    item = sys.intern(written.item) if written.item is not None else None
    if item is not None and written.item_seq is not None:
        yield from _link(at, row, written, item)
    place = (row.seq, item)
    at.digests.update((digest, place) for digest in written.sd)
    remember(at, written)
    if written.kind == MediaIngested.kind:
        data = written.data
        at.originals.setdefault(
            str(data.get("sha256")),
            Original(row.seq, data.get("sha512"), data.get("size"), data.get("crc32")),
        )
    elif written.kind == BundleImported.kind:
        packet = {name: written.data.get(f"packet_{name}") for name in _MEASURED}
        at.originals.setdefault(
            str(packet["sha256"]),
            Original(row.seq, packet["sha512"], packet["size"], packet["crc32"]),
        )


def remember(at: Examination, written: Written) -> None:
    """Keep what later checks need of an entry, be it read in its turn or fetched by itself."""
    if written.kind in key_history.KINDS:
        at.key_entries.append((written.seq, written.kind, written.data))
    at.restored += restored_by(written)
    for digest in lost_by(written):
        at.lost.setdefault(digest, written.seq)
    for digest in erased_by(written):
        at.erased.setdefault(digest, written.seq)


def _link(at: Examination, row: Row, written: Written, item: str) -> Iterator[Finding]:
    place = written.item_seq or 0
    before = at.chains.get(item) or _before_start(at, item)
    expected = before.next_seq if before else 0
    if place != expected:
        yield failed(
            "chain-broken",
            f"entry {row.seq}",
            f"is number {place} of item {item}, where number {expected} should follow",
        )
    elif before and written.prev not in {before.leaf.hex(), before.hashed.hex()}:
        yield failed(
            "chain-broken",
            f"entry {before.seq}",
            f"is not the one that entry {row.seq} of item {item} was recorded after",
        )
    leaf = row.leaf
    at.chains[item] = Link(row.seq, place + 1, leaf, leaf if leaf == row.hashed else row.hashed)


def _before_start(at: Examination, item: str) -> Link | None:
    """Return the end of an item's chain among the entries that are not read again."""
    if not at.start:
        return None
    rows = Entry.objects.filter(log=at.log, item=item, seq__lt=at.start).order_by("-item_seq")
    found = rows.values_list("seq", "item_seq", "leaf", "body").first()
    if found is None:
        return None
    seq, item_seq, leaf, body = found
    return Link(seq, item_seq + 1, bytes(leaf), leaf_hash(body.encode()))


def _items_since(at: Examination) -> QuerySet[Entry, Any]:
    read = Entry.objects.filter(log=at.log, seq__gte=at.start, item__isnull=False)
    return read.values("item").distinct()


def _tree_is_as_recorded(at: Examination) -> Iterator[Finding]:
    head = LogHead.objects.filter(log=at.log).first()
    if head is None:
        yield failed("head-missing", "the log's head", "is not in the database")
    elif head.size > at.end:
        yield failed(
            "entry-missing",
            f"entry {at.end}{f' to {head.size - 1}' if head.size - 1 > at.end else ''}",
            f"the head counts {head.size} entries",
        )
    elif head.size != at.end or not (at.has_gaps or bytes(head.peaks) == bytes(at.frontier)):
        yield failed("head-altered", "the log's head", f"is not that of the {at.end} entries")
    if at.has_gaps:
        return  # where the entries that are left stand in the tree is not known
    beyond = Q(level__lt=1) | Q(index__lt=0)
    level, width = 1, at.end // WIDTH  # nodes of a level in a tree of that size
    while width:
        beyond |= Q(level=level, index__gte=width)
        level, width = level + 1, width // WIDTH
    rows = Node.objects.filter(beyond | Q(level__gte=level), log=at.log)
    for node in rows.order_by("level", "index").iterator():
        yield failed("node-unexpected", f"node {node}", "is not part of the tree")


def _chains_end(at: Examination) -> Iterator[Finding]:
    ends = dict(at.chains)
    heads = ItemHead.objects.filter(log=at.log)
    if at.start:  # the others' chains ended before
        heads = heads.filter(item__in=Subquery(_items_since(at)))
    for row in heads.order_by("item").iterator():
        link = ends.pop(row.item, None)
        if link is None:
            yield failed("item-head-unexpected", f"head of item {row.item}", "it has no entries")
        elif row.next_seq != link.next_seq or bytes(row.leaf) not in {link.leaf, link.hashed}:
            yield failed(
                "item-head-altered",
                f"head of item {row.item}",
                f"does not follow from entry {link.seq}, its last",
            )
    for item in sorted(ends):
        yield failed("item-head-missing", f"head of item {item}", "is not in the database")
