"""What a person may not see does not exist for them, at every address."""

from __future__ import annotations

import itertools
import re
import uuid
from datetime import timedelta

import pytest
from django.test import Client
from django.urls import get_resolver, reverse
from django.utils import timezone

from archive import custody
from evidence import access, exporting, releasing
from evidence.models.case import CaseMembership
from evidence.models.item import EvidenceItem
from evidence.models.levels import Level
from tests import people

pytestmark = pytest.mark.django_db


@pytest.fixture
def cast(opened_log) -> people.Cast:
    return people.make_cast()


@pytest.fixture
def item(cast) -> EvidenceItem:
    receipt = people.upload(cast.case, cast.researcher)
    return EvidenceItem.objects.get(pk=receipt.item)


def _as(user) -> Client:
    client = Client()
    client.force_login(user)
    return client


def addresses(item, file, analysis, bundle, run) -> dict[str, str]:
    """Every address of ours that names one thing, with that thing's id in it."""
    return {
        "item page": reverse("admin:evidence_evidenceitem_change", args=[item]),
        "item history": reverse("admin:evidence_evidenceitem_history", args=[item]),
        "progress": reverse("evidence:item_progress", args=[item]),
        "receipt": reverse("evidence:receipt", args=[item]),
        "original": reverse("evidence:original", args=[item, file]),
        "derivative": reverse("evidence:derivative", args=[item, file]),
        "export of it": reverse("evidence:export_new") + f"?items={item}",
        "bundle": reverse("evidence:export", args=[bundle]),
        "bundle progress": reverse("evidence:export_progress", args=[bundle]),
        "bundle download": reverse("evidence:export_download", args=[bundle]),
    }


def _told(client: Client, url: str, *names: object) -> tuple[int, str]:
    """What a client is told, with the id that it asked for itself taken out."""
    answer = client.get(url, follow=True)
    body = b"".join(answer) if answer.streaming else answer.content
    text = body.decode("utf-8", "replace")
    for name in names:
        text = text.replace(str(name), "<id>")
    text = re.sub(r'name="csrfmiddlewaretoken" value="[^"]+"', "", text)
    return answer.status_code, re.sub(r"\?next=\S+", "", text)


@pytest.mark.parametrize("who", ["stranger", "outsider", "root", "administrator"])
def test_a_foreign_item_and_one_that_does_not_exist_get_the_same_answer(cast, item, who):
    file = item.files.get()
    foreign = addresses(item.pk, file.pk, uuid.uuid4(), uuid.uuid4(), uuid.uuid4())
    nobody, nothing = uuid.uuid4(), uuid.uuid4()
    missing = addresses(nobody, nothing, uuid.uuid4(), uuid.uuid4(), uuid.uuid4())
    client = _as(getattr(cast, who))
    for name, url in foreign.items():
        mine = _told(client, url, item.pk, file.pk, *re.findall(r"[0-9a-f-]{36}", url))
        theirs = _told(
            client, missing[name], nobody, nothing, *re.findall(r"[0-9a-f-]{36}", missing[name])
        )

        assert mine == theirs, name
        assert item.title not in mine[1], name
        assert item.exhibit_number not in mine[1], name


def test_a_member_gets_the_item_that_strangers_are_refused(cast, item):
    answer = _as(cast.researcher).get(reverse("admin:evidence_evidenceitem_change", args=[item.pk]))

    assert answer.status_code == 200
    assert item.title in answer.content.decode()


@pytest.mark.parametrize("who", ["stranger", "outsider", "root"])
@pytest.mark.parametrize(
    "query",
    [
        "",
        "?q=note",
        "?kind__exact=document",
        "?case={case}",
        "?case__title__startswith=Case",
        "?o=1",
        "?all=",
    ],
)
def test_lists_searches_and_filters_do_not_count_past_the_wall(cast, item, who, query):
    url = reverse("admin:evidence_evidenceitem_changelist") + query.format(case=cast.case.pk)
    answer = _as(getattr(cast, who)).get(url, follow=True)
    text = answer.content.decode()

    assert item.exhibit_number not in text
    assert "A note" not in text


def test_an_ended_membership_opens_nothing(cast, item):
    CaseMembership.objects.filter(user=cast.researcher).update(
        until=timezone.now() - timedelta(seconds=1)
    )

    assert not access.visible_to(cast.researcher).exists()


def test_a_sealed_item_needs_a_named_grant(cast):
    receipt = people.upload(cast.case, cast.researcher, level="sealed")
    assert not access.visible_to(cast.researcher).filter(pk=receipt.item).exists()

    CaseMembership.objects.filter(user=cast.researcher).update(actions=["view_sealed"])

    assert access.visible_to(cast.researcher).filter(pk=receipt.item).exists()


def test_an_auditor_reads_custody_but_not_content(cast, item):
    client = _as(cast.auditor)
    file = item.files.get()

    page = client.get(reverse("admin:evidence_evidenceitem_change", args=[item.pk]))

    assert page.status_code == 200
    assert "not its content" in page.content.decode()
    assert client.get(reverse("evidence:original", args=[item.pk, file.pk])).status_code == 404
    assert client.get(reverse("evidence:item_progress", args=[item.pk])).status_code == 404


def test_refusals_are_entries_whether_or_not_the_thing_exists(cast, item):
    client = _as(cast.stranger)
    for pk in (item.pk, uuid.uuid4()):
        before = len(list(custody.entries(kind="access.denied")))
        client.get(reverse("evidence:receipt", args=[pk]))

        assert len(list(custody.entries(kind="access.denied"))) == before + 1


