"""Where an audit may go on: after entries that an earlier one read, under a signature that holds.

An earlier audit's entry says how far it came.  Nothing else that the database says of that place is
believed: the stored tree must lead to the root of a checkpoint there that the log's key signed, and
what is still needed of earlier entries must be proven to stand under that root.
"""

from __future__ import annotations

from collections.abc import Iterator

from archive import custody, keys
from archive.audits.entries import remember
from archive.audits.examination import Examination, Verified
from archive.audits.signatures import names_the_signers_key, signature_fault
from archive.models.checkpoint import Checkpoint
from archive.models.ledger import Entry, Log
from archive.proof import key_history, notes
from archive.proof.entries import Entry as Written
from archive.proof.entries import format_time
from archive.proof.errors import BrokenError, ProofError
from archive.proof.events import DisclosureErased, LedgerVerified, LogRestored
from archive.proof.merkle import Prover, leaf_hash, verify_inclusion
from archive.proof.report import NOT_CHECKED, PASSED, Finding, Verdict
from archive.signer import SignerError

NOT_READ_AGAIN = "entries-not-read-again"
ORIGINALS_UNREAD = "originals-unread"

#: Kinds of which an audit needs every entry, also of those that are not read again.
_RECALLED = (*key_history.KINDS, DisclosureErased.kind, LogRestored.kind)


def last_verified(log: Log, *, without: tuple[str, ...] = ()) -> Verified | None:
    """Return the newest audit that found nothing wrong and left none of ``without`` unchecked."""
    rows = Entry.objects.filter(log=log, kind=LedgerVerified.kind).order_by("-seq")
    for body in rows.values_list("body", flat=True).iterator():
        try:
            written = Written.decode(body.encode())
        except ProofError:
            continue  # a full audit names it
        said = written.data
        size, unchecked = said.get("size"), said.get("not_checked")
        if (
            written.kind == LedgerVerified.kind
            and said.get("outcome") == Verdict.VERIFIED.value
            and isinstance(size, int)
            and isinstance(unchecked, list)
            and not set(without) & {str(one) for one in unchecked}
        ):
            return Verified(seq=written.seq, size=size, time=written.time)
    return None


def begins_where_it_was_verified(at: Examination) -> Iterator[Finding]:
    """An audit that goes on begins at what was signed; anything amiss there has it read all."""
    if not at.goes_on:
        return
    since = last_verified(at.log, without=(ORIGINALS_UNREAD,) if at.full else ())
    if since is None:
        yield _from_the_beginning("no audit before this one found everything as it was recorded")
        return
    try:
        _go_on(at, since)
    except (ProofError, SignerError, custody.DamagedLedgerError) as error:
        yield _from_the_beginning(str(error))
        return
    whole = last_verified(at.log, without=(NOT_READ_AGAIN, ORIGINALS_UNREAD)) or since
    when = f"{format_time(whole.time)}, by the audit in entry {whole.seq}"
    rest = "" if whole.size >= at.start else f", those from {whole.size} by later audits"
    yield Finding(
        NOT_READ_AGAIN,
        NOT_CHECKED,
        f"entries 0 to {at.start - 1}",
        f"last read in full at {when}{rest}: an edit of them in place, of their personal values or "
        "of their originals since then would not be seen (attacks 1, 12, 16); their tree is the "
        "one that was signed",
    )


def _from_the_beginning(reason: str) -> Finding:
    return Finding("read-from-the-beginning", PASSED, "entries from 0", reason)


def _go_on(at: Examination, since: Verified) -> None:
    """Put the examination after the newest signed tree that ``since`` covered, or leave it be.

    Raises SignerError, BrokenError, MalformedError and DamagedLedgerError.
    """
    signed = _signed_by(at.log, since.size)
    prover = custody.prover(size=signed.size, log=at.log)
    frontier = prover.frontier(signed.size)
    if frontier.root() != signed.root:
        raise BrokenError(
            f"the stored tree of {signed.size} entries is not the one that was signed"
        )
    needed = Entry.objects.filter(log=at.log, seq__lt=signed.size, kind__in=_RECALLED)
    for seq in sorted({0, *needed.values_list("seq", flat=True)}):
        remember(at, _proven(at.log, seq, prover, signed))
    at.time = _proven(at.log, signed.size - 1, prover, signed).time
    at.frontier = frontier
    at.start = at.end = signed.size
    at.roots[signed.size] = signed.root


def _signed_by(log: Log, size: int) -> notes.Checkpoint:
    """Return the newest checkpoint of at most ``size`` entries under which a signature holds."""
    history = keys.history(log)
    if not names_the_signers_key(history):
        raise BrokenError("the log does not name the signer's key")
    rows = Checkpoint.objects.filter(log=log, size__lte=size, size__gt=0).order_by("-size")
    for row in rows.iterator():
        if signature_fault(row.note, (history.in_force(row.size),)) is None:
            signed = notes.Checkpoint.parse(notes.split_note(row.note)[0])
            if (signed.origin, signed.size) == (log.origin, row.size):
                return signed
    raise BrokenError(f"no checkpoint of the first {size} entries bears the log's signature")


def _proven(log: Log, seq: int, prover: Prover, signed: notes.Checkpoint) -> Written:
    """Return one entry of those that are not read again, proven to stand in the signed tree."""
    body = Entry.objects.filter(log=log, seq=seq).values_list("body", flat=True).first()
    if body is None:
        raise BrokenError(f"entry {seq} is not in the database")
    path = prover.inclusion(seq, signed.size)
    verify_inclusion(seq, signed.size, leaf_hash(body.encode()), path, signed.root)
    return Written.decode(body.encode())
