"""A cast for tests: who works on a case, who works on another, who works on none."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from django.contrib.auth.models import Group, User

from evidence import describing, intake, roles
from evidence.models.case import Case, CaseMembership

NOW = datetime(2026, 1, 15, 12, 0, tzinfo=UTC)
PASSWORD = "correct horse battery staple"


@dataclass(frozen=True)
class Cast:
    """Two cases, and people by what they may do."""

    case: Case
    other_case: Case
    researcher: User
    auditor: User
    release_officer: User
    administrator: User
    stranger: User  # a researcher of the other case
    outsider: User  # staff without any case
    root: User  # a superuser without any case


def _person(name: str, group: str | None, *, superuser: bool = False) -> User:
    user = User.objects.create_user(name, password=PASSWORD, is_staff=True, is_superuser=superuser)
    if group:
        user.groups.add(Group.objects.get(name=group))
    return user


def make_cast() -> Cast:
    """Create everyone, through the acts that record it."""
    roles.make_roles()
    root = _person("root", None, superuser=True)
    cases = [
        describing.open_case(
            Case(reference=reference, title=f"Case {reference}", opened_at=NOW), user=root, now=NOW
        )
        for reference in ("TEST-001", "TEST-002")
    ]
    cast = Cast(
        case=cases[0],
        other_case=cases[1],
        researcher=_person("researcher", "researcher"),
        auditor=_person("auditor", "auditor"),
        release_officer=_person("officer", "release officer"),
        administrator=_person("administrator", "administrator"),
        stranger=_person("stranger", "researcher"),
        outsider=_person("outsider", "researcher"),
        root=root,
    )
    for user, case, role in (
        (cast.researcher, cast.case, "researcher"),
        (cast.auditor, cast.case, "auditor"),
        (cast.release_officer, cast.case, "release_officer"),
        (cast.stranger, cast.other_case, "researcher"),
    ):
        describing.set_membership(
            CaseMembership(case=case, user=user, role=role), user=root, now=NOW
        )
    return cast


def upload(
    case: Case,
    user: User,
    *,
    content: bytes = b"a few bytes of evidence",
    filename: str = "note.txt",
    title: str = "A note",
    level: str = "internal",
    key: str = "",
) -> intake.Receipt:
    """Take one small file in through the front door."""
    return intake.receive(
        [content],
        filename=filename,
        media_type="text/plain",
        case=case,
        user=user,
        description=intake.Description(title=title, kind="document", level=level),
        acquisition=intake.AcquisitionFacts(method="download"),
        intake_key=key,
        now=NOW,
    )
