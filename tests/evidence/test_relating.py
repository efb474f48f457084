"""Who has to do with which item: what was recorded, as far as the asker may see it."""

from __future__ import annotations

import dataclasses
import re

import pytest
from django.urls import reverse

from evidence import classifying, graphing, identifying, persons, relating, testimony
from evidence.models.agent import Agent
from evidence.relating import Link
from tests import people
from tests.evidence import sayings

pytestmark = pytest.mark.django_db


@pytest.fixture
def said(opened_log):
    cast = people.make_cast()
    told = sayings.make(cast)
    by = {"user": cast.researcher, "now": people.NOW}
    other = persons.describe(cast.case, pseudonym="CIV-B", protected_status="civilian", **by)
    finder = Agent.objects.create(label="The guard", kind="service")
    hidden = Agent.objects.create(label="CANARY-NAME", kind="person", is_protected=True)
    identifying.describe(
        told.card, document_type="military_id", bearer=told.person.person,
        rightful_holder=other.person, found_by=finder, inscribed_name="CANARY-INSCRIBED", **by,
    )  # fmt: skip
    testimony.mediate(
        told.statement, order=2, mode="consecutive", mediator=hidden, from_language="ko",
        to_language="en", **by,
    )  # fmt: skip
    return told


def shown(relations):
    return {(one.who.name, one.link, one.item.exhibit_number[-1]) for one in relations}


def test_relations_are_what_was_recorded_under_pseudonyms(said):
    found = relating.of_case(said.cast.case, user=said.cast.researcher)
    card, statement = said.card.exhibit_number[-1], said.statement.exhibit_number[-1]
    assert {
        ("POW-A", Link.BEARER, card),
        ("CIV-B", Link.HOLDER, card),
        ("The guard", Link.FOUND, card),
        ("POW-A", Link.DECLARED, statement),
        ("somebody whose name is protected", Link.MEDIATED, statement),
    } <= shown(found)


def test_a_correction_takes_the_earlier_relation_away(said):
    by = {"user": said.cast.researcher, "now": people.NOW}
    identifying.describe(said.card, document_type="military_id", **by)
    left = relating.of_item(said.card, user=said.cast.researcher)
    assert not [one for one in left if one.link in {Link.BEARER, Link.HOLDER, Link.FOUND}]


def test_whom_one_shares_an_item_with(said):
    case, user = said.cast.case, said.cast.researcher
    other = next(one.who for one in relating.of_case(case, user=user) if one.who.name == "CIV-B")
    found = relating.of_case(case, user=user, who=other.id)
    assert {one.item for one in found} == {said.card}
    assert {one.who.name for one in found} >= {"POW-A", "CIV-B", "The guard"}
    assert relating.of_case(case, user=user, links=[Link.HOLDER], who=other.id)[0].who == other


def test_what_may_not_be_viewed_relates_to_nobody(said, client):
    classifying.raise_to(
        said.card, level="sealed", markers=[], reason="x", user=said.cast.researcher,
        now=people.NOW,
    )  # fmt: skip
    found = relating.of_case(said.cast.case, user=said.cast.researcher)
    assert said.card not in {one.item for one in found}
    assert "CIV-B" not in {one.who.name for one in found}


def test_the_page_draws_them_tells_them_in_words_and_no_name(said, client):
    client.force_login(said.cast.researcher)
    here = reverse("evidence:case_relations", args=[said.cast.case.pk])
    text = client.get(here).content.decode()
    assert "CANARY" not in text
    lines = re.findall(r'<path class="line (\w+)" d="M', text)
    rows = text.count('<tr><td><a href="?who=')
    found = relating.of_case(said.cast.case, user=said.cast.researcher)
    assert rows == len(found)
    drawn = [str(one.link) for one in found]
    assert sorted(lines) == sorted(drawn + list(set(drawn)))  # a line each, and the legend's
    only = client.get(here + "?link=bearer").content.decode()
    assert only.count('<tr><td><a href="?who=') == 1
    assert client.get(here + "?link=nothing").status_code == 400
    assert client.get(here + "?who=nobody").status_code == 400


def test_the_item_names_who_has_to_do_with_it(said, client):
    client.force_login(said.cast.researcher)
    item = reverse("admin:evidence_evidenceitem_change", args=[said.card.pk])
    text = client.get(item).content.decode()
    assert "carried it" in text
    assert "is its rightful holder" in text


def test_more_than_fit_are_counted_not_forgotten(said):
    (one, *_) = relating.of_case(said.cast.case, user=said.cast.researcher)
    many = [
        dataclasses.replace(one, who=dataclasses.replace(one.who, name=f"P-{number:03}"))
        for number in range(graphing.MOST + 5)
    ]
    graph = graphing.drawn(many)
    assert (len(graph["who"]), graph["left_out"]) == (graphing.MOST, 5)
    assert graphing.drawn([]) is None
