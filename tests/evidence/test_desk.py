"""The home page: what waits for this person and nobody else, and whether the house is in order."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime, timedelta

import pytest
from django.urls import reverse

from archive.models.audit import AuditRun
from archive.models.backup_run import BackupRun
from archive.models.stored_object import StoredObject
from evidence import access, classifying, desk, disposing, releasing
from evidence.models.analysis import Analysis
from evidence.models.case import CaseMembership
from evidence.models.upload import Upload
from tests import people
from tests.evidence import sayings

pytestmark = pytest.mark.django_db
NOW = people.NOW


@pytest.fixture
def cast(opened_log) -> people.Cast:
    cast = people.make_cast()
    CaseMembership.objects.create(case=cast.case, user=cast.outsider, role="lead")
    BackupRun.objects.create(made_at=NOW, snapshot="s", log_size=1, copied=1, faults=0)
    return cast


@pytest.fixture
def item(cast):
    return sayings.item(cast)


def test_an_administrator_sees_rights_that_end_and_accounts_that_nobody_uses(cast, client):
    administrator = cast.administrator
    CaseMembership.objects.filter(user=cast.researcher).update(until=NOW + timedelta(days=3))
    cast.outsider.last_login = NOW - timedelta(days=200)
    cast.outsider.save()
    told = {one.words: one.number for one in desk.tasks(administrator, now=NOW)}
    assert told["part in a case ends within two weeks"] == "1"
    assert told["account was not used for half a year"] == "1"
    assert not [one for one in desk.tasks(cast.researcher, now=NOW) if "account" in one.words]
    client.force_login(administrator)
    text = client.get(reverse("admin:index")).content.decode()
    assert reverse("admin:auth_user_changelist") in text
    assert "Newest items" not in text


def by(user):
    return {"user": user, "now": NOW}


def words(user, *, now=NOW):
    return [f"{one.number} {one.words}".strip() for one in desk.tasks(user, now=now)]


def test_nothing_waits_for_who_has_nothing_to_do(cast):
    for user in (cast.auditor, cast.administrator, cast.root, cast.stranger):
        assert words(user) == []


def test_unfinished_uploads_wait_for_who_began_them(cast):
    for state in ("arriving", "sealing", "failed"):
        Upload.objects.create(
            owner=cast.researcher, case=cast.case, filename="a", length=1, state=state,
            created_at=NOW, updated_at=NOW,
        )  # fmt: skip

    assert words(cast.researcher) == ["2 uploads are unfinished"]
    assert words(cast.outsider) == []


def test_items_without_a_source_wait_for_who_may_describe_them_and_the_link_lists_them(
    cast, item, client
):
    sourceless = sayings.item(cast, group="")
    assert words(cast.researcher) == ["1 item has no source"]
    assert words(cast.stranger) == words(cast.auditor) == []
    client.force_login(cast.researcher)
    (task,) = desk.tasks(cast.researcher, now=NOW)
    page = client.get(task.address).content.decode()
    assert sourceless.exhibit_number in page
    assert item.exhibit_number not in page


def test_what_could_not_be_worked_out_waits_and_the_link_lists_its_item(cast, item, client):
    other = sayings.item(cast)
    file = item.files.get()
    Analysis.objects.create(file=file, tool="type", state="failed", created_at=NOW)

    assert "1 thing could not be worked out" in words(cast.researcher)
    assert not any("worked out" in one for one in words(cast.stranger))
    client.force_login(cast.researcher)
    page = client.get(reverse(desk.ITEMS) + "?work=failed").content.decode()
    assert item.exhibit_number in page
    assert other.exhibit_number not in page


def test_a_release_waits_for_another_than_asked_for_it(cast, item):
    releasing.request(
        [item], recipient="Somebody", purpose="Needed.", recipient_class="court",
        **by(cast.release_officer),
    )  # fmt: skip
    assert words(cast.release_officer) == []
    CaseMembership.objects.create(case=cast.case, user=cast.stranger, role="release_officer")
    assert "1 release waits for a decision" in words(cast.stranger)


def test_a_wish_for_less_protection_waits_for_another_by_name(cast, item):
    classifying.raise_to(item, level="restricted", markers=[], reason="Seen.", **by(cast.outsider))
    item.refresh_from_db()
    classifying.ask_to_lower(
        item, level="internal", markers=[], reason="Public.", **by(cast.outsider)
    )
    named = f"Less protection is asked for: {item.exhibit_number}"
    assert named in words(cast.release_officer)
    assert named not in words(cast.outsider)
    (task,) = [one for one in desk.tasks(cast.release_officer, now=NOW) if one.words == named]
    assert task.address == reverse("evidence:protection", args=[item.pk])


def test_a_proposed_disposal_waits_for_another_by_name_and_of_many_the_number_is_said(cast):
    for _ in range(desk.BY_NAME + 2):
        disposing.propose(
            sayings.item(cast), authority="Order 7", reason="Returned.", witness="A clerk",
            **by(cast.outsider),
        )  # fmt: skip
    found = words(cast.release_officer)
    assert len([one for one in found if one.startswith("Its disposal is proposed: ")]) == 5
    assert "2 Its disposal is proposed for more items, too" in found
    assert not any("disposal" in one for one in words(cast.outsider))


def test_what_is_wrong_comes_first_and_only_to_who_may_read_the_ledger(cast, item):
    StoredObject.objects.update(last_fixity_outcome=StoredObject.Fixity.DAMAGED)
    ended = {"requested_by": "a", "finished_at": NOW, "state": "finished"}
    AuditRun.objects.create(**ended, requested_at=NOW, verdict="failed", job=uuid.uuid4())
    later = NOW + timedelta(hours=1)  # a comparison with what somebody brought is no audit
    AuditRun.objects.create(**ended, requested_at=later, verdict="verified")
    assert words(cast.auditor)[:2] == [
        "1 original is damaged, missing or unreadable",
        "The last verification found something wrong",
    ]
    tones = {sign.name: sign.tone for sign in desk.signs(now=NOW)}
    assert tones["Last verification"] == tones["Originals read back"] == "bad"
    assert words(cast.researcher) == []


@pytest.mark.parametrize(
    ("change", "said", "tone"),
    [
        (None, "No backup was ever made: manage.py backup --to FOLDER", "bad"),
        ({"faults": 3}, "3 The last backup lacks files", "bad"),
        ({"made_at": NOW - timedelta(days=9)}, "The last backup is 9 days old", "warn"),
        ({"made_at": NOW - timedelta(days=6)}, "", "good"),
    ],
)
def test_a_backup_that_is_missing_old_or_not_whole_is_said(cast, change, said, tone):
    BackupRun.objects.all().delete() if change is None else BackupRun.objects.update(**change)
    assert words(cast.auditor) == ([said] if said else [])
    assert words(cast.researcher) == []
    (sign,) = [one for one in desk.signs(now=NOW) if one.name == "Last backup"]
    assert sign.tone == tone


def test_the_plots_count_what_one_may_see(cast, item):
    later = NOW + timedelta(days=40)
    months, kinds = desk.plots(access.visible_to(cast.researcher), now=later)
    by_month = {bar.name: bar.number for bar in months["bars"]}
    assert len(by_month) == 12
    assert list(by_month)[-1] == "2026-02"
    assert sum(by_month.values()) == by_month["2026-01"] == 1
    assert [row[1:] for row in kinds["rows"]] == [(1, 100.0)]
    assert desk.plots(access.visible_to(cast.stranger), now=later) == []


def test_twelve_months_end_with_this_one_in_every_month_of_the_year():
    for month in range(1, 13):
        months = list(desk._months(datetime(2026, month, 28, tzinfo=UTC).date()))
        assert len(set(months)) == 12
        assert months == sorted(months)
        assert months[-1] == f"2026-{month:02d}"
