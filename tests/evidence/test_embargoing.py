"""Embargoes: nothing leaves before its time, whoever authorised it; each step is recorded."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.urls import reverse

from archive.models.bundle import Bundle
from archive.models.job import Job
from archive.models.ledger import Entry
from evidence import agreeing, embargoing, exporting, releasing
from evidence.models.case import CaseMembership
from tests import people
from tests.evidence.held import make, worked

DAY = timedelta(days=1)


@pytest.fixture
def held(committed_database):
    made = make()
    CaseMembership.objects.create(case=made.cast.case, user=made.cast.researcher, role="lead")
    return made


def placed(held, item=None, **more):
    said = {
        "until": people.NOW + 30 * DAY, "authority": "The family", "reason": "They bury him first.",
        "user": held.cast.researcher, "now": people.NOW, **more,
    }  # fmt: skip
    return embargoing.place(item or held.picture, **said)


def released(held, *, now=people.NOW):
    asked = releasing.request(
        [held.picture], recipient="Somebody", purpose="A test", recipient_class="court",
        profile="full", user=held.cast.researcher, now=now,
    )  # fmt: skip
    return releasing.decide(
        asked, authorised=True, reason="It may.", public_interest="It is.",
        user=held.cast.release_officer, now=now,
    )  # fmt: skip


def exported(held, decision, *, now):
    return exporting.export(
        [held.picture], purpose="A test", recipient="Somebody", user=held.cast.release_officer,
        now=now, release=decision,
    )  # fmt: skip


def test_nothing_leaves_before_its_time_by_a_release_of_two_people(held):
    decision = released(held)
    placed(held)
    for when in (people.NOW, people.NOW + 29 * DAY):
        with pytest.raises(exporting.ExportError, match="under embargo"):
            exported(held, decision, now=when)
    assert not Bundle.objects.exists()
    assert exported(held, decision, now=people.NOW + 31 * DAY).bundle.profile == "full"


def test_nor_without_one(held):
    open_items = [one for one in held.items() if not releasing.needs_release(one)]
    placed(held, open_items[0])
    with pytest.raises(exporting.ExportError, match="under embargo"):
        exporting.export(
            open_items, purpose="A test", recipient="Somebody",
            user=held.cast.release_officer, now=people.NOW,
        )  # fmt: skip


def test_a_bundle_that_was_asked_for_before_is_neither_written_nor_handed_out(held, client):
    decision = released(held)
    ready, waiting = (exported(held, decision, now=people.NOW) for _ in range(2))
    worked(Job.objects.get(kind="evidence.export", subject=str(ready.pk)).pk)
    assert Bundle.objects.get(pk=ready.pk).state == Bundle.State.VERIFIED
    # Bundles are written and handed out by the clock.
    placed(held, until=people.NOW + 36_500 * DAY)
    worked(Job.objects.get(kind="evidence.export", subject=str(waiting.pk)).pk)
    assert Bundle.objects.get(pk=waiting.pk).state == Bundle.State.FAILED
    client.force_login(held.cast.release_officer)
    answer = client.get(reverse("evidence:export_download", args=[ready.pk]), follow=True)
    assert "under embargo" in answer.content.decode()


def test_it_is_moved_and_ended_with_reasons_that_the_ledger_proves(held):
    placed(held)
    by = {"user": held.cast.researcher, "now": people.NOW}
    moved = placed(held, until=people.NOW + 60 * DAY, reason="The trial was put off.")
    assert embargoing.of(held.picture, now=people.NOW) == moved
    with pytest.raises(embargoing.EmbargoError, match="why"):
        embargoing.end(held.picture, reason=" ", **by)
    embargoing.end(held.picture, reason="The family agreed.", **by)
    assert embargoing.of(held.picture, now=people.NOW) is None
    with pytest.raises(embargoing.EmbargoError, match="No embargo"):
        embargoing.end(held.picture, reason="Again.", **by)
    placed(held)
    kinds = Entry.objects.filter(item=str(held.picture.pk), kind__contains="embargo")
    assert [one.kind for one in kinds.order_by("seq")] == [
        "item.embargoed", "item.embargoed", "item.embargo_ended", "item.embargoed",
    ]  # fmt: skip
    assert not [one for one in kinds if "family" in one.body]
    assert [one.code for one in agreeing.findings()] == [agreeing.AGREES]


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ({"until": people.NOW}, "to come"),
        ({"authority": " "}, "authority"),
        ({"reason": ""}, "authority"),
    ],
)
def test_what_would_keep_nothing_back_is_refused(held, said, words):
    with pytest.raises(embargoing.EmbargoError, match=words):
        placed(held, **said)


def test_the_page_sets_and_ends_it_and_the_export_page_says_it(held, client):
    client.force_login(held.cast.researcher)
    here = reverse("evidence:disposal", args=[held.picture.pk])
    said = {"act": "embargo", "until": "2126-01-01T00:00", "authority": "The family"}
    assert client.post(here, said).status_code == 400
    assert client.post(here, {**said, "reason": "They bury him first."}).status_code == 302
    assert "2126-01-01 00:00" in client.get(here).content.decode()
    client.force_login(held.cast.release_officer)
    export = reverse("evidence:export_new") + f"?items={held.picture.pk}"
    assert "Under embargo" in client.get(export).content.decode()
    for act in ("embargo", "end_embargo"):
        assert client.post(here, {**said, "act": act, "reason": "x"}).status_code == 404
    client.force_login(held.cast.researcher)
    assert client.post(here, {"act": "end_embargo", "reason": "Done."}).status_code == 302
    assert "Under embargo" not in client.get(here).content.decode()
