"""The checks of a bundle, in order, and ``verify(path, policy)`` that makes them all.

Cheap and structural before expensive.  Every fault is reported, not only the first, and each
finding names exactly the file or entry.  Trust comes from the reader's policy alone: keys and
states that the bundle brings along prove only that it is consistent in itself.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Callable, Optional, Union

from archive.proof import canonical, ed25519, entries, merkle, notes
from archive.proof.bundle import Bundle, Member, open_bundle, unsafe
from archive.proof.errors import BrokenError, MalformedError, ProofError
from archive.proof.report import (
    FAILED,
    FORKED,
    NOT_CHECKED,
    PASSED,
    UNREADABLE,
    UNTRUSTED,
    Finding,
    Report,
)

BAGIT = b"BagIt-Version: 1.0\nTag-File-Character-Encoding: UTF-8\n"
SIGNATURE = "signatures/tagmanifest-sha512.txt.ed25519.sig"
PUBLIC_KEY = "signatures/archive-ed25519.pub.pem"
SIGNED = "tagmanifest-sha512.txt"
ALGORITHMS = {"sha256": 64, "sha512": 128}  # hexadecimal digits
CUSTODY = "data/custody/"
CHECKPOINT = "data/custody/checkpoint"
ENTRIES = "data/custody/entries.ndjson"
WITHHELD = "data/custody/withheld.txt"
DISCLOSURES = "data/custody/disclosures.txt"
PROOFS = "data/custody/proofs/"
CONSISTENCY = "data/custody/consistency/"
EVIDENCE = "data/evidence/"

LONGEST_MANIFEST = 512 * 1024 * 1024  # bytes
LONGEST_TEXT = 64 * 1024 * 1024
LONGEST_RECORD = 16 * 1024 * 1024
MOST_FINDINGS = 10_000  # of one check; the rest is counted

_IN_SIGNATURES = re.compile(
    r"signatures/(?:tagmanifest-sha512\.txt\.(?:ed25519\.sig|sshsig|tsr)"
    r"|archive-ed25519\.pub\.pem|allowed_signers|[a-z0-9-]+\.tsa\.pem)"
)
_MANIFEST = re.compile(r"(tag)?manifest-([^/]*)\.txt")
_WITHHELD_LINE = re.compile(r"(0|[1-9][0-9]{0,15}) ([0-9a-f]{64})", re.ASCII)
_PROOF_NAME = re.compile(r"(0|[1-9][0-9]{0,15})\.tlog-proof", re.ASCII)


@dataclass(frozen=True)
class Policy:
    """Whom the reader trusts and what the reader remembers.

    ``vkeys`` are logs' verifier keys, ``keys`` raw Ed25519 keys (of a log or of a bundle's
    signature), ``remembered`` signed checkpoints that were seen before.
    """

    vkeys: tuple[str, ...] = ()
    keys: tuple[bytes, ...] = ()
    remembered: tuple[str, ...] = ()
    unsigned: bool = False

    @property
    def public_keys(self) -> tuple[bytes, ...]:
        """All trusted keys in raw form."""
        named = [notes.parse_vkey(each) for each in self.vkeys]
        return self.keys + tuple(key.public for key in named if key.type == notes.ED25519)

    def vkeys_of(self, origin: str) -> tuple[str, ...]:
        """The trusted keys with which a log of this origin may sign."""
        return self.vkeys + tuple(notes.vkey(origin, key) for key in self.keys)


@dataclass(frozen=True)
class Recorded:
    """What the checks need of an entry once its bytes are proven; the bytes are not kept."""

    seq: int
    leaf: bytes
    time: datetime
    kind: str
    item: Optional[str]
    item_seq: Optional[int]
    prev: Optional[str]
    data: Mapping[str, Any]


@dataclass
class Examination:
    """A verification under way: what earlier checks have established for later ones."""

    bundle: Bundle
    policy: Policy
    facts: dict[str, Any] = field(default_factory=dict)
    manifests: dict[str, dict[str, str]] = field(default_factory=dict)
    tag_manifests: dict[str, dict[str, str]] = field(default_factory=dict)
    bundle_id: Optional[str] = None
    oxum: Optional[str] = None
    note: Optional[str] = None
    checkpoint: Optional[notes.Checkpoint] = None
    log_is_trusted: bool = False
    known: dict[str, bytes] = field(default_factory=dict)  # hashes that proofs have in common
    passed: merkle.Passed = field(default_factory=dict)  # by proofs, in the checkpoint's tree
    entries: dict[int, Recorded] = field(default_factory=dict)
    withheld: dict[int, str] = field(default_factory=dict)
    withheld_leaves: set[str] = field(default_factory=set)
    digests: dict[str, int] = field(default_factory=dict)  # of disclosures: how often they stand
    exhibit_numbers: dict[str, Any] = field(default_factory=dict)  # by item, as registered

    @property
    def has_custody(self) -> bool:
        return any(path.startswith(CUSTODY) for path in self.bundle.members)


Check = Callable[[Examination], Iterator[Finding]]


def _failed(code: str, subject: str, detail: object = "") -> Finding:
    return Finding(code, FAILED, subject, str(detail))


def _passed(code: str, subject: str, detail: object = "") -> Finding:
    return Finding(code, PASSED, subject, str(detail))


# Form


def form_is_sound(at: Examination) -> Iterator[Finding]:
    """Only regular files with safe, single names; a BagIt 1.0 bag without anything to fetch."""
    for fault in at.bundle.faults:
        yield _failed(fault.code, fault.subject, fault.detail)
    try:
        if at.bundle.read("bagit.txt", limit=len(BAGIT) + 100) != BAGIT:
            yield _failed("bagit-txt", "bagit.txt", "not the declaration of BagIt 1.0 in UTF-8")
    except MalformedError as error:
        yield _failed("bagit-txt", "bagit.txt", error)
    if "fetch.txt" in at.bundle.members:
        yield _failed("fetch-txt", "fetch.txt", "a bundle is complete; nothing is ever fetched")


def manifests_are_sound(at: Examination) -> Iterator[Finding]:
    """Both manifests and both tag manifests are there, and every line of them can be read."""
    for path in sorted(at.bundle.members):
        found = _MANIFEST.fullmatch(path)
        if found and found[2] not in ALGORITHMS:
            yield _failed("manifest-algorithm", path, "only SHA-256 and SHA-512 are used")
    for kind, into in (("", at.manifests), ("tag", at.tag_manifests)):
        for algorithm in ALGORITHMS:
            path = f"{kind}manifest-{algorithm}.txt"
            if path in at.bundle.members:
                into[algorithm] = {}
                yield from _read_manifest(at, path, algorithm, into[algorithm])
            elif kind and at.policy.unsigned:
                yield Finding("manifest-missing", UNTRUSTED, path, "the tag files are unprotected")
            else:
                yield _failed("manifest-missing", path, "the file is missing")


def _read_manifest(
    at: Examination, path: str, algorithm: str, into: dict[str, str]
) -> Iterator[Finding]:
    try:
        text = at.bundle.text(path, limit=LONGEST_MANIFEST)
    except MalformedError as error:
        yield _failed("manifest-malformed", path, error)
        return
    digits = ALGORITHMS[algorithm]
    line_form = re.compile(rf"([0-9a-f]{{{digits}}})  ([^\r\n%]+)").fullmatch
    lines = text.split("\n")
    if lines.pop() != "":
        yield _failed("manifest-malformed", path, "the last line has no end")
    members, payload = at.bundle.members, path.startswith("manifest")
    for number, line in enumerate(lines, 1):
        found = line_form(line)
        if found is None:
            yield _failed("manifest-line", f"{path} line {number}", "not a digest and a name")
            continue
        digest, name = found.groups()
        if name not in members and unsafe(name) is not None:
            yield _failed("manifest-path", f"{path} line {number}", f"{name}: {unsafe(name)}")
        elif name.startswith("data/") is not payload:
            yield _failed("manifest-path", f"{path} line {number}", f"{name} does not belong here")
        elif name in into:
            yield _failed("manifest-duplicate", f"{path} line {number}", f"{name} is listed twice")
        else:
            into[name] = digest


def every_file_is_listed(at: Examination) -> Iterator[Finding]:
    """What is there is listed in every manifest, and what is listed is there."""
    members = at.bundle.members
    payload = {path for path in members if path.startswith("data/")}
    signatures = {path for path in members if path.startswith("signatures/")}
    tags = {
        path
        for path in members.keys() - payload - signatures
        if not _is_tag_manifest(path) and path != "fetch.txt"
    }
    if not at.manifests:
        return  # said already; naming every file would say no more
    complete = True
    for finding in _compare(at.manifests, payload, "", members):
        complete = False
        yield finding
    for finding in _compare(at.tag_manifests, tags, "tag", members):
        complete = False
        yield finding
    for path in sorted(signatures):
        if not _IN_SIGNATURES.fullmatch(path):
            complete = False
            yield _failed("file-unexpected", path, "not a signature that a bundle has")
    if complete:
        yield _passed("files-listed", f"{len(members)} files", "no file is missing, none is extra")


def _is_tag_manifest(path: str) -> bool:
    found = _MANIFEST.fullmatch(path)
    return bool(found and found[1])


def _compare(
    manifests: Mapping[str, Mapping[str, str]],
    there: set[str],
    kind: str,
    members: Mapping[str, Member],
) -> Iterator[Finding]:
    unlisted: dict[str, list[str]] = {}
    missing: dict[str, list[str]] = {}
    for algorithm, listed in manifests.items():
        name = f"{kind}manifest-{algorithm}.txt"
        for path in there - listed.keys():
            unlisted.setdefault(path, []).append(name)
        for path in listed.keys() - there:
            if path not in members:
                missing.setdefault(path, []).append(name)
            else:
                yield _failed("manifest-path", path, f"has no place in {name}")
    for path in sorted(unlisted):
        yield _failed("file-unexpected", path, f"not listed in {', '.join(unlisted[path])}")
    for path in sorted(missing):
        yield _failed("file-missing", path, f"listed in {', '.join(missing[path])}")


def payload_has_the_stated_size(at: Examination) -> Iterator[Finding]:
    """bag-info.txt names the bundle and states its payload's size and number of files."""
    try:
        text = at.bundle.text("bag-info.txt", limit=LONGEST_RECORD)
    except MalformedError as error:
        yield _failed("bag-info", "bag-info.txt", error)
        return
    for line in text.splitlines():
        label, colon, value = line.partition(":")
        if line.startswith((" ", "\t")) or not colon:
            continue
        if label == "Payload-Oxum":
            at.oxum = value.strip()
        elif label == "External-Identifier":
            at.bundle_id = value.strip().rpartition(":")[2].lower()
            at.facts["bundle"] = at.bundle_id
    sizes = [m.size for path, m in at.bundle.members.items() if path.startswith("data/")]
    found = f"{sum(sizes)}.{len(sizes)}"
    at.facts["files"] = len(at.bundle.members)
    if at.oxum is None:
        yield _failed("payload-oxum", "bag-info.txt", "states no Payload-Oxum")
    elif at.oxum != found:
        yield _failed("payload-oxum", "bag-info.txt", f"states {at.oxum}, found {found}")
    else:
        yield _passed("payload-oxum", "bag-info.txt", f"{found} as stated")


