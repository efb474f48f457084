"""From a key that the reader trusts to the one that signs the log now.

A bundle brings the log's entries about its keys, and for each handover a checkpoint that the old
key signed.  Where the old key was not revoked, the new one signed that checkpoint too, and it
covers the handover.  The bundle's own tree must continue it.  So whoever trusts one key of the log
comes to trust every later one; a revoked key's word counts for nothing, and only the witnesses of
the reader's policy lead past it.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Optional

from archive.proof import entries, key_history, merkle, ml_dsa, notes
from archive.proof.bundle import Bundle
from archive.proof.errors import BrokenError, MalformedError, ProofError
from archive.proof.examination import CUSTODY, Examination, failed, passed
from archive.proof.key_history import KeyHistory, Turn
from archive.proof.report import NOT_CHECKED, UNTRUSTED, Finding
from archive.proof.witnesses import CHECKPOINT, seen_by_quorum

ENTRIES = CUSTODY + "entries.ndjson"
PROOFS = CUSTODY + "proofs/"
BRIDGES = CUSTODY + "keys/"
MOST_HANDOVERS = 1000
_MARK = b'"kind":"key.'
_MARKS = (_MARK, b'"kind":"log.created"')


def keys_lead_from_one_that_is_trusted(at: Examination) -> Iterator[Finding]:
    """Each handover of the log's key is the log's own, and begins at a key that is trusted."""
    try:
        note = at.bundle.text(CHECKPOINT, limit=notes.LONGEST_NOTE)
        checkpoint = notes.Checkpoint.parse(notes.split_note(note)[0])
        found = list(_about_keys(at.bundle, checkpoint, note))
    except ProofError:
        return  # named by the checks of the checkpoint and of the entries
    if not found:
        return
    try:
        history = key_history.read(checkpoint.origin, found)
    except BrokenError as error:
        yield failed("handover-wrong", "the log's keys", error)
        return
    at.keys = history
    trusted = set(at.policy.vkeys_of(checkpoint.origin))
    derived: list[str] = []
    for turn in history.turns:
        if turn.new in trusted:
            continue
        if turn.old not in trusted:
            break
        fault = _fault(at, turn, history, checkpoint, note)
        if fault is not None:
            yield fault
            break
        trusted.add(turn.new)
        derived.append(turn.new)
    at.derived = tuple(derived)
    if derived:
        yield passed("keys-handed-over", checkpoint.origin, f"{len(derived)} times from your key")
    if any(turn.is_revoked for turn in history.turns):
        yield Finding(
            "key-was-revoked",
            NOT_CHECKED,
            checkpoint.origin,
            "a key of this ledger was lost or stolen once: what it signed before it was revoked is"
            " only as good as what you or your witnesses saw then (attacks 3, 5, 9)",
        )


def _about_keys(
    bundle: Bundle, checkpoint: notes.Checkpoint, note: str
) -> Iterator[tuple[int, str, dict[str, object]]]:
    """Give the entries about keys that are proven to stand in the log, in its order."""
    member = bundle.members.get(ENTRIES)
    rest, number = b"", 0
    for chunk in bundle.chunks(member) if member is not None else ():
        *lines, rest = (rest + chunk).split(b"\n")
        for line in lines:
            if not any(mark in line for mark in _MARKS):
                continue
            entry = entries.Entry.decode(line)
            if entry.kind not in key_history.KINDS:
                continue
            number += 1
            if number > MOST_HANDOVERS:
                raise MalformedError("a log with too many keys")
            proof = notes.parse_proof(
                bundle.text(f"{PROOFS}{entry.seq}.tlog-proof", limit=notes.LONGEST_NOTE)
            )
            if (
                proof.index != entry.seq
                or proof.checkpoint not in (note, notes.brief(note))
                or entry.log != checkpoint.origin
            ):
                raise BrokenError("a proof about something else")
            leaf = merkle.leaf_hash(line)
            merkle.verify_inclusion(entry.seq, checkpoint.size, leaf, proof.path, checkpoint.root)
            yield entry.seq, entry.kind, dict(entry.data)
        if len(rest) > entries.LONGEST_ENTRY:
            raise MalformedError("a line that is too long")


def _fault(
    at: Examination, turn: Turn, history: KeyHistory, checkpoint: notes.Checkpoint, note: str
) -> Optional[Finding]:
    subject = f"entry {turn.seq}"
    if turn.is_revoked and not seen_by_quorum(at, note):
        return Finding(
            "handover-unwitnessed",
            UNTRUSTED,
            subject,
            "the key that you trust was revoked, so its successor is believed only if the quorum of"
            " your policy has cosigned this ledger: name witnesses with --policy, or get the new"
            " key over another channel",
        )
    try:
        bridge = _bridge(at.bundle, turn, history, checkpoint)
        signers = (turn.old,) if turn.is_revoked else (turn.old, turn.new)
        for vkey in history.with_companions(signers):
            if notes.parse_vkey(vkey).type == notes.ED25519 or ml_dsa.is_available():
                notes.verify_note(bridge, [vkey])
        _require_beginning(at.bundle, bridge, checkpoint, note)
    except ProofError as error:
        return failed("handover-unproven", subject, error)
    return None


def _bridge(bundle: Bundle, turn: Turn, history: KeyHistory, checkpoint: notes.Checkpoint) -> str:
    """Find the checkpoint that leads over this handover."""
    following = [each.seq for each in history.turns if each.seq > turn.seq]
    end = following[0] if following else checkpoint.size
    sizes = sorted(
        int(path[len(BRIDGES) : -len(".note")])
        for path in bundle.members
        if path.startswith(BRIDGES)
        and path.endswith(".note")
        and path[len(BRIDGES) : -len(".note")].isascii()
        and path[len(BRIDGES) : -len(".note")].isdigit()
        and len(path) < len(BRIDGES) + 24
    )
    if turn.is_revoked:
        fitting = [size for size in reversed(sizes) if size <= turn.seq]
    else:
        fitting = [size for size in sizes if turn.seq < size <= max(end, turn.seq + 1)]
    if not fitting:
        raise BrokenError("no checkpoint of the key that you trust leads to its successor")
    note = bundle.text(f"{BRIDGES}{fitting[0]}.note", limit=notes.LONGEST_NOTE)
    if notes.Checkpoint.parse(notes.split_note(note)[0]).size != fitting[0]:
        raise BrokenError("a checkpoint under another's name")
    return note


def _require_beginning(
    bundle: Bundle, bridge: str, checkpoint: notes.Checkpoint, note: str
) -> None:
    """Require that the bundle's tree continues that checkpoint."""
    old = notes.Checkpoint.parse(notes.split_note(bridge)[0])
    if old.origin != checkpoint.origin:
        raise BrokenError("a checkpoint of another log")
    if old.size == checkpoint.size:
        if old.root != checkpoint.root:
            raise BrokenError("another state of the same size")
        return
    path = f"{CUSTODY}consistency/{old.size}-{checkpoint.size}"
    proof = notes.parse_consistency(bundle.text(path, limit=notes.LONGEST_NOTE))
    if proof.old != old.size or proof.checkpoint != note:
        raise BrokenError("a proof about other states")
    merkle.verify_consistency(old.size, checkpoint.size, old.root, checkpoint.root, proof.path)
