"""The only way from a person to a case or an item.

A person sees what an unexpired membership of a case opens, superusers too: their rights over
accounts and settings open no evidence.  What one may not see does not exist: the same 404.
"""

from __future__ import annotations

import uuid
from contextlib import suppress

from django.contrib.auth.models import AnonymousUser, User
from django.core.exceptions import ValidationError
from django.db.models import Exists, OuterRef, Q, QuerySet, Sum
from django.http import Http404, HttpRequest
from django.utils import timezone

from archive.custody import Actor
from evidence.models.agent import Agent
from evidence.models.case import Case, CaseMembership
from evidence.models.export import Export
from evidence.models.item import EvidenceItem
from evidence.models.levels import Level
from evidence.models.source import Source

Role = CaseMembership.Role

#: What each role may do in its case.  "see" opens a place in lists and its custody; "view" the
#: content; the rest are acts.
RIGHTS: dict[str, frozenset[str]] = {
    Role.RESEARCHER: frozenset(
        {"see", "view", "upload", "describe", "download", "retry", "raise", "request_release"}
    ),
    Role.REVIEWER: frozenset(
        {"see", "view", "download", "assess", "raise", "ask_to_lower", "request_release"}
    ),
    Role.CUSTODIAN: frozenset({"see", "upload", "hold", "raise", "dispose"}),
    Role.REDACTOR: frozenset({"see", "view", "redact", "raise"}),
    Role.RELEASE_OFFICER: frozenset(
        {
            "see",
            "view",
            "download",
            "export",
            "raise",
            "decide_lowering",
            "authorise_release",
            "reveal",
            "dispose",
        }
    ),
    Role.LEAD: frozenset(
        {
            "see",
            "view",
            "upload",
            "describe",
            "download",
            "retry",
            "assess",
            "hold",
            "raise",
            "decide_lowering",
            "request_release",
            "reveal",
            "dispose",
        }
    ),
    Role.AUDITOR: frozenset({"see"}),
}

#: Acts for which one must be let into restricted content; the others touch no content.
CONTENT = frozenset({"view", "download", "describe", "assess", "redact", "export", "retry"})
#: Whom restricted content is open to; others have their own items, and what a grant opens.
LET_IN = frozenset({Role.REVIEWER, Role.RELEASE_OFFICER, Role.LEAD})

FEW = 50_000  # exhibits that are quickly sorted


def _roles_with(act: str) -> list[str]:
    return [role for role, acts in RIGHTS.items() if act in acts]


def _all_memberships(user: User | AnonymousUser) -> QuerySet[CaseMembership]:
    if not user.is_authenticated or not user.is_active:
        return CaseMembership.objects.none()
    return CaseMembership.objects.filter(
        Q(until__isnull=True) | Q(until__gt=timezone.now()), user=user
    )


def _memberships(user: User | AnonymousUser, act: str) -> QuerySet[CaseMembership]:
    return _all_memberships(user).filter(role__in=_roles_with(act))


def cases_for(user: User | AnonymousUser, act: str = "see") -> QuerySet[Case]:
    """Return the cases in which ``user`` may do ``act``."""
    return Case.objects.filter(pk__in=_memberships(user, act).values("case"))


def visible_to(
    user: User | AnonymousUser, act: str = "see", *, listed: bool = False
) -> QuerySet[EvidenceItem]:
    """Return the items with which ``user`` may do ``act``; sealed ones only by a named grant.

    Restricted content is for reviewers, release officers and leads, for whoever took the item in,
    and for whom a grant names.

    Where they are ``listed`` in some order and are most of all items, a database that does not know
    how many they are (SQLite) is kept from gathering all of them, case by case, to sort them.
    """
    memberships = _memberships(user, act)
    # The grants are a handful of rows; JSON lists can't be searched alike on both databases.
    granted = _all_memberships(user).exclude(actions=[]).order_by()
    held = list(granted.values_list("case", "role", "actions"))
    roles = set(_roles_with(act))
    unsealed = [case for case, role, actions in held if role in roles and "view_sealed" in actions]
    within = Q(case__in=memberships.values("case"))
    if listed and _exhibits(memberships) > FEW:
        within = Q(Exists(memberships.filter(case=OuterRef("case"))))
    items = EvidenceItem.objects.filter(within).filter(
        ~Q(effective_level=Level.SEALED) | Q(case__in=unsealed)
    )
    if act not in CONTENT:
        return items
    items = items.exclude(status=EvidenceItem.Status.DISPOSED)
    let_in = _all_memberships(user).filter(role__in=LET_IN).values("case")
    shown = [case for case, _, actions in held if "view_restricted" in actions]
    return items.filter(
        ~Q(effective_level=Level.RESTRICTED)
        | Q(case__in=let_in)
        | Q(case__in=shown)
        | Q(created_by=user)
    )


