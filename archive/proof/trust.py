"""Who signed a bundle and its log, and whether the log still says what the reader saw before."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Optional, Union

from archive.proof import ed25519, merkle, ml_dsa, notes, sshsig
from archive.proof.errors import BrokenError, MalformedError, ProofError
from archive.proof.examination import CUSTODY, LONGEST_MANIFEST, Examination, failed, passed
from archive.proof.inclusion import Inclusions
from archive.proof.report import FAILED, FORKED, NOT_CHECKED, UNTRUSTED, Finding

SIGNATURE = "signatures/tagmanifest-sha512.txt.ed25519.sig"
PUBLIC_KEY = "signatures/archive-ed25519.pub.pem"
SIGNED = "tagmanifest-sha512.txt"
CHECKPOINT = "data/custody/checkpoint"
CONSISTENCY = "data/custody/consistency/"


SSH_SIGNATURE = "signatures/tagmanifest-sha512.txt.sshsig"
ALLOWED_SIGNERS = "signatures/allowed_signers"


def tag_manifest_is_signed(at: Examination) -> Iterator[Finding]:
    """The one signature from which all digests hang was made with a key that the reader trusts."""
    try:
        signature = at.bundle.read(SIGNATURE, limit=4096)
        signed = at.bundle.read(SIGNED, limit=LONGEST_MANIFEST)
    except MalformedError as error:
        if at.policy.unsigned:
            yield Finding("signature-missing", UNTRUSTED, SIGNATURE, f"{error}, as you allowed")
        else:
            yield failed("signature-missing", SIGNATURE, error)
        return
    for public in at.public_keys:
        if ed25519.verify(public, signature, signed):
            at.facts["signer_fingerprint"] = notes.fingerprint(public)
            yield passed("signer-trusted", SIGNED, "signed with a key that you trust")
            break
    own = own_key(at)
    if isinstance(own, Finding):
        yield own
        return
    if "signer_fingerprint" in at.facts:
        if own not in at.public_keys:
            yield failed("key-foreign", PUBLIC_KEY, "not the key that signed the bundle")
        return
    if not ed25519.verify(own, signature, signed):
        yield failed("signature-wrong", SIGNATURE, f"does not belong to {SIGNED}")
        return
    at.facts["signer_fingerprint"] = notes.fingerprint(own)
    why = (
        "not among the keys that you trust"
        if at.public_keys
        else "and you named no key; compare it over another channel and give it with --key"
    )
    yield Finding(
        "signer-unknown", UNTRUSTED, SIGNED, f"signed with the key {notes.fingerprint(own)}, {why}"
    )


def ssh_signature_holds(at: Examination) -> Iterator[Finding]:
    """The same key signed for OpenSSH as well, where a bundle has that signature."""
    there = [path for path in (SSH_SIGNATURE, ALLOWED_SIGNERS) if path in at.bundle.members]
    if not there:
        return
    own = own_key(at)
    if isinstance(own, Finding):
        return  # said already
    path = SSH_SIGNATURE
    try:
        text = at.bundle.text(path, limit=4096)
        key, signature = sshsig.opened(text)
        if text != sshsig.armored(key, signature):
            raise MalformedError("not as a bundle has it")
        signed = sshsig.to_be_signed(at.bundle.read(SIGNED, limit=LONGEST_MANIFEST))
        if key != own or not ed25519.verify(key, signature, signed):
            yield failed("ssh-signature-wrong", path, f"does not belong to {SIGNED} and its key")
            return
        path = ALLOWED_SIGNERS
        text = at.bundle.text(path, limit=4096)
        if sshsig.allowed_key(text) != own or text != sshsig.allowed_signers(own):
            yield failed("ssh-signature-wrong", path, "names another key")
            return
    except MalformedError as error:
        yield failed("ssh-signature-malformed", path, error)
        return
    yield passed("ssh-signed", SSH_SIGNATURE, "signed for OpenSSH with the same key")


def own_key(at: Examination) -> Union[bytes, Finding]:
    """Give the public key that the bundle brings, or what is wrong with it."""
    try:
        text = at.bundle.text(PUBLIC_KEY, limit=4096)
        public = notes.parse_ed25519_pem(text)
    except MalformedError as error:
        return failed("key-malformed", PUBLIC_KEY, error)
    if text != notes.ed25519_pem(public):  # no manifest lists it: only its one spelling is let in
        return failed("key-malformed", PUBLIC_KEY, "not as a bundle has it")
    return public


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
        yield failed("checkpoint-malformed", CHECKPOINT, error)
        return
    at.note, at.checkpoint = note, checkpoint
    at.inclusions = Inclusions(note, checkpoint)
    at.facts.update(log=checkpoint.origin, log_size=checkpoint.size)
    trusted = at.keys_in_force(checkpoint.origin, checkpoint.size)
    known = {(key.name, key.id) for key in map(notes.parse_vkey, trusted)}
    try:
        if any((line.name, line.key_id) in known for line in lines):
            verified = notes.verify_note(note, trusted)
            if any(key.name == checkpoint.origin for key in verified.signed_by):
                at.log_is_trusted = True
                yield passed("checkpoint-signed", CHECKPOINT, "signed with a key that you trust")
                return
        fault = _retired(at, note, checkpoint)
        if fault is not None:
            yield fault
            return
        own = own_key(at)
        if isinstance(own, bytes):
            notes.verify_note(note, [notes.vkey(checkpoint.origin, own)])
    except (BrokenError, MalformedError) as error:
        yield failed("checkpoint-signature", CHECKPOINT, error)
        return
    yield Finding(
        "checkpoint-unknown-signer",
        UNTRUSTED,
        CHECKPOINT,
        "signed, but not with a key that you trust",
    )


def post_quantum_signature_holds(at: Examination) -> Iterator[Finding]:
    """Where the log has a post-quantum key, or the reader names one, it has signed as well.

    Whoever can forge Ed25519 signatures one day can't forge these.
    """
    if at.checkpoint is None:
        return
    note, lines = at.note or "", notes.split_note(at.note or "")[1]
    for vkey in _post_quantum_keys(at, at.checkpoint):
        key = notes.parse_vkey(vkey)
        if not any((line.name, line.key_id) == (key.name, key.id) for line in lines):
            detail = "the ML-DSA-44 key that the ledger or you name has not signed"
            yield failed("post-quantum-missing", CHECKPOINT, detail)
        elif not ml_dsa.is_available():
            yield Finding(
                "post-quantum-not-checked",
                NOT_CHECKED,
                CHECKPOINT,
                "an ML-DSA-44 signature is present, not checked: that needs the Python package"
                " cryptography",
            )
        elif _is_signed_by(note, (vkey,)):
            yield passed("post-quantum-signed", CHECKPOINT, "signed with ML-DSA-44 as well")
        else:
            yield failed("post-quantum-wrong", CHECKPOINT, "a wrong ML-DSA-44 signature")


def _post_quantum_keys(at: Examination, checkpoint: notes.Checkpoint) -> list[str]:
    """Give the keys that must have signed: the log's own now, and those that the reader names.

    One of the reader's that the log has replaced since counts no more.
    """
    named = [
        vkey
        for vkey in at.policy.vkeys_of(checkpoint.origin)
        if _is_post_quantum(vkey, checkpoint.origin)
    ]
    if at.keys is None:
        return named
    current = at.keys.companions.get(at.keys.in_force(checkpoint.size))
    others = [vkey for vkey in named if vkey not in at.keys.companions.values()]
    return others if current is None else [current, *others]


def _is_post_quantum(vkey: str, origin: str) -> bool:
    key = notes.parse_vkey(vkey)
    return key.type == notes.ML_DSA_44 and key.name == origin


def _retired(at: Examination, note: str, checkpoint: notes.Checkpoint) -> Optional[Finding]:
    """Say so if only a key signed that the log itself had replaced by then."""
    trusted = at.policy.vkeys_of(checkpoint.origin)
    for turn in at.keys.turns if at.keys else ():
        if turn.seq < checkpoint.size and turn.old in trusted and _is_signed_by(note, (turn.old,)):
            detail = f"signed with a key that entry {turn.seq} of this ledger had replaced before"
            return failed("key-retired", CHECKPOINT, detail)
    return None


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
        yield passed(
            "consistent-with-remembered", now.origin, f"agrees with {len(seen)} earlier states"
        )


def _agree(
    at: Examination, old: notes.Checkpoint, note: str, now: notes.Checkpoint, *, seen_before: bool
) -> Iterator[Finding]:
    subject = f"{now.origin} at {old.size}"
    if old.size == now.size:
        if old.root == now.root:
            return
        if at.log_is_trusted and _is_signed_by(
            note, (*at.policy.vkeys_of(now.origin), *at.derived)
        ):
            at.facts["fork"] = [note, at.note]
            yield Finding("fork", FORKED, subject, "two signed states with the same size")
        else:
            yield failed("state-contradicts", subject, "not the state that you saw before")
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
            yield failed("consistency-broken", path, error)


def _is_signed_by(note: str, vkeys: tuple[str, ...]) -> bool:
    try:
        notes.verify_note(note, vkeys)
    except ProofError:
        return False
    return True
