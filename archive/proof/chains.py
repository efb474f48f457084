"""The custody entries of a bundle: proven, complete for each item, and their values in clear."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Optional

from archive.proof import entries, merkle, notes
from archive.proof.bundle import Bundle
from archive.proof.errors import BrokenError, MalformedError
from archive.proof.examination import LONGEST_TEXT, Examination, Recorded, failed, passed
from archive.proof.report import NOT_CHECKED, Finding

ENTRIES = "data/custody/entries.ndjson"
WITHHELD = "data/custody/withheld.txt"
DISCLOSURES = "data/custody/disclosures.txt"
PROOFS = "data/custody/proofs/"

_WITHHELD_LINE = re.compile(r"(0|[1-9][0-9]{0,15}) ([0-9a-f]{64})", re.ASCII)
_PROOF_NAME = re.compile(r"(0|[1-9][0-9]{0,15})\.tlog-proof", re.ASCII)


def entries_are_in_the_log(at: Examination) -> Iterator[Finding]:
    """Each entry's exact bytes stand at their number in the log that the checkpoint signs."""
    if at.checkpoint is None:
        return
    faults = 0
    for finding in _read_entries(at):
        faults += 1
        yield finding
    for finding in _read_withheld(at):
        faults += 1
        yield finding
    for finding in _spare_proofs(at):
        faults += 1
        yield finding
    if at.entries:
        newest = at.entries[max(at.entries)]
        at.facts["recorded_until"] = entries.format_time(newest.time)
        if not faults:
            yield passed(
                "entries-proven",
                f"{len(at.entries)} entries",
                f"stand in the ledger, {len(at.withheld)} more are withheld",
            )
    else:
        yield failed("entries-missing", ENTRIES, "holds no entry")


def _read_entries(  # noqa: C901 - one branch for each fault
    at: Examination,
) -> Iterator[Finding]:
    if at.checkpoint is None:
        raise RuntimeError("the checkpoint is read first")
    before: Optional[Recorded] = None
    try:
        for number, line in enumerate(lines(at.bundle, ENTRIES), 1):
            try:
                entry = entries.Entry.decode(line)
            except MalformedError as error:
                yield failed("entry-malformed", f"{ENTRIES} line {number}", error)
                continue
            subject = f"entry {entry.seq}"
            if entry.log != at.checkpoint.origin:
                yield failed("entry-of-another-log", subject, f"belongs to {entry.log}")
                continue
            if entry.seq in at.entries:
                yield failed("entry-duplicate", subject, "stands in the bundle twice")
                continue
            leaf = merkle.leaf_hash(line)
            fault = _not_proven(at, entry.seq, leaf)
            if fault is not None:
                yield fault
                continue
            data = entry.data if entry.kind in _KEPT_DATA else {}
            recorded = Recorded(
                *(entry.seq, leaf, entry.time, entry.kind),
                *(entry.item, entry.item_seq, entry.prev, data),
            )
            at.entries[entry.seq] = recorded
            if entry.kind == "item.registered" and entry.item is not None:
                at.exhibit_numbers[entry.item] = entry.data.get("exhibit_number")
            for digest in entry.sd:
                at.digests[digest] = at.digests.get(digest, 0) + 1
            if before is not None:
                if before.seq > entry.seq:
                    yield failed("entries-order", subject, f"stands after entry {before.seq}")
                elif before.time > entry.time:
                    yield failed("time-goes-back", subject, f"is before entry {before.seq}")
            before = recorded
    except MalformedError as error:
        yield failed("entries-malformed", ENTRIES, error)


_KEPT_DATA = {
    "export.created",
    "item.exported",
    "item.registered",
    "media.ingested",
    "item.redacted",
    "item.derived",
    "disclosure.erased",
    "checkpoint.timestamped",
}


def lines(bundle: Bundle, path: str) -> Iterator[bytes]:
    """Give a file's lines, each ended by a newline and none longer than an entry may be."""
    member = bundle.members.get(path)
    if member is None:
        raise MalformedError("the file is missing")
    rest = b""
    for chunk in bundle.chunks(member):
        *whole, rest = (rest + chunk).split(b"\n")
        yield from whole
        if len(rest) > entries.LONGEST_ENTRY:
            raise MalformedError("a line that is too long")
    if rest:
        raise MalformedError("the last line has no end")


