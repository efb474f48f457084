"""The audit: everything in the database and the store held against the ledger's own bytes.

An entry's bytes give its leaf, the leaves the tree, the tree the roots that were signed; what is
shown is compared with the bytes, and the originals are read back.  A report names each entry,
column, file or trigger that is not as it was recorded, and says what was not looked at.  What the
signer and the anchors remember is outside the database, so an audit also finds lost entries and
history that was rewritten with every guard off.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import groupby
from operator import attrgetter
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from django.conf import settings
from django.db import DatabaseError, connection
from django.utils import timezone

from archive import anchors, cosigning, custody, fixity, guards
from archive.models.checkpoint import Checkpoint, Cosignature
from archive.models.disclosure import Disclosure
from archive.models.ledger import Entry, ItemHead, Log, LogHead, Node
from archive.models.stored_object import StoredObject
from archive.proof import notes
from archive.proof.entries import Entry as Written
from archive.proof.entries import disclosure_digest, format_time, open_disclosure
from archive.proof.errors import ProofError
from archive.proof.events import DisclosureErased, LedgerVerified, LogCreated, MediaIngested
from archive.proof.merkle import WIDTH, Frontier, leaf_hash
from archive.proof.report import (
    FAILED,
    NOT_CHECKED,
    PASSED,
    UNREADABLE,
    Finding,
    Report,
    gather,
)
from archive.proof.trust_policy import Quorum
from archive.signer import Signed, Signer, SignerError, last_signed

Progress = Callable[[int, int], None]

MOST_FINDINGS = 100  # of one code; a report stays readable however much is damaged
_SILENCE = timedelta(days=2)  # four heartbeats
_BATCH = 2000  # entries read at a time
_COLUMNS = ("kind", "item", "item_seq", "time", "actor", "case")


def audit(
    *,
    full: bool = True,
    actor: custody.Actor = custody.ARCHIVE,
    now: datetime | None = None,
    progress: Progress | None = None,
) -> Report:
    """Check the whole ledger, and every original unless ``full`` is false; record that it was done.

    ``progress`` is called with entries and originals done and to do.  Raises NotOpenedError.
    """
    log = custody.the_log()
    at = _Examination(log=log, full=full, progress=progress or _say_nothing)
    found: list[Finding] = []
    for check in CHECKS:
        found.extend(_bounded(check(at)))
    for further in _FURTHER:
        found.extend(_bounded(further()))
    report = gather(f"the ledger {log.origin}", found, log=log.origin, log_size=at.end, **at.facts)
    try:
        with custody.recording(actor=actor, now=now) as record:
            record.add(
                LedgerVerified(
                    outcome=str(report.verdict),
                    size=at.end,
                    checked=_codes(report, PASSED),
                    not_checked=_codes(report, NOT_CHECKED),
                )
            )
    # A damaged ledger may refuse the entry by its own guards: the report is then all there is.
    except (custody.CustodyError, ProofError, DatabaseError) as error:
        unrecorded = Finding("audit-unrecorded", FAILED, "this audit", str(error))
        return gather(report.subject, (*report.findings, unrecorded), **report.facts)
    return report


#: Checks of those who stand on the archive and can compare what they hold with the ledger.
_FURTHER: list[Callable[[], Iterable[Finding]]] = []


def also(check: Callable[[], Iterable[Finding]]) -> None:
    """Have every audit make ``check``, too.  Called once, when the applications are set up."""
    if check not in _FURTHER:
        _FURTHER.append(check)


def _say_nothing(_done: int, _total: int) -> None:
    return


def _codes(report: Report, outcome: str) -> tuple[str, ...]:
    return tuple(sorted({finding.code for finding in report.of(outcome)}))


def _bounded(findings: Iterable[Finding]) -> Iterator[Finding]:
    made: Counter[str] = Counter()
    for finding in findings:
        made[finding.code] += 1
        if made[finding.code] <= MOST_FINDINGS:
            yield finding
    for code, number in made.items():
        if number > MOST_FINDINGS:
            yield Finding(
                "more-findings", FAILED, code, f"{number - MOST_FINDINGS} more like these"
            )


@dataclass(frozen=True)
class _Original:
    """What an entry says of an original that came in."""

    seq: int
    sha512: object
    size: object
    crc32: object


@dataclass
class _Examination:
    """What the checks hand on to one another, in their order."""

    log: Log
    full: bool
    progress: Progress
    frontier: Frontier = field(default_factory=Frontier)
    nodes: dict[tuple[int, int], bytes] = field(default_factory=dict)  # as they should be
    roots: dict[int, bytes] = field(default_factory=dict)  # at each size somebody signed
    altered: set[tuple[int, int]] = field(default_factory=set)  # nodes that are not
    wanted: set[int] = field(default_factory=set)
    chains: dict[str, _Link] = field(default_factory=dict)
    digests: dict[str, tuple[int, str | None]] = field(default_factory=dict)  # entry, its item
    erased: dict[str, int] = field(default_factory=dict)  # digests, and the entry that erased each
    originals: dict[str, _Original] = field(default_factory=dict)
    vkeys: tuple[str, ...] = ()
    time: datetime | None = None
    end: int = 0  # the number after the last entry that was read
    has_gaps: bool = False
    facts: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class _Link:
    """The last entry of an item's chain: both hashes, if its bytes and its leaf disagree."""

    seq: int
    next_seq: int
    leaf: bytes
    hashed: bytes


