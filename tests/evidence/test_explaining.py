"""What a person is told of their rights is what they meet; and they are told of nothing else."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.contrib.auth.models import Group, User
from django.urls import reverse

from evidence import access, explaining, roles
from evidence.models.case import CaseMembership
from evidence.models.item import EvidenceItem
from tests import people
from tests.roles import GROUPS

pytestmark = pytest.mark.django_db
NOW = people.NOW


@pytest.fixture
def cast(opened_log) -> people.Cast:
    return people.make_cast()


def member(cast, role, *grants, group=True) -> User:
    user = User.objects.create_user(f"one-{role}", is_staff=True)
    if group:
        user.groups.add(Group.objects.get(name=GROUPS[role]))
    CaseMembership.objects.create(case=cast.case, user=user, role=role, actions=list(grants))
    return user


def items(cast, user):
    """Three items of somebody else and a restricted one of one's own."""
    taken = {
        level: people.upload(cast.case, cast.researcher, content=level.encode(), level=level)
        for level in ("internal", "restricted", "sealed")
    }
    taken["own"] = people.upload(cast.case, cast.researcher, content=b"own", level="restricted")
    found = {
        name: EvidenceItem.objects.get(exhibit_number=receipt.reference)
        for name, receipt in taken.items()
    }
    EvidenceItem.objects.filter(pk=found["own"].pk).update(created_by=user)
    return found


@pytest.mark.parametrize("grants", [(), ("view_restricted",), ("view_sealed",), ("reveal",)])
@pytest.mark.parametrize("role", GROUPS)
def test_what_is_told_is_what_is_met(cast, role, grants):
    user = member(cast, role, *grants)
    held = items(cast, user)

    (place,) = explaining.rights_of(user, now=NOW).places

    told = {right.act: right.answer for right in place.rights}
    met = {act: access.may(user, act, held["internal"]) for act in told}
    assert {act for act, yes in met.items() if yes} == {
        act for act, answer in told.items() if answer == "yes" and act not in explaining.GRANTS
    } | ({"reveal"} if "reveal" in access.RIGHTS[role] else set())
    assert (told["reveal"] == "yes") is access.may_reveal(user, cast.case)
    assert (told["see_sealed"] == "yes") is access.may(user, "see", held["sealed"])
    assert (told["see_restricted"] == "yes") is access.may(user, "view", held["restricted"])
    assert (told["see_restricted"] != "no") is access.may(user, "view", held["own"])


def test_there_are_words_for_every_act():
    derived = {"see_restricted", "see_sealed"}
    assert set(explaining.ACTS) == frozenset().union(*access.RIGHTS.values()) | derived
    assert set(roles.GROUP_OF) == set(CaseMembership.Role) == set(access.RIGHTS)


def test_pages_are_told_as_they_open(cast, client):
    address = {
        "Items": "admin:evidence_evidenceitem_changelist",
        "Upload": "evidence:upload",
        "Exports": "evidence:exports",
        "Fixity of the originals": "admin:archive_storedobject_changelist",
        "The whole ledger, and verification": "admin:archive_entry_changelist",
        "Accounts and memberships": "admin:auth_user_changelist",
    }
    for role in GROUPS:
        user = member(cast, role)
        client.force_login(user)
        for page in explaining.rights_of(user, now=NOW).pages:
            status = client.get(reverse(address[page.words])).status_code
            assert (status == 200) is page.is_open, (role, page.words, status)


def test_a_role_without_its_group_and_a_part_that_has_ended_are_said(cast, client):
    user = member(cast, "release_officer", group=False)
    ended = CaseMembership.objects.create(
        case=cast.other_case, user=user, role="lead", until=NOW - timedelta(days=1)
    )

    told = explaining.rights_of(user, now=NOW)

    assert [place.lacking for place in told.places] == [("release officer",)]
    assert told.ended == (ended,)
    client.force_login(user)
    text = client.get(reverse("evidence:rights")).content.decode()
    assert "not in the group Release officer" in text
    assert "TEST-002" in text


def test_cases_with_the_same_rights_stand_together_and_those_of_others_nowhere(cast, client):
    user = member(cast, "reviewer")
    client.force_login(user)
    text = client.get(reverse("evidence:rights")).content.decode()
    assert "TEST-001" in text
    assert "TEST-002" not in text
    CaseMembership.objects.create(case=cast.other_case, user=user, role="reviewer")

    (place,) = explaining.rights_of(user, now=NOW).places

    assert {case.reference for case in place.cases} == {"TEST-001", "TEST-002"}


def test_who_finds_nothing_is_led_to_the_reasons(cast, client):
    client.force_login(cast.outsider)
    missing = client.get(reverse("evidence:case", args=[cast.case.pk]))
    assert missing.status_code == 404
    assert reverse("evidence:rights") in missing.content.decode()
    shut = client.get(reverse("admin:archive_entry_changelist"))
    assert shut.status_code == 403
    assert reverse("evidence:rights") in shut.content.decode()
    text = client.get(reverse("evidence:rights")).content.decode()
    assert "You are a member of no case" in text


def test_a_custodian_reads_the_originals_and_no_ledger_of_other_cases(cast, client):
    client.force_login(member(cast, "custodian"))
    home = client.get(reverse("admin:index")).content.decode()
    assert reverse("admin:archive_storedobject_changelist") in home
    assert reverse("admin:archive_entry_changelist") not in home
    assert client.get(reverse("admin:archive_storedobject_changelist")).status_code == 200
    for name in ("admin:archive_entry_changelist",):
        assert client.get(reverse(name)).status_code == 403
    assert client.post(reverse("evidence:verify")).status_code == 403
