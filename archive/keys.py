"""Which keys sign the log, read from its own entries; there is no table of them to be edited."""

from __future__ import annotations

from django.db.models import F

from archive import custody
from archive.models.checkpoint import Checkpoint
from archive.models.ledger import Entry, Log
from archive.proof import key_history, notes
from archive.proof.entries import Entry as Written
from archive.proof.errors import ProofError
from archive.proof.key_history import KeyHistory
from archive.signer import Handover
from archive.signing import Signing


def history(log: Log) -> KeyHistory:
    """Return the log's keys.  Raises BrokenError when its entries about them can't be right."""
    # Of what is rare by its kind, in a way that lets SQLite choose no index of the whole log.
    rows = (
        Entry.objects.alias(of=F("log_id") + 0)
        .filter(of=log.pk, kind__in=key_history.KINDS)
        .order_by("seq")
    )
    written = (Written.decode(body.encode()) for body in rows.values_list("body", flat=True))
    return key_history.read(log.origin, [(each.seq, each.kind, each.data) for each in written])


def handover(log: Log, signer: Signing, *, size: int) -> Handover | None:
    """Return what the signer must see to let its next key sign the tree of ``size`` entries, too.

    None when no key waits, or the entry that hands over to it is not in that tree.
    """
    following = signer.next_vkey()
    if following is None:
        return None
    rows = Entry.objects.filter(log=log, kind=key_history.ROTATED, seq__lt=size).order_by("-seq")
    for seq, body in rows.values_list("seq", "body"):
        named = Written.decode(body.encode()).data.get("new_vkeys")
        if isinstance(named, list) and following in named:
            path = custody.prover(size=size, log=log).inclusion(seq, size)
            return Handover(entry=body.encode(), seq=seq, path=path)
    return None


def bridges(origin: str, *, size: int) -> list[Checkpoint]:
    """Return the checkpoints, up to ``size``, by which a reader gets from each key to the next.

    Of a rotation, the one that both keys signed; of one from a revoked key, the last before it.
    """
    log = Log.objects.get(origin=origin)
    found: dict[int, Checkpoint] = {}
    for turn in history(log).turns:
        rows = Checkpoint.objects.filter(log=log, size__lte=size)
        if turn.is_revoked:
            row = rows.filter(size__lte=turn.seq).order_by("-size").first()
        else:
            row = rows.filter(size__gt=turn.seq).order_by("size").first()
        if row is not None and turn.seq < size:
            found[row.size] = row
    return [found[each] for each in sorted(found)]


def has_signed(note: str, vkey: str) -> bool:
    """Whether a note bears a true signature by this key."""
    try:
        notes.verify_note(note, [vkey])
    except ProofError:
        return False
    return True
