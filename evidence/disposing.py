"""Holds, withdrawal and disposal: what stands of an item, worked out of the ledger.

A hold keeps an item from being disposed of.  Disposal takes two people and a witness who is
neither.  An item that was disposed of keeps its history and its number; its content is shown
and handed out no more.  Its bytes stay in the store, where other items may have the same.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from django.contrib.auth.models import User
from django.db.models import QuerySet
from django.utils.translation import gettext as _

from archive import custody
from archive.models.ledger import Entry as Row
from archive.proof import events
from archive.proof.entries import Entry
from evidence import access, records
from evidence.agreeing import TURNS
from evidence.models.disposal import DisposalDecision, DisposalProposal, Hold, HoldLift
from evidence.models.file import EvidenceFile
from evidence.models.item import EvidenceItem

Status = EvidenceItem.Status


class DisposalError(ValueError):
    """It can't be done like this; the message says why and what to do."""


class SamePersonError(PermissionError):
    """Whoever proposes a disposal does not approve it."""


def place_hold(
    item: EvidenceItem, *, authority: str, reason: str, user: User, now: datetime
) -> Hold:
    """Keep an item from disposal until the hold is lifted."""
    if not authority.strip() or not reason.strip():
        raise DisposalError(_("Say on whose authority it is held, and why."))
    row = records.made(Hold, user=user, now=now, item=item, authority=authority, reason=reason)
    with custody.recording(actor=access.actor_of(user, item.case), now=now) as log:
        return records.keep(log, row, events.HoldPlaced, item=item.pk, case=str(item.case_id))


def lift_hold(hold: Hold, *, reason: str, user: User, now: datetime) -> None:
    """End a hold."""
    if not reason.strip():
        raise DisposalError(_("Say why it is lifted."))
    item = hold.item
    row = records.made(HoldLift, user=user, now=now, hold=hold, reason=reason)
    with custody.recording(actor=access.actor_of(user, item.case), now=now) as log:
        _locked(item)
        if HoldLift.objects.filter(hold=hold).exists():
            raise DisposalError(_("It was lifted already."))
        records.keep(
            log, row, events.HoldLifted, item=item.pk, case=str(item.case_id), hold=str(hold.pk)
        )


def holds(item: EvidenceItem) -> QuerySet[Hold]:
    """Return the holds that nobody has lifted."""
    return Hold.objects.filter(item=item, lift__isnull=True).select_related("recorded_by")


def withdraw(item: EvidenceItem, *, reason: str, user: User, now: datetime) -> EvidenceItem:
    """Say that an item is relied on no more; everything of it stays."""
    return _turn(item, events.ItemWithdrawn, reason=reason, user=user, now=now)


def reinstate(item: EvidenceItem, *, reason: str, user: User, now: datetime) -> EvidenceItem:
    """Rely on a withdrawn item again."""
    return _turn(item, events.ItemReinstated, reason=reason, user=user, now=now)


def propose(
    item: EvidenceItem,
    *,
    authority: str,
    reason: str,
    witness: str,
    user: User,
    now: datetime,
) -> DisposalProposal:
    """Propose that an item be disposed of; another person decides."""
    if not (authority.strip() and reason.strip() and witness.strip()):
        raise DisposalError(_("Say on whose authority, why, and who will witness it."))
    row = records.made(
        DisposalProposal,
        user=user,
        now=now,
        item=item,
        authority=authority,
        reason=reason,
        witness=witness,
    )
    with custody.recording(actor=access.actor_of(user, item.case), now=now) as log:
        _check(_locked(item))
        return records.keep(log, row, events.DisposalProposed, item=item.pk, case=str(item.case_id))