def files_are_unaltered(at: Examination) -> Iterator[Finding]:
    """Each listed file has both digests that the manifests give (RFC 8493 section 2.1.3)."""
    stated = _stated(at)
    unaltered = 0
    measure = at.bundle.digests
    nothing: tuple[Optional[str], Optional[str]] = (None, None)
    for path, member in at.bundle.members.items():
        expected = stated.get(path, nothing)
        if expected is nothing:
            continue
        try:
            found = measure(member)
        except MalformedError as error:
            yield _failed("file-malformed", path, error)
            continue
        except OSError as error:
            yield Finding("file-unreadable", UNREADABLE, path, error.strerror or "")
            continue
        if found == expected:
            unaltered += 1
            continue
        wrong = [
            name
            for name, is_, was in (
                ("SHA-256", found[0], expected[0]),
                ("SHA-512", found[1], expected[1]),
            )
            if was not in (None, is_)
        ]
        if wrong:
            yield _failed("file-altered", path, f"the {' and the '.join(wrong)} differs")
        else:
            unaltered += 1
    if unaltered:
        yield _passed("files-unaltered", f"{unaltered} files", "have the digests in the manifests")


def _stated(at: Examination) -> dict[str, tuple[Optional[str], Optional[str]]]:
    """Put what the manifests say together: path to (SHA-256, SHA-512)."""
    stated: dict[str, tuple[Optional[str], Optional[str]]] = {}
    for manifests in (at.manifests, at.tag_manifests):
        short, long = manifests.get("sha256", {}), manifests.get("sha512", {})
        for path, digest in short.items():
            stated[path] = (digest, long.get(path))
        for path in long.keys() - short.keys():
            stated[path] = (None, long[path])
    return stated


