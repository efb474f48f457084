"""A running example with something of everything on every desk, and somebody of each role.

It runs where the archive's settings are: ``manage.py shell``.
"""

from __future__ import annotations

from datetime import timedelta

from django.contrib.auth.models import Group, User
from django.utils import timezone

from evidence import classifying, describing, disposing, embargoing, profiles, releasing, tokens
from evidence.models.case import Case, CaseMembership
from evidence.models.item import EvidenceItem
from evidence.models.upload import Upload
from tests.roles import EVERYBODY, GROUPS, PASSWORD

CASE = "KUR-2025-001"


def furnish() -> None:
    """Make the accounts, and have them ask, decide, hold and send."""
    admin, case = User.objects.get(username="admin"), Case.objects.get(reference=CASE)
    people = {role: _person(role, case, admin) for role in EVERYBODY}
    now = timezone.now()
    researcher, officer = people["researcher"], people["release_officer"]
    items = {
        one.exhibit_number[-4:]: one
        for one in EvidenceItem.objects.filter(case=case).select_related("case")
    }
    first = profiles.save(
        name="Lawyers", sensitive="redacted", other="whole", discloses=False,
        leaves_out=["claims"], reason="For counsel.", user=officer, now=now,
    )  # fmt: skip
    profiles.save(
        name="Lawyers", sensitive="redacted", other="whole", discloses=False,
        leaves_out=["claims", "circumstances"], reason="They name helpers.", user=officer,
        now=now, instead_of=first,
    )  # fmt: skip
    gone = profiles.save(
        name="Given to many", sensitive="custody", other="redacted", discloses=False, leaves_out=[],
        reason="A test.", user=officer, now=now,
    )  # fmt: skip
    profiles.withdraw(gone, reason="Nobody needs it.", user=officer, now=now)
    for decided in (None, False, True, "revoked"):
        asked = releasing.request(
            [items["0009"], items["0010"]], recipient="A court", purpose="Proceedings",
            recipient_class="court", profile="journalist", user=researcher, now=now,
        )  # fmt: skip
        if decided is None:
            continue
        made = releasing.decide(
            asked, authorised=bool(decided), reason="So it is.", user=officer, now=now,
            valid_until=now + timedelta(days=9) if decided else None,
        )  # fmt: skip
        if decided == "revoked":
            releasing.revoke(made, reason="It was put off.", user=officer, now=now)
    by = {"user": people["custodian"], "now": now}
    disposing.place_hold(items["0008"], authority="A court", reason="Proceedings", **by)
    embargoing.place(
        items["0010"], until=now + timedelta(days=30), authority="The family",
        reason="They are told first.", **by,
    )  # fmt: skip
    disposing.propose(
        items["0009"], authority="The retention rule", reason="Its time is over.",
        witness="A notary", user=people["lead"], now=now,
    )  # fmt: skip
    classifying.ask_to_lower(
        items["0006"], level="internal", markers=[], reason="Published by now.",
        user=people["reviewer"], now=now,
    )  # fmt: skip
    Upload.objects.create(
        owner=researcher, case=case, filename="a film.mp4", length=5_000_000, created_at=now,
        updated_at=now,
    )  # fmt: skip
    tokens.issue(
        researcher, label="laptop", scopes=["read", "upload"],
        expires_at=now + timedelta(days=9), now=now,
    )  # fmt: skip


def _person(role: str, case: Case, admin: User) -> User:
    user = User.objects.create_user(f"the-{role}", password=PASSWORD, is_staff=True)
    user.groups.add(Group.objects.get(name=GROUPS.get(role, role)))
    if role in GROUPS:
        membership = CaseMembership(case=case, user=user, role=role)
        describing.set_membership(membership, user=admin, now=timezone.now())
    return user