def _not_proven(at: Examination, seq: int, leaf: bytes) -> Optional[Finding]:
    """Say what is wrong with the proof that this leaf is the log's entry ``seq``, if anything."""
    if at.inclusions is None:
        raise RuntimeError("the checkpoint is read first")
    path, subject = f"{PROOFS}{seq}.tlog-proof", f"entry {seq}"
    if path not in at.bundle.members:
        return failed("proof-missing", subject, f"{path} is missing")
    try:
        at.inclusions.require(seq, leaf, at.bundle.text(path, limit=notes.LONGEST_NOTE))
    except MalformedError as error:
        return failed("proof-malformed", path, error)
    except BrokenError as error:
        return failed("entry-altered", subject, f"is not what the ledger holds: {error}")
    return None


def _read_withheld(at: Examination) -> Iterator[Finding]:
    if WITHHELD not in at.bundle.members:
        return
    try:
        for number, line in enumerate(lines(at.bundle, WITHHELD), 1):
            found = _WITHHELD_LINE.fullmatch(line.decode("ascii", "replace"))
            subject = f"{WITHHELD} line {number}"
            if found is None:
                yield failed("withheld-malformed", subject, "not a number and a leaf hash")
                continue
            seq, leaf = int(found[1]), found[2]
            if seq in at.entries or seq in at.withheld:
                yield failed("entry-duplicate", f"entry {seq}", "stands in the bundle twice")
                continue
            fault = _not_proven(at, seq, bytes.fromhex(leaf))
            if fault is not None:
                yield fault
                continue
            at.withheld[seq] = leaf
            at.withheld_leaves.add(leaf)
    except MalformedError as error:
        yield failed("withheld-malformed", WITHHELD, error)


def _spare_proofs(at: Examination) -> Iterator[Finding]:
    for path in sorted(at.bundle.members):
        if not path.startswith(PROOFS):
            continue
        found = _PROOF_NAME.fullmatch(path[len(PROOFS) :])
        if found is None:
            yield failed("proof-malformed", path, "not the name of a proof")
        elif int(found[1]) not in at.entries and int(found[1]) not in at.withheld:
            yield failed(
                "entry-missing", f"entry {found[1]}", f"has a proof, {path}, and is not there"
            )


def item_chains_are_complete(  # noqa: C901 - one branch for each fault
    at: Examination,
) -> Iterator[Finding]:
    """Each item's entries follow one another from its first to its export, with none left out.

    The end is known because the export is itself recorded: ``export.created`` names each item's
    head, and the item's own ``item.exported`` is the last that belongs to the bundle.  Entries
    after it may be there; they prove themselves and nothing more.
    """
    if at.checkpoint is None:
        return
    chains: dict[str, dict[int, Recorded]] = {}
    for recorded in at.entries.values():
        if recorded.item is not None and recorded.item_seq is not None:
            chain = chains.setdefault(recorded.item, {})
            if recorded.item_seq in chain:
                yield failed(
                    "chain-forked",
                    f"entry {recorded.seq}",
                    f"a second entry {recorded.item_seq} of item {recorded.item}",
                )
            chain[recorded.item_seq] = recorded
    if at.bundle_id is None:
        yield failed("bundle-unnamed", "bag-info.txt", "has no External-Identifier")
        return
    exported = [
        head
        for recorded in at.entries.values()
        if recorded.kind == "export.created" and recorded.data.get("bundle") == at.bundle_id
        for head in _heads(recorded)
    ]
    if not exported:
        yield failed(
            "export-missing",
            f"bundle {at.bundle_id}",
            "the entry export.created of this bundle, which says where its items end, is not there",
        )
    at.facts["items"] = len({head[0] for head in exported} | chains.keys())
    faults = 0
    for item, next_seq, head in exported:
        for finding in _chain(at, item, chains.get(item, {}), next_seq, head):
            faults += 1
            yield finding
    for item in sorted(chains.keys() - {head[0] for head in exported}):
        if exported:
            faults += 1
            yield failed("item-not-exported", f"item {item}", "this bundle's export is without it")
    if exported and not faults:
        yield passed("chains-complete", f"{len(exported)} items", "no entry of theirs is missing")


