"""What was signed: the checkpoints here, and what the signer and the anchors remember."""

from __future__ import annotations

from collections.abc import Iterator

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from django.conf import settings

from archive import anchors, custody
from archive.audits.examination import Examination, failed
from archive.models.checkpoint import Checkpoint
from archive.proof import notes
from archive.proof.errors import ProofError
from archive.proof.report import NOT_CHECKED, PASSED, UNREADABLE, Finding
from archive.signer import Signed, Signer, SignerError, last_signed


def checkpoints_are_signed(at: Examination) -> Iterator[Finding]:
    """Each checkpoint bears the log's signature, over the root of the entries that are here."""
    try:
        key = Signer(settings.SIGNER_DIR)
    except SignerError as error:
        yield Finding("signer-unreadable", UNREADABLE, "the signer's key", str(error))
        return
    if key.vkey not in at.vkeys:
        yield failed("key-not-of-log", "entry 0", f"does not name the signer's key {key.vkey}")
    good = 0
    newest = 0
    rows = Checkpoint.objects.filter(log=at.log, size__gte=at.start).order_by("size")
    for row in rows.iterator():
        subject = f"checkpoint at {row.size}"
        fault = signature_fault(row.note, key)
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


def signature_fault(note: str, key: Signer) -> str | None:
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
        last = last_signed(settings.SIGNER_DIR)
        if last is not None:
            remembered.append((f"the signer in {settings.SIGNER_DIR}", last))
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