# Signatures


def tag_manifest_is_signed(at: Examination) -> Iterator[Finding]:
    """The one signature from which all digests hang was made with a key that the reader trusts."""
    try:
        signature = at.bundle.read(SIGNATURE, limit=4096)
        signed = at.bundle.read(SIGNED, limit=LONGEST_MANIFEST)
    except MalformedError as error:
        if at.policy.unsigned:
            yield Finding("signature-missing", UNTRUSTED, SIGNATURE, f"{error}, as you allowed")
        else:
            yield _failed("signature-missing", SIGNATURE, error)
        return
    for public in at.policy.public_keys:
        if ed25519.verify(public, signature, signed):
            at.facts["signer_fingerprint"] = notes.fingerprint(public)
            yield _passed("signer-trusted", SIGNED, "signed with a key that you trust")
            break
    own = _own_key(at)
    if isinstance(own, Finding):
        yield own
        return
    if "signer_fingerprint" in at.facts:
        if own not in at.policy.public_keys:
            yield _failed("key-foreign", PUBLIC_KEY, "not the key that signed the bundle")
        return
    if not ed25519.verify(own, signature, signed):
        yield _failed("signature-wrong", SIGNATURE, f"does not belong to {SIGNED}")
        return
    at.facts["signer_fingerprint"] = notes.fingerprint(own)
    why = (
        "not among the keys that you trust"
        if at.policy.public_keys
        else "and you named no key; compare it over another channel and give it with --key"
    )
    yield Finding(
        "signer-unknown", UNTRUSTED, SIGNED, f"signed with the key {notes.fingerprint(own)}, {why}"
    )