def _heads(export: Recorded) -> Iterator[tuple[str, int, str]]:
    """Read what an export.created says; what is not in its form proves nothing and is left out."""
    listed = export.data.get("items")
    for each in listed if isinstance(listed, list) else []:
        if not isinstance(each, dict):
            continue
        item, next_seq, head = each.get("item"), each.get("next_item_seq"), each.get("head")
        if isinstance(item, str) and isinstance(next_seq, int) and isinstance(head, str):
            yield item, next_seq, head


def _chain(
    at: Examination, item: str, chain: Mapping[int, Recorded], next_seq: int, head: str
) -> Iterator[Finding]:
    subject = f"item {item}"
    own = [
        recorded
        for recorded in chain.values()
        if recorded.kind == "item.exported" and recorded.data.get("bundle") == at.bundle_id
    ]
    last = next_seq - 1
    for recorded in own:
        if recorded.data.get("next_item_seq") != (recorded.item_seq or 0) + 1:
            yield failed("export-contradicts", f"entry {recorded.seq}", "misstates its own place")
        last = max(last, recorded.item_seq or 0)
    if not own and not at.withheld:  # a withheld entry does not tell its kind
        yield failed(
            "entry-missing", subject, "its entry item.exported for this bundle is not there"
        )
    if next_seq - 1 in chain and chain[next_seq - 1].leaf.hex() != head:
        yield failed("export-contradicts", subject, "its head is not the one that was exported")
    hidden = at.withheld_leaves
    gaps = 0
    last = max(last, *chain) if chain else last
    if last > len(chain) + len(hidden):
        gaps = last + 1 - len(chain)
        yield failed("entry-missing", subject, f"{gaps} of its {last + 1} entries are not there")
        return
    for place in range(last + 1):
        recorded_here, following = chain.get(place), chain.get(place + 1)
        if recorded_here is None:
            named = following.prev if following else (head if place == next_seq - 1 else None)
            unnamed = following is None and place < last
            if named not in hidden and not (unnamed and hidden):
                yield failed(
                    "entry-missing", subject, f"its entry number {place} is not in the bundle"
                )
        elif following is not None and following.prev != recorded_here.leaf.hex():
            yield failed(
                "chain-broken",
                f"entry {following.seq}",
                f"does not follow entry {recorded_here.seq}",
            )


def disclosures_belong_to_entries(at: Examination) -> Iterator[Finding]:
    """Each personal value in clear is the one whose salted digest stands in exactly one entry."""
    if at.checkpoint is None:
        return
    shown: set[str] = set()
    faults = 0
    if DISCLOSURES in at.bundle.members:
        try:
            text = at.bundle.text(DISCLOSURES, limit=LONGEST_TEXT)
        except MalformedError as error:
            yield failed("disclosure-malformed", DISCLOSURES, error)
            return
        for number, line in enumerate(text.splitlines(), 1):
            subject = f"{DISCLOSURES} line {number}"
            fault = _not_disclosed(at, line, shown)
            if fault is not None:
                faults += 1
                yield failed(fault[0], subject, fault[1])
    if shown and not faults:
        yield passed("disclosures-proven", f"{len(shown)} values", "are those that were recorded")
    erased = _erased(at) - shown
    if erased:
        yield Finding(
            "values-erased",
            NOT_CHECKED,
            f"{len(erased)} personal values",
            "erased, as entries of the bundle say; nothing else is affected",
        )
    hidden = len(at.digests.keys() - shown - erased)
    if hidden:
        yield Finding(
            "values-withheld",
            NOT_CHECKED,
            f"{hidden} personal values",
            "withheld or erased; nothing can be said about them, and nothing else is affected",
        )


def _erased(at: Examination) -> set[str]:
    """Give the digests of the bundle that an entry of the bundle says were erased."""
    erased: set[str] = set()
    for recorded in at.entries.values():
        named = recorded.data.get("digests") if recorded.kind == "disclosure.erased" else None
        if isinstance(named, list):
            erased.update(one for one in named if isinstance(one, str))
    return erased & at.digests.keys()


def _not_disclosed(at: Examination, line: str, shown: set[str]) -> Optional[tuple[str, str]]:
    try:
        entries.open_disclosure(line)
        digest = entries.disclosure_digest(line)
    except MalformedError as error:
        return "disclosure-malformed", str(error)
    if digest in shown:
        return "disclosure-duplicate", "stands in the bundle twice"
    if at.digests.get(digest) != 1:
        return "disclosure-unknown", "belongs to no entry of the bundle: the value was replaced"
    shown.add(digest)
    return None
