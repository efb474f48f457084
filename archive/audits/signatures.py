"""What was signed: the checkpoints here, and what the signer and the anchors remember."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from django.conf import settings

from archive import anchors, custody, signing
from archive.audits.examination import Examination, failed
from archive.models.checkpoint import Checkpoint
from archive.proof import key_history, notes
from archive.proof.errors import ProofError
from archive.proof.key_history import KeyHistory
from archive.proof.report import NOT_CHECKED, PASSED, UNREADABLE, Finding
from archive.signer import Signed, SignerError


def checkpoints_are_signed(at: Examination) -> Iterator[Finding]:
    """Each checkpoint bears the log's signature, over the root of the entries that are here."""
    try:
        history = key_history.read(at.log.origin, at.key_entries)
        known = names_the_signers_key(history)
    except SignerError as error:
        yield Finding("signer-unreadable", UNREADABLE, "the signer's key", str(error))
        return
    except ProofError as error:
        yield failed("keys-wrong", "the log's keys", error)
        return
    if not known:
        yield failed("key-not-of-log", "entry 0", "no entry names the signer's key")
    good = 0
    newest = 0
    before = _size_before(at)
    rows = Checkpoint.objects.filter(log=at.log, size__gte=at.start).order_by("size")
    for row in rows.iterator():
        subject = f"checkpoint at {row.size}"
        fault = signature_fault(
            row.note, history.with_companions(history.signers(row.size, before=before))
        )
        before = row.size
        if fault:
            yield failed("checkpoint-altered", subject, fault)
            continue
        signed = notes.Checkpoint.parse(notes.split_note(row.note)[0])
        if signed.size != row.size:
            yield failed("checkpoint-altered", subject, f"its note is for {signed.size} entries")
        elif (detail := contradiction(at, Signed(signed.size, signed.root))) is not None:
            yield failed("checkpoint-contradicted", subject, detail)
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


def _size_before(at: Examination) -> int:
    """Return the size of the checkpoint in front of the first that is looked at."""
    rows = Checkpoint.objects.filter(log=at.log, size__lt=at.start).order_by("-size")
    return rows.values_list("size", flat=True).first() or 0


def names_the_signers_key(history: KeyHistory) -> bool:
    """Whether the key that the log says signs now is the signer's, or that which waits there.

    Raises SignerError.
    """
    key = signing.the_signer()
    named = {history.first, *(turn.new for turn in history.turns)}
    newest = history.turns[-1].new if history.turns else history.first
    return newest in (key.vkey, key.next_vkey()) and key.vkey in named


def signature_fault(note: str, vkeys: Iterable[str]) -> str | None:
    """Say why these keys have not all signed a note; OpenSSL's check, for they may be many."""
    try:
        text, lines = notes.split_note(note)
        for vkey in vkeys:
            own = notes.parse_vkey(vkey)
            made = [line for line in lines if (line.name, line.key_id) == (own.name, own.id)]
            if not made:
                return "the log's key has not signed it"
            if own.type != notes.ED25519:
                notes.verify_note(note, [vkey])
                continue
            key = Ed25519PublicKey.from_public_bytes(own.public)
            for line in made:
                key.verify(line.signature, text.encode())
    except ProofError as error:
        return str(error)
    except InvalidSignature:
        return "the signature is wrong"
    return None


def contradiction(at: Examination, signed: Signed) -> str | None:
    if signed.size > at.end:
        return (
            f"{signed.size} entries were signed and the database holds {at.end}: "
            f"entries {at.end} to {signed.size - 1} are lost"
        )
    if at.has_gaps:
        return None  # named already: the tree has holes
    root = at.roots.get(signed.size)
    if root is None and signed.size < at.start:
        root = custody.prover(size=at.start, log=at.log).root(signed.size)
    if root is None or root == signed.root:
        return None
    return f"the first {signed.size} entries are not those that were signed"


def outside_agrees(at: Examination) -> Iterator[Finding]:
    """What the signer and the anchors remember is in the database."""
    remembered: list[tuple[str, Signed]] = []
    try:
        last = signing.last()
        if last is not None:
            remembered.append((signing.place(), last))
    except SignerError as error:
        yield Finding("signer-unreadable", UNREADABLE, "what the signer signed last", str(error))
    checkpoints = Checkpoint.objects.filter(log=at.log, size__gte=at.start)
    held = set(checkpoints.values_list("size", flat=True))
    for path in settings.ANCHOR_FILES:
        try:
            anchored = [
                one
                for one in anchors.every(path)
                if one[1].origin == at.log.origin and one[1].size >= at.start
            ]
        except anchors.AnchorError as error:
            yield Finding("anchor-unreadable", UNREADABLE, f"the anchor {path}", str(error))
            continue
        remembered += [(f"the anchor {path}", Signed(c.size, c.root)) for _, c in anchored]
        for size in sorted({c.size for _, c in anchored if c.size <= at.end} - held):
            yield failed(
                "checkpoint-missing", f"checkpoint at {size}", f"it stands in the anchor {path}"
            )
    wrong = False
    for place, signed in remembered:
        detail = contradiction(at, signed)
        if detail is not None:
            wrong = True
            code = "entries-lost" if signed.size > at.end else "history-altered"
            yield failed(code, f"checkpoint at {signed.size} in {place}", detail)
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