def _own_key(at: Examination) -> Union[bytes, Finding]:
    try:
        return notes.parse_ed25519_pem(at.bundle.text(PUBLIC_KEY, limit=4096))
    except MalformedError as error:
        return _failed("key-malformed", PUBLIC_KEY, error)


def checkpoint_is_signed(at: Examination) -> Iterator[Finding]:
    """The log's state is signed by its key (C2SP tlog-checkpoint)."""
    if not at.has_custody:
        outcome = UNTRUSTED if at.policy.unsigned else FAILED
        yield Finding("custody-missing", outcome, CUSTODY, "the bundle proves no custody")
        return
    try:
        note = at.bundle.text(CHECKPOINT, limit=notes.LONGEST_NOTE)
        text, lines = notes.split_note(note)
        checkpoint = notes.Checkpoint.parse(text)
    except MalformedError as error:
        yield _failed("checkpoint-malformed", CHECKPOINT, error)
        return
    at.note, at.checkpoint = note, checkpoint
    at.facts.update(log=checkpoint.origin, log_size=checkpoint.size)
    trusted = at.policy.vkeys_of(checkpoint.origin)
    known = {(key.name, key.id) for key in map(notes.parse_vkey, trusted)}
    try:
        if any((line.name, line.key_id) in known for line in lines):
            verified = notes.verify_note(note, trusted)
            if any(key.name == checkpoint.origin for key in verified.signed_by):
                at.log_is_trusted = True
                yield _passed("checkpoint-signed", CHECKPOINT, "signed with a key that you trust")
                return
        own = _own_key(at)
        if isinstance(own, bytes):
            notes.verify_note(note, [notes.vkey(checkpoint.origin, own)])
    except (BrokenError, MalformedError) as error:
        yield _failed("checkpoint-signature", CHECKPOINT, error)
        return
    yield Finding(
        "checkpoint-unknown-signer",
        UNTRUSTED,
        CHECKPOINT,
        "signed, but not with a key that you trust",
    )