def _ours(resolver, prefix=""):
    for pattern in resolver.url_patterns:
        where = prefix + str(pattern.pattern)
        if hasattr(pattern, "url_patterns"):
            yield from _ours(pattern, where)
        else:
            yield where, pattern


def test_nothing_but_the_login_answers_somebody_who_is_not_signed_in(db, opened_log):
    allowed = {"accounts/login/", "admin/login/", "admin/logout/", "admin/jsi18n/", ""}
    allowed.add("language/")  # says nothing, and remembers in which language the door speaks
    client = Client()
    for where, _ in _ours(get_resolver()):
        if where.startswith("^") or where in allowed or "(?P" in where:
            continue
        url = "/" + re.sub(r"<uuid:\w+>", str(uuid.uuid4()), where)
        url = re.sub(r"<int:\w+>", "1", url)
        url = re.sub(r"<(?:path:|str:|slug:)?\w+>", "x", url)
        for method in (client.get, client.post):
            answer = method(url)

            assert answer.status_code in {302, 401, 403, 404, 405}, (where, answer.status_code)
            if answer.status_code == 302:
                assert "/admin/login/" in answer["Location"] or "login" in answer["Location"], where


def test_a_bundle_with_a_sealed_item_does_not_exist_for_who_may_not_see_the_item(cast):
    receipt = people.upload(cast.case, cast.researcher, level="sealed")
    membership = CaseMembership.objects.get(user=cast.release_officer)
    membership.actions = ["view_sealed"]
    membership.save()
    CaseMembership.objects.filter(user=cast.researcher).update(actions=["view_sealed"])
    asked = releasing.request(
        [EvidenceItem.objects.get(pk=receipt.item)],
        recipient="court",
        recipient_class="court",
        purpose="trial",
        user=cast.researcher,
        now=people.NOW,
    )
    decision = releasing.decide(
        asked, authorised=True, reason="Asked.", user=cast.release_officer, now=people.NOW
    )
    made = exporting.export(
        list(EvidenceItem.objects.filter(pk=receipt.item).select_related("case")),
        purpose="trial",
        recipient="court",
        user=cast.release_officer,
        now=people.NOW,
        release=decision,
    )
    page = reverse("evidence:export", args=[made.pk])
    client = _as(cast.release_officer)
    assert client.get(page).status_code == 200

    membership.actions = []
    membership.save()

    assert client.get(page).status_code == 404
    assert client.get(reverse("evidence:export_download", args=[made.pk])).status_code == 404
    assert "court" not in client.get(reverse("evidence:exports")).content.decode()


@pytest.mark.parametrize("query", ["?since=garbage", "?until=9999-12-31", "?before=x"])
def test_the_ledger_answers_what_is_no_day(cast, query):
    client = _as(cast.auditor)

    assert client.get(reverse("admin:archive_entry_changelist") + query).status_code == 200


@pytest.mark.parametrize("few", [-1, access.FEW])
def test_a_list_shows_what_one_may_see_and_nothing_else_however_many_they_are(
    cast, monkeypatch, few
):
    monkeypatch.setattr(access, "FEW", few)
    people.upload(cast.case, cast.researcher, content=b"1")
    people.upload(cast.case, cast.researcher, content=b"2", level="sealed")
    people.upload(cast.other_case, cast.stranger, content=b"3")

    for user in (cast.researcher, cast.auditor, cast.stranger, cast.outsider, cast.root):
        for act in ("see", "view", "export"):
            listed = set(access.visible_to(user, act, listed=True))
            assert listed == set(access.visible_to(user, act)), (user, act)
    assert len(access.visible_to(cast.researcher, listed=True)) == 1
    assert len(access.visible_to(cast.stranger, listed=True)) == 1
    assert not access.visible_to(cast.outsider, listed=True)


@pytest.mark.parametrize("level", Level.values)
@pytest.mark.parametrize("status", ["registered", "disposed"])
def test_the_acts_of_a_page_are_those_that_each_act_allows(cast, item, level, status):
    """One question instead of fifteen must not open one more thing, or one less."""
    EvidenceItem.objects.filter(pk=item.pk).update(effective_level=level, status=status)
    item.refresh_from_db()
    acts = sorted(set().union(*access.RIGHTS.values()))
    ended = timezone.now() - timedelta(minutes=1)
    for user in (cast.stranger, cast.researcher):  # the second took it in
        CaseMembership.objects.filter(user=user).delete()
        assert access.acts_on(user, item) == frozenset()
        for role, grants in itertools.product(
            access.RIGHTS, ([], ["view_sealed"], ["view_restricted"], ["reveal", "view_sealed"])
        ):
            row = CaseMembership.objects.create(
                user=user, case=item.case, role=role, actions=grants
            )
            expected = {act for act in acts if access.may(user, act, item)}
            assert access.acts_on(user, item) == expected, (user, role, grants)
            row.until = ended
            row.save()
            assert access.acts_on(user, item) == frozenset()
            CaseMembership.objects.filter(pk=row.pk).delete()
        # Two memberships of one case at once: a grant of the one does not lend the other its acts.
        for role in access.RIGHTS:
            CaseMembership.objects.create(user=user, case=item.case, role=role, actions=[])
        CaseMembership.objects.filter(user=user, role="auditor").update(actions=["view_sealed"])
        expected = {act for act in acts if access.may(user, act, item)}
        assert access.acts_on(user, item) == expected
        user.is_active = False
        assert access.acts_on(user, item) == frozenset()
        user.is_active = True
