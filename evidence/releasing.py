"""Releases: one person asks, another decides with a reason, and only then may it leave.

An item in which a prisoner can be recognised leaves whole only with the public interest that is
held to justify it (Third Geneva Convention, article 13).  What humiliates never goes to media
or public.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from django.contrib.auth.models import User
from django.db.models import QuerySet
from django.utils.translation import gettext as _

from archive import custody
from archive.models.bundle import Bundle
from archive.proof import events
from evidence import access, embargoing, profiles, records
from evidence.models.case import Case
from evidence.models.item import EvidenceItem
from evidence.models.levels import ORDER, Level
from evidence.models.release import (
    RecipientClass,
    ReleaseDecision,
    ReleaseReceipt,
    ReleaseRequest,
    ReleaseRevocation,
)

#: Markers of material in which a person in captivity can be recognised.
RECOGNISED = frozenset({"identifiable_pow", "identifiable_detainee"})
#: Markers of material that never goes to everybody, whatever the interest.
NEVER_PUBLIC = frozenset({"humiliating_or_degrading"})
EVERYBODY = frozenset({RecipientClass.MEDIA, RecipientClass.PUBLIC})
ITEMS_PER_ENTRY = 300  # an entry holds at most 65,535 bytes
HEX = frozenset("0123456789abcdef")


class ReleaseError(ValueError):
    """It may not leave like this; the message says why and what to do."""


class SamePersonError(PermissionError):
    """Whoever asks for a release does not authorise it."""


def needs_release(item: EvidenceItem) -> bool:
    """Say whether an item may leave only by a release that two people made."""
    is_sensitive = ORDER.index(Level(item.effective_level)) >= ORDER.index(Level.RESTRICTED)
    return is_sensitive or bool(RECOGNISED & set(item.markers))


def request(
    items: Sequence[EvidenceItem], *, recipient: str, purpose: str, user: User, now: datetime,
    **said: Any,
) -> ReleaseRequest:  # fmt: skip
    """Ask that items of one case go to somebody."""
    if not items:
        raise ReleaseError(_("Choose at least one item."))
    case = items[0].case
    if any(item.case_id != case.pk for item in items):
        raise ReleaseError(_("A release is of one case; ask for each case by itself."))
    if not recipient.strip() or not purpose.strip():
        raise ReleaseError(_("Say to whom it goes and what for."))
    _must_be_offered(said.get("profile", ""))
    row = records.made(
        ReleaseRequest,
        user=user,
        now=now,
        case=case,
        items=[str(one.pk) for one in sorted(items, key=lambda one: one.exhibit_number)],
        recipient=recipient,
        purpose=purpose,
        **said,
    )
    with custody.recording(actor=access.actor_of(user, case), now=now) as log:
        records.keep(
            log,
            row,
            events.ReleaseRequested,
            case=str(case.pk),
            recipient_class=row.recipient_class,
            items=tuple(row.items[:ITEMS_PER_ENTRY]),
        )
    return row


def decide(
    asked: ReleaseRequest,
    *,
    authorised: bool,
    reason: str,
    user: User,
    now: datetime,
    **said: Any,
) -> ReleaseDecision:
    """Authorise or refuse what somebody else asked.

    Raises SamePersonError for whoever asked; ReleaseError without a reason, where it was decided
    before, and where what the items are forbids it.
    """
    if not reason.strip():
        raise ReleaseError(_("Say why you authorise or refuse it."))
    if asked.recorded_by == access.agent_of(user):
        raise SamePersonError(_("You asked for it; another person decides."))
    with custody.recording(actor=access.actor_of(user, asked.case), now=now) as log:
        Case.objects.select_for_update().get(pk=asked.case_id)
        if ReleaseDecision.objects.filter(request=asked).exists():
            raise ReleaseError(_("It was decided already."))
        row = records.made(
            ReleaseDecision,
            user=user,
            now=now,
            request=asked,
            authorised=authorised,
            reason=reason,
            **said,
        )
        if authorised:
            _must_be_offered(asked.profile)
            _check(asked, row, items_of(asked))
        return records.keep(
            log,
            row,
            events.ReleaseAuthorised if authorised else events.ReleaseRefused,
            case=str(asked.case_id),
            request=str(asked.pk),
            requested_by=asked.recorded_by.opaque_id,
        )


def revoke(decision: ReleaseDecision, *, reason: str, user: User, now: datetime) -> None:
    """Take an authorisation back; nothing more leaves by it."""
    if not reason.strip():
        raise ReleaseError(_("Say why it is taken back."))
    if not decision.authorised or ReleaseRevocation.objects.filter(decision=decision).exists():
        raise ReleaseError(_("There is no authorisation to take back."))
    case = decision.request.case
    row = records.made(ReleaseRevocation, user=user, now=now, decision=decision, reason=reason)
    with custody.recording(actor=access.actor_of(user, case), now=now) as log:
        records.keep(
            log, row, events.ReleaseRevoked, case=str(case.pk), request=str(decision.request_id)
        )


def acknowledge(
    decision: ReleaseDecision,
    *,
    sha256: str,
    acknowledged_by: str,
    user: User,
    now: datetime,
    note: str = "",
) -> ReleaseReceipt:
    """Record the digest that the recipient worked out of what arrived; a wrong one too."""
    digest = sha256.strip().lower().removeprefix("sha256:")
    if len(digest) != 64 or set(digest) - HEX:
        raise ReleaseError(_("A SHA-256 has 64 digits of 0 to 9 and a to f."))
    case = decision.request.case
    sent = Bundle.objects.filter(export__release=decision, state=Bundle.State.VERIFIED)
    row = records.made(
        ReleaseReceipt,
        user=user,
        now=now,
        decision=decision,
        digest=digest,
        matches=sent.filter(sha256=digest).exists(),
        acknowledged_by=acknowledged_by,
        note=note,
    )
    with custody.recording(actor=access.actor_of(user, case), now=now) as log:
        records.keep(
            log,
            row,
            events.ReceiptAcknowledged,
            case=str(case.pk),
            request=str(decision.request_id),
            sha256=digest,
            outcome="success" if row.matches else "failure",
        )
    return row


def check(
    decision: ReleaseDecision | None, items: Iterable[EvidenceItem], *, now: datetime
) -> None:
    """See that these items may leave now, by this authorisation or without any.

    An authorisation is of the version of a profile that its request names, unless that profile was
    withdrawn since.

    Raises ReleaseError, which says what to do.
    """
    several = list(items)
    for embargo in embargoing.on(several, now=now):
        raise ReleaseError(
            _("{exhibit_number} is under embargo: nothing of it leaves before {until}.").format(
                exhibit_number=embargo.item.exhibit_number, until=embargo
            )
        )
    if decision is None:
        held_back = [one.exhibit_number for one in several if needs_release(one)]
        if held_back:
            raise ReleaseError(
                _(
                    "{value} may leave only by a release that another person authorised. "
                    "Have one asked for."
                ).format(value=", ".join(sorted(held_back)[:5]))
            )
        return
    if not decision.authorised:
        raise ReleaseError(_("This release was refused."))
    if ReleaseRevocation.objects.filter(decision=decision).exists():
        raise ReleaseError(_("This release was revoked."))
    if decision.valid_until is not None and decision.valid_until <= now:
        raise ReleaseError(
            _("This release ended on {valid_until:%Y-%m-%d %H:%M} UTC.").format(
                valid_until=decision.valid_until
            )
        )
    covered = set(decision.request.items)
    if any(str(one.pk) not in covered for one in several):
        raise ReleaseError(_("This release does not cover all of these items."))
    try:
        profiles.must_be_in_force(profile_of(decision.request))
    except profiles.ProfileError as error:
        raise ReleaseError(str(error)) from error
    _check(decision.request, decision, several)


def profile_of(asked: ReleaseRequest) -> str:
    """Return the profile that a request names; the oldest requests named none and meant all."""
    return asked.profile or "full"


def _must_be_offered(profile: str) -> None:
    try:
        profiles.must_be_offered(profile or "full")
    except profiles.ProfileError as error:
        raise ReleaseError(str(error)) from error


def state(asked: ReleaseRequest, *, now: datetime) -> tuple[str, str]:
    """Return how it stands: a word for its colour, and words."""
    decision = getattr(asked, "release_decision", None)
    if decision is None:
        return "new", _("Waits for a decision")
    if not decision.authorised:
        return "bad", _("Refused")
    if getattr(decision, "revocation", None) is not None:
        return "bad", _("Revoked")
    if decision.valid_until is not None and decision.valid_until <= now:
        return "bad", _("Ended")
    return "good", _("Authorised")


def items_of(asked: ReleaseRequest) -> list[EvidenceItem]:
    """Return the items that were asked for, as they are now."""
    ids = [uuid.UUID(one) for one in asked.items]
    rows = EvidenceItem.objects.filter(pk__in=ids).select_related("case")
    return list(rows.order_by("exhibit_number"))


def visible(user: User) -> QuerySet[ReleaseRequest]:
    """Return the requests of which ``user`` may see every item, in cases where they take part."""
    acts = ("request_release", "authorise_release")
    cases = {case.pk for act in acts for case in access.cases_for(user, act)}
    rows = ReleaseRequest.objects.filter(case__in=cases)
    asked = {one for row in rows for one in row.items}
    seen = access.visible_to(user).filter(pk__in=[uuid.UUID(one) for one in asked])
    known = {str(pk) for pk in seen.values_list("pk", flat=True)}
    return rows.filter(pk__in=[row.pk for row in rows if set(row.items) <= known])


def _check(asked: ReleaseRequest, decision: ReleaseDecision, items: Sequence[EvidenceItem]) -> None:
    """Hold an authorisation against what the items are marked with."""
    leaves_whole = profiles.named(profile_of(asked)).leaves_whole
    for item in items:
        marked = set(item.markers)
        if asked.recipient_class in EVERYBODY and marked & NEVER_PUBLIC:
            raise ReleaseError(
                _(
                    "{exhibit_number} humiliates or degrades people: it never goes to media or the "
                    "public."
                ).format(exhibit_number=item.exhibit_number)
            )
        shows_faces = marked & RECOGNISED and leaves_whole
        if shows_faces and not decision.public_interest.strip():
            raise ReleaseError(
                _(
                    "{exhibit_number} shows a prisoner or detainee who can be recognised: it "
                    "leaves as a redacted rendition, or with the public interest written down that "
                    "justifies it."
                ).format(exhibit_number=item.exhibit_number)
            )