def remembered_states_agree(at: Examination) -> Iterator[Finding]:
    """The log still begins with everything that the reader saw of it before."""
    now = at.checkpoint
    if now is None:
        return
    seen = [
        (notes.Checkpoint.parse(notes.split_note(note)[0]), note) for note in at.policy.remembered
    ]
    seen = [(old, note) for old, note in seen if old.origin == now.origin]
    if not seen:
        yield Finding(
            "nothing-remembered",
            NOT_CHECKED,
            now.origin,
            "no earlier state to compare with: a ledger that was cut short or rewritten by its own"
            " key holder would not be noticed (attacks 3, 5, 6, 7, 8, 9, 13); keep this bundle, or"
            " use --store",
        )
        return
    agreed = True
    same = any(old.size == now.size and old.root == now.root for old, _ in seen)
    for old, note in seen:
        for finding in _agree(at, old, note, now, seen_before=same):
            agreed = False
            yield finding
    if agreed:
        yield _passed(
            "consistent-with-remembered", now.origin, f"agrees with {len(seen)} earlier states"
        )


def _agree(
    at: Examination, old: notes.Checkpoint, note: str, now: notes.Checkpoint, *, seen_before: bool
) -> Iterator[Finding]:
    subject = f"{now.origin} at {old.size}"
    if old.size == now.size:
        if old.root == now.root:
            return
        if at.log_is_trusted and _is_signed_by(note, at.policy.vkeys_of(now.origin)):
            at.facts["fork"] = [note, at.note]
            yield Finding("fork", FORKED, subject, "two signed states with the same size")
        else:
            yield _failed("state-contradicts", subject, "not the state that you saw before")
    elif old.size > now.size:
        if not seen_before:
            yield Finding(
                "older-than-remembered",
                UNTRUSTED,
                subject,
                f"you saw a larger ledger before; this one ends at {now.size}: an older bundle, or"
                " a ledger that was cut short",
            )
    elif old.size:
        path = f"{CONSISTENCY}{old.size}-{now.size}"
        if path not in at.bundle.members:
            yield Finding(
                "consistency-unproven",
                NOT_CHECKED,
                subject,
                "the bundle brings no proof that the ledger still begins with what you saw; ask"
                f" the archive for consistency/{old.size}-{now.size} (attacks 3, 5, 6, 9, 13)",
            )
            return
        try:
            proof = notes.parse_consistency(at.bundle.text(path, limit=notes.LONGEST_NOTE))
            if proof.old != old.size or proof.checkpoint != at.note:
                raise BrokenError("a proof about other states")
            merkle.verify_consistency(old.size, now.size, old.root, now.root, proof.path)
        except ProofError as error:
            yield _failed("consistency-broken", path, error)


def _is_signed_by(note: str, vkeys: tuple[str, ...]) -> bool:
    try:
        notes.verify_note(note, vkeys)
    except ProofError:
        return False
    return True


# Custody


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
            yield _passed(
                "entries-proven",
                f"{len(at.entries)} entries",
                f"stand in the ledger, {len(at.withheld)} more are withheld",
            )
    else:
        yield _failed("entries-missing", ENTRIES, "holds no entry")


def _read_entries(  # noqa: C901 - one branch for each fault
    at: Examination,
) -> Iterator[Finding]:
    if at.checkpoint is None:
        raise RuntimeError("the checkpoint is read first")
    before: Optional[Recorded] = None
    try:
        for number, line in enumerate(_lines(at.bundle, ENTRIES), 1):
            try:
                entry = entries.Entry.decode(line)
            except MalformedError as error:
                yield _failed("entry-malformed", f"{ENTRIES} line {number}", error)
                continue
            subject = f"entry {entry.seq}"
            if entry.log != at.checkpoint.origin:
                yield _failed("entry-of-another-log", subject, f"belongs to {entry.log}")
                continue
            if entry.seq in at.entries:
                yield _failed("entry-duplicate", subject, "stands in the bundle twice")
                continue
            leaf = merkle.leaf_hash(line)
            fault = _not_proven(at, entry.seq, leaf)
            if fault is not None:
                yield fault
                continue
            recorded = Recorded(
                seq=entry.seq,
                leaf=leaf,
                time=entry.time,
                kind=entry.kind,
                item=entry.item,
                item_seq=entry.item_seq,
                prev=entry.prev,
                data=entry.data if entry.kind in _KEPT_DATA else {},
            )
            at.entries[entry.seq] = recorded
            if entry.kind == "item.registered" and entry.item is not None:
                at.exhibit_numbers[entry.item] = entry.data.get("exhibit_number")
            for digest in entry.sd:
                at.digests[digest] = at.digests.get(digest, 0) + 1
            if before is not None:
                if before.seq > entry.seq:
                    yield _failed("entries-order", subject, f"stands after entry {before.seq}")
                elif before.time > entry.time:
                    yield _failed("time-goes-back", subject, f"is before entry {before.seq}")
            before = recorded
    except MalformedError as error:
        yield _failed("entries-malformed", ENTRIES, error)


