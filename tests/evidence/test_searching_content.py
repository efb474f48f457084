"""What is said is found in four scripts by who may view it, and by nobody else."""

from __future__ import annotations

import pytest
from django.test import Client
from django.urls import reverse

from evidence import access, claiming, classifying, searching, testimony
from evidence.models.item import EvidenceItem
from tests import people
from tests.evidence import sayings

pytestmark = pytest.mark.django_db
WORDS = {
    "uk": "Він з’їхав у Курську область, ґанок зруйновано.",
    "ru": "Он ещё лежал на полу.",
    "ko": "저는 북한 병사입니다.",
    "en": "He thought that he would train.",
}


@pytest.fixture
def said(opened_log) -> sayings.Sayings:
    said = sayings.make(people.make_cast())
    testimony.write_down(
        said.statement,
        [testimony.Passage({0: (language, text)}) for language, text in WORDS.items()],
        user=said.cast.researcher,
        now=people.NOW,
    )
    return said


def found(user, text):
    items = searching.find(access.visible_to(user), text, readable=access.visible_to(user, "view"))
    return set(items)


@pytest.mark.parametrize(
    "text",
    [
        "з'їхав", "КУРСЬКУ", "ганок", "еще", "лежал на", "병사", "북한", "사", "THOUGHT trai",
        "POW-A", "TEST-001-0001 병사", "being sent",
    ],
)  # fmt: skip
def test_what_is_said_is_found_in_each_script(said, text):
    assert found(said.cast.researcher, text) == {said.statement}


def test_what_is_not_said_is_not_found(said):
    assert found(said.cast.researcher, "병원") == set()
    assert found(said.cast.researcher, "thought nothing") == set()


@pytest.mark.parametrize("who", ["auditor", "stranger", "outsider", "root", "administrator"])
def test_who_may_not_view_it_learns_nothing_by_searching(said, who):
    user = getattr(said.cast, who)

    assert found(user, "병사") == set()
    client = Client()
    client.force_login(user)
    page = client.get(
        reverse("admin:evidence_evidenceitem_changelist"), {"q": "병사"}, follow=True
    ).content.decode()
    assert said.statement.exhibit_number not in page


def test_the_list_finds_it_for_who_may_view_it(said):
    client = Client()
    client.force_login(said.cast.researcher)

    page = client.get(reverse("admin:evidence_evidenceitem_changelist"), {"q": "병사"})

    assert said.statement.exhibit_number in page.content.decode()
    assert said.report.exhibit_number not in page.content.decode()


def test_what_is_protected_more_is_found_by_fewer_at_once(said):
    other = sayings.item(said.cast, content=b"another")
    claiming.claim(
        said.cast.case, text="A claim of canaries.", asserted_in=other,
        user=said.cast.researcher, now=people.NOW,
    )  # fmt: skip
    assert found(said.cast.release_officer, "canaries") == {other}

    classifying.raise_to(
        other, level="sealed", markers=[], reason="x", user=said.cast.researcher, now=people.NOW
    )

    assert found(said.cast.release_officer, "canaries") == set()
    assert found(said.cast.researcher, "canaries") == set()


def test_a_correction_is_found_and_what_it_corrects_is_not(said):
    segment, _ = testimony.standing(said.statement).passages[-1]
    testimony.write_layer(
        segment, 0, language="en", text="He believed it.", user=said.cast.researcher,
        now=people.NOW,
    )  # fmt: skip

    assert found(said.cast.researcher, "believed") == {said.statement}
    assert EvidenceItem.objects.count() == 3
    assert found(said.cast.researcher, "would train") == set()
