"""Checkpoints: the ledger's head signed, kept, and anchored outside the database.

Signed after the commit, never before: a signature over entries that then fail to commit would make
the signer refuse the true history for ever.  A crash between the two leaves entries that the next
checkpoint covers.  Order: state of the signer (fsync), the row, the mirrors and the anchors
(fsync).
"""

from __future__ import annotations

import fcntl
from datetime import datetime, timedelta
from functools import partial

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from archive import anchors, custody, keys, mirrors, signing
from archive.models.checkpoint import Checkpoint
from archive.models.ledger import Log
from archive.proof import notes
from archive.signer import Signed, SignerRefusedError
from archive.signing import Signing

MOMENT = timedelta(seconds=1)  # between checkpoints that nobody waits for
MOST_TRIES = 20  # each retry means that another process signed a newer head in between


def checkpoint() -> Checkpoint:
    """The log's committed head is signed and anchored; asking twice for one size changes nothing.

    MUST be called after the commit; raises RuntimeError inside a transaction.  Raises SignerError
    when the signer refuses or is missing, NotOpenedError, OlderDatabaseError and AnchorError.
    """
    with transaction.atomic(durable=True):
        log = custody.the_log()
    key = signing.the_signer()
    for _ in range(MOST_TRIES):
        custody.require_what_was_signed()
        last = key.last()
        try:
            return _sign_head(log, key, last)
        except SignerRefusedError:
            if key.last() == last:
                raise
            # Another process signed in between: the proof has to begin at what it signed.
    raise SignerRefusedError(f"Other processes signed {MOST_TRIES} times in between; try again.")


def keep_up(*, now: datetime) -> Checkpoint | None:
    """Have the head signed, unless that is being done or was done a moment ago; None then.

    For acts that need no signature themselves: however many there are in a second, one pays for a
    checkpoint, and the timer's next one covers the rest.  Raises as ``checkpoint`` does.
    """
    with (settings.SIGNER_DIR / "checkpoint.lock").open("ab") as turn:
        try:
            fcntl.flock(turn, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return None
        try:
            newest = latest()
            # One from the future was signed under a clock that has since been put back.
            if newest is not None and now - MOMENT < newest.signed_at <= now:
                return None
            return checkpoint()
        finally:
            fcntl.flock(turn, fcntl.LOCK_UN)  # a child forked meanwhile would keep it


def _sign_head(log: Log, key: Signing, last: Signed | None) -> Checkpoint:
    head = custody.head()
    row = Checkpoint.objects.filter(log=log, size=head.size).first()
    if row is None:
        proof: list[bytes] = []
        if last is not None and 0 < last.size < head.size:
            proof = custody.prover(size=head.size, log=log).consistency(last.size, head.size)
        text = notes.checkpoint_text(head.origin, head.size, head.root)
        handover = keys.handover(log, key, size=head.size)
        note = f"{text}\n{key.sign(text, proof, handover)}"
        with custody.writing():
            row, _ = Checkpoint.objects.get_or_create(
                log=log, size=head.size, defaults={"note": note, "signed_at": timezone.now()}
            )
    for path in settings.ANCHOR_FILES:
        # First: what an anchor promises can then be put back from beside it.
        mirrors.extend(mirrors.beside(path), row.size, partial(custody.bodies, log))
        newest = anchors.newest(path)
        if newest is None or newest.size < row.size:
            anchors.append(path, row.note)
    _take_over(key, row)
    return row


def _take_over(key: Signing, newest: Checkpoint) -> None:
    """A key that waits takes over, once a checkpoint is kept that it and the present one signed."""
    following = key.next_vkey()
    if following is not None and keys.has_signed(newest.note, following):
        key.take_over(newest.note)


def latest() -> Checkpoint | None:
    """Return the newest checkpoint of the archive's log."""
    return (
        Checkpoint.objects.filter(log__origin=settings.LOG_ORIGIN)
        .select_related("log")
        .order_by("-size")
        .first()
    )