@dataclass(frozen=True)
class _Row:
    seq: int
    leaf: bytes
    hashed: bytes


def _failed(code: str, subject: str, detail: object = "") -> Finding:
    return Finding(code, FAILED, subject, str(detail))


# Entries


def guards_are_in_place(_at: _Examination) -> Iterator[Finding]:
    """The triggers that refuse changes are there, word for word."""
    lacking = guards.missing(connection)
    for name in lacking:
        yield _failed("guard-missing", f"trigger {name}", "is not there or was changed")
    if not lacking:
        yield Finding("guards-in-place", PASSED, "triggers", "refuse changes to the ledger")


def entries_are_as_recorded(at: _Examination) -> Iterator[Finding]:
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
        yield Finding("entries-as-recorded", PASSED, f"{at.end} entries", "bytes, columns, tree")


def _sizes_to_prove(at: _Examination) -> set[int]:
    sizes = set(Checkpoint.objects.filter(log=at.log).values_list("size", flat=True))
    for path in settings.ANCHOR_FILES:
        try:
            sizes |= {checkpoint.size for _, checkpoint in anchors.every(path)}
        except anchors.AnchorError:
            continue  # the check of the anchors says so
    try:
        last = last_signed(settings.SIGNER_DIR)
    except SignerError:
        return sizes  # the check of the signer says so
    return sizes | ({last.size} if last else set())


