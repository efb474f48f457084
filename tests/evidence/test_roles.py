"""The four groups have exactly their rights, and the admin gives nobody more."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import Group, Permission
from django.test import Client, override_settings
from django.urls import reverse

from archive.models.ledger import Entry
from evidence import access, describing, presenting, roles
from evidence.models.case import CaseMembership
from evidence.models.file import EvidenceFile
from evidence.models.item import EvidenceItem
from tests import people

pytestmark = pytest.mark.django_db


@pytest.fixture
def cast(opened_log) -> people.Cast:
    return people.make_cast()


def _as(user) -> Client:
    client = Client()
    client.force_login(user)
    return client


def test_each_group_has_exactly_the_rights_of_the_table(cast):
    for name, codes in roles.ROLES.items():
        held = {
            f"{one.content_type.app_label}.{one.codename}"
            for one in Group.objects.get(name=name).permissions.select_related("content_type")
        }

        assert held == set(codes), name


def test_rights_given_by_hand_are_taken_back_when_the_roles_are_made_again(cast):
    group = Group.objects.get(name="researcher")
    group.permissions.add(Permission.objects.get(codename="export_bundle"))

    roles.make_roles()

    assert not group.permissions.filter(codename="export_bundle").exists()


PAGES = {
    "items": ("admin:evidence_evidenceitem_changelist", ()),
    "upload": ("evidence:upload", ()),
    "ledger": ("admin:archive_entry_changelist", ()),
    "exports": ("evidence:exports", ()),
    "users": ("admin:auth_user_changelist", ()),
    "cases": ("admin:evidence_case_changelist", ()),
    "new case": ("admin:evidence_case_add", ()),
}
ALLOWED = {
    "researcher": {"items", "upload", "cases"},
    "auditor": {"items", "ledger", "cases"},
    "release_officer": {"items", "exports", "cases"},
    "administrator": {"users", "cases", "new case"},
}


@pytest.mark.parametrize("who", ALLOWED)
def test_each_role_opens_its_pages_and_no_others(cast, who):
    client = _as(getattr(cast, who))
    opened = {
        page
        for page, (name, arguments) in PAGES.items()
        if client.get(reverse(name, args=arguments)).status_code == 200
    }

    assert opened == ALLOWED[who]


@pytest.mark.parametrize("who", ["researcher", "auditor", "release_officer", "root"])
def test_the_admin_changes_and_deletes_no_entry_item_or_file(cast, who):
    receipt = people.upload(cast.case, cast.researcher)
    entry = Entry.objects.order_by("-seq").first()
    client = _as(getattr(cast, who))
    before = (list(Entry.objects.filter(seq__lte=entry.seq).values_list("seq", "body")),
              list(EvidenceItem.objects.values()), list(EvidenceFile.objects.values()))  # fmt: skip
    for url in (
        reverse("admin:archive_entry_change", args=[entry.pk]),
        reverse("admin:archive_entry_delete", args=[entry.pk]),
        reverse("admin:archive_entry_add"),
        reverse("admin:evidence_evidenceitem_change", args=[receipt.item]),
        reverse("admin:evidence_evidenceitem_delete", args=[receipt.item]),
        reverse("admin:evidence_evidenceitem_add"),
    ):
        client.post(url, {"post": "yes", "title": "changed", "body": "{}", "level": "public"})
    client.post(
        reverse("admin:evidence_evidenceitem_changelist"),
        {"action": "delete_selected", "_selected_action": str(receipt.item), "post": "yes"},
    )

    assert before == (
        list(Entry.objects.filter(seq__lte=entry.seq).values_list("seq", "body")),
        list(EvidenceItem.objects.values()),
        list(EvidenceFile.objects.values()),
    )


def test_an_administrator_makes_a_member_and_the_ledger_says_so(cast):
    url = reverse("admin:evidence_case_change", args=[cast.case.pk])
    client = _as(cast.administrator)
    form = client.get(url).context["adminform"].form
    data = {name: form[name].value() or "" for name in form.fields}
    # Existing rows are part of the formset, too.
    inline = client.get(url).context["inline_admin_formsets"][0].formset
    existing = list(inline.queryset)
    data["memberships-TOTAL_FORMS"] = str(len(existing) + 1)
    data["memberships-INITIAL_FORMS"] = str(len(existing))
    for number, row in enumerate([*existing, None]):
        prefix = f"memberships-{number}"
        data[f"{prefix}-case"] = str(cast.case.pk)
        data[f"{prefix}-id"] = str(row.pk) if row else ""
        data[f"{prefix}-user"] = str(row.user_id if row else cast.outsider.pk)
        data[f"{prefix}-role"] = row.role if row else "researcher"
        data[f"{prefix}-until_0"] = data[f"{prefix}-until_1"] = ""

    answer = client.post(url, data)

    assert answer.status_code == 302, answer.context["errors"]
    assert cast.case.memberships.filter(user=cast.outsider, role="researcher").exists()
    added = Entry.objects.filter(kind="case.member_added").order_by("-seq").first()
    assert access.agent_of(cast.outsider).opaque_id in added.body


def test_a_page_that_a_role_does_not_open_is_refused_in_words_and_recorded(cast):
    client = _as(cast.researcher)

    answer = client.get(reverse("evidence:exports"))

    assert answer.status_code == 403
    assert "Your role does not open this page" in answer.content.decode()
    assert Entry.objects.filter(kind="access.denied").count() == 1


def test_nobody_opens_a_case_to_themselves(cast):
    membership = CaseMembership(case=cast.case, user=cast.administrator, role="researcher")

    with pytest.raises(describing.SelfGrantError):
        describing.set_membership(membership, user=cast.administrator, now=people.NOW)

    assert not access.cases_for(cast.administrator).exists()


def test_an_administrator_can_neither_become_nor_change_a_superuser(cast):
    client = _as(cast.administrator)
    own = reverse("admin:auth_user_change", args=[cast.administrator.pk])
    client.post(
        own,
        {"username": "administrator", "is_active": "on", "is_staff": "on", "is_superuser": "on"},
    )
    cast.administrator.refresh_from_db()

    assert not cast.administrator.is_superuser
    root = reverse("admin:auth_user_change", args=[cast.root.pk])
    assert client.post(root, {"username": "mine"}).status_code == 403


def test_a_change_of_rights_is_an_entry(cast):
    group = Group.objects.get(name="auditor")
    client = _as(cast.administrator)

    client.post(
        reverse("admin:auth_user_change", args=[cast.outsider.pk]),
        {"username": "outsider", "is_active": "on", "is_staff": "on", "groups": [str(group.pk)]},
    )

    changed = Entry.objects.filter(kind="permission.changed").order_by("-seq").first()
    assert changed is not None
    assert '"roles":["auditor"]' in changed.body


def test_an_administrator_gives_no_role_to_themselves(cast):
    group = Group.objects.get(name="auditor")

    _as(cast.administrator).post(
        reverse("admin:auth_user_change", args=[cast.administrator.pk]),
        {
            "username": "administrator",
            "is_active": "on",
            "is_staff": "on",
            "groups": [str(group.pk)],
        },
    )

    assert not cast.administrator.groups.filter(name="auditor").exists()


def test_a_ledger_that_can_not_be_written_is_said_in_its_own_words(cast):
    client = _as(cast.auditor)
    with override_settings(LOG_ORIGIN="elsewhere.invalid/log"):
        answer = client.get(reverse("admin:archive_entry_changelist"))

    assert answer.status_code == 503
    assert "was not opened" in answer.content.decode()


def test_who_may_only_read_a_case_reads_it_on_its_own_page(cast):
    cast.case.description = f"Told to all.\n\n{presenting.KEPT}\nkept: raw"
    cast.case.save()
    there = reverse("admin:evidence_case_change", args=[cast.case.pk])

    answer = _as(cast.researcher).get(there)
    assert answer.status_code == 302
    assert answer.url == reverse("evidence:case", args=[cast.case.pk])

    auditor = _as(cast.auditor).get(there)  # content is not theirs
    assert auditor.status_code == 200
    assert "Told to all." in auditor.content.decode()
    assert "kept: raw" not in auditor.content.decode()
    assert "kept: raw" in _as(cast.administrator).get(there).content.decode()


def test_accounts_are_listed_by_role_in_the_readers_language(cast):
    client = _as(cast.root)
    there = reverse("admin:auth_user_changelist")
    auditors = str(Group.objects.get(name="auditor").pk)

    page = client.get(there, {"group": auditors}, headers={"Accept-Language": "uk"})
    shown = [one.username for one in page.context["cl"].result_list]

    assert shown == ["auditor"]
    assert "release officer" not in page.content.decode()
    for no_group in ("x", "999999999999999999999999", "-1"):
        assert client.get(there, {"group": no_group}).context["cl"].result_count == 7