_KEPT_DATA = {
    "export.created",
    "item.exported",
    "item.registered",
    "media.ingested",
    "item.derived",
}


def _lines(bundle: Bundle, path: str) -> Iterator[bytes]:
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
    if at.checkpoint is None:
        raise RuntimeError("the checkpoint is read first")
    path, subject = f"{PROOFS}{seq}.tlog-proof", f"entry {seq}"
    if path not in at.bundle.members:
        return _failed("proof-missing", subject, f"{path} is missing")
    try:
        proof = notes.parse_proof(at.bundle.text(path, limit=notes.LONGEST_NOTE), at.known)
    except MalformedError as error:
        return _failed("proof-malformed", path, error)
    if proof.index != seq or proof.checkpoint != at.note:
        return _failed("proof-malformed", path, "proves something about another state or entry")
    try:
        merkle.verify_inclusion(
            seq, at.checkpoint.size, leaf, proof.path, at.checkpoint.root, passed=at.passed
        )
    except BrokenError as error:
        return _failed("entry-altered", subject, f"is not what the ledger holds: {error}")
    return None


def _read_withheld(at: Examination) -> Iterator[Finding]:
    if WITHHELD not in at.bundle.members:
        return
    try:
        for number, line in enumerate(_lines(at.bundle, WITHHELD), 1):
            found = _WITHHELD_LINE.fullmatch(line.decode("ascii", "replace"))
            subject = f"{WITHHELD} line {number}"
            if found is None:
                yield _failed("withheld-malformed", subject, "not a number and a leaf hash")
                continue
            seq, leaf = int(found[1]), found[2]
            if seq in at.entries or seq in at.withheld:
                yield _failed("entry-duplicate", f"entry {seq}", "stands in the bundle twice")
                continue
            fault = _not_proven(at, seq, bytes.fromhex(leaf))
            if fault is not None:
                yield fault
                continue
            at.withheld[seq] = leaf
            at.withheld_leaves.add(leaf)
    except MalformedError as error:
        yield _failed("withheld-malformed", WITHHELD, error)