def _exhibits(memberships: QuerySet[CaseMembership]) -> int:
    """Return how many exhibits these cases have."""
    cases = Case.objects.filter(pk__in=memberships.values("case"))
    return cases.aggregate(number=Sum("exhibits_given"))["number"] or 0


def item_for(
    user: User | AnonymousUser, identifier: uuid.UUID | str, act: str = "see"
) -> EvidenceItem:
    """Return the item, or raise the Http404 that an item which does not exist would raise."""
    try:
        return visible_to(user, act).select_related("case", "source").get(pk=identifier)
    except (EvidenceItem.DoesNotExist, ValidationError, ValueError, TypeError) as error:
        raise Http404("No such item.") from error


def case_for(user: User | AnonymousUser, identifier: uuid.UUID | str, act: str = "see") -> Case:
    """Return the case, or raise the Http404 that a case which does not exist would raise."""
    case = cases_for(user, act).filter(pk=identifier).first()
    if case is None:
        raise Http404("No such case.")
    return case


def may(user: User | AnonymousUser, act: str, thing: EvidenceItem | Case) -> bool:
    """Tell whether ``user`` may do ``act`` with this item or in this case."""
    if isinstance(thing, EvidenceItem):
        return visible_to(user, act).filter(pk=thing.pk).exists()
    return cases_for(user, act).filter(pk=thing.pk).exists()


def acts_on(user: User | AnonymousUser, item: EvidenceItem) -> frozenset[str]:
    """Return everything that ``user`` may do with this item, as it was loaded, by one question.

    It is for pages that offer several acts; each act asks ``visible_to`` again when it is done.
    """
    held = list(_all_memberships(user).filter(case=item.case_id).values_list("role", "actions"))
    is_sealed = item.effective_level == Level.SEALED
    allowed = {
        act
        for role, actions in held
        if not is_sealed or "view_sealed" in actions
        for act in RIGHTS[role]
    }
    is_let_in = (
        item.effective_level != Level.RESTRICTED
        or item.created_by_id == user.pk
        or any(role in LET_IN or "view_restricted" in actions for role, actions in held)
    )
    if item.status == EvidenceItem.Status.DISPOSED or not is_let_in:
        allowed -= CONTENT
    return frozenset(allowed)


def may_reveal(user: User | AnonymousUser, case: Case) -> bool:
    """Tell whether ``user`` may learn who the case's people are: by role, or by a named grant."""
    rows = _all_memberships(user).filter(case=case)
    return any("reveal" in RIGHTS[row.role] or "reveal" in row.actions for row in rows)


def exports_for(user: User | AnonymousUser) -> QuerySet[Export]:
    """Return the exports of which ``user`` could export every item now; a sealed one hides all."""
    hidden = EvidenceItem.objects.exclude(pk__in=visible_to(user, "export").values("pk"))
    return Export.objects.filter(case__in=cases_for(user, "export")).exclude(items__in=hidden)


def sources_for(user: User) -> QuerySet[Source]:
    """Return the sources of items that ``user`` sees, and open ones that no item names yet."""
    visible = visible_to(user).filter(source=OuterRef("pk"))
    used = EvidenceItem.objects.filter(source=OuterRef("pk"))
    return Source.objects.filter(Exists(visible) | (Q(confidential=False) & ~Exists(used)))


def named_sources_for(user: User) -> QuerySet[Source]:
    """Return the sources whose names ``user`` may read: confidential ones by right or grant."""
    told = [
        row.case_id
        for row in _all_memberships(user)
        if "reveal" in RIGHTS[row.role] or "reveal" in row.actions
    ]
    there = visible_to(user).filter(source=OuterRef("pk"), case__in=told)
    return sources_for(user).filter(Q(confidential=False) | Exists(there))


def user_of(request: HttpRequest) -> User:
    """Return who asks.  Only for views that let nobody in who is not signed in."""
    if not isinstance(request.user, User):
        raise TypeError("this view is for people who are signed in")
    return request.user


def agent_of(user: User) -> Agent:
    """Return the Agent under which custody knows ``user``; make it at the first act.

    It stays the same for good, so that whoever holds the user asks for it once.
    """
    with suppress(Agent.DoesNotExist):
        return user.agent
    agent, _ = Agent.objects.get_or_create(
        user=user,
        defaults={
            "kind": Agent.Kind.PERSON,
            "label": user.get_full_name() or user.get_username(),
            "is_protected": True,
        },
    )
    return agent


def actor_of(user: User, case: Case | None = None) -> Actor:
    """Return the opaque actor that ledger entries name, with the roles it acts in."""
    roles: list[str] = []
    if case is not None:
        roles = sorted(
            CaseMembership.objects.filter(
                Q(until__isnull=True) | Q(until__gt=timezone.now()), user=user, case=case
            ).values_list("role", flat=True)
        )
    if not roles:
        roles = sorted(group.name for group in user.groups.all())
    if user.is_superuser:
        roles.append("superuser")
    return Actor(id=agent_of(user).opaque_id, role="+".join(roles) or "none")
