"""Says what a person's roles open, in which cases, and whose role opens the rest.

It is read from the rules themselves (`evidence.access`, `evidence.roles`), so that what a person is
told and what they meet can't part.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from django.contrib.auth.models import User
from django.utils.translation import gettext_lazy as _

from evidence import access, roles
from evidence.models.case import Case, CaseMembership

Role = CaseMembership.Role

YES, OWN, NO = "yes", "own", "no"
CASES = 200  # cases that a page names
RESTRICTED, SEALED = "see_restricted", "see_sealed"

#: What one does in a case, in the order in which work comes.
ACTS = {
    "see": _("See which items there are, and their custody"),
    "view": _("See what is in them: previews, facts, claims"),
    RESTRICTED: _("See what is in restricted items"),
    SEALED: _("See that sealed items are there"),
    "upload": _("Upload"),
    "describe": _("Describe; record statements, documents, claims"),
    "retry": _("Have failed work done again"),
    "assess": _("Assess; withdraw"),
    "download": _("Download originals"),
    "reveal": _("Be told who somebody is, for a purpose"),
    "redact": _("Make redacted renditions"),
    "raise": _("Raise protection"),
    "ask_to_lower": _("Ask for less protection"),
    "decide_lowering": _("Grant less protection that another asked for"),
    "request_release": _("Ask for a release"),
    "authorise_release": _("Authorise a release that another asked for"),
    "export": _("Export bundles"),
    "hold": _("Hold what must not be disposed of"),
    "dispose": _("Propose a disposal; approve another's"),
}
#: The grant of a membership that opens an act beyond the role.
GRANTS = {RESTRICTED: "view_restricted", SEALED: "view_sealed", "reveal": "reveal"}

#: Pages that an account opens, whatever the case, and the permission that each asks for.
PAGES = (
    (_("Items"), "evidence.view_evidenceitem"),
    (_("Upload"), "evidence.add_evidenceitem"),
    (_("Exports"), "evidence.export_bundle"),
    (_("Fixity of the originals"), "archive.view_storedobject"),
    (_("The whole ledger, and verification"), "archive.view_entry"),
    (_("Accounts and memberships"), "auth.view_user"),
)


@dataclass(frozen=True)
class Right:
    """One act: whether it is open (yes, own items only, no), and whose role opens it."""

    act: str
    words: str
    answer: str
    opened_by: tuple[Role, ...]
    by_grant: bool


@dataclass(frozen=True)
class Place:
    """Cases in which a person has the same roles and grants, until the same moment."""

    cases: tuple[Case, ...]
    roles: tuple[Role, ...]
    grants: tuple[str, ...]
    until: datetime | None
    rights: tuple[Right, ...]
    lacking: tuple[str, ...]  # groups whose pages the roles need

    @property
    def lacking_words(self) -> tuple[str, ...]:
        return _called(self.lacking)


@dataclass(frozen=True)
class Page:
    """A kind of page, whether the account opens it, and which groups do."""

    words: str
    is_open: bool
    opened_by: tuple[str, ...]  # groups

    @property
    def opened_by_words(self) -> tuple[str, ...]:
        return _called(self.opened_by)


def _called(groups: Iterable[str]) -> tuple[str, ...]:
    return tuple(str(roles.WORDS[group]) for group in groups)


@dataclass(frozen=True)
class Rights:
    """All that one page tells."""

    places: tuple[Place, ...]
    ended: tuple[CaseMembership, ...]
    pages: tuple[Page, ...]
    more: int  # cases beyond those that are named


def rights_of(user: User, *, now: datetime) -> Rights:
    """Return what ``user`` may see and do, and why not the rest."""
    rows = list(
        CaseMembership.objects.filter(user=user)
        .select_related("case")
        .order_by("-case__opened_at", "case__reference", "role")
    )
    is_over = [row.until is not None and row.until <= now for row in rows]
    ended = tuple(row for row, over in zip(rows, is_over, strict=True) if over)
    by_case: dict[object, list[CaseMembership]] = {}
    for row, over in zip(rows, is_over, strict=True):
        if not over:
            by_case.setdefault(row.case_id, []).append(row)
    named = list(by_case.values())[:CASES]
    alike: dict[object, list[list[CaseMembership]]] = {}
    for held in named:
        key = tuple((row.role, tuple(sorted(row.actions)), row.until) for row in held)
        alike.setdefault(key, []).append(held)
    return Rights(
        places=tuple(_place(user, several) for several in alike.values()),
        ended=ended,
        pages=tuple(_pages(user)),
        more=len(by_case) - len(named),
    )


def _place(user: User, several: list[list[CaseMembership]]) -> Place:
    held = several[0]
    ends = [row.until for row in held if row.until is not None]
    lacking = {
        group
        for group in (roles.GROUP_OF[row.role] for row in held)
        if not user.has_perms(roles.ROLES[group])
    }
    return Place(
        cases=tuple(rows[0].case for rows in several),
        roles=tuple(Role(row.role) for row in held),
        grants=tuple(sorted({grant for row in held for grant in row.actions})),
        until=min(ends) if ends else None,
        rights=tuple(_right(act, held) for act in ACTS),
        lacking=tuple(sorted(lacking)),
    )


def _right(act: str, held: Iterable[CaseMembership]) -> Right:
    granted = {grant for row in held for grant in row.actions}
    own = {Role(row.role) for row in held}
    opening = _opening(act)
    answer = YES if own & opening or GRANTS.get(act) in granted else NO
    if act == RESTRICTED:
        if not own & _opening("view"):
            answer = NO
        elif answer == NO:
            answer = OWN
    return Right(
        act=act,
        words=str(ACTS[act]),
        answer=answer,
        opened_by=tuple(role for role in Role if role in opening),
        by_grant=act in GRANTS,
    )


def _opening(act: str) -> set[Role]:
    if act == SEALED:
        return set()  # of no role: a grant names the person
    if act == RESTRICTED:
        return set(access.LET_IN)
    return {role for role in Role if act in access.RIGHTS[role]}


def _pages(user: User) -> Iterable[Page]:
    for words, permission in PAGES:
        groups = tuple(group for group, codes in roles.ROLES.items() if permission in codes)
        yield Page(words=str(words), is_open=user.has_perm(permission), opened_by=groups)