def _spare_proofs(at: Examination) -> Iterator[Finding]:
    for path in sorted(at.bundle.members):
        if not path.startswith(PROOFS):
            continue
        found = _PROOF_NAME.fullmatch(path[len(PROOFS) :])
        if found is None:
            yield _failed("proof-malformed", path, "not the name of a proof")
        elif int(found[1]) not in at.entries and int(found[1]) not in at.withheld:
            yield _failed(
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
                yield _failed(
                    "chain-forked",
                    f"entry {recorded.seq}",
                    f"a second entry {recorded.item_seq} of item {recorded.item}",
                )
            chain[recorded.item_seq] = recorded
    if at.bundle_id is None:
        yield _failed("bundle-unnamed", "bag-info.txt", "has no External-Identifier")
        return
    exported = [
        head
        for recorded in at.entries.values()
        if recorded.kind == "export.created" and recorded.data.get("bundle") == at.bundle_id
        for head in _heads(recorded)
    ]
    if not exported:
        yield _failed(
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
            yield _failed("item-not-exported", f"item {item}", "this bundle's export is without it")
    if exported and not faults:
        yield _passed("chains-complete", f"{len(exported)} items", "no entry of theirs is missing")


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
            yield _failed("export-contradicts", f"entry {recorded.seq}", "misstates its own place")
        last = max(last, recorded.item_seq or 0)
    if not own and not at.withheld:  # a withheld entry does not tell its kind
        yield _failed(
            "entry-missing", subject, "its entry item.exported for this bundle is not there"
        )
    if next_seq - 1 in chain and chain[next_seq - 1].leaf.hex() != head:
        yield _failed("export-contradicts", subject, "its head is not the one that was exported")
    hidden = at.withheld_leaves
    gaps = 0
    last = max(last, *chain) if chain else last
    if last > len(chain) + len(hidden):
        gaps = last + 1 - len(chain)
        yield _failed("entry-missing", subject, f"{gaps} of its {last + 1} entries are not there")
        return
    for place in range(last + 1):
        recorded_here, following = chain.get(place), chain.get(place + 1)
        if recorded_here is None:
            named = following.prev if following else (head if place == next_seq - 1 else None)
            unnamed = following is None and place < last
            if named not in hidden and not (unnamed and hidden):
                yield _failed(
                    "entry-missing", subject, f"its entry number {place} is not in the bundle"
                )
        elif following is not None and following.prev != recorded_here.leaf.hex():
            yield _failed(
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
            yield _failed("disclosure-malformed", DISCLOSURES, error)
            return
        for number, line in enumerate(text.splitlines(), 1):
            subject = f"{DISCLOSURES} line {number}"
            fault = _not_disclosed(at, line, shown)
            if fault is not None:
                faults += 1
                yield _failed(fault[0], subject, fault[1])
    if shown and not faults:
        yield _passed("disclosures-proven", f"{len(shown)} values", "are those that were recorded")
    hidden = len(at.digests.keys() - shown)
    if hidden:
        yield Finding(
            "values-withheld",
            NOT_CHECKED,
            f"{hidden} personal values",
            "withheld or erased; nothing can be said about them, and nothing else is affected",
        )


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


# Originals and what is said about them


def originals_are_as_taken_in(  # noqa: C901 - one branch for each fault
    at: Examination,
) -> Iterator[Finding]:
    """Each original has the digests and the size under which it was recorded when it came in."""
    if at.checkpoint is None:
        return
    taken: dict[str, dict[str, Mapping[str, Any]]] = {}
    for recorded in at.entries.values():
        if recorded.kind == "media.ingested" and recorded.item is not None:
            taken.setdefault(recorded.item, {})[str(recorded.data.get("sha256"))] = recorded.data
    described, faults, matched = set[str](), 0, 0
    for path in sorted(at.bundle.members):
        if path.startswith(EVIDENCE) and path.endswith("/item.json") and path.count("/") == 3:
            before = len(described)
            for finding in _item(at, path, taken, described):
                faults += 1
                yield finding
            matched += len(described) - before
    for path in sorted(at.bundle.members):
        if path.startswith(EVIDENCE) and "/original/" in path and path not in described:
            faults += 1
            yield _failed("original-undescribed", path, "no item.json describes it")
    for item, files in sorted(taken.items()):
        for sha256, data in sorted(files.items()):
            faults += 1
            yield _failed(
                "original-missing",
                f"item {item}",
                f"the file {data.get('file')}, SHA-256 {sha256}, was taken in and is not there",
            )
    if matched and not faults:
        yield _passed("originals-as-taken-in", f"{matched} originals", "are those that came in")


def _item(
    at: Examination,
    path: str,
    taken: dict[str, dict[str, Mapping[str, Any]]],
    described: set[str],
) -> Iterator[Finding]:
    folder = path[: -len("item.json")]
    try:
        record = canonical.parse_json(at.bundle.read(path, limit=LONGEST_RECORD))
        item, number, files = record["item"], record["exhibit_number"], record["files"]
        if not isinstance(item, str) or not all(isinstance(each, dict) for each in files):
            raise TypeError
        listed = [(str(each["path"]), each) for each in files]
    except (MalformedError, KeyError, TypeError) as error:
        yield _failed("item-malformed", path, error)
        return
    if item not in at.exhibit_numbers:
        yield _failed("item-unrecorded", path, f"the bundle holds no registration of item {item}")
    elif number != at.exhibit_numbers[item]:
        yield _failed("item-contradicts", path, "the exhibit number is not the one registered")
    for name, each in listed:
        file = name if name.startswith("data/") else folder + name
        if file in described or not file.startswith(folder) or file not in at.bundle.members:
            yield _failed("item-contradicts", path, f"{name} is not a file of this item")
            continue
        described.add(file)
        yield from _described(at, path, file, each)
        if file.startswith(folder + "original/"):
            yield from _as_taken_in(at, file, item, taken)


def _described(at: Examination, path: str, file: str, said: Mapping[str, Any]) -> Iterator[Finding]:
    """Compare item.json with the manifests and the file's size."""
    facts: dict[str, Any] = {
        algorithm: listed.get(file) for algorithm, listed in at.manifests.items()
    }
    facts["size"] = at.bundle.members[file].size
    wrong = [name for name, value in facts.items() if value is not None and said.get(name) != value]
    if wrong:
        yield _failed("item-contradicts", path, f"{', '.join(wrong)} of {file} differs")


def _as_taken_in(
    at: Examination, file: str, item: str, taken: dict[str, dict[str, Mapping[str, Any]]]
) -> Iterator[Finding]:
    sha256 = at.manifests.get("sha256", {}).get(file)
    data = taken.get(item, {}).pop(str(sha256), None)
    if data is None:
        yield _failed("original-replaced", file, "no such file was taken in for this item")
    elif (
        data.get("sha512") != at.manifests.get("sha512", {}).get(file)
        or data.get("size") != at.bundle.members[file].size
    ):
        yield _failed("original-replaced", file, "not what was recorded when it was taken in")


# What remains


def what_remains_open(at: Examination) -> Iterator[Finding]:
    """Say what no check here can exclude, and which attack (formats/ledger.md) stays open."""
    if at.checkpoint is not None:
        yield Finding(
            "not-witnessed",
            NOT_CHECKED,
            at.checkpoint.origin,
            "no independent witness was asked: who holds the archive's key could show others a"
            " different ledger (attacks 3, 5, 9), or this one could be an old state (7, 8, 13)",
        )
        yield Finding(
            "time-not-witnessed",
            NOT_CHECKED,
            "time",
            "server clock only, no third party confirms it: entries could be back-dated by the"
            " archive (attack 10)",
        )
    yield Finding(
        "verifier-origin",
        NOT_CHECKED,
        "this program",
        "a verifier that came inside the bundle proves nothing if the archive is hostile: get it"
        " elsewhere, or use sha256sum and openssl as README.txt says",
    )


CHECKS: tuple[Check, ...] = (
    form_is_sound,
    manifests_are_sound,
    payload_has_the_stated_size,
    every_file_is_listed,
    files_are_unaltered,
    tag_manifest_is_signed,
    checkpoint_is_signed,
    remembered_states_agree,
    entries_are_in_the_log,
    item_chains_are_complete,
    disclosures_belong_to_entries,
    originals_are_as_taken_in,
    what_remains_open,
)


def verify(path: Union[str, os.PathLike[str]], policy: Optional[Policy] = None) -> Report:
    """Check the bundle at ``path``, a folder or a ZIP file, and report all that was found.

    Whatever the bytes, this returns a report.
    """
    subject = os.fspath(path)
    try:
        bundle = open_bundle(path)
    except OSError as error:
        return _unreadable(subject, error.strerror or str(error))
    except MalformedError as error:
        return _unreadable(subject, str(error))
    with bundle:
        if not any(_MANIFEST.fullmatch(name) for name in bundle.members) and (
            "bagit.txt" not in bundle.members
        ):
            faults = (_failed(each.code, each.subject, each.detail) for each in bundle.faults)
            unreadable = Finding("not-a-bundle", UNREADABLE, bundle.name, "no manifest to check")
            return Report(subject, (*faults, unreadable))
        return _examine(subject, Examination(bundle=bundle, policy=policy or Policy()))


def _unreadable(subject: str, reason: str) -> Report:
    return Report(subject, (Finding("bundle-unreadable", UNREADABLE, subject, reason),))


def _examine(subject: str, at: Examination) -> Report:
    found: list[Finding] = []
    for check in CHECKS:
        made = 0
        try:
            for finding in check(at):
                made += 1
                if made <= MOST_FINDINGS:
                    found.append(finding)
        except OSError as error:
            found.append(
                Finding("file-unreadable", UNREADABLE, check.__name__, error.strerror or "")
            )
        except ProofError as error:
            found.append(_failed("check-stopped", check.__name__, error))
        if made > MOST_FINDINGS:
            found.append(
                _failed("more-findings", check.__name__, f"{made - MOST_FINDINGS} more like these")
            )
    report = Report(subject, tuple(found), at.facts)
    if report.verdict.is_good and at.note is not None and at.log_is_trusted:
        return Report(subject, report.findings, {**at.facts, "checkpoint": at.note})
    return report