def decide(
    proposal: DisposalProposal, *, approved: bool, reason: str, user: User, now: datetime
) -> EvidenceItem:
    """Approve or refuse what somebody else proposed.

    Raises SamePersonError for whoever proposed it or witnesses it, DisposalError while a hold
    stands.
    """
    if not reason.strip():
        raise DisposalError(_("Say why you approve or refuse it."))
    mine = access.agent_of(user)
    names = {str(mine.label).casefold(), user.get_username().casefold()}
    if proposal.recorded_by == mine or proposal.witness.casefold() in names:
        raise SamePersonError(_("Who proposes or witnesses a disposal does not approve it."))
    row = records.made(
        DisposalDecision, user=user, now=now, proposal=proposal, approved=approved, reason=reason
    )
    item = proposal.item
    facts = {
        "case": str(item.case_id),
        "proposal": str(proposal.pk),
        "proposed_by": proposal.recorded_by.opaque_id,
    }
    with custody.recording(actor=access.actor_of(user, item.case), now=now) as log:
        item = _locked(item)
        if DisposalDecision.objects.filter(proposal=proposal).exists():
            raise DisposalError(_("It was decided already."))
        if not approved:
            records.keep(log, row, events.DisposalRefused, item=item.pk, **facts)
            return item
        _check(item)
        records.keep(log, row, events.ItemDisposed, item=item.pk, **facts)
        item.status = Status.DISPOSED
        item.save(update_fields=["status"])
    return item


def waiting(item: EvidenceItem) -> QuerySet[DisposalProposal]:
    """Return the proposals about an item that nobody has decided."""
    rows = DisposalProposal.objects.filter(item=item, disposal_decision__isnull=True)
    return rows.select_related("recorded_by")


def stands(entries: Iterable[Row]) -> tuple[str, str] | None:
    """Return an item's status and level as its history tells them; None where it has none."""
    status, level = "", ""
    for row in entries:
        entry = Entry.decode(row.body.encode())
        if entry.kind == events.ItemRegistered.kind:
            status, level = Status.REGISTERED, str(entry.data.get("level"))
        elif entry.kind == events.MediaIngested.kind:
            if entry.data.get("declared_match") == EvidenceFile.Declared.MISMATCH:
                status = Status.CANDIDATE
        elif entry.kind in TURNS:
            status = TURNS[entry.kind]
        elif entry.kind == events.ItemClassified.kind:
            level = str(entry.data.get("after"))
    return (status, level) if status else None


def rebuild(items: Iterable[EvidenceItem]) -> list[EvidenceItem]:
    """Set each item's status and level to what its history says; return those that differed."""
    changed = []
    for item in items:
        found = stands(custody.history_of(item.pk))
        if found is not None and found != (item.status, item.effective_level):
            item.status, item.effective_level = found
            item.save(update_fields=["status", "effective_level"])
            changed.append(item)
    return changed


def _turn(
    item: EvidenceItem,
    event: type[events.ItemWithdrawn | events.ItemReinstated],
    *,
    reason: str,
    user: User,
    now: datetime,
) -> EvidenceItem:
    if not reason.strip():
        raise DisposalError(_("Say why."))
    with custody.recording(actor=access.actor_of(user, item.case), now=now) as log:
        item = _locked(item)
        status = TURNS[event.kind]
        if item.status in {Status.DISPOSED, status}:
            raise DisposalError(
                _("The item is {value} already.").format(value=item.get_status_display().lower())
            )
        item.status = status
        item.save(update_fields=["status"])
        log.add(event(case=str(item.case_id), reason=reason.strip()), item=item.pk)
    return item


def _check(item: EvidenceItem) -> None:
    if item.status == Status.DISPOSED:
        raise DisposalError(_("The item was disposed of already."))
    held = holds(item).first()
    if held is not None:
        raise DisposalError(
            _("The item is held ({authority}). Have the hold lifted first.").format(
                authority=held.authority
            )
        )


def _locked(item: EvidenceItem) -> EvidenceItem:
    rows = EvidenceItem.objects.select_for_update(of=("self",)).select_related("case")
    return rows.get(pk=item.pk)
