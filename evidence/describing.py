"""Later changes to the catalogue, each with who, when and an entry in the custody ledger."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from django.contrib.auth.models import User
from django.utils.translation import gettext as _

from archive import custody
from archive.proof import events
from evidence import access
from evidence.models.case import Case, CaseMembership


def open_case(case: Case, *, user: User, now: datetime) -> Case:
    """Open ``case``; the ledger names it by its id, reference and title as salted digests."""
    case.opened_at = case.opened_at or now
    with custody.recording(actor=access.actor_of(user), now=now) as log:
        case.save(force_insert=True)
        log.add(events.CaseOpened(case=str(case.pk), reference=case.reference, title=case.title))
    return case


def change_case(case: Case, *, fields: Iterable[str], user: User, now: datetime) -> Case:
    """Change a case's description or status."""
    names = sorted(fields)
    with custody.recording(actor=access.actor_of(user, case), now=now) as log:
        case.save()
        log.add(events.CaseChanged(case=str(case.pk), fields=tuple(names)))
    return case


class SelfGrantError(Exception):
    """Nobody opens a case to themselves; another administrator must."""


def record_permissions(person: User, *, user: User, now: datetime) -> None:
    """Record what an account may do after somebody changed it."""
    with custody.recording(actor=access.actor_of(user), now=now) as log:
        log.add(
            events.PermissionChanged(
                member=access.agent_of(person).opaque_id,
                roles=tuple(sorted(group.name for group in person.groups.all())),
                is_active=person.is_active,
                is_staff=person.is_staff,
                is_superuser=person.is_superuser,
            )
        )


def set_membership(membership: CaseMembership, *, user: User, now: datetime) -> CaseMembership:
    """Give someone a role in a case, or set its end.

    Raises SelfGrantError when an administrator would open a case to themselves.
    """
    # An inactive account is a program of ours, and can open nothing that it gives itself.
    if membership.user_id == user.pk and user.is_active and not user.is_superuser:
        raise SelfGrantError(_("You can't give yourself a role; ask another administrator."))
    case = membership.case
    member = access.agent_of(membership.user).opaque_id
    with custody.recording(actor=access.actor_of(user, case), now=now) as log:
        membership.save()
        ended = membership.until is not None and membership.until <= now
        if ended:
            log.add(events.CaseMemberEnded(case=str(case.pk), member=member))
        else:
            log.add(events.CaseMemberAdded(case=str(case.pk), member=member, role=membership.role))
    return membership