def _read_entries(at: _Examination) -> Iterator[Finding]:
    """Go on from where the last reading ended, to the entries' end."""
    stored = _stored_nodes(at)
    head = LogHead.objects.filter(log=at.log).first()
    total = (head.size if head else 0) + (StoredObject.objects.count() if at.full else 0)
    run: list[_Row] = []
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
            yield _failed("entry-missing", f"entry {expected}{last}", "is not in the database")
            # Without it the tree can't be followed; the other entries are still checked.
            at.has_gaps = True
        expected = at.end = seq + 1
        row = _Row(seq=seq, leaf=bytes(leaf), hashed=leaf_hash(body.encode()))
        yield from _entry(at, row, body, columns)
        run.append(row)
        if (seq + 1) % WIDTH == 0:
            yield from _believed(at, run, stored.get((1, seq // WIDTH)))
            run = []
        if seq % _BATCH == 0:
            at.progress(seq, max(total, seq))
    peaks = bytes(head.peaks) if head and head.size == expected else None
    yield from _believed(at, run, None, peaks=peaks)


def _stored_nodes(at: _Examination) -> dict[tuple[int, int], bytes]:
    rows = Node.objects.filter(log=at.log).values_list("level", "index", "hash")
    return {(level, index): bytes(found) for level, index, found in rows.iterator()}


def _believed(
    at: _Examination, run: list[_Row], node: bytes | None, *, peaks: bytes | None = None
) -> Iterator[Finding]:
    """Add a run of entries to the tree, by the hashes that the rest of the tree speaks for.

    Where an entry's bytes and its leaf disagree, one of them was changed: the one that leads to the
    stored node, or to the head, is the one that was recorded.
    """
    if any(row.leaf != row.hashed for row in run):
        hashed_fits = _fits(at, [row.hashed for row in run], node, peaks)
        leaf_fits = _fits(at, [row.leaf for row in run], node, peaks)
        for row in run:
            if row.leaf == row.hashed:
                continue
            if hashed_fits and not leaf_fits:
                yield _failed("leaf-altered", f"entry {row.seq} column leaf", "is not its hash")
            else:
                yield _failed(
                    "entry-altered",
                    f"entry {row.seq} column body",
                    "these are not the bytes that were recorded",
                )
        chosen = [row.hashed if hashed_fits and not leaf_fits else row.leaf for row in run]
    else:
        chosen = [row.leaf for row in run]
    for leaf in chosen:
        for level, index, made in at.frontier.append(leaf):
            at.nodes[level, index] = made
        if at.frontier.size in at.wanted:
            at.roots[at.frontier.size] = at.frontier.root()


def _fits(at: _Examination, leaves: list[bytes], node: bytes | None, peaks: bytes | None) -> bool:
    trial = Frontier(at.frontier.size, bytes(at.frontier))
    made = [one for leaf in leaves for one in trial.append(leaf)]
    if node is not None:
        return any(level == 1 and found == node for level, _, found in made)
    return peaks is not None and bytes(trial) == peaks


def _entry(at: _Examination, row: _Row, body: str, columns: list[Any]) -> Iterator[Finding]:
    """Check one entry by itself and against those before it."""
    subject = f"entry {row.seq}"
    try:
        written = Written.decode(body.encode())
    except ProofError as error:
        yield _failed("entry-malformed", f"{subject} column body", error)
        return
    if written.log != at.log.origin or written.seq != row.seq:
        yield _failed(
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
            yield _failed(
                "column-altered", f"{subject} column {name}", f"shows {shown}, not {recorded}"
            )
    if at.time is not None and written.time < at.time:
        yield _failed("time-goes-back", subject, f"is before {format_time(at.time)}")
    at.time = written.time
    if written.item is not None and written.item_seq is not None:
        yield from _link(at, row, written)
    at.digests.update((digest, (row.seq, written.item)) for digest in written.sd)
    for digest in _digests(written):
        at.erased.setdefault(digest, row.seq)
    if written.kind == LogCreated.kind:
        at.vkeys = tuple(str(one) for one in written.data.get("vkeys", ()))
    if written.kind == MediaIngested.kind:
        data = written.data
        at.originals.setdefault(
            str(data.get("sha256")),
            _Original(row.seq, data.get("sha512"), data.get("size"), data.get("crc32")),
        )


def _link(at: _Examination, row: _Row, written: Written) -> Iterator[Finding]:
    item = str(written.item)
    place = written.item_seq or 0
    before = at.chains.get(item)
    expected = before.next_seq if before else 0
    if place != expected:
        yield _failed(
            "chain-broken",
            f"entry {row.seq}",
            f"is number {place} of item {item}, where number {expected} should follow",
        )
    elif before and written.prev not in {before.leaf.hex(), before.hashed.hex()}:
        yield _failed(
            "chain-broken",
            f"entry {before.seq}",
            f"is not the one that entry {row.seq} of item {item} was recorded after",
        )
    at.chains[item] = _Link(row.seq, place + 1, row.leaf, row.hashed)


def _tree_is_as_recorded(at: _Examination) -> Iterator[Finding]:
    head = LogHead.objects.filter(log=at.log).first()
    if head is None:
        yield _failed("head-missing", "the log's head", "is not in the database")
    elif head.size > at.end:
        yield _failed(
            "entry-missing",
            f"entry {at.end}{f' to {head.size - 1}' if head.size - 1 > at.end else ''}",
            f"the head counts {head.size} entries",
        )
    elif head.size != at.end or not (at.has_gaps or bytes(head.peaks) == bytes(at.frontier)):
        yield _failed("head-altered", "the log's head", f"is not that of the {at.end} entries")
    if at.has_gaps:
        return  # where the entries that are left stand in the tree is not known
    stored = _stored_nodes(at)
    for (level, index), made in sorted(at.nodes.items()):
        found = stored.pop((level, index), None)
        first, last = index * WIDTH**level, (index + 1) * WIDTH**level - 1
        below = [(level - 1, child) for child in range(index * WIDTH, (index + 1) * WIDTH)]
        if found is None:
            yield _failed(
                "node-missing", f"node {level}/{index}", f"over entries {first} to {last}"
            )
        elif found != made and not any(one in at.altered for one in below):
            yield _failed(
                "node-altered",
                f"node {level}/{index}",
                f"does not follow from entries {first} to {last}: it or one of them was changed",
            )
        if found != made:
            at.altered.add((level, index))
    for level, index in sorted(stored):
        yield _failed("node-unexpected", f"node {level}/{index}", "is not part of the tree")


def _chains_end(at: _Examination) -> Iterator[Finding]:
    ends = dict(at.chains)
    for row in ItemHead.objects.filter(log=at.log).order_by("item").iterator():
        link = ends.pop(row.item, None)
        if link is None:
            yield _failed("item-head-unexpected", f"head of item {row.item}", "it has no entries")
        elif row.next_seq != link.next_seq or bytes(row.leaf) not in {link.leaf, link.hashed}:
            yield _failed(
                "item-head-altered",
                f"head of item {row.item}",
                f"does not follow from entry {link.seq}, its last",
            )
    for item in sorted(ends):
        yield _failed("item-head-missing", f"head of item {item}", "is not in the database")


# What was signed


def checkpoints_are_signed(at: _Examination) -> Iterator[Finding]:
    """Each checkpoint bears the log's signature, over the root of the entries that are here."""
    try:
        key = Signer(settings.SIGNER_DIR)
    except SignerError as error:
        yield Finding("signer-unreadable", UNREADABLE, "the signer's key", str(error))
        return
    if key.vkey not in at.vkeys:
        yield _failed("key-not-of-log", "entry 0", f"does not name the signer's key {key.vkey}")
    good = 0
    newest = 0
    for row in Checkpoint.objects.filter(log=at.log).order_by("size").iterator():
        subject = f"checkpoint at {row.size}"
        fault = _signature_fault(row.note, key)
        if fault:
            yield _failed("checkpoint-altered", subject, fault)
            continue
        signed = notes.Checkpoint.parse(notes.split_note(row.note)[0])
        if signed.size != row.size:
            yield _failed("checkpoint-altered", subject, f"its note is for {signed.size} entries")
        elif (detail := _contradiction(at, Signed(signed.size, signed.root))) is not None:
            yield _failed("checkpoint-contradicted", subject, detail)
        else:
            good += 1
            newest = row.size
    if good:
        yield Finding("checkpoints-hold", PASSED, f"{good} checkpoints", f"the newest at {newest}")
        at.facts["checkpoint_size"] = newest
    if newest < at.end:
        yield Finding(
            "entries-unsigned",
            NOT_CHECKED,
            f"entries {newest} to {at.end - 1}",
            "no checkpoint covers them yet: whoever writes to the database could still change them",
        )


def _signature_fault(note: str, key: Signer) -> str | None:
    """Say what is wrong with a note's own signature; OpenSSL's check, for there may be many."""
    try:
        text, lines = notes.split_note(note)
        own = notes.parse_vkey(key.vkey)
        for line in lines:
            if (line.name, line.key_id) == (own.name, own.id):
                Ed25519PublicKey.from_public_bytes(own.public).verify(line.signature, text.encode())
                return None
    except ProofError as error:
        return str(error)
    except InvalidSignature:
        return "the signature is wrong"
    return "the log's key has not signed it"


def _contradiction(at: _Examination, signed: Signed) -> str | None:
    if signed.size > at.end:
        return (
            f"{signed.size} entries were signed and the database holds {at.end}: "
            f"entries {at.end} to {signed.size - 1} are lost"
        )
    if at.has_gaps:
        return None  # named already: the tree has holes
    root = at.roots.get(signed.size)
    if root is None or root == signed.root:
        return None
    return f"the first {signed.size} entries are not those that were signed"


def outside_agrees(at: _Examination) -> Iterator[Finding]:
    """What the signer and the anchors remember is in the database."""
    remembered: list[tuple[str, Signed]] = []
    try:
        last = last_signed(settings.SIGNER_DIR)
        if last is not None:
            remembered.append((f"the signer in {settings.SIGNER_DIR}", last))
    except SignerError as error:
        yield Finding("signer-unreadable", UNREADABLE, "what the signer signed last", str(error))
    held = set(Checkpoint.objects.filter(log=at.log).values_list("size", flat=True))
    for path in settings.ANCHOR_FILES:
        try:
            anchored = [one for one in anchors.every(path) if one[1].origin == at.log.origin]
        except anchors.AnchorError as error:
            yield Finding("anchor-unreadable", UNREADABLE, f"the anchor {path}", str(error))
            continue
        remembered += [(f"the anchor {path}", Signed(c.size, c.root)) for _, c in anchored]
        for size in sorted({c.size for _, c in anchored if c.size <= at.end} - held):
            yield _failed(
                "checkpoint-missing", f"checkpoint at {size}", f"it stands in the anchor {path}"
            )
    wrong = False
    for place, signed in remembered:
        detail = _contradiction(at, signed)
        if detail is not None:
            wrong = True
            code = "entries-lost" if signed.size > at.end else "history-altered"
            yield _failed(code, f"checkpoint at {signed.size} in {place}", detail)
    if remembered and not wrong:
        yield Finding(
            "outside-agrees", PASSED, f"{len(remembered)} remembered checkpoints", "all are here"
        )
    if not remembered:
        yield Finding(
            "nothing-remembered",
            NOT_CHECKED,
            "signer and anchors",
            "they remember nothing: the loss of the last entries would not be seen",
        )


def witnesses_have_cosigned(at: _Examination) -> Iterator[Finding]:
    """Each witness's line is over its checkpoint; and how far a quorum of them has seen the log."""
    try:
        quorum = cosigning.policy().quorum
    except cosigning.CosigningError as error:
        yield Finding("witnesses-unreadable", UNREADABLE, "the witnesses' policy", str(error))
        return
    seen: tuple[int, int] | None = None  # entries, and when the quorum saw them
    lines = 0
    for checkpoint, rows in _cosigned():
        if checkpoint is None:
            for row in rows:
                yield _failed("cosignature-altered", f"cosignature {row.pk}", "of no checkpoint")
            continue
        if checkpoint.log_id != at.log.pk:
            continue
        times: dict[str, int] = {}
        for row in rows:
            fault = cosigning.fault(checkpoint.note, row)
            if fault:
                subject = f"cosignature {row.pk} of the checkpoint at {checkpoint.size}"
                yield _failed("cosignature-altered", subject, fault)
                continue
            lines += 1
            times[row.vkey] = max(row.time, times.get(row.vkey, 0))
        latest = quorum.latest(times) if quorum else None
        if latest is not None and (seen is None or checkpoint.size >= seen[0]):
            seen = (checkpoint.size, latest)
    if lines:
        yield Finding("cosignatures-hold", PASSED, f"{lines} cosignatures", "by witnesses")
    yield from _seen_by_witnesses(at, quorum, seen)


def _cosigned() -> Iterator[tuple[Checkpoint | None, list[Cosignature]]]:
    """Give each checkpoint that has cosignatures, with them; None for one that is not there."""
    rows = Cosignature.objects.order_by("checkpoint_id", "pk").iterator()
    for pk, group in groupby(rows, key=attrgetter("checkpoint_id")):
        yield Checkpoint.objects.filter(pk=pk).first(), list(group)


def _seen_by_witnesses(
    at: _Examination, quorum: Quorum | None, seen: tuple[int, int] | None
) -> Iterator[Finding]:
    if quorum is None:
        yield Finding(
            "unwitnessed",
            NOT_CHECKED,
            "the signer",
            "no outside witness: whoever holds the key, the signer's state and every anchor could "
            "rewrite what nobody outside holds a checkpoint of (attacks 3, 5, 7, 8, 9, 13)",
        )
        return
    size, time = seen or (0, 0)
    if seen:
        when = format_time(datetime.fromtimestamp(time, tz=UTC))
        yield Finding("witnessed", PASSED, f"{size} entries", f"the quorum saw them at {when}")
        if timezone.now() - datetime.fromtimestamp(time, tz=UTC) > _SILENCE:
            yield Finding(
                "witnesses-silent",
                NOT_CHECKED,
                "the witnesses",
                f"nothing was heard of them since {when}: a database that was put back to that "
                "time would look like this one (attacks 7, 8, 13); run `manage.py cosign`",
            )
    if size < at.end:
        yield Finding(
            "entries-unwitnessed",
            NOT_CHECKED,
            f"entries {size} to {at.end - 1}",
            "no quorum of witnesses has seen them yet (attacks 3, 5, 9)",
        )


# Beside the ledger


def disclosures_belong_to_entries(at: _Examination) -> Iterator[Finding]:
    """Each personal value is the one whose digest an entry holds, or an entry says it was erased.

    One that was erased and is held again came back with an older database.
    """
    left = dict(at.digests)
    faults = held = 0
    for row in Disclosure.objects.filter(log=at.log).order_by("pk").iterator():
        subject = f"value {row.name} of entry {row.entry_seq}"
        fault = _disclosure_fault(at, row, left.pop(row.digest, None))
        if fault:
            faults += 1
            yield _failed("disclosure-altered", subject, fault)
        held += row.text is not None
    for digest, (seq, _) in sorted(left.items(), key=lambda pair: (pair[1][0], pair[0])):
        if seq < at.end:
            faults += 1
            yield _failed(
                "disclosure-missing", f"a value of entry {seq}", f"its digest is {digest}"
            )
    if held and not faults:
        yield Finding("disclosures-hold", PASSED, f"{held} personal values", "are as recorded")


def _disclosure_fault(
    at: _Examination, row: Disclosure, place: tuple[int, str | None] | None
) -> str | None:
    if place is None and row.entry_seq >= at.end:
        return None  # recorded while the audit ran
    if place is None or place[0] != row.entry_seq:
        return "no such digest stands in that entry"
    if row.item != place[1]:
        return f"it is shown with item {row.item}; its entry is of item {place[1]}"
    return _held_fault(at, row, row.text) if row.text is not None else _erasure_fault(at, row)


def _held_fault(at: _Examination, row: Disclosure, text: str) -> str | None:
    if row.digest in at.erased:
        return f"entry {at.erased[row.digest]} erased it, and it is held"
    if row.erased_by is not None:
        return f"it is held, and shown as erased by entry {row.erased_by}"
    return _text_fault(row, text)


def _erasure_fault(at: _Examination, row: Disclosure) -> str | None:
    erased_by = at.erased.get(row.digest)
    if erased_by is None:  # perhaps while the audit ran
        later = Entry.objects.filter(log=at.log, seq__gte=at.end, kind=DisclosureErased.kind)
        for one in later.order_by("seq"):
            if row.digest in _digests(Written.decode(one.body.encode())):
                erased_by = one.seq
                break
    if erased_by is None:
        return "it is empty, and no entry says that it was erased"
    if row.erased_by != erased_by:
        return f"it is shown as erased by entry {row.erased_by}; entry {erased_by} erased it"
    return None


def _digests(written: Written) -> list[str]:
    """Return the digests that an entry erases."""
    if written.kind != DisclosureErased.kind:
        return []
    named = written.data.get("digests")
    return [one for one in named if isinstance(one, str)] if isinstance(named, list) else []


def _text_fault(row: Disclosure, text: str) -> str | None:
    try:
        if disclosure_digest(text) != row.digest:
            return "it was changed"
        _, name, _ = open_disclosure(text)
    except ProofError as error:
        return str(error)
    return None if name == row.name else f"it was recorded as {name}"


def originals_are_as_taken_in(at: _Examination) -> Iterator[Finding]:
    """Each original that the ledger names is in the store, bit for bit."""
    left = dict(at.originals)
    faults = 0
    done = at.end
    total = done + StoredObject.objects.count()
    for row in StoredObject.objects.order_by("sha256").iterator():
        said = left.pop(row.sha256, None)
        for finding in _original(row, said, full=at.full):
            faults += finding.outcome == FAILED
            yield finding
        if at.full:
            done += 1
            at.progress(done, max(total, done))
    for sha256, said in sorted(left.items()):
        if said.seq < at.end:
            faults += 1
            yield _failed(
                "original-missing",
                f"original sha256:{sha256}",
                f"entry {said.seq} took it in; the store's table does not name it",
            )
    number = len(at.originals)
    if not at.full:
        yield Finding(
            "originals-unread",
            NOT_CHECKED,
            f"{number} originals",
            "they were not read back: a changed or missing file would not be seen",
        )
    elif number and not faults:
        yield Finding("originals-intact", PASSED, f"{number} originals", "bit for bit")


def _original(row: StoredObject, said: _Original | None, *, full: bool) -> Iterator[Finding]:
    subject = f"original sha256:{row.sha256}"
    if said is None:
        yield Finding("original-unrecorded", NOT_CHECKED, subject, "no entry says how it came in")
    else:
        for name in ("sha512", "size", "crc32"):
            shown, recorded = getattr(row, name), getattr(said, name)
            if shown != recorded:
                detail = f"shows {shown}; entry {said.seq} says {recorded}"
                yield _failed("stored-row-altered", f"{subject} column {name}", detail)
    if full:
        result = fixity.check(row, now=timezone.now())
        if result.outcome != StoredObject.Fixity.INTACT:
            found = f"sha256:{result.found} lies there" if result.found else result.detail
            yield _failed(f"original-{result.outcome}", subject, found)


def what_remains_open(_at: _Examination) -> Iterator[Finding]:
    """Say which attacks an audit of this archive can't see."""
    yield Finding(
        "time-unproven",
        NOT_CHECKED,
        "times",
        "server clock only: no third party has certified when entries were made",
    )


Check = Callable[[_Examination], Iterator[Finding]]

CHECKS: tuple[Check, ...] = (
    guards_are_in_place,
    entries_are_as_recorded,
    checkpoints_are_signed,
    outside_agrees,
    witnesses_have_cosigned,
    disclosures_belong_to_entries,
    originals_are_as_taken_in,
    what_remains_open,
)
